//! Setting small weights to zero, and counting them.

use num_traits::{Float, Zero};

use super::Prunable;
use crate::numeric::Scalar;
use crate::numeric::shortest_decimal;
use crate::result::LayerCount;

/// The network with every weight of |w| < `threshold` set to zero, and the
/// biases too if `biases`. NaN is never below a threshold and stays.
#[must_use]
pub fn apply<P: Prunable>(model: &P, threshold: f64, biases: bool) -> P {
    let mut pruned = model.clone();
    pruned.change(biases, |x| match below(x, threshold) {
        true => P::Number::zero(),
        false => x,
    });
    pruned
}

/// Whether a number is pruned at a threshold.
fn below<T: Scalar>(x: T, threshold: f64) -> bool {
    x.abs().widen() < threshold
}

/// The distinct magnitudes of the weights (and biases), from large to small;
/// zeros and NaN left out.
#[must_use]
pub fn magnitudes<P: Prunable>(model: &P, biases: bool) -> Vec<f64> {
    let magnitude = |x: &P::Number| x.abs().widen();
    let weights = model.weights();
    let mut all: Vec<f64> = weights.iter().flatten().map(magnitude).collect();
    if biases {
        all.extend(model.biases().iter().flatten().map(magnitude));
    }
    all.retain(|x| *x > 0.0);
    all.sort_by(|a, b| b.total_cmp(a));
    all.dedup();
    all
}

/// The threshold of the fewest digits that prunes the same weights.
#[must_use]
pub fn typed<P: Prunable>(model: &P, threshold: f64, biases: bool) -> f64 {
    let pruned = magnitudes(model, biases)
        .into_iter()
        .find(|x| *x < threshold);
    shortest_decimal(pruned.unwrap_or(0.0), threshold)
}

/// Edges in total and at a threshold, by the tensor that holds them; layers
/// that share one (they follow each other) are counted together. Exact zeros
/// are no edges kept.
#[must_use]
pub fn layer_counts<P: Prunable>(model: &P, threshold: f64, tensors: &[String]) -> Vec<LayerCount> {
    let mut counts: Vec<LayerCount> = Vec::new();
    for (weight, tensor) in model.weights().iter().zip(tensors) {
        let kept = |w: &&P::Number| !w.is_zero() && !below(**w, threshold);
        let (edges_total, edges_kept) = (weight.len(), weight.iter().filter(kept).count());
        match counts.last_mut().filter(|last| last.tensor == *tensor) {
            Some(last) => {
                last.edges_total += edges_total;
                last.edges_kept += edges_kept;
            }
            None => counts.push(LayerCount {
                tensor: tensor.clone(),
                edges_total,
                edges_kept,
            }),
        }
    }
    counts
}
