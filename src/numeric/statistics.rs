//! Means, spreads, quantiles and bootstrap intervals, in f64.

use super::Rng;

/// Arithmetic mean; 0 for no values.
#[must_use]
pub fn mean(xs: &[f64]) -> f64 {
    if xs.is_empty() {
        return 0.0;
    }
    xs.iter().sum::<f64>() / xs.len() as f64
}

/// Standard deviation with divisor n (of the population); 0 for no values.
#[must_use]
pub fn population_sd(xs: &[f64]) -> f64 {
    let centre = mean(xs);
    let squares: Vec<f64> = xs.iter().map(|x| (x - centre).powi(2)).collect();
    mean(&squares).sqrt()
}

/// Standard deviation with divisor n - 1 (of a sample); 0 for fewer than two values.
#[must_use]
pub fn sample_sd(xs: &[f64]) -> f64 {
    if xs.len() < 2 {
        return 0.0;
    }
    let n = xs.len() as f64;
    population_sd(xs) * (n / (n - 1.0)).sqrt()
}

/// The `q`-quantile of sorted values, interpolated linearly; `None` for no values.
///
/// ```
/// use modscope::numeric::statistics::quantile;
/// assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
/// ```
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    let share = place - below as f64;
    Some(sorted[below] * (1.0 - share) + sorted[above] * share)
}

