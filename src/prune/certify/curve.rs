//! Smooth activations as the bounds need them: value, slope and bend, with the
//! exact ranges of all three over an interval.
//!
//! A range over [a, b] is the hull of the function's values at a and b and at
//! those of its extremes that lie between, for in between it is monotone. The
//! places of the extremes are the roots of the next derivative, isolated to
//! 20 digits; that there are no others is proved by interval arithmetic in the
//! tests. What is computed is inflated by the stated errors, so a range holds
//! every value of the exact function.
//!
//! Errors. With s = 1/(1 + e⁻ˣ), q = e⁻ˣ/(1 + e⁻ˣ) and e⁻ˣ within 2⁻⁵⁰, s and q
//! are within 2⁻⁴⁹ relatively. Slope and bend are sums of at most four products
//! of s, q and polynomials whose absolute values add up to under 6 (for tanh
//! 16), so that all rounding is under 2⁻⁴⁴, which is [`SLOPE_ERROR`]. Values are
//! within [`VALUE_ERROR`] · (1 + |σ|). `libm`'s `erfc` states an error under one
//! unit in the last place; eight are allowed for.

use crate::numeric::{LANES, Lanes};

/// Bound on the error of a computed value, relative to 1 + |value|.
pub(super) const VALUE_ERROR: f64 = 1.0 / (1_u64 << 46) as f64;
/// Bound on the error of a computed slope or bend, absolute.
pub(super) const SLOPE_ERROR: f64 = 1.0 / (1_u64 << 44) as f64;

/// The places of extremes are known better than this; an extreme a hair outside
/// an interval counts as inside, which does no harm.
const HAIR: f64 = 1e-12;

/// A place where a function turns, and its value there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extreme {
    /// The place.
    pub at: f64,
    /// The value there, within [`SLOPE_ERROR`].
    pub value: f64,
}

const fn extreme(at: f64, value: f64) -> Extreme {
    Extreme { at, value }
}

/// Value, slope and bend (σ, σ′, σ″) at eight points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jet {
    pub value: Lanes,
    pub slope: Lanes,
    pub bend: Lanes,
}

/// Ranges of value, slope and bend over eight intervals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranges {
    pub value: Range,
    pub slope: Range,
    pub bend: Range,
}

/// Eight intervals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub lo: Lanes,
    pub hi: Lanes,
}

impl Range {
    /// Where both meet. Where the other's end is no number, neither is the result: it
    /// carries the poison.
    #[inline(always)]
    pub fn within(self, other: Self) -> Self {
        Self {
            lo: self.lo.max(other.lo),
            hi: self.hi.min(other.hi),
        }
    }
}

/// A smooth activation.
pub(super) trait Curve {
    /// Where the value turns.
    const VALUE: &'static [Extreme];
    /// Where the slope turns.
    const SLOPE: &'static [Extreme];
    /// Where the bend turns.
    const BEND: &'static [Extreme];
    /// A bound on |σ‴| everywhere; infinite where the bend jumps.
    const THIRD: f64;

    /// Value, slope and bend at eight points.
    fn jet(x: Lanes) -> Jet;

    /// From the smaller to the larger of z and z + δ: where the slopes between
    /// two networks' values may lie.
    #[inline(always)]
    fn hull(z: Range, d: Range) -> Range {
        Range {
            lo: z.lo + d.lo.min(Lanes::ZERO),
            hi: z.hi + d.hi.max(Lanes::ZERO),
        }
    }

    /// Ranges over eight intervals.
    #[inline(always)]
    fn ranges(over: Range) -> Ranges {
        let (low, high) = (Self::jet(over.lo), Self::jet(over.hi));
        let value = range(over, low.value, high.value, Self::VALUE);
        let error = (value.lo.abs().max(value.hi.abs()) + 1.0) * VALUE_ERROR;
        let slope = range(over, low.slope, high.slope, Self::SLOPE);
        let bend = range(over, low.bend, high.bend, Self::BEND);
        let margin = Lanes::splat(SLOPE_ERROR);
        Ranges {
            value: value.widened(error),
            slope: slope.widened(margin),
            bend: bend.widened(margin),
        }
    }
}

