//! The backward pass to what every linear layer writes.

use ndarray::{Array2, ArrayView2, Axis};

use super::attention::attend_backward;
use super::backward::through_norm;
use super::{Letter, Matrix, SequenceTrace, Transformer};
use crate::numeric::{Scalar, matmul_into};

/// Takes a linear layer and the gradient at what it writes, `[rows, out]`.
pub type LinearVisitor<'v, T> = dyn FnMut(Matrix, ArrayView2<'_, T>) + 'v;

impl<T: Scalar> Transformer<T> {
    /// The gradient at what every linear layer writes, of a number whose
    /// gradient at the outputs is `at_outputs: [readings, outputs]`. `visit`
    /// gets them layer by layer, the last first; the rows are those that the
    /// layer computes.
    pub fn backward_linears(
        &self,
        trace: &SequenceTrace<T>,
        at_outputs: ArrayView2<'_, T>,
        visit: &mut LinearVisitor<'_, T>,
    ) {
        let layers = self.blocks.len();
        visit(Matrix::Unembedding, at_outputs);
        let mut stream = self.end_backward(&trace.end, at_outputs);
        for layer in (0..layers).rev() {
            visit(Matrix::Down(layer), stream.view());
            let at_mlp = self.mlp_linears(trace, layer, &stream, visit);
            stream += &at_mlp;
            visit(Matrix::Out(layer), stream.view());
            let at_attention = self.attention_linears(trace, layer, &stream, visit);
            if layer + 1 == layers {
                let mut everywhere = Array2::zeros(at_attention.raw_dim());
                trace.answers.add_rows(stream.view(), &mut everywhere);
                stream = everywhere;
            }
            stream += &at_attention;
        }
        visit(Matrix::Input, stream.view());
    }

    /// The gradient at an MLP's input, given that at what it writes.
    fn mlp_linears(
        &self,
        trace: &SequenceTrace<T>,
        layer: usize,
        at: &Array2<T>,
        visit: &mut LinearVisitor<'_, T>,
    ) -> Array2<T> {
        let (block, half) = (&self.blocks[layer], &trace.mlp[layer]);
        let mut hidden = Array2::zeros(half.before.raw_dim());
        matmul_into(hidden.view_mut(), at.view(), block.down.t(), false);
        if let (Some(gradient), Some(before)) = (hidden.as_slice_mut(), half.before.as_slice()) {
            self.activation.multiply_by_derivative(gradient, before);
        }
        visit(Matrix::Up(layer), hidden.view());
        let mut result = Array2::zeros(at.raw_dim());
        matmul_into(result.view_mut(), hidden.view(), block.up.t(), false);
        let normed = half.normed.as_ref();
        through_norm(block.norm2.as_ref(), normed, result.view_mut());
        result
    }

    /// The gradient at what a block's heads read, at all positions, given that
    /// at what they write.
    fn attention_linears(
        &self,
        trace: &SequenceTrace<T>,
        layer: usize,
        at: &Array2<T>,
        visit: &mut LinearVisitor<'_, T>,
    ) -> Array2<T> {
        let (block, half) = (&self.blocks[layer], &trace.attention[layer]);
        let mut at_held = Array2::zeros(half.held.raw_dim());
        matmul_into(at_held.view_mut(), at.view(), block.out.t(), false);
        let (queries, keys_values) = attend_backward(
            self.heads,
            trace.asking(layer, self.blocks.len()),
            &half.queries,
            &half.keys_values,
            &half.pattern,
            &at_held,
        );
        let (keys, values) = keys_values.view().split_at(Axis(1), self.heads.total());
        let mut result = Array2::zeros(half.stream.raw_dim());
        for (letter, gradient) in Letter::ALL.into_iter().zip([queries.view(), keys, values]) {
            let matrix = Matrix::Projection { layer, letter };
            visit(matrix, gradient);
            let mut part = Array2::zeros((gradient.nrows(), self.width()));
            matmul_into(part.view_mut(), gradient, self.weight(matrix).t(), false);
            if letter == Letter::Q && layer + 1 == self.blocks.len() {
                trace.answers.add_rows(part.view(), &mut result);
            } else {
                result += &part;
            }
        }
        let normed = half.normed.as_ref();
        through_norm(block.norm1.as_ref(), normed, result.view_mut());
        result
    }
}
