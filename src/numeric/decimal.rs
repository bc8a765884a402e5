//! The shortest decimal that stands for a number.

/// The decimal of the fewest digits in (`above`, `most`], of these the largest: what is
/// printed of a threshold, so that giving it back selects the same. `most` where none
/// is shorter; both are finite and not negative.
///
/// ```
/// use modscope::numeric::shortest_decimal;
/// assert_eq!(shortest_decimal(0.002_681, 0.002_686_6), 0.002_686);
/// assert_eq!(shortest_decimal(0.0019, 0.002_686_6), 0.002);
/// ```
#[must_use]
pub fn shortest_decimal(above: f64, most: f64) -> f64 {
    /// Digits that tell every f64 apart.
    const MOST_DIGITS: usize = 17;
    let inside = |x: &f64| *x > above && *x <= most;
    (1..=MOST_DIGITS)
        .filter_map(|digits| rounded_down(most, digits).filter(inside))
        .next()
        .unwrap_or(most)
}

/// The largest decimal of so many significant digits that is not above a positive number.
fn rounded_down(x: f64, digits: usize) -> Option<f64> {
    let text = format!("{x:.*e}", digits - 1);
    let (mantissa, exponent) = text.split_once('e')?;
    let whole: u64 = mantissa.replace('.', "").parse().ok()?;
    let exponent: i64 = exponent.parse::<i64>().ok()? - (digits as i64 - 1);
    let number = |whole: u64| format!("{whole}e{exponent}").parse::<f64>().ok();
    match number(whole)? {
        near if near <= x => Some(near),
        _ => number(whole.checked_sub(1)?),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_worked_out_by_hand() {
        assert_eq!(shortest_decimal(0.0, 0.5), 0.5);
        assert_eq!(shortest_decimal(0.4, 0.5), 0.5);
        assert_eq!(shortest_decimal(1.234_4, 1.234_56), 1.234_5);
        assert_eq!(shortest_decimal(9.0, 0.1 + 0.2), 0.1 + 0.2);
        assert_eq!(shortest_decimal(0.0, 0.0), 0.0);
    }

    proptest! {
        #[test]
        fn it_lies_between_and_prints_as_itself(a in 1e-12_f64..1e6, b in 1e-12_f64..1e6) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assume!(low < high);
            let found = shortest_decimal(low, high);
            prop_assert!(low < found && found <= high);
            prop_assert_eq!(format!("{found}").parse::<f64>().unwrap(), found);
        }
    }
}
