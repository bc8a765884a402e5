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
mod tests {
    use super::*;
    use crate::numeric::{Activation, Interval, Parameter};

    fn sigmoid(x: Interval) -> [Interval; 2] {
        let one = Interval::point(1.0);
        [(one + (-x).exp()).recip(), (one + x.exp()).recip()]
    }

    fn times(x: Interval, by: f64) -> Interval {
        x * Interval::point(by)
    }

    fn plus(x: Interval, by: f64) -> Interval {
        x + Interval::point(by)
    }

    /// First, second and third derivative over an interval, written out for
    /// interval arithmetic.
    type Derivatives = fn(Interval) -> [Interval; 3];

    fn silu(x: Interval) -> [Interval; 3] {
        // σ′ = s + x sq, σ″ = sq (2 + x t), σ‴ = sq (t (3 + x t) − 2 x sq), t = q − s.
        let [s, q] = sigmoid(x);
        let (sq, t) = (s * q, q - s);
        let third = t * plus(x * t, 3.0) - times(x * sq, 2.0);
        [s + x * sq, sq * plus(x * t, 2.0), sq * third]
    }

    fn sigmoid_derivatives(x: Interval) -> [Interval; 3] {
        let [s, q] = sigmoid(x);
        let (sq, t) = (s * q, q - s);
        [sq, sq * t, sq * (t * t - times(sq, 2.0))]
    }

    fn tanh(x: Interval) -> [Interval; 3] {
        let [first, second, third] = sigmoid_derivatives(times(x, 2.0));
        [times(first, 4.0), times(second, 8.0), times(third, 16.0)]
    }

    fn softplus(x: Interval) -> [Interval; 3] {
        let [s, _] = sigmoid(x);
        let [first, second, _] = sigmoid_derivatives(x);
        [s, first, second]
    }

    /// With t the tangent, g = (1 − t²) s, h = q − 2 t s: σ′ = t + x g, σ″ = g (2 + x h),
    /// σ‴ = g (3 h + x (h² + h′)), h′ = −s q − 2 (g s + t s q).
    fn mish(x: Interval) -> [Interval; 3] {
        let [s, q] = sigmoid(x);
        let e = x.exp();
        let inverse = plus(e * plus(e, 2.0), 2.0).recip();
        let t = e * plus(e, 2.0) * inverse;
        let root = times(plus(e, 1.0) * inverse, 2.0);
        let g = root * root * s;
        let h = q - times(t * s, 2.0);
        let dh = -(s * q) - times(g * s + t * s * q, 2.0);
        let third = times(h, 3.0) + x * (h * h + dh);
        [t + x * g, g * plus(x * h, 2.0), g * third]
    }

    /// Up to the positive factor φ, save for the first.
    fn gelu(x: Interval) -> [Interval; 3] {
        let square = x * x;
        let density = times(times(square, -0.5).exp(), 0.398_942_280_401_432_7);
        let cdf = Interval::new(
            0.5 * libm::erfc(-x.lo * std::f64::consts::FRAC_1_SQRT_2) * (1.0 - 1e-14),
            0.5 * libm::erfc(-x.hi * std::f64::consts::FRAC_1_SQRT_2) * (1.0 + 1e-14),
        );
        let second = plus(-square, 2.0);
        [
            cdf + x * density,
            second * density,
            x * plus(square, -4.0) * density,
        ]
    }

    fn gelu_tanh(x: Interval) -> [Interval; 3] {
        const K: f64 = 2.0 * 0.797_884_560_802_865_4;
        const C: f64 = 0.044_715;
        let square = x * x;
        let u = times(x * plus(times(square, C), 1.0), K);
        let du = times(plus(times(square, 3.0 * C), 1.0), K);
        let ddu = times(x, 6.0 * C * K);
        let dddu = Interval::point(6.0 * C * K);
        let [g, gg, ggg] = sigmoid_derivatives(u);
        let [s, _] = sigmoid(u);
        // With S(x) = s(u(x)): σ = x S, σ′ = S + x S′, σ″ = 2 S′ + x S″, σ‴ = 3 S″ + x S‴.
        let first = g * du;
        let second = gg * du * du + g * ddu;
        let third = ggg * du * du * du + times(gg * du * ddu, 3.0) + g * dddu;
        [
            s + x * first,
            times(first, 2.0) + x * second,
            times(second, 3.0) + x * third,
        ]
    }

