//! Multi-layer perceptrons: the network and its forward pass.
//!
//! Inside, activations are kept `[width, samples]`: one site's values over all
//! samples are contiguous, which is what patching a site wants. Positions are
//! physical: position q of the inputs reads feature `in_perm[q]` of its fold,
//! position q of the outputs is target `out_perm[q]`.

mod activations;
pub mod load;
pub mod stored;

pub use activations::{Activations, OfLayer};

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::transformer::AsItIs;
use super::{PassHooks, Sites};
use crate::numeric::{Scalar, matmul_into};

/// A fully connected network.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp<T> {
    /// `[tokens, d]`: token ids become concatenated rows of it; `None` where inputs are numbers.
    pub embedding: Option<Array2<T>>,
    /// Physical position → feature, within each fold.
    pub in_perm: Vec<usize>,
    /// Number of folds; the input width is `folds · in_perm.len()`.
    pub folds: usize,
    /// The linear layers, inputs first; activations stand between them.
    pub layers: Vec<Linear<T>>,
    /// Between the linear layers, not after the last.
    pub activation: Activations,
    /// Physical position → target.
    pub out_perm: Vec<usize>,
}

/// `y = W x + b`
#[derive(Debug, Clone, PartialEq)]
pub struct Linear<T> {
    /// `[readers, writers]`
    pub weight: Array2<T>,
    /// `[readers]`
    pub bias: Array1<T>,
}

/// All values of one forward pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace<T> {
    /// What each layer of sites writes, `[width, samples]`: inputs first, outputs last.
    pub values: Vec<Array2<T>>,
    /// What each hidden layer reads before its activation, `[width, samples]`.
    pub reads: Vec<Array2<T>>,
}

impl<T: Scalar> Mlp<T> {
    /// Its sites and edges.
    #[must_use]
    pub fn sites(&self) -> Sites {
        Sites::new(self.widths())
    }

