//! Some of the samples, with their clean run and their fills.

use std::borrow::Cow;

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
    pub readings: std::ops::Range<usize>,
    /// Its samples.
    pub batch: Sequences<T>,
    /// The clean run.
    pub clean: SequenceTrace<T>,
    /// *fill − clean* of every writer.
    pub differences: Differences<T>,
}

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
        }
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
