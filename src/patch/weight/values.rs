//! What linear layers read in a run.

use ndarray::{Array2, ArrayView2};

use crate::model::Transformer;
use crate::model::transformer::{Letter, Matrix, Norm, SequenceInputs, SequenceTrace};
use crate::numeric::Scalar;
use crate::patch::recorded::Recorded;

/// What every linear layer reads, after norms, and the streams before norms.
#[derive(Debug, Clone)]
pub struct Values<T> {
    blocks: usize,
    /// The inputs; per block what queries read, what keys and values read, what
    /// is held, what the MLP reads, its hidden neurons; what the end reads;
    /// then the stream before every half and at the end.
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
        let blocks = model.blocks.len();
        let mut arrays = vec![match inputs {
            SequenceInputs::Values(values) => values.clone(),
            SequenceInputs::Tokens(_) => Array2::zeros((0, 0)),
        }];
        for (layer, block) in model.blocks.iter().enumerate() {
            let (attention, mlp) = (&trace.attention[layer], &trace.mlp[layer]);
            let x = normalised(block.norm1.as_ref(), &attention.stream);
            arrays.push(match layer + 1 == blocks {
                true => trace.answers.rows_of(&x),
                false => x.clone(),
            });
            arrays.push(x);
            arrays.push(attention.held.clone());
            arrays.push(normalised(block.norm2.as_ref(), &mlp.stream));
            arrays.push(mlp.hidden.clone());
        }
        arrays.push(normalised(model.final_norm.as_ref(), &trace.end.stream));
        for (attention, mlp) in trace.attention.iter().zip(&trace.mlp) {
            arrays.extend([attention.stream.clone(), mlp.stream.clone()]);
        }
        arrays.push(trace.end.stream.clone());
        Self { blocks, arrays }
    }

    /// What a linear layer reads, `[rows, in]`.
    #[must_use]
    pub fn at(&self, matrix: Matrix) -> ArrayView2<'_, T> {
        let place = match matrix {
            Matrix::Input => 0,
            Matrix::Projection {
                layer,
                letter: Letter::Q,
            } => 1 + 5 * layer,
            Matrix::Projection { layer, .. } => 2 + 5 * layer,
            Matrix::Out(layer) => 3 + 5 * layer,
            Matrix::Up(layer) => 4 + 5 * layer,
            Matrix::Down(layer) => 5 + 5 * layer,
            Matrix::Unembedding => 1 + 5 * self.blocks,
        };
        self.arrays[place].view()
    }

    /// The stream after so many halves of blocks, `[rows, d]`.
    #[must_use]
    pub fn stream(&self, halves: usize) -> ArrayView2<'_, T> {
        self.arrays[2 + 5 * self.blocks + halves].view()
    }
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

/// A stream after the norm, where there is one.
pub(super) fn normalised<T: Scalar>(norm: Option<&Norm<T>>, stream: &Array2<T>) -> Array2<T> {
    norm.map_or_else(|| stream.clone(), |norm| norm.forward(stream).0)
}
