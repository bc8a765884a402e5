//! Which weights cannot be pruned, and which need not have been: one weight at a time, what the
//! change is where a kept one goes too, and where a pruned one is put back.
//!
//! Each is a pair of networks of its own: a change is found by running inputs, a bound is
//! proved with a few boxes. The weights nearest the border between kept and pruned come first.

use ndarray::Array2;

use super::bound::{Bounder, Inputs};
use super::branch::{Target, run};
use super::pair::Pair;
use super::rounding::rounding;
use super::search::Search;
use super::{Arithmetic, Budget};
use crate::model::{Edge, Mlp};
use crate::numeric::parallel;
use crate::order;

/// Weights of either kind, at most.
const MOST: usize = 60;
/// And at most so many, times the weights of the network: each is a proof of its own.
const MOST_PRODUCTS: usize = 500_000;
/// Fewer of either kind say nothing of the border.
const FEWEST: usize = 8;
/// Boxes for the bound of each.
const BOXES: u64 = 16;
/// A bound within this ratio of what was found is not narrowed.
const RATIO: f64 = 1.1;

/// One weight, and the change of the outputs with it the other way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needed {
    /// Where it stands.
    pub edge: Edge,
    /// In the original.
    pub weight: f64,
    /// Whether the pruned network has it; then the rest is of the network without it, else of
    /// that with it.
    pub kept: bool,
    /// The largest change found, rounding taken off, as a multiple of its output's tolerance.
    pub found: f64,
    /// What is proved of every output, rounding added, as a multiple of its tolerance.
    pub bound: f64,
}

/// Two networks, where, and how much their outputs may move.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub original: &'a Mlp<f64>,
    pub pruned: &'a Mlp<f64>,
    pub domain: &'a Inputs,
    pub tolerance: &'a [f64],
    pub arithmetic: Arithmetic,
}

impl Asked<'_> {
    /// The weights on either side of the border, by magnitude; `points` are physical inputs to
    /// begin with, `[inputs, n]`.
    pub fn needed(&self, points: &Array2<f64>, seconds: f64) -> Vec<Needed> {
        let edges = self.edges();
        let one =
            |(edge, kept): &(Edge, bool)| self.one(*edge, *kept, points, seconds, edges.len());
        parallel::map(&edges, one).into_iter().flatten().collect()
    }

    /// Kept ones of the least magnitude, pruned ones of the largest.
    fn edges(&self) -> Vec<(Edge, bool)> {
        let mut sides = [Vec::new(), Vec::new()];
        for (layer, (old, new)) in self
            .original
            .layers
            .iter()
            .zip(&self.pruned.layers)
            .enumerate()
        {
            for ((to, from), weight) in old.weight.indexed_iter().filter(|(_, w)| **w != 0.0) {
                let kept = new.weight[[to, from]] != 0.0;
                sides[usize::from(kept)].push((Edge { layer, to, from }, *weight));
            }
        }
        let [mut pruned, mut kept] = sides;
        let affordable = MOST_PRODUCTS / (pruned.len() + kept.len()).max(1);
        let most = match affordable < FEWEST {
            true => 0,
            false => MOST.min(affordable),
        };
        order::descending(&mut pruned, |(_, weight)| weight.abs());
        order::descending(&mut kept, |(_, weight)| -weight.abs());
        let marked = |edges: Vec<(Edge, f64)>, kept| {
            edges
                .into_iter()
                .take(most)
                .map(move |(edge, _)| (edge, kept))
        };
        marked(kept, true).chain(marked(pruned, false)).collect()
    }

    fn one(
        &self,
        edge: Edge,
        kept: bool,
        points: &Array2<f64>,
        seconds: f64,
        many: usize,
    ) -> Option<Needed> {
        let Edge { layer, to, from } = edge;
        let weight = self.original.layers[layer].weight[[to, from]];
        let mut other = self.pruned.clone();
        other.layers[layer].weight[[to, from]] = if kept { 0.0 } else { weight };
        let pair = Pair::new(self.original, &other).ok()?;
        let bounder = Bounder::new(&pair, self.domain.clone());
        let search = Search::one_of(many, (self.original, &other), self.domain, seconds);
        let found = search.from(points.view());
        let target = Target {
            enough: vec![0.0; self.tolerance.len()],
            ratio: Some(RATIO),
            refuted: None,
        };
        let budget = Budget {
            seconds,
            boxes: BOXES,
        };
        let searched = run(&bounder, &search, &target, found, &budget);
        let each =
            [self.original, &other].map(|model| rounding(model, self.domain, self.arithmetic));
        let over_tolerance = |changes: &[f64], sign: f64| {
            let outputs = self.tolerance.iter().enumerate();
            let ratios =
                outputs.map(|(k, t)| (changes[k] + sign * (each[0][k] + each[1][k])).max(0.0) / t);
            ratios.fold(0.0, f64::max)
        };
        Some(Needed {
            edge,
            weight,
            kept,
            found: over_tolerance(&searched.found.change, -1.0),
            bound: over_tolerance(&searched.bounds, 1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::model::Linear;
    use crate::numeric::Activation;

    /// y = 2 a + 0.5 b + 0.1 c on [−1, 1]³, pruned of c, each input through the identity.
    #[test]
    fn three_weights_worked_out_by_hand() {
        let layer = |weight: Array2<f64>| Linear {
            bias: ndarray::Array1::zeros(weight.nrows()),
            weight,
        };
        let original = Mlp {
            embedding: None,
            in_perm: vec![0, 1, 2],
            folds: 1,
            layers: vec![layer(array![[2.0, 0.5, 0.1]])],
            activation: Activation::Identity.into(),
            out_perm: vec![0],
        };
        let mut pruned = original.clone();
        pruned.layers[0].weight[[0, 2]] = 0.0;
        let domain = vec![[-1.0, 1.0]; 3];
        let asked = Asked {
            original: &original,
            pruned: &pruned,
            domain: &domain,
            tolerance: &[1.0],
            arithmetic: Arithmetic::Real,
        };
        let found = asked.needed(&Array2::zeros((3, 1)), 60.0);
        // The least kept weight first: without b too 0.6, without a too 2.1; with c back nothing.
        let expected = [(1, true, 0.6), (0, true, 2.1), (2, false, 0.0)];
        assert_eq!(found.len(), expected.len());
        for (one, (from, kept, change)) in found.iter().zip(expected) {
            assert_eq!((one.edge.from, one.kept), (from, kept));
            let near = |x: f64| (x - change).abs() < 1e-9;
            assert!(near(one.found) && near(one.bound), "{one:?}");
        }
    }
}
