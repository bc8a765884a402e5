//! One block forward and backward: the gradient of the loss, in buffers made once.
//!
//! Activations are `[width + 1, samples]` with ones in the last row, so that a
//! product with `[weights | bias]` adds the bias. Where inputs are tokens, the
//! first layer reads from a table per fold, `[readers, tokens]`, which is its
//! weights times the embedding: as many products as there are tokens, not samples.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::blocks::{Block, Source};
use super::loss::{self, Score};
use super::parameters::{Parameters, matrix_mut};
use super::recipe::Loss;
use crate::numeric::{Activation, Scalar, matmul_into};

/// What a network is besides its numbers.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Between the linear layers.
    pub activation: Activation,
    /// What is minimised.
    pub loss: Loss,
}

/// The first layer's messages for every token, per fold `[readers, tokens]`.
#[derive(Debug, Clone)]
pub struct Tables<T> {
    /// The embedding by physical position, `[d, tokens]`.
    embedding: Array2<T>,
    /// Per fold.
    tables: Vec<Array2<T>>,
}

impl<T: Scalar> Tables<T> {
    /// Tables of the right sizes; none where inputs are numbers.
    #[must_use]
    pub fn new(parameters: &Parameters<T>) -> Self {
        let form = &parameters.form;
        let tokens = form.tokens.unwrap_or(0);
        let folds = if form.tokens.is_some() { form.folds } else { 0 };
        Self {
            embedding: Array2::zeros((form.fold(), tokens)),
            tables: vec![Array2::zeros((form.widths[1], tokens)); folds],
        }
    }

    /// Fills the tables from the parameters as they are now.
    pub fn fill(&mut self, parameters: &Parameters<T>) {
        let Some(embedding) = parameters.embedding() else {
            return;
        };
        for (mut row, feature) in self
            .embedding
            .rows_mut()
            .into_iter()
            .zip(&parameters.in_perm)
        {
            row.assign(&embedding.column(*feature));
        }
        let fold = parameters.form.fold();
        for (index, table) in self.tables.iter_mut().enumerate() {
            let weights = parameters.weights(0);
            let of_fold = weights.slice(s![.., index * fold..(index + 1) * fold]);
            matmul_into(table.view_mut(), of_fold, self.embedding.view(), false);
        }
    }

    /// Turns gradients of the tables into those of the first layer and the embedding.
    fn backward(&self, parameters: &Parameters<T>, of_tables: &[Array2<T>], gradient: &mut [T]) {
        let form = &parameters.form;
        let (fold, d) = (form.fold(), form.embedding_len());
        let (of_embedding, rest) = gradient.split_at_mut(d);
        let mut of_layer = matrix_mut(&mut rest[..form.slot(0).len()], form.widths[1]);
        let mut by_position = Array2::zeros(self.embedding.raw_dim());
        for (index, of_table) in of_tables.iter().enumerate() {
            let columns = index * fold..(index + 1) * fold;
            let of_fold = of_layer.slice_mut(s![.., columns.clone()]);
            matmul_into(of_fold, of_table.view(), self.embedding.t(), false);
            let weights = parameters.weights(0);
            matmul_into(
                by_position.view_mut(),
                weights.slice(s![.., columns]).t(),
                of_table.view(),
                true,
            );
        }
        let mut of_embedding = matrix_mut(of_embedding, self.embedding.ncols());
        for (row, feature) in by_position.rows().into_iter().zip(&parameters.in_perm) {
            of_embedding.column_mut(*feature).assign(&row);
        }
        if let Some(first) = of_tables.first() {
            of_layer
                .column_mut(form.widths[0])
                .assign(&first.sum_axis(Axis(1)));
        }
    }
}

/// The buffers of one block.
#[derive(Debug, Clone)]
pub struct Pass<T> {
    /// Of each hidden layer, `[width + 1, samples]`, the last row all ones.
    hidden: Vec<Array2<T>>,
    /// The activation's derivative there, `[width, samples]`.
    slopes: Vec<Array2<T>>,
    /// `[outputs, samples]`
    outputs: Array2<T>,
    /// Gradients with respect to what each reading layer reads, `[width, samples]`.
    reads: Vec<Array2<T>>,
    /// One number per sample.
    scratch: Vec<T>,
    /// In the order of [`Parameters::values`]; the first layer's stay 0 where inputs are tokens.
    gradient: Vec<T>,
    /// Gradients of the tables.
    of_tables: Vec<Array2<T>>,
}

impl<T: Scalar> Pass<T> {
    /// Buffers for blocks of `samples`.
    #[must_use]
    pub fn new(parameters: &Parameters<T>, samples: usize) -> Self {
        let form = &parameters.form;
        let depth = form.depth();
        let matrix = |rows: &usize| Array2::zeros((*rows, samples));
        Self {
            hidden: form.widths[1..depth]
                .iter()
                .map(|w| with_ones(*w, samples))
                .collect(),
            slopes: form.widths[1..depth].iter().map(matrix).collect(),
            outputs: matrix(&form.widths[depth]),
            reads: form.widths[1..].iter().map(matrix).collect(),
            scratch: vec![T::zero(); samples],
            gradient: vec![T::zero(); form.len()],
            of_tables: Tables::new(parameters).tables,
        }
    }

