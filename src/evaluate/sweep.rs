//! Which of many circuits to report: the smallest that is faithful.

use super::Judge;
use crate::numeric::{Scalar, shortest_decimal, statistics};
use crate::patch::EdgeSet;
pub(super) use crate::result::SweepPoint;

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
pub fn choose<T: Scalar>(
    judge: &Judge<'_, T>,
    circuits: &[(f64, &EdgeSet)],
    within: f64,
) -> Option<Choice> {
    let sets: Vec<EdgeSet> = circuits.iter().map(|(_, set)| (*set).clone()).collect();
    let measured = circuits.iter().zip(judge.values_of(&sets));
    let mut points: Vec<(usize, SweepPoint)> = measured
        .map(|((parameter, set), values)| point(judge, *parameter, set.count_ones(..), &values))
        .enumerate()
        .collect();
    points.sort_by_key(|(_, point)| point.edges_kept);
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

/// How far a point is from being faithful.
pub(super) fn distance(point: &SweepPoint) -> f64 {
    point
        .faithfulness
        .map_or(f64::INFINITY, |f| (1.0 - f).abs())
}

/// A circuit of `edges_kept` edges whose metric is `values`, sample by sample.
pub(super) fn point<T: Scalar>(
    judge: &Judge<'_, T>,
    parameter: f64,
    edges_kept: usize,
    values: &[f64],
) -> SweepPoint {
    let metric = statistics::mean(values);
    SweepPoint {
        parameter,
        edges_kept,
        metric,
        faithfulness: judge.faithfulness(metric),
        gap: Some(judge.gap(values)),
    }
}

/// Circuit sizes that a curve is drawn through, of up to `edges`: all up to 32, then
/// about 16 per factor of ten.
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
