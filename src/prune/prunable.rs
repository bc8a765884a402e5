//! What pruning needs of a network.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::model::transformer::Matrix;
use crate::model::{Layered, Mlp, Sequences, Transformer};
use crate::numeric::Scalar;
use crate::order;
use crate::patch::{Engine, Fills, PatchableExt as _};

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

    /// What is measured of the outputs on a batch, pruned at each of `thresholds`,
    /// which go from large to small; biases stay. In parallel. `None` for networks
    /// that take a run for each: only where it takes much less is this done, and
    /// rounding may then differ from that of such a run.
    fn along<R: Send>(
        &self,
        _batch: &Self::Batch,
        _thresholds: &[f64],
        _measure: impl Fn(ArrayView2<'_, Self::Number>) -> R + Sync,
    ) -> Option<Vec<R>> {
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

    /// From a threshold to the next, the weights between them come back one by one.
    fn along<R: Send>(
        &self,
        batch: &Array2<T>,
        thresholds: &[f64],
        measure: impl Fn(ArrayView2<'_, T>) -> R + Sync,
    ) -> Option<Vec<R>> {
        let (Some(most), Some(least)) = (thresholds.first(), thresholds.last()) else {
            return Some(Vec::new());
        };
        // NaN is never pruned.
        let size = |w: &T| {
            if w.is_nan() {
                f64::INFINITY
            } else {
                w.abs().widen()
            }
        };
        let sizes: Vec<f64> = self
            .layers
            .iter()
            .flat_map(|l| l.weight.iter().map(size))
            .collect();
        let kept = sizes.iter().enumerate().filter(|(_, size)| *size >= least);
        let (mut order, mut stepped): (Vec<usize>, Vec<usize>) = kept
            .map(|(edge, _)| edge)
            .partition(|edge| sizes[*edge] >= *most);
        order::descending(&mut stepped, |edge| sizes[*edge]);
        order.append(&mut stepped);
        let kept = |threshold: &f64| order.partition_point(|edge| sizes[*edge] >= *threshold);
        let kept: Vec<usize> = thresholds.iter().map(kept).collect();
        let engine = Engine::new(self, batch.clone(), Fills::zero());
        Some(engine.each_kept(&order, &kept, measure))
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