    /// Width of every layer, inputs first.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let inputs = self.folds * self.in_perm.len();
        let readers = self.layers.iter().map(|layer| layer.bias.len());
        std::iter::once(inputs).chain(readers).collect()
    }

    /// Trained numbers: weights, biases and embeddings.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let linear = |l: &Linear<T>| l.weight.len() + l.bias.len();
        self.embedding.as_ref().map_or(0, Array2::len)
            + self.layers.iter().map(linear).sum::<usize>()
    }

    /// The same network in f64; exact, as every f32 is an f64.
    #[must_use]
    pub fn widened(&self) -> Mlp<f64> {
        let layer = |linear: &Linear<T>| Linear {
            weight: linear.weight.mapv(T::widen),
            bias: linear.bias.mapv(T::widen),
        };
        Mlp {
            embedding: self.embedding.as_ref().map(|table| table.mapv(T::widen)),
            in_perm: self.in_perm.clone(),
            folds: self.folds,
            layers: self.layers.iter().map(layer).collect(),
            activation: self.activation.clone(),
            out_perm: self.out_perm.clone(),
        }
    }

    /// Physical inputs, `[width, samples]`, of features `[samples, features]`.
    ///
    /// # Panics
    /// If the features are not as many as the inputs.
    #[must_use]
    pub fn arrange(&self, features: ArrayView2<'_, T>) -> Array2<T> {
        let fold = self.in_perm.len();
        let order: Vec<usize> = (0..self.folds * fold)
            .map(|q| q / fold * fold + self.in_perm[q % fold])
            .collect();
        assert_eq!(
            features.ncols(),
            order.len(),
            "features and inputs disagree"
        );
        features.t().select(Axis(0), &order)
    }

    /// The whole forward pass from physical inputs `[width, samples]`.
    #[must_use]
    pub fn forward(&self, inputs: Array2<T>) -> Trace<T> {
        let before = Trace {
            values: Vec::new(),
            reads: Vec::new(),
        };
        self.resume(&before, 0, inputs)
    }

    /// Resumes a pass with what layer `layer` of sites writes, `[width, samples]`;
    /// what comes before is taken from `before`.
    #[must_use]
    pub fn resume(&self, before: &Trace<T>, layer: usize, values: Array2<T>) -> Trace<T> {
        let mut trace = Trace {
            values: before.values[..layer].to_vec(),
            reads: before.reads[..layer].to_vec(),
        };
        trace.values.push(values);
        for (index, layer) in self.layers.iter().enumerate().skip(layer) {
            let read = layer.read(trace.values[index].view());
            if index + 1 == self.layers.len() {
                trace.values.push(read);
            } else {
                trace.values.push(self.activation.written(index, &read));
                trace.reads.push(read);
            }
        }
        trace
    }

    /// Physical outputs `[outputs, samples]` alone.
    #[must_use]
    pub fn outputs(&self, inputs: ArrayView2<'_, T>) -> Array2<T> {
        self.outputs_with(inputs.to_owned(), &mut AsItIs)
    }

    /// Physical outputs `[outputs, samples]` of a pass that hooks change.
    pub fn outputs_with(&self, inputs: Array2<T>, hooks: &mut dyn PassHooks<T>) -> Array2<T> {
        let mut value = inputs;
        for (index, layer) in self.layers.iter().enumerate() {
            hooks.written(index, &mut value);
            value = layer.read(value.view());
            hooks.read(index, &mut value);
            if index + 1 < self.layers.len() {
                self.activation.apply(index, &mut value);
            }
        }
        hooks.written(self.layers.len(), &mut value);
        value
    }

    /// The same function with sites at other positions: `orders[l][p]` is the old
    /// position of the site that stands at position p of layer l.
    ///
    /// The permutations of inputs and outputs follow; folds must move alike. Outputs
    /// are the same up to the rounding of sums in another order.
    #[must_use]
    pub fn rearranged(&self, orders: &[Vec<usize>]) -> Self {
        let fold = self.in_perm.len();
        let ends = (orders.first(), orders.last());
        let layers = self.layers.iter().zip(orders.windows(2));
        let layers = layers.map(|(linear, ends)| linear.selected(&ends[1], &ends[0]));
        let hidden = orders.iter().skip(1).map(Vec::as_slice);
        Self {
            layers: layers.collect(),
            activation: self.activation.selected(hidden),
            in_perm: ends.0.map_or_else(Vec::new, |order| {
                let first = order.iter().take(fold);
                first.map(|q| self.in_perm[q % fold]).collect()
            }),
            out_perm: ends.1.map_or_else(Vec::new, |order| {
                order.iter().map(|q| self.out_perm[*q]).collect()
            }),
            ..self.clone()
        }
    }

    /// Outputs in the order of the targets, `[samples, targets]`, of physical
    /// outputs `[outputs, samples]`.
    #[must_use]
    pub fn by_target(&self, outputs: ArrayView2<'_, T>) -> Array2<T> {
        let mut result = Array2::zeros((outputs.ncols(), outputs.nrows()));
        for (position, target) in self.out_perm.iter().enumerate() {
            result.column_mut(*target).assign(&outputs.row(position));
        }
        result
    }

    /// Where each target stands: target → physical position.
    #[must_use]
    pub fn position_of_target(&self) -> Vec<usize> {
        let mut position = vec![0; self.out_perm.len()];
        for (place, target) in self.out_perm.iter().enumerate() {
            position[*target] = place;
        }
        position
    }
}

impl<T: Scalar> Linear<T> {
    /// `W · values + b`, `[readers, samples]`.
    #[must_use]
    pub fn read(&self, values: ArrayView2<'_, T>) -> Array2<T> {
        let shape = (self.bias.len(), values.ncols());
        let mut read = Array2::from_shape_fn(shape, |(reader, _)| self.bias[reader]);
        matmul_into(read.view_mut(), self.weight.view(), values, true);
        read
    }

