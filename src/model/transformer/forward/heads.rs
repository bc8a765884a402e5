//! The heads of a block in a pass.

use std::sync::Arc;

use ndarray::{Array2, Axis, s};

use super::{Message, Run, Stream};
use crate::model::transformer::attention::{Sight, all};
use crate::model::transformer::rows::{linear, normalise};
use crate::model::transformer::trace::asked;
use crate::model::transformer::{Attention, AttentionTrace, Letter, Matrix, Reader};
use crate::numeric::Scalar;

impl<T: Scalar> Run<'_, T> {
    /// What a block's heads write.
    pub(super) fn attention(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Stream<T>,
    ) -> Message<T> {
        let (half, heads) = self.heads(layer, attention, stream);
        if self.keeps {
            self.attention.push(Arc::clone(&half));
        }
        self.message(2 * layer, Matrix::Out(layer), &half.held, &heads)
    }

    /// The heads of a block, and which of them were computed.
    pub(super) fn heads(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Stream<T>,
    ) -> (Arc<AttentionTrace<T>>, Vec<usize>) {
        let own = self.own_inputs(layer, attention, stream);
        let touched = self.hooks.touches(2 * layer);
        // A reader that has an input of its own does not read the stream.
        let is_own = |reader: (Letter, usize)| own.iter().any(|(l, h, _)| reader == (*l, *h));
        let reads = |(letter, head): (Letter, usize)| {
            let is_read = || {
                self.hooks.is_read(Reader::Head {
                    layer,
                    head,
                    letter,
                })
            };
            !is_own((letter, head)) && is_read()
        };
        let none_reads = touched && !attention.heads.readers().any(reads);
        let (mut half, mut heads) = match stream {
            Stream::Changed(values) if !none_reads => (
                self.projected(layer, attention, values),
                all(&attention.heads),
            ),
            _ => match self.as_they_were(layer, attention, own.is_empty()) {
                Some(changed) => changed,
                None => return (Arc::clone(&self.clean().attention[layer]), Vec::new()),
            },
        };
        for (letter, head, input) in own {
            let (x, normed) = normalise(attention.norms.before.as_ref(), &input);
            let projected = attention.read(letter, head, &x);
            let columns = attention.heads.head_columns(head);
            let mut place = half.columns_mut(letter);
            place.slice_mut(s![.., columns]).assign(&projected);
            half.own.push((letter, head, normed));
            heads.extend(attention.reached_by(letter, head));
        }
        heads.sort_unstable();
        heads.dedup();
        let touched = self.hooks.touches_heads(2 * layer);
        for letter in Letter::ALL.into_iter().filter(|_| touched) {
            self.hooks
                .projected(layer, letter, half.columns_mut(letter));
        }
        let queries = asked(self.everywhere, self.answers, layer, self.layers());
        let length = self.everywhere.per_sample();
        attention.attend(Sight { length, queries }, &mut half, &heads);
        if touched {
            self.hooks.held(layer, &mut half.held);
        }
        (Arc::new(half), heads)
    }

    /// The heads of a block that read the stream as it was, but for changed layers, and which
    /// of them are to be computed; `None` where nothing changes, if `is_alone`: no head has an
    /// input of its own.
    fn as_they_were(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        is_alone: bool,
    ) -> Option<(AttentionTrace<T>, Vec<usize>)> {
        let clean = &self.clean().attention[layer];
        let linears = self.changed_linears(layer, clean);
        let is_as_it_was = linears.is_empty() && !self.hooks.touches_heads(2 * layer);
        if is_alone && is_as_it_was {
            return None;
        }
        let mut half = AttentionTrace::clone(clean);
        for (letter, written) in linears {
            half.columns_mut(letter).assign(&written);
        }
        let heads = match is_as_it_was {
            true => Vec::new(),
            false => all(&attention.heads),
        };
        Some((half, heads))
    }

    /// What heads read that is not the stream: letter, head, `[rows, d]`.
    pub(super) fn own_inputs(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Stream<T>,
    ) -> Vec<(Letter, usize, Array2<T>)> {
        if !self.hooks.touches(2 * layer) {
            return Vec::new();
        }
        let last = layer + 1 == self.layers();
        let fewer = stream
            .changed()
            .filter(|_| last)
            .map(|x| self.answers.rows_of(x));
        let mut own = Vec::new();
        for (letter, head) in attention.heads.readers() {
            let read = match letter {
                Letter::Q => fewer.as_ref().or(stream.changed()),
                Letter::K | Letter::V => stream.changed(),
            };
            let reader = Reader::Head {
                layer,
                head,
                letter,
            };
            let input = self.hooks.input(reader, read);
            own.extend(input.map(|input| (letter, head, input)));
        }
        own
    }

    /// What hooks have the projections of the clean stream write.
    pub(super) fn changed_linears(
        &mut self,
        layer: usize,
        clean: &AttentionTrace<T>,
    ) -> Vec<(Letter, Array2<T>)> {
        if !self.hooks.touches_linears(2 * layer) {
            return Vec::new();
        }
        let norm = self.model.blocks[layer].attention.norms.before.as_ref();
        let (x, _) = normalise(norm, &clean.stream);
        let fewer = self.rows_asked(layer, &x);
        let mut changed = Vec::new();
        for letter in Letter::ALL {
            let matrix = Matrix::Projection { layer, letter };
            let x = if letter == Letter::Q { &fewer } else { &x };
            let written = self
                .hooks
                .linear(matrix, x.view(), Some(clean.columns(letter)));
            changed.extend(written.map(|written| (letter, written)));
        }
        changed
    }

    pub(super) fn rows_asked(&self, layer: usize, x: &Array2<T>) -> Array2<T> {
        match layer + 1 >= self.layers() {
            true => self.answers.rows_of(x),
            false => x.clone(),
        }
    }

    /// Queries, keys and values of a stream; nothing is attended to yet.
    pub(super) fn projected(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Array2<T>,
    ) -> AttentionTrace<T> {
        let heads = &attention.heads;
        let (x, normed) = normalise(attention.norms.before.as_ref(), stream);
        let (q, kv) = attention.qkv.view().split_at(Axis(1), heads.total());
        let (q_bias, kv_bias) = attention.qkv_bias.view().split_at(Axis(0), heads.total());
        let queries = asked(self.everywhere, self.answers, layer, self.layers());
        let fewer = (layer + 1 >= self.layers()).then(|| self.answers.rows_of(&x));
        let asking = fewer.as_ref().unwrap_or(&x);
        let pattern = (queries.len() * heads.count, self.everywhere.per_sample());
        let mut half = AttentionTrace {
            stream: stream.clone(),
            normed,
            own: Vec::new(),
            queries: linear(asking, q, q_bias),
            keys_values: linear(&x, kv, kv_bias),
            prepared: None,
            pattern: Array2::zeros(pattern),
            held: Array2::zeros((queries.len(), heads.total())),
        };
        if self.hooks.touches_linears(2 * layer) {
            for letter in Letter::ALL {
                let x = if letter == Letter::Q { asking } else { &x };
                let matrix = Matrix::Projection { layer, letter };
                if let Some(written) = self.hooks.linear(matrix, x.view(), None) {
                    half.columns_mut(letter).assign(&written);
                }
            }
        }
        half
    }
}
