//! Whether a module is another one over again, by its weights: sites matched one to one
//! within each layer.
//!
//! Weights count up to a positive factor for each layer, sites up to their order; the smaller
//! of two modules is filled up with sites that have no edges. Modules are matched layer by
//! layer, each given its neighbours, until nothing gets better (weight matching: Ainsworth,
//! Hayase & Srinivasa 2023), from several orders. It looks at weights alone: whether a module
//! *does* what another does is measured by whoever can run the network.

use std::ops::Range;

use ndarray::{Array2, s};

use crate::numeric::{Rng, assign};

/// Orders from which the matching starts; the first is that of places.
const STARTS: u64 = 20;

/// Draws of shuffled weights, at most.
const DRAWS: u64 = 99;

/// Once so many draws are as alike, more of them could not make p ≤ 5 %.
const CLEAR: usize = 10;

/// Likenesses closer than this are the same: sums in another order differ by less.
const SAME: f64 = 1e-9;

/// The weights inside a module: by linear layer `[readers, writers]`, of its own sites alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Inside {
    /// One for each linear layer of the network; empty matrices where it has no sites.
    pub weights: Vec<Array2<f64>>,
}

/// One module's sites beside another's.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// By layer of sites, the place among the other's sites of the one that stands beside
    /// each of one's. A number beyond the sites of either stands for no site.
    pub order: Vec<Vec<usize>>,
    /// Mean over the layers of the cosine of matched weights, in [−1, 1]; layers without
    /// edges in both do not count, 0 where none is left.
    pub likeness: f64,
}

impl Inside {
    /// Its sites in each layer, of linear layers `weights`.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let first = self.weights.first().map(Array2::ncols);
        let rest = self.weights.iter().map(Array2::nrows);
        first.into_iter().chain(rest).collect()
    }

    /// Whether both have edges between the same layers, and as many sites at both ends of
    /// the network, so that one could stand in the other's place.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        let has_edges = |inside: &Self| -> Vec<bool> {
            let layers = inside.weights.iter();
            layers.map(|w| w.iter().any(|w| *w != 0.0)).collect()
        };
        let (mine, theirs) = (self.widths(), other.widths());
        let edges = has_edges(self);
        mine.first() == theirs.first()
            && mine.last() == theirs.last()
            && edges.contains(&true)
            && edges == has_edges(other)
    }

    /// The weights at these widths, every layer of length 1 (or 0).
    fn padded(&self, widths: &[usize]) -> Vec<Array2<f64>> {
        let layers = self.weights.iter().zip(widths.windows(2));
        let pad = layers.map(|(weights, ends)| {
            let mut wide = Array2::zeros((ends[1], ends[0]));
            let (readers, writers) = weights.dim();
            wide.slice_mut(s![..readers, ..writers]).assign(weights);
            let length = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
            wide / if length > 0.0 { length } else { 1.0 }
        });
        pad.collect()
    }

    /// The same weights in other places of their layers.
    fn shuffled(&self, rng: &mut Rng) -> Self {
        let mut shuffled = self.clone();
        for weights in &mut shuffled.weights {
            let mut values: Vec<f64> = weights.iter().copied().collect();
            rng.shuffle(&mut values);
            let places = weights.iter_mut().zip(values);
            places.for_each(|(place, value)| *place = value);
        }
        shuffled
    }
}

/// The best matching of two modules that is found.
///
/// O(starts · rounds · layers · sites³).
///
/// # Example
/// ```
/// use modscope::modules::copies::{Inside, matched};
/// use ndarray::array;
/// let one = Inside { weights: vec![array![[2.0], [-1.0]], array![[1.0, 3.0]]] };
/// // Its two neurons in the other order, the first layer three times as heavy.
/// let other = Inside { weights: vec![array![[-3.0], [6.0]], array![[3.0, 1.0]]] };
/// let found = matched(&one, &other, 0);
/// assert_eq!(found.order, [vec![0], vec![1, 0], vec![0]]);
/// assert!((found.likeness - 1.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn matched(one: &Inside, other: &Inside, seed: u64) -> Match {
    let widths: Vec<usize> = one
        .widths()
        .iter()
        .zip(other.widths())
        .map(|(a, b)| *a.max(&b))
        .collect();
    let (mine, theirs) = (one.padded(&widths), other.padded(&widths));
    let layers = mine.iter().zip(&theirs);
    let counted = layers
        .filter(|(a, b)| a.iter().chain(*b).any(|w| *w != 0.0))
        .count()
        .max(1);
    let start = widths.iter().map(|width| (0..*width).collect());
    let (order, sum) = searched(&mine, &theirs, start.collect(), 0..widths.len(), seed);
    Match {
        order,
        likeness: sum / counted as f64,
    }
}