    /// Proves that a derivative has no root in [lo, hi], walking away from `lo`
    /// or `hi` in steps that grow with the distance to them.
    fn prove_no_root(of: impl Fn(Interval) -> Interval, lo: f64, hi: f64) {
        let middle = 0.5 * (lo + hi);
        for (from, toward) in [(lo, 1.0), (hi, -1.0)] {
            let mut distance = HAIR;
            while distance < (middle - from).abs() {
                let next = (distance * 1.02).min(distance + 1.0 / 2048.0);
                let (a, b) = (from + toward * distance, from + toward * next);
                let value = of(Interval::new(a.min(b), a.max(b)));
                assert!(!value.contains(0.0), "{value:?} near {a}");
                distance = next;
            }
        }
    }

    /// Proves that the places given are, up to a hair, the roots in [-`end`, `end`],
    /// and that the function before has the values given there.
    fn prove_roots(
        before: impl Fn(Interval) -> Option<Interval>,
        of: impl Fn(Interval) -> Interval,
        places: &[Extreme],
        end: f64,
    ) {
        let mut from = -end;
        for place in places {
            prove_no_root(&of, from, place.at);
            from = place.at;
            let (left, right) = (
                of(Interval::point(from - HAIR)),
                of(Interval::point(from + HAIR)),
            );
            assert!(
                left.lo.signum() != right.lo.signum(),
                "no change of sign at {from}"
            );
            if let Some(value) = before(Interval::point(from)) {
                assert!(
                    (value.mid() - place.value).abs() < 1e-14,
                    "{value:?} at {from}"
                );
            }
        }
        prove_no_root(&of, from, end);
    }

    fn prove<C: Curve>(of: Derivatives, end: f64) {
        prove_roots(|_| None, |x| of(x)[0], C::VALUE, end);
        prove_roots(|x| Some(of(x)[0]), |x| of(x)[1], C::SLOPE, end);
        prove_roots(|x| Some(of(x)[1]), |x| of(x)[2], C::BEND, end);
        for place in C::VALUE {
            let value = C::jet(Lanes::splat(place.at)).value.0[0];
            assert!((value - place.value).abs() < 1e-15);
        }
        let steps = (2.0 * end * 4096.0) as i32;
        for i in 0..steps {
            let x = -end + f64::from(i) / 4096.0;
            let third = of(Interval::new(x, x + 1.0 / 4096.0))[2];
            assert!(
                third.magnitude() <= C::THIRD,
                "third derivative at {x}: {third:?}"
            );
        }
    }

    /// Beyond these ends value, slope and bend are within 1e-14 of their limits.
    #[test]
    fn the_extremes_are_all_there_are() {
        prove::<Silu>(silu, 36.0);
        prove::<Gelu>(gelu, 9.0);
        prove::<GeluTanh>(gelu_tanh, 8.0);
        prove::<Tanh>(tanh, 17.0);
        prove::<Sigmoid>(sigmoid_derivatives, 34.0);
        prove::<Softplus>(softplus, 34.0);
        prove::<Mish>(mish, 36.0);
    }

