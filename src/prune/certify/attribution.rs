//! Which changed weights make up the change of an output at an input.
//!
//! At one input the change is a sum over the changed numbers, exactly: a neuron's
//! change is its slope s = (σ(z + δ) − σ(z)) / δ times what it reads more, and so
//! the change of an output is Σ λ · Δw · a over changed weights, where a is what
//! the writer writes in the original and λ the product of slopes and pruned
//! weights summed over all paths from the reader to the output.

use ndarray::Array2;

use crate::model::{Edge, Mlp};
use crate::numeric::Activation;
use crate::order;

/// What one changed weight or bias adds to the change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Layer of the writer, 0 for the inputs.
    pub layer: usize,
    /// Position of the reader in the next layer.
    pub to: usize,
    /// Position of the writer; `None` for the reader's bias.
    pub from: Option<usize>,
    /// The weight as it was.
    pub weight: f64,
    /// What it adds to the output's change (pruned − original); the shares add up to it.
    pub change: f64,
}

impl Share {
    /// The edge, unless it is a bias.
    #[must_use]
    pub fn edge(&self) -> Option<Edge> {
        let (layer, to) = (self.layer, self.to);
        self.from.map(|from| Edge { layer, to, from })
    }
}

/// The shares of all changed weights and biases in the change of physical output
/// `output` at the physical input `at: [inputs]`, the largest first.
///
/// # Panics
/// If the networks have different shapes, or `at` or `output` do not fit them.
#[must_use]
pub fn attribution(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    at: &[f64],
    output: usize,
) -> Vec<Share> {
    let point = Array2::from_shape_fn((at.len(), 1), |(i, _)| at[i]);
    let (before, after) = (original.forward(point.clone()), pruned.forward(point));
    let mut influence = vec![0.0; original.out_perm.len()];
    influence[output] = 1.0;
    let mut shares = Vec::new();
    for layer in (0..original.layers.len()).rev() {
        let values = before.values[layer].column(0);
        shares.extend(of_layer(original, pruned, layer, &influence, |from| {
            values[from]
        }));
        if layer > 0 {
            let reads = before.reads[layer - 1].column(0);
            let others = after.reads[layer - 1].column(0);
            let weights = pruned.layers[layer].weight.columns();
            influence = weights
                .into_iter()
                .enumerate()
                .map(|(from, column)| {
                    let through: f64 = column.iter().zip(&influence).map(|(w, l)| w * l).sum();
                    through * {
                        let activation = original.activation.of(layer - 1, from);
                        secant(activation, reads[from], others[from])
                    }
                })
                .collect();
        }
    }
    order::descending(&mut shares, |one| one.change.abs());
    shares
}

/// The shares of the changed numbers of one layer.
fn of_layer(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    layer: usize,
    influence: &[f64],
    value: impl Fn(usize) -> f64,
) -> Vec<Share> {
    let (old, new) = (&original.layers[layer], &pruned.layers[layer]);
    let mut shares = Vec::new();
    let mut push = |to: usize, from: Option<usize>, weight: f64, now: f64, value: f64| {
        if weight != now {
            shares.push(Share {
                layer,
                to,
                from,
                weight,
                change: influence[to] * (now - weight) * value,
            });
        }
    };
    for ((to, from), weight) in old.weight.indexed_iter() {
        push(to, Some(from), *weight, new.weight[[to, from]], value(from));
    }
    for (to, bias) in old.bias.iter().enumerate() {
        push(to, None, *bias, new.bias[to], 1.0);
    }
    shares
}

/// The slope between two points of an activation.
fn secant(activation: Activation, a: f64, b: f64) -> f64 {
    // Nearer together, the difference of values has fewer digits than the slope in between.
    if (b - a).abs() < 1e-6 * (1.0 + a.abs()) {
        activation.derivative(0.5 * (a + b))
    } else {
        (activation.at(b) - activation.at(a)) / (b - a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::{random_inputs, random_mlp};
    use crate::prune::apply;

    #[test]
    fn shares_add_up_to_the_change() {
        for (seed, activation) in [
            (1, Activation::Silu),
            (2, Activation::Relu),
            (3, Activation::Tanh),
        ] {
            let original = random_mlp(&[3, 6, 5, 2], 1, activation, seed);
            let pruned = apply(&original, 0.6, true);
            let inputs = random_inputs(&original, 1, seed);
            let at = inputs.column(0).to_vec();
            let change = pruned.outputs(inputs.view()) - original.outputs(inputs.view());
            for output in 0..2 {
                let shares = attribution(&original, &pruned, &at, output);
                let sum: f64 = shares.iter().map(|share| share.change).sum();
                assert!((sum - change[[output, 0]]).abs() < 1e-9, "{sum} {change}");
                assert!(shares[0].change.abs() >= shares[1].change.abs());
            }
        }
    }

    #[test]
    fn one_weight_worked_out_by_hand() {
        // y = 2 relu(3 x) without its 3: at x = 1 the change is −6.
        let mut original = random_mlp(&[1, 1, 1], 1, Activation::Relu, 0);
        for (layer, weight) in [(0, 3.0), (1, 2.0)] {
            original.layers[layer].weight.fill(weight);
            original.layers[layer].bias.fill(0.0);
        }
        let mut pruned = original.clone();
        pruned.layers[0].weight.fill(0.0);
        let shares = attribution(&original, &pruned, &[1.0], 0);
        assert_eq!(shares.len(), 1);
        assert_eq!(
            (shares[0].change, shares[0].edge().unwrap().layer),
            (-6.0, 0)
        );
    }
}
