//! Which of many circuits to report: the smallest that is faithful.

use super::Judge;
use crate::numeric::{shortest_decimal, statistics};
use crate::patch::{EdgeSet, Patchable};
use crate::result::SweepPoint;

/// The circuit chosen from a sweep, and the sweep.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its place among the circuits given.
    pub index: usize,
    /// All circuits, from few edges to many.
    pub points: Vec<SweepPoint>,
    /// Whether it is faithful; else it is only the most faithful there was.
    pub faithful: bool,
}

/// Chooses the smallest circuit with |1 − faithfulness| ≤ `within` among
/// `circuits` (each with the parameter that gave it), or, if none is, the most
/// faithful. `None` for no circuits.
#[must_use]
pub fn choose<P: Patchable>(
    judge: &Judge<'_, P>,
    circuits: &[(f64, &EdgeSet)],
    within: f64,
) -> Option<Choice> {
    let mut points: Vec<(usize, SweepPoint)> = circuits
        .iter()
        .map(|(parameter, circuit)| point(judge, *parameter, circuit))
        .enumerate()
        .collect();
    points.sort_by_key(|(_, point)| point.edges_kept);
    let distance = |point: &SweepPoint| {
        point
            .faithfulness
            .map_or(f64::INFINITY, |f| (1.0 - f).abs())
    };
    let small = points.iter().find(|(_, point)| distance(point) <= within);
    let best = || {
        points
            .iter()
            .min_by(|a, b| distance(&a.1).total_cmp(&distance(&b.1)))
    };
    let index = small.or_else(best)?.0;
    Some(Choice {
        index,
        faithful: small.is_some(),
        points: points.into_iter().map(|(_, point)| point).collect(),
    })
}

fn point<P: Patchable>(judge: &Judge<'_, P>, parameter: f64, circuit: &EdgeSet) -> SweepPoint {
    let values = judge.values(circuit);
    let metric = statistics::mean(&values);
    SweepPoint {
        parameter,
        edges_kept: circuit.count_ones(..),
        metric,
        faithfulness: judge.faithfulness(metric),
        gap: Some(judge.gap(&values)),
    }
}

/// Circuits that are judged at once.
const BLOCK: usize = 32;

/// The first place below `below` whose circuit is faithful within `within`, of circuits
/// that grow with their place (`None` for one that is known not to be): faithfulness does
/// not grow with size, so that every one is judged, from the smallest up.
#[must_use]
pub fn smallest<P: Patchable>(
    judge: &Judge<'_, P>,
    below: usize,
    within: f64,
    circuit: impl Fn(usize) -> Option<EdgeSet>,
) -> Option<usize> {
    let mut last = EdgeSet::new();
    let mut waiting: Vec<(usize, EdgeSet)> = Vec::with_capacity(BLOCK);
    for place in 0..below {
        // Edges on no path change nothing: equal circuits are judged once.
        if let Some(set) = circuit(place).filter(|set| *set != last) {
            last.clone_from(&set);
            waiting.push((place, set));
        }
        if waiting.len() == BLOCK || place + 1 == below {
            let (places, sets): (Vec<usize>, Vec<EdgeSet>) = waiting.drain(..).unzip();
            let errors = judge.errors(&sets);
            if let Some(first) = errors.iter().position(|error| *error <= within) {
                return Some(places[first]);
            }
        }
    }
    None
}

/// Circuit sizes to try among `edges`: all up to 32, then about 16 per factor of ten.
#[must_use]
pub fn sizes(edges: usize) -> Vec<usize> {
    const ALL_UP_TO: usize = 32;
    const PER_DECADE: f64 = 16.0;
    let mut sizes: Vec<usize> = (1..=edges.min(ALL_UP_TO)).collect();
    let mut size = ALL_UP_TO as f64;
    while (size as usize) < edges {
        size *= 10_f64.powf(1.0 / PER_DECADE);
        sizes.push((size as usize).min(edges));
    }
    sizes
}

/// Values of ACDC's τ to try: from 1/10 down to 1/100,000 of `scale`, two per factor of ten.
#[must_use]
pub fn thresholds(scale: f64) -> Vec<f64> {
    (2..=10)
        .map(|half_decades| scale * 10_f64.powf(-0.5 * f64::from(half_decades)))
        // Short numbers, so that what is printed can be given back as `--threshold`.
        .map(|tau| shortest_decimal(0.99 * tau, tau))
        .collect()
}
