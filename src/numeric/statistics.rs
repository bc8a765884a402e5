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

/// 95 % interval of a ratio of means Σa / Σb over samples: the jackknife's standard error
/// times Student's t.
///
/// Where few samples carry most of the error, the error itself is hardly known: t has as
/// many degrees of freedom as the samples' influences u support, 2(Σu²)² / (Σu⁴ − (Σu²)²/n),
/// at least 1 and at most n − 1. Sources: Efron and Tibshirani (1993), chapter 11; the
/// degrees of freedom are those of Satterthwaite (1946) for a mean of squares.
///
/// `None` for fewer than two samples, and where Σb is 0 or is one sample's alone.
///
/// ```
/// use modscope::numeric::statistics::ratio_interval;
/// // Every sample gives the same ratio: nothing is uncertain.
/// assert_eq!(ratio_interval(&[1.0, 2.0, 4.0], &[2.0, 4.0, 8.0]), Some([0.5, 0.5]));
/// // A mean of 2 with a standard error of 1/√3, and t = 4.303 of 2 degrees of freedom.
/// let [low, high] = ratio_interval(&[1.0, 2.0, 3.0], &[1.0; 3]).unwrap();
/// assert!((low + 0.484).abs() < 1e-3 && (high - 4.484).abs() < 1e-3);
/// ```
#[must_use]
pub fn ratio_interval(a: &[f64], b: &[f64]) -> Option<[f64; 2]> {
    let n = a.len().min(b.len());
    if n < 2 {
        return None;
    }
    let (sum_a, sum_b) = (a.iter().sum::<f64>(), b.iter().sum::<f64>());
    let ratio = sum_a / sum_b;
    let without = a.iter().zip(b).map(|(a, b)| (sum_a - a) / (sum_b - b));
    let without: Vec<f64> = without.collect();
    let centre = mean(&without);
    if !ratio.is_finite() || !centre.is_finite() {
        return None;
    }
    let squares = without.iter().map(|one| (one - centre).powi(2));
    let (second, fourth) = squares.fold((0.0, 0.0), |(s, f), u| (s + u, f + u * u));
    // Sums in another order differ by so much where every sample gives the same ratio.
    if second.sqrt() <= ratio.abs() * f64::EPSILON * n as f64 {
        return Some([ratio; 2]);
    }
    let samples = n as f64;
    let error = ((samples - 1.0) / samples * second).sqrt();
    let freedom = 2.0 * second * second / (fourth - second * second / samples).max(0.0);
    let reach = student_quantile(0.975, freedom.clamp(1.0, samples - 1.0)) * error;
    Some([ratio - reach, ratio + reach])
}

/// The quantile of Student's t: x with a share `p` of the distribution below it.
///
/// `p` lies strictly between 0 and 1; `freedom` is at least 1 and need not be whole. By
/// bisection of the distribution function, an incomplete beta function.
///
/// ```
/// use modscope::numeric::statistics::student_quantile;
/// assert!((student_quantile(0.975, 9.0) - 2.262_157_163).abs() < 1e-8);
/// ```
#[must_use]
pub fn student_quantile(p: f64, freedom: f64) -> f64 {
    let above = |x: f64| 0.5 * incomplete_beta(0.5 * freedom, 0.5, freedom / (freedom + x * x));
    let tail = p.min(1.0 - p);
    let (mut low, mut high) = (0.0, 1.0);
    while above(high) > tail {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        match above(middle) > tail {
            true => low = middle,
            false => high = middle,
        }
    }
    if p < 0.5 { -high } else { high }
}

/// The chance that a number of the beta distribution of `a` and `b` is above `x`; 1 where a
/// parameter is not positive, of which there is no such distribution.
///
/// ```
/// use modscope::numeric::statistics::beta_above;
/// // Of a = b = 1, the uniform distribution, and of a = 2, b = 1: 1 - x².
/// assert!((beta_above(0.25, 1.0, 1.0) - 0.75).abs() < 1e-12);
/// assert!((beta_above(0.5, 2.0, 1.0) - 0.75).abs() < 1e-12);
/// ```
#[must_use]
pub fn beta_above(x: f64, a: f64, b: f64) -> f64 {
    match a > 0.0 && b > 0.0 {
        true => incomplete_beta(b, a, 1.0 - x.clamp(0.0, 1.0)),
        false => 1.0,
    }
}

/// The regularised incomplete beta function I_x(a, b), by its continued fraction.
/// Source: Press et al. (2007), section 6.4.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    const TERMS: u32 = 300;
    const TINY: f64 = 1e-300;
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    if x <= 0.0 {
        return 0.0;
    }
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut fraction = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut d) = (1.0, fraction);
    for m in 1..=TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for step in [even, odd] {
            d = 1.0 / away(1.0 + step * d);
            c = away(1.0 + step / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() <= f64::EPSILON * fraction.abs() {
            break;
        }
    }
    let front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    (front + a * x.ln() + b * (-x).ln_1p()).exp() * fraction / a
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

    /// Quantiles as tables of Student's t have them.
    #[test]
    fn quantiles_of_student() {
        for (p, freedom, expected) in [
            (0.975, 1.0, 12.706_204_736),
            (0.975, 2.0, 4.302_652_730),
            (0.95, 5.0, 2.015_048_373),
            (0.025, 30.0, -2.042_272_456),
            (0.975, 1e6, 1.959_966_357),
        ] {
            let found = student_quantile(p, freedom);
            assert!((found - expected).abs() < 1e-7, "{p}, {freedom}: {found}");
        }
        assert!(student_quantile(0.975, 1.5) > student_quantile(0.975, 1.6));
    }

    /// One sample of ten carries the whole error: it has hardly one degree of freedom.
    #[test]
    fn an_error_of_one_sample_makes_a_wide_interval() {
        let even = [1.1, 0.9, 1.1, 0.9, 1.1, 0.9, 1.1, 0.9, 1.1, 0.9];
        let [low, high] = ratio_interval(&even, &[1.0; 10]).unwrap();
        // s = 0.1/3, t = 2.262 of 9 degrees of freedom.
        assert!((high - low - 2.0 * 2.262_157 / 30.0).abs() < 1e-6);
        let mut one = [1.0; 10];
        one[3] = 2.0;
        let [low, high] = ratio_interval(&one, &[1.0; 10]).unwrap();
        // s = 0.1, and 2 · 0.81/(0.6642 − 0.081) = 2.47 degrees of freedom.
        assert!(
            (high - low) / 0.2 > student_quantile(0.975, 3.0),
            "[{low}, {high}]"
        );
        assert_eq!(ratio_interval(&[1.0, 1.0], &[1.0, -1.0]), None);
        assert_eq!(ratio_interval(&[1.0], &[1.0]), None);
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
