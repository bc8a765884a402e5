//! The weights of a transformer and all options of its computation, as plain
//! structs that a loader fills.
//!
//! # For who writes a loader
//!
//! Weights stand as `[in, out]`: what is read times a weight is what is written.
//! What frameworks do apart is resolved on load, so that one form is computed:
//!
//! | in files | here |
//! |---|---|
//! | separate queries, keys, values | side by side in [`Attention::qkv`]: [`Heads::fused`], [`Heads::fused_bias`] |
//! | no bias | zeros |
//! | grouped or multi-query heads | [`Heads::keys`] key-value heads; head h reads key-value head h / (count / keys) |
//! | scale by layer, 1/√width or not | [`Heads::scale`] of each block |
//! | windows in some blocks | [`Heads::mask`] of each block |
//! | rotary, ALiBi | [`Heads::places`], [`Rotary`](super::Rotary)'s constructors |
//! | norms on q and k | [`Attention::query_norm`], with [`Norm::per_head`], or [`Norm::rms`] over all heads' width |
//! | weights `w` meant as 1 + w (gemma) | 1 + w in [`Norm::rms`] |
//! | a norm folded into what follows | [`Norm::folded`] |
//! | norms after a sublayer, or on the sum | [`Norms::after`], [`Norms::sum`] |
//! | one norm for both sublayers of a parallel block | the same norm in both |
//! | gate and up fused | parted: [`FeedForward::gate`] goes through the activation, [`FeedForward::up`] does not |
//! | experts | side by side in one MLP, with a [`FeedForward::router`] |
//! | no MLP | [`Block::mlp`] is `None` |
//! | positions with an offset | the rows before it cut off [`Transformer::positions`] |
//! | patches of images, by a convolution | a linear layer on the numbers of each: [`Patches`]; its biases and the class token in [`Transformer::positions`] |
//! | token types | the one that is used added to every row of [`Transformer::positions`] |
//! | projections of the embedding | multiplied into the embedding and into the unembedding |

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::heads::Heads;
use super::{Components, Letter, Norm, Patches, Router};
use crate::numeric::{Activation, Scalar};

/// A transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformer<T> {
    /// What the input becomes.
    pub embedding: Embedding<T>,
    /// What the embedding is multiplied by before positions are added, usually 1.
    pub embedding_scale: T,
    /// Learned positions `[length, d]`, where there are any.
    pub positions: Option<Array2<T>>,
    /// On the sum of embedding and positions.
    pub embedding_norm: Option<Norm<T>>,
    /// From what is embedded, behind its norm, into the stream, where they differ in width.
    pub embedding_map: Option<EmbeddingMap<T>>,
    /// The blocks, first to last; those of the same weights are one.
    pub blocks: Vec<Arc<Block<T>>>,
    /// Before the unembedding, where there is one.
    pub final_norm: Option<Norm<T>>,
    /// Between the final norm and the unembedding, where there is one.
    pub head: Option<OutputHead<T>>,
    /// `[d, outputs]`; `None` where it is the token embedding, transposed.
    pub unembedding: Option<Array2<T>>,
    /// `[outputs]`
    pub output_bias: Array1<T>,
    /// What becomes of the logits.
    pub logits: Logits,
    /// Physical output → target.
    pub out_perm: Vec<usize>,
    /// Inside the MLPs.
    pub activation: Activation,
    /// What the network's own head reads, where it does not read every position.
    pub reads: Option<Reads>,
    /// Whether outputs are the stream itself: the unembedding is then the identity, and no
    /// layer of the network.
    pub headless: bool,
    /// The token that stands for padding, which a network that looks both ways would have
    /// to be told to leave out.
    pub padding: Option<usize>,
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
        /// How images become those numbers, where the data are images.
        patches: Option<Patches>,
    },
}

/// A linear layer between what is embedded and the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingMap<T> {
    /// `[e, d]`
    pub weight: Array2<T>,
    /// `[d]`
    pub bias: Array1<T>,
}

