//! Some of the samples, with their clean run and their fills.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::Array2;

use super::differences::{Differences, Rows, Written};
use crate::model::transformer::{SequenceTrace, Transformer};
use crate::model::{Components, Sequences};
use crate::numeric::Scalar;
use crate::patch::recorded::Run;

/// A part of the samples.
#[derive(Debug, Clone)]
pub struct Part<T> {
    /// The readings it holds, of all.
    pub readings: Range<usize>,
    /// Its samples.
    pub batch: Sequences<T>,
    /// The clean run.
    pub clean: SequenceTrace<T>,
    /// *fill − clean* of every writer.
    pub differences: Differences<T>,
    /// Sums of them, as they were asked for.
    sums: Arc<Mutex<BTreeMap<Summed, Arc<Array2<T>>>>>,
}

/// Writers from one to another, and whether only where answers are read.
type Summed = (usize, usize, bool);

impl<T: Scalar> Part<T> {
    pub(super) fn new(
        model: &Transformer<T>,
        sites: &Components,
        run: Run<T, Written<T>>,
        fill: &Written<T>,
    ) -> Self {
        Self {
            readings: run.readings,
            differences: Differences::new(model, sites, &run.batch, fill, &run.recorded),
            batch: run.batch,
            clean: run.trace,
            sums: Arc::default(),
        }
    }

    /// Σ of the differences of a range of writers, `[rows, d]`: the same for all readers of
    /// a sublayer, so that it is kept.
    pub(super) fn all_filled(&self, writers: Range<usize>, rows: Rows) -> Arc<Array2<T>> {
        let key = (writers.start, writers.end, rows == Rows::Readings);
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = sums.entry(key);
        Arc::clone(sum.or_insert_with(|| Arc::new(self.differences.sum(writers, rows))))
    }

    /// What a writer has written, with the rows that a reader reads.
    pub(super) fn rows<'x>(&self, x: &'x Array2<T>, rows: Rows) -> Cow<'x, Array2<T>> {
        let (all, answers) = (&self.clean.everywhere, &self.batch.answers);
        match rows {
            Rows::Readings if x.nrows() == all.len() && all.len() != answers.len() => {
                Cow::Owned(answers.rows_of(x))
            }
            _ => Cow::Borrowed(x),
        }
    }
}

/// Which rows a reader reads.
#[must_use]
pub fn rows_of(sites: &Components, reader: usize) -> Rows {
    match sites.reads_answers_only(reader) {
        true => Rows::Readings,
        false => Rows::Everywhere,
    }
}
