//! One patched run of one part.

use ndarray::{Array2, s};

use super::engine::ComponentEngine;
use super::part::{Part, rows_of};
use super::plan::{Input, Plan};
use crate::model::transformer::{Hooks, Reader, Writer, Wrote, product};
use crate::numeric::Scalar;

/// The edits of a patched run.
pub(super) struct PatchedRun<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    part: &'e Part<T>,
    plan: &'e Plan,
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
        let changes = vec![None; plan.wanted.len()];
        let mut edits = Self {
            engine,
            part,
            plan,
            changes,
        };
        engine
            .model()
            .resumed_outputs(&part.clean, first, &mut edits)
    }

    /// Takes what a writer writes less what it writes in the clean run.
    fn take(&mut self, writer: usize, change: &Array2<T>) {
        if self.plan.wanted[writer] {
            self.changes[writer] = Some(change.clone());
        }
    }

    /// Takes what some heads write now, and gives the change of all together.
    fn heads(&mut self, layer: usize, heads: &[usize], held: &Array2<T>) -> Array2<T> {
        let attention = &self.engine.model().blocks[layer].attention;
        let first = self.engine.sites().head_writers(layer).start;
        let held = held - &self.part.clean.attention[layer].held;
        let apart = heads.iter().any(|head| self.plan.wanted[first + *head]);
        if !apart && heads.len() == attention.heads.count {
            return product(held.view(), attention.out.view());
        }
        let mut total = Array2::zeros((held.nrows(), self.engine.model().width()));
        for head in heads {
            let columns = attention.heads.head_columns(*head);
            let held = held.slice(s![.., columns]);
            let change = product(held, attention.head_out(*head));
            total += &change;
            self.take(first + head, &change);
        }
        total
    }
}

impl<T: Scalar> Hooks<T> for PatchedRun<'_, '_, T> {
    fn touches(&self, sublayer: usize) -> bool {
        self.plan.touched[sublayer]
    }

    /// The input of a reader, patched edges replaced.
    fn input(&mut self, reader: Reader, stream: Option<&Array2<T>>) -> Option<Array2<T>> {
        let sites = self.engine.sites();
        let number = sites.reader(reader);
        let rows = rows_of(sites, number);
        let differences = &self.part.differences;
        let clean = || self.part.clean.read(reader).into_owned();
        let (mut input, sources, sign) = match &self.plan.inputs[number] {
            Input::Stream => return None,
            Input::Replace(sources) => {
                let input = stream.cloned().unwrap_or_else(clean);
                (input, sources, T::one())
            }
            Input::Restore(sources) => {
                let all = differences.sum(sites.writers_of(number), rows);
                (clean() + all, sources, -T::one())
            }
        };
        for source in sources {
            source.add(&mut input, sign, differences.of(source.writer, rows));
            if let Some(change) = &self.changes[source.writer] {
                let change = self.part.rows(change, rows);
                source.add(&mut input, -sign, change.view());
            }
        }
        Some(input)
    }

    fn wrote(&mut self, wrote: Wrote<'_, T>) -> Option<Array2<T>> {
        let (layer, clean) = (wrote.sublayer / 2, &self.part.clean);
        if wrote.heads.is_empty() {
            return None;
        }
        if wrote.sublayer.is_multiple_of(2) {
            let Some(message) = wrote.message else {
                return Some(self.heads(layer, wrote.heads, wrote.values));
            };
            let change = message - clean.normed_message(wrote.sublayer)?;
            self.take(self.engine.sites().writer(Writer::Heads { layer }), &change);
            return None;
        }
        let change = match (wrote.message, &clean.mlp[layer]) {
            (Some(message), _) => message - clean.normed_message(wrote.sublayer)?,
            (None, Some(mlp)) => {
                let down = &self.engine.model().blocks[layer].mlp.as_ref()?.down;
                product((wrote.values - &mlp.hidden).view(), down.view())
            }
            (None, None) => unreachable!("both runs are of one network"),
        };
        self.take(self.engine.sites().writer(Writer::Mlp { layer }), &change);
        Some(change)
    }

    fn normed(&mut self, sublayer: usize, values: &mut Array2<T>) {
        let writer = self.engine.sites().writer(Writer::Norm { sublayer });
        if self.plan.wanted[writer] {
            let change = &*values - &self.part.clean.sum(self.engine.model(), sublayer);
            self.changes[writer] = Some(change);
        }
    }
}
