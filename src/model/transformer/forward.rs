//! The forward pass, with everything that patching and the backward pass need.
//!
//! A network is a row of *halves*: attention and MLP of every block, then the
//! end. A pass can be resumed before any of them.

use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::attention::{self, Asking};
use super::{Answers, Block, Embedding, Norm, Normed, SequenceInputs, Sequences, Transformer};
use crate::numeric::{Scalar, matmul_into};

/// One forward pass. Rows are positions of samples; from the queries of the
/// last block on they are readings only.
#[derive(Debug, Clone)]
pub struct SequenceTrace<T> {
    /// Every position.
    pub everywhere: Answers,
    /// The positions whose outputs are wanted.
    pub answers: Answers,
    /// Per block, up to where the pass has come.
    pub attention: Vec<Arc<AttentionTrace<T>>>,
    /// Per block, up to where the pass has come.
    pub mlp: Vec<Arc<MlpTrace<T>>>,
    /// What comes after the blocks.
    pub end: End<T>,
}

/// The attention half of a block.
#[derive(Debug, Clone)]
pub struct AttentionTrace<T> {
    /// The residual stream it reads, `[rows, d]`.
    pub stream: Array2<T>,
    /// The norm of it.
    pub normed: Option<Normed<T>>,
    /// `[queries, heads · width]`
    pub queries: Array2<T>,
    /// Keys, then values, `[rows, 2 · heads · width]`.
    pub keys_values: Array2<T>,
    /// `[samples · heads · queries per sample, length]`
    pub pattern: Array2<T>,
    /// Values gathered by every head, `[queries, heads · width]`.
    pub held: Array2<T>,
}

/// The MLP half of a block.
#[derive(Debug, Clone)]
pub struct MlpTrace<T> {
    /// The residual stream it reads, `[queries, d]`.
    pub stream: Array2<T>,
    /// The norm of it.
    pub normed: Option<Normed<T>>,
    /// Before the activation, `[queries, hidden]`.
    pub before: Array2<T>,
    /// After it, `[queries, hidden]`.
    pub hidden: Array2<T>,
}

/// The end of a pass.
#[derive(Debug, Clone)]
pub struct End<T> {
    /// The last residual stream, `[readings, d]`.
    pub stream: Array2<T>,
    /// The norm of it.
    pub normed: Option<Normed<T>>,
    /// `[readings, outputs]`, outputs in physical order.
    pub outputs: Array2<T>,
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
        if layer + 1 == layers {
            &self.answers
        } else {
            &self.everywhere
        }
    }

    pub(super) fn asking(&self, layer: usize, layers: usize) -> Asking<'_> {
        Asking {
            length: self.everywhere.per_sample(),
            queries: self.queries(layer, layers),
        }
    }

    /// Attention scores before mask and softmax,
    /// `[samples · heads · queries per sample, length]`.
    #[must_use]
    pub fn scores(&self, model: &Transformer<T>, layer: usize) -> Array2<T> {
        let half = &self.attention[layer];
        let asking = self.asking(layer, model.blocks.len());
        attention::scores(model.heads, asking, &half.queries, &half.keys_values)
    }
}

impl<T: Scalar> Transformer<T> {
    /// The whole forward pass; outputs at `answers` alone.
    #[must_use]
    pub fn forward_sequences(
        &self,
        inputs: &SequenceInputs<T>,
        answers: &Answers,
        length: usize,
    ) -> SequenceTrace<T> {
        let everywhere = Answers::everywhere(answers.samples(), length);
        let mut stream = self.embed(inputs);
        if let Some(positions) = self.position_rows(answers.samples(), length) {
            stream += &positions;
        }
        let begin = SequenceTrace {
            everywhere,
            answers: answers.clone(),
            attention: Vec::new(),
            mlp: Vec::new(),
            end: End {
                stream: Array2::zeros((0, 0)),
                normed: None,
                outputs: Array2::zeros((0, 0)),
            },
        };
        self.resume(&begin, 0, stream)
    }

