//! Setting small weights to zero, and counting them.

use crate::model::Mlp;
use crate::numeric::Scalar;
use crate::result::LayerCount;

/// The network with every weight of |w| < `threshold` set to zero, and the
/// biases too if `biases`. NaN is never below a threshold and stays.
#[must_use]
pub fn apply<T: Scalar>(model: &Mlp<T>, threshold: f64, biases: bool) -> Mlp<T> {
    let mut pruned = model.clone();
    let cut = |x: T| if below(x, threshold) { T::zero() } else { x };
    for layer in &mut pruned.layers {
        layer.weight.mapv_inplace(cut);
        if biases {
            layer.bias.mapv_inplace(cut);
        }
    }
    pruned
}

/// Whether a number is pruned at a threshold.
fn below<T: Scalar>(x: T, threshold: f64) -> bool {
    x.abs().widen() < threshold
}

/// The distinct magnitudes of the weights (and biases), from large to small;
/// zeros and NaN left out.
#[must_use]
pub fn magnitudes<T: Scalar>(model: &Mlp<T>, biases: bool) -> Vec<f64> {
    let weights = model.layers.iter().flat_map(|l| &l.weight);
    let offsets = model.layers.iter().flat_map(|l| &l.bias).filter(|_| biases);
    let mut all: Vec<f64> = weights
        .chain(offsets)
        .map(|x| x.abs().widen())
        .filter(|x| *x > 0.0)
        .collect();
    all.sort_by(|a, b| b.total_cmp(a));
    all.dedup();
    all
}

/// Edges in total and at a threshold, layer by layer. Exact zeros are no edges kept.
#[must_use]
pub fn layer_counts<T: Scalar>(
    model: &Mlp<T>,
    threshold: f64,
    tensors: &[String],
) -> Vec<LayerCount> {
    let count = |(layer, tensor): (&crate::model::Linear<T>, &String)| LayerCount {
        tensor: tensor.clone(),
        edges_total: layer.weight.len(),
        edges_kept: layer
            .weight
            .iter()
            .filter(|w| !w.is_zero() && !below(**w, threshold))
            .count(),
    };
    model.layers.iter().zip(tensors).map(count).collect()
}
