//! One patched run of one part.

use std::borrow::Cow;

use ndarray::{Array2, s};

use super::differences::{Rows, product};
use super::engine::ComponentEngine;
use super::part::{Part, rows_of};
use super::plan::{Input, Plan};
use crate::model::transformer::Letter;
use crate::numeric::{Scalar, matmul_into};

/// A run under way.
pub(super) struct PatchedRun<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    part: &'e Part<T>,
    plan: &'e Plan,
    /// Stream less clean stream, `[rows, d]` or `[readings, d]`; `None` while they are the same.
    change: Option<Array2<T>>,
    /// Per writer, what it writes less what it writes in the clean run, where
    /// that is wanted and not zero.
    changes: Vec<Option<Array2<T>>>,
}

impl<'e, 'm, T: Scalar> PatchedRun<'e, 'm, T> {
    /// The outputs `[readings, outputs]` of a patched run.
    pub fn outputs(
        engine: &'e ComponentEngine<'m, T>,
        part: &'e Part<T>,
        plan: &'e Plan,
    ) -> Array2<T> {
        let Some(first) = plan.first else {
            return part.clean.end.outputs.clone();
        };
        let mut run = Self {
            engine,
            part,
            plan,
            change: None,
            changes: vec![None; plan.wanted.len()],
        };
        for layer in first..engine.sites().layers() {
            run.attention(layer);
            run.mlp(layer);
        }
        run.end()
    }

    fn attention(&mut self, layer: usize) {
        let sites = self.engine.sites();
        let patched: Vec<(Letter, usize)> = Letter::ALL
            .into_iter()
            .flat_map(|letter| (0..sites.heads()).map(move |head| (letter, head)))
            .filter(|(letter, head)| {
                self.plan.inputs[sites.head_reader(layer, *letter, *head)] != Input::Stream
            })
            .collect();
        if self.change.is_none() && patched.is_empty() {
            return;
        }
        let (queries, keys_values) = self.projections(layer, &patched);
        let heads: Vec<usize> = (0..sites.heads())
            .filter(|head| self.change.is_some() || patched.iter().any(|(_, h)| h == head))
            .collect();
        let held = self.engine.model().attend_heads(
            &self.part.clean,
            layer,
            &heads,
            &queries,
            &keys_values,
        );
        self.write_heads(layer, &heads, held);
    }

    /// Queries `[queries, heads · width]`, keys and values `[rows, 2 · heads · width]`.
    fn projections(
        &self,
        layer: usize,
        patched: &[(Letter, usize)],
    ) -> (Cow<'e, Array2<T>>, Cow<'e, Array2<T>>) {
        let model = self.engine.model();
        let half = &self.part.clean.attention[layer];
        let (mut queries, mut keys_values) = match &self.change {
            None => (
                Cow::Borrowed(&half.queries),
                Cow::Borrowed(&half.keys_values),
            ),
            Some(change) => {
                let stream = &half.stream + change;
                let (q, kv) = model.project(&self.part.clean, layer, &stream);
                (Cow::Owned(q), Cow::Owned(kv))
            }
        };
        for (letter, head) in patched {
            let reader = self.engine.sites().head_reader(layer, *letter, *head);
            let input = self.input(reader, &half.stream);
            let columns = model.read_head(layer, *letter, *head, &input).projected;
            let from = head * model.heads.width;
            let (target, from) = match letter {
                Letter::Q => (queries.to_mut(), from),
                Letter::K => (keys_values.to_mut(), from),
                Letter::V => (keys_values.to_mut(), model.heads.total() + from),
            };
            target
                .slice_mut(s![.., from..from + model.heads.width])
                .assign(&columns);
        }
        (queries, keys_values)
    }

