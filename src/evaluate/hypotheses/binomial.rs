//! Binomial tails, and Holm's correction.

/// P(K ≥ k) for K ~ Binomial(n, p), 0 < p < 1.
///
/// ```
/// use modscope::evaluate::hypotheses::upper_tail;
/// // Nine or ten heads of ten: (10 + 1) / 1024.
/// assert!((upper_tail(10, 9, 0.5) - 11.0 / 1024.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn upper_tail(n: usize, k: usize, p: f64) -> f64 {
    let mass = masses(n, p);
    mass.iter().skip(k).sum::<f64>().min(1.0)
}

/// P(K = k) for every k in 0..=n, K ~ Binomial(n, p).
pub(super) fn masses(n: usize, p: f64) -> Vec<f64> {
    let (win, lose) = (p.ln(), (1.0 - p).ln());
    let mut choose = 0.0_f64;
    (0..=n)
        .map(|k| {
            if k > 0 {
                choose += ((n - k + 1) as f64).ln() - (k as f64).ln();
            }
            libm::exp(choose + k as f64 * win + (n - k) as f64 * lose)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_add_up_to_one() {
        for (n, p) in [(1, 0.3), (10, 0.5), (400, 0.6)] {
            assert!((masses(n, p).iter().sum::<f64>() - 1.0).abs() < 1e-10);
        }
        assert!((upper_tail(5, 0, 0.9) - 1.0).abs() < 1e-12);
        assert_eq!(upper_tail(5, 6, 0.9), 0.0);
    }
}