/// 95 % percentile bootstrap interval of a statistic of `n` samples.
///
/// `statistic` gets the indices of one resample and may decline (`None`) where
/// it is undefined; such resamples are left out.
pub fn bootstrap_interval(
    n: usize,
    resamples: usize,
    seed: u64,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Option<[f64; 2]> {
    if n == 0 {
        return None;
    }
    let mut rng = Rng::new(seed, 0);
    let mut rows = vec![0; n];
    let mut draws: Vec<f64> = (0..resamples)
        .filter_map(|_| {
            rows.fill_with(|| rng.below(n));
            statistic(&rows).filter(|x| x.is_finite())
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    Some([quantile(&draws, 0.025)?, quantile(&draws, 0.975)?])
}

/// 95 % interval of a ratio of means Σa / Σb over samples, by the studentised
/// bootstrap: resamples of (ratio − estimate) / standard error, the error by the
/// delta method. Source: Davison and Hinkley (1997), sections 2.4 and 5.2.
///
/// `None` for fewer than two samples, and where Σb is 0.
///
/// ```
/// use modscope::numeric::statistics::ratio_interval;
/// // Every sample gives the same ratio: nothing is uncertain.
/// assert_eq!(ratio_interval(&[1.0, 2.0, 4.0], &[2.0, 4.0, 8.0], 99, 1), Some([0.5, 0.5]));
/// ```
#[must_use]
pub fn ratio_interval(a: &[f64], b: &[f64], resamples: usize, seed: u64) -> Option<[f64; 2]> {
    let n = a.len().min(b.len());
    let ratio = mean(a) / mean(b);
    if n < 2 || !ratio.is_finite() {
        return None;
    }
    let residuals: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - ratio * b).collect();
    let (_, error) = off_ratio(&residuals, b, 0..n);
    if error == 0.0 {
        return Some([ratio; 2]);
    }
    let mut rng = Rng::new(seed, 0);
    let mut draws: Vec<f64> = (0..resamples)
        .map(|_| {
            let (shift, error) = off_ratio(&residuals, b, (0..n).map(|_| rng.below(n)));
            shift / error
        })
        .filter(|t| t.is_finite())
        .collect();
    draws.sort_by(f64::total_cmp);
    let end = |q| Some(ratio - quantile(&draws, q)? * error);
    Some([end(0.975)?, end(0.025)?])
}

/// How far the ratio of the rows lies from the one that gave the residuals
/// a − ratio·b, and its standard error.
fn off_ratio(residuals: &[f64], b: &[f64], rows: impl Iterator<Item = usize>) -> (f64, f64) {
    let (mut n, mut r, mut y, mut rr, mut ry, mut yy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for row in rows {
        let (x, z) = (residuals[row], b[row]);
        n += 1.0;
        r += x;
        y += z;
        rr += x * x;
        ry += x * z;
        yy += z * z;
    }
    let shift = r / y;
    let squares: f64 = rr - 2.0 * shift * ry + shift * shift * yy;
    let error = (squares.max(0.0) * n / (n - 1.0)).sqrt() / y.abs();
    (shift, error)
}

/// Holm's adjusted p-values of one family of tests, in the order they came.
///
/// The k-th smallest of m is multiplied by m − k + 1, kept from falling and from
/// passing 1: rejecting what is at most α keeps the chance of any false rejection
/// at α. Source: Holm (1979).
///
/// ```
/// use modscope::numeric::statistics::holm;
/// assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
/// ```
#[must_use]
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut adjusted = vec![0.0; ps.len()];
    let mut least = 0.0_f64;
    for (rank, test) in order.into_iter().enumerate() {
        least = least.max(ps[test] * (ps.len() - rank) as f64).min(1.0);
        adjusted[test] = least;
    }
    adjusted
}

/// The standard normal quantile: x with a share `p` of the distribution below it.
///
/// `p` lies strictly between 0 and 1. Source: Winitzki's approximation of the inverse error
/// function, then Newton's method on libm's `erfc`, to a few units of rounding.
///
/// ```
/// use modscope::numeric::statistics::normal_quantile;
/// assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
/// ```
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    // By the tail, so that small shares keep their digits.
    let tail = p.min(1.0 - p);
    let logarithm = (4.0 * tail * (1.0 - tail)).ln();
    let half = 2.0 / (std::f64::consts::PI * 0.147) + 0.5 * logarithm;
    let root = (half * half - logarithm / 0.147).sqrt();
    let mut x = -((root - half).max(0.0) * 2.0).sqrt();
    for _ in 0..4 {
        let below = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
        let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        if density > 0.0 {
            x -= (below - tail) / density;
        }
    }
    if p > 0.5 { -x } else { x }
}

/// Upper tail P(X ≥ `both`) of the hypergeometric distribution: of `all` things `one`
/// are marked, `other` are drawn without looking, and X of them are marked.
///
/// ```
/// use modscope::numeric::statistics::hypergeometric_tail;
/// // Both marked ones of four among two drawn: 1 of 6 draws.
/// assert!((hypergeometric_tail(2, 2, 2, 4) - 1.0 / 6.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn hypergeometric_tail(both: usize, one: usize, other: usize, all: usize) -> f64 {
    let ln_choose = |n: usize, k: usize| {
        let ln_factorial = |m: usize| libm::lgamma(m as f64 + 1.0);
        ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
    };
    let possible = both.max((one + other).saturating_sub(all))..=one.min(other);
    let term =
        |k| (ln_choose(one, k) + ln_choose(all - one, other - k) - ln_choose(all, other)).exp();
    possible.map(term).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_hypergeometric_distribution_sums_to_one() {
        assert!((hypergeometric_tail(0, 5, 7, 20) - 1.0).abs() < 1e-12);
        assert!((hypergeometric_tail(0, 15, 17, 20) - 1.0).abs() < 1e-12);
        assert_eq!(hypergeometric_tail(6, 5, 7, 20), 0.0);
    }

    #[test]
    fn adjusted_values_do_not_fall_or_pass_one() {
        assert_eq!(holm(&[0.5, 0.6, 0.2]), [1.0, 1.0, 0.6000000000000001]);
        assert!(holm(&[]).is_empty());
        assert_eq!(holm(&[0.001, 0.02, 0.02, 0.5]), [0.004, 0.06, 0.06, 0.5]);
    }

    #[test]
    fn spreads_worked_out_by_hand() {
        let xs = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&xs), 5.0);
        assert_eq!(population_sd(&xs), 2.0);
        assert!((sample_sd(&xs) - 2.138_089_935_299_395).abs() < 1e-12);
        assert_eq!(sample_sd(&[1.0]), 0.0);
    }

    #[test]
    fn the_bootstrap_interval_of_a_mean_is_near_two_standard_errors() {
        let mut rng = Rng::new(5, 0);
        let xs: Vec<f64> = (0..400).map(|_| rng.normal()).collect();
        let of_rows =
            |rows: &[usize]| Some(rows.iter().map(|r| xs[*r]).sum::<f64>() / rows.len() as f64);
        let [lo, hi] = bootstrap_interval(400, 1000, 1, of_rows).unwrap();
        assert!((hi - lo - 4.0 * 0.98 * 0.05).abs() < 0.03, "[{lo}, {hi}]");
        assert!(lo < mean(&xs) && mean(&xs) < hi);
    }
}
