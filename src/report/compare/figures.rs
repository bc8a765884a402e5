//! Networks side by side: small multiples at one scale, fronts, differences.

use crate::report::compare::dots::dots;
use crate::report::compare::forest::ForestRow;
use crate::report::compare::forest::forest;
use crate::report::compare::pareto::Better as Side;
use crate::report::compare::pareto::ParetoPoint;
use crate::report::compare::pareto::{self, pareto};
use crate::report::compare::small::{Cell, strongest};
use crate::report::figures::axes::Axis;
use crate::report::figures::canvas::{Figure, text};
use crate::report::figures::file_name;
use crate::report::format::{count, count_words};
use crate::report::sites::{plain, shortened};
use crate::result::{ComparedMeasure, ComparedNetwork, Comparison, FrontPoint};

const WIDTH: f64 = 1040.0;
const LEFT: f64 = 96.0;

/// Height of the two lines below a small picture.
const CAPTION: f64 = 40.0;

/// Most networks of one regime that are drawn in its row.
const MOST_COLUMNS: usize = 10;

/// Forest plots of these measures, where they are there.
const DIFFERENCES: [&str; 6] = [
    "edges_at_tolerance",
    "exact_edges",
    "exact_gap",
    "acdc_seconds",
    "modularity",
    "loss",
];

/// Every figure of a comparison.
#[must_use]
pub fn all(comparison: &Comparison) -> Vec<Figure> {
    let mut figures: Vec<Figure> = dots(comparison).into_iter().collect();
    figures.push(networks(comparison));
    figures.extend(front(comparison, Quality::Gap));
    figures.extend(front(comparison, Quality::Faithfulness));
    figures.extend(differences(comparison));
    figures
}

/// The forest plots: the reference less every other regime.
#[must_use]
pub fn differences(comparison: &Comparison) -> Vec<Figure> {
    let equal_size = |m: &&ComparedMeasure| m.info.point.starts_with("equal size");
    let gaps: Vec<&ComparedMeasure> = comparison
        .measures
        .iter()
        .filter(|m| m.info.key.starts_with("gap_at_"))
        .filter(equal_size)
        .collect();
    // The middle of the sizes.
    let gap = gaps.get(gaps.len() / 2).copied();
    let named = DIFFERENCES
        .iter()
        .filter_map(|key| comparison.measures.iter().find(|m| m.info.key == *key));
    named
        .chain(gap)
        .filter_map(|measure| difference(comparison, measure))
        .collect()
}

fn difference(comparison: &Comparison, measure: &ComparedMeasure) -> Option<Figure> {
    let reference = comparison.groups.first()?;
    let rows: Vec<ForestRow> = measure
        .tests
        .iter()
        .filter_map(|test| {
            let estimate = test.difference?;
            let [low, high] = test.interval.unwrap_or([estimate; 2]);
            Some(ForestRow {
                label: format!("{} − {}", plain(&reference.name), plain(&test.other)),
                estimate,
                low,
                high,
            })
        })
        .collect();
    let axis = format!(
        "{} ({}): difference and 95 % interval",
        plain(&measure.info.title),
        plain(&measure.info.point)
    );
    forest(
        &file_name(&["difference", &measure.info.key]),
        &rows,
        &axis,
        Some(0.0),
    )
}

/// What a front sets against the number of edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quality {
    Gap,
    Faithfulness,
}

/// Means over each regime's networks along the size of their circuits.
fn front(comparison: &Comparison, quality: Quality) -> Option<Figure> {
    let value = |point: &FrontPoint| match quality {
        Quality::Gap => point.gap,
        Quality::Faithfulness => Some((1.0 - point.faithfulness?).abs()),
    };
    let total: usize = comparison
        .layers
        .windows(2)
        .map(|w| w.first().unwrap_or(&0) * w.last().unwrap_or(&0))
        .sum();
    let mut points = Vec::new();
    for group in &comparison.groups {
        let mine: Vec<&ComparedNetwork> = comparison
            .networks
            .iter()
            .filter(|n| n.group == group.name)
            .collect();
        for size in sizes(total) {
            let at = mine.iter().filter_map(|n| {
                let within = n.front.iter().rev().find(|p| p.edges <= size)?;
                value(within)
            });
            let all: Vec<f64> = at.collect();
            if all.len() == mine.len() && !all.is_empty() {
                #[allow(clippy::cast_precision_loss, reason = "drawn to a pixel")]
                points.push(ParetoPoint {
                    label: format!("{}, {} edges", plain(&group.name), count(size)),
                    series: plain(&group.name),
                    x: size as f64,
                    y: all.iter().sum::<f64>() / all.len() as f64,
                });
            }
        }
    }
    let (name, words) = match quality {
        Quality::Gap => ("front-gap", "relative gap of the circuits"),
        Quality::Faithfulness => ("front-faithfulness", "|1 − faithfulness| of the circuits"),
    };
    let axes = (
        Axis::log(
            points.iter().map(|p| p.x),
            "edges of each circuit (fewer is sparser)",
        ),
        Axis::from_zero(points.iter().map(|p| p.y.min(1.5)), words),
    );
    pareto(
        name,
        &points,
        axes,
        (Side::Lower, Side::Lower),
        pareto::WIDTH,
    )
}

/// 1, 2, 5, 10, 20, ... up to a half of all edges.
fn sizes(total: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut decade = 1;
    while decade <= total / 2 {
        sizes.extend(
            [1, 2, 5]
                .map(|f| f * decade)
                .iter()
                .filter(|s| **s <= total / 2),
        );
        decade *= 10;
    }
    sizes
}

/// One row per regime, one picture per seed; weights at one scale.
#[must_use]
pub fn networks(comparison: &Comparison) -> Figure {
    let columns = comparison
        .groups
        .iter()
        .map(|g| g.networks.len())
        .max()
        .unwrap_or(1)
        .clamp(1, MOST_COLUMNS);
    #[allow(clippy::cast_precision_loss, reason = "a handful of columns")]
    let side = ((WIDTH - LEFT - 10.0) / columns as f64).min(220.0);
    let height = side * 0.92;
    #[allow(clippy::cast_precision_loss, reason = "a handful of rows")]
    let total = comparison.groups.len() as f64 * (height + CAPTION) + 14.0;
    let label = format!(
        "{} networks by regime and seed, inputs below and outputs above, the strongest surviving \
         weights at one scale: blue positive, red negative",
        count_words(comparison.networks.len())
    );
    let mut figure = Figure::new("networks", label, WIDTH, total);
    let strongest = strongest(comparison);
    let mut top = 8.0;
    for group in &comparison.groups {
        let name = shortened(&plain(&group.name), 12);
        figure.add(text(LEFT - 16.0, top + height / 2.0, "strong end", &name));
        let mine = comparison.networks.iter().filter(|n| n.group == group.name);
        let mut left = LEFT;
        for network in mine.take(columns) {
            let cell = Cell {
                left: left + 5.0,
                top,
                width: side - 10.0,
                height: height - 8.0,
            };
            cell.draw(&mut figure, network, &comparison.places, strongest);
            left += side;
        }
        top += height + CAPTION;
    }
    figure
}