impl Range {
    /// Both ends moved outward.
    #[inline(always)]
    fn widened(self, by: Lanes) -> Self {
        Self {
            lo: self.lo - by,
            hi: self.hi + by,
        }
    }
}

/// The hull of the values at the ends and at the extremes between.
#[inline(always)]
fn range(over: Range, at_lo: Lanes, at_hi: Lanes, extremes: &[Extreme]) -> Range {
    let mut found = Range {
        lo: at_lo.min(at_hi),
        hi: at_lo.max(at_hi),
    };
    for extreme in extremes {
        for i in 0..LANES {
            let inside = over.lo.0[i] <= extreme.at + HAIR && extreme.at - HAIR <= over.hi.0[i];
            let value = extreme.value;
            if inside {
                found.lo.0[i] = if value < found.lo.0[i] {
                    value
                } else {
                    found.lo.0[i]
                };
                found.hi.0[i] = if value > found.hi.0[i] {
                    value
                } else {
                    found.hi.0[i]
                };
            }
        }
    }
    found
}

/// `1 / (1 + e⁻ˣ)` and `1 / (1 + eˣ)`, both within 2⁻⁴⁹ relatively, for |x| ≤ 700.
#[inline(always)]
fn sigmoids(x: Lanes) -> (Lanes, Lanes) {
    let e = (-x).exp();
    let s = e.map(|e| 1.0 / (1.0 + e));
    (s, e * s)
}

/// Moves the points beyond ±`limit` there.
#[inline(always)]
fn clamp(x: Lanes, limit: f64) -> Lanes {
    x.max(Lanes::splat(-limit)).min(Lanes::splat(limit))
}

/// `x · sigmoid(x)`
pub(super) struct Silu;

impl Curve for Silu {
    const VALUE: &'static [Extreme] = &[extreme(-1.278_464_542_761_074, -0.278_464_542_761_073_8)];
    const SLOPE: &'static [Extreme] = &[
        extreme(-2.399_357_280_515_467_7, -0.099_839_320_128_866_92),
        extreme(2.399_357_280_515_467_7, 1.099_839_320_128_867),
    ];
    const BEND: &'static [Extreme] = &[
        extreme(-3.435_840_993_535_11, -0.036_914_373_199_893_186),
        extreme(0.0, 0.5),
        extreme(3.435_840_993_535_11, -0.036_914_373_199_893_186),
    ];
    const THIRD: f64 = 0.31;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        let near = clamp(x, 700.0);
        let (s, q) = sigmoids(near);
        let sq = s * q;
        Jet {
            value: x.max(Lanes::splat(-700.0)) * s,
            slope: s + near * sq,
            bend: sq * (near * (q - s) + 2.0),
        }
    }
}

/// `x · sigmoid(2u)`, `2u = k (x + c x³)`, `k = 2 √(2/π)`, `c = 0.044715`.
pub(super) struct GeluTanh;

impl Curve for GeluTanh {
    const VALUE: &'static [Extreme] =
        &[extreme(-0.752_461_422_071_016_3, -0.170_040_750_571_254_05)];
    const SLOPE: &'static [Extreme] = &[
        extreme(-1.418_504_008_790_828_4, -0.128_993_068_658_771_77),
        extreme(1.418_504_008_790_828_4, 1.128_993_068_658_771_8),
    ];
    const BEND: &'static [Extreme] = &[
        extreme(-2.013_480_724_624_258, -0.107_913_515_890_367_92),
        extreme(0.0, 0.797_884_560_802_865_4),
        extreme(2.013_480_724_624_258, -0.107_913_515_890_367_92),
    ];
    const THIRD: f64 = 0.78;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        const K: f64 = 2.0 * 0.797_884_560_802_865_4;
        const C: f64 = 0.044_715;
        let near = clamp(x, 20.0);
        let square = near * near;
        let u = near * (square * C + 1.0) * K;
        let du = (square * (3.0 * C) + 1.0) * K;
        let ddu = near * (6.0 * C * K);
        let (s, q) = sigmoids(clamp(u, 700.0));
        let sq = s * q;
        Jet {
            value: x.max(Lanes::splat(-20.0)) * s,
            slope: s + near * sq * du,
            bend: sq * (du * 2.0 + near * (du * du * (q - s) + ddu)),
        }
    }
}

