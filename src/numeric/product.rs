//! Matrix products through `gemm`: one function.
//!
//! Mostly parallelism lies above, over patches and samples. Large products are handed out in
//! strips of columns, as many whatever the number of threads, so that results do not
//! depend on it. Nor do they depend on how wide the machine's
//! registers are: every sum runs over k in order, but for small products of rows
//! with columns that both lie in order in memory. There `gemm` would keep as many
//! partial sums as a register holds; here there are always eight.
#![allow(
    unsafe_code,
    reason = "gemm takes raw pointers; shapes are checked here"
)]

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, ShapeBuilder as _};

use pulp::{Arch, Simd, WithSimd};

use super::{Scalar, parallel};

/// Multiplications from which on a product is handed out to all threads, about a millisecond
/// of one; and columns of a strip at least.
const LARGE: usize = 1 << 24;
const STRIP: usize = 128;

/// Multiplications from which on a product whose second matrix lies column by column is
/// written column by column too, and then brought into rows: `gemm` reads it as it lies only
/// so, which is 1.2 to 2.9 times as fast (64 and 256 rows, weights of 0.6 to 4.4 million).
const WIDE: usize = 1 << 21;

/// Partial sums of a dot product.
const LANES: usize = 8;

/// The most entries of a product that `gemm` computes by dot products.
const SMALL: usize = 256;

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
    let strips = n / STRIP;
    if strips > 1 && m * k * n >= LARGE {
        let width = n.div_ceil(strips);
        let of_out = out.axis_chunks_iter_mut(Axis(1), width);
        let pairs = of_out.zip(b.axis_chunks_iter(Axis(1), width));
        parallel::map(pairs, |(out, b)| product(out, a, b, add));
    } else {
        product(out.view_mut(), a, b, add);
    }
}

/// The product of matrices whose shapes agree, on this thread.
fn product<T: Scalar>(
    mut out: ArrayViewMut2<'_, T>,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    add: bool,
) {
    let ((m, k), n) = (a.dim(), b.ncols());
    let (out_strides, a_strides, b_strides) = (
        strides(out.strides()),
        strides(a.strides()),
        strides(b.strides()),
    );
    let lone = m.min(n) <= 1 || m * n <= SMALL;
    if lone && a_strides.1 == 1 && b_strides.0 == 1 {
        return Arch::new().dispatch(Dots { out, a, b, add });
    }
    let by_columns = b_strides.0 == 1 && b_strides.1 != 1 && out_strides.1 == 1;
    if by_columns && m > 1 && m * k * n >= WIDE {
        let mut turned = Array2::zeros((m, n).f());
        product(turned.view_mut(), a, b, false);
        match add {
            true => out += &turned,
            false => out.assign(&turned),
        }
        return;
    }
    // SAFETY: the three views are valid for their shapes and strides, which the caller
    // checked to agree, and `out` is borrowed mutably, so it overlaps neither.
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

/// [`matmul_into`] where rows of `a` and columns of `b` lie in order in memory.
struct Dots<'v, T> {
    out: ArrayViewMut2<'v, T>,
    a: ArrayView2<'v, T>,
    b: ArrayView2<'v, T>,
    add: bool,
}

impl<T: Scalar> WithSimd for Dots<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const ROWS: usize = 2;
        const COLUMNS: usize = 4;
        let (mut out, a, b) = (self.out, self.a, self.b.reversed_axes());
        let (m, n) = out.dim();
        for top in (0..m).step_by(ROWS) {
            for left in (0..n).step_by(COLUMNS) {
                let sums = tile(lines::<_, ROWS>(&a, top), lines::<_, COLUMNS>(&b, left));
                for (i, sums) in (top..m).zip(sums) {
                    for (j, sum) in (left..n).zip(sums) {
                        let before = if self.add { out[[i, j]] } else { T::zero() };
                        out[[i, j]] = sum + before;
                    }
                }
            }
        }
    }
}

/// Rows from `first` on; the last again where there are no more.
#[inline(always)]
fn lines<'v, T, const N: usize>(of: &'v ArrayView2<'_, T>, first: usize) -> [&'v [T]; N] {
    std::array::from_fn(|i| {
        let row = of.index_axis(Axis(0), (first + i).min(of.nrows() - 1));
        row.to_slice().unwrap_or_default()
    })
}