    /// Takes over what heads hold now, `[queries, heads · width]`.
    fn write_heads(&mut self, layer: usize, heads: &[usize], mut held: Array2<T>) {
        let model = self.engine.model();
        let (sites, block) = (self.engine.sites(), &model.blocks[layer]);
        held -= &self.part.clean.attention[layer].held;
        let mut total = match self.change.take() {
            None => Array2::zeros((held.nrows(), model.width())),
            Some(change) if layer + 1 == sites.layers() => self.part.batch.answers.rows_of(&change),
            Some(change) => change,
        };
        let writer = |head: usize| sites.first_head(layer) + head;
        let apart = heads.iter().any(|head| self.plan.wanted[writer(*head)]);
        if !apart && heads.len() == sites.heads() {
            matmul_into(total.view_mut(), held.view(), block.out.view(), true);
        } else {
            for head in heads {
                let from = head * model.heads.width;
                let held = held.slice(s![.., from..from + model.heads.width]);
                let change = product(held, block.head_out(model.heads, *head));
                total += &change;
                if self.plan.wanted[writer(*head)] {
                    self.changes[writer(*head)] = Some(change);
                }
            }
        }
        self.change = Some(total);
    }

    fn mlp(&mut self, layer: usize) {
        let (sites, model) = (self.engine.sites(), self.engine.model());
        let reader = sites.mlp_reader(layer);
        let half = &self.part.clean.mlp[layer];
        let stream = match (&self.plan.inputs[reader], &self.change) {
            (Input::Stream, None) => return,
            (Input::Stream, Some(change)) => &half.stream + change,
            _ => self.input(reader, &half.stream),
        };
        let block = &model.blocks[layer];
        let hidden = model.mlp_half(block, stream).hidden - &half.hidden;
        let change = product(hidden.view(), block.down.view());
        match &mut self.change {
            Some(total) => *total += &change,
            none => *none = Some(change.clone()),
        }
        let writer = sites.mlp_writer(layer);
        if self.plan.wanted[writer] {
            self.changes[writer] = Some(change);
        }
    }

    fn end(self) -> Array2<T> {
        let reader = self.engine.sites().logits_reader();
        let stream = &self.part.clean.end.stream;
        let stream = match (&self.plan.inputs[reader], &self.change) {
            (Input::Stream, None) => return self.part.clean.end.outputs.clone(),
            (Input::Stream, Some(change)) => stream + change,
            _ => self.input(reader, stream),
        };
        self.engine.model().end(stream).outputs
    }

    /// The input of a reader, patched edges replaced; `clean` is the clean
    /// stream there, and the result has the rows that the reader reads.
    fn input(&self, reader: usize, clean: &Array2<T>) -> Array2<T> {
        let rows = rows_of(self.engine.sites(), reader);
        let differences = &self.part.differences;
        let mut input = self.at(clean, rows).into_owned();
        match &self.plan.inputs[reader] {
            Input::Restore(writers) => {
                let before = self.engine.sites().writers_before(reader);
                input += &differences.sum(0..before, rows);
                for writer in writers {
                    input -= &differences.of(*writer, rows);
                    if let Some(change) = &self.changes[*writer] {
                        input += &*self.at(change, rows);
                    }
                }
            }
            replaced => {
                if let Some(change) = &self.change {
                    input += &*self.at(change, rows);
                }
                let Input::Replace(writers) = replaced else {
                    return input;
                };
                for writer in writers {
                    input += &differences.of(*writer, rows);
                    if let Some(change) = &self.changes[*writer] {
                        input -= &*self.at(change, rows);
                    }
                }
            }
        }
        input
    }

    /// All rows as those that are read: readings of rows, or as they are.
    fn at<'x>(&self, x: &'x Array2<T>, rows: Rows) -> Cow<'x, Array2<T>> {
        let answers = &self.part.batch.answers;
        let whole = self.part.clean.everywhere.len();
        if rows == Rows::Readings && x.nrows() == whole && whole != answers.len() {
            Cow::Owned(answers.rows_of(x))
        } else {
            Cow::Borrowed(x)
        }
    }
}
