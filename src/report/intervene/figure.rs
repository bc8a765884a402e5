//! The metric along a sweep.

use crate::report::figures::axes::{Axis, Panel, Scale};
use crate::report::figures::canvas::{Figure, disc, path, through, tip};
use crate::report::format::number;
use crate::report::sites::clean;
use crate::result::Intervention;

const WIDTH: f64 = 640.0;

/// The metric with the edits by the value that was swept; `None` without a sweep.
#[must_use]
pub fn sweep(result: &Intervention) -> Option<Figure> {
    let swept = result.sweep.as_ref()?;
    let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let points = swept.rows.iter().map(|row| (row.value, row.metric.after));
    let points: Vec<(f64, f64)> = points.filter(finite).collect();
    let before = swept.rows.first()?.metric.before;
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        let all: Vec<f64> = values.collect();
        let low = all.iter().copied().fold(f64::INFINITY, f64::min);
        let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match high > low {
            true => (low, high),
            false => (low - 1.0, low + 1.0),
        }
    };
    if points.is_empty() || !before.is_finite() {
        return None;
    }
    let (left, right) = ends(&mut points.iter().map(|p| p.0));
    let (low, high) = ends(&mut points.iter().map(|p| p.1).chain([before]));
    let at = &result.edits.get(swept.edit)?.at;
    let panel = Panel {
        left: 70.0,
        top: 14.0,
        width: WIDTH - 100.0,
        height: 220.0,
        x: Axis::new(Scale::Linear, left, right, &clean(at)),
        y: Axis::new(Scale::Linear, low, high, result.metric.metric.name()),
    };
    let label = format!(
        "{} by the value at {}: {} runs",
        result.metric.metric,
        clean(at),
        points.len()
    );
    let mut figure = Figure::new("sweep", label, WIDTH, panel.bottom() + 46.0);
    panel.frame_x(&mut figure);
    panel.frame_y(&mut figure);
    let as_is = [panel.point(left, before), panel.point(right, before)];
    figure.add(path(through(&as_is), "curve thin"));
    let drawn: Vec<_> = points.iter().map(|(x, y)| panel.point(*x, *y)).collect();
    figure.add(path(through(&drawn), "curve"));
    for (place, (x, y)) in drawn.iter().zip(&points) {
        let words = format!("{}: {}", number(*x), number(*y));
        figure.add(disc(*place, 3.0, "mark b").add(tip(&words)));
    }
    Some(figure)
}