/// A layer before the unembedding: BERT's transform, or a pooler.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputHead<T> {
    /// `[d, e]`, where the unembedding reads a width e.
    pub weight: Array2<T>,
    /// `[e]`
    pub bias: Array1<T>,
    /// After it.
    pub activation: Activation,
    /// After the activation.
    pub norm: Option<Norm<T>>,
}

/// What a head reads of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// One position, from 0.
    At(usize),
    /// The mean over all positions of what comes out of the final norm.
    Mean,
}

/// What becomes of the logits: `cap · tanh(scale · z / cap)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logits {
    /// They are multiplied by it, usually 1.
    pub scale: f64,
    /// The soft cap, where there is one.
    pub cap: Option<f64>,
}

/// One block.
#[derive(Debug, Clone, PartialEq)]
pub struct Block<T> {
    /// Its heads.
    pub attention: Attention<T>,
    /// Its MLP; `None` in networks of attention alone.
    pub mlp: Option<FeedForward<T>>,
    /// What the MLP reads.
    pub wiring: Wiring,
}

/// What a block's MLP reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wiring {
    /// The stream after the block's heads.
    #[default]
    Sequential,
    /// The stream before the block, as the heads do.
    Parallel,
}

/// Where a sublayer f is normalised: `x ← sum(x + after(f(before(x))))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Norms<T> {
    /// On what it reads.
    pub before: Option<Norm<T>>,
    /// On what it writes.
    pub after: Option<Norm<T>>,
    /// On the stream with what it has written. In a parallel block there is one
    /// for both sublayers, the MLP's.
    pub sum: Option<Norm<T>>,
}

/// The heads of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention<T> {
    /// How many there are and how they attend.
    pub heads: Heads,
    /// Where they are normalised.
    pub norms: Norms<T>,
    /// `[d, (heads + 2 · keys) · width]`: all queries, all keys, all values, each head by head.
    pub qkv: Array2<T>,
    /// `[(heads + 2 · keys) · width]`
    pub qkv_bias: Array1<T>,
    /// On the queries `[heads · width]`, before they are turned by positions.
    pub query_norm: Option<Norm<T>>,
    /// On the keys `[keys · width]`, before they are turned by positions.
    pub key_norm: Option<Norm<T>>,
    /// `[heads · width, d]`
    pub out: Array2<T>,
    /// `[d]`; belongs to no head.
    pub out_bias: Array1<T>,
}

/// The MLP of a block: `down · a(up · x)`, or with a gate `down · (a(gate · x) ⊙ up · x)`.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedForward<T> {
    /// Where it is normalised.
    pub norms: Norms<T>,
    /// `[d, hidden]`
    pub up: Array2<T>,
    /// `[hidden]`
    pub up_bias: Array1<T>,
    /// What goes through the activation, if that is not `up`.
    pub gate: Option<Gate<T>>,
    /// `[hidden, d]`
    pub down: Array2<T>,
    /// `[d]`; part of what the MLP writes.
    pub down_bias: Array1<T>,
    /// What chooses experts, where hidden neurons are those of several.
    pub router: Option<Router<T>>,
}

/// The gate of an MLP.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate<T> {
    /// `[d, hidden]`
    pub weight: Array2<T>,
    /// `[hidden]`
    pub bias: Array1<T>,
}

impl Default for Logits {
    fn default() -> Self {
        Self {
            scale: 1.0,
            cap: None,
        }
    }
}

impl<T> Default for Norms<T> {
    fn default() -> Self {
        Self::before(None)
    }
}

