//! One reader at a time, forward and backward: what runs need in which every
//! reader has an input of its own.

use ndarray::{Array2, ArrayView2, s};

use super::attention::{attend, attend_backward};
use super::backward::through_norm;
use super::forward::{linear, normalise};
use super::{End, Letter, MlpTrace, Normed, SequenceTrace, Transformer};
use crate::numeric::{Scalar, matmul_into};

/// What a head has read through one of its inputs.
#[derive(Debug, Clone)]
pub struct HeadInput<T> {
    /// Queries, keys or values, `[rows, width]`.
    pub projected: Array2<T>,
    /// The norm of the input.
    pub normed: Option<Normed<T>>,
}

/// All heads of a block on their own queries, keys and values.
#[derive(Debug, Clone)]
pub struct Attended<T> {
    /// `[queries, heads · width]`
    pub queries: Array2<T>,
    /// Keys, then values, `[rows, 2 · heads · width]`.
    pub keys_values: Array2<T>,
    /// `[samples · heads · queries per sample, length]`
    pub pattern: Array2<T>,
    /// `[queries, heads · width]`
    pub held: Array2<T>,
}

impl<T: Scalar> Transformer<T> {
    /// What a head reads of a residual stream `[rows, d]`.
    #[must_use]
    pub fn read_head(
        &self,
        layer: usize,
        letter: Letter,
        head: usize,
        stream: &Array2<T>,
    ) -> HeadInput<T> {
        let block = &self.blocks[layer];
        let (x, normed) = normalise(block.norm1.as_ref(), stream);
        let from = letter as usize * self.heads.total() + head * self.heads.width;
        let bias = block.qkv_bias.slice(s![from..from + self.heads.width]);
        let weight = block.projection(self.heads, letter as usize, head);
        HeadInput {
            projected: linear(&x, weight, bias),
            normed,
        }
    }

    /// The gradient at the input of a head, `[rows, d]`, given that at what it
    /// has read, `[rows, width]`.
    #[must_use]
    pub fn read_head_backward(
        &self,
        layer: usize,
        letter: Letter,
        head: usize,
        normed: Option<&Normed<T>>,
        at: ArrayView2<'_, T>,
    ) -> Array2<T> {
        let block = &self.blocks[layer];
        let weight = block.projection(self.heads, letter as usize, head);
        let mut gradient = Array2::zeros((at.nrows(), self.width()));
        matmul_into(gradient.view_mut(), at, weight.t(), false);
        through_norm(block.norm1.as_ref(), normed, gradient.view_mut());
        gradient
    }

    /// The heads of a block on these queries, keys and values; lengths and
    /// positions are those of `pass`.
    #[must_use]
    pub fn attend_all(
        &self,
        pass: &SequenceTrace<T>,
        layer: usize,
        queries: Array2<T>,
        keys_values: Array2<T>,
    ) -> Attended<T> {
        let asking = pass.asking(layer, self.blocks.len());
        let (pattern, held) = attend(self.heads, asking, &queries, &keys_values);
        Attended {
            queries,
            keys_values,
            pattern,
            held,
        }
    }

    /// Gradients at queries and at keys and values, given those at what heads hold.
    #[must_use]
    pub fn attend_all_backward(
        &self,
        pass: &SequenceTrace<T>,
        layer: usize,
        attended: &Attended<T>,
        at_held: &Array2<T>,
    ) -> (Array2<T>, Array2<T>) {
        attend_backward(
            self.heads,
            pass.asking(layer, self.blocks.len()),
            &attended.queries,
            &attended.keys_values,
            &attended.pattern,
            at_held,
        )
    }

    /// The gradient at an MLP's input, given that at its output, both `[rows, d]`.
    #[must_use]
    pub fn mlp_half_backward(
        &self,
        layer: usize,
        half: &MlpTrace<T>,
        at: ArrayView2<'_, T>,
    ) -> Array2<T> {
        let block = &self.blocks[layer];
        let mut hidden = Array2::zeros(half.before.raw_dim());
        matmul_into(hidden.view_mut(), at, block.down.t(), false);
        if let (Some(gradient), Some(before)) = (hidden.as_slice_mut(), half.before.as_slice()) {
            self.activation.multiply_by_derivative(gradient, before);
        }
        let mut result = Array2::zeros(at.raw_dim());
        matmul_into(result.view_mut(), hidden.view(), block.up.t(), false);
        through_norm(
            block.norm2.as_ref(),
            half.normed.as_ref(),
            result.view_mut(),
        );
        result
    }

    /// The gradient at the last residual stream, `[readings, d]`, given that at
    /// the outputs, `[readings, outputs]`.
    #[must_use]
    pub fn end_backward(&self, end: &End<T>, at_outputs: ArrayView2<'_, T>) -> Array2<T> {
        let mut stream = Array2::zeros(end.stream.raw_dim());
        matmul_into(stream.view_mut(), at_outputs, self.unembedding().t(), false);
        through_norm(
            self.final_norm.as_ref(),
            end.normed.as_ref(),
            stream.view_mut(),
        );
        stream
    }
}
