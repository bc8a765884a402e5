//! The number of modules along the resolution, and how stable they are.

use crate::report::figures::axes::{Axis, Panel, Scale};
use crate::report::figures::canvas::{Figure, bar, disc, path, through, tip};
use crate::report::format::{count, number};
use crate::result::{Modules, Scan, ScanPoint};

const WIDTH: f64 = 1040.0;

/// Two panels over one logarithmic axis; `None` without a scan.
#[must_use]
pub fn draw(modules: &Modules) -> Option<Figure> {
    let scan = modules.scan.as_ref().filter(|scan| scan.points.len() > 1)?;
    let label = "The number of modules, and the agreement of partitions of different seeds, against the resolution";
    let mut figure = Figure::new("resolution-scan", label, WIDTH, 320.0);
    let x = Axis::log(scan.points.iter().map(|p| p.resolution), "resolution γ");
    let counts = scan.points.iter().map(modules_of);
    let upper = Panel {
        left: 84.0,
        top: 20.0,
        width: WIDTH - 110.0,
        height: 140.0,
        x,
        y: Axis::log(counts, "modules"),
    };
    let lower = Panel {
        top: 180.0,
        height: 90.0,
        y: Axis::new(Scale::Linear, 0.0, 1.05, "Rand index"),
        ..upper.clone()
    };
    plateaus(&mut figure, &upper, scan);
    for panel in [&upper, &lower] {
        panel.frame_y(&mut figure);
        panel.ruled_x(&mut figure);
    }
    lower.frame_x(&mut figure);
    let steps: Vec<(f64, f64)> = scan
        .points
        .iter()
        .map(|p| upper.point(p.resolution, modules_of(p)))
        .collect();
    figure.add(path(through(&steps), "curve a"));
    for point in &scan.points {
        let words = format!(
            "γ = {}: {} modules, modularity {}",
            number(point.resolution),
            count(point.count),
            number(point.modularity)
        );
        let at = upper.point(point.resolution, modules_of(point));
        figure.add(disc(at, 3.0, "mark a").add(tip(&words)));
        if let Some(stability) = point.stability {
            let at = lower.point(point.resolution, stability.max(0.0));
            figure.add(disc(at, 3.0, "mark b").add(tip(&number(stability))));
        }
    }
    Some(figure)
}

#[allow(clippy::cast_precision_loss, reason = "drawn to a pixel")]
fn modules_of(point: &ScanPoint) -> f64 {
    point.count as f64
}

fn plateaus(figure: &mut Figure, panel: &Panel, scan: &Scan) {
    for plateau in &scan.plateaus {
        let (left, right) = (panel.px(plateau.from), panel.px(plateau.to));
        figure.add(bar(left, panel.top, right - left, panel.height, "band"));
    }
}
