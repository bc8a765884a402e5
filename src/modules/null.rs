//! Null models: the same weights in other places, to see what chance would give.
//!
//! A modularity means little by itself: sparse random graphs have a high one.

use ndarray::Array2;
use rustc_hash::FxHashSet;

use crate::choice::LEVEL;
use crate::choice::Null;
pub use crate::choice::NullKind;
use crate::graph::{Adjacency, Layered};
use crate::numeric::{Rng, parallel, statistics};
use crate::result::NullModel;

/// Statistics closer than this are the same number: sums in another order differ by less.
const SAME: f64 = 1e-12;

/// Draws between which it is asked whether more are needed, on any number of threads.
const AT_A_TIME: usize = 10;

/// Edge swaps tried per edge in a degree-preserving shuffle.
const SWAPS_PER_EDGE: usize = 10;

/// Edges of a layer that are swapped with each other, of neighbouring |w|: few enough that
/// strengths stay nearly what they are, and enough for swaps to be found.
const ALIKE: usize = 8;

/// A shuffled copy of a network.
///
/// O(entries) for the layer shuffles, O(entries + 10 · edges) for `Degree`.
/// Source of the swaps: Maslov & Sneppen (2002), within each layer.
#[must_use]
pub fn shuffled(network: &Layered, kind: NullKind, rng: &mut Rng) -> Layered {
    let mut copy = network.clone();
    for layer in 0..copy.weights.len() {
        match kind {
            NullKind::Layer => permute(&mut copy, layer, |_| true, rng),
            NullKind::LayerNonzero => permute(&mut copy, layer, |w| w != 0.0, rng),
            NullKind::Degree => swap_edges(&mut copy, layer, rng),
            NullKind::Untrained => untrained(&mut copy, layer, rng),
        }
    }
    copy
}

/// Permutes the entries of a layer that `moves` chooses.
fn permute(network: &mut Layered, layer: usize, moves: fn(f64) -> bool, rng: &mut Rng) {
    let chosen = |weights: &Array2<f64>| -> Vec<f64> {
        weights
            .iter()
            .copied()
            .filter(|weight| moves(*weight))
            .collect()
    };
    let mut values = chosen(&network.weights[layer]);
    rng.shuffle(&mut values);
    let places = network.weights[layer]
        .iter_mut()
        .filter(|weight| moves(**weight));
    for (place, value) in places.zip(values) {
        *place = value;
    }
}

/// Swaps the readers of pairs of edges of similar weight, where that makes no double edge.
///
/// Either edge's weight goes with its writer or, as often, with its reader, so that writers'
/// and readers' strengths are kept alike: nearly.
fn swap_edges(network: &mut Layered, layer: usize, rng: &mut Rng) {
    let weights = &mut network.weights[layer];
    let mut edges: Vec<(usize, usize, f64)> = weights
        .indexed_iter()
        .filter(|(_, weight)| **weight != 0.0)
        .map(|((reader, writer), weight)| (reader, writer, *weight))
        .collect();
    let mut taken = weights.mapv(|weight| weight != 0.0);
    edges.sort_by(|one, other| one.2.abs().total_cmp(&other.2.abs()));
    for _ in 0..edges.len() * SWAPS_PER_EDGE {
        let (one, other) = alike(edges.len(), rng);
        if try_swap(&mut edges, &mut taken, one, other) && rng.below(2) == 1 {
            (edges[one].2, edges[other].2) = (edges[other].2, edges[one].2);
        }
    }
    weights.fill(0.0);
    for (reader, writer, weight) in edges {
        weights[[reader, writer]] = weight;
    }
}

/// Two of so many edges in the order of their weights, that have similar ones.
fn alike(edges: usize, rng: &mut Rng) -> (usize, usize) {
    let groups = (edges / ALIKE).max(1);
    let one = rng.below(edges);
    let group = one * groups / edges;
    let first = (group * edges).div_ceil(groups);
    let after = ((group + 1) * edges).div_ceil(groups);
    (one, first + rng.below(after - first))
}

