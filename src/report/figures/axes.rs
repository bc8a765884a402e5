//! A small chart frame: linear and logarithmic axes with ticks that people would choose.

use crate::report::figures::canvas::{Figure, line, text, turned};
use crate::report::format::{number, superscript};

/// How values become places along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps are equal differences.
    Linear,
    /// Equal steps are equal ratios; values must be positive.
    Log,
}

/// One axis: its scale, range and what it measures.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    label: String,
    /// Whether only whole numbers are marked.
    whole: bool,
}

impl Axis {
    /// A linear axis that holds all finite values, with the given ones, and a little room.
    #[must_use]
    pub fn linear(values: impl IntoIterator<Item = f64>, label: &str) -> Self {
        let (low, high) = range(values.into_iter().filter(|v| v.is_finite())).unwrap_or((0.0, 1.0));
        let room = if high > low {
            0.04 * (high - low)
        } else {
            0.5 * high.abs().max(1.0)
        };
        Self::new(Scale::Linear, low - room, high + room, label)
    }

    /// A linear axis from zero to the largest of the values.
    #[must_use]
    pub fn from_zero(values: impl IntoIterator<Item = f64>, label: &str) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let high = finite.fold(0.0, f64::max);
        let high = if high > 0.0 { high * 1.06 } else { 1.0 };
        Self::new(Scale::Linear, 0.0, high, label)
    }

    /// A linear axis for counts: from zero, with marks at whole numbers.
    #[must_use]
    pub fn counts(values: impl IntoIterator<Item = f64>, label: &str) -> Self {
        Self {
            whole: true,
            ..Self::from_zero(values, label)
        }
    }

    /// A logarithmic axis that holds all positive finite values.
    #[must_use]
    pub fn log(values: impl IntoIterator<Item = f64>, label: &str) -> Self {
        let positive = values.into_iter().filter(|v| v.is_finite() && *v > 0.0);
        let (low, high) = range(positive).unwrap_or((0.1, 10.0));
        // In logarithms: the ratio of two floats can be larger than any float.
        let room = (0.03 * (high.ln() - low.ln())).exp().max(1.15);
        Self::new(Scale::Log, low / room, high * room, label)
    }

    /// An axis over a given range; ends beyond what can be drawn are drawn in.
    #[must_use]
    pub fn new(scale: Scale, low: f64, high: f64, label: &str) -> Self {
        let within = |end: f64| match scale {
            Scale::Linear => end.clamp(-FARTHEST, FARTHEST),
            Scale::Log => end.clamp(f64::MIN_POSITIVE, FARTHEST),
        };
        Self {
            scale,
            low: within(low),
            high: within(high),
            label: label.to_owned(),
            whole: false,
        }
    }

    /// Where a value lies between 0 (low end) and 1 (high end); clamped to the axis.
    #[must_use]
    pub fn fraction(&self, value: f64) -> f64 {
        let place = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log if value <= 0.0 => 0.0,
            Scale::Log => (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln()),
        };
        if place.is_finite() {
            place.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// Values to mark, at most about `most` of them.
    #[must_use]
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        let mut ticks = match self.scale {
            Scale::Linear => linear_ticks(self.low, self.high, most),
            Scale::Log => log_ticks(self.low, self.high, most),
        };
        ticks.retain(|tick| !self.whole || tick.fract() == 0.0);
        ticks
    }

    fn tick_label(&self, value: f64) -> String {
        let exponent = value.abs().log10();
        let is_decade = (exponent - exponent.round()).abs() < 1e-9;
        if self.scale == Scale::Log && is_decade && exponent.abs() > 3.5 {
            #[allow(clippy::cast_possible_truncation, reason = "exponents are below 400")]
            let power = exponent.round() as i32;
            return format!("10{}", superscript(power));
        }
        number(value)
    }
}

/// The largest end of an axis: the length of every axis is a float.
const FARTHEST: f64 = f64::MAX / 4.0;

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |seen, v| match seen {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    #[allow(clippy::cast_precision_loss, reason = "a handful of ticks")]
    let rough = (high - low) / most.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let magnitude = 10f64.powf(rough.log10().floor());
    let wanted = rough / magnitude;
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|f| *f >= wanted - 1e-9);
    let step = magnitude * factor.unwrap_or(10.0);
    let first = (low / step - 1e-9).ceil();
    let steps =
        (0..=2 * most + 2).map(|k| (first + f64::from(u32::try_from(k).unwrap_or(0))) * step);
    steps
        .take_while(|v| *v <= high + step * 1e-9)
        .map(|v| tidy(v, step))
        .collect()
}

/// Removes the dust of adding steps: what is far below a step is zero.
fn tidy(value: f64, step: f64) -> f64 {
    if value.abs() < step * 1e-6 {
        0.0
    } else {
        value
    }
}

/// Decades, thinned where there are many, with 2 and 5 between where there are few.
#[allow(clippy::cast_possible_truncation, reason = "exponents are below 400")]
fn log_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let inside = |v: &f64| *v >= low * (1.0 - 1e-9) && *v <= high * (1.0 + 1e-9);
    let all: Vec<f64> = (first..=last)
        .flat_map(|e| [1.0, 2.0, 5.0].map(|f| f * 10f64.powi(e)))
        .filter(inside)
        .collect();
    if all.len() <= most {
        return all;
    }
    debug_assert!(first >= -400 && last <= 400, "ends of axes are floats");
    let decades: Vec<i32> = (first..=last).filter(|e| inside(&10f64.powi(*e))).collect();
    let every = decades.len().div_ceil(most.max(1)).max(1);
    let kept = decades
        .into_iter()
        .filter(|e| e.rem_euclid(every as i32) == 0);
    kept.map(|e| 10f64.powi(e)).collect()
}

