//! The weights of a transformer.

use ndarray::{Array1, Array2, ArrayView2, s};

use super::{Components, Norm};
use crate::numeric::{Activation, Scalar};

/// A transformer. Weights stand as `[in, out]`: what is read times a weight is
/// what is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformer<T> {
    /// What the input becomes.
    pub embedding: Embedding<T>,
    /// Learned positions `[length, d]`, where there are any.
    pub positions: Option<Array2<T>>,
    /// The blocks, first to last.
    pub blocks: Vec<Block<T>>,
    /// Before the unembedding, where there is one.
    pub final_norm: Option<Norm<T>>,
    /// `[d, outputs]`; `None` where it is the token embedding, transposed.
    pub unembedding: Option<Array2<T>>,
    /// `[outputs]`
    pub output_bias: Array1<T>,
    /// Physical output → target.
    pub out_perm: Vec<usize>,
    /// How a block's heads are laid out.
    pub heads: Heads,
    /// Inside the MLPs.
    pub activation: Activation,
}

/// How the first residual stream is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Embedding<T> {
    /// Rows of a table `[tokens, d]`.
    Tokens(Array2<T>),
    /// A linear layer on the numbers of each position.
    Values {
        /// `[features, d]`, features in physical order.
        weight: Array2<T>,
        /// `[d]`
        bias: Array1<T>,
        /// Physical feature → feature in the data.
        in_perm: Vec<usize>,
    },
}

/// The attention heads of every block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heads {
    /// Heads per block.
    pub count: usize,
    /// Width of a head's queries, keys and values.
    pub width: usize,
    /// What scores are multiplied by, usually 1/√width.
    pub scale: f64,
    /// Whether a position sees only itself and those before it.
    pub causal: bool,
}

/// One block: attention, then an MLP.
#[derive(Debug, Clone, PartialEq)]
pub struct Block<T> {
    /// Before attention.
    pub norm1: Option<Norm<T>>,
    /// `[d, 3 · heads · width]`: all queries, all keys, all values, each head by head.
    pub qkv: Array2<T>,
    /// `[3 · heads · width]`
    pub qkv_bias: Array1<T>,
    /// `[heads · width, d]`
    pub out: Array2<T>,
    /// `[d]`; belongs to no head.
    pub out_bias: Array1<T>,
    /// Before the MLP.
    pub norm2: Option<Norm<T>>,
    /// `[d, hidden]`
    pub up: Array2<T>,
    /// `[hidden]`
    pub up_bias: Array1<T>,
    /// `[hidden, d]`
    pub down: Array2<T>,
    /// `[d]`; part of what the MLP writes.
    pub down_bias: Array1<T>,
}

impl Heads {
    /// Width of all heads of a block together.
    #[must_use]
    pub fn total(self) -> usize {
        self.count * self.width
    }
}

impl<T: Scalar> Transformer<T> {
    /// Width of the residual stream.
    #[must_use]
    pub fn width(&self) -> usize {
        match &self.embedding {
            Embedding::Tokens(table) => table.ncols(),
            Embedding::Values { weight, .. } => weight.ncols(),
        }
    }

    /// Features or tokens, then the width of the stream after the embedding and
    /// after every block, then the outputs.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let inputs = match &self.embedding {
            Embedding::Tokens(table) => table.nrows(),
            Embedding::Values { weight, .. } => weight.nrows(),
        };
        let streams = std::iter::repeat_n(self.width(), self.blocks.len() + 1);
        std::iter::once(inputs)
            .chain(streams)
            .chain([self.outputs()])
            .collect()
    }

    /// Physical feature → feature in the data; empty for tokens.
    #[must_use]
    pub fn in_perm(&self) -> &[usize] {
        match &self.embedding {
            Embedding::Tokens(_) => &[],
            Embedding::Values { in_perm, .. } => in_perm,
        }
    }

    /// Number of outputs per position.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.output_bias.len()
    }

    /// The unembedding, `[d, outputs]`.
    #[must_use]
    pub fn unembedding(&self) -> ArrayView2<'_, T> {
        match (&self.unembedding, &self.embedding) {
            (Some(weight), _) | (None, Embedding::Values { weight, .. }) => weight.view(),
            (None, Embedding::Tokens(table)) => table.t(),
        }
    }

    /// Its sites and edges; `split_input` tells token from position embedding.
    #[must_use]
    pub fn components(&self, split_input: bool) -> Components {
        Components::new(self.blocks.len(), self.heads.count, split_input)
    }

    /// Trained numbers; a tied unembedding counts once, and has no bias.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let norm = |norm: &Option<Norm<T>>| norm.as_ref().map_or(0, |n| 2 * n.weight.len());
        let block = |b: &Block<T>| {
            norm(&b.norm1)
                + norm(&b.norm2)
                + [&b.qkv, &b.out, &b.up, &b.down]
                    .map(Array2::len)
                    .iter()
                    .sum::<usize>()
                + [&b.qkv_bias, &b.out_bias, &b.up_bias, &b.down_bias]
                    .map(Array1::len)
                    .iter()
                    .sum::<usize>()
        };
        let embedding = match &self.embedding {
            Embedding::Tokens(table) => table.len(),
            Embedding::Values { weight, bias, .. } => weight.len() + bias.len(),
        };
        embedding
            + self.positions.as_ref().map_or(0, Array2::len)
            + self.blocks.iter().map(block).sum::<usize>()
            + norm(&self.final_norm)
            + self.unembedding.as_ref().map_or(0, Array2::len)
            + self
                .unembedding
                .as_ref()
                .map_or(0, |_| self.output_bias.len())
    }
}

impl<T: Scalar> Block<T> {
    /// The columns of `qkv` for one letter (0 queries, 1 keys, 2 values) of one head, `[d, width]`.
    #[must_use]
    pub fn projection(&self, heads: Heads, letter: usize, head: usize) -> ArrayView2<'_, T> {
        let from = letter * heads.total() + head * heads.width;
        self.qkv.slice(s![.., from..from + heads.width])
    }

    /// The rows of `out` that one head writes through, `[width, d]`.
    #[must_use]
    pub fn head_out(&self, heads: Heads, head: usize) -> ArrayView2<'_, T> {
        let from = head * heads.width;
        self.out.slice(s![from..from + heads.width, ..])
    }
}