/// A graph of the same degrees and nearly the same strengths: ends of pairs of edges of
/// similar weight are exchanged, where that makes no loop and no double edge.
///
/// O(10 · edges). Source: Maslov & Sneppen (2002).
#[must_use]
pub fn rewired(graph: &Adjacency, rng: &mut Rng) -> Adjacency {
    let mut edges = graph.edges();
    edges.sort_by(|one, other| one.2.total_cmp(&other.2));
    let ordered = |one: usize, other: usize| (one.min(other), one.max(other));
    let mut taken: FxHashSet<(usize, usize)> = edges.iter().map(|e| ordered(e.0, e.1)).collect();
    for _ in 0..edges.len() * SWAPS_PER_EDGE {
        let (one, other) = alike(edges.len(), rng);
        let ((a, b, _), (mut c, mut d, _)) = (edges[one], edges[other]);
        if rng.below(2) == 1 {
            (c, d) = (d, c);
        }
        let (new, also) = (ordered(a, d), ordered(c, b));
        let is_simple = a != d && c != b && new != also;
        if is_simple && !taken.contains(&new) && !taken.contains(&also) {
            taken.remove(&ordered(a, b));
            taken.remove(&ordered(c, d));
            taken.extend([new, also]);
            (edges[one].0, edges[one].1) = (a, d);
            (edges[other].0, edges[other].1) = (c, b);
        }
    }
    Adjacency::from_edges(graph.node_count(), &edges)
}

/// `taken: [readers, writers]` are the places of edges.
fn try_swap(
    edges: &mut [(usize, usize, f64)],
    taken: &mut Array2<bool>,
    one: usize,
    other: usize,
) -> bool {
    let ((a, b, _), (c, d, _)) = (edges[one], edges[other]);
    if taken[[c, b]] || taken[[a, d]] {
        return false;
    }
    (taken[[a, b]], taken[[c, d]]) = (false, false);
    (taken[[c, b]], taken[[a, d]]) = (true, true);
    edges[one].0 = c;
    edges[other].0 = a;
    true
}

/// The largest of fresh weights, as many as the layer has edges.
///
/// Fresh weights are uniform in ±1/√writers, as PyTorch's `nn.Linear` draws them.
fn untrained(network: &mut Layered, layer: usize, rng: &mut Rng) {
    let weights = &mut network.weights[layer];
    let edges = weights.iter().filter(|weight| **weight != 0.0).count();
    let bound = 1.0 / (weights.ncols().max(1) as f64).sqrt();
    weights.mapv_inplace(|_| (2.0 * rng.uniform() - 1.0) * bound);
    let mut sizes: Vec<f64> = weights.iter().map(|weight| weight.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let least = match edges {
        0 => f64::INFINITY,
        edges => sizes[edges - 1],
    };
    weights.mapv_inplace(|weight| if weight.abs() < least { 0.0 } else { weight });
}

/// A statistic of the network that is set against its null model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// Its value.
    pub value: f64,
    /// Whether more of it is more modular.
    pub higher_is_better: bool,
}

/// How many shuffles are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    /// At most so many.
    pub most: usize,
    /// Whether all of them are, also where the verdict is clear before.
    pub all: bool,
}

impl Draws {
    /// Whether more draws could not make p ≤ 5 % of all `most`: twice as many as that allows
    /// have `reached` what was observed.
    fn is_clear(self, reached: usize) -> bool {
        !self.all && (reached + 1) as f64 > 2.0 * LEVEL * (self.most + 1) as f64
    }
}

/// Sets statistics against shuffles, one null model each; empty for no draws.
///
/// Where not all are to be drawn, drawing ends when for every statistic the verdict at
/// 5 % is that of all, whatever would be drawn: sequential tests as in Besag & Clifford
/// (1991). `statistics` gets a shuffled network and the number of the draw, to seed its
/// own searches. Draws run in parallel, each with its own stream of `seed`, so
/// the result does not depend on the number of threads. z = (observed − mean) / sd
/// with the sample's standard deviation (n − 1); p = (r + 1)/(n + 1), where r
/// counts the shuffles that are at least as modular: one-sided. Source of p: North,
/// Curtis & Sham (2002).
pub fn null_models<const N: usize>(
    network: &Layered,
    kind: NullKind,
    draws: Draws,
    seed: u64,
    observed: [Observed; N],
    statistics: impl Fn(&Layered, u64) -> [f64; N] + Sync,
) -> Vec<NullModel> {
    let shuffle = |rng: &mut Rng| shuffled(network, kind, rng);
    null_models_of(kind, draws, seed, observed, shuffle, statistics)
}

