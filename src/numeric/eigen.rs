//! Eigenvalues of a small real matrix, and its largest singular pair.

use ndarray::{Array1, Array2};

/// Steps of the QR iteration for each eigenvalue; more are needed by none in practice.
const STEPS: usize = 60;

/// Steps of the power iteration.
const POWERS: usize = 200;

/// All eigenvalues of a square matrix as `(real, imaginary)`, in no order: reduction to
/// Hessenberg form and the QR iteration with Francis's double shifts.
///
/// Source: Golub and Van Loan, *Matrix Computations*, section 7.5, after EISPACK's `hqr`.
/// `None` where an entry is not finite or the iteration does not end.
///
/// ```
/// use modscope::numeric::eigen::eigenvalues;
/// use ndarray::array;
/// // A quarter turn: i and −i.
/// let turn = eigenvalues(&array![[0.0, -1.0], [1.0, 0.0]]).unwrap();
/// assert!(turn.iter().all(|(re, im)| re.abs() < 1e-12 && (im.abs() - 1.0).abs() < 1e-12));
/// ```
#[must_use]
pub fn eigenvalues(matrix: &Array2<f64>) -> Option<Vec<(f64, f64)>> {
    if matrix.nrows() != matrix.ncols() || matrix.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mut a = matrix.clone();
    to_hessenberg(&mut a);
    let norm: f64 = a.iter().map(|x| x.abs()).sum();
    let mut values = Vec::with_capacity(a.nrows());
    let mut end = a.nrows();
    let mut steps = 0;
    while end > 0 {
        let start = first_of_block(&mut a, end, norm);
        match end - start {
            1 => {
                values.push((a[[start, start]], 0.0));
                (end, steps) = (start, 0);
            }
            2 => {
                values.extend(of_pair(&a, start));
                (end, steps) = (start, 0);
            }
            _ if steps == STEPS => return None,
            _ => {
                steps += 1;
                double_step(&mut a, start, end, steps.is_multiple_of(10));
            }
        }
    }
    Some(values)
}

/// Householder reflections make everything below the first subdiagonal zero.
fn to_hessenberg(a: &mut Array2<f64>) {
    let n = a.nrows();
    for column in 0..n.saturating_sub(2) {
        let mut v: Vec<f64> = (column + 1..n).map(|row| a[[row, column]]).collect();
        reflect(a, &mut v, column + 1, (column, n), (0, n));
        for row in column + 2..n {
            a[[row, column]] = 0.0;
        }
    }
}

/// Applies the reflection that makes a multiple of the first unit vector of `v` from both
/// sides: to rows `first..` in these columns, and to columns `first..` in these rows.
fn reflect(
    a: &mut Array2<f64>,
    v: &mut [f64],
    first: usize,
    columns: (usize, usize),
    rows: (usize, usize),
) {
    let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length == 0.0 {
        return;
    }
    v[0] += length.copysign(v[0]);
    let square: f64 = v.iter().map(|x| x * x).sum();
    for column in columns.0..columns.1 {
        let along: f64 = (0..v.len()).map(|k| v[k] * a[[first + k, column]]).sum();
        (0..v.len()).for_each(|k| a[[first + k, column]] -= 2.0 * along / square * v[k]);
    }
    for row in rows.0..rows.1 {
        let along: f64 = (0..v.len()).map(|k| v[k] * a[[row, first + k]]).sum();
        (0..v.len()).for_each(|k| a[[row, first + k]] -= 2.0 * along / square * v[k]);
    }
}

/// The first row of the last block that does not fall apart; what is negligible is made zero.
fn first_of_block(a: &mut Array2<f64>, end: usize, norm: f64) -> usize {
    for row in (1..end).rev() {
        let beside = a[[row - 1, row - 1]].abs() + a[[row, row]].abs();
        let beside = if beside == 0.0 { norm } else { beside };
        if a[[row, row - 1]].abs() <= f64::EPSILON * beside {
            a[[row, row - 1]] = 0.0;
            return row;
        }
    }
    0
}

/// The eigenvalues of the block of two at a row.
fn of_pair(a: &Array2<f64>, at: usize) -> [(f64, f64); 2] {
    let (p, q) = (a[[at, at]], a[[at + 1, at + 1]]);
    let middle = (p + q) / 2.0;
    let inside = ((p - q) / 2.0).powi(2) + a[[at, at + 1]] * a[[at + 1, at]];
    let root = inside.abs().sqrt();
    match inside >= 0.0 {
        true => [(middle + root, 0.0), (middle - root, 0.0)],
        false => [(middle, root), (middle, -root)],
    }
}

