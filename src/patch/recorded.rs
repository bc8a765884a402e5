//! Clean runs of a transformer on all samples, part by part, and what fills put
//! in place of what is recorded of them.

use std::ops::Range;

use ndarray::Array2;

use super::Fill;
use super::sets::{check_lengths, means, resampled};
use crate::model::Sequences;
use crate::model::transformer::{SequenceInputs, SequenceTrace, Transformer};
use crate::numeric::{Scalar, parallel};
use crate::{ErrorKind, Result};

/// What is recorded of a run: arrays whose rows go sample by sample.
pub(super) trait Recorded<T>: Clone + Send + Sync {
    /// Of a run.
    fn of(model: &Transformer<T>, inputs: &SequenceInputs<T>, trace: &SequenceTrace<T>) -> Self;

    /// What the fill `zero` puts in its place.
    fn zero(&self) -> Self;

    /// All arrays, in one fixed order.
    fn arrays(&self) -> Vec<&Array2<T>>;

    /// The recorded arrays, to be changed.
    fn arrays_mut(&mut self) -> Vec<&mut Array2<T>>;
}

/// The clean run of some of the samples.
pub(super) struct Run<T, R> {
    /// The readings it holds, of all.
    pub readings: Range<usize>,
    pub batch: Sequences<T>,
    pub trace: SequenceTrace<T>,
    pub recorded: R,
}

/// The clean runs of all parts, in parallel.
pub(super) fn clean_runs<T: Scalar, R: Recorded<T>>(
    model: &Transformer<T>,
    batch: &Sequences<T>,
) -> Vec<Run<T, R>> {
    let per_sample = batch.answers.readings_per_sample();
    let parts = batch.parts();
    let mut first = 0;
    let starts: Vec<usize> = parts
        .iter()
        .map(|part| {
            let start = first;
            first += part.samples() * per_sample;
            start
        })
        .collect();
    let run = |(part, start): (Sequences<T>, usize)| {
        let trace = model.forward(&part.inputs, &part.answers, part.length());
        Run {
            readings: start..start + part.samples() * per_sample,
            recorded: R::of(model, &part.inputs, &trace),
            batch: part,
            trace,
        }
    };
    parallel::map(parts.into_iter().zip(starts), run)
}

/// What is put in place of what the runs have recorded; `seed` is of `resample`.
///
/// # Errors
/// If the fill is `corrupted` and the batch has no pairs.
pub(super) fn fills<T: Scalar, R: Recorded<T>>(
    model: &Transformer<T>,
    batch: &Sequences<T>,
    runs: &[Run<T, R>],
    fill: Fill,
    seed: u64,
) -> Result<Vec<R>> {
    check_lengths(batch, fill)?;
    let arrays: Vec<Vec<&Array2<T>>> = runs.iter().map(|run| run.recorded.arrays()).collect();
    let samples: Vec<usize> = runs.iter().map(|run| run.batch.samples()).collect();
    Ok(match fill {
        Fill::Zero => runs.iter().map(|run| run.recorded.zero()).collect(),
        Fill::Mean => with(runs, means(&arrays, &samples)),
        Fill::Resample => with(runs, resampled(&arrays, &samples, seed)),
        Fill::Corrupted => {
            let Some(corrupted) = &batch.corrupted else {
                return Err(ErrorKind::NoCorruptedInputs.at(&batch.path));
            };
            corrupted_runs(model, batch, runs, corrupted)
        }
    })
}

fn corrupted_runs<T: Scalar, R: Recorded<T>>(
    model: &Transformer<T>,
    batch: &Sequences<T>,
    runs: &[Run<T, R>],
    corrupted: &SequenceInputs<T>,
) -> Vec<R> {
    let samples: Vec<usize> = runs.iter().map(|run| run.batch.samples()).collect();
    let run = |(index, run): (usize, &Run<T, R>)| {
        let start: usize = samples[..index].iter().sum();
        let inputs = corrupted.part(start..start + samples[index], batch.length());
        let trace = model.forward(&inputs, &run.batch.answers, batch.length());
        R::of(model, &inputs, &trace)
    };
    parallel::map(runs.iter().enumerate(), run)
}

/// What runs have recorded, with these arrays instead.
fn with<T: Scalar, R: Recorded<T>>(runs: &[Run<T, R>], arrays: Vec<Vec<Array2<T>>>) -> Vec<R> {
    let one = |(run, arrays): (&Run<T, R>, Vec<Array2<T>>)| {
        let mut changed = run.recorded.clone();
        for (old, new) in changed.arrays_mut().into_iter().zip(arrays) {
            *old = new;
        }
        changed
    };
    runs.iter().zip(arrays).map(one).collect()
}
