//! What pruning needs of a network.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::trail::Steps;
use crate::model::transformer::Matrix;
use crate::model::{Layered, Mlp, Sequences, Transformer};
use crate::numeric::Scalar;

/// A network whose weights can be pruned.
pub trait Prunable: Clone + Send + Sync {
    /// What it computes in.
    type Number: Scalar;
    /// What it is run on.
    type Batch: Clone + Send + Sync;

    /// The weights that can be pruned, linear layer by linear layer.
    fn weights(&self) -> Vec<ArrayView2<'_, Self::Number>>;

    /// The biases that can be pruned, linear layer by linear layer.
    fn biases(&self) -> Vec<ArrayView1<'_, Self::Number>>;

    /// Changes every weight, and every bias if `biases`.
    fn change(&mut self, biases: bool, change: impl Fn(Self::Number) -> Self::Number);

    /// Its weights by size, to go from threshold to threshold sample by sample; `None` for
    /// networks that take a run for each. Rounding may differ from that of such a run.
    fn steps(&self, _batch: &Self::Batch) -> Option<Steps> {
        None
    }

    /// Its outputs on a batch, `[outputs, samples]`.
    fn outputs_on(&self, batch: &Self::Batch) -> Array2<Self::Number>;

    /// A batch with at least these samples, by their columns in the outputs.
    fn pick(batch: &Self::Batch, columns: &[usize]) -> Self::Batch;
}

/// Physical inputs `[width, samples]`.
impl<T: Scalar> Prunable for Mlp<T> {
    type Number = T;
    type Batch = Array2<T>;

    fn weights(&self) -> Vec<ArrayView2<'_, T>> {
        self.layers.iter().map(|l| l.weight.view()).collect()
    }

    fn biases(&self) -> Vec<ArrayView1<'_, T>> {
        self.layers.iter().map(|l| l.bias.view()).collect()
    }

    fn change(&mut self, biases: bool, change: impl Fn(T) -> T) {
        for layer in &mut self.layers {
            layer.weight.mapv_inplace(&change);
            if biases {
                layer.bias.mapv_inplace(&change);
            }
        }
    }

    fn steps(&self, batch: &Array2<T>) -> Option<Steps> {
        Steps::new(self, batch.view())
    }

    fn outputs_on(&self, batch: &Array2<T>) -> Array2<T> {
        self.outputs(batch.view())
    }

    fn pick(batch: &Array2<T>, columns: &[usize]) -> Array2<T> {
        batch.select(Axis(1), columns)
    }
}

/// Inputs `[features, samples]`; every parameter counts once, however often it is used.
/// Biases are none of them: a recurrence's are sums of two tensors.
impl<T: Scalar> Prunable for Layered<T> {
    type Number = T;
    type Batch = Array2<T>;

    fn weights(&self) -> Vec<ArrayView2<'_, T>> {
        self.parameters.iter().map(|p| p.weight.view()).collect()
    }

    fn biases(&self) -> Vec<ArrayView1<'_, T>> {
        Vec::new()
    }

    fn change(&mut self, _: bool, change: impl Fn(T) -> T) {
        for parameter in &mut self.parameters {
            parameter.weight.mapv_inplace(&change);
        }
    }

    fn outputs_on(&self, batch: &Array2<T>) -> Array2<T> {
        self.outputs(batch.clone())
    }

    fn pick(batch: &Array2<T>, columns: &[usize]) -> Array2<T> {
        batch.select(Axis(1), columns)
    }
}

/// Columns are readings; a batch that is picked has whole sequences.
impl<T: Scalar> Prunable for Transformer<T> {
    type Number = T;
    type Batch = Sequences<T>;

    fn weights(&self) -> Vec<ArrayView2<'_, T>> {
        let of = |matrix: Matrix| self.weight(matrix);
        self.matrices().into_iter().map(of).collect()
    }

    fn biases(&self) -> Vec<ArrayView1<'_, T>> {
        let of = |matrix: Matrix| self.bias(matrix);
        self.matrices().into_iter().map(of).collect()
    }

    fn change(&mut self, biases: bool, change: impl Fn(T) -> T) {
        self.map_weights(biases, change);
    }

    fn outputs_on(&self, batch: &Sequences<T>) -> Array2<T> {
        self.outputs_of(batch)
    }

    fn pick(batch: &Sequences<T>, columns: &[usize]) -> Sequences<T> {
        let per_sample = batch.answers.readings_per_sample().max(1);
        let mut samples: Vec<usize> = columns.iter().map(|c| c / per_sample).collect();
        samples.sort_unstable();
        samples.dedup();
        batch.select(&samples)
    }
}
