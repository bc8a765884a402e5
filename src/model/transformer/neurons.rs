//! A transformer's single values: the channels of its residual stream and the
//! hidden neurons of its MLPs, and the gradient at each.
//!
//! They stand in *layers*, numbered as the halves of a pass: 2l is the stream
//! before block l, 2l + 1 the hidden neurons of its MLP, the last the stream at
//! the end. A layer's values are `[rows, width]`; from the last block's MLP on
//! rows are readings.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis};

use super::attention::attend_backward;
use super::backward::through_norm;
use super::{SequenceTrace, Transformer};
use crate::numeric::{Scalar, matmul_into};

/// The channels and hidden neurons of a transformer, in the order of computation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neurons {
    /// The first of every layer, and the number of all.
    offsets: Vec<usize>,
}

impl Neurons {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// Number of layers: two per block, and one.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Those of a layer, column by column.
    #[must_use]
    pub fn of_layer(&self, layer: usize) -> Range<usize> {
        self.offsets[layer]..self.offsets[layer + 1]
    }

    /// Layer and column of one.
    #[must_use]
    pub fn place(&self, neuron: usize) -> (usize, usize) {
        let layer = self.offsets.partition_point(|first| *first <= neuron) - 1;
        (layer, neuron - self.offsets[layer])
    }

    /// `r2.5`: channel 5 of the stream after two halves, before block 1;
    /// `b0.h12`: hidden neuron 12 of block 0.
    #[must_use]
    pub fn name(&self, neuron: usize) -> String {
        let (layer, column) = self.place(neuron);
        match layer % 2 {
            0 => format!("r{layer}.{column}"),
            _ => format!("b{}.h{column}", layer / 2),
        }
    }
}

impl<T: Scalar> Transformer<T> {
    /// Its channels and hidden neurons.
    #[must_use]
    pub fn neurons(&self) -> Neurons {
        let mut offsets = vec![0];
        let mut after = 0;
        let hidden = self.blocks.iter().map(|block| block.up_bias.len());
        for width in hidden.flat_map(|hidden| [self.width(), hidden]) {
            after += width;
            offsets.push(after);
        }
        offsets.push(after + self.width());
        Neurons { offsets }
    }

    /// The gradients at all channels and hidden neurons of the layers from
    /// `first` on, of a number whose gradient at the outputs is
    /// `at_outputs: [readings, outputs]`. `visit` gets them layer by layer, the
    /// last first, and may change what flows on to the layers before.
    pub fn backward_neurons(
        &self,
        trace: &SequenceTrace<T>,
        at_outputs: ArrayView2<'_, T>,
        first: usize,
        visit: &mut dyn FnMut(usize, &mut Array2<T>),
    ) {
        let layers = self.blocks.len();
        let mut stream = self.end_backward(&trace.end, at_outputs);
        visit(2 * layers, &mut stream);
        for half in (first..2 * layers).rev() {
            let layer = half / 2;
            if half % 2 == 0 {
                stream = self.attention_half_backward(trace, layer, stream);
                visit(half, &mut stream);
            } else {
                let mut hidden = self.at_hidden(layer, stream.view());
                visit(half, &mut hidden);
                stream += &self.hidden_backward(layer, &trace.mlp[layer], hidden);
            }
        }
    }

    /// The gradient at the stream before a block, `[rows, d]`, given that at the
    /// stream after its attention, `[queries, d]`.
    fn attention_half_backward(
        &self,
        trace: &SequenceTrace<T>,
        layer: usize,
        at: Array2<T>,
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
        let (q, kv) = block.qkv.view().split_at(Axis(1), self.heads.total());
        let mut read = Array2::zeros(half.stream.raw_dim());
        matmul_into(read.view_mut(), keys_values.view(), kv.t(), false);
        let last = layer + 1 == self.blocks.len();
        if last {
            let mut asked = Array2::zeros((queries.nrows(), self.width()));
            matmul_into(asked.view_mut(), queries.view(), q.t(), false);
            trace.answers.add_rows(asked.view(), &mut read);
        } else {
            matmul_into(read.view_mut(), queries.view(), q.t(), true);
        }
        through_norm(block.norm1.as_ref(), half.normed.as_ref(), read.view_mut());
        if last {
            trace.answers.add_rows(at.view(), &mut read);
        } else {
            read += &at;
        }
        read
    }
}
