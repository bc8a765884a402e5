//! Closed intervals with outward rounding.
//!
//! The processor rounds to nearest, so the exact result of one operation lies between the
//! neighbours of the computed one: those are the ends. What is no number is the whole line.

use std::ops::{Add, Mul, Neg, Sub};

/// All real numbers from `lo` to `hi`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct I {
    pub lo: f64,
    pub hi: f64,
}

/// ln 2 lies between this number and the next.
const LN2: f64 = std::f64::consts::LN_2;

impl I {
    pub const ZERO: Self = Self { lo: 0.0, hi: 0.0 };
    pub const WHOLE: Self = Self { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

    pub fn new(lo: f64, hi: f64) -> Self {
        match lo <= hi {
            true => Self { lo, hi },
            false => Self::WHOLE,
        }
    }

    pub fn point(x: f64) -> Self {
        Self::new(x, x)
    }

    /// From −x to x, for x ≥ 0.
    pub fn around_zero(x: f64) -> Self {
        Self::new(-x, x)
    }

    fn outward(lo: f64, hi: f64) -> Self {
        Self::new(lo.next_down(), hi.next_up())
    }

    /// A number between the ends.
    pub fn mid(self) -> f64 {
        (0.5 * self.lo + 0.5 * self.hi).clamp(self.lo, self.hi)
    }

    /// The largest |member|.
    pub fn magnitude(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    pub fn hull(self, other: Self) -> Self {
        Self::new(self.lo.min(other.lo), self.hi.max(other.hi))
    }

    /// What both hold, where both hold the same unknown number.
    pub fn meet(self, other: Self) -> Self {
        Self::new(self.lo.max(other.lo), self.hi.min(other.hi))
    }

    /// Whether all of another is in it; of what is no number nothing is.
    pub fn holds(self, other: Self) -> bool {
        self.lo <= other.lo && other.hi <= self.hi
    }

    pub fn is_zero(self) -> bool {
        self.lo == 0.0 && self.hi == 0.0
    }

    /// The squares of the members.
    pub fn square(self) -> Self {
        let (a, b) = (self.lo * self.lo, self.hi * self.hi);
        let least = match self.lo <= 0.0 && self.hi >= 0.0 {
            true => 0.0,
            false => a.min(b).next_down().max(0.0),
        };
        Self::new(least, a.max(b).next_up())
    }

    /// 1 ÷ members, all of which must be positive.
    pub fn recip(self) -> Self {
        match self.lo > 0.0 {
            true => Self::outward(1.0 / self.hi, 1.0 / self.lo),
            false => Self::WHOLE,
        }
    }

    /// Members ÷ a positive number.
    pub fn over(self, by: f64) -> Self {
        Self::outward(self.lo / by, self.hi / by)
    }

    /// eˣ, for every member.
    pub fn exp(self) -> Self {
        let low = exp(self.lo);
        match self.lo == self.hi {
            true => low,
            false => Self::new(low.lo, exp(self.hi).hi),
        }
    }
}

/// e to the power of a number: e^x = 2^k e^r with |r| ≤ ln 2 / 2, and Taylor's sum of e^r.
fn exp(x: f64) -> I {
    if x > 709.0 {
        return I::new(f64::MAX / 4.0, f64::INFINITY);
    }
    if x < -708.0 {
        return I::new(0.0, 1e-300);
    }
    let k = (x / LN2).round();
    let r = I::point(x) - I::new(LN2, LN2.next_up()) * k;
    // The terms from the 18th on are under (0.35)^18 / 18! · 1.02 < 1e-24.
    let mut sum = I::around_zero(1e-24);
    for n in (1..=17).rev() {
        sum = ((sum + I::point(1.0)) * r).over(f64::from(n));
    }
    // 2^k is a normal number: −1022 ≤ k ≤ 1023.
    (sum + I::point(1.0)) * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

impl Add for I {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        if self.is_zero() {
            return other;
        }
        if other.is_zero() {
            return self;
        }
        Self::outward(self.lo + other.lo, self.hi + other.hi)
    }
}

impl Neg for I {
    type Output = Self;
    fn neg(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo }
    }
}

impl Sub for I {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for I {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return Self::ZERO;
        }
        let ends = [self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi];
        if ends.iter().any(|x| x.is_nan()) {
            return Self::WHOLE;
        }
        let least = ends.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::outward(least, most)
    }
}

impl Mul<f64> for I {
    type Output = Self;
    fn mul(self, by: f64) -> Self {
        if by == 0.0 {
            return Self::ZERO;
        }
        if by == 1.0 {
            return self;
        }
        let (a, b) = (self.lo * by, self.hi * by);
        match by > 0.0 {
            true => Self::outward(a, b),
            false => Self::outward(b, a),
        }
    }
}

#[cfg(test)]
#[path = "tests/interval.rs"]
mod tests;
