//! Some of the samples with what is kept of their runs.

use std::ops::Range;

use super::values::Values;
use crate::model::Sequences;
use crate::model::transformer::SequenceTrace;

/// Some of the samples.
#[derive(Debug, Clone)]
pub struct WeightPart<T> {
    /// The readings it holds, of all.
    pub readings: Range<usize>,
    /// Its samples.
    pub batch: Sequences<T>,
    /// The clean run.
    pub clean: SequenceTrace<T>,
    /// What linear layers read in it.
    pub values: Values<T>,
    /// What patched edges carry in place of that.
    pub fill: Values<T>,
}
