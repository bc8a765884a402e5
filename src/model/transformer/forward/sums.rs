//! What sublayers add to the stream in a pass, and the sums.

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::Array2;

use super::{Message, Run, Stream};
use crate::model::transformer::hooks::Wrote;
use crate::model::transformer::rows::linear;
use crate::model::transformer::trace::NormTrace;
use crate::model::transformer::{Matrix, Reader};
use crate::numeric::Scalar;

impl<'r, T: Scalar> Run<'r, T> {
    /// What a sublayer adds to the stream, given what goes into its last linear
    /// layer; `computed` are the heads, or the MLP as one, that are not as in the
    /// clean run.
    pub(super) fn message(
        &mut self,
        sublayer: usize,
        matrix: Matrix,
        values: &Array2<T>,
        computed: &[usize],
    ) -> Message<T> {
        let touched = self.hooks.touches(sublayer) || self.hooks.touches_linears(sublayer);
        let norm = self.model.norm_after(sublayer);
        if computed.is_empty() && !touched {
            self.keep_after(sublayer, None);
            return Message::Clean;
        }
        let mut wrote = Wrote {
            sublayer,
            values,
            message: None,
            heads: computed,
        };
        match norm {
            None => {
                let known = touched.then(|| self.hooks.wrote(wrote)).flatten();
                self.keep_after(sublayer, None);
                known.unwrap_or_else(|| self.plain_message(sublayer, matrix, values, computed))
            }
            Some(norm) => match self.plain_message(sublayer, matrix, values, computed) {
                Message::Whole(plain) => {
                    let (message, normed) = norm.forward(&plain);
                    wrote.message = Some(&message);
                    let known = touched.then(|| self.hooks.wrote(wrote)).flatten();
                    let values = message.clone();
                    self.keep_after(sublayer, Some(NormTrace { values, normed }));
                    known.unwrap_or(Message::Whole(message))
                }
                _ => {
                    self.keep_after(sublayer, None);
                    let clean = self.clean();
                    let kept = clean.after[sublayer].as_ref();
                    wrote.message = kept.map(|kept| &kept.values);
                    self.hooks.wrote(wrote).unwrap_or(Message::Clean)
                }
            },
        }
    }

    /// The same before its norm, and without what hooks know better.
    pub(super) fn plain_message(
        &mut self,
        sublayer: usize,
        matrix: Matrix,
        values: &Array2<T>,
        computed: &[usize],
    ) -> Message<T> {
        if self.hooks.touches_linears(sublayer)
            && let Some(written) = self.hooks.linear(matrix, values.view(), None)
        {
            return Message::Whole(written);
        }
        if computed.is_empty() {
            return Message::Clean;
        }
        Message::Whole(self.whole(matrix, values))
    }

    /// What a linear layer writes, `[rows, out]`.
    pub(super) fn whole(&self, matrix: Matrix, x: &Array2<T>) -> Array2<T> {
        linear(x, self.model.weight(matrix), self.model.bias(matrix))
    }

    /// Keeps the norm of what a sublayer writes; `None` for that of the clean run.
    pub(super) fn keep_after(&mut self, sublayer: usize, norm: Option<NormTrace<T>>) {
        if self.keeps {
            let clean = self.clean.and_then(|clean| clean.after[sublayer].clone());
            self.after.push(norm.map(Arc::new).or(clean));
        }
    }

    /// Keeps the norm of a sum; `None` for that of the clean run.
    pub(super) fn keep_sum(&mut self, sublayer: usize, norm: Option<NormTrace<T>>) {
        if self.keeps {
            let clean = self.clean.and_then(|clean| clean.sums[sublayer].clone());
            self.sums.push(norm.map(Arc::new).or(clean));
        }
    }

