//! The best one-to-one assignment (Kuhn 1955, Munkres 1957), in cubic time.
//!
//! Shortest augmenting paths with potentials; forty lines of our own, since it
//! is all that is needed of a crate.

use ndarray::ArrayView2;

/// For each row of `score: [rows, columns]`, rows ≤ columns, the column it is
/// given, no column twice, so that the scores add up to the most. Scores that
/// are no numbers count as 0.
///
/// ```
/// use modscope::numeric::assign;
/// use ndarray::array;
/// // Greedy would take the 9 and be left with 1: 8 + 7 is more.
/// assert_eq!(assign(array![[9.0, 8.0], [7.0, 1.0]].view()), [1, 0]);
/// ```
#[must_use]
pub fn assign(score: ArrayView2<'_, f64>) -> Vec<usize> {
    let (rows, columns) = score.dim();
    let cost = |row: usize, column: usize| {
        let score = score[[row, column]];
        if score.is_finite() { -score } else { 0.0 }
    };
    // Row and column 0 stand for none; real ones count from 1.
    let (mut u, mut v) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    let mut row_of = vec![0_usize; columns + 1];
    for row in 1..=rows.min(columns) {
        row_of[0] = row;
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut came_from = vec![0_usize; columns + 1];
        let mut used = vec![false; columns + 1];
        let mut column = 0;
        while row_of[column] != 0 {
            used[column] = true;
            let (at, mut step, mut next) = (row_of[column], f64::INFINITY, 0);
            for c in 1..=columns {
                if used[c] {
                    continue;
                }
                let reduced = cost(at - 1, c - 1) - u[at] - v[c];
                if reduced < least[c] {
                    (least[c], came_from[c]) = (reduced, column);
                }
                if least[c] < step {
                    (step, next) = (least[c], c);
                }
            }
            for c in 0..=columns {
                if used[c] {
                    u[row_of[c]] += step;
                    v[c] -= step;
                } else {
                    least[c] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[came_from[column]];
            column = came_from[column];
        }
    }
    let mut column_of = vec![0; rows];
    for (column, row) in row_of.iter().enumerate().skip(1) {
        if *row > 0 {
            column_of[row - 1] = column - 1;
        }
    }
    column_of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Rng;
    use ndarray::Array2;

    fn total(score: &Array2<f64>, columns: &[usize]) -> f64 {
        columns
            .iter()
            .enumerate()
            .map(|(r, c)| score[[r, *c]])
            .sum()
    }

    /// The best sum over all ways, tried one by one.
    fn best(score: &Array2<f64>, row: usize, taken: &mut Vec<bool>) -> f64 {
        if row == score.nrows() {
            return 0.0;
        }
        let mut most = f64::NEG_INFINITY;
        for column in 0..score.ncols() {
            if !taken[column] {
                taken[column] = true;
                most = most.max(score[[row, column]] + best(score, row + 1, taken));
                taken[column] = false;
            }
        }
        most
    }

    #[test]
    fn it_is_as_good_as_trying_everything() {
        for seed in 0..100 {
            let mut rng = Rng::new(seed, 0);
            let (rows, columns) = (1 + rng.below(5), 5 + rng.below(3));
            // Whole numbers, so that there are ties.
            let score = Array2::from_shape_fn((rows, columns), |_| rng.below(7) as f64 - 3.0);
            let columns_given = assign(score.view());
            let mut distinct = columns_given.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), rows);
            let expected = best(&score, 0, &mut vec![false; columns]);
            assert_eq!(total(&score, &columns_given), expected, "{score}");
        }
    }

    #[test]
    fn a_hidden_order_is_found() {
        let order = Rng::new(4, 0).permutation(60);
        let score = Array2::from_shape_fn((60, 60), |(r, c)| f64::from(u8::from(order[r] == c)));
        assert_eq!(assign(score.view()), order);
    }

    #[test]
    fn nothing_is_assigned_to_nothing() {
        assert!(assign(Array2::zeros((0, 0)).view()).is_empty());
    }
}