    /// The part of it that leads from these writers to these readers.
    #[must_use]
    pub fn selected(&self, readers: &[usize], writers: &[usize]) -> Self {
        let weight = self.weight.select(Axis(0), readers);
        let weight = weight.select(Axis(1), writers);
        Self {
            weight: weight.as_standard_layout().into_owned(),
            bias: self.bias.select(Axis(0), readers),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::numeric::{Activation, Rng};
    use ndarray::array;

    /// A random network with two folds and shuffled ends.
    pub(crate) fn random_mlp(
        widths: &[usize],
        folds: usize,
        activation: Activation,
        seed: u64,
    ) -> Mlp<f64> {
        let mut rng = Rng::new(seed, 0);
        let layers = widths
            .windows(2)
            .map(|pair| Linear {
                weight: Array2::from_shape_simple_fn((pair[1], pair[0]), || rng.normal()),
                bias: Array1::from_shape_simple_fn(pair[1], || 0.3 * rng.normal()),
            })
            .collect();
        Mlp {
            embedding: None,
            in_perm: rng.permutation(widths[0] / folds),
            folds,
            layers,
            activation: activation.into(),
            out_perm: rng.permutation(widths[widths.len() - 1]),
        }
    }

    /// Physical inputs for it.
    pub(crate) fn random_inputs(model: &Mlp<f64>, samples: usize, seed: u64) -> Array2<f64> {
        let mut rng = Rng::new(seed, 1);
        Array2::from_shape_simple_fn((model.widths()[0], samples), || rng.normal())
    }

    #[test]
    fn forward_worked_out_by_hand() {
        let model = Mlp {
            embedding: None,
            in_perm: vec![1, 0],
            folds: 1,
            layers: vec![
                Linear {
                    weight: array![[1.0, 2.0], [-1.0, 0.5]],
                    bias: array![0.5, 0.0],
                },
                Linear {
                    weight: array![[1.0, 1.0], [0.0, 3.0]],
                    bias: array![0.0, -1.0],
                },
            ],
            activation: Activation::Relu.into(),
            out_perm: vec![1, 0],
        };
        // Features (10, 1) stand as (1, 10): h = relu(1 + 20 + 0.5, -1 + 5) = (21.5, 4).
        let inputs = model.arrange(array![[10.0, 1.0]].view());
        assert_eq!(inputs, array![[1.0], [10.0]]);
        let trace = model.forward(inputs.clone());
        assert_eq!(trace.values[2], array![[25.5], [11.0]]);
        assert_eq!(model.outputs(inputs.view()), trace.values[2]);
        assert_eq!(
            model.by_target(trace.values[2].view()),
            array![[11.0, 25.5]]
        );
        assert_eq!(model.position_of_target(), [1, 0]);
    }

    #[test]
    fn sites_change_places_and_the_function_stays() {
        let model = random_mlp(&[4, 5, 3], 2, Activation::Silu, 3);
        let orders = [vec![1, 0, 3, 2], vec![4, 0, 3, 1, 2], vec![2, 0, 1]];
        let moved = model.rearranged(&orders);
        assert_eq!(
            moved.layers[0].weight[[0, 1]],
            model.layers[0].weight[[4, 0]]
        );
        let features = random_inputs(&model, 20, 4);
        let answer = |m: &Mlp<f64>| m.by_target(m.outputs(m.arrange(features.t()).view()).view());
        let change = answer(&model) - answer(&moved);
        assert!(change.iter().all(|c| c.abs() < 1e-12), "{change}");
    }

    #[test]
    fn each_fold_is_permuted_by_itself() {
        let mut model = random_mlp(&[4, 2], 2, Activation::Silu, 1);
        model.in_perm = vec![1, 0];
        let arranged = model.arrange(array![[1.0, 2.0, 3.0, 4.0]].view());
        assert_eq!(arranged, array![[2.0], [1.0], [4.0], [3.0]]);
    }
}
