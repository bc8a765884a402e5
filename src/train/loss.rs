//! Losses and their gradients, on physical outputs `[outputs, samples]`.
//!
//! The gradient is written for the inner loop and allocates nothing; the score
//! is for the training curve.

use ndarray::{ArrayView2, ArrayViewMut2, Axis, Zip};
use pulp::{Arch, Simd, WithSimd};

use super::recipe::Loss;
use crate::numeric::Scalar;

/// What the outputs of some samples should be, by physical position.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth<T> {
    /// The row of each sample's class.
    Rows(Vec<usize>),
    /// `[outputs, samples]`.
    Targets(ndarray::Array2<T>),
}

/// The sum of a loss over samples, and how many of them are right.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Sum over samples.
    pub loss: f64,
    /// Samples whose largest output is their class; 0 for targets.
    pub hits: usize,
}

impl Score {
    /// Both added up.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            loss: self.loss + other.loss,
            hits: self.hits + other.hits,
        }
    }
}

/// Writes the derivative of the loss averaged over `of` samples into `gradient`,
/// `[outputs, samples]` like the outputs. `scratch` holds one number per sample.
///
/// # Panics
/// If the matrices do not lie row by row in memory.
pub fn gradient<T: Scalar>(
    loss: Loss,
    outputs: ArrayView2<'_, T>,
    truth: &Truth<T>,
    of: usize,
    mut gradient: ArrayViewMut2<'_, T>,
    scratch: &mut [T],
) {
    let square_factor = T::from_f64(2.0 / (outputs.nrows() as f64 * of as f64));
    match (loss, truth) {
        (Loss::CrossEntropy, Truth::Rows(rows)) => {
            let weight = T::from_f64(1.0 / of as f64);
            Arch::new().dispatch(Softmax {
                outputs,
                weight,
                result: gradient.view_mut(),
                scratch,
            });
            take_from_rows(gradient, rows, weight);
        }
        (_, Truth::Rows(rows)) => {
            Zip::from(&mut gradient)
                .and(&outputs)
                .for_each(|g, x| *g = *x * square_factor);
            take_from_rows(gradient, rows, square_factor);
        }
        (_, Truth::Targets(targets)) => Zip::from(&mut gradient)
            .and(&outputs)
            .and(targets)
            .for_each(|g, x, y| *g = (*x - *y) * square_factor),
    }
}

/// `weight` · softmax over the outputs of each sample.
struct Softmax<'v, T> {
    outputs: ArrayView2<'v, T>,
    weight: T,
    result: ArrayViewMut2<'v, T>,
    /// One number per sample.
    scratch: &'v mut [T],
}

impl<T: Scalar> WithSimd for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let (scratch, samples) = (self.scratch, self.outputs.ncols());
        let (Some(outputs), Some(result)) = (self.outputs.to_slice(), self.result.as_slice_mut())
        else {
            unreachable!("outputs and their gradients lie row by row in memory")
        };
        scratch.fill(T::neg_infinity());
        for row in outputs.chunks_exact(samples) {
            for (largest, x) in scratch.iter_mut().zip(row) {
                *largest = if *x > *largest { *x } else { *largest };
            }
        }
        let rows = result.chunks_exact_mut(samples);
        for (result, outputs) in rows.zip(outputs.chunks_exact(samples)) {
            for ((r, x), largest) in result.iter_mut().zip(outputs).zip(&*scratch) {
                *r = *x - *largest;
            }
        }
        T::exp_in_place(result);
        scratch.fill(T::zero());
        for row in result.chunks_exact(samples) {
            for (sum, e) in scratch.iter_mut().zip(row) {
                *sum += *e;
            }
        }
        for sum in &mut *scratch {
            *sum = self.weight / *sum;
        }
        for row in result.chunks_exact_mut(samples) {
            for (e, factor) in row.iter_mut().zip(&*scratch) {
                *e *= *factor;
            }
        }
    }
}

/// Takes `weight` from each sample's entry in the row of its class.
fn take_from_rows<T: Scalar>(mut gradient: ArrayViewMut2<'_, T>, rows: &[usize], weight: T) {
    for (sample, row) in rows.iter().enumerate() {
        gradient[[*row, sample]] -= weight;
    }
}

