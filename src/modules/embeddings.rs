//! The shapes that token embeddings make: principal components, frequencies, signs.
//!
//! Source of the questions: arXiv 2305.08746, section 3.3 and figure 5.

use nalgebra::{DMatrix, SymmetricEigen};
use ndarray::{ArrayView1, ArrayView2};
use std::f64::consts::TAU;

use crate::order;

/// The directions in which a cloud of points is widest.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// Share of the variance along each component, largest first.
    pub shares: Vec<f64>,
    /// Each point along the first two components; the second is 0 in one dimension.
    pub points: Vec<[f64; 2]>,
}

/// Principal components of `values: [tokens, dimensions]`.
#[must_use]
pub fn principal(values: ArrayView2<'_, f64>) -> Principal {
    let (tokens, dimensions) = values.dim();
    let means: Vec<f64> = values
        .columns()
        .into_iter()
        .map(|column| column.sum() / tokens.max(1) as f64)
        .collect();
    let centred = DMatrix::from_fn(tokens, dimensions, |t, d| values[[t, d]] - means[d]);
    if tokens == 0 || dimensions == 0 {
        return Principal {
            shares: Vec::new(),
            points: vec![[0.0; 2]; tokens],
        };
    }
    let eigen = SymmetricEigen::new(centred.transpose() * &centred);
    let mut order: Vec<usize> = (0..dimensions).collect();
    order::descending(&mut order, |index| eigen.eigenvalues[*index]);
    let total: f64 = eigen.eigenvalues.iter().sum();
    let along = |token: usize, k: usize| {
        order.get(k).map_or(0.0, |component| {
            centred
                .row(token)
                .transpose()
                .dot(&eigen.eigenvectors.column(*component))
        })
    };
    let share = |component: &usize| eigen.eigenvalues[*component] / total;
    Principal {
        shares: order.iter().map(share).collect(),
        points: (0..tokens).map(|t| [along(t, 0), along(t, 1)]).collect(),
    }
}

/// The share of the variance at each frequency from 1 to half the tokens, when the
/// tokens are the numbers of a cycle: `values: [tokens, dimensions]`.
///
/// A circle that goes round k times has all of it at frequency k.
#[must_use]
pub fn frequencies(values: ArrayView2<'_, f64>) -> Vec<f64> {
    let tokens = values.nrows();
    let power = |k: usize| -> f64 {
        let of_column = |column: ArrayView1<'_, f64>| {
            let (mut re, mut im) = (0.0, 0.0);
            for (t, x) in column.iter().enumerate() {
                let (sin, cos) = (TAU * (k * t % tokens) as f64 / tokens as f64).sin_cos();
                re += x * cos;
                im += x * sin;
            }
            re * re + im * im
        };
        // A frequency and its mirror image are one, but for the fastest of an even number.
        let fold = if 2 * k == tokens { 1.0 } else { 2.0 };
        fold * values.columns().into_iter().map(of_column).sum::<f64>()
    };
    let powers: Vec<f64> = (1..=tokens / 2).map(power).collect();
    let total: f64 = powers.iter().sum();
    powers.iter().map(|power| power / total).collect()
}

/// The signs of all permutations of `degree` things in lexicographic order: ±1.
///
/// ```
/// use modscope::modules::embeddings::permutation_signs;
/// assert_eq!(permutation_signs(3), [1.0, -1.0, -1.0, 1.0, 1.0, -1.0]);
/// ```
#[must_use]
pub fn permutation_signs(degree: usize) -> Vec<f64> {
    // Putting the k-th of the unused things first takes k exchanges.
    let mut signs = vec![1.0];
    for things in 2..=degree {
        let rest = signs;
        let first = (0..things).map(|k| if k % 2 == 0 { 1.0 } else { -1.0 });
        signs = first
            .flat_map(|sign| rest.iter().map(move |s| sign * s))
            .collect();
    }
    signs
}

/// Correlation of two series, in [−1, 1]; 0 where one is constant.
#[must_use]
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |xs: &[f64]| xs.iter().sum::<f64>() / xs.len().max(1) as f64;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum()
    };
    let product = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    if product > 0.0 {
        sum(&|x, y| x * y) / product
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Tokens on a circle, gone round three times.
    fn circle() -> Array2<f64> {
        Array2::from_shape_fn((59, 2), |(t, d)| {
            let angle = TAU * 3.0 * t as f64 / 59.0;
            5.0 + if d == 0 { angle.cos() } else { angle.sin() }
        })
    }

    #[test]
    fn a_circle_has_one_frequency_and_two_equal_components() {
        let shares = frequencies(circle().view());
        assert_eq!(shares.len(), 29);
        assert!((shares[2] - 1.0).abs() < 1e-9, "{shares:?}");
        let found = principal(circle().view());
        assert!((found.shares[0] - 0.5).abs() < 1e-9);
        let radius = |p: &[f64; 2]| p[0].hypot(p[1]);
        assert!(found.points.iter().all(|p| (radius(p) - 1.0).abs() < 1e-9));
    }

    #[test]
    fn components_of_a_line() {
        let line = Array2::from_shape_fn((4, 2), |(t, d)| (t * (d + 1)) as f64);
        let found = principal(line.view());
        assert!((found.shares[0] - 1.0).abs() < 1e-12);
        assert!(found.points.iter().all(|p| p[1].abs() < 1e-9));
        let one = principal(line.slice(ndarray::s![.., ..1]));
        assert_eq!((one.shares.len(), one.points[0][1]), (1, 0.0));
    }

    #[test]
    fn half_of_all_permutations_are_odd() {
        let signs = permutation_signs(4);
        assert_eq!((signs.len(), signs.iter().sum::<f64>()), (24, 0.0));
        // 0132 swaps once, 1032 twice.
        assert_eq!((signs[1], signs[7]), (-1.0, 1.0));
    }

    #[test]
    fn correlations_by_hand() {
        assert!((correlation(&[1.0, 2.0, 3.0], &[-2.0, -4.0, -6.0]) + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[1.0, 2.0], &[3.0, 3.0]), 0.0);
    }
}
