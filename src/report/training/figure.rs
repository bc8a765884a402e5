//! The course of a training: loss, accuracy and weights against the step.

use crate::order;
use crate::report::figures::axes::{Axis, Panel, Scale};
use crate::report::figures::canvas::{Figure, path, text, through, tip};
use crate::report::format::number;
use crate::result::{Audit, TrainingPoint};

const WIDTH: f64 = 1040.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 120.0;
const PANEL: f64 = 140.0;
const GAP: f64 = 24.0;

/// A line: name, class and points.
struct Course {
    name: &'static str,
    class: &'static str,
    points: Vec<(f64, f64)>,
}

/// What a panel shows.
struct Measures {
    axis: Axis,
    lines: Vec<Course>,
}

/// One panel for each kind of measure; `None` without a curve.
#[must_use]
pub fn draw(audit: &Audit) -> Option<Figure> {
    let curve = &audit.training.as_ref()?.curve;
    let mut all = vec![loss(curve), accuracy(curve), weights(curve)];
    all.retain(|measures| !measures.lines.is_empty());
    if curve.len() < 2 || all.is_empty() {
        return None;
    }
    let steps = || curve.iter().map(step);
    let last = steps().fold(0.0, f64::max);
    let x = Axis::new(Scale::Linear, 0.0, last, "step");
    #[allow(clippy::cast_precision_loss, reason = "three panels")]
    let height = all.len() as f64 * (PANEL + GAP);
    let label = "Loss, accuracy and number of weights above 0.01 against the step of the training";
    let mut figure = Figure::new("training-curve", label, WIDTH, height + 56.0);
    let mut top = 20.0;
    let count = all.len();
    for (k, measures) in all.into_iter().enumerate() {
        let panel = Panel {
            left: LEFT,
            top,
            width: WIDTH - LEFT - RIGHT,
            height: PANEL,
            x: x.clone(),
            y: measures.axis,
        };
        panel.frame_y(&mut figure);
        panel.ruled_x(&mut figure);
        if k + 1 == count {
            panel.frame_x(&mut figure);
        }
        lines(&mut figure, &panel, &measures.lines);
        top += PANEL + GAP;
    }
    Some(figure)
}

#[allow(clippy::cast_precision_loss, reason = "drawn to a pixel")]
fn step(point: &TrainingPoint) -> f64 {
    point.step as f64
}

type Of = fn(&TrainingPoint) -> Option<f64>;

/// The lines that have values, each with those it can draw.
fn measures(
    curve: &[TrainingPoint],
    of: &[(&'static str, &'static str, Of)],
    axis: fn(Vec<f64>) -> Axis,
) -> Measures {
    let points = |of: Of| -> Vec<(f64, f64)> {
        let point = |p: &TrainingPoint| Some((step(p), of(p).filter(|v| v.is_finite())?));
        curve.iter().filter_map(point).collect()
    };
    let line = |(name, class, of): &(&'static str, &'static str, Of)| Course {
        name,
        class,
        points: points(*of),
    };
    let lines = of.iter().map(line).filter(|line| line.points.len() > 1);
    let lines: Vec<Course> = lines.collect();
    let values = lines.iter().flat_map(|line| &line.points);
    Measures {
        axis: axis(values.map(|(_, value)| *value).collect()),
        lines,
    }
}

fn loss(curve: &[TrainingPoint]) -> Measures {
    let of: [(_, _, Of); 2] = [
        ("training samples", "curve a", |p| p.train_loss),
        ("test samples", "curve b", |p| p.test_loss),
    ];
    measures(curve, &of, |values| Axis::log(values, "loss"))
}

fn accuracy(curve: &[TrainingPoint]) -> Measures {
    let of: [(_, _, Of); 2] = [
        ("training samples", "curve a", |p| p.train_accuracy),
        ("test samples", "curve b", |p| p.test_accuracy),
    ];
    measures(curve, &of, |_| {
        Axis::new(Scale::Linear, 0.0, 1.0, "accuracy")
    })
}

fn weights(curve: &[TrainingPoint]) -> Measures {
    let of: [(_, _, Of); 1] = [("|w| > 0.01", "curve", |p| p.weights)];
    measures(curve, &of, |values| Axis::log(values, "weights"))
}

/// Every line with its name at its end; names that would touch stand apart.
fn lines(figure: &mut Figure, panel: &Panel, lines: &[Course]) {
    let mut above = f64::NEG_INFINITY;
    let end = |points: &[(f64, f64)]| points.last().map_or(0.0, |(_, y)| panel.py(*y));
    let mut sorted: Vec<_> = lines.iter().collect();
    order::ascending(&mut sorted, |one| end(&one.points));
    for Course {
        name,
        class,
        points,
    } in sorted
    {
        let places: Vec<(f64, f64)> = points.iter().map(|(x, y)| panel.point(*x, *y)).collect();
        let last = points.last().map_or(f64::NAN, |(_, value)| *value);
        let words = format!("{name}: {} at the end", number(last));
        figure.add(path(through(&places), class).add(tip(&words)));
        let y = (end(points) + 4.0).max(above + 15.0);
        figure.add(text(panel.right() + 8.0, y, "quiet", name));
        above = y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::result::Training;

    #[test]
    fn what_was_measured_is_drawn_and_nothing_else() {
        let mut audit = sample::audit();
        assert!(draw(&audit).is_none());
        let point = |step, loss, weights| TrainingPoint {
            step,
            train_loss: Some(loss),
            test_loss: Some(f64::NAN),
            weights: Some(weights),
            ..TrainingPoint::default()
        };
        let curve = vec![
            point(0, 1.0, 100.0),
            point(50, 0.1, 10.0),
            point(100, 0.01, 1.0),
        ];
        audit.training = Some(Training {
            curve,
            ..Training::default()
        });
        let drawn = draw(&audit).expect("there is a curve").inline();
        // Two panels of one line each; both fall by equal ratios in equal steps.
        assert_eq!(drawn.matches("<path").count(), 2);
        assert!(
            drawn.contains("training samples: 0.01 at the end"),
            "{drawn}"
        );
        assert!(!drawn.contains("accuracy<") && !drawn.contains("test samples"));
        assert!(drawn.contains("L502 90L"), "{drawn}");
    }
}