impl<T> Norms<T> {
    /// A norm on what the sublayer reads, or none at all.
    #[must_use]
    pub fn before(norm: Option<Norm<T>>) -> Self {
        Self {
            before: norm,
            after: None,
            sum: None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Norm<T>> {
        [&self.before, &self.after, &self.sum].into_iter().flatten()
    }
}

impl<T: Scalar> Transformer<T> {
    /// Width of the residual stream.
    #[must_use]
    pub fn width(&self) -> usize {
        match (&self.embedding_map, &self.embedding) {
            (Some(map), _) => map.weight.ncols(),
            (None, Embedding::Tokens(table)) => table.ncols(),
            (None, Embedding::Values { weight, .. }) => weight.ncols(),
        }
    }

    /// Whether tokens and positions enter the stream as they are, one added to the other.
    #[must_use]
    pub fn embeds_apart(&self) -> bool {
        self.embedding_norm.is_none() && self.embedding_map.is_none()
    }

    /// How images become sequences, where the data are images.
    #[must_use]
    pub fn patches(&self) -> Option<Patches> {
        match &self.embedding {
            Embedding::Values { patches, .. } => *patches,
            Embedding::Tokens(_) => None,
        }
    }

    /// Features or tokens.
    #[must_use]
    pub fn inputs(&self) -> usize {
        match &self.embedding {
            Embedding::Tokens(table) => table.nrows(),
            Embedding::Values { weight, .. } => weight.nrows(),
        }
    }

    /// Features or tokens, then the width of the stream after the embedding and
    /// after every block, then the outputs.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let streams = std::iter::repeat_n(self.width(), self.blocks.len() + 1);
        std::iter::once(self.inputs())
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

    /// The most heads of a block.
    #[must_use]
    pub fn head_count(&self) -> usize {
        let counts = self.blocks.iter().map(|b| b.attention.heads.count);
        counts.max().unwrap_or(0)
    }

    /// The most hidden neurons of a block.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.blocks.iter().map(|b| b.hidden()).max().unwrap_or(0)
    }

    /// Whether no position sees those after it.
    #[must_use]
    pub fn is_causal(&self) -> bool {
        self.blocks.iter().all(|b| b.attention.heads.is_causal())
    }

    /// The unembedding, `[d, outputs]`.
    #[must_use]
    pub fn unembedding(&self) -> ArrayView2<'_, T> {
        match (&self.unembedding, &self.embedding) {
            (Some(weight), _) | (None, Embedding::Values { weight, .. }) => weight.view(),
            (None, Embedding::Tokens(table)) => table.t(),
        }
    }

    /// The same network with keys and values of its own for each head; see
    /// [`Attention::ungrouped`].
    #[must_use]
    pub fn ungrouped(&self) -> Self {
        let of = |block: &Arc<Block<T>>| match block.attention.heads.keys {
            keys if keys == block.attention.heads.count => block.clone(),
            _ => Arc::new(Block {
                attention: block.attention.ungrouped(),
                ..Block::clone(block)
            }),
        };
        Self {
            blocks: self.blocks.iter().map(of).collect(),
            ..self.clone()
        }
    }

    /// Its sites and edges; `split_input` tells token from position embedding.
    #[must_use]
    pub fn components(&self, split_input: bool) -> Components {
        Components::of(self, split_input)
    }

    /// About how many numbers a run keeps per row: streams and norms of both
    /// sublayers; queries, keys, values, what heads write; patterns; hidden
    /// neurons before and after the activation.
    #[must_use]
    pub fn numbers_kept(&self, length: usize) -> usize {
        let of_block = |block: &Arc<Block<T>>| {
            let heads = &block.attention.heads;
            4 * self.width()
                + heads.columns()
                + heads.total()
                + heads.count * length
                + 2 * block.hidden()
        };
        self.blocks.iter().map(of_block).sum()
    }

