//! The backward pass: the gradient at every reader's input.

use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, Axis, s};

use super::attention::attend_backward;
use super::{Letter, Norm, Normed, SequenceTrace, Transformer};
use crate::numeric::{Scalar, matmul_into};

/// The gradients at the inputs of readers that read the same rows.
#[derive(Debug, Clone)]
pub struct ReaderGradient<T> {
    /// The first reader, by its number in [`Components`](super::Components);
    /// the others follow.
    pub first: usize,
    /// `[readers, rows · d]`: rows are all positions, or readings where the
    /// readers read no more (the last block's queries and MLP, and the logits).
    pub gradients: Array2<T>,
}

/// A half whose output is held fixed: no gradient flows into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing is fixed.
    Nowhere,
    /// All heads of a block.
    Heads(usize),
    /// The MLP of a block.
    Mlp(usize),
}

impl<T: Scalar> Transformer<T> {
    /// The gradient at every reader's input, of a number whose gradient at the
    /// outputs is `at_outputs: [readings, outputs]`. `visit` gets them reader by
    /// reader, the last first, so that none need be kept.
    pub fn backward_readers(
        &self,
        trace: &SequenceTrace<T>,
        at_outputs: ArrayView2<'_, T>,
        cut: Cut,
        visit: &mut dyn FnMut(ReaderGradient<T>),
    ) {
        let layers = self.blocks.len();
        let mut stream = self.end_backward(&trace.end, at_outputs);
        let sites = self.components(false);
        visit(one(sites.logits_reader(), &stream));
        for layer in (0..layers).rev() {
            if cut != Cut::Mlp(layer) {
                let gradient = self.mlp_half_backward(layer, &trace.mlp[layer], stream.view());
                stream += &gradient;
                visit(one(sites.mlp_reader(layer), &gradient));
            }
            let at_heads = (cut != Cut::Heads(layer)).then(|| stream.clone());
            if layer + 1 == layers {
                let mut everywhere = Array2::zeros(trace.attention[layer].stream.raw_dim());
                trace.answers.add_rows(stream.view(), &mut everywhere);
                stream = everywhere;
            }
            if let Some(at_heads) = at_heads {
                self.attention_backward(trace, layer, &at_heads, &mut stream, visit);
            }
        }
    }

    /// Visits the gradients at a block's head inputs and adds their sum to `stream`.
    fn attention_backward(
        &self,
        trace: &SequenceTrace<T>,
        layer: usize,
        at: &Array2<T>,
        stream: &mut Array2<T>,
        visit: &mut dyn FnMut(ReaderGradient<T>),
    ) {
        let (block, half) = (&self.blocks[layer], &trace.attention[layer]);
        let asking = trace.asking(layer, self.blocks.len());
        let mut at_held = Array2::zeros(half.held.raw_dim());
        matmul_into(at_held.view_mut(), at.view(), block.out.t(), false);
        let (queries, keys_values) = attend_backward(
            self.heads,
            asking,
            &half.queries,
            &half.keys_values,
            &half.pattern,
            &at_held,
        );
        let last = layer + 1 == self.blocks.len();
        let asked = last.then(|| half.normed.as_ref().map(|n| n.rows(&trace.answers.rows())));
        for (index, letter) in Letter::ALL.into_iter().enumerate() {
            let (source, first) = match letter {
                Letter::Q => (&queries, 0),
                Letter::K => (&keys_values, 0),
                Letter::V => (&keys_values, self.heads.total()),
            };
            let normed = match (&asked, letter) {
                (Some(asked), Letter::Q) => asked.as_ref(),
                _ => half.normed.as_ref(),
            };
            let shape = (self.heads.count, source.nrows(), self.width());
            let mut gradients = Array3::zeros(shape);
            for (head, mut gradient) in gradients.outer_iter_mut().enumerate() {
                let from = first + head * self.heads.width;
                let given = source.slice(s![.., from..from + self.heads.width]);
                let weight = block.projection(self.heads, index, head);
                matmul_into(gradient.view_mut(), given, weight.t(), false);
                through_norm(block.norm1.as_ref(), normed, gradient.view_mut());
                if last && letter == Letter::Q {
                    trace.answers.add_rows(gradient.view(), stream);
                } else {
                    *stream += &gradient;
                }
            }
            let reader = self.components(false).head_reader(layer, letter, 0);
            visit(ReaderGradient {
                first: reader,
                gradients: flat(gradients),
            });
        }
    }
}

/// The gradient of one reader, `[rows, d]`.
fn one<T: Scalar>(first: usize, gradient: &Array2<T>) -> ReaderGradient<T> {
    ReaderGradient {
        first,
        gradients: flat(gradient.clone().insert_axis(Axis(0))),
    }
}

/// `[readers, rows, d]` as `[readers, rows · d]`.
fn flat<T: Scalar>(gradients: Array3<T>) -> Array2<T> {
    let (readers, rows, d) = gradients.dim();
    gradients
        .into_shape_with_order((readers, rows * d))
        .unwrap_or_else(|_| Array2::zeros((readers, rows * d)))
}

pub(super) fn through_norm<T: Scalar>(
    norm: Option<&Norm<T>>,
    normed: Option<&Normed<T>>,
    gradient: ArrayViewMut2<'_, T>,
) {
    if let (Some(norm), Some(normed)) = (norm, normed) {
        norm.backward(normed, gradient);
    }
}

impl<T: Scalar> Normed<T> {
    /// What the backward pass needs of some of the rows.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Self {
        Self {
            unit: self.unit.select(Axis(0), rows),
            inverse: rows.iter().map(|row| self.inverse[*row]).collect(),
        }
    }
}
