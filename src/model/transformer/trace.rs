//! What a forward pass records: everything that patching and the backward pass need.

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use super::attention::Sight;
use super::{Answers, Letter, Matrix, Normed, Reader, Routed, SequenceInputs, Transformer};
use crate::numeric::Scalar;

/// One forward pass. Rows are positions of samples.
///
/// Only what answers need is computed: from the queries of the last block on,
/// rows are readings.
#[derive(Debug, Clone)]
pub struct SequenceTrace<T> {
    /// Every position.
    pub everywhere: Answers,
    /// The positions whose outputs are wanted.
    pub answers: Answers,
    /// The norm of the embedding, where there is one.
    pub(super) embedding: Option<Arc<Normed<T>>>,
    /// Per block.
    pub attention: Vec<Arc<AttentionTrace<T>>>,
    /// Per block; `None` where it has no MLP.
    pub mlp: Vec<Option<Arc<MlpTrace<T>>>>,
    /// Per sublayer (two per block), where what it writes is normalised.
    pub(super) after: Vec<Option<Arc<NormTrace<T>>>>,
    /// Per sublayer, where the stream after it is normalised.
    pub(super) sums: Vec<Option<Arc<NormTrace<T>>>>,
    /// What comes after the blocks.
    pub end: End<T>,
}

/// The heads of a block.
#[derive(Debug, Clone)]
pub struct AttentionTrace<T> {
    /// The residual stream they read, `[rows, d]`.
    pub stream: Array2<T>,
    /// The norm of it.
    pub normed: Option<Normed<T>>,
    /// The norms of what some read instead: queries, keys or values of a head or
    /// key-value head.
    pub(super) own: Vec<(Letter, usize, Option<Normed<T>>)>,
    /// As they are projected, `[queries, heads · width]`.
    pub queries: Array2<T>,
    /// Keys, then values, as they are projected, `[rows, 2 · keys · width]`.
    pub keys_values: Array2<T>,
    /// Queries and keys as they are compared, where that is something else.
    pub(super) prepared: Option<Prepared<T>>,
    /// `[samples · heads · queries per sample, length]`
    pub pattern: Array2<T>,
    /// Values gathered by every head, `[queries, heads · width]`.
    pub held: Array2<T>,
}

/// Queries and keys, normalised and turned.
#[derive(Debug, Clone)]
pub(super) struct Prepared<T> {
    /// `[queries, heads · width]`
    pub queries: Array2<T>,
    /// `[rows, keys · width]`
    pub keys: Array2<T>,
    /// The same, where they are clipped.
    pub values: Option<Array2<T>>,
    pub query_normed: Option<Normed<T>>,
    pub key_normed: Option<Normed<T>>,
}

/// The MLP of a block.
#[derive(Debug, Clone)]
pub struct MlpTrace<T> {
    /// The residual stream it reads, `[queries, d]`.
    pub stream: Array2<T>,
    /// The norm of it.
    pub normed: Option<Normed<T>>,
    /// Before the activation, `[queries, hidden]`.
    pub before: Array2<T>,
    /// What the activation is multiplied by, where there is a gate, `[queries, hidden]`.
    pub factor: Option<Array2<T>>,
    /// The shares of experts, where there are some.
    pub routed: Option<Routed<T>>,
    /// After all of it, `[queries, hidden]`.
    pub hidden: Array2<T>,
}

/// A norm within the stream.
#[derive(Debug, Clone)]
pub(super) struct NormTrace<T> {
    /// What it reads, of norms of sums; what it writes, of norms of messages: `[rows, d]`.
    pub values: Array2<T>,
    pub normed: Normed<T>,
}

/// The end of a pass.
#[derive(Debug, Clone)]
pub struct End<T> {
    /// The last residual stream, `[readings, d]`.
    pub stream: Array2<T>,
    /// The norm of it.
    pub normed: Option<Normed<T>>,
    /// The layer before the unembedding, where there is one.
    pub(super) head: Option<HeadTrace<T>>,
    /// `[readings, outputs]`, outputs in physical order.
    pub outputs: Array2<T>,
}

/// The layer before the unembedding.
#[derive(Debug, Clone)]
pub(super) struct HeadTrace<T> {
    /// Before the activation, `[readings, d]`.
    pub before: Array2<T>,
    pub normed: Option<Normed<T>>,
    /// What the unembedding reads, `[readings, d]`.
    pub read: Array2<T>,
}

