//! A transformer's single values: the channels of its residual stream and the
//! hidden neurons of its MLPs.
//!
//! They stand in *layers*, numbered as the sublayers of a pass: 2l is the stream
//! before block l, 2l + 1 the hidden neurons of its MLP (none in a block without
//! one), the last the stream at the end. A layer's values are `[rows, width]`; from the last block's MLP on
//! rows are readings.

use std::ops::Range;

use super::Transformer;
use crate::numeric::Scalar;

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
        let hidden = self.blocks.iter().map(|b| b.hidden());
        for width in hidden.flat_map(|hidden| [self.width(), hidden]) {
            after += width;
            offsets.push(after);
        }
        offsets.push(after + self.width());
        Neurons { offsets }
    }
}