/// `x · Φ(x)`
pub(super) struct Gelu;

impl Curve for Gelu {
    const VALUE: &'static [Extreme] =
        &[extreme(-0.751_791_524_693_564_5, -0.169_971_207_479_903_66)];
    const SLOPE: &'static [Extreme] = &[
        extreme(-std::f64::consts::SQRT_2, -0.128_904_145_185_154_8),
        extreme(std::f64::consts::SQRT_2, 1.128_904_145_185_154_8),
    ];
    const BEND: &'static [Extreme] = &[
        extreme(-2.0, -0.107_981_933_026_376_1),
        extreme(0.0, 0.797_884_560_802_865_4),
        extreme(2.0, -0.107_981_933_026_376_1),
    ];
    const THIRD: f64 = 0.78;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        const DENSITY: f64 = 0.398_942_280_401_432_7;
        let near = clamp(x, 30.0);
        let cdf = near.map(|x| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2));
        let density = (near * near * -0.5).exp() * DENSITY;
        Jet {
            value: x.max(Lanes::splat(-30.0)) * cdf,
            slope: cdf + near * density,
            bend: density * (-(near * near) + 2.0),
        }
    }
}

/// `1 / (1 + e⁻ˣ)`
pub(super) struct Sigmoid;

impl Curve for Sigmoid {
    const VALUE: &'static [Extreme] = &[];
    const SLOPE: &'static [Extreme] = &[extreme(0.0, 0.25)];
    const BEND: &'static [Extreme] = &[
        extreme(-1.316_957_896_924_816_7, 0.096_225_044_864_937_63),
        extreme(1.316_957_896_924_816_7, -0.096_225_044_864_937_63),
    ];
    const THIRD: f64 = 0.126;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        let (s, q) = sigmoids(clamp(x, 700.0));
        let sq = s * q;
        Jet {
            value: s,
            slope: sq,
            bend: sq * (q - s),
        }
    }
}

/// `2 · sigmoid(2x) − 1`
pub(super) struct Tanh;

impl Curve for Tanh {
    const VALUE: &'static [Extreme] = &[];
    const SLOPE: &'static [Extreme] = &[extreme(0.0, 1.0)];
    const BEND: &'static [Extreme] = &[
        extreme(-0.658_478_948_462_408_4, 0.769_800_358_919_501),
        extreme(0.658_478_948_462_408_4, -0.769_800_358_919_501),
    ];
    const THIRD: f64 = 2.01;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        let (s, q) = sigmoids(clamp(x * 2.0, 700.0));
        let sq = s * q;
        Jet {
            value: s - q,
            slope: sq * 4.0,
            bend: sq * (q - s) * 8.0,
        }
    }
}

/// `ln(1 + eˣ)`
pub(super) struct Softplus;

impl Curve for Softplus {
    const VALUE: &'static [Extreme] = &[];
    const SLOPE: &'static [Extreme] = &[];
    const BEND: &'static [Extreme] = &[extreme(0.0, 0.25)];
    const THIRD: f64 = 0.097;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        let (s, q) = sigmoids(clamp(x, 700.0));
        let small = (-x.abs().min(Lanes::splat(700.0))).exp();
        Jet {
            value: x.max(Lanes::ZERO) + small.map(libm::log1p),
            slope: s,
            bend: s * q,
        }
    }
}

