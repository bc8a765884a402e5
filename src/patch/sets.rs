//! Fills that are taken from a set of samples, which is held in parts.
//!
//! Arrays are `[rows, width]`, as many rows for every sample, samples in order;
//! every part has the same arrays.

use ndarray::{Array2, ArrayView2, Axis};

use super::Fill;
use crate::model::Sequences;
use crate::numeric::{Rng, Scalar};
use crate::{ErrorKind, Result};

/// Refuses fills from other samples where those are of other lengths.
pub(super) fn check_lengths<T>(batch: &Sequences<T>, fill: Fill) -> Result<()> {
    match (fill, batch.lengths) {
        (Fill::Mean | Fill::Resample, Some((shortest, longest))) => Err(ErrorKind::PromptLengths {
            shortest,
            longest,
            why: "this fill would take what stands at the padding of others",
        }
        .at(&batch.path)),
        _ => Ok(()),
    }
}

/// Each number's mean over all samples, position by position, in the shapes of
/// the parts; `samples` are those of each part. Sums in f64.
pub(super) fn means<T: Scalar>(
    parts: &[Vec<&Array2<T>>],
    samples: &[usize],
) -> Vec<Vec<Array2<T>>> {
    let total: usize = samples.iter().sum();
    let count = parts.first().map_or(0, Vec::len);
    let mut fills = vec![Vec::with_capacity(count); parts.len()];
    for array in 0..count {
        let (first, of_first) = (parts[0][array], samples[0].max(1));
        let per_sample = (first.nrows() / of_first).max(1);
        let mut mean = Array2::<f64>::zeros((per_sample, first.ncols()));
        for part in parts {
            for (row, values) in part[array].rows().into_iter().enumerate() {
                let mut sum = mean.row_mut(row % per_sample);
                sum.zip_mut_with(&values, |s, x| *s += x.widen());
            }
        }
        mean /= total.max(1) as f64;
        for (part, fill) in parts.iter().zip(&mut fills) {
            let shape = part[array].raw_dim();
            fill.push(Array2::from_shape_fn(shape, |(row, column)| {
                T::from_f64(mean[[row % per_sample, column]])
            }));
        }
    }
    fills
}

/// What is there in another sample: one seeded order of the samples without
/// fixed points (a single sample has no other). All parts but the last hold as
/// many samples.
pub(super) fn resampled<T: Scalar>(
    parts: &[Vec<&Array2<T>>],
    samples: &[usize],
    seed: u64,
) -> Vec<Vec<Array2<T>>> {
    let total: usize = samples.iter().sum();
    let other = Rng::new(seed, 0).derangement(total);
    let step = samples.first().copied().unwrap_or(1).max(1);
    let fill = |(index, part): (usize, &Vec<&Array2<T>>)| {
        let of_array = |(array, values): (usize, &&Array2<T>)| {
            let per_sample = values.nrows() / samples[index].max(1);
            let mut target = (*values).clone();
            for (row, mut values) in target.rows_mut().into_iter().enumerate() {
                let from = other[index * step + row / per_sample];
                let source = parts[from / step][array];
                values.assign(&source.row(from % step * per_sample + row % per_sample));
            }
            target
        };
        part.iter().enumerate().map(of_array).collect()
    };
    parts.iter().enumerate().map(fill).collect()
}

/// `[readings, outputs]` of the parts as `[outputs, readings]` of all.
pub(super) fn together<T: Scalar>(parts: &[Array2<T>]) -> Array2<T> {
    let views: Vec<ArrayView2<'_, T>> = parts.iter().map(|part| part.view()).collect();
    ndarray::concatenate(Axis(0), &views)
        .unwrap_or_else(|_| Array2::zeros((0, 0)))
        .reversed_axes()
}
