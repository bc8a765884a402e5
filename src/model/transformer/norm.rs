//! Layer normalisation, forward and backward.

use ndarray::{Array1, Array2, ArrayViewMut2};

use crate::numeric::Scalar;

/// Centres and scales every row, then weighs it.
///
/// Source: Ba, Kiros & Hinton 2016, arXiv 1607.06450.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm<T> {
    /// `[d]`
    pub weight: Array1<T>,
    /// `[d]`
    pub bias: Array1<T>,
    /// Added to the variance.
    pub epsilon: T,
}

/// What the backward pass needs of a normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Normed<T> {
    /// Rows with mean 0 and variance 1, before they are weighed, `[rows, d]`.
    pub unit: Array2<T>,
    /// 1/√(variance + ε) of every row, `[rows]`.
    pub inverse: Vec<T>,
}

impl<T: Scalar> Norm<T> {
    /// The normalised rows of `x: [rows, d]`, and what the backward pass needs.
    #[must_use]
    pub fn forward(&self, x: &Array2<T>) -> (Array2<T>, Normed<T>) {
        let mut unit = x.clone();
        let mut inverse = Vec::with_capacity(x.nrows());
        for mut row in unit.rows_mut() {
            inverse.push(standardise(
                row.as_slice_mut().unwrap_or_default(),
                self.epsilon,
            ));
        }
        let result = &unit * &self.weight + &self.bias;
        (result, Normed { unit, inverse })
    }

    /// Turns gradients at the result, `[rows, d]`, into gradients at `x`, in place.
    ///
    /// dx = (g′ − mean(g′) − x̂ · mean(g′ · x̂)) / σ with g′ = weight · g.
    pub fn backward(&self, normed: &Normed<T>, mut gradient: ArrayViewMut2<'_, T>) {
        let weight = self.weight.as_slice().unwrap_or_default();
        for ((mut row, unit), inverse) in gradient
            .rows_mut()
            .into_iter()
            .zip(normed.unit.rows())
            .zip(&normed.inverse)
        {
            if let (Some(row), Some(unit)) = (row.as_slice_mut(), unit.as_slice()) {
                backward_row(row, unit, weight, *inverse);
            }
        }
    }
}

fn standardise<T: Scalar>(row: &mut [T], epsilon: T) -> T {
    let width = T::from_f64(row.len() as f64);
    let mean = sum(row.iter().copied()) / width;
    row.iter_mut().for_each(|x| *x -= mean);
    let variance = dot(row, row) / width;
    let inverse = T::one() / (variance + epsilon).sqrt();
    row.iter_mut().for_each(|x| *x *= inverse);
    inverse
}

fn backward_row<T: Scalar>(row: &mut [T], unit: &[T], weight: &[T], inverse: T) {
    let width = T::from_f64(row.len() as f64);
    row.iter_mut().zip(weight).for_each(|(g, w)| *g *= *w);
    let mean = sum(row.iter().copied()) / width;
    let along = dot(row, unit) / width;
    for (g, x) in row.iter_mut().zip(unit) {
        *g = (*g - mean - *x * along) * inverse;
    }
}

/// Independent running sums, so that the loop vectorises.
const LANES: usize = 16;

/// Σ a·b, in a fixed order.
pub(super) fn dot<T: Scalar>(a: &[T], b: &[T]) -> T {
    let (a_chunks, b_chunks) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [T::zero(); LANES];
    for (x, y) in a_chunks.0.iter().zip(b_chunks.0) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest = a_chunks.1.iter().zip(b_chunks.1).map(|(x, y)| *x * *y);
    sum(lanes.into_iter()) + sum(rest)
}

fn sum<T: Scalar>(xs: impl Iterator<Item = T>) -> T {
    xs.fold(T::zero(), |total, x| total + x)
}