/// The sites of a later or earlier version of a network that stand beside its own: by layer
/// the place in `other` of each of one's. Those of the inputs and outputs are known, hidden
/// ones are matched by their weights, the first time from each in its own place. The versions
/// are of one shape.
///
/// O(starts · rounds · layers · sites³).
#[must_use]
pub fn followed(
    one: &Inside,
    other: &Inside,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    seed: u64,
) -> Vec<Vec<usize>> {
    let widths = one.widths();
    let hidden = 1..widths.len() - 1;
    let (mine, theirs) = (one.padded(&widths), other.padded(&widths));
    let stay = widths[hidden.clone()].iter().map(|n| (0..*n).collect());
    let mut order = vec![inputs];
    order.extend(stay);
    order.push(outputs);
    searched(&mine, &theirs, order, hidden, seed).0
}

/// `(r + 1) / (n + 1)`, r = draws in which the other's weights, put into other places of
/// their layers, match as well; drawing ends where p ≤ 5 % is out of reach.
#[must_use]
pub fn p_of_match(one: &Inside, other: &Inside, likeness: f64, seed: u64) -> f64 {
    let (mut reached, mut drawn) = (0, 0);
    while drawn < DRAWS && reached < CLEAR {
        // Streams of their own: the first ones are those of the orders.
        let shuffled = other.shuffled(&mut Rng::new(seed, STARTS + drawn));
        reached += usize::from(matched(one, &shuffled, seed).likeness >= likeness - SAME);
        drawn += 1;
    }
    (reached + 1) as f64 / (drawn + 1) as f64
}

/// The best order that is reached from one and from others in which these layers are shuffled,
/// the others as they are; and the sum of products there.
fn searched(
    mine: &[Array2<f64>],
    theirs: &[Array2<f64>],
    first: Vec<Vec<usize>>,
    layers: Range<usize>,
    seed: u64,
) -> (Vec<Vec<usize>>, f64) {
    let starts = (0..STARTS).map(|start| {
        let mut rng = Rng::new(seed, start);
        let mut order = first.clone();
        if start > 0 {
            let shuffled = order[layers.clone()].iter_mut();
            shuffled.for_each(|layer| *layer = rng.permutation(layer.len()));
        }
        climbed(mine, theirs, order, layers.clone())
    });
    let better = |best: (Vec<Vec<usize>>, f64), next: (Vec<Vec<usize>>, f64)| {
        if next.1 > best.1 + SAME { next } else { best }
    };
    starts.reduce(better).unwrap_or_default()
}

/// The order that is reached from one, layer by layer of these, and the sum of products there.
fn climbed(
    mine: &[Array2<f64>],
    theirs: &[Array2<f64>],
    mut order: Vec<Vec<usize>>,
    layers: Range<usize>,
) -> (Vec<Vec<usize>>, f64) {
    let mut sum = products(mine, theirs, &order);
    loop {
        for layer in layers.clone() {
            order[layer] = assign(around(mine, theirs, &order, layer).view());
        }
        let next = products(mine, theirs, &order);
        if next <= sum + SAME {
            return (order, next);
        }
        sum = next;
    }
}

/// What each pair of a layer's sites would add, the layers beside it as they are.
fn around(
    mine: &[Array2<f64>],
    theirs: &[Array2<f64>],
    order: &[Vec<usize>],
    layer: usize,
) -> Array2<f64> {
    let width = order[layer].len();
    let mut score = Array2::zeros((width, width));
    if let Some(before) = layer.checked_sub(1) {
        let theirs = theirs[before].select(ndarray::Axis(1), &order[before]);
        score += &mine[before].dot(&theirs.t());
    }
    if layer < mine.len() {
        let theirs = theirs[layer].select(ndarray::Axis(0), &order[layer + 1]);
        score += &mine[layer].t().dot(&theirs);
    }
    score
}