/// `x · tanh(ln(1 + eˣ))`; with e = eˣ the tangent is (e² + 2 e) / (e² + 2 e + 2).
pub(super) struct Mish;

impl Curve for Mish {
    const VALUE: &'static [Extreme] =
        &[extreme(-1.192_431_214_515_495_2, -0.308_843_413_017_250_4)];
    const SLOPE: &'static [Extreme] = &[
        extreme(-2.256_376_396_360_793, -0.112_526_122_389_462_56),
        extreme(1.490_571_179_485_428_5, 1.088_498_161_251_728),
    ];
    const BEND: &'static [Extreme] = &[
        extreme(-3.267_337_846_520_404_5, -0.041_732_070_706_611_03),
        extreme(-0.087_934_431_314_914_21, 0.644_204_637_236_972_4),
        extreme(2.114_842_563_020_877, -0.059_033_356_953_936_29),
    ];
    const THIRD: f64 = 0.59;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        let near = clamp(x, 300.0);
        let (s, q) = sigmoids(near);
        let e = near.exp();
        let inverse = (e * (e + 2.0) + 2.0).map(|d| 1.0 / d);
        let tangent = e * (e + 2.0) * inverse;
        // 1 − tangent² = 4 (1 + e)² ÷ (e² + 2 e + 2)².
        let root = (e + 1.0) * inverse * 2.0;
        let g = root * root * s;
        let h = q - tangent * s * 2.0;
        Jet {
            value: x.max(Lanes::splat(-300.0)) * tangent,
            slope: tangent + near * g,
            bend: g * (near * h + 2.0),
        }
    }
}

/// `x` above 0, `eˣ − 1` below.
pub(super) struct Elu;

impl Curve for Elu {
    const VALUE: &'static [Extreme] = &[];
    const SLOPE: &'static [Extreme] = &[];
    const BEND: &'static [Extreme] = &[extreme(0.0, 1.0), extreme(0.0, 0.0)];
    const THIRD: f64 = f64::INFINITY;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        let below = x.min(Lanes::ZERO).max(Lanes::splat(-700.0));
        let slope = below.exp();
        Jet {
            value: x.max(Lanes::ZERO) + below.map(libm::expm1),
            slope,
            bend: Lanes::where_less(x, Lanes::ZERO, slope, Lanes::ZERO),
        }
    }
}

/// `x / (1 + |x|)`
pub(super) struct Softsign;

impl Curve for Softsign {
    const VALUE: &'static [Extreme] = &[];
    const SLOPE: &'static [Extreme] = &[extreme(0.0, 1.0)];
    const BEND: &'static [Extreme] = &[extreme(0.0, 2.0), extreme(0.0, -2.0)];
    const THIRD: f64 = f64::INFINITY;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        let near = clamp(x, 1e90);
        let inverse = (near.abs() + 1.0).map(|d| 1.0 / d);
        let slope = inverse * inverse;
        Jet {
            value: near * inverse,
            slope,
            bend: slope * inverse * near.map(|x| -2.0 * x.signum()),
        }
    }
}

/// `max(x, 0)²`; twice a number is exact.
pub(super) struct SquaredRelu;

impl Curve for SquaredRelu {
    const VALUE: &'static [Extreme] = &[];
    const SLOPE: &'static [Extreme] = &[];
    const BEND: &'static [Extreme] = &[extreme(0.0, 0.0), extreme(0.0, 2.0)];
    const THIRD: f64 = f64::INFINITY;

    #[inline(always)]
    fn jet(x: Lanes) -> Jet {
        let above = x.max(Lanes::ZERO);
        Jet {
            value: above * above,
            slope: above * 2.0,
            bend: Lanes::where_less(Lanes::ZERO, x, Lanes::splat(2.0), Lanes::ZERO),
        }
    }
}

#[cfg(test)]
#[path = "curve_tests.rs"]
mod tests;
