//! Random circuits of the same size, kept alone and taken away.

use super::binomial::upper_tail;
use super::{Judge, QUANTILE};
use crate::model::Edge;
use crate::numeric::{Rng, Scalar, statistics};
use crate::patch::{EdgeSet, Engine};

/// Random circuits drawn.
const DRAWS: usize = 199;

/// A circuit beside random ones of its size.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Random circuits drawn.
    pub draws: usize,
    /// |mean(circuit) − mean(full)|, in units of the metric.
    pub error: f64,
    /// The same of every random circuit.
    pub random_errors: Vec<f64>,
    /// |mean(without the circuit) − mean(full)|.
    pub loss: f64,
    /// The same without every random circuit.
    pub random_losses: Vec<f64>,
}

impl Drawn {
    /// Share of the random circuits that are further from the network.
    #[must_use]
    pub fn sufficiency(&self) -> f64 {
        let beaten = self.random_errors.iter().filter(|e| **e > self.error);
        beaten.count() as f64 / self.draws as f64
    }

    /// Share of the random circuits whose loss costs less.
    #[must_use]
    pub fn necessity(&self) -> f64 {
        let beaten = self.random_losses.iter().filter(|l| **l < self.loss);
        beaten.count() as f64 / self.draws as f64
    }

    /// p of a share of beaten random circuits at least as high, were the chance
    /// to beat one [`QUANTILE`].
    #[must_use]
    pub fn p(&self, share: f64) -> f64 {
        upper_tail(
            self.draws,
            (share * self.draws as f64).round() as usize,
            QUANTILE,
        )
    }
}

/// Sets a circuit beside random ones of as many edges; `None` for no edges and
/// for all of the candidates, where there is nothing to set beside.
#[must_use]
pub fn random_circuits<T: Scalar>(
    judge: &Judge<'_, T>,
    circuit: &EdgeSet,
    rng: &mut Rng,
) -> Option<Drawn> {
    let size = circuit.count_ones(..);
    if size == 0 || size >= judge.candidates().count_ones(..) {
        return None;
    }
    let full = statistics::mean(judge.full());
    let error = |set: &EdgeSet| (statistics::mean(&judge.values(set)) - full).abs();
    let loss = |set: &EdgeSet| {
        let mut rest = judge.candidates().clone();
        rest.difference_with(set);
        error(&rest)
    };
    let sets: Vec<EdgeSet> = (0..DRAWS)
        .map(|_| of_paths(judge.engine(), judge.candidates(), size, rng))
        .collect();
    Some(Drawn {
        draws: DRAWS,
        error: error(circuit),
        random_errors: sets.iter().map(error).collect(),
        loss: loss(circuit),
        random_losses: sets.iter().map(loss).collect(),
    })
}

/// So many of the candidates, path by path: edges drawn one by one would hardly
/// ever join an input to an output, and be too easy to beat.
fn of_paths<T: Scalar>(
    engine: &Engine<'_, T>,
    candidates: &EdgeSet,
    size: usize,
    rng: &mut Rng,
) -> EdgeSet {
    let mut order: Vec<usize> = candidates.ones().collect();
    rng.shuffle(&mut order);
    let mut set = engine.edges([]);
    let mut kept = 0;
    for start in order {
        for edge in path_through(engine, candidates, start, rng) {
            if kept == size {
                return set;
            }
            if !set.put(edge) {
                kept += 1;
            }
        }
    }
    set
}

/// A random path of candidates through one of them, as far as it goes on either side.
pub(super) fn path_through<T: Scalar>(
    engine: &Engine<'_, T>,
    candidates: &EdgeSet,
    through: usize,
    rng: &mut Rng,
) -> Vec<usize> {
    let sites = engine.sites();
    let mut path = vec![through];
    let Edge { layer, to, from } = sites.edge_at(through);
    let (mut here, mut above) = (to, layer + 1);
    while above < sites.depth() {
        let out = sites.edges_out_of(above, here);
        let Some(edge) = pick(out.filter(|e| candidates.contains(*e)).collect(), rng) else {
            break;
        };
        path.push(edge);
        here = sites.edge_at(edge).to;
        above += 1;
    }
    let (mut here, mut below) = (from, layer);
    while below > 0 {
        let into = sites.edges_into(below - 1, here);
        let Some(edge) = pick(into.filter(|e| candidates.contains(*e)).collect(), rng) else {
            break;
        };
        path.push(edge);
        here = sites.edge_at(edge).from;
        below -= 1;
    }
    path
}

fn pick(edges: Vec<usize>, rng: &mut Rng) -> Option<usize> {
    edges.get(rng.below(edges.len())).copied()
}
