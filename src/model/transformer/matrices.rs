//! The linear layers of a transformer, one after the other.
//!
//! Their entries are the edges at the granularity of weights, and what pruning
//! prunes. Embeddings of tokens and positions, norms, and an unembedding that is
//! the embedding transposed are none of them.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, s};

use super::{Embedding, Letter, Transformer};
use crate::numeric::Scalar;

/// A linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matrix {
    /// From the numbers of a position into the stream.
    Input,
    /// From the stream to the queries, keys or values of all heads of a block.
    Projection {
        /// The block.
        layer: usize,
        /// Which of the three.
        letter: Letter,
    },
    /// From what a block's heads hold into the stream.
    Out(usize),
    /// From the stream to a block's hidden neurons.
    Up(usize),
    /// From them into the stream.
    Down(usize),
    /// From the stream to the outputs.
    Unembedding,
}

/// How a linear layer's `[in, out]` entries stand in a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `[in, out]`, rows so far apart: more than the layer is wide where
    /// several layers stand side by side.
    InOut {
        /// Entries from one row to the next.
        stride: usize,
    },
    /// `[out, in]`.
    OutIn,
    /// `[heads, in, width]`, the heads' outputs side by side.
    Heads {
        /// Width of one head.
        width: usize,
    },
}

/// Where a linear layer is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The linear layer.
    pub matrix: Matrix,
    /// The tensor of its weights.
    pub tensor: String,
    /// The first of the tensor's entries that belong to it.
    pub first: usize,
    /// How they stand.
    pub order: Order,
    /// The tensor of its biases, and the first entry that belongs to it.
    pub bias: (String, usize),
}

impl Place {
    /// The entry of the tensor that holds `[from, to]` of a layer with so many inputs.
    #[must_use]
    pub fn entry(&self, inputs: usize, from: usize, to: usize) -> usize {
        self.first
            + match self.order {
                Order::InOut { stride } => from * stride + to,
                Order::OutIn => to * inputs + from,
                Order::Heads { width } => (to / width * inputs + from) * width + to % width,
            }
    }
}

impl<T: Scalar> Transformer<T> {
    /// All linear layers, in the order of computation; the unembedding only
    /// where it is not the embedding, transposed.
    #[must_use]
    pub fn matrices(&self) -> Vec<Matrix> {
        let mut all = Vec::new();
        if matches!(self.embedding, Embedding::Values { .. }) {
            all.push(Matrix::Input);
        }
        for layer in 0..self.blocks.len() {
            let projection = |letter| Matrix::Projection { layer, letter };
            all.extend(Letter::ALL.map(projection));
            all.extend([Matrix::Out(layer), Matrix::Up(layer), Matrix::Down(layer)]);
        }
        if self.unembedding.is_some() {
            all.push(Matrix::Unembedding);
        }
        all
    }

    /// The weights of a linear layer, `[in, out]`.
    #[must_use]
    pub fn weight(&self, matrix: Matrix) -> ArrayView2<'_, T> {
        match matrix {
            Matrix::Input => match &self.embedding {
                Embedding::Values { weight, .. } => weight.view(),
                Embedding::Tokens(table) => table.slice(s![..0, ..]),
            },
            Matrix::Projection { layer, letter } => {
                let columns = self.columns(letter);
                self.blocks[layer].qkv.slice(s![.., columns])
            }
            Matrix::Out(layer) => self.blocks[layer].out.view(),
            Matrix::Up(layer) => self.blocks[layer].up.view(),
            Matrix::Down(layer) => self.blocks[layer].down.view(),
            Matrix::Unembedding => self.unembedding(),
        }
    }

    /// The biases of a linear layer, `[out]`.
    #[must_use]
    pub fn bias(&self, matrix: Matrix) -> ArrayView1<'_, T> {
        match matrix {
            Matrix::Input => match &self.embedding {
                Embedding::Values { bias, .. } => bias.view(),
                Embedding::Tokens(_) => ArrayView1::from(&[]),
            },
            Matrix::Projection { layer, letter } => {
                let columns = self.columns(letter);
                self.blocks[layer].qkv_bias.slice(s![columns])
            }
            Matrix::Out(layer) => self.blocks[layer].out_bias.view(),
            Matrix::Up(layer) => self.blocks[layer].up_bias.view(),
            Matrix::Down(layer) => self.blocks[layer].down_bias.view(),
            Matrix::Unembedding => self.output_bias.view(),
        }
    }

    /// Changes every weight of the linear layers, and their biases if `biases`.
    /// A bias that no linear layer of [`matrices`](Self::matrices) has stays.
    pub fn map_weights(&mut self, biases: bool, change: impl Fn(T) -> T) {
        if let Embedding::Values { weight, bias, .. } = &mut self.embedding {
            weight.mapv_inplace(&change);
            if biases {
                bias.mapv_inplace(&change);
            }
        }
        for block in &mut self.blocks {
            for weight in [
                &mut block.qkv,
                &mut block.out,
                &mut block.up,
                &mut block.down,
            ] {
                weight.mapv_inplace(&change);
            }
            let all = [
                &mut block.qkv_bias,
                &mut block.out_bias,
                &mut block.up_bias,
                &mut block.down_bias,
            ];
            for bias in all.into_iter().filter(|_| biases) {
                bias.mapv_inplace(&change);
            }
        }
        if let Some(weight) = &mut self.unembedding {
            weight.mapv_inplace(&change);
            if biases {
                self.output_bias.mapv_inplace(&change);
            }
        }
    }

    /// Gives a linear layer other weights, `[in, out]`; an unembedding that was
    /// tied is tied no more.
    pub fn set_weight(&mut self, matrix: Matrix, weight: &Array2<T>) {
        match matrix {
            Matrix::Input => {
                if let Embedding::Values { weight: old, .. } = &mut self.embedding {
                    old.assign(weight);
                }
            }
            Matrix::Projection { layer, letter } => {
                let columns = self.columns(letter);
                let mut old = self.blocks[layer].qkv.slice_mut(s![.., columns]);
                old.assign(weight);
            }
            Matrix::Out(layer) => self.blocks[layer].out.assign(weight),
            Matrix::Up(layer) => self.blocks[layer].up.assign(weight),
            Matrix::Down(layer) => self.blocks[layer].down.assign(weight),
            Matrix::Unembedding => self.unembedding = Some(weight.clone()),
        }
    }

    /// Where the queries, keys or values of all heads stand in `qkv`.
    fn columns(&self, letter: Letter) -> Range<usize> {
        let total = self.heads.total();
        letter as usize * total..(letter as usize + 1) * total
    }
}
