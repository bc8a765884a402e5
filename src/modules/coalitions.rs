//! What modules do together: every subset of them alone, and each one's share of the whole.
//!
//! The value of a set of modules is the metric of the network in which all messages
//! out of the other modules are patched. A module's *Shapley value* is what it adds,
//! on average over all orders in which modules can be brought back one by one; the
//! values of all modules add up to metric(all) − metric(none). Source: Shapley (1953);
//! sampling: Castro, Gómez & Tejada (2009).

use super::Graph;
use super::lesions::{Measured, measure};
use crate::numeric::{Rng, Scalar, parallel, statistics};
use crate::patch::Patchable;

/// Up to so many modules every subset is measured.
pub const MOST_EXACT: usize = 12;

/// Orders drawn where there are more.
pub const ORDERS: usize = 200;

/// The modules' shares of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// Shapley value of each module.
    pub shapley: Vec<f64>,
    /// Standard error of each, where orders were sampled.
    pub standard_error: Option<Vec<f64>>,
    /// The metric with a module alone.
    pub alone: Vec<f64>,
    /// The metric without a module.
    pub without: Vec<f64>,
    /// The metric of every subset, bit k of the index being module k; empty where sampled.
    pub subsets: Vec<f64>,
    /// The metric of the network with all modules.
    pub all: f64,
    /// The metric with none.
    pub none: f64,
}

/// Measures subsets of `groups` (nodes of the graph, by number).
///
/// Up to [`MOST_EXACT`] groups all 2^groups of them, beyond [`ORDERS`] seeded orders
/// of bringing them back. One run of the network each, in parallel.
#[must_use]
pub fn shares<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    graph: &Graph,
    groups: &[Vec<usize>],
    measured: &Measured,
    seed: u64,
) -> Shares {
    let value = |is_in: &dyn Fn(usize) -> bool| {
        let out: Vec<usize> = groups
            .iter()
            .enumerate()
            .filter(|(group, _)| !is_in(*group))
            .flat_map(|(_, sites)| sites.iter().copied())
            .collect();
        measure(network, graph, &out, std::slice::from_ref(measured))[0]
    };
    let modules = 0..groups.len();
    let mut shares = Shares {
        shapley: Vec::new(),
        standard_error: None,
        alone: modules
            .clone()
            .map(|module| value(&|k| k == module))
            .collect(),
        without: modules.map(|module| value(&|k| k != module)).collect(),
        subsets: Vec::new(),
        all: value(&|_| true),
        none: value(&|_| false),
    };
    if groups.len() <= MOST_EXACT {
        let masks = 0..1_usize << groups.len();
        shares.subsets = parallel::map(masks, |mask| value(&|k| mask >> k & 1 == 1));
        shares.shapley = exact(&shares.subsets, groups.len());
    } else {
        let orders: Vec<Vec<f64>> = parallel::map(0..ORDERS as u64, |draw| {
            let order = Rng::new(seed, draw).permutation(groups.len());
            let ends = (shares.none, shares.all);
            along(&order, ends, |rank: &[usize], most| {
                value(&|k| rank[k] < most)
            })
        });
        (shares.shapley, shares.standard_error) = sampled(&orders, groups.len());
    }
    shares
}

/// φ_i = Σ over sets S without i of |S|! (m − |S| − 1)! / m! · (v(S ∪ i) − v(S)).
fn exact(values: &[f64], modules: usize) -> Vec<f64> {
    // 1 / (m · C(m − 1, s)) for sets of s.
    let mut weight = vec![1.0 / modules.max(1) as f64; modules];
    for size in 1..modules {
        weight[size] = weight[size - 1] * size as f64 / (modules - size) as f64;
    }
    let of_module = |module: usize| {
        let without = (0..values.len()).filter(|mask| mask >> module & 1 == 0);
        without
            .map(|mask| {
                let gain = values[mask | 1 << module] - values[mask];
                weight[mask.count_ones() as usize] * gain
            })
            .sum()
    };
    (0..modules).map(of_module).collect()
}

/// What each module adds when they come back in an order; `value` gets every
/// module's place in it and how many have come back.
fn along(
    order: &[usize],
    (none, all): (f64, f64),
    value: impl Fn(&[usize], usize) -> f64,
) -> Vec<f64> {
    let mut rank = vec![0; order.len()];
    for (place, module) in order.iter().enumerate() {
        rank[*module] = place;
    }
    let mut added = vec![0.0; order.len()];
    let mut before = none;
    for (place, module) in order.iter().enumerate() {
        let after = if place + 1 == order.len() {
            all
        } else {
            value(&rank, place + 1)
        };
        added[*module] = after - before;
        before = after;
    }
    added
}

/// Means over orders, and their standard errors.
fn sampled(orders: &[Vec<f64>], modules: usize) -> (Vec<f64>, Option<Vec<f64>>) {
    let of = |module: usize| {
        let added: Vec<f64> = orders.iter().map(|order| order[module]).collect();
        let error = statistics::sample_sd(&added) / (added.len() as f64).sqrt();
        (statistics::mean(&added), error)
    };
    let (means, errors) = (0..modules).map(of).unzip();
    (means, Some(errors))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shapley's glove game: 0 and 1 have a left glove, 2 a right one; a pair is worth 1.
    #[test]
    fn the_glove_game_by_hand() {
        let worth = |mask: usize| f64::from(mask & 4 != 0 && mask & 3 != 0);
        let values: Vec<f64> = (0..8).map(worth).collect();
        let shapley = exact(&values, 3);
        for (found, expected) in shapley.iter().zip([1.0 / 6.0, 1.0 / 6.0, 2.0 / 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{shapley:?}");
        }
    }

    #[test]
    fn sampled_orders_come_near_the_exact_values() {
        let worth = |is_in: &dyn Fn(usize) -> bool| f64::from(is_in(2) && (is_in(0) || is_in(1)));
        let orders: Vec<Vec<f64>> = (0..2000)
            .map(|draw| {
                let order = Rng::new(1, draw).permutation(3);
                along(&order, (0.0, 1.0), |rank, most| worth(&|k| rank[k] < most))
            })
            .collect();
        let (means, errors) = sampled(&orders, 3);
        let errors = errors.unwrap();
        for (k, expected) in [1.0 / 6.0, 1.0 / 6.0, 2.0 / 3.0].iter().enumerate() {
            assert!(
                (means[k] - expected).abs() < 4.0 * errors[k],
                "{means:?} {errors:?}"
            );
        }
        assert!((means.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn no_modules_no_shares() {
        assert!(exact(&[0.5], 0).is_empty());
    }
}
