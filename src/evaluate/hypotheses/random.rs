//! Random circuits of the same size, kept alone and taken away.

use super::binomial::upper_tail;
use super::{Judge, QUANTILE};
use crate::numeric::{Rng, Scalar, statistics};
use crate::patch::{EdgeSet, Patchable, PatchableExt as _};

/// Random circuits drawn.
const DRAWS: usize = 199;

/// A circuit beside random ones of its size.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Random circuits drawn.
    pub draws: usize,
    /// |mean(circuit) − mean(full)|, in units of the metric.
    pub error: f64,
    /// The error of every random circuit.
    pub random_errors: Vec<f64>,
    /// |mean(without the circuit) − mean(full)|.
    pub loss: f64,
    /// The loss of the network without every random circuit.
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
    let ways = Ways::new(judge.network(), judge.candidates());
    let full = statistics::mean(judge.full());
    let error = |set: &EdgeSet| (statistics::mean(&judge.values(set)) - full).abs();
    let loss = |set: &EdgeSet| {
        let mut rest = judge.candidates().clone();
        rest.difference_with(set);
        error(&rest)
    };
    let sets: Vec<EdgeSet> = (0..DRAWS)
        .map(|_| ways.circuit(judge.network().edges([]), size, rng))
        .collect();
    Some(Drawn {
        draws: DRAWS,
        error: error(circuit),
        random_errors: sets.iter().map(error).collect(),
        loss: loss(circuit),
        random_losses: sets.iter().map(loss).collect(),
    })
}

/// |1 − faithfulness| of `draws` random circuits of as many edges, made of paths;
/// `None` for no edges and for all of the candidates.
#[must_use]
pub fn random_errors<T: Scalar>(
    judge: &Judge<'_, T>,
    circuit: &EdgeSet,
    draws: usize,
    rng: &mut Rng,
) -> Option<Vec<f64>> {
    let size = circuit.count_ones(..);
    if size == 0 || size >= judge.candidates().count_ones(..) {
        return None;
    }
    let ways = Ways::new(judge.network(), judge.candidates());
    let sets: Vec<EdgeSet> = (0..draws)
        .map(|_| ways.circuit(judge.network().edges([]), size, rng))
        .collect();
    Some(judge.errors(&sets))
}

/// One of the two ends of an edge.
type End = fn((usize, usize)) -> usize;

/// The candidates as ways through the network.
pub(super) struct Ways {
    candidates: Vec<usize>,
    /// By number of the edge, the nodes that it leads from and to.
    ends: Vec<(usize, usize)>,
    /// The candidates out of every node.
    out: Vec<Vec<usize>>,
    /// The candidates into every node.
    into: Vec<Vec<usize>>,
}

impl Ways {
    pub fn new<T: Scalar>(network: &dyn Patchable<Number = T>, candidates: &EdgeSet) -> Self {
        let nodes = network.node_count();
        let mut ways = Self {
            candidates: candidates.ones().collect(),
            ends: (0..network.edge_count())
                .map(|edge| network.ends(edge))
                .collect(),
            out: vec![Vec::new(); nodes],
            into: vec![Vec::new(); nodes],
        };
        for edge in candidates.ones() {
            let (from, to) = ways.ends[edge];
            ways.out[from].push(edge);
            ways.into[to].push(edge);
        }
        ways
    }

    /// So many of the candidates, path by path, beginning with none in `set`:
    /// edges drawn one by one would hardly ever join an input to an output, and
    /// be too easy to beat.
    fn circuit(&self, mut set: EdgeSet, size: usize, rng: &mut Rng) -> EdgeSet {
        let mut order = self.candidates.clone();
        rng.shuffle(&mut order);
        let mut kept = 0;
        for start in order {
            for edge in self.path_through(start, rng) {
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

    /// A random path of candidates through one of them, as far as it goes on
    /// either side; once round, where it comes back to an edge.
    pub fn path_through(&self, through: usize, rng: &mut Rng) -> Vec<usize> {
        let mut path = vec![through];
        let (first, last) = self.ends[through];
        self.go_on(&mut path, last, (&self.out, |ends| ends.1), rng);
        self.go_on(&mut path, first, (&self.into, |ends| ends.0), rng);
        path
    }

    /// Goes on from a node by edges that lead on from each, to the ends that are told.
    fn go_on(
        &self,
        path: &mut Vec<usize>,
        mut here: usize,
        (ways, end): (&[Vec<usize>], End),
        rng: &mut Rng,
    ) {
        while let Some(edge) = pick(&ways[here], rng).filter(|edge| !path.contains(edge)) {
            path.push(edge);
            here = end(self.ends[edge]);
        }
    }
}

fn pick(edges: &[usize], rng: &mut Rng) -> Option<usize> {
    edges.get(rng.below(edges.len())).copied()
}