/// The sum over all layers of the products of matched weights.
fn products(mine: &[Array2<f64>], theirs: &[Array2<f64>], order: &[Vec<usize>]) -> f64 {
    let layers = mine.iter().zip(theirs).zip(order.windows(2));
    let layer = layers.map(|((mine, theirs), ends)| {
        let weights = mine.indexed_iter();
        let product = weights.map(|((r, w), weight)| weight * theirs[[ends[1][r], ends[0][w]]]);
        product.sum::<f64>()
    });
    layer.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn random(widths: &[usize], seed: u64) -> Inside {
        let mut rng = Rng::new(seed, 0);
        let layers = widths.windows(2);
        let weights = layers.map(|ends| {
            Array2::from_shape_simple_fn((ends[1], ends[0]), || match rng.below(2) {
                0 => 0.0,
                _ => rng.normal(),
            })
        });
        Inside {
            weights: weights.collect(),
        }
    }

    fn reordered(inside: &Inside, orders: &[Vec<usize>], factor: f64) -> Inside {
        let layers = inside.weights.iter().zip(orders.windows(2));
        let weights = layers.map(|(weights, ends)| {
            let weights = weights.select(ndarray::Axis(0), &ends[1]);
            weights.select(ndarray::Axis(1), &ends[0]) * factor
        });
        Inside {
            weights: weights.collect(),
        }
    }

    #[test]
    fn a_copy_in_another_order_and_scale_is_found_and_no_chance() {
        for seed in 0..10 {
            let one = random(&[3, 6, 5, 2], seed);
            let mut rng = Rng::new(seed, 1);
            let orders: Vec<Vec<usize>> =
                one.widths().iter().map(|w| rng.permutation(*w)).collect();
            let other = reordered(&one, &orders, 0.3);
            assert!(one.fits(&other));
            let found = matched(&one, &other, seed);
            assert!((found.likeness - 1.0).abs() < 1e-9, "{}", found.likeness);
            assert_eq!(p_of_match(&one, &other, found.likeness, seed), 0.01);
        }
    }

    /// Of two random modules the matching is as good as that of shuffled weights.
    #[test]
    fn modules_that_are_no_copies_match_as_chance_has_it() {
        let told = (0..20).filter(|seed| {
            let widths = [2, 4, 3, 1];
            let (one, other) = (random(&widths, 1_000 + seed), random(&widths, 2_000 + seed));
            let found = matched(&one, &other, *seed);
            p_of_match(&one, &other, found.likeness, *seed) <= 0.05
        });
        assert!(told.count() <= 3);
    }

    /// Neurons that were swapped, and have gone on learning, are found again; so are inputs and
    /// outputs, by what they are.
    #[test]
    fn neurons_are_followed_through_swaps() {
        for seed in 0..10 {
            let one = random(&[3, 20, 20, 2], seed);
            let mut rng = Rng::new(seed, 1);
            let orders: Vec<Vec<usize>> =
                one.widths().iter().map(|w| rng.permutation(*w)).collect();
            let mut other = reordered(&one, &orders, 1.0);
            let learnt = other.weights.iter_mut().flatten();
            learnt.for_each(|weight| *weight += 0.05 * rng.normal());
            let ends = [0, 3].map(|layer| crate::numeric::inverse(&orders[layer]));
            let [inputs, outputs] = ends;
            let back: Vec<Vec<usize>> = orders.iter().map(|o| crate::numeric::inverse(o)).collect();
            assert_eq!(
                followed(&one, &other, inputs, outputs, seed),
                back,
                "{seed}"
            );
        }
    }

    /// (2, 1) beside (4): the heavier neuron stands beside the only one, cosine 2/√5 in
    /// either layer.
    #[test]
    fn the_smaller_module_is_filled_up() {
        let one = Inside {
            weights: vec![array![[1.0], [2.0]], array![[1.0, 2.0]]],
        };
        let other = Inside {
            weights: vec![array![[4.0]], array![[1.0]]],
        };
        let found = matched(&one, &other, 0);
        assert_eq!(found.order[1][1], 0);
        assert!((found.likeness - 2.0 / 5.0_f64.sqrt()).abs() < 1e-12);
        let apart = Inside {
            weights: vec![array![[0.0]], array![[1.0]]],
        };
        assert!(!one.fits(&apart), "edges of one layer alone");
        let two = Inside {
            weights: vec![array![[1.0, 1.0]], array![[1.0]]],
        };
        assert!(!other.fits(&two), "two inputs");
    }
}
