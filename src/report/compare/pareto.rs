//! Pareto fronts: what no other point beats on both axes.

use crate::order;
use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, disc, path, text, text_width, through, tip};
use crate::report::figures::legend::{self, Entry, Sample};
use crate::report::figures::palette::module_class;
use crate::report::format::number;
use crate::report::sites::shortened;

/// Width of the figure, but on phones.
pub const WIDTH: f64 = 760.0;

/// One thing with two qualities.
#[derive(Debug, Clone, PartialEq)]
pub struct ParetoPoint {
    /// What it is.
    pub label: String,
    /// What it belongs to; points of one series have one colour.
    pub series: String,
    /// Its quality across.
    pub x: f64,
    /// Its quality upwards.
    pub y: f64,
}

/// Which end of an axis is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less is better, as with errors and costs.
    Lower,
    /// More is better.
    Higher,
}

impl Better {
    fn gain(self, value: f64) -> f64 {
        match self {
            Self::Lower => -value,
            Self::Higher => value,
        }
    }
}

/// The indices of the points that no other point beats, from left to right.
///
/// A point is beaten by one that is no worse on both axes and better on one.
/// What is not finite is never on the front.
#[must_use]
pub fn front(points: &[ParetoPoint], better: (Better, Better)) -> Vec<usize> {
    let gains = |p: &ParetoPoint| (better.0.gain(p.x), better.1.gain(p.y));
    let is_finite = |p: &ParetoPoint| p.x.is_finite() && p.y.is_finite();
    let is_beaten = |p: &ParetoPoint| {
        let (x, y) = gains(p);
        points.iter().filter(|q| is_finite(q)).any(|q| {
            let (u, v) = gains(q);
            u >= x && v >= y && (u > x || v > y)
        })
    };
    let mut best: Vec<usize> = points
        .iter()
        .enumerate()
        .filter(|(_, p)| is_finite(p) && !is_beaten(p))
        .map(|(k, _)| k)
        .collect();
    let across = |k: &usize| points.get(*k).map_or(0.0, |p| p.x);
    order::ascending(&mut best, across);
    best
}

/// All points, with a line along the front; `None` without points.
#[must_use]
pub fn pareto(
    name: &str,
    points: &[ParetoPoint],
    (x, y): (Axis, Axis),
    better: (Better, Better),
    wide: f64,
) -> Option<Figure> {
    if points.is_empty() {
        return None;
    }
    let panel = Panel {
        left: 84.0,
        top: 16.0,
        width: wide - 84.0 - 24.0,
        height: 300.0,
        x,
        y,
    };
    let best = front(points, better);
    let label = format!(
        "{} points, {} of them on the Pareto front: no other point is better on both axes",
        points.len(),
        best.len()
    );
    let entries = key(points);
    let (drawn, height) = legend::draw(&entries, panel.left, panel.bottom() + 48.0, wide - 10.0);
    let mut figure = Figure::new(name, label, wide, panel.bottom() + height + 56.0);
    panel.frame(&mut figure);
    let places: Vec<(f64, f64)> = best
        .iter()
        .filter_map(|k| points.get(*k))
        .map(|p| panel.point(p.x, p.y))
        .collect();
    figure.add(path(through(&places), "curve"));
    for point in points {
        mark(&mut figure, &panel, point, series_of(points, point));
    }
    names(&mut figure, &panel, points, &best);
    for element in drawn {
        figure.add(element);
    }
    Some(figure)
}

fn mark(figure: &mut Figure, panel: &Panel, point: &ParetoPoint, series: usize) {
    if point.x.is_finite() && point.y.is_finite() {
        let words = format!("{}: {}, {}", point.label, number(point.x), number(point.y));
        let class = format!("node {}", module_class(series));
        figure.add(disc(panel.point(point.x, point.y), 5.5, &class).add(tip(&words)));
    }
}

/// Names beside the points of the front, left out where they would touch.
fn names(figure: &mut Figure, panel: &Panel, points: &[ParetoPoint], best: &[usize]) {
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for point in best.iter().filter_map(|k| points.get(*k)) {
        let words = shortened(&point.label, 28);
        let width = text_width(&words, 12.0);
        let (x, y) = panel.point(point.x, point.y);
        let left = if x + 9.0 + width > panel.right() {
            x - 9.0 - width
        } else {
            x + 9.0
        };
        let touches =
            |(l, r, b): &(f64, f64, f64)| left < *r && left + width > *l && (y - b).abs() < 15.0;
        if !taken.iter().any(touches) {
            figure.add(text(left, y - 6.0, "quiet halo", &words));
            taken.push((left, left + width, y));
        }
    }
}

fn series(points: &[ParetoPoint]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for point in points {
        if !names.contains(&point.series.as_str()) {
            names.push(&point.series);
        }
    }
    names
}

fn series_of(points: &[ParetoPoint], point: &ParetoPoint) -> usize {
    let position = series(points).iter().position(|s| *s == point.series);
    position.unwrap_or(0)
}

fn key(points: &[ParetoPoint]) -> Vec<Entry> {
    let names = series(points);
    let disc = |k: usize| Sample::Disc(format!("node {}", module_class(k)), None);
    let mut entries: Vec<Entry> = names
        .iter()
        .enumerate()
        .map(|(k, name)| Entry::new(disc(k), shortened(name, 30)))
        .collect();
    entries.push(Entry::new(Sample::Line("curve"), "Pareto front"));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::Print;
    use crate::report::sample::well_formed;

    fn point(x: f64, y: f64) -> ParetoPoint {
        ParetoPoint {
            label: format!("{x}, {y}"),
            series: "bimt".to_owned(),
            x,
            y,
        }
    }

    #[test]
    fn what_is_beaten_on_both_axes_is_not_on_the_front() {
        let points = [
            point(3.0, 3.0),
            point(1.0, 1.0),
            point(2.0, 0.5),
            point(2.0, 2.0),
            point(f64::NAN, 9.0),
        ];
        assert_eq!(front(&points, (Better::Lower, Better::Higher)), [1, 3, 0]);
        assert_eq!(front(&points, (Better::Lower, Better::Lower)), [1, 2]);
        let axes = (Axis::linear([1.0, 3.0], "x"), Axis::linear([0.5, 3.0], "y"));
        let figure =
            pareto("p", &points, axes, (Better::Lower, Better::Higher), WIDTH).expect("points");
        assert_eq!(well_formed(&figure.file(&Print::default())), Ok(()));
        assert_eq!(figure.file(&Print::default()).matches("<circle").count(), 5);
        assert!(!figure.file(&Print::default()).contains("NaN"));
    }
}
