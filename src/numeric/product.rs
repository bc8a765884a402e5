//! Matrix products through `gemm`: one function, single-threaded.
//!
//! Parallelism lies above, over patches and samples, so that results do not
//! depend on the number of threads.
#![allow(
    unsafe_code,
    reason = "gemm takes raw pointers; shapes are checked here"
)]

use ndarray::{ArrayView2, ArrayViewMut2};

use super::Scalar;

/// `out = a · b`, or `out += a · b` with `add`.
///
/// `a: [m, k]`, `b: [k, n]`, `out: [m, n]`, any strides.
///
/// # Panics
/// If the shapes disagree.
///
/// ```
/// use modscope::numeric::matmul_into;
/// use ndarray::array;
///
/// let mut out = array![[0.0], [0.0]];
/// let (a, b) = (array![[1.0, 2.0], [3.0, 4.0]], array![[10.0], [1.0]]);
/// matmul_into(out.view_mut(), a.view(), b.view(), false);
/// assert_eq!(out, array![[12.0], [34.0]]);
/// ```
pub fn matmul_into<T: Scalar>(
    mut out: ArrayViewMut2<'_, T>,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    add: bool,
) {
    let ((m, k), n) = (a.dim(), b.ncols());
    assert_eq!(b.nrows(), k, "inner dimensions disagree");
    assert_eq!(out.dim(), (m, n), "the output has another shape");
    let (out_strides, a_strides, b_strides) = (
        strides(out.strides()),
        strides(a.strides()),
        strides(b.strides()),
    );
    // SAFETY: the three views are valid for their shapes and strides, which were
    // just checked to agree, and `out` is borrowed mutably, so it overlaps neither.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            out_strides.1,
            out_strides.0,
            add,
            a.as_ptr(),
            a_strides.1,
            a_strides.0,
            b.as_ptr(),
            b_strides.1,
            b_strides.0,
            T::one(),
            T::one(),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

fn strides(of: &[isize]) -> (isize, isize) {
    (of[0], of[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn agrees_with_the_plain_product_for_any_strides() {
        let a = Array2::from_shape_fn((7, 5), |(i, j)| (i * 3 + j) as f64 * 0.1 - 0.7);
        let b = Array2::from_shape_fn((4, 5), |(i, j)| (i + 2 * j) as f64 * 0.2 - 0.9);
        let mut out = Array2::from_elem((7, 4), 1.0);
        matmul_into(out.view_mut(), a.view(), b.t(), true);
        let expected = a.dot(&b.t()) + 1.0;
        assert!((&out - &expected).iter().all(|d| d.abs() < 1e-12));
    }

    #[test]
    fn an_empty_inner_dimension_gives_zero() {
        let mut out = Array2::from_elem((2, 3), 5.0_f32);
        matmul_into(
            out.view_mut(),
            Array2::zeros((2, 0)).view(),
            Array2::zeros((0, 3)).view(),
            false,
        );
        assert!(out.iter().all(|x| *x == 0.0));
    }
}
