//! One patched run of one part.

use std::sync::Arc;

use ndarray::{Array2, s};

use super::engine::ComponentEngine;
use super::part::{Part, rows_of};
use super::plan::{Base, Input, Own, Plan, Source};
use crate::model::transformer::{Hooks, Message, Reader, Writer, Wrote, product};
use crate::numeric::Scalar;

/// The edits of a patched run.
pub(super) struct PatchedRun<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    part: &'e Part<T>,
    plan: &'e Plan,
    /// Per writer, what it writes less what it writes in the clean run, where
    /// that is wanted and not zero.
    changes: Changes<T>,
}

/// Per writer, what it writes less what it writes in the clean run, `[rows, d]`; `None`
/// where that is zero, or nothing reads it.
pub(super) type Changes<T> = Vec<Option<Arc<Array2<T>>>>;

impl<'e, 'm, T: Scalar> PatchedRun<'e, 'm, T> {
    /// The outputs `[readings, outputs]` of a patched run, and the changes in it: those
    /// that the plan wants, and those that were known before.
    pub fn outputs(
        engine: &'e ComponentEngine<'m, T>,
        part: &'e Part<T>,
        plan: &'e Plan,
        known: Changes<T>,
    ) -> (Array2<T>, Changes<T>) {
        let Some(first) = plan.first else {
            return (part.clean.end.outputs.clone(), known);
        };
        let mut edits = Self {
            engine,
            part,
            plan,
            changes: known,
        };
        for (change, wanted) in edits.changes.iter_mut().zip(&plan.wanted) {
            // What is computed anew is as in the clean run until it is found not to be.
            *change = change.take().filter(|_| !wanted);
        }
        let model = engine.model();
        let outputs = model.resumed_outputs(&part.clean, first, &mut edits);
        (outputs, edits.changes)
    }

    /// Takes what a writer writes less what it writes in the clean run.
    fn take(&mut self, writer: usize, change: Array2<T>) {
        if self.plan.wanted[writer] {
            self.changes[writer] = Some(Arc::new(change));
        }
    }

    /// The sum that a reader reads.
    fn sum(&self, reader: usize, own: &Own, stream: Option<&Array2<T>>) -> Array2<T> {
        let sites = self.engine.sites();
        let (rows, part) = (rows_of(sites, reader), self.part);
        let (differences, one) = (&part.differences, T::one());
        let clean = || part.clean.read(sites.reader_at(reader)).into_owned();
        let mut sum = match own.base {
            Base::Stream => stream.cloned().unwrap_or_else(clean),
            Base::Clean => clean(),
            Base::Filled => clean() + &*part.all_filled(sites.writers_of(reader), rows),
        };
        let mut add = |source: &Source, factors: [Option<T>; 2]| {
            let [difference, change] = factors;
            if let Some(factor) = difference {
                source.add(&mut sum, factor, differences.of(source.writer, rows));
            }
            if let (Some(factor), Some(values)) = (change, &self.changes[source.writer]) {
                source.add(&mut sum, factor, part.rows(values, rows).view());
            }
        };
        let (of_filled, of_kept) = match own.base {
            Base::Stream => ([Some(one), Some(-one)], [None, None]),
            Base::Clean => ([Some(one), None], [None, Some(one)]),
            Base::Filled => ([None, None], [Some(-one), Some(one)]),
        };
        own.filled.iter().for_each(|source| add(source, of_filled));
        own.kept.iter().for_each(|source| add(source, of_kept));
        sum
    }

    /// Takes what some heads write now, and gives what all together add to the stream.
    fn heads(&mut self, sublayer: usize, heads: &[usize], held: &Array2<T>) -> Message<T> {
        let layer = sublayer / 2;
        let attention = &self.engine.model().blocks[layer].attention;
        let first = self.engine.sites().head_writers(layer).start;
        let streamed = self.plan.is_streamed[sublayer];
        let apart = heads.iter().any(|head| self.plan.wanted[first + head]);
        if !streamed && !apart {
            return Message::Clean;
        }
        let held = held - &self.part.clean.attention[layer].held;
        if !apart && heads.len() == attention.heads.count {
            return Message::Shifted(product(held.view(), attention.out.view()));
        }
        let mut total =
            streamed.then(|| Array2::zeros((held.nrows(), self.engine.model().width())));
        for head in heads {
            if !streamed && !self.plan.wanted[first + head] {
                continue;
            }
            let columns = attention.heads.head_columns(*head);
            let held = held.slice(s![.., columns]);
            let change = product(held, attention.head_out(*head));
            if let Some(total) = &mut total {
                *total += &change;
            }
            self.take(first + head, change);
        }
        total.map_or(Message::Clean, Message::Shifted)
    }
}

impl<T: Scalar> Hooks<T> for PatchedRun<'_, '_, T> {
    fn touches(&self, sublayer: usize) -> bool {
        self.plan.touched[sublayer]
    }

    fn is_read(&self, reader: Reader) -> bool {
        self.plan.inputs[self.engine.sites().reader(reader)] != Input::Unread
    }

    /// The input of a reader, patched edges replaced.
    fn input(&mut self, reader: Reader, stream: Option<&Array2<T>>) -> Option<Array2<T>> {
        let number = self.engine.sites().reader(reader);
        let Input::Own(own) = &self.plan.inputs[number] else {
            return None;
        };
        let changed = |source: &Source| self.changes[source.writer].is_some();
        if own.base == Base::Clean && own.filled.is_empty() && !own.kept.iter().any(changed) {
            return None;
        }
        Some(self.sum(number, own, stream))
    }

    fn wrote(&mut self, wrote: Wrote<'_, T>) -> Option<Message<T>> {
        let (layer, clean) = (wrote.sublayer / 2, &self.part.clean);
        if wrote.heads.is_empty() {
            return None;
        }
        let sites = self.engine.sites();
        let writer = match (wrote.sublayer.is_multiple_of(2), wrote.message) {
            (true, None) => {
                return Some(self.heads(wrote.sublayer, wrote.heads, wrote.values));
            }
            (true, Some(_)) => sites.writer(Writer::Heads { layer }),
            (false, _) => sites.writer(Writer::Mlp { layer }),
        };
        let streamed = self.plan.is_streamed[wrote.sublayer];
        if !streamed && !self.plan.wanted[writer] {
            return Some(Message::Clean);
        }
        let change = match (wrote.message, &clean.mlp[layer]) {
            (Some(message), _) => message - clean.normed_message(wrote.sublayer)?,
            (None, Some(mlp)) => {
                let down = &self.engine.model().blocks[layer].mlp.as_ref()?.down;
                product((wrote.values - &mlp.hidden).view(), down.view())
            }
            (None, None) => unreachable!("both runs are of one network"),
        };
        let message = match streamed {
            true => Message::Shifted(change.clone()),
            false => Message::Clean,
        };
        self.take(writer, change);
        Some(message)
    }

    fn normed(&mut self, sublayer: usize, values: &mut Array2<T>) {
        let writer = self.engine.sites().writer(Writer::Norm { sublayer });
        if self.plan.wanted[writer] {
            let change = &*values - &self.part.clean.sum(self.engine.model(), sublayer);
            self.take(writer, change);
        }
    }
}
