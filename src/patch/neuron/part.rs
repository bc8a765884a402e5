//! Some of the samples, with their clean run and their fills.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array2, Axis};

use crate::model::Transformer;
use crate::model::transformer::{Hooks, Message, SequenceInputs, SequenceTrace, Wrote, product};
use crate::numeric::Scalar;
use crate::patch::recorded::{Recorded, Run};

/// The values of all layers of a run, `[rows, width]` each.
#[derive(Debug, Clone)]
pub(super) struct Values<T>(Vec<Array2<T>>);

/// A part of the samples.
#[derive(Debug, Clone)]
pub struct Part<T> {
    /// The readings it holds, of all.
    pub readings: Range<usize>,
    /// The clean run.
    pub clean: SequenceTrace<T>,
    /// What patched values are replaced by, layer by layer, `[rows, width]`.
    pub fills: Vec<Array2<T>>,
}

impl<T: Scalar> Recorded<T> for Values<T> {
    fn of(_: &Transformer<T>, _: &SequenceInputs<T>, trace: &SequenceTrace<T>) -> Self {
        let layers = 0..=2 * trace.mlp.len();
        Self(
            layers
                .map(|layer| values(trace, layer).into_owned())
                .collect(),
        )
    }

    fn zero(&self) -> Self {
        let zeros = |x: &Array2<T>| Array2::zeros(x.raw_dim());
        Self(self.0.iter().map(zeros).collect())
    }

    fn arrays(&self) -> Vec<&Array2<T>> {
        self.0.iter().collect()
    }

    fn arrays_mut(&mut self) -> Vec<&mut Array2<T>> {
        self.0.iter_mut().collect()
    }
}

/// The values of a layer in a run, `[rows, width]`; no columns where a block has
/// no MLP.
fn values<T: Scalar>(trace: &SequenceTrace<T>, layer: usize) -> Cow<'_, Array2<T>> {
    if layer.is_multiple_of(2) {
        return Cow::Borrowed(trace.stream_before(layer / 2));
    }
    match &trace.mlp[layer / 2] {
        Some(mlp) => Cow::Borrowed(&mlp.hidden),
        None => Cow::Owned(Array2::zeros((trace.attention[layer / 2].held.nrows(), 0))),
    }
}

/// The edits of a run in which columns of layers are replaced.
struct Replaced<'r, T> {
    part: &'r Part<T>,
    model: &'r Transformer<T>,
    columns: &'r [Vec<usize>],
    /// The layer that the run begins at.
    first: usize,
}

impl<T: Scalar> Hooks<T> for Replaced<'_, T> {
    fn touches(&self, sublayer: usize) -> bool {
        !sublayer.is_multiple_of(2) && !self.columns[sublayer].is_empty()
    }

    fn touches_stream(&self, sublayer: usize) -> bool {
        let is_stream = sublayer.is_multiple_of(2) && sublayer >= self.first;
        is_stream && !self.columns[sublayer].is_empty()
    }

    fn stream(&mut self, sublayer: usize, stream: &mut Array2<T>) {
        self.replace(sublayer, stream);
    }

    fn hidden(&mut self, layer: usize, hidden: &mut Array2<T>) {
        self.replace(2 * layer + 1, hidden);
    }

    /// In the MLP that a run begins with, only the replaced neurons write
    /// something else.
    fn wrote(&mut self, wrote: Wrote<'_, T>) -> Option<Message<T>> {
        let mlp = self.model.blocks[wrote.sublayer / 2].mlp.as_ref()?;
        if wrote.sublayer != self.first || wrote.message.is_some() {
            return None;
        }
        let columns = &self.columns[self.first];
        let clean = self.part.clean_values(self.first);
        let change = wrote.values.select(Axis(1), columns) - clean.select(Axis(1), columns);
        let down = mlp.down.select(Axis(0), columns);
        Some(Message::Shifted(product(change.view(), down.view())))
    }
}

impl<T: Scalar> Replaced<'_, T> {
    fn replace(&self, layer: usize, values: &mut Array2<T>) {
        let fill = &self.part.fills[layer];
        for column in &self.columns[layer] {
            values.column_mut(*column).assign(&fill.column(*column));
        }
    }
}

/// The edits of a run in which one layer lies between fill and clean.
struct Between<'r, T> {
    part: &'r Part<T>,
    layer: usize,
    at: T,
}

impl<T: Scalar> Hooks<T> for Between<'_, T> {
    fn touches(&self, sublayer: usize) -> bool {
        !sublayer.is_multiple_of(2) && sublayer == self.layer
    }

    fn touches_stream(&self, sublayer: usize) -> bool {
        sublayer.is_multiple_of(2) && sublayer == self.layer
    }

    fn stream(&mut self, _: usize, stream: &mut Array2<T>) {
        *stream += &(self.part.difference(self.layer) * (T::one() - self.at));
    }

    fn hidden(&mut self, _: usize, hidden: &mut Array2<T>) {
        *hidden += &(self.part.difference(self.layer) * (T::one() - self.at));
    }
}

impl<T: Scalar> Part<T> {
    pub(super) fn new(run: Run<T, Values<T>>, fills: Values<T>) -> Self {
        Self {
            readings: run.readings,
            clean: run.trace,
            fills: fills.0,
        }
    }

    /// The values of a layer in the clean run, `[rows, width]`.
    #[must_use]
    pub fn clean_values(&self, layer: usize) -> Cow<'_, Array2<T>> {
        values(&self.clean, layer)
    }

    /// *fill − clean* of a layer, `[rows, width]`.
    #[must_use]
    pub fn difference(&self, layer: usize) -> Array2<T> {
        &self.fills[layer] - &*self.clean_values(layer)
    }

    /// The outputs with these columns of every layer replaced, from the layer
    /// `first` on, `[readings, outputs]`.
    pub(super) fn replaced(
        &self,
        model: &Transformer<T>,
        first: usize,
        columns: &[Vec<usize>],
    ) -> Array2<T> {
        let mut edits = Replaced {
            part: self,
            model,
            columns,
            first,
        };
        model.resumed_outputs(&self.clean, first / 2, &mut edits)
    }

    /// The run with a layer at `at` between fill (0) and clean (1).
    #[must_use]
    pub fn between(&self, model: &Transformer<T>, layer: usize, at: f64) -> SequenceTrace<T> {
        let mut edits = Between {
            part: self,
            layer,
            at: T::from_f64(at),
        };
        model.resume(&self.clean, layer / 2, None, &mut edits)
    }
}