    /// The samples it has room for.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.scratch.len()
    }

    /// The outputs of a block, `[outputs, samples]`.
    pub fn forward(
        &mut self,
        parameters: &Parameters<T>,
        tables: &Tables<T>,
        block: &Block<T>,
        activation: Activation,
    ) -> ArrayView2<'_, T> {
        let depth = parameters.form.depth();
        for layer in 0..depth {
            let (before, after) = self.hidden.split_at_mut(layer);
            let width = parameters.form.widths[layer + 1];
            let mut read = match after.first_mut() {
                Some(hidden) => hidden.slice_mut(s![..width, ..]),
                None => self.outputs.view_mut(),
            };
            match (before.last(), &block.source) {
                (Some(values), _) | (None, Source::Values(values)) => {
                    matmul_into(
                        read.view_mut(),
                        parameters.layer(layer),
                        values.view(),
                        false,
                    );
                }
                (None, Source::Tokens(tokens)) => {
                    let biases = parameters.layer(0);
                    gather(
                        read.view_mut(),
                        biases.column(biases.ncols() - 1).iter(),
                        &tables.tables,
                        tokens,
                    );
                }
            }
            if let (Some(values), Some(slopes)) = (read.as_slice_mut(), self.slopes.get_mut(layer))
            {
                activation.apply_with_derivative(values, slopes.as_slice_mut().unwrap_or_default());
            }
        }
        self.outputs.view()
    }

    /// The loss of a block and its hits.
    pub fn score(
        &mut self,
        parameters: &Parameters<T>,
        tables: &Tables<T>,
        block: &Block<T>,
        rules: Rules,
    ) -> Score {
        let outputs = self.forward(parameters, tables, block, rules.activation);
        loss::score(rules.loss, outputs, &block.truth)
    }

    /// Computes the gradient of the block's part of the loss averaged over `of` samples.
    pub fn backward(
        &mut self,
        parameters: &Parameters<T>,
        tables: &Tables<T>,
        block: &Block<T>,
        rules: Rules,
        of: usize,
    ) {
        self.forward(parameters, tables, block, rules.activation);
        let depth = parameters.form.depth();
        let last = self.reads[depth - 1].view_mut();
        loss::gradient(
            rules.loss,
            self.outputs.view(),
            &block.truth,
            of,
            last,
            &mut self.scratch,
        );
        for layer in (0..depth).rev() {
            let (before, read) = self.reads.split_at_mut(layer);
            let read = read[0].view();
            let slot = parameters.form.slot(layer);
            let gradient = matrix_mut(&mut self.gradient[slot], read.nrows());
            match (before.last_mut(), &block.source) {
                (Some(before), _) => {
                    matmul_into(gradient, read, self.hidden[layer - 1].t(), false);
                    matmul_into(
                        before.view_mut(),
                        parameters.weights(layer).reversed_axes(),
                        read,
                        false,
                    );
                    *before *= &self.slopes[layer - 1];
                }
                (None, Source::Values(values)) => matmul_into(gradient, read, values.t(), false),
                (None, Source::Tokens(tokens)) => scatter(&mut self.of_tables, read, tokens),
            }
        }
    }
}

/// Adds up the gradients of all blocks, in their order, into `total`.
pub fn add_up<T: Scalar>(
    passes: &mut [Pass<T>],
    parameters: &Parameters<T>,
    tables: &Tables<T>,
    total: &mut [T],
) {
    let Some((first, others)) = passes.split_first_mut() else {
        return;
    };
    for other in others {
        first
            .gradient
            .iter_mut()
            .zip(&other.gradient)
            .for_each(|(a, b)| *a += *b);
        first
            .of_tables
            .iter_mut()
            .zip(&other.of_tables)
            .for_each(|(a, b)| *a += b);
    }
    total.copy_from_slice(&first.gradient);
    if !first.of_tables.is_empty() {
        tables.backward(parameters, &first.of_tables, total);
    }
}

fn with_ones<T: Scalar>(width: usize, samples: usize) -> Array2<T> {
    Array2::from_shape_fn((width + 1, samples), |(row, _)| {
        if row == width { T::one() } else { T::zero() }
    })
}

/// `read[r, s] = bias[r] + Σ over folds of table[r, token of s]`.
fn gather<'a, T: Scalar>(
    mut read: ArrayViewMut2<'_, T>,
    biases: impl Iterator<Item = &'a T>,
    tables: &[Array2<T>],
    tokens: &[Vec<usize>],
) {
    for ((row, mut values), bias) in read.rows_mut().into_iter().enumerate().zip(biases) {
        values.fill(*bias);
        for (table, tokens) in tables.iter().zip(tokens) {
            let messages = table.row(row);
            values
                .iter_mut()
                .zip(tokens)
                .for_each(|(v, t)| *v += messages[*t]);
        }
    }
}

/// The gradient of [`gather`]: what each token's message is answerable for.
///
/// Several rows at a time, so that one row's sum need not wait for another's.
fn scatter<T: Scalar>(of_tables: &mut [Array2<T>], read: ArrayView2<'_, T>, tokens: &[Vec<usize>]) {
    const ROWS: usize = 8;
    for (table, tokens) in of_tables.iter_mut().zip(tokens) {
        let mut sums = vec![[T::zero(); ROWS]; table.ncols()];
        for (mut table, read) in table
            .axis_chunks_iter_mut(Axis(0), ROWS)
            .zip(read.axis_chunks_iter(Axis(0), ROWS))
        {
            sums.fill([T::zero(); ROWS]);
            let last = read.nrows() - 1;
            let rows: [&[T]; ROWS] =
                std::array::from_fn(|row| read.row(row.min(last)).to_slice().unwrap_or_default());
            for (sample, token) in tokens.iter().enumerate() {
                let sums = &mut sums[*token];
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum += row[sample];
                }
            }
            for ((row, token), sum) in table.indexed_iter_mut() {
                *sum = sums[token][row];
            }
        }
    }
}
