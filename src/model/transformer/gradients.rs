//! The backward pass to the weights: what training needs.
//!
//! It gives the gradients of all linear maps. Those of norms, positions and token
//! tables are not computed: the networks that are trained here have none.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::attention::attend_backward;
use super::backward::through_norm;
use super::forward::normalise;
use super::{MlpTrace, SequenceInputs, SequenceTrace, Transformer};
use crate::numeric::{Scalar, matmul_into};

/// The gradient at a linear map.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearGradient<T> {
    /// `[in, out]`, as the weight.
    pub weight: Array2<T>,
    /// `[out]`
    pub bias: Array1<T>,
}

/// The gradients at a block's linear maps.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockGradient<T> {
    /// Queries, keys and values.
    pub qkv: LinearGradient<T>,
    /// What heads write.
    pub out: LinearGradient<T>,
    /// Into the MLP's hidden layer.
    pub up: LinearGradient<T>,
    /// Out of it.
    pub down: LinearGradient<T>,
}

/// The gradients at a transformer's linear maps.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightGradient<T> {
    /// At the map from numbers to the stream; `None` where inputs are tokens.
    pub input: Option<LinearGradient<T>>,
    /// Per block.
    pub blocks: Vec<BlockGradient<T>>,
    /// At the map from the stream to the outputs.
    pub output: LinearGradient<T>,
}

impl<T: Scalar> Transformer<T> {
    /// The gradients at all linear maps, of a number whose gradient at the
    /// outputs is `at_outputs: [readings, outputs]`; `trace` is the forward pass
    /// of `inputs`.
    #[must_use]
    pub fn backward_weights(
        &self,
        inputs: &SequenceInputs<T>,
        trace: &SequenceTrace<T>,
        at_outputs: ArrayView2<'_, T>,
    ) -> WeightGradient<T> {
        let (x, _) = normalise(self.final_norm.as_ref(), &trace.end.stream);
        let output = linear(&x, at_outputs);
        let mut stream = self.end_backward(&trace.end, at_outputs);
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for layer in (0..self.blocks.len()).rev() {
            let (up, down) = self.mlp_weights(layer, &trace.mlp[layer], &mut stream);
            let (qkv, out) = self.attention_weights(trace, layer, &mut stream);
            blocks.push(BlockGradient { qkv, out, up, down });
        }
        blocks.reverse();
        let input = match inputs {
            SequenceInputs::Values(x) => Some(linear(x, stream.view())),
            SequenceInputs::Tokens(_) => None,
        };
        WeightGradient {
            input,
            blocks,
            output,
        }
    }

    /// Gradients at the two maps of an MLP; `stream`, the gradient behind it,
    /// becomes that before it.
    fn mlp_weights(
        &self,
        layer: usize,
        half: &MlpTrace<T>,
        stream: &mut Array2<T>,
    ) -> (LinearGradient<T>, LinearGradient<T>) {
        let down = linear(&half.hidden, stream.view());
        let at_before = self.mlp_before_backward(layer, half, stream.view());
        let (x, _) = normalise(self.blocks[layer].norm2.as_ref(), &half.stream);
        let up = linear(&x, at_before.view());
        *stream += &self.mlp_input_backward(layer, half, &at_before);
        (up, down)
    }

    /// Gradients at the two maps of attention; `stream`, the gradient behind it
    /// at its queries' rows, becomes that before it at all rows.
    fn attention_weights(
        &self,
        trace: &SequenceTrace<T>,
        layer: usize,
        stream: &mut Array2<T>,
    ) -> (LinearGradient<T>, LinearGradient<T>) {
        let (block, half) = (&self.blocks[layer], &trace.attention[layer]);
        let out = linear(&half.held, stream.view());
        let mut at_held = Array2::zeros(half.held.raw_dim());
        matmul_into(at_held.view_mut(), stream.view(), block.out.t(), false);
        let (queries, keys_values) = attend_backward(
            self.heads,
            trace.asking(layer, self.blocks.len()),
            &half.queries,
            &half.keys_values,
            &half.pattern,
            &at_held,
        );
        let (x, _) = normalise(block.norm1.as_ref(), &half.stream);
        let (q, kv) = block.qkv.view().split_at(Axis(1), self.heads.total());
        let mut at_x = Array2::zeros(x.raw_dim());
        matmul_into(at_x.view_mut(), keys_values.view(), kv.t(), false);
        let asked = if layer + 1 == self.blocks.len() {
            let mut at_asked = Array2::zeros((queries.nrows(), self.width()));
            matmul_into(at_asked.view_mut(), queries.view(), q.t(), false);
            trace.answers.add_rows(at_asked.view(), &mut at_x);
            let mut everywhere = Array2::zeros(x.raw_dim());
            trace.answers.add_rows(stream.view(), &mut everywhere);
            *stream = everywhere;
            linear(&trace.answers.rows_of(&x), queries.view())
        } else {
            matmul_into(at_x.view_mut(), queries.view(), q.t(), true);
            linear(&x, queries.view())
        };
        through_norm(block.norm1.as_ref(), half.normed.as_ref(), at_x.view_mut());
        *stream += &at_x;
        (asked.beside(&linear(&x, keys_values.view())), out)
    }
}

impl<T: Scalar> LinearGradient<T> {
    /// The gradient of two maps of the same inputs as of one, outputs one behind the other.
    fn beside(self, other: &Self) -> Self {
        let total = self.weight.ncols() + other.weight.ncols();
        let mut weight = Array2::zeros((self.weight.nrows(), total));
        let (mut mine, mut theirs) = weight.view_mut().split_at(Axis(1), self.weight.ncols());
        mine.assign(&self.weight);
        theirs.assign(&other.weight);
        let bias = self.bias.iter().chain(&other.bias).copied().collect();
        Self { weight, bias }
    }
}

/// The gradient of a linear map that made of `x: [rows, in]` what has the
/// gradient `at: [rows, out]`.
fn linear<T: Scalar>(x: &Array2<T>, at: ArrayView2<'_, T>) -> LinearGradient<T> {
    let mut weight = Array2::zeros((x.ncols(), at.ncols()));
    matmul_into(weight.view_mut(), x.t(), at, false);
    LinearGradient {
        weight,
        bias: at.sum_axis(Axis(0)),
    }
}