/// The dot product of each of `a` with each of `b`, all of one length: partial sums
/// over every eighth product, fused, added up by halves.
#[inline(always)]
fn tile<T: Scalar, const R: usize, const C: usize>(a: [&[T]; R], b: [&[T]; C]) -> [[T; C]; R] {
    let mut sums = [[[T::zero(); LANES]; C]; R];
    let len = a[0].len();
    let whole = len - len % LANES;
    for at in (0..whole).step_by(LANES) {
        let b = b.map(|b| lanes(&b[at..]));
        for (a, sums) in a.iter().zip(&mut sums) {
            let a = lanes(&a[at..]);
            for (b, sums) in b.iter().zip(sums) {
                for lane in 0..LANES {
                    sums[lane] = a[lane].mul_add(b[lane], sums[lane]);
                }
            }
        }
    }
    for (a, sums) in a.iter().zip(&mut sums) {
        for (b, sums) in b.iter().zip(sums) {
            for ((a, b), sum) in a[whole..].iter().zip(&b[whole..]).zip(sums) {
                *sum = a.mul_add(*b, *sum);
            }
        }
    }
    sums.map(|sums| sums.map(add_by_halves))
}

/// The first eight numbers, of at least eight.
#[inline(always)]
fn lanes<T: Scalar>(of: &[T]) -> [T; LANES] {
    let mut lanes = [T::zero(); LANES];
    lanes.copy_from_slice(&of[..LANES]);
    lanes
}

#[inline(always)]
fn add_by_halves<T: Scalar>(mut sums: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}

fn strides(of: &[isize]) -> (isize, isize) {
    (of[0], of[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_plain_product_for_any_strides() {
        let a = Array2::from_shape_fn((7, 5), |(i, j)| (i * 3 + j) as f64 * 0.1 - 0.7);
        let b = Array2::from_shape_fn((4, 5), |(i, j)| (i + 2 * j) as f64 * 0.2 - 0.9);
        let mut out = Array2::from_elem((7, 4), 1.0);
        matmul_into(out.view_mut(), a.view(), b.t(), true);
        let expected = a.dot(&b.t()) + 1.0;
        assert!((&out - &expected).iter().all(|d| d.abs() < 1e-12));
    }

    /// Strips are those of the whole product, to the last bit.
    #[test]
    fn a_large_product_is_that_of_one_thread() {
        let value = |i: usize, j: usize| ((i * 37 + j * 101) % 997) as f32 / 997.0 - 0.4;
        let a = Array2::from_shape_fn((16, 1100), |(i, j)| value(i, j));
        let b = Array2::from_shape_fn((1100, 1030), |(i, j)| value(j, i));
        let columns = Array2::from_shape_fn((1030, 1100), |(j, i)| b[[i, j]]);
        for (b, add) in [(b.view(), true), (b.view(), false), (columns.t(), false)] {
            let [mut strips, mut whole] = [0, 1].map(|_| Array2::from_elem((16, 1030), 0.5));
            matmul_into(strips.view_mut(), a.view(), b, add);
            let (a, b) = (a.view(), b.as_standard_layout());
            product(whole.view_mut(), a, b.view(), add);
            assert_eq!(strips, whole);
        }
    }

    fn dots(out: &mut Array2<f32>, a: &Array2<f32>, b: &Array2<f32>, add: bool) {
        let (out, a, b) = (out.view_mut(), a.view(), b.t());
        Arch::new().dispatch(Dots { out, a, b, add });
    }

    #[test]
    fn dot_products_of_every_shape_agree_with_plain_sums() {
        for (m, n, k) in [(1, 1, 1), (1, 300, 9), (3, 5, 8), (7, 9, 100), (16, 16, 31)] {
            let a = Array2::from_shape_fn((m, k), |(i, j)| ((i * 7 + j * 3) % 11) as f32 - 5.0);
            let b = Array2::from_shape_fn((n, k), |(i, j)| ((i * 5 + j * 2) % 13) as f32 - 6.0);
            let mut out = Array2::from_elem((m, n), 2.0);
            dots(&mut out, &a, &b, true);
            assert_eq!(out, a.dot(&b.t()) + 2.0, "{m} x {n} x {k}");
            dots(&mut out, &a, &b, false);
            assert_eq!(out, a.dot(&b.t()), "{m} x {n} x {k}");
        }
    }

    #[test]
    fn partial_sums_are_eight_on_every_machine() {
        // In f32, 2^24 swallows the ones of its own lane, and of no other.
        let mut a = Array2::from_elem((1, 16), 1.0_f32);
        a[[0, 0]] = 16_777_216.0;
        let mut out = Array2::zeros((1, 1));
        matmul_into(
            out.view_mut(),
            a.view(),
            Array2::ones((16, 1)).view(),
            false,
        );
        assert_eq!(out[[0, 0]], 16_777_230.0);
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