/// The same of anything that can be shuffled.
pub(super) fn null_models_of<W, const N: usize>(
    kind: NullKind,
    draws: Draws,
    seed: u64,
    observed: [Observed; N],
    shuffle: impl Fn(&mut Rng) -> W + Sync,
    statistics: impl Fn(&W, u64) -> [f64; N] + Sync,
) -> Vec<NullModel> {
    let draw = |stream: u64| statistics(&shuffle(&mut Rng::new(seed, stream)), stream);
    let mut drawn: [Vec<f64>; N] = [const { Vec::new() }; N];
    let mut reached = [0; N];
    for first in (0..draws.most).step_by(AT_A_TIME) {
        let some = first..draws.most.min(first + AT_A_TIME);
        for values in parallel::map(some, |s| draw(s as u64)) {
            for (k, value) in values.into_iter().enumerate() {
                drawn[k].push(value);
                reached[k] += usize::from(observed[k].is_reached_by(value));
            }
        }
        if reached.iter().all(|reached| draws.is_clear(*reached)) {
            break;
        }
    }
    if draws.most == 0 {
        return Vec::new();
    }
    let of = |(observed, drawn)| summary(Null::Network(kind), observed, drawn);
    observed.into_iter().zip(drawn).map(of).collect()
}

impl Observed {
    /// Whether a draw is at least as modular.
    fn is_reached_by(self, draw: f64) -> bool {
        match self.higher_is_better {
            true => draw >= self.value - SAME,
            false => draw <= self.value + SAME,
        }
    }
}

/// `(r + 1)/(n + 1)`, r = draws at least as modular as observed.
#[must_use]
pub fn p_value(observed: Observed, draws: &[f64]) -> f64 {
    let reached = draws.iter().filter(|draw| observed.is_reached_by(**draw));
    let reached = reached.count();
    (reached as f64 + 1.0) / (draws.len() as f64 + 1.0)
}

