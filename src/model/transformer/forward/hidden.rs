//! The MLP of a block in a pass.

use std::sync::Arc;

use ndarray::Array2;

use super::{Message, Run, Stream};
use crate::model::transformer::rows::{normalise, slice_mut};
use crate::model::transformer::{FeedForward, Matrix, MlpTrace, Reader, SequenceTrace};
use crate::numeric::Scalar;

impl<T: Scalar> Run<'_, T> {
    /// The MLP of a block on a stream, and what it writes.
    pub(super) fn mlp(
        &mut self,
        layer: usize,
        mlp: &FeedForward<T>,
        stream: &Stream<T>,
    ) -> Message<T> {
        let half = self.hidden(layer, mlp, stream);
        if self.keeps {
            self.mlp.push(Some(Arc::clone(&half)));
        }
        let is_clean = |clean: &SequenceTrace<T>| {
            let kept = clean.mlp[layer].as_ref();
            kept.is_some_and(|clean| Arc::ptr_eq(clean, &half))
        };
        let computed: &[usize] = if self.clean.is_some_and(is_clean) {
            &[]
        } else {
            &[0]
        };
        self.message(2 * layer + 1, Matrix::Down(layer), &half.hidden, computed)
    }

    /// The hidden neurons of a block.
    pub(super) fn hidden(
        &mut self,
        layer: usize,
        mlp: &FeedForward<T>,
        stream: &Stream<T>,
    ) -> Arc<MlpTrace<T>> {
        let touched = self.hooks.touches(2 * layer + 1);
        let reader = Reader::Mlp { layer };
        if touched
            && !self.hooks.is_read(reader)
            && let Some(clean) = self.clean.and_then(|clean| clean.mlp[layer].as_ref())
        {
            return Arc::clone(clean);
        }
        let own = match touched {
            true => self.hooks.input(reader, stream.changed()),
            false => None,
        };
        let mut half = match (own.as_ref().or(stream.changed()), self.clean) {
            (Some(stream), _) => self.activated(layer, mlp, stream, None),
            (None, Some(clean)) => {
                let clean = clean.mlp[layer].as_ref();
                let clean = clean.unwrap_or_else(|| unreachable!("both runs are of one network"));
                let changed = self.hooks.touches_linears(2 * layer + 1);
                if !changed && !touched {
                    return Arc::clone(clean);
                }
                let half = match changed {
                    true => self.activated(layer, mlp, &clean.stream, Some(clean)),
                    false => MlpTrace::clone(clean),
                };
                return self.edited_hidden(layer, half, Some(clean));
            }
            (None, None) => unreachable!("only a pass that resumes another meets its stream"),
        };
        if touched {
            self.hooks.hidden(layer, &mut half.hidden);
        }
        Arc::new(half)
    }

    /// Hidden neurons as hooks want them; those of the clean run where that is
    /// what they are.
    pub(super) fn edited_hidden(
        &mut self,
        layer: usize,
        mut half: MlpTrace<T>,
        clean: Option<&Arc<MlpTrace<T>>>,
    ) -> Arc<MlpTrace<T>> {
        self.hooks.hidden(layer, &mut half.hidden);
        match clean.filter(|clean| clean.hidden == half.hidden) {
            Some(clean) => Arc::clone(clean),
            None => Arc::new(half),
        }
    }

    /// The MLP of a block on a stream `[rows, d]`; `known` is that of the clean
    /// run on the same.
    pub(super) fn activated(
        &mut self,
        layer: usize,
        mlp: &FeedForward<T>,
        stream: &Array2<T>,
        known: Option<&MlpTrace<T>>,
    ) -> MlpTrace<T> {
        let (x, normed) = normalise(mlp.norms.before.as_ref(), stream);
        let up = known.map(|half| half.factor.as_ref().unwrap_or(&half.before));
        let up = self.mlp_hidden(Matrix::Up(layer), &x, up);
        let gate = mlp
            .gate
            .as_ref()
            .map(|_| self.mlp_hidden(Matrix::Gate(layer), &x, known.map(|half| &half.before)));
        let (before, factor) = match gate {
            Some(gate) => (gate, Some(up)),
            None => (up, None),
        };
        let mut hidden = before.clone();
        self.model.activation.apply(slice_mut(&mut hidden));
        if let Some(factor) = &factor {
            hidden *= factor;
        }
        let routed = match (known, &mlp.router) {
            (Some(half), _) => half.routed.clone(),
            (None, router) => router.as_ref().map(|router| router.forward(&x)),
        };
        if let Some(routed) = &routed {
            routed.weigh(&mut hidden);
        }
        MlpTrace {
            stream: stream.clone(),
            normed,
            before,
            factor,
            routed,
            hidden,
        }
    }

    pub(super) fn mlp_hidden(
        &mut self,
        matrix: Matrix,
        x: &Array2<T>,
        known: Option<&Array2<T>>,
    ) -> Array2<T> {
        let known = known.map(|known| known.view());
        let changed = match matrix
            .sublayer()
            .is_some_and(|s| self.hooks.touches_linears(s))
        {
            true => self.hooks.linear(matrix, x.view(), known),
            false => None,
        };
        changed.unwrap_or_else(|| match known {
            Some(known) => known.to_owned(),
            None => self.whole(matrix, x),
        })
    }
}