impl<T: Scalar> SequenceTrace<T> {
    /// Outputs as metrics take them, `[outputs, readings]`.
    #[must_use]
    pub fn outputs(&self) -> ArrayView2<'_, T> {
        self.end.outputs.t()
    }

    /// The queries of a block.
    #[must_use]
    pub fn queries(&self, layer: usize, layers: usize) -> &Answers {
        asked(&self.everywhere, &self.answers, layer, layers)
    }

    pub(super) fn sight(&self, layer: usize, layers: usize) -> Sight<'_> {
        Sight {
            length: self.everywhere.per_sample(),
            queries: self.queries(layer, layers),
        }
    }

    /// Attention scores before mask and softmax,
    /// `[samples · heads · queries per sample, length]`.
    #[must_use]
    pub fn scores(&self, model: &Transformer<T>, layer: usize) -> Array2<T> {
        let sight = self.sight(layer, model.blocks.len());
        model.blocks[layer]
            .attention
            .scores(sight, &self.attention[layer])
    }

    /// The stream before a block, or at the end.
    #[must_use]
    pub fn stream_before(&self, block: usize) -> &Array2<T> {
        let half = self.attention.get(block);
        half.map_or(&self.end.stream, |half| &half.stream)
    }

    /// What a reader reads, with the rows that it reads, `[rows, d]`.
    ///
    /// # Panics
    /// If the network has no such reader.
    #[must_use]
    pub fn read(&self, reader: Reader) -> Cow<'_, Array2<T>> {
        match reader {
            Reader::Head { layer, letter, .. } => {
                let stream = &self.attention[layer].stream;
                match letter == Letter::Q && layer + 1 == self.attention.len() {
                    true => Cow::Owned(self.answers.rows_of(stream)),
                    false => Cow::Borrowed(stream),
                }
            }
            Reader::Mlp { layer } => match &self.mlp[layer] {
                Some(half) => Cow::Borrowed(&half.stream),
                None => unreachable!("a block without an MLP has no reader of one"),
            },
            Reader::Norm { sublayer } => match &self.sums[sublayer] {
                Some(sum) => Cow::Borrowed(&sum.values),
                None => unreachable!("what is not normalised has no norm that reads"),
            },
            Reader::Logits => Cow::Borrowed(&self.end.stream),
        }
    }

    /// Whether the stream after a sublayer is normalised.
    #[must_use]
    pub fn is_normalised(&self, sublayer: usize) -> bool {
        self.sums[sublayer].is_some()
    }

    /// What a sublayer writes, where that is normalised, `[rows, d]`.
    #[must_use]
    pub fn normed_message(&self, sublayer: usize) -> Option<&Array2<T>> {
        self.after[sublayer].as_ref().map(|after| &after.values)
    }

    /// What the norm of the stream after a sublayer writes, `[rows, d]`.
    ///
    /// # Panics
    /// If there is no such norm.
    #[must_use]
    pub fn sum(&self, model: &Transformer<T>, sublayer: usize) -> Array2<T> {
        match (model.norm_of_sum(sublayer), &self.sums[sublayer]) {
            (Some(norm), Some(sum)) => norm.weighed(&sum.normed),
            _ => unreachable!("what is not normalised has no norm that writes"),
        }
    }

    /// What a linear layer reads, `[rows, in]`, after norms; `inputs` are the
    /// pass's.
    #[must_use]
    pub fn read_by<'x>(
        &'x self,
        model: &Transformer<T>,
        inputs: &'x SequenceInputs<T>,
        matrix: Matrix,
    ) -> Cow<'x, Array2<T>> {
        let layers = model.blocks.len();
        let mlp = |layer: usize| match &self.mlp[layer] {
            Some(half) => half,
            None => unreachable!("a block without an MLP has none of its linear layers"),
        };
        match matrix {
            Matrix::Input => match inputs {
                SequenceInputs::Values(values) => Cow::Borrowed(values),
                SequenceInputs::Tokens(_) => unreachable!("tokens go through no linear layer"),
            },
            Matrix::Projection { layer, letter } => {
                let half = &self.attention[layer];
                let norm = model.blocks[layer].attention.norms.before.as_ref();
                let x = weighed(norm, half.normed.as_ref(), &half.stream);
                match letter {
                    Letter::Q if layer + 1 == layers => Cow::Owned(self.answers.rows_of(&x)),
                    _ => x,
                }
            }
            Matrix::Out(layer) => Cow::Borrowed(&self.attention[layer].held),
            Matrix::Up(layer) | Matrix::Gate(layer) => {
                let half = mlp(layer);
                let norm = model.blocks[layer].mlp.as_ref();
                let norm = norm.and_then(|mlp| mlp.norms.before.as_ref());
                weighed(norm, half.normed.as_ref(), &half.stream)
            }
            Matrix::Down(layer) => Cow::Borrowed(&mlp(layer).hidden),
            Matrix::Unembedding => match &self.end.head {
                Some(head) => Cow::Borrowed(&head.read),
                None => {
                    let norm = model.final_norm.as_ref();
                    weighed(norm, self.end.normed.as_ref(), &self.end.stream)
                }
            },
        }
    }
}

/// The positions at which a block's queries, its MLP and what comes after are
/// computed: in the last block only those whose outputs are wanted.
pub(super) fn asked<'a>(
    everywhere: &'a Answers,
    answers: &'a Answers,
    layer: usize,
    layers: usize,
) -> &'a Answers {
    match layer + 1 >= layers {
        true => answers,
        false => everywhere,
    }
}

/// The normalised stream, from the record of its norm.
fn weighed<'x, T: Scalar>(
    norm: Option<&super::Norm<T>>,
    normed: Option<&Normed<T>>,
    stream: &'x Array2<T>,
) -> Cow<'x, Array2<T>> {
    match (norm, normed) {
        (Some(norm), Some(normed)) => Cow::Owned(norm.weighed(normed)),
        (None, None) => Cow::Borrowed(stream),
        _ => unreachable!("a pass records every norm that there is, and no other"),
    }
}