/// A statistic beside draws of a null model.
pub(super) fn summary(model: Null, observed: Observed, mut draws: Vec<f64>) -> NullModel {
    draws.sort_by(f64::total_cmp);
    let sd = statistics::sample_sd(&draws);
    let sd = if sd < SAME { 0.0 } else { sd };
    let mean = statistics::mean(&draws);
    NullModel {
        model,
        samples: draws.len(),
        mean,
        sd,
        z: (sd > 0.0).then(|| (observed.value - mean) / sd),
        p: p_value(observed, &draws),
        p_holm: None,
        draws,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Two layers of 6 × 6 with about half of the weights, all different.
    fn network() -> Layered {
        let mut rng = Rng::new(1, 0);
        let mut layer =
            || {
                Array2::from_shape_simple_fn((6, 6), || {
                    if rng.below(2) == 0 { 0.0 } else { rng.normal() }
                })
            };
        Layered::new(vec![layer(), layer()])
    }

    fn sorted(layer: &Array2<f64>) -> Vec<f64> {
        let mut values: Vec<f64> = layer.iter().copied().collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn degrees(layer: &Array2<f64>) -> (Vec<usize>, Vec<usize>) {
        let edges = layer.map(|weight| usize::from(*weight != 0.0));
        (
            edges.sum_axis(ndarray::Axis(0)).to_vec(),
            edges.sum_axis(ndarray::Axis(1)).to_vec(),
        )
    }

    #[test]
    fn every_shuffle_keeps_what_it_says() {
        let network = network();
        for kind in [NullKind::LayerNonzero, NullKind::Layer, NullKind::Degree] {
            let copy = shuffled(&network, kind, &mut Rng::new(2, 0));
            for (before, after) in network.weights.iter().zip(&copy.weights) {
                assert_ne!(before, after, "{kind:?}");
                assert_eq!(sorted(before), sorted(after), "{kind:?}");
                let places = |layer: &Array2<f64>| layer.map(|weight| *weight != 0.0);
                let keeps_places = kind == NullKind::LayerNonzero;
                assert_eq!(places(before) == places(after), keeps_places, "{kind:?}");
                let keeps_degrees = kind != NullKind::Layer;
                assert_eq!(degrees(before) == degrees(after), keeps_degrees, "{kind:?}");
            }
        }
    }

    #[test]
    fn summary_by_hand() {
        let up = Observed {
            value: 3.0,
            higher_is_better: true,
        };
        let null = summary(Null::Network(NullKind::Layer), up, vec![1.0, 2.0, 3.0]);
        assert_eq!((null.mean, null.p), (2.0, 0.5));
        assert!((null.sd - 1.0).abs() < 1e-12);
        assert!(null.z.is_some_and(|z| (z - 1.0).abs() < 1e-12));
        assert_eq!(
            summary(Null::Network(NullKind::Layer), up, vec![1.0, 1.0]).z,
            None
        );
        assert_eq!(
            summary(Null::Network(NullKind::Layer), up, vec![1.0]).z,
            None
        );
        let down = Observed {
            value: 1.0,
            higher_is_better: false,
        };
        assert_eq!(p_value(down, &[1.0, 2.0, 3.0]), 0.5);
    }

    #[test]
    fn threads_do_not_matter() {
        let first = |network: &Layered, draw: u64| [network.weights[0][[0, 0]] + draw as f64];
        let observed = [Observed {
            value: 0.0,
            higher_is_better: true,
        }];
        let run = |most| {
            let draws = Draws { most, all: true };
            null_models(&network(), NullKind::Layer, draws, 7, observed, first)
        };
        let one = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        assert_eq!(one.install(|| run(50)), run(50));
        assert!(run(0).is_empty());
    }

    /// Of values 0, 1, 2, …: what is reached by every draw is clear after ten, what is
    /// reached by none is drawn to the end; two statistics are drawn until both are clear,
    /// and the verdict is that of all draws.
    #[test]
    fn drawing_ends_where_the_verdict_is_clear() {
        let observed = |value: f64| Observed {
            value,
            higher_is_better: true,
        };
        let run = |values: [f64; 2], all| {
            let statistics = |_: &Layered, draw: u64| [draw as f64, draw as f64];
            let draws = Draws { most: 100, all };
            let observed = values.map(observed);
            null_models(&network(), NullKind::Layer, draws, 7, observed, statistics)
        };
        for (values, drawn) in [
            ([0.0, 0.0], 10),
            ([0.0, 25.0], 40),
            ([0.0, 200.0], 100),
            // Ten of the hundred: clear with the last.
            ([90.0, 0.0], 100),
        ] {
            let (some, all) = (run(values, false), run(values, true));
            for (some, all) in some.iter().zip(&all) {
                assert_eq!((some.samples, all.samples), (drawn, 100), "{values:?}");
                assert_eq!(some.p <= LEVEL, all.p <= LEVEL);
            }
        }
    }

    #[test]
    fn rewired_graphs_keep_degrees_and_weights() {
        let mut rng = Rng::new(3, 0);
        let mut edges = Vec::new();
        for one in 0..20 {
            for other in one + 1..20 {
                if rng.below(3) == 0 {
                    edges.push((one, other, rng.uniform() + 0.1));
                }
            }
        }
        let graph = Adjacency::from_edges(20, &edges);
        let other = rewired(&graph, &mut Rng::new(4, 0));
        let degree = |graph: &Adjacency, node| graph.neighbours(node).count();
        let sorted = |graph: &Adjacency| {
            let mut weights: Vec<f64> = graph.edges().iter().map(|edge| edge.2).collect();
            weights.sort_by(f64::total_cmp);
            weights
        };
        assert_ne!(graph, other);
        assert_eq!(sorted(&graph), sorted(&other));
        assert!((0..20).all(|node| degree(&graph, node) == degree(&other, node)));
    }

    #[test]
    fn untrained_networks_have_as_many_edges() {
        let network = network();
        let fresh = shuffled(&network, NullKind::Untrained, &mut Rng::new(4, 0));
        let count = |layer: &Array2<f64>| layer.iter().filter(|w| **w != 0.0).count();
        for (before, after) in network.weights.iter().zip(&fresh.weights) {
            assert_eq!(count(before), count(after));
            let bound = 1.0 / 6.0_f64.sqrt();
            assert!(after.iter().all(|w| w.abs() <= bound));
        }
    }

    #[test]
    fn empty_layers_can_be_shuffled() {
        let empty = Layered::new(vec![Array2::zeros((2, 3)), Array2::zeros((0, 2))]);
        for kind in NullKind::each() {
            assert_eq!(shuffled(&empty, kind, &mut Rng::new(0, 0)), empty);
        }
    }
}
