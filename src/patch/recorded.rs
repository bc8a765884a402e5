//! Clean runs of a transformer on all samples, part by part, and what fills put
//! in place of what is recorded of them.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::Fill;
use crate::model::Sequences;
use crate::model::transformer::{SequenceInputs, SequenceTrace, Transformer};
use crate::numeric::{Rng, Scalar};
use crate::{Error, Result};

/// Rows (positions of samples) of a part: enough for full products, few enough for the cache.
pub(super) const PART_ROWS: usize = 256;

/// What is recorded of a run: arrays whose rows go sample by sample.
pub(super) trait Recorded<T>: Clone + Send + Sync {
    /// Of a run.
    fn of(model: &Transformer<T>, inputs: &SequenceInputs<T>, trace: &SequenceTrace<T>) -> Self;

    /// What the fill `zero` puts in its place.
    fn zero(&self) -> Self;

    /// All arrays, in one fixed order.
    fn arrays(&self) -> Vec<&Array2<T>>;

    /// The same, to be changed.
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
    let step = (PART_ROWS / batch.length().max(1)).max(1);
    let per_sample = batch.answers.per_sample();
    let starts: Vec<usize> = (0..batch.samples()).step_by(step).collect();
    let run = |start: &usize| {
        let samples = *start..(start + step).min(batch.samples());
        let part = batch.part(samples.clone());
        let trace = model.forward_sequences(&part.inputs, &part.answers, part.length());
        Run {
            readings: samples.start * per_sample..samples.end * per_sample,
            recorded: R::of(model, &part.inputs, &trace),
            batch: part,
            trace,
        }
    };
    starts.par_iter().map(run).collect()
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
    if let (Fill::Mean | Fill::Resample, Some((shortest, longest))) = (fill, batch.lengths) {
        return Err(Error::PromptLengths {
            path: batch.path.clone(),
            shortest,
            longest,
            why: "this fill would take what stands at the padding of others",
        });
    }
    Ok(match fill {
        Fill::Zero => runs.iter().map(|run| run.recorded.zero()).collect(),
        Fill::Mean => means(batch, runs),
        Fill::Resample => resampled(batch, runs, seed),
        Fill::Corrupted => {
            let Some(corrupted) = &batch.corrupted else {
                return Err(Error::NoCorruptedInputs {
                    path: batch.path.clone(),
                });
            };
            corrupted_runs(model, batch, runs, corrupted)
        }
    })
}

/// `[readings, outputs]` of the parts as `[outputs, readings]` of all.
pub(super) fn together<T: Scalar>(parts: &[Array2<T>]) -> Array2<T> {
    let views: Vec<ArrayView2<'_, T>> = parts.iter().map(|part| part.view()).collect();
    ndarray::concatenate(Axis(0), &views)
        .unwrap_or_else(|_| Array2::zeros((0, 0)))
        .reversed_axes()
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
        let trace = model.forward_sequences(&inputs, &run.batch.answers, batch.length());
        R::of(model, &inputs, &trace)
    };
    runs.par_iter().enumerate().map(run).collect()
}

/// The mean over all samples, position by position; sums in f64.
fn means<T: Scalar, R: Recorded<T>>(batch: &Sequences<T>, runs: &[Run<T, R>]) -> Vec<R> {
    let mut fills: Vec<R> = runs.iter().map(|run| run.recorded.clone()).collect();
    let arrays = runs.first().map_or(0, |run| run.recorded.arrays().len());
    for array in 0..arrays {
        let first = runs[0].recorded.arrays()[array];
        let per_sample = first.nrows() / runs[0].batch.samples();
        let mut mean = Array2::<f64>::zeros((per_sample, first.ncols()));
        for run in runs {
            for (row, values) in run.recorded.arrays()[array].rows().into_iter().enumerate() {
                let mut sum = mean.row_mut(row % per_sample);
                sum.zip_mut_with(&values, |s, x| *s += x.widen());
            }
        }
        mean /= batch.samples() as f64;
        for fill in &mut fills {
            for (row, mut values) in fill.arrays_mut()[array].rows_mut().into_iter().enumerate() {
                values.zip_mut_with(&mean.row(row % per_sample), |x, m| *x = T::from_f64(*m));
            }
        }
    }
    fills
}

/// What is recorded of another sample: one seeded order of the samples without
/// fixed points (a single sample has no other).
fn resampled<T: Scalar, R: Recorded<T>>(
    batch: &Sequences<T>,
    runs: &[Run<T, R>],
    seed: u64,
) -> Vec<R> {
    let samples = batch.samples();
    let cycle = Rng::new(seed, 0).permutation(samples);
    let mut other = vec![0; samples];
    for (place, sample) in cycle.iter().enumerate() {
        other[*sample] = cycle[(place + 1) % samples];
    }
    let step = runs.first().map_or(1, |run| run.batch.samples());
    let mut fills: Vec<R> = runs.iter().map(|run| run.recorded.clone()).collect();
    for (index, fill) in fills.iter_mut().enumerate() {
        for (array, target) in fill.arrays_mut().into_iter().enumerate() {
            let per_sample = target.nrows() / runs[index].batch.samples();
            for (row, mut values) in target.rows_mut().into_iter().enumerate() {
                let from = other[index * step + row / per_sample];
                let source = runs[from / step].recorded.arrays()[array];
                values.assign(&source.row(from % step * per_sample + row % per_sample));
            }
        }
    }
    fills
}