/// One implicit double shift on rows `start..end`; now and then an exceptional one.
fn double_step(a: &mut Array2<f64>, start: usize, end: usize, exceptional: bool) {
    let (m, n) = (end - 2, end - 1);
    let (sum, product) = match exceptional {
        true => {
            let size = a[[n, n - 1]].abs() + a[[m, m - 1]].abs();
            (1.5 * size, size * size)
        }
        false => (
            a[[m, m]] + a[[n, n]],
            a[[m, m]] * a[[n, n]] - a[[m, n]] * a[[n, m]],
        ),
    };
    let (s, t) = (start, start + 1);
    let mut v = vec![
        a[[s, s]] * a[[s, s]] + a[[s, t]] * a[[t, s]] - sum * a[[s, s]] + product,
        a[[t, s]] * (a[[s, s]] + a[[t, t]] - sum),
        a[[t, s]] * a[[t + 1, t]],
    ];
    for at in start..end - 1 {
        let columns = (at.saturating_sub(1).max(start), end);
        let rows = (start, (at + 4).min(end));
        reflect(a, &mut v, at, columns, rows);
        if at > start {
            (at + 1..(at + 3).min(end)).for_each(|row| a[[row, at - 1]] = 0.0);
        }
        v = (at + 1..(at + 4).min(end))
            .map(|row| a[[row, at]])
            .collect();
        if v.len() < 2 {
            break;
        }
    }
}

/// The largest singular value of `matrix: [m, n]` and its right vector, `[n]`, of length one,
/// by the power iteration from the row of the largest length; zeros of a matrix of zeros.
#[must_use]
pub fn largest_singular(matrix: &Array2<f64>) -> (f64, Array1<f64>) {
    let length = |x: &Array1<f64>| x.dot(x).sqrt();
    let rows = matrix.rows().into_iter().map(|row| row.to_owned());
    let largest = rows.max_by(|a, b| length(a).total_cmp(&length(b)));
    let mut vector = largest.unwrap_or_else(|| Array1::zeros(matrix.ncols()));
    let mut value = 0.0;
    for _ in 0..POWERS {
        let size = length(&vector);
        if size == 0.0 || !size.is_finite() {
            return (0.0, Array1::zeros(matrix.ncols()));
        }
        vector /= size;
        let next = matrix.t().dot(&matrix.dot(&vector));
        let before = value;
        value = length(&next).sqrt();
        vector = next;
        if (value - before).abs() <= 1e-12 * value {
            break;
        }
    }
    let size = length(&vector);
    (value, if size > 0.0 { vector / size } else { vector })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Rng;
    use ndarray::array;

    #[test]
    fn roots_of_a_polynomial() {
        // (x − 1)(x − 2)(x² + 1) = x⁴ − 3x³ + 3x² − 3x + 2.
        let companion = array![
            [3.0, -3.0, 3.0, -2.0],
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0]
        ];
        let mut found = eigenvalues(&companion).unwrap();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let expected = [(0.0, -1.0), (0.0, 1.0), (1.0, 0.0), (2.0, 0.0)];
        for (a, b) in found.iter().zip(expected) {
            assert!(
                (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9,
                "{found:?}"
            );
        }
    }

    /// Sums of powers of the eigenvalues are the traces of the powers of the matrix.
    #[test]
    fn traces_of_random_matrices() {
        let mut rng = Rng::new(5, 0);
        for n in 1..24 {
            let a = Array2::from_shape_simple_fn((n, n), || rng.normal());
            let values = eigenvalues(&a).unwrap();
            assert_eq!(values.len(), n);
            let sum: f64 = values.iter().map(|v| v.0).sum();
            let squares: f64 = values.iter().map(|(re, im)| re * re - im * im).sum();
            assert!((sum - a.diag().sum()).abs() < 1e-8, "{n}");
            assert!((squares - a.dot(&a).diag().sum()).abs() < 1e-6, "{n}");
            assert!(values.iter().map(|v| v.1).sum::<f64>().abs() < 1e-8, "{n}");
        }
    }

    #[test]
    fn a_rank_of_one_has_one_direction() {
        let (value, vector) = largest_singular(&array![[3.0, 4.0], [6.0, 8.0]]);
        assert!((value - 125.0_f64.sqrt()).abs() < 1e-9);
        assert!((vector[0].abs() - 0.6).abs() < 1e-9 && (vector[1].abs() - 0.8).abs() < 1e-9);
        assert_eq!(largest_singular(&Array2::zeros((2, 3))).0, 0.0);
    }
}
