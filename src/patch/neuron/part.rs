//! Some of the samples, with their clean run and their fills.

use std::ops::Range;

use ndarray::{Array2, Axis};

use crate::model::Transformer;
use crate::model::transformer::{SequenceInputs, SequenceTrace};
use crate::numeric::{Scalar, matmul_into};
use crate::patch::recorded::{Recorded, Run};

/// The values of all layers of a run, `[rows, width]` each.
#[derive(Debug, Clone)]
pub(super) struct Values<T>(Vec<Array2<T>>);

/// A part of the samples.
#[derive(Debug, Clone)]
pub struct Part<T> {
    /// The readings it holds, of all.
    pub readings: Range<usize>,
    /// The clean run.
    pub clean: SequenceTrace<T>,
    /// What patched values are replaced by, layer by layer, `[rows, width]`.
    pub fills: Vec<Array2<T>>,
}

impl<T: Scalar> Recorded<T> for Values<T> {
    fn of(_: &Transformer<T>, _: &SequenceInputs<T>, trace: &SequenceTrace<T>) -> Self {
        let layers = 0..=2 * trace.mlp.len();
        Self(layers.map(|layer| values(trace, layer).clone()).collect())
    }

    fn zero(&self) -> Self {
        let zeros = |x: &Array2<T>| Array2::zeros(x.raw_dim());
        Self(self.0.iter().map(zeros).collect())
    }

    fn arrays(&self) -> Vec<&Array2<T>> {
        self.0.iter().collect()
    }

    fn arrays_mut(&mut self) -> Vec<&mut Array2<T>> {
        self.0.iter_mut().collect()
    }
}

/// The values of a layer in a run, `[rows, width]`.
fn values<T>(trace: &SequenceTrace<T>, layer: usize) -> &Array2<T> {
    if layer == 2 * trace.mlp.len() {
        &trace.end.stream
    } else if layer.is_multiple_of(2) {
        &trace.attention[layer / 2].stream
    } else {
        &trace.mlp[layer / 2].hidden
    }
}

impl<T: Scalar> Part<T> {
    pub(super) fn new(run: Run<T, Values<T>>, fills: Values<T>) -> Self {
        Self {
            readings: run.readings,
            clean: run.trace,
            fills: fills.0,
        }
    }

    /// The values of a layer in the clean run, `[rows, width]`.
    #[must_use]
    pub fn clean_values(&self, layer: usize) -> &Array2<T> {
        values(&self.clean, layer)
    }

    /// *fill − clean* of a layer, `[rows, width]`.
    #[must_use]
    pub fn difference(&self, layer: usize) -> Array2<T> {
        &self.fills[layer] - self.clean_values(layer)
    }

    /// The run with `change: [rows, columns]` added to these columns of a
    /// layer. `edit` changes the values of later layers; of this one too where
    /// it is one of the stream.
    #[must_use]
    pub fn run_from(
        &self,
        model: &Transformer<T>,
        layer: usize,
        columns: &[usize],
        change: &Array2<T>,
        edit: &mut dyn FnMut(usize, &mut Array2<T>),
    ) -> SequenceTrace<T> {
        if layer.is_multiple_of(2) {
            let mut stream = self.clean_values(layer).clone();
            for (column, change) in columns.iter().zip(change.columns()) {
                let mut values = stream.column_mut(*column);
                values += &change;
            }
            return model.resume_with(&self.clean, layer, stream, edit);
        }
        let down = model.blocks[layer / 2].down.select(Axis(0), columns);
        let mut stream = self.clean_values(layer + 1).clone();
        matmul_into(stream.view_mut(), change.view(), down.view(), true);
        model.resume_with(&self.clean, layer + 1, stream, edit)
    }
}