    /// On either side of the place where their bend jumps, slope and bend are monotone and the
    /// bend is the slope of the slope: eˣ, (1 ± x)⁻², 2 x.
    #[test]
    fn where_a_bend_jumps_both_sides_are_its_extremes() {
        fn holds<C: Curve>() {
            let jets = |x: f64| C::jet(Lanes::splat(x));
            for (from, toward) in [(-1e-9, -1.0), (1e-9, 1.0)] {
                let near = jets(from).bend.0[0];
                assert!(
                    C::BEND
                        .iter()
                        .any(|extreme| (extreme.value - near).abs() < 1e-8),
                    "{near}"
                );
                let mut before = (jets(from), from);
                let mut turns = [0.0; 2];
                for step in 1..4000 {
                    let x = from + toward * 0.005 * f64::from(step);
                    let jet = jets(x);
                    let rises = [
                        jet.slope.0[0] - before.0.slope.0[0],
                        jet.bend.0[0] - before.0.bend.0[0],
                    ];
                    for (turn, rise) in turns.iter_mut().zip(rises) {
                        assert!(*turn * rise >= 0.0, "monotone on a side: {x}");
                        *turn = if rise == 0.0 { *turn } else { rise };
                    }
                    before = (jet, x);
                }
            }
            let over = |lo: f64, hi: f64| {
                let [lo, hi] = [lo, hi].map(Lanes::splat);
                C::ranges(Range { lo, hi }).bend
            };
            let both = over(-0.5, 0.5);
            for side in [-0.25, -1e-12, 1e-12, 0.25] {
                let bend = jets(side).bend.0[0];
                assert!(both.lo.0[0] <= bend && bend <= both.hi.0[0]);
            }
        }
        holds::<Elu>();
        holds::<Softsign>();
        holds::<SquaredRelu>();
    }

    fn agree<C: Curve>(activation: Activation) {
        agree_near::<C>(activation);
        for x in [1e3, 1e30, 1e300, f64::INFINITY] {
            let (left, right) = (C::jet(Lanes::splat(-x)), C::jet(Lanes::splat(x)));
            for jet in [left, right] {
                assert!(!jet.value.0[0].is_nan() && jet.slope.0[0].is_finite());
                assert!(jet.bend.0[0].abs() < 1e-8, "{activation}''({x})");
            }
            let limit: f64 = activation.at(x);
            let value = right.value.0[0];
            let near = (value - limit).abs() <= VALUE_ERROR * (1.0 + limit.abs());
            assert!(
                limit.is_nan() || value == limit || near,
                "{activation}({x})"
            );
        }
    }

    fn agree_near<C: Curve>(activation: Activation) {
        for i in -400..400 {
            let x = f64::from(i) * 0.05 + 0.013;
            let jet = C::jet(Lanes::splat(x));
            let (value, slope): (f64, f64) = (activation.at(x), activation.derivative(x));
            assert!(
                (jet.value.0[0] - value).abs() <= VALUE_ERROR * (1.0 + value.abs()),
                "{activation}({x})"
            );
            assert!(
                (jet.slope.0[0] - slope).abs() <= SLOPE_ERROR,
                "{activation}'({x})"
            );
            let bend = (activation.derivative(x + 1e-5) - activation.derivative(x - 1e-5)) / 2e-5;
            assert!((jet.bend.0[0] - bend).abs() < 1e-8, "{activation}''({x})");
        }
    }

    #[test]
    fn jets_agree_with_the_activations() {
        agree::<Silu>(Activation::Silu);
        agree::<Gelu>(Activation::Gelu);
        agree::<GeluTanh>(Activation::GeluTanh);
        agree::<Tanh>(Activation::Tanh);
        agree::<Sigmoid>(Activation::Sigmoid);
        agree::<Softplus>(Activation::Softplus);
        agree::<Mish>(Activation::Mish);
        agree::<Elu>(Activation::Elu(Parameter::new(1.0)));
        agree::<Softsign>(Activation::Softsign);
        agree_near::<SquaredRelu>(Activation::SquaredRelu);
    }

    #[test]
    fn ranges_hold_every_value() {
        let over = Range {
            lo: Lanes::splat(-3.0),
            hi: Lanes::splat(2.0),
        };
        let ranges = Silu::ranges(over);
        for i in 0..=5000 {
            let jet = Silu::jet(Lanes::splat(-3.0 + f64::from(i) * 1e-3));
            for (range, value) in [
                (ranges.value, jet.value),
                (ranges.slope, jet.slope),
                (ranges.bend, jet.bend),
            ] {
                assert!(range.lo.0[0] <= value.0[0] && value.0[0] <= range.hi.0[0]);
            }
        }
    }
}