/// A rectangle of the drawing with an axis along two of its sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Left end in pixels.
    pub left: f64,
    /// Upper end in pixels.
    pub top: f64,
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
    /// What is measured across.
    pub x: Axis,
    /// What is measured upwards.
    pub y: Axis,
}

impl Panel {
    /// The pixel of a value across.
    #[must_use]
    pub fn px(&self, value: f64) -> f64 {
        self.left + self.width * self.x.fraction(value)
    }

    /// The pixel of a value upwards.
    #[must_use]
    pub fn py(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - self.y.fraction(value))
    }

    /// The point of a pair of values.
    #[must_use]
    pub fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.px(x), self.py(y))
    }

    /// The lower end in pixels.
    #[must_use]
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The right end in pixels.
    #[must_use]
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Draws both axes with grid lines, ticks and labels.
    pub fn frame(&self, figure: &mut Figure) {
        self.frame_y(figure);
        self.frame_x(figure);
    }

    /// Draws the axis across: ticks and label below.
    pub fn frame_x(&self, figure: &mut Figure) {
        self.ruled_x(figure);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "pixels"
        )]
        let most = (self.width / 62.0).max(2.0) as usize;
        for tick in self.x.ticks(most) {
            let x = self.px(tick);
            figure.add(text(
                x,
                self.bottom() + 16.0,
                "tick mid",
                &self.x.tick_label(tick),
            ));
        }
        let middle = self.left + self.width / 2.0;
        figure.add(text(
            middle,
            self.bottom() + 34.0,
            "axis mid",
            &self.x.label,
        ));
    }

    /// Draws the line below without ticks, for panels that share the axis of another.
    pub fn ruled_x(&self, figure: &mut Figure) {
        let bottom = self.bottom();
        figure.add(line((self.left, bottom), (self.right(), bottom), "base"));
    }

    /// Draws the axis upwards: grid lines, ticks to the left, label turned.
    pub fn frame_y(&self, figure: &mut Figure) {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "pixels"
        )]
        let most = (self.height / 26.0).max(2.0) as usize;
        for tick in self.y.ticks(most) {
            let y = self.py(tick);
            figure.add(line((self.left, y), (self.right(), y), "grid"));
            figure.add(text(
                self.left - 7.0,
                y + 4.0,
                "tick end",
                &self.y.tick_label(tick),
            ));
        }
        let middle = self.top + self.height / 2.0;
        figure.add(turned(
            self.left - 52.0,
            middle,
            -90.0,
            "axis mid",
            &self.y.label,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_marked_at_whole_numbers() {
        assert_eq!(Axis::counts([1.0, 2.0], "n").ticks(5), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(
            linear_ticks(0.0, 1.0, 5),
            [0.0, 0.2, 0.4, 0.600_000_000_000_000_1, 0.8, 1.0]
        );
        assert_eq!(linear_ticks(-3.0, 17.0, 4), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(linear_ticks(2.0, 2.0, 4), Vec::<f64>::new());
    }

    #[test]
    fn log_ticks_are_decades_or_ones_twos_and_fives() {
        assert_eq!(log_ticks(0.9, 12.0, 8), [1.0, 2.0, 5.0, 10.0]);
        let wide = log_ticks(1e-6, 10.0, 5);
        assert_eq!(wide.len(), 4);
        assert!((wide[0] - 1e-6).abs() < 1e-18);
    }

    #[test]
    fn no_axis_has_more_ticks_than_asked_for() {
        let corners = [
            0.0,
            5e-324,
            1e-310,
            1e-300,
            1.0,
            1.0 + 1e-15,
            1e300,
            f64::MAX,
            f64::NAN,
            f64::INFINITY,
        ];
        for (a, b) in corners.iter().flat_map(|a| corners.map(|b| (*a, b))) {
            for axis in [
                Axis::log([a, b], "x"),
                Axis::linear([a, -b], "x"),
                Axis::from_zero([a, b], "x"),
                Axis::counts([a, b], "x"),
                Axis::new(Scale::Log, a, b, "x"),
            ] {
                for most in [0, 1, 5, 9] {
                    let ticks = axis.ticks(most);
                    assert!(
                        ticks.len() <= 2 * most + 3,
                        "{a} {b} {most}: {}",
                        ticks.len()
                    );
                }
                assert!(
                    [a, b]
                        .iter()
                        .all(|v| (0.0..=1.0).contains(&axis.fraction(*v)))
                );
            }
        }
        let wide = Axis::log([1e-310, 1.0], "x").ticks(6);
        assert!((3..=6).contains(&wide.len()), "{wide:?}");
    }

    #[test]
    fn values_off_the_axis_are_drawn_at_its_end() {
        let axis = Axis::new(Scale::Log, 1.0, 100.0, "x");
        assert_eq!(
            [0.0, 1.0, 10.0, 1e9].map(|v| axis.fraction(v)),
            [0.0, 0.0, 0.5, 1.0]
        );
    }

    #[test]
    fn labels_of_decades_are_powers_beyond_thousands() {
        let axis = Axis::new(Scale::Log, 1e-6, 1e6, "x");
        let labels = [1e-6, 0.01, 1000.0, 1e5].map(|v| axis.tick_label(v));
        assert_eq!(labels, ["10⁻⁶", "0.01", "1000", "10⁵"]);
    }

    #[test]
    fn an_axis_without_values_still_draws() {
        let none: [f64; 0] = [];
        assert!(!Axis::linear(none, "x").ticks(4).is_empty());
        assert!(!Axis::log(none, "x").ticks(4).is_empty());
        assert!(!Axis::linear([5.0], "x").ticks(4).is_empty());
    }
}