    /// Trained numbers; a tied unembedding and blocks of the same weights count once, and the
    /// former has no bias.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let embedding = match &self.embedding {
            Embedding::Tokens(table) => table.len(),
            Embedding::Values { weight, bias, .. } => weight.len() + bias.len(),
        };
        let head = |h: &OutputHead<T>| h.weight.len() + h.bias.len() + numbers(h.norm.iter());
        let own = self.unembedding.as_ref().filter(|_| !self.headless);
        let map = |map: &EmbeddingMap<T>| map.weight.len() + map.bias.len();
        embedding
            + self.embedding_map.as_ref().map_or(0, map)
            + self.positions.as_ref().map_or(0, Array2::len)
            + self
                .blocks
                .iter()
                .enumerate()
                .filter(|(l, block)| !self.blocks[..*l].iter().any(|b| Arc::ptr_eq(b, block)))
                .map(|(_, block)| block.parameter_count())
                .sum::<usize>()
            + numbers(self.embedding_norm.iter().chain(&self.final_norm))
            + self.head.as_ref().map_or(0, head)
            + own.map_or(0, |weight| weight.len() + self.output_bias.len())
    }
}

/// The numbers of norms.
fn numbers<'n, T: Scalar>(norms: impl Iterator<Item = &'n Norm<T>>) -> usize {
    norms.map(Norm::parameter_count).sum()
}

impl<T: Scalar> Block<T> {
    /// Hidden neurons of its MLP; 0 where it has none.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.mlp.as_ref().map_or(0, |mlp| mlp.up_bias.len())
    }

    /// Whether its MLP reads the stream before the block.
    #[must_use]
    pub fn is_parallel(&self) -> bool {
        self.wiring == Wiring::Parallel && self.mlp.is_some()
    }

    fn parameter_count(&self) -> usize {
        let attention = &self.attention;
        let shared =
            |mlp: &FeedForward<T>| self.is_parallel() && mlp.norms.before == attention.norms.before;
        let of_mlp = |mlp: &FeedForward<T>| {
            let gate = mlp
                .gate
                .as_ref()
                .map_or(0, |g| g.weight.len() + g.bias.len());
            let read = mlp.norms.before.iter().filter(|_| shared(mlp));
            mlp.up.len()
                + mlp.up_bias.len()
                + mlp.down.len()
                + mlp.down_bias.len()
                + gate
                + mlp.router.as_ref().map_or(0, Router::parameter_count)
                + numbers(mlp.norms.all())
                - numbers(read)
        };
        let on_heads = attention.query_norm.iter().chain(&attention.key_norm);
        attention.qkv.len()
            + attention.qkv_bias.len()
            + attention.out.len()
            + attention.out_bias.len()
            + numbers(attention.norms.all().chain(on_heads))
            + self.mlp.as_ref().map_or(0, of_mlp)
    }
}

impl<T: Scalar> Attention<T> {
    /// The same function with keys and values of its own for each head, those of the heads
    /// that share them alike.
    #[must_use]
    pub fn ungrouped(&self) -> Self {
        let heads = &self.heads;
        let of = |letter: Letter| {
            let first = heads.letter_columns(letter).start;
            let columns = heads.ungrouped_columns(letter);
            columns.into_iter().map(move |column| first + column)
        };
        let columns: Vec<usize> = Letter::ALL.into_iter().flat_map(of).collect();
        let keys = heads.ungrouped_columns(Letter::K);
        let times = heads.count / heads.keys;
        let norm = self.key_norm.as_ref();
        Self {
            qkv: self.qkv.select(Axis(1), &columns),
            qkv_bias: self.qkv_bias.select(Axis(0), &columns),
            key_norm: norm.map(|norm| norm.repeated(&keys, times, heads.width)),
            heads: heads.ungrouped(),
            ..self.clone()
        }
    }

    /// The columns of `qkv` for the queries of one head, or the keys or values
    /// of one key-value head, `[d, width]`.
    #[must_use]
    pub fn projection(&self, letter: Letter, head: usize) -> ArrayView2<'_, T> {
        self.qkv
            .slice(s![.., self.heads.fused_columns(letter, head)])
    }

    /// The rows of `out` that one head writes through, `[width, d]`.
    #[must_use]
    pub fn head_out(&self, head: usize) -> ArrayView2<'_, T> {
        self.out.slice(s![self.heads.head_columns(head), ..])
    }
}
