//! Closed intervals, rounded outward.
//!
//! Every operation returns an interval that holds every result of the exact
//! operation on numbers of the operands. The processor rounds to the nearest
//! number, so the exact result lies between the neighbours of the computed one,
//! and those (`next_down`, `next_up`) are the ends. Whatever is no number (∞ − ∞,
//! 0 · ∞) becomes the whole line: wide, never wrong.

use std::ops::{Add, Mul, Neg, Sub};

/// All real numbers from `lo` to `hi`, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end, or −∞.
    pub lo: f64,
    /// The upper end, or ∞.
    pub hi: f64,
}

impl Interval {
    /// Every real number.
    pub const WHOLE: Self = Self {
        lo: f64::NEG_INFINITY,
        hi: f64::INFINITY,
    };

    /// From `lo` to `hi`; the whole line if one is no number or they are the
    /// wrong way round.
    ///
    /// ```
    /// use modscope::numeric::Interval;
    /// let tenth = Interval::point(1.0) * Interval::new(0.1, 0.1);
    /// assert!(tenth.lo < 0.1 && 0.1 < tenth.hi);
    /// assert_eq!(Interval::new(f64::NAN, 1.0), Interval::WHOLE);
    /// ```
    #[must_use]
    pub fn new(lo: f64, hi: f64) -> Self {
        if lo <= hi {
            Self { lo, hi }
        } else {
            Self::WHOLE
        }
    }

    /// One number.
    #[must_use]
    pub fn point(x: f64) -> Self {
        Self::new(x, x)
    }

    /// Half of `lo + hi`, rounded; finite where the ends are.
    #[must_use]
    pub fn mid(self) -> f64 {
        0.5 * self.lo + 0.5 * self.hi
    }

    /// A number r such that every member is within r of [`Interval::mid`].
    #[must_use]
    pub fn radius(self) -> f64 {
        let mid = self.mid();
        (self.hi - mid).max(mid - self.lo).next_up()
    }

    /// The largest absolute value of a member.
    #[must_use]
    pub fn magnitude(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// The smallest absolute value of a member.
    #[must_use]
    pub fn mignitude(self) -> f64 {
        self.lo.max(-self.hi).max(0.0)
    }

    /// Whether `x` is a member.
    #[must_use]
    pub fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }

    /// The smallest interval that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self::new(self.lo.min(other.lo), self.hi.max(other.hi))
    }

    /// The members of both; `self` where there are none.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        if lo <= hi { Self { lo, hi } } else { self }
    }

    /// `1 / x`; the whole line where 0 is a member.
    #[must_use]
    pub fn recip(self) -> Self {
        if self.contains(0.0) {
            return Self::WHOLE;
        }
        outward(1.0 / self.hi, 1.0 / self.lo)
    }

    /// `e^x`, by the platform's function, whose error is taken to be under
    /// four units in the last place.
    #[must_use]
    pub fn exp(self) -> Self {
        let widen = |x: f64, by: f64| x * (1.0 + by * 8.0 * f64::EPSILON);
        let (lo, hi) = (widen(self.lo.exp(), -1.0), widen(self.hi.exp(), 1.0));
        Self::new(lo.next_down().max(0.0), hi.next_up())
    }
}

/// From just under `lo` to just over `hi`.
fn outward(lo: f64, hi: f64) -> Interval {
    Interval::new(lo.next_down(), hi.next_up())
}

impl Neg for Interval {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.hi, -self.lo)
    }
}

impl Add for Interval {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        outward(self.lo + other.lo, self.hi + other.hi)
    }
}

impl Sub for Interval {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        outward(self.lo - other.hi, self.hi - other.lo)
    }
}

impl Mul for Interval {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let products = [
            self.lo * other.lo,
            self.lo * other.hi,
            self.hi * other.lo,
            self.hi * other.hi,
        ];
        if products.iter().any(|x| x.is_nan()) {
            return Self::WHOLE;
        }
        outward(
            products.into_iter().fold(f64::INFINITY, f64::min),
            products.into_iter().fold(f64::NEG_INFINITY, f64::max),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXTREMES: [f64; 11] = [
        0.0,
        -0.0,
        5e-324,
        -5e-324,
        f64::MIN_POSITIVE,
        1.0,
        -3.5,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];

    #[test]
    fn worked_out_by_hand() {
        let (a, b) = (Interval::new(-1.0, 2.0), Interval::new(3.0, 4.0));
        let check = |got: Interval, lo: f64, hi: f64| {
            assert_eq!((got.lo, got.hi), (lo.next_down(), hi.next_up()));
        };
        check(a + b, 2.0, 6.0);
        check(a - b, -5.0, -1.0);
        check(a * b, -4.0, 8.0);
        check(b.recip(), 0.25, 1.0 / 3.0);
        assert_eq!(-a, Interval::new(-2.0, 1.0));
        assert_eq!((a.mid(), a.magnitude(), b.mignitude()), (0.5, 2.0, 3.0));
        assert_eq!(a.hull(b), Interval::new(-1.0, 4.0));
        assert_eq!(a.meet(Interval::new(0.0, 9.0)), Interval::new(0.0, 2.0));
        assert_eq!(a.recip(), Interval::WHOLE);
    }

    #[test]
    fn extremes_never_become_nan_or_empty() {
        for a in EXTREMES {
            for b in EXTREMES {
                let (x, y) = (Interval::new(a.min(b), a.max(b)), Interval::point(b));
                for z in [x + y, x - y, x * y, x * x, x.recip(), x.exp(), x.hull(y)] {
                    assert!(z.lo <= z.hi, "{x:?} {y:?} {z:?}");
                }
            }
        }
        let tiny = Interval::point(5e-324);
        assert!((tiny * tiny).hi > 0.0 && (tiny * tiny).contains(0.0));
        let huge = Interval::point(f64::MAX);
        assert_eq!((huge + huge).hi, f64::INFINITY);
        assert!((huge + huge).lo.is_finite());
    }

    /// Exact sums and products of 20-bit numbers, in integers.
    fn exact(mantissa: i32, exponent: i32) -> f64 {
        f64::from(mantissa) * 2_f64.powi(exponent)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_is_computed_in_the_interval_stays_in_it(
            a in -1_000_000..1_000_000, b in -1_000_000..1_000_000,
            c in -1_000_000..1_000_000, s in -30..30,
        ) {
            // Each of these is exact in f64, so membership is decided exactly.
            let (x, y, z) = (exact(a, s), exact(b, s), exact(c, s));
            let (i, j) = (Interval::new(x.min(y), x.max(y)), Interval::point(z));
            prop_assert!((i + j).contains(x + z) && (i - j).contains(y - z));
            prop_assert!((i * j).contains(x * z) && (i * j).contains(y * z));
        }
    }
}