    /// The stream after what heads and MLP add to it, normalised where it is.
    pub(super) fn join(
        &mut self,
        sublayer: usize,
        stream: Stream<T>,
        messages: [Message<T>; 2],
    ) -> Stream<T> {
        let sum = self.sum(sublayer, stream, messages);
        let Some(norm) = self.model.norm_of_sum(sublayer) else {
            self.keep_sum(sublayer, None);
            return sum;
        };
        let reader = Reader::Norm { sublayer };
        let own = match self.hooks.touches(sublayer) {
            true => self.hooks.input(reader, sum.changed()),
            false => None,
        };
        match own.map_or(sum, Stream::Changed) {
            Stream::Clean if self.hooks.touches_sum(sublayer) => {
                self.keep_sum(sublayer, None);
                let mut x = self.clean().sum(self.model, sublayer);
                self.hooks.normed(sublayer, &mut x);
                Stream::Changed(x)
            }
            Stream::Clean => {
                self.keep_sum(sublayer, None);
                Stream::Clean
            }
            Stream::Changed(values) => {
                let (mut x, normed) = norm.forward(&values);
                self.keep_sum(sublayer, Some(NormTrace { values, normed }));
                self.hooks.normed(sublayer, &mut x);
                Stream::Changed(x)
            }
        }
    }

    /// The stream and what is added to it.
    pub(super) fn sum(
        &self,
        sublayer: usize,
        stream: Stream<T>,
        messages: [Message<T>; 2],
    ) -> Stream<T> {
        let [heads, mlp] = &messages;
        if let (Stream::Clean, Message::Clean, Message::Clean) = (&stream, heads, mlp) {
            return Stream::Clean;
        }
        let is_whole = |message: &Message<T>| matches!(message, Message::Whole(_));
        if messages.iter().any(is_whole) {
            return Stream::Changed(self.whole_sum(sublayer, stream, messages));
        }
        // Clean messages and shifts of them: what differs from the clean sum.
        let mut sum = self.clean_sum(sublayer);
        if let Stream::Changed(values) = stream {
            sum += &values;
            sum -= &*self.clean_read(sublayer);
        }
        for message in messages {
            if let Message::Shifted(shift) = message {
                sum += &shift;
            }
        }
        Stream::Changed(sum)
    }

    pub(super) fn whole_sum(
        &self,
        sublayer: usize,
        stream: Stream<T>,
        messages: [Message<T>; 2],
    ) -> Array2<T> {
        let mut sum = match stream {
            Stream::Clean => self.clean_read(sublayer).into_owned(),
            Stream::Changed(values) => values,
        };
        let parallel = self.model.blocks[sublayer / 2].is_parallel();
        for (of, message) in messages.into_iter().enumerate() {
            // One of a sequential pair is not there.
            let is_there = parallel || of == sublayer % 2;
            match message {
                Message::Whole(message) => sum += &message,
                _ if !is_there => {}
                Message::Clean => sum += &self.clean_message(sublayer / 2 * 2 + of),
                Message::Shifted(shift) => {
                    sum += &self.clean_message(sublayer / 2 * 2 + of);
                    sum += &shift;
                }
            }
        }
        sum
    }

    /// What a sublayer writes in the clean run, `[rows, d]`.
    pub(super) fn clean_message(&self, sublayer: usize) -> Array2<T> {
        self.model.message(self.clean(), sublayer)
    }

    /// What a sublayer adds to in the clean run, with the rows that it writes.
    pub(super) fn clean_read(&self, sublayer: usize) -> Cow<'r, Array2<T>> {
        self.model.added_to(self.clean(), sublayer)
    }

    /// The stream after a sublayer in the clean run, before its norm.
    pub(super) fn clean_sum(&self, sublayer: usize) -> Array2<T> {
        let (clean, layer) = (self.clean(), sublayer / 2);
        if let Some(sum) = &clean.sums[sublayer] {
            return sum.values.clone();
        }
        match (&clean.mlp[layer], sublayer % 2) {
            (Some(mlp), 0) => mlp.stream.clone(),
            _ => clean.stream_before(layer + 1).clone(),
        }
    }
}