/// The score of `outputs: [outputs, samples]`.
#[must_use]
pub fn score<T: Scalar>(loss: Loss, outputs: ArrayView2<'_, T>, truth: &Truth<T>) -> Score {
    let hits = match truth {
        Truth::Rows(rows) => hits(outputs, rows),
        Truth::Targets(_) => 0,
    };
    let loss = match (loss, truth) {
        (Loss::CrossEntropy, Truth::Rows(rows)) => cross_entropy(outputs, rows),
        (_, Truth::Rows(rows)) => squares(outputs, |row, sample| {
            if rows[sample] == row {
                T::one()
            } else {
                T::zero()
            }
        }),
        (_, Truth::Targets(targets)) => squares(outputs, |row, sample| targets[[row, sample]]),
    };
    Score { loss, hits }
}

/// Samples whose largest output is in the row of their class; ties go to the first row.
fn hits<T: Scalar>(outputs: ArrayView2<'_, T>, rows: &[usize]) -> usize {
    let mut best = vec![(T::neg_infinity(), 0); rows.len()];
    for (row, values) in outputs.rows().into_iter().enumerate() {
        for (best, value) in best.iter_mut().zip(values) {
            if *value > best.0 {
                *best = (*value, row);
            }
        }
    }
    best.iter()
        .zip(rows)
        .filter(|(best, row)| best.1 == **row)
        .count()
}

/// Σ over samples of the mean over outputs of (output − target)².
fn squares<T: Scalar>(outputs: ArrayView2<'_, T>, target: impl Fn(usize, usize) -> T) -> f64 {
    let term =
        |((row, sample), x): ((usize, usize), &T)| (*x - target(row, sample)).widen().powi(2);
    outputs.indexed_iter().map(term).sum::<f64>() / outputs.nrows() as f64
}

/// Σ over samples of −ln softmax(outputs)[class].
fn cross_entropy<T: Scalar>(outputs: ArrayView2<'_, T>, rows: &[usize]) -> f64 {
    let of_sample = |(values, row): (ndarray::ArrayView1<'_, T>, &usize)| {
        let largest = values.fold(f64::NEG_INFINITY, |m, x| m.max(x.widen()));
        let sum: f64 = values.iter().map(|x| (x.widen() - largest).exp()).sum();
        sum.ln() + largest - values[*row].widen()
    };
    outputs.axis_iter(Axis(1)).zip(rows).map(of_sample).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn gradients_are_the_finite_differences() {
        let outputs = array![[0.3, -1.0], [1.2, 0.4], [-0.7, 2.0]];
        let rows = Truth::Rows(vec![2, 0]);
        let targets = Truth::Targets(array![[0.5, 1.0], [0.0, -1.0], [2.0, 0.3]]);
        let cases = [
            (Loss::Mse, &targets),
            (Loss::CrossEntropy, &rows),
            (Loss::MseOnehot, &rows),
        ];
        for (loss, truth) in cases {
            let mut slopes = Array2::zeros((3, 2));
            gradient(
                loss,
                outputs.view(),
                truth,
                2,
                slopes.view_mut(),
                &mut [0.0; 2],
            );
            for (place, slope) in slopes.indexed_iter() {
                let shifted = |by: f64| {
                    let mut other = outputs.clone();
                    other[place] += by;
                    score(loss, other.view(), truth).loss / 2.0
                };
                let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                assert!((numeric - slope).abs() < 1e-9, "{loss} {place:?}");
            }
        }
    }

    #[test]
    fn scores_worked_out_by_hand() {
        let outputs = array![[0.0_f64, 1.0], [0.0, 3.0]];
        let truth = Truth::Rows(vec![0, 1]);
        let entropy = score(Loss::CrossEntropy, outputs.view(), &truth);
        let expected = 2.0_f64.ln() + (1.0 + (-2.0_f64).exp()).ln();
        assert!((entropy.loss - expected).abs() < 1e-12);
        assert_eq!(entropy.hits, 2);
        let onehot = score(Loss::MseOnehot, outputs.view(), &truth);
        assert!((onehot.loss - (1.0 + 1.0 + 4.0) / 2.0).abs() < 1e-12);
    }
}
