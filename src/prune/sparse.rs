//! The forward pass over the weights that are not zero, row by row (CSR).
//!
//! Worth it where few weights are left; `benches/compact.rs` measures where.

use ndarray::{Array1, Array2, ArrayView2};

use crate::model::{Activations, Linear, Mlp};
use crate::numeric::Scalar;

/// A network as lists of its non-zero weights.
#[derive(Debug, Clone)]
pub struct Sparse<T> {
    layers: Vec<Rows<T>>,
    activation: Activations,
}

/// The non-zero weights of a linear layer.
#[derive(Debug, Clone)]
struct Rows<T> {
    /// Per row, where its entries begin; one more at the end.
    starts: Vec<usize>,
    /// Writer and weight.
    entries: Vec<(u32, T)>,
    bias: Array1<T>,
}

impl<T: Scalar> Sparse<T> {
    /// Lists the non-zero weights of a network.
    #[must_use]
    pub fn new(model: &Mlp<T>) -> Self {
        Self {
            layers: model.layers.iter().map(Rows::new).collect(),
            activation: model.activation.clone(),
        }
    }

    /// Number of non-zero weights.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.layers.iter().map(|rows| rows.entries.len()).sum()
    }

    /// Physical outputs `[outputs, samples]` of physical inputs `[inputs, samples]`.
    #[must_use]
    pub fn outputs(&self, inputs: ArrayView2<'_, T>) -> Array2<T> {
        let mut value = inputs.as_standard_layout().into_owned();
        for (index, rows) in self.layers.iter().enumerate() {
            value = rows.read(&value);
            if index + 1 < self.layers.len() {
                self.activation.apply(index, &mut value);
            }
        }
        value
    }
}

impl<T: Scalar> Rows<T> {
    fn new(linear: &Linear<T>) -> Self {
        let (mut starts, mut entries) = (vec![0], Vec::new());
        for row in linear.weight.rows() {
            let kept = row.iter().enumerate().filter(|(_, w)| !w.is_zero());
            entries.extend(kept.map(|(writer, weight)| (writer as u32, *weight)));
            starts.push(entries.len());
        }
        let bias = linear.bias.clone();
        Self {
            starts,
            entries,
            bias,
        }
    }

    /// `W · values + b`, `[readers, samples]`.
    fn read(&self, values: &Array2<T>) -> Array2<T> {
        let mut read = Array2::zeros((self.bias.len(), values.ncols()));
        for (reader, mut row) in read.rows_mut().into_iter().enumerate() {
            row.fill(self.bias[reader]);
            for (writer, weight) in &self.entries[self.starts[reader]..self.starts[reader + 1]] {
                row.scaled_add(*weight, &values.row(*writer as usize));
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::{random_inputs, random_mlp};
    use crate::numeric::Activation;
    use crate::prune::apply;

    #[test]
    fn agrees_with_the_dense_pass() {
        for seed in 0..20 {
            let model = apply(
                &random_mlp(&[4, 9, 8, 3], 1, Activation::Silu, seed),
                0.9,
                false,
            );
            let inputs = random_inputs(&model, 33, seed);
            let sparse = Sparse::new(&model);
            let difference = sparse.outputs(inputs.view()) - model.outputs(inputs.view());
            assert!(difference.iter().all(|d| d.abs() < 1e-12));
            let kept = model
                .layers
                .iter()
                .flat_map(|l| &l.weight)
                .filter(|w| **w != 0.0);
            assert_eq!(sparse.edges(), kept.count());
        }
    }
}