    /// The outputs at all readings of a batch, `[outputs, readings]`; parts of
    /// it run in parallel.
    #[must_use]
    pub fn outputs_of(&self, batch: &Sequences<T>) -> Array2<T> {
        let run = |part: &Sequences<T>| {
            let trace = self.forward_sequences(&part.inputs, &part.answers, part.length());
            trace.end.outputs
        };
        let parts: Vec<Array2<T>> = batch.parts().par_iter().map(run).collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        ndarray::concatenate(Axis(0), &views)
            .unwrap_or_else(|_| Array2::zeros((0, self.outputs())))
            .reversed_axes()
    }

    /// What the inputs write into the stream, positions aside, `[samples · length, d]`.
    #[must_use]
    pub fn embed(&self, inputs: &SequenceInputs<T>) -> Array2<T> {
        match (inputs, &self.embedding) {
            (SequenceInputs::Values(x), Embedding::Values { weight, bias, .. }) => {
                linear(x, weight.view(), bias.view())
            }
            (SequenceInputs::Tokens(ids), Embedding::Tokens(table)) => {
                let ids: Vec<usize> = ids.iter().copied().collect();
                table.select(Axis(0), &ids)
            }
            // `Sequences::new` lets no such pair through.
            (inputs, _) => {
                let rows = match inputs {
                    SequenceInputs::Tokens(ids) => ids.len(),
                    SequenceInputs::Values(x) => x.nrows(),
                };
                Array2::zeros((rows, self.width()))
            }
        }
    }

    /// The position embedding of every row, `[samples · length, d]`.
    #[must_use]
    pub fn position_rows(&self, samples: usize, length: usize) -> Option<Array2<T>> {
        let positions = self.positions.as_ref()?;
        let shape = (samples * length, self.width());
        Some(Array2::from_shape_fn(shape, |(row, d)| {
            positions[[row % length, d]]
        }))
    }

    /// Resumes a pass before half `half` (2l: attention of block l, 2l + 1: its
    /// MLP, the last: the end) with this residual stream; what comes before is
    /// taken from `before`.
    #[must_use]
    pub fn resume(
        &self,
        before: &SequenceTrace<T>,
        half: usize,
        stream: Array2<T>,
    ) -> SequenceTrace<T> {
        self.resume_with(before, half, stream, &mut |_, _| ())
    }

    /// The same while `edit` changes values before they are read: it gets every
    /// half with the stream that it reads, `[rows, d]` (attention and the end),
    /// or with its hidden values, `[queries, hidden]` (MLPs).
    #[must_use]
    pub fn resume_with(
        &self,
        before: &SequenceTrace<T>,
        half: usize,
        mut stream: Array2<T>,
        edit: &mut dyn FnMut(usize, &mut Array2<T>),
    ) -> SequenceTrace<T> {
        let layers = self.blocks.len();
        let mut attention = before.attention[..half.div_ceil(2).min(layers)].to_vec();
        let mut mlp = before.mlp[..half / 2].to_vec();
        for half in half..2 * layers {
            let block = &self.blocks[half / 2];
            if half % 2 == 0 {
                edit(half, &mut stream);
                let trace = self.attention_half(block, stream, before, half / 2);
                stream = match half / 2 + 1 == layers {
                    true => before.answers.rows_of(&trace.stream),
                    false => trace.stream.clone(),
                };
                matmul_into(stream.view_mut(), trace.held.view(), block.out.view(), true);
                stream += &block.out_bias;
                attention.push(Arc::new(trace));
            } else {
                let mut trace = self.mlp_half(block, stream);
                edit(half, &mut trace.hidden);
                stream = trace.stream.clone();
                matmul_into(
                    stream.view_mut(),
                    trace.hidden.view(),
                    block.down.view(),
                    true,
                );
                stream += &block.down_bias;
                mlp.push(Arc::new(trace));
            }
        }
        edit(2 * layers, &mut stream);
        SequenceTrace {
            everywhere: before.everywhere.clone(),
            answers: before.answers.clone(),
            attention,
            mlp,
            end: self.end(stream),
        }
    }

