//! Does every edge of a circuit count more than edges added to it at random?

use super::binomial::upper_tail;
use super::random::Ways;
use super::{Judge, LEVEL, QUANTILE};
use crate::evaluate::minimality::removal_effects;
use crate::numeric::statistics::holm;
use crate::numeric::{Rng, Scalar, statistics};
use crate::patch::EdgeSet;

/// Circuits inflated by a random path.
const INFLATED: usize = 199;

/// Edges of a circuit against edges that were added to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimality {
    /// Edges of the circuit.
    pub edges: usize,
    /// Edges that matter more than [`QUANTILE`] of the added ones, by a test
    /// corrected over the edges (Holm).
    pub needed: usize,
    /// The largest of the corrected p-values: the circuit is minimal where it is small.
    pub p: f64,
}

/// Tests every edge of the circuit: by how much its removal moves the metric,
/// against the removal of one edge of a random path added to the circuit.
/// `None` for no edges, and where there is nothing to add.
#[must_use]
pub fn minimality<T: Scalar>(
    judge: &Judge<'_, T>,
    circuit: &EdgeSet,
    rng: &mut Rng,
) -> Option<Minimality> {
    let outside: Vec<usize> = judge.candidates().difference(circuit).collect();
    let edges = circuit.count_ones(..);
    if edges == 0 || outside.is_empty() {
        return None;
    }
    let ways = Ways::new(judge.network(), judge.candidates());
    let added: Vec<f64> = (0..INFLATED)
        .map(|_| {
            let through = outside[rng.below(outside.len())];
            added_effect(judge, circuit, &ways.path_through(through, rng), rng)
        })
        .collect();
    let p = |effect: f64| {
        let beaten = added.iter().filter(|a| **a < effect).count();
        upper_tail(INFLATED, beaten, QUANTILE)
    };
    let ps: Vec<f64> = removal_effects(judge, circuit, usize::MAX, rng)
        .into_iter()
        .map(p)
        .collect();
    let corrected = holm(&ps);
    Some(Minimality {
        edges,
        needed: corrected.iter().filter(|p| **p <= LEVEL).count(),
        p: corrected.iter().copied().fold(0.0, f64::max),
    })
}

/// |effect| of taking one added edge out of the circuit with a path added.
fn added_effect<T: Scalar>(
    judge: &Judge<'_, T>,
    circuit: &EdgeSet,
    path: &[usize],
    rng: &mut Rng,
) -> f64 {
    let new = path.iter().copied().filter(|e| !circuit.contains(*e));
    let new: Vec<usize> = new.collect();
    let mut inflated = circuit.clone();
    inflated.grow(judge.network().edge_count());
    inflated.extend(path.iter().copied());
    let with = statistics::mean(&judge.values(&inflated));
    if let Some(out) = new.get(rng.below(new.len())) {
        inflated.set(*out, false);
    }
    (with - statistics::mean(&judge.values(&inflated))).abs()
}
