//! The gradients at the weights: what training needs.
//!
//! They are those of all linear layers. Those of norms, positions and token
//! tables are not computed: the networks that are trained here have none.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::{Gradients, Matrix, SequenceInputs, SequenceTrace, Transformer};
use crate::numeric::{Scalar, matmul_into};

/// The gradient at a linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearGradient<T> {
    /// `[in, out]`, as the weight.
    pub weight: Array2<T>,
    /// `[out]`
    pub bias: Array1<T>,
}

/// Takes the gradients at linear layers on their way back.
struct AtWeights<'w, T> {
    model: &'w Transformer<T>,
    inputs: &'w SequenceInputs<T>,
    trace: &'w SequenceTrace<T>,
    found: Vec<(Matrix, LinearGradient<T>)>,
}

impl<T: Scalar> Gradients<T> for AtWeights<'_, T> {
    fn linear(&mut self, matrix: Matrix, at: ArrayView2<'_, T>) {
        if matrix == Matrix::Input && matches!(self.inputs, SequenceInputs::Tokens(_)) {
            return;
        }
        let x = self.trace.read_by(self.model, self.inputs, matrix);
        let mut weight = Array2::zeros((x.ncols(), at.ncols()));
        matmul_into(weight.view_mut(), x.t(), at, false);
        let bias = at.sum_axis(Axis(0));
        self.found.push((matrix, LinearGradient { weight, bias }));
    }
}

impl<T: Scalar> Transformer<T> {
    /// The gradients at all linear layers in the order of
    /// [`matrices`](Self::matrices), of a number whose gradient at the outputs is
    /// `at_outputs: [readings, outputs]`; `trace` is the forward pass of `inputs`.
    #[must_use]
    pub fn backward_weights(
        &self,
        inputs: &SequenceInputs<T>,
        trace: &SequenceTrace<T>,
        at_outputs: ArrayView2<'_, T>,
    ) -> Vec<(Matrix, LinearGradient<T>)> {
        let mut hooks = AtWeights {
            model: self,
            inputs,
            trace,
            found: Vec::new(),
        };
        self.backward(trace, at_outputs, &mut hooks);
        let order = self.matrices();
        let place = |matrix: &Matrix| order.iter().position(|m| m == matrix);
        hooks.found.retain(|(matrix, _)| place(matrix).is_some());
        hooks.found.sort_by_key(|(matrix, _)| place(matrix));
        hooks.found
    }
}