    fn attention_half(
        &self,
        block: &Block<T>,
        stream: Array2<T>,
        pass: &SequenceTrace<T>,
        layer: usize,
    ) -> AttentionTrace<T> {
        let (x, normed) = normalise(block.norm1.as_ref(), &stream);
        let (queries, keys_values) = self.project_normal(pass, layer, &x);
        let asking = pass.asking(layer, self.blocks.len());
        let (pattern, held) = attention::attend(self.heads, asking, &queries, &keys_values);
        AttentionTrace {
            stream,
            normed,
            queries,
            keys_values,
            pattern,
            held,
        }
    }

    /// Queries `[queries, heads · width]`, and keys and values
    /// `[rows, 2 · heads · width]`, of a residual stream `[rows, d]`.
    #[must_use]
    pub fn project(
        &self,
        pass: &SequenceTrace<T>,
        layer: usize,
        stream: &Array2<T>,
    ) -> (Array2<T>, Array2<T>) {
        let (x, _) = normalise(self.blocks[layer].norm1.as_ref(), stream);
        self.project_normal(pass, layer, &x)
    }

    /// The same of a stream that is normalised already.
    fn project_normal(
        &self,
        pass: &SequenceTrace<T>,
        layer: usize,
        x: &Array2<T>,
    ) -> (Array2<T>, Array2<T>) {
        let (block, total) = (&self.blocks[layer], self.heads.total());
        let (q, kv) = block.qkv.view().split_at(Axis(1), total);
        let (q_bias, kv_bias) = block.qkv_bias.view().split_at(Axis(0), total);
        let queries = match layer + 1 == self.blocks.len() {
            true => linear(&pass.answers.rows_of(x), q, q_bias),
            false => linear(x, q, q_bias),
        };
        (queries, linear(x, kv, kv_bias))
    }

    /// What heads hold, `[queries, heads · width]`, when those of `heads` have
    /// these queries, keys and values, and the others are as in `pass`.
    #[must_use]
    pub fn attend_heads(
        &self,
        pass: &SequenceTrace<T>,
        layer: usize,
        heads: &[usize],
        queries: &Array2<T>,
        keys_values: &Array2<T>,
    ) -> Array2<T> {
        let asking = pass.asking(layer, self.blocks.len());
        let mut held = pass.attention[layer].held.clone();
        let mut pattern = Array2::zeros(pass.attention[layer].pattern.raw_dim());
        for head in heads {
            attention::attend_head(
                self.heads,
                asking,
                *head,
                queries,
                keys_values,
                &mut pattern,
                &mut held,
            );
        }
        held
    }

    /// The MLP of a block on a residual stream `[rows, d]`.
    #[must_use]
    pub fn mlp_half(&self, block: &Block<T>, stream: Array2<T>) -> MlpTrace<T> {
        let (x, normed) = normalise(block.norm2.as_ref(), &stream);
        let before = linear(&x, block.up.view(), block.up_bias.view());
        let mut hidden = before.clone();
        if let Some(slice) = hidden.as_slice_mut() {
            self.activation.apply(slice);
        }
        MlpTrace {
            stream,
            normed,
            before,
            hidden,
        }
    }

    /// Outputs of the last residual stream, `[readings, d]`.
    #[must_use]
    pub fn end(&self, stream: Array2<T>) -> End<T> {
        let (x, normed) = normalise(self.final_norm.as_ref(), &stream);
        let outputs = linear(&x, self.unembedding(), self.output_bias.view());
        End {
            stream,
            normed,
            outputs,
        }
    }
}

/// The normalised stream, or the stream itself where there is no norm.
pub(super) fn normalise<T: Scalar>(
    norm: Option<&Norm<T>>,
    stream: &Array2<T>,
) -> (Array2<T>, Option<Normed<T>>) {
    match norm {
        Some(norm) => {
            let (x, normed) = norm.forward(stream);
            (x, Some(normed))
        }
        None => (stream.clone(), None),
    }
}

/// `x · weight + bias`, `[rows, out]`.
pub(super) fn linear<T: Scalar>(
    x: &Array2<T>,
    weight: ArrayView2<'_, T>,
    bias: ArrayView1<'_, T>,
) -> Array2<T> {
    let mut result = Array2::zeros((x.nrows(), weight.ncols()));
    result += &bias;
    matmul_into(result.view_mut(), x.view(), weight, true);
    result
}
