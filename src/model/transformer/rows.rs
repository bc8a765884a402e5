//! Matrices as the one stretch of memory that they are, and linear layers on them.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1};

use super::{Norm, Normed};
use crate::model::Rules;
use crate::numeric::{Activation, Scalar, matmul_into};

/// All numbers of a matrix, row by row.
pub(super) fn slice_mut<T: Scalar>(x: &mut Array2<T>) -> &mut [T] {
    if !x.is_standard_layout() {
        *x = x.as_standard_layout().into_owned();
    }
    x.as_slice_mut()
        .unwrap_or_else(|| unreachable!("a matrix in standard layout is one stretch"))
}

/// The numbers of a row.
///
/// # Panics
/// If they do not lie one beside the other: matrices stand row by row.
pub(super) fn row_mut<T>(row: ArrayViewMut1<'_, T>) -> &mut [T] {
    row.into_slice()
        .unwrap_or_else(|| unreachable!("matrices stand row by row"))
}

/// `x · weight + bias`, `[rows, out]`.
pub(crate) fn linear<T: Scalar>(
    x: &Array2<T>,
    weight: ArrayView2<'_, T>,
    bias: ArrayView1<'_, T>,
) -> Array2<T> {
    let mut result = Array2::zeros((x.nrows(), weight.ncols()));
    result += &bias;
    matmul_into(result.view_mut(), x.view(), weight, true);
    result
}

/// `a · b`
pub(crate) fn product<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Array2<T> {
    let mut result = Array2::zeros((a.nrows(), b.ncols()));
    matmul_into(result.view_mut(), a, b, false);
    result
}

/// The normalised rows, or the rows themselves where there is no norm.
pub(super) fn normalise<T: Scalar>(
    norm: Option<&Norm<T>>,
    x: &Array2<T>,
) -> (Array2<T>, Option<Normed<T>>) {
    match norm {
        Some(norm) => {
            let (x, normed) = norm.forward(x);
            (x, Some(normed))
        }
        None => (x.clone(), None),
    }
}

/// Turns gradients at normalised rows into those before, in place.
///
/// # Panics
/// If there is a norm and no record of it, or the other way round.
pub(super) fn through_norm<T: Scalar>(
    rules: Rules,
    norm: Option<&Norm<T>>,
    normed: Option<&Normed<T>>,
    gradient: &mut Array2<T>,
) {
    match (norm, normed) {
        (Some(norm), Some(normed)) => norm.backward(rules, normed, gradient.view_mut()),
        (None, None) => {}
        _ => unreachable!("a pass records every norm that there is, and no other"),
    }
}

/// Gradients at an activation's results become those at what it reads, in place.
pub(super) fn through_activation<T: Scalar>(
    rules: Rules,
    activation: Activation,
    before: &Array2<T>,
    gradient: &mut Array2<T>,
) {
    let before = before.as_standard_layout();
    let before = before
        .as_slice()
        .unwrap_or_else(|| unreachable!("a matrix in standard layout is one stretch"));
    rules.through(activation, slice_mut(gradient), before);
}
