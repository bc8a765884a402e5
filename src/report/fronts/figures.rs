//! Fronts, and every number against λ.

use std::collections::BTreeMap;

use crate::report::compare::pareto::{Better, ParetoPoint, pareto};
use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, disc, path, through, tip};
use crate::report::figures::palette::module_class;
use crate::report::format::{short, typed};
use crate::report::sites::clean;
use crate::result::{Fronts, OnFronts};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const PANEL: f64 = 120.0;
const BETWEEN: f64 = 22.0;

/// The fronts of edges and of blocks, and what changes with λ.
#[must_use]
pub fn all(fronts: &Fronts) -> Vec<Figure> {
    let edges = front_of_edges(fronts, WIDTH);
    let gained = |n: &OnFronts| n.description_length_gained;
    let blocks = ("nats that blocks gain", Better::Higher);
    let blocks = front(fronts, "front-of-blocks", blocks, gained, WIDTH);
    [edges, blocks, against(fronts)]
        .into_iter()
        .flatten()
        .collect()
}

/// Loss against the edges that are left.
pub(super) fn front_of_edges(fronts: &Fronts, wide: f64) -> Option<Figure> {
    let left = ("edges left", Better::Lower);
    front(fronts, "front-of-edges", left, edges, wide)
}

#[allow(clippy::cast_precision_loss, reason = "drawn to a pixel")]
fn edges(network: &OnFronts) -> Option<f64> {
    network.edges.map(|edges| edges as f64)
}

#[allow(clippy::cast_precision_loss, reason = "drawn to a pixel")]
fn modules(network: &OnFronts) -> Option<f64> {
    network.modules.map(|modules| modules as f64)
}

/// Loss upwards against a number across.
fn front(
    fronts: &Fronts,
    name: &str,
    (label, better): (&str, Better),
    of: impl Fn(&OnFronts) -> Option<f64>,
    wide: f64,
) -> Option<Figure> {
    let point = |n: &OnFronts| {
        Some(ParetoPoint {
            label: format!("λ {} s{}", typed(n.lambda), n.seed),
            series: series(n),
            x: of(n)?,
            y: n.loss?,
        })
    };
    let points: Vec<ParetoPoint> = fronts.front.iter().filter_map(point).collect();
    let x = scaled(points.iter().map(|p| p.x).collect(), label);
    let y = scaled(points.iter().map(|p| p.y).collect(), "test loss");
    pareto(name, &points, (x, y), (better, Better::Lower), wide)
}

/// What a network's colour stands for.
fn series(network: &OnFronts) -> String {
    format!(
        "{}, λ {}",
        clean(network.regime.name()),
        typed(network.lambda)
    )
}

/// Values of which the largest is so many times the smallest are drawn by their ratios.
const RATIOS: f64 = 5.0;

/// An axis for these values: logarithmic where they are of several sizes.
fn scaled(values: Vec<f64>, label: &str) -> Axis {
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match smallest > 0.0 && largest >= RATIOS * smallest {
        true => Axis::log(values, label),
        false => Axis::linear(values, label),
    }
}

/// What is drawn against λ.
struct Measure {
    name: &'static str,
    of: fn(&OnFronts) -> Option<f64>,
}

const MEASURES: [Measure; 4] = [
    Measure {
        name: "test loss",
        of: |n| n.loss,
    },
    Measure {
        name: "edges left",
        of: edges,
    },
    Measure {
        name: "modules",
        of: modules,
    },
    Measure {
        name: "nats gained",
        of: |n| n.description_length_gained,
    },
];

/// One panel for each number over the networks whose connections cost something, with a
/// line through the means over seeds; `None` for fewer than two λ.
#[allow(clippy::cast_precision_loss, reason = "a handful of panels")]
fn against(fronts: &Fronts) -> Option<Figure> {
    let shown: Vec<&OnFronts> = fronts.front.iter().filter(|n| n.lambda > 0.0).collect();
    let lambdas = || shown.iter().map(|n| n.lambda);
    let (low, high) = lambdas().fold((f64::INFINITY, 0.0_f64), |(low, high), l| {
        (low.min(l), high.max(l))
    });
    if low >= high {
        return None;
    }
    let height = MEASURES.len() as f64 * (PANEL + BETWEEN) + 70.0;
    let label = "Loss, edges left, modules and nats that blocks gain, against the largest λ";
    let mut figure = Figure::new("against-lambda", label, WIDTH, height);
    for (k, measure) in MEASURES.iter().enumerate() {
        let values = shown.iter().filter_map(|n| (measure.of)(n));
        let panel = Panel {
            left: LEFT,
            top: 16.0 + k as f64 * (PANEL + BETWEEN),
            width: WIDTH - LEFT - 24.0,
            height: PANEL,
            x: Axis::log(lambdas(), "largest λ"),
            y: scaled(values.collect(), measure.name),
        };
        panel.frame_y(&mut figure);
        panel.ruled_x(&mut figure);
        if k + 1 == MEASURES.len() {
            panel.frame_x(&mut figure);
        }
        for (colour, (_, networks)) in by_regime(&shown).into_iter().enumerate() {
            course(&mut figure, &panel, &networks, measure, colour);
        }
    }
    Some(figure)
}

/// The networks of each regime.
fn by_regime<'n>(networks: &[&'n OnFronts]) -> BTreeMap<&'static str, Vec<&'n OnFronts>> {
    let mut by: BTreeMap<&'static str, Vec<&OnFronts>> = BTreeMap::new();
    networks
        .iter()
        .for_each(|n| by.entry(n.regime.name()).or_default().push(n));
    by
}

/// A disc for every network, and a line through the means at each λ.
#[allow(clippy::cast_precision_loss, reason = "a handful of seeds")]
fn course(
    figure: &mut Figure,
    panel: &Panel,
    networks: &[&OnFronts],
    measure: &Measure,
    colour: usize,
) {
    let mut points: Vec<(f64, f64)> = networks
        .iter()
        .filter_map(|n| Some((n.lambda, (measure.of)(n)?)))
        .collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    let means = points.chunk_by(|one, other| one.0 == other.0).map(|same| {
        let sum: f64 = same.iter().map(|point| point.1).sum();
        panel.point(same[0].0, sum / same.len() as f64)
    });
    figure.add(path(through(&means.collect::<Vec<_>>()), "curve thin"));
    for network in networks {
        if let Some(value) = (measure.of)(network) {
            let words = format!(
                "{} {}: {}",
                clean(&network.name),
                measure.name,
                short(value)
            );
            let class = format!("node {}", module_class(colour));
            figure.add(disc(panel.point(network.lambda, value), 4.5, &class).add(tip(&words)));
        }
    }
}
