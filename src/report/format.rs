//! Numbers as a person reads them: rounded once, here, when drawn.
//!
//! Every number uses the real minus sign; CSV and JSON do not come through here
//! and keep full precision and the hyphen.

use crate::choice::MetricKind;

/// A number for tables: four significant digits.
#[must_use]
pub fn number(value: f64) -> String {
    significant(value, 4)
}

/// A number for sentences: three significant digits.
#[must_use]
pub fn short(value: f64) -> String {
    significant(value, 3)
}

/// A number that is an argument somewhere, so that giving it back gives the same: all
/// its digits, as they are typed.
#[must_use]
pub fn typed(value: f64) -> String {
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

/// A number that may be absent: an en dash stands for `None`.
#[must_use]
pub fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}

/// `value` with so many significant digits, without trailing zeros.
///
/// From 10⁻⁴ to 10⁶ as a decimal, beyond as `1.2 × 10⁻⁷`.
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "not a number".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let scientific = format!("{:.*e}", digits.saturating_sub(1), value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 {
        "0".to_owned()
    } else if (-4..6).contains(&exponent) {
        decimal(value, digits, exponent)
    } else {
        let mantissa = trimmed(mantissa).replace('-', "−");
        format!("{mantissa} × 10{}", superscript(exponent))
    }
}

fn decimal(value: f64, digits: usize, exponent: i32) -> String {
    let places = i32::try_from(digits).unwrap_or(4) - 1 - exponent;
    let places = usize::try_from(places).unwrap_or(0);
    let plain = format!("{value:.places$}");
    let (sign, size) = match plain.strip_prefix('-') {
        Some(size) => ("−", size),
        None => ("", plain.as_str()),
    };
    format!("{sign}{}", grouped(trimmed(size)))
}

fn trimmed(plain: &str) -> &str {
    if plain.contains('.') {
        plain.trim_end_matches('0').trim_end_matches('.')
    } else {
        plain
    }
}

/// Commas between thousands, from five digits on.
fn grouped(plain: &str) -> String {
    let (whole, rest) = plain
        .split_once('.')
        .map_or((plain, String::new()), |(whole, part)| {
            (whole, format!(".{part}"))
        });
    if whole.len() < 5 {
        return format!("{whole}{rest}");
    }
    let mut out = String::new();
    for (k, digit) in whole.chars().enumerate() {
        if k > 0 && (whole.len() - k).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + &rest
}

/// An integer in superscript digits: `⁻³`.
#[must_use]
pub fn superscript(value: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |c: char| match c.to_digit(10) {
        Some(digit) => DIGITS.get(digit as usize).copied().unwrap_or(c),
        None => '⁻',
    };
    value.to_string().chars().map(raise).collect()
}

/// A count, with commas between thousands from 10,000 on.
#[must_use]
pub fn count(value: usize) -> String {
    grouped(&value.to_string())
}

/// A count in words up to twelve: `three`, `17`.
#[must_use]
pub fn count_words(value: usize) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    WORDS
        .get(value)
        .map_or_else(|| count(value), |word| (*word).to_owned())
}

/// A probability that is never printed as 0: `p = 0.0099`, `p < 0.0001`.
#[must_use]
pub fn p_value(p: f64) -> String {
    if p < 1e-4 {
        "p < 0.0001".to_owned()
    } else {
        format!("p = {}", significant(p, 2))
    }
}

/// A permutation test's p, told as a bound where it is the least that so many draws can
/// show: `p = 0.03`, `p ≤ 0.0099`.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "numbers of draws are small")]
pub fn p_of_draws(p: f64, draws: usize) -> String {
    let floor = 1.0 / (draws as f64 + 1.0);
    match p <= floor * (1.0 + 1e-9) {
        true => p_value(p).replacen("p =", "p ≤", 1),
        false => p_value(p),
    }
}

/// A value of a metric: accuracies as percentages.
#[must_use]
pub fn measured(metric: MetricKind, value: f64) -> String {
    match metric {
        MetricKind::Accuracy => percent(value),
        MetricKind::LogitDiff
        | MetricKind::ProbDiff
        | MetricKind::Kl
        | MetricKind::CrossEntropy
        | MetricKind::Mse
        | MetricKind::Output => short(value),
    }
}

/// A fraction as a percentage: `95.4 %`; never rounded up to 100 or down to 0.
#[must_use]
pub fn percent(fraction: f64) -> String {
    let hundredths = fraction * 100.0;
    let text = if fraction < 1.0 && hundredths >= 99.95 {
        "over 99.9".to_owned()
    } else if fraction > 0.0 && hundredths < 0.05 {
        "under 0.1".to_owned()
    } else {
        trimmed(&format!("{hundredths:.1}")).replace('-', "−")
    };
    format!("{text} %")
}

/// How many times as large: `8 times`, `1.2 times`.
#[must_use]
pub fn times(ratio: f64) -> String {
    let digits = if ratio < 10.0 { 2 } else { 3 };
    format!("{} times", significant(ratio, digits))
}

/// A duration: `12 ms`, `3.4 s`.
#[must_use]
pub fn seconds(value: f64) -> String {
    if value < 1.0 {
        format!("{} ms", significant(value * 1e3, 3))
    } else {
        format!("{} s", significant(value, 3))
    }
}

/// A size in memory: `61.2 MiB`.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(value: u64) -> String {
    format!("{} MiB", significant(value as f64 / 1_048_576.0, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_significant_and_zeros_are_trimmed() {
        let cases = [
            (0.001_509_0, 2, "0.0015"),
            (0.01, 2, "0.01"),
            (-3.239_654, 4, "−3.24"),
            (0.099_99, 2, "0.1"),
            (12_345.6, 4, "12,346"),
            (1234.5, 4, "1234"),
            (1.2e-7, 3, "1.2 × 10⁻⁷"),
            (-2.5e9, 3, "−2.5 × 10⁹"),
            (0.0, 3, "0"),
            (f64::NAN, 3, "not a number"),
            (f64::NEG_INFINITY, 3, "−∞"),
        ];
        for (value, digits, expect) in cases {
            assert_eq!(significant(value, digits), expect);
        }
    }

    #[test]
    fn a_p_value_is_never_zero() {
        assert_eq!(p_value(0.0), "p < 0.0001");
        assert_eq!(p_value(0.009_901), "p = 0.0099");
    }

    #[test]
    fn the_least_p_of_so_many_draws_is_a_bound() {
        assert_eq!(p_of_draws(1.0 / 101.0, 100), "p ≤ 0.0099");
        assert_eq!(p_of_draws(2.0 / 101.0, 100), "p = 0.02");
    }

    #[test]
    fn what_is_typed_has_all_its_digits() {
        for value in [0.002_686_6, 0.0, 12.5, 3e-7, 1.0 / 3.0] {
            assert_eq!(typed(value).parse::<f64>(), Ok(value));
        }
        assert_eq!(
            (typed(0.0027).as_str(), typed(3e-7).as_str()),
            ("0.0027", "3e-7")
        );
    }

    #[test]
    fn percentages_do_not_round_to_the_ends() {
        assert_eq!(percent(0.999_97), "over 99.9 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.0001), "under 0.1 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.954), "95.4 %");
    }

    #[test]
    fn counts_read_as_words_and_with_commas() {
        assert_eq!(count_words(3), "three");
        assert_eq!(count_words(13), "13");
        assert_eq!(count(17_400), "17,400");
        assert_eq!(count(9999), "9999");
    }
}
