//! What linear layers read in a run.

use std::borrow::Cow;

use ndarray::{Array2, ArrayView2};

use crate::model::Transformer;
use crate::model::transformer::{Matrix, SequenceInputs, SequenceTrace};
use crate::numeric::Scalar;
use crate::patch::recorded::Recorded;

/// What every linear layer reads, after norms, and the streams before norms.
#[derive(Debug, Clone)]
pub struct Values<T> {
    matrices: Vec<Matrix>,
    /// The numbers of the streams that there are.
    streams: Vec<usize>,
    /// What linear layers read, then the streams.
    arrays: Vec<Array2<T>>,
}

impl<T: Scalar> Values<T> {
    /// Those of a run.
    #[must_use]
    pub fn of(
        model: &Transformer<T>,
        inputs: &SequenceInputs<T>,
        trace: &SequenceTrace<T>,
    ) -> Self {
        let mut matrices = model.matrices();
        if !matrices.contains(&Matrix::Unembedding) {
            matrices.push(Matrix::Unembedding);
        }
        let read = |matrix: &Matrix| trace.read_by(model, inputs, *matrix).into_owned();
        let mut arrays: Vec<Array2<T>> = matrices.iter().map(read).collect();
        let all = 0..=2 * model.blocks.len();
        let streams: Vec<(usize, Cow<'_, Array2<T>>)> = all
            .filter_map(|number| Some((number, stream(model, trace, number)?)))
            .collect();
        let (streams, values): (Vec<usize>, Vec<Cow<'_, Array2<T>>>) = streams.into_iter().unzip();
        arrays.extend(values.into_iter().map(Cow::into_owned));
        Self {
            matrices,
            streams,
            arrays,
        }
    }

    /// What a linear layer reads, `[rows, in]`.
    ///
    /// # Panics
    /// If the network has no such layer.
    #[must_use]
    pub fn at(&self, matrix: Matrix) -> ArrayView2<'_, T> {
        match self.matrices.iter().position(|m| *m == matrix) {
            Some(place) => self.arrays[place].view(),
            None => unreachable!("{matrix:?} is none of the network's linear layers"),
        }
    }

    /// The stream after so many sublayers, `[rows, d]`.
    ///
    /// # Panics
    /// If nothing reads the stream there.
    #[must_use]
    pub fn stream(&self, sublayers: usize) -> ArrayView2<'_, T> {
        match self.streams.iter().position(|s| *s == sublayers) {
            Some(place) => self.arrays[self.matrices.len() + place].view(),
            None => unreachable!("nothing reads the stream after {sublayers} sublayers"),
        }
    }
}

/// The stream after so many sublayers: between heads and MLP only where the MLP
/// reads it.
fn stream<'t, T: Scalar>(
    model: &Transformer<T>,
    trace: &'t SequenceTrace<T>,
    sublayers: usize,
) -> Option<Cow<'t, Array2<T>>> {
    let block = sublayers / 2;
    if sublayers.is_multiple_of(2) {
        return Some(Cow::Borrowed(trace.stream_before(block)));
    }
    let mlp = trace.mlp[block].as_ref();
    let mlp = mlp.filter(|_| !model.blocks[block].is_parallel());
    mlp.map(|mlp| Cow::Borrowed(&mlp.stream))
}

impl<T: Scalar> Recorded<T> for Values<T> {
    fn of(model: &Transformer<T>, inputs: &SequenceInputs<T>, trace: &SequenceTrace<T>) -> Self {
        Self::of(model, inputs, trace)
    }

    fn zero(&self) -> Self {
        let mut zero = self.clone();
        for array in &mut zero.arrays {
            array.fill(T::zero());
        }
        zero
    }

    fn arrays(&self) -> Vec<&Array2<T>> {
        self.arrays.iter().collect()
    }

    fn arrays_mut(&mut self) -> Vec<&mut Array2<T>> {
        self.arrays.iter_mut().collect()
    }
}
