//! Does what is left without the circuit still know what the network does?
//!
//! Source: Gretton et al. (2007), "A kernel statistical test of independence":
//! the Hilbert–Schmidt independence criterion with Gaussian kernels, here with
//! widths from the median distance and p-values from permutations.

use ndarray::Array2;

use crate::numeric::{Rng, statistics};

/// Permutations of the samples.
const PERMUTATIONS: usize = 199;

/// At most so many samples are used, the first ones: the work grows with their square.
const MOST_SAMPLES: usize = 200;

/// The criterion and its test.
#[derive(Debug, Clone, PartialEq)]
pub struct Independence {
    /// HSIC ≥ 0; 0 means independent (for samples without end).
    pub statistic: f64,
    /// (r + 1) / (n + 1) over permutations; a small p speaks against independence.
    pub p: f64,
    /// Samples used.
    pub samples: usize,
}

/// Tests whether two scores of the same samples are independent.
#[must_use]
pub fn independence(left: &[f64], full: &[f64], rng: &mut Rng) -> Independence {
    let samples = left.len().min(full.len()).min(MOST_SAMPLES);
    let (k, l) = (centred(&left[..samples]), centred(&full[..samples]));
    let in_order: Vec<usize> = (0..samples).collect();
    let statistic = criterion(&k, &l, &in_order);
    // What is rounding of the same number does not count as larger.
    let bar = statistic * (1.0 - 1e-9);
    let at_least = (0..PERMUTATIONS)
        .filter(|_| criterion(&k, &l, &rng.permutation(samples)) >= bar)
        .count();
    Independence {
        statistic,
        p: (at_least + 1) as f64 / (PERMUTATIONS + 1) as f64,
        samples,
    }
}

/// HSIC = tr(K H L H) / n² of two scores of the same samples.
#[must_use]
pub fn hsic(one: &[f64], other: &[f64]) -> f64 {
    let in_order: Vec<usize> = (0..one.len()).collect();
    criterion(&centred(one), &centred(other), &in_order)
}

fn criterion(k: &Array2<f64>, l: &Array2<f64>, order: &[usize]) -> f64 {
    let n = order.len();
    let mut sum = 0.0;
    for (i, row) in order.iter().enumerate() {
        for (j, column) in order.iter().enumerate() {
            sum += k[[i, j]] * l[[*row, *column]];
        }
    }
    sum / (n * n).max(1) as f64
}

/// The centred Gaussian kernel matrix H K H of scores, `[samples, samples]`.
fn centred(scores: &[f64]) -> Array2<f64> {
    let n = scores.len();
    let mut distances: Vec<f64> = (0..n)
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| (scores[i] - scores[j]).abs())
        .filter(|d| *d > 0.0)
        .collect();
    distances.sort_by(f64::total_cmp);
    let width = statistics::quantile(&distances, 0.5).unwrap_or(1.0);
    let kernel = |(i, j): (usize, usize)| {
        let d = (scores[i] - scores[j]) / width;
        libm::exp(-d * d / 2.0)
    };
    let matrix = Array2::from_shape_fn((n, n), kernel);
    let rows: Vec<f64> = matrix
        .rows()
        .into_iter()
        .map(|row| row.sum() / n as f64)
        .collect();
    let all = statistics::mean(&rows);
    Array2::from_shape_fn((n, n), |(i, j)| matrix[[i, j]] - rows[i] - rows[j] + all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, n: usize) -> Vec<f64> {
        let mut rng = Rng::new(seed, 0);
        (0..n).map(|_| rng.normal()).collect()
    }

    #[test]
    fn a_constant_is_independent_of_everything() {
        let found = independence(&[2.0; 30], &draws(1, 30), &mut Rng::new(0, 0));
        assert!(found.statistic.abs() < 1e-15);
        assert_eq!(found.p, 1.0);
    }

    #[test]
    fn a_relation_without_correlation_is_seen() {
        let x = draws(2, 100);
        let y: Vec<f64> = x.iter().map(|x| x * x).collect();
        assert_eq!(independence(&y, &x, &mut Rng::new(0, 0)).p, 1.0 / 200.0);
    }

    #[test]
    fn independent_scores_are_rejected_as_often_as_the_level_says() {
        let rejected = (0..200)
            .filter(|seed| {
                let (x, y) = (draws(2 * seed, 25), draws(2 * seed + 1, 25));
                independence(&x, &y, &mut Rng::new(*seed, 5)).p <= 0.05
            })
            .count();
        // Binomial(200, 0.05): 10 ± 3.1; three standard deviations.
        assert!((1..=19).contains(&rejected), "{rejected} of 200");
    }
}
