//! All trained numbers of a network in one flat array.
//!
//! The optimiser walks over the array without knowing networks; passes and swaps
//! see matrices in it. The bias of a neuron stands behind its weights, as the
//! weight of an input that is always 1: `[weights to it | bias]`.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, s};

use crate::model::{Linear, Mlp};
use crate::numeric::{Activation, Rng, Scalar};

/// The form of a network: everything but its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Width of every layer, inputs first.
    pub widths: Vec<usize>,
    /// Folds of the inputs; tokens per sample where inputs are tokens.
    pub folds: usize,
    /// Number of different tokens, where inputs are tokens.
    pub tokens: Option<usize>,
}

impl Form {
    /// Inputs of one fold; numbers per token.
    #[must_use]
    pub fn fold(&self) -> usize {
        self.widths[0] / self.folds
    }

    /// Number of linear layers.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.widths.len() - 1
    }

    /// Entries of the embedding.
    #[must_use]
    pub fn embedding_len(&self) -> usize {
        self.tokens.map_or(0, |tokens| tokens * self.fold())
    }

    /// Where `[weights | bias]` of a linear layer stands: `[readers, writers + 1]` row by row.
    #[must_use]
    pub fn slot(&self, layer: usize) -> Range<usize> {
        let len = |l: usize| self.widths[l + 1] * (self.widths[l] + 1);
        let start = self.embedding_len() + (0..layer).map(len).sum::<usize>();
        start..start + len(layer)
    }

    /// Trained numbers in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slot(self.depth() - 1).end
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A network in training.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters<T> {
    /// Its form.
    pub form: Form,
    /// Embedding `[tokens, d]`, then `[weights | bias]` of each linear layer.
    pub values: Vec<T>,
    /// Physical position → feature, within each fold.
    pub in_perm: Vec<usize>,
    /// Physical position → target.
    pub out_perm: Vec<usize>,
}

impl<T: Scalar> Parameters<T> {
    /// A fresh network, as PyTorch's `nn.Linear` (weights and biases uniform in
    /// ±1/√inputs) and BIMT (embeddings standard normal) start theirs.
    #[must_use]
    pub fn fresh(form: Form, rng: &mut Rng) -> Self {
        let mut values = Vec::with_capacity(form.len());
        values.extend((0..form.embedding_len()).map(|_| T::from_f64(rng.normal())));
        for layer in 0..form.depth() {
            let bound = 1.0 / (form.widths[layer] as f64).sqrt();
            let draw = |_| T::from_f64((2.0 * rng.uniform() - 1.0) * bound);
            values.extend(form.slot(layer).map(draw));
        }
        Self {
            in_perm: (0..form.fold()).collect(),
            out_perm: (0..form.widths[form.depth()]).collect(),
            values,
            form,
        }
    }

    /// `[weights | bias]` of a linear layer, `[readers, writers + 1]`.
    #[must_use]
    pub fn layer(&self, layer: usize) -> ArrayView2<'_, T> {
        matrix(
            &self.values[self.form.slot(layer)],
            self.form.widths[layer + 1],
        )
    }

    /// The matrix of a layer, to change.
    pub fn layer_mut(&mut self, layer: usize) -> ArrayViewMut2<'_, T> {
        let slot = self.form.slot(layer);
        matrix_mut(&mut self.values[slot], self.form.widths[layer + 1])
    }

    /// The weights alone, `[readers, writers]`.
    #[must_use]
    pub fn weights(&self, layer: usize) -> ArrayView2<'_, T> {
        let writers = self.form.widths[layer];
        self.layer(layer).slice_move(s![.., ..writers])
    }

    /// The embedding `[tokens, d]`, where there is one.
    #[must_use]
    pub fn embedding(&self) -> Option<ArrayView2<'_, T>> {
        let tokens = self.form.tokens?;
        Some(matrix(&self.values[..self.form.embedding_len()], tokens))
    }

    /// The network.
    #[must_use]
    pub fn to_mlp(&self, activation: Activation) -> Mlp<T> {
        let linear = |layer: usize| {
            let writers = self.form.widths[layer];
            Linear {
                weight: self.weights(layer).to_owned(),
                bias: self.layer(layer).column(writers).to_owned(),
            }
        };
        Mlp {
            embedding: self.embedding().map(|e| e.to_owned()),
            in_perm: self.in_perm.clone(),
            folds: self.form.folds,
            layers: (0..self.form.depth()).map(linear).collect(),
            activation: activation.into(),
            out_perm: self.out_perm.clone(),
        }
    }

    /// A network as it stands, to train on.
    #[must_use]
    pub fn from_mlp(mlp: &Mlp<T>) -> Self {
        let form = Form {
            widths: mlp.widths(),
            folds: mlp.folds,
            tokens: mlp.embedding.as_ref().map(Array2::nrows),
        };
        let mut values: Vec<T> = mlp.embedding.iter().flatten().copied().collect();
        for Linear { weight, bias } in &mlp.layers {
            push_rows(&mut values, weight, bias);
        }
        Self {
            form,
            values,
            in_perm: mlp.in_perm.clone(),
            out_perm: mlp.out_perm.clone(),
        }
    }
}

/// Appends `[weights | bias]` row by row.
fn push_rows<T: Scalar>(values: &mut Vec<T>, weight: &Array2<T>, bias: &Array1<T>) {
    for (row, bias) in weight.rows().into_iter().zip(bias) {
        values.extend(row.iter().copied());
        values.push(*bias);
    }
}

/// A slice as a matrix with this many rows.
pub(super) fn matrix<T>(slice: &[T], rows: usize) -> ArrayView2<'_, T> {
    let columns = slice.len() / rows.max(1);
    ArrayView2::from_shape((rows, columns), slice)
        .unwrap_or_else(|_| unreachable!("rows divide it"))
}

/// A slice as a matrix, to change.
pub(super) fn matrix_mut<T>(slice: &mut [T], rows: usize) -> ArrayViewMut2<'_, T> {
    let columns = slice.len() / rows.max(1);
    ArrayViewMut2::from_shape((rows, columns), slice)
        .unwrap_or_else(|_| unreachable!("rows divide it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        Form {
            widths: vec![4, 3, 2],
            folds: 2,
            tokens: Some(5),
        }
    }

    #[test]
    fn networks_round_trip() {
        let parameters = Parameters::<f64>::fresh(form(), &mut Rng::new(1, 0));
        assert_eq!(parameters.values.len(), 10 + 3 * 5 + 2 * 4);
        let mlp = parameters.to_mlp(Activation::Silu);
        assert_eq!(mlp.layers[1].bias[1], parameters.values[32]);
        assert_eq!(Parameters::from_mlp(&mlp), parameters);
    }

    #[test]
    fn fresh_weights_fill_their_bounds() {
        let form = Form {
            widths: vec![100, 50],
            folds: 1,
            tokens: None,
        };
        let values = Parameters::<f32>::fresh(form, &mut Rng::new(2, 0)).values;
        let largest = values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        assert!(largest <= 0.1 && largest > 0.099);
    }
}
