//! Eight numbers that go through the same operations side by side.
//!
//! Plain arrays of fixed length in plain loops: inside a `pulp` dispatch the
//! compiler turns them into vector instructions, and without one they still
//! give the same bits, for nothing here is fused or reordered.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use super::exp::exp_f64;

/// How many numbers stand side by side.
pub const LANES: usize = 8;

/// Eight numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes(pub [f64; LANES]);

impl Default for Lanes {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Lanes {
    /// Eight zeros.
    pub const ZERO: Self = Self([0.0; LANES]);

    /// The same number eight times.
    #[inline(always)]
    #[must_use]
    pub fn splat(x: f64) -> Self {
        Self([x; LANES])
    }

    /// A function of each.
    #[inline(always)]
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let mut out = self;
        for x in &mut out.0 {
            *x = f(*x);
        }
        out
    }

    /// A function of each pair.
    #[inline(always)]
    #[must_use]
    pub fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = self;
        for (x, y) in out.0.iter_mut().zip(other.0) {
            *x = f(*x, y);
        }
        out
    }

    /// The smaller of each pair; the second where one is not a number.
    #[inline(always)]
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.zip(other, |x, y| if x < y { x } else { y })
    }

    /// The larger of each pair; the second where one is not a number.
    #[inline(always)]
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        self.zip(other, |x, y| if x > y { x } else { y })
    }

    /// The absolute value of each.
    #[inline(always)]
    #[must_use]
    pub fn abs(self) -> Self {
        self.map(f64::abs)
    }

    /// `e^x` of each, within 2⁻⁵⁰ relatively (and 2⁻¹⁰⁷⁴ absolutely, under the
    /// normal numbers).
    ///
    /// Why so: with n = round(x / ln 2), |n| ≤ 1077, the product n·`LN2_HI` is
    /// exact (`LN2_HI` ends in 20 zero bits) and so is its difference to x; what
    /// is then lost in r, |r| ≤ 0.35, is under 2⁻⁵³. The polynomial's remainder
    /// is r¹⁴/14! < 2⁻⁵⁷, and Horner's rule adds under 3 · 2⁻⁵³, relative to
    /// e^r ≥ 0.7. All of it stays under 6 · 2⁻⁵³ < 2⁻⁵⁰.
    #[inline(always)]
    #[must_use]
    pub fn exp(self) -> Self {
        self.map(exp_f64)
    }

    /// For each place `yes` where `a < b`, `no` elsewhere.
    #[inline(always)]
    #[must_use]
    pub fn where_less(a: Self, b: Self, yes: Self, no: Self) -> Self {
        let mut out = no;
        for i in 0..LANES {
            out.0[i] = if a.0[i] < b.0[i] { yes.0[i] } else { no.0[i] };
        }
        out
    }
}

macro_rules! operator {
    ($name:ident, $method:ident, $symbol:tt) => {
        impl $name for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |x, y| x $symbol y)
            }
        }
        impl $name<f64> for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: f64) -> Self {
                self.map(|x| x $symbol other)
            }
        }
    };
}
operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);

impl AddAssign for Lanes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Lanes {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|x| -x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_is_computed_by_itself() {
        let a = Lanes([1.0, -2.0, 3.0, -4.0, 5.0, -6.0, 7.0, -8.0]);
        let b = Lanes::splat(2.0);
        assert_eq!((a * b + b).0[3], -6.0);
        assert_eq!((-a).abs(), a.abs());
        assert_eq!(a.min(b).0[..3], [1.0, -2.0, 2.0]);
        assert_eq!(a.max(b).0[..3], [2.0, 2.0, 3.0]);
        assert_eq!(
            Lanes::where_less(a, b, a, Lanes::ZERO).0[..3],
            [1.0, -2.0, 0.0]
        );
        assert_eq!((a - 1.0).0[0], 0.0);
    }

    #[test]
    fn exponentials_are_within_their_bound() {
        for i in -7450..7090 {
            let x = f64::from(i) * 0.1 + 0.037;
            let (got, known) = (Lanes::splat(x).exp().0[0], x.exp());
            assert!(
                (got - known).abs() <= known * 2_f64.powi(-50) + f64::from_bits(1),
                "exp({x})"
            );
        }
    }
}
