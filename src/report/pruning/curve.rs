//! What every threshold does: edges kept, change of the outputs, loss.

use crate::choice::Requested;
use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, bar, dots, line, path, text, through};
use crate::report::format::number;
use crate::result::{Audit, CurvePoint, Prune};

const WIDTH: f64 = 1040.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const PANEL: f64 = 150.0;
const GAP: f64 = 26.0;

/// Most splits that are marked.
const MOST_SPLITS: usize = 8;

/// Three panels over one logarithmic threshold axis; `None` without a curve.
#[must_use]
pub fn draw(audit: &Audit) -> Option<Figure> {
    let prune = audit.prune.as_ref()?;
    let points: Vec<&CurvePoint> = prune.curve.iter().filter(|p| p.threshold > 0.0).collect();
    if points.len() < 2 {
        return None;
    }
    let panels = panels(&points);
    let last = panels.last()?;
    let label = "Against the threshold: edges that survive, largest change of an output over its tolerance, and loss";
    let mut figure = Figure::new("threshold-curve", label, WIDTH, last.bottom() + 46.0);
    for (k, panel) in panels.iter().enumerate() {
        if k == 1 {
            tolerance(&mut figure, panel);
        }
        panel.frame_y(&mut figure);
        panel.ruled_x(&mut figure);
        series(&mut figure, panel, &points, k);
    }
    last.frame_x(&mut figure);
    marks(&mut figure, audit, prune, &panels);
    Some(figure)
}

fn panels(points: &[&CurvePoint]) -> Vec<Panel> {
    let x = Axis::log(
        points.iter().map(|p| p.threshold),
        "threshold: weights with |w| below it are set to zero",
    );
    let changes = points.iter().map(|p| p.change_over_tolerance);
    let bounds = points.iter().filter_map(|p| bound_over_tolerance(p));
    let reference = [0.1, 10.0];
    let mut axes = vec![
        Axis::log(
            points.iter().filter_map(|p| positive(p.edges_kept)),
            "edges kept",
        ),
        Axis::log(changes.chain(bounds).chain(reference), "change ÷ tolerance"),
    ];
    axes.extend(loss_axis(points));
    let mut top = 34.0;
    let place = |y| {
        let panel = Panel {
            left: LEFT,
            top,
            width: WIDTH - LEFT - RIGHT,
            height: PANEL,
            x: x.clone(),
            y,
        };
        top += PANEL + GAP;
        panel
    };
    axes.into_iter().map(place).collect()
}

/// Logarithmic where the loss grows more than a hundredfold.
fn loss_axis(points: &[&CurvePoint]) -> Option<Axis> {
    let losses: Vec<f64> = points
        .iter()
        .filter_map(|p| p.loss)
        .filter(|l| l.is_finite())
        .collect();
    let low = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let high = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if losses.is_empty() {
        None
    } else if low > 0.0 && high > 100.0 * low {
        Some(Axis::log(losses, "loss"))
    } else {
        Some(Axis::from_zero(losses, "loss"))
    }
}

#[allow(clippy::cast_precision_loss, reason = "drawn to a pixel")]
fn positive(edges: usize) -> Option<f64> {
    (edges > 0).then_some(edges as f64)
}

/// The certified bound in units of the tolerance, from the two changes of the same point.
fn bound_over_tolerance(point: &CurvePoint) -> Option<f64> {
    let unit = point.change_over_tolerance / point.max_abs_change;
    let scaled = point.bound? * unit;
    scaled.is_finite().then_some(scaled)
}

fn value(point: &CurvePoint, panel: usize) -> Option<f64> {
    match panel {
        0 => positive(point.edges_kept),
        1 => Some(point.change_over_tolerance).filter(|v| *v > 0.0),
        _ => point.loss,
    }
    .filter(|v| v.is_finite())
}

fn series(figure: &mut Figure, panel: &Panel, points: &[&CurvePoint], k: usize) {
    let places: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|p| Some(panel.point(p.threshold, value(p, k)?)))
        .collect();
    figure.add(path(through(&places), "curve"));
    if places.len() <= 60 {
        figure.add(dots(&places, 2.2, "dots used"));
    }
    if k == 1 {
        let bounds: Vec<(f64, f64)> = points
            .iter()
            .filter_map(|p| Some(panel.point(p.threshold, bound_over_tolerance(p)?)))
            .collect();
        figure.add(path(through(&bounds), "curve b"));
    }
}

/// The part of a panel in which the outputs count as unchanged.
pub(super) fn tolerance(figure: &mut Figure, panel: &Panel) {
    let y = panel.py(1.0);
    figure.add(bar(
        panel.left,
        y,
        panel.width,
        panel.bottom() - y,
        "within",
    ));
    figure.add(line((panel.left, y), (panel.right(), y), "limit"));
    figure.add(text(
        panel.left + 8.0,
        y + 16.0,
        "quiet small",
        "within tolerance",
    ));
}

/// The threshold in use and those at which the network falls apart, across all panels.
fn marks(figure: &mut Figure, audit: &Audit, prune: &Prune, panels: &[Panel]) {
    let (Some(first), Some(last)) = (panels.first(), panels.last()) else {
        return;
    };
    if prune.threshold > 0.0 {
        let x = first.px(prune.threshold);
        figure.add(line((x, first.top - 6.0), (x, last.bottom()), "chosen"));
        let words = format!("threshold {} ({})", number(prune.threshold), asked(prune));
        figure.add(text(x - 6.0, first.top - 12.0, chosen_anchor(x), &words));
    }
    let splits = audit
        .modules
        .iter()
        .flat_map(|m| &m.independence.splits)
        .filter(|s| s.threshold > 0.0);
    let mut free_from = f64::NEG_INFINITY;
    for split in splits.take(MOST_SPLITS) {
        let x = first.px(split.threshold);
        figure.add(line((x, first.top), (x, last.bottom()), "split"));
        if x > free_from {
            let words = format!("{} parts", split.components.len());
            figure.add(text(x + 5.0, first.top + 13.0, "splitname halo", &words));
            free_from = x + 62.0;
        }
    }
}

fn asked(prune: &Prune) -> &'static str {
    match prune.requested {
        Requested::Auto | Requested::AutoCertified => "auto",
        Requested::At(_) => "as asked",
    }
}

/// Left of its line, unless the line is too far left for that.
fn chosen_anchor(x: f64) -> &'static str {
    if x < 260.0 { "strong" } else { "strong end" }
}
