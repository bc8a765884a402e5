//! One neuron: its activation and the difference of two activations as lines
//! with a stated error.
//!
//! For every z and δ of the given ranges, as real numbers,
//!
//! ```text
//! | σ(z)            − (alpha · z + shift)               | ≤ gamma
//! | σ(z + δ) − σ(z) − (p · δ + q · z + change_shift)    | ≤ change_gamma
//! ```
//!
//! Three ways to the second, of which the tightest is taken lane by lane. The
//! mean value theorem: σ(z+δ) − σ(z) = s·δ with s a slope between z and z + δ. One
//! order further: s = ∫₀¹ σ′(z + tδ) dt has the derivatives ∫σ″ by z and ∫tσ″ by
//! δ, so it is itself a line in z and δ with an error that falls as the ranges
//! narrow, and the product with δ keeps its linear part. And Taylor's of both
//! activations, which is exact where the ranges are points. The last two make the
//! bound of a box converge with the square of the box's width. ReLU is taken
//! exactly.

use super::curve::{Curve, Jet, Range, SLOPE_ERROR, VALUE_ERROR};
use crate::numeric::{LANES, Lanes};

/// Covers a few thousand roundings of sums of non-negative numbers, relatively.
pub(super) const UP: f64 = 1.0 + 1.0 / (1_u64 << 40) as f64;
/// Covers a dozen roundings, relative to the sum of the absolute values.
pub(super) const DOZEN: f64 = 1.0 / (1_u64 << 49) as f64;
/// Covers what underflows, in the result itself or, times the largest value it
/// can meet, in a coefficient: the smallest number is 2⁻¹⁰⁷⁴ ≈ 5e-324, so that
/// there is room for 10²³ such losses.
pub(super) const TINY: f64 = 1e-300;

/// The two lines of a neuron and where they hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Relaxation {
    pub alpha: Lanes,
    pub shift: Lanes,
    pub gamma: Lanes,
    pub p: Lanes,
    pub q: Lanes,
    pub change_shift: Lanes,
    pub change_gamma: Lanes,
    /// Largest |z|, largest |δ|.
    pub reach: [Lanes; 2],
}

impl Relaxation {
    /// The same lines with slopes that are numbers of f32, as proof logs hold them: what
    /// rounding a slope moves at the middles goes into the shift, the rest into the error.
    #[inline(always)]
    pub fn rounded(mut self, z: Range, d: Range) -> Self {
        let (z, d) = (Ball::of(z), Ball::of(d));
        let single = |x: f64| f64::from(x as f32);
        let moved = |slope: &mut Lanes, at: Ball| {
            let rounded = slope.map(single);
            let off = *slope - rounded;
            *slope = rounded;
            let place = off * at.mid;
            (place, off.abs() * at.radius + place.abs() * DOZEN)
        };
        let (value, value_error) = moved(&mut self.alpha, z);
        let (by_change, change_error) = moved(&mut self.p, d);
        let (by_value, more) = moved(&mut self.q, z);
        self.shift += value;
        self.gamma = (self.gamma + value_error + self.shift.abs() * DOZEN) * UP;
        self.change_shift += by_change + by_value;
        self.change_gamma =
            (self.change_gamma + change_error + more + self.change_shift.abs() * DOZEN) * UP;
        self
    }
}

/// A neuron's lines, and the ranges of σ(z) and σ(z + δ) − σ(z).
pub(super) struct Relaxed {
    pub lines: Relaxation,
    pub value: Range,
    pub change: Range,
}

/// Centre and radius of a range: every member is within the radius.
#[derive(Clone, Copy)]
struct Ball {
    mid: Lanes,
    radius: Lanes,
}

impl Ball {
    #[inline(always)]
    fn of(range: Range) -> Self {
        let mid = range.lo * 0.5 + range.hi * 0.5;
        let radius = (range.hi - mid).max(mid - range.lo);
        Self {
            mid,
            radius: radius * UP + TINY,
        }
    }

    #[inline(always)]
    fn reach(self) -> Lanes {
        (self.mid.abs() + self.radius) * UP
    }
}

/// Lines of a smooth activation.
#[inline(always)]
pub(super) fn smooth<C: Curve>(z: Range, d: Range) -> Relaxed {
    let ranges = C::ranges(C::hull(z, d));
    let (zb, db) = (Ball::of(z), Ball::of(d));
    let (slope, bend) = (Ball::of(ranges.slope), Ball::of(ranges.bend));
    let mut lines = Relaxation {
        reach: [zb.reach(), db.reach()],
        ..Relaxation::default()
    };
    let at = C::jet(zb.mid);
    value_line(&mut lines, at, zb, slope, ranges.bend);
    change_line::<C>(&mut lines, at, zb, db, slope, bend);
    Relaxed {
        lines,
        value: ranges.value,
        change: product(ranges.slope, d),
    }
}

/// σ(z) about the middle of z: by Taylor with the bend in the remainder, or by
/// the mean value theorem with the range of the slope.
#[inline(always)]
fn value_line(lines: &mut Relaxation, jet: Jet, z: Ball, slope: Ball, bend: Range) {
    let half_square = z.radius * z.radius * 0.5;
    let above = bend.hi.max(Lanes::ZERO) * half_square;
    let below = bend.lo.min(Lanes::ZERO) * half_square;
    let taylor = (above - below) * 0.5 + z.radius * SLOPE_ERROR;
    let mean = slope.radius * z.radius;
    let alpha = Lanes::where_less(taylor, mean, jet.slope, slope.mid);
    let centre = Lanes::where_less(taylor, mean, (above + below) * 0.5, Lanes::ZERO);
    let rounding = (jet.value.abs() + (alpha * z.mid).abs() + centre.abs() + above - below) * DOZEN
        + (jet.value.abs() + 1.0) * VALUE_ERROR;
    lines.alpha = alpha;
    lines.shift = jet.value - alpha * z.mid + centre;
    lines.gamma = (Lanes::where_less(taylor, mean, taylor, mean) + rounding) * UP + TINY;
}

/// A candidate for the line of the change.
#[derive(Clone, Copy)]
struct ChangeLine {
    p: Lanes,
    q: Lanes,
    shift: Lanes,
    gamma: Lanes,
}

impl ChangeLine {
    /// Lane by lane the one with the smaller error.
    #[inline(always)]
    fn tighter(self, other: Self) -> Self {
        let pick = |a: Lanes, b: Lanes| Lanes::where_less(self.gamma, other.gamma, a, b);
        Self {
            p: pick(self.p, other.p),
            q: pick(self.q, other.q),
            shift: pick(self.shift, other.shift),
            gamma: pick(self.gamma, other.gamma),
        }
    }
}

/// The tightest of the three lines; `at` is the jet at the middle of z.
#[inline(always)]
fn change_line<C: Curve>(
    lines: &mut Relaxation,
    at: Jet,
    z: Ball,
    d: Ball,
    slope: Ball,
    bend: Ball,
) {
    let [z_reach, d_reach] = lines.reach;
    let mean = ChangeLine {
        p: slope.mid,
        q: Lanes::ZERO,
        shift: Lanes::ZERO,
        gamma: slope.radius * d_reach,
    };
    // What q, or a point, loses by underflow or rounding, times what it meets.
    let lost = z_reach * TINY + (z.mid.abs() + d.mid.abs()) * DOZEN * d_reach;
    let best = by_slope::<C>(z, d, bend, lines.reach, lost)
        .tighter(by_values::<C>(at, z, d, bend, lines.reach))
        .tighter(mean);
    lines.p = best.p;
    lines.q = best.q;
    lines.change_shift = best.shift;
    lines.change_gamma = best.gamma * UP + TINY;
}

/// s δ, with the slope s a line.
///
/// With u, y the distances from the middles m and n, s = s(m, n) + A u + B y/2,
/// A and B in the range of the bend, and s(m, n) = σ′(m + n/2) + n²/24 · σ‴; where the bend
/// jumps, off by the half width of its range times ∫₀¹ |t − ½| dt · |n|, a quarter of |n|.
#[inline(always)]
fn by_slope<C: Curve>(z: Ball, d: Ball, bend: Ball, reach: [Lanes; 2], lost: Lanes) -> ChangeLine {
    let point = z.mid + d.mid * 0.5;
    let s = C::jet(point).slope;
    let a = bend.mid;
    let s_error = match C::THIRD.is_finite() {
        true => d.mid * d.mid * (C::THIRD / 24.0) + SLOPE_ERROR,
        false => d.mid.abs() * bend.radius * 0.25 + SLOPE_ERROR,
    };
    let s_radius = bend.radius * (z.radius + d.radius * 0.5) + s_error;
    let square = d.radius * d.radius;
    let q = a * d.mid;
    let rounding = reach[1] * (a.abs() * d.mid.abs() + 2.0)
        + q.abs() * (reach[0] + d.mid.abs())
        + a.abs() * square;
    ChangeLine {
        p: s + q * 0.5,
        q,
        shift: a * square * 0.25 - q * point,
        gamma: s_radius * reach[1]
            + a.abs() * (z.radius * d.radius + square * 0.25)
            + rounding * DOZEN
            + lost,
    }
}

/// Taylor of both activations: σ(m + n) − σ(m) + σ′(m + n) (u + y) − σ′(m) u.
///
/// The remainder is ½ (A − B) u² + A (u y + ½ y²) with A and B bends whose places
/// are at most |δ| apart, so |A − B| ≤ max |σ‴| · |δ| beside the range's width.
#[inline(always)]
fn by_values<C: Curve>(at: Jet, z: Ball, d: Ball, bend: Ball, reach: [Lanes; 2]) -> ChangeLine {
    let point = z.mid + d.mid;
    let moved = C::jet(point);
    let q = moved.slope - at.slope;
    let apart = match C::THIRD.is_finite() {
        true => (bend.radius * 2.0).min(reach[1] * C::THIRD),
        false => bend.radius * 2.0,
    };
    let largest = bend.mid.abs() + bend.radius;
    let cross = z.radius * d.radius + d.radius * d.radius * 0.5;
    let values = (moved.value.abs() + at.value.abs() + 2.0) * VALUE_ERROR;
    let slopes = (z.radius * 2.0 + d.radius) * SLOPE_ERROR;
    let place = (z.mid.abs() + d.mid.abs()) * (largest * (z.radius + d.radius) + 2.0);
    let terms = moved.value.abs() + at.value.abs() + d.mid.abs() * 2.0 + (q * z.mid).abs();
    ChangeLine {
        p: moved.slope,
        q,
        shift: moved.value - at.value - moved.slope * d.mid - q * z.mid,
        gamma: apart * z.radius * z.radius * 0.5
            + largest * cross
            + values
            + slopes
            + (place + terms) * DOZEN,
    }
}

/// The range of the products of members, rounded outward.
#[inline(always)]
fn product(a: Range, b: Range) -> Range {
    let (w, x, y, z) = (a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi);
    let (lo, hi) = (w.min(x).min(y.min(z)), w.max(x).max(y.max(z)));
    Range {
        lo: lo - lo.abs() * DOZEN - TINY,
        hi: hi + hi.abs() * DOZEN + TINY,
    }
}

/// Lines of the identity.
#[inline(always)]
pub(super) fn identity(z: Range, d: Range) -> Relaxed {
    let one = Lanes::splat(1.0);
    Relaxed {
        lines: Relaxation {
            alpha: one,
            p: one,
            reach: [Ball::of(z).reach(), Ball::of(d).reach()],
            ..Relaxation::default()
        },
        value: z,
        change: d,
    }
}

/// Lines of `max(x, 0)`.
#[inline(always)]
pub(super) fn relu(z: Range, d: Range) -> Relaxed {
    let mut out = identity(z, d);
    let zero = Lanes::ZERO;
    let rounding = (out.lines.reach[0] + out.lines.reach[1]) * DOZEN + TINY;
    for i in 0..LANES {
        let (z, d) = ([z.lo.0[i], z.hi.0[i]], [d.lo.0[i], d.hi.0[i]]);
        let margin = rounding.0[i];
        let (alpha, [lo, hi]) = relu_line(z);
        set_line(&mut out.lines, i, alpha, [lo, hi], margin);
        let (p, change, [lo, hi]) = relu_change(z, d, margin);
        out.lines.p.0[i] = p;
        out.lines.change_shift.0[i] = 0.5 * lo + 0.5 * hi;
        out.lines.change_gamma.0[i] = (hi - lo) * 0.5 * UP + 4.0 * margin;
        (out.change.lo.0[i], out.change.hi.0[i]) = (change[0], change[1]);
    }
    out.value.lo = out.value.lo.max(zero);
    out.value.hi = out.value.hi.max(zero);
    out
}

fn set_line(lines: &mut Relaxation, i: usize, alpha: f64, [lo, hi]: [f64; 2], margin: f64) {
    lines.alpha.0[i] = alpha;
    lines.shift.0[i] = 0.5 * lo + 0.5 * hi;
    lines.gamma.0[i] = (hi - lo) * 0.5 * UP + 4.0 * margin;
}

/// The chord's slope α and the range of max(z, 0) − α z.
fn relu_line([lo, hi]: [f64; 2]) -> (f64, [f64; 2]) {
    if lo >= 0.0 {
        (1.0, [0.0, 0.0])
    } else if hi <= 0.0 {
        (0.0, [0.0, 0.0])
    } else {
        let alpha = hi / (hi - lo);
        (alpha, [0.0, (-alpha * lo).max(hi - alpha * hi)])
    }
}

/// A slope p, the range of c = max(z+δ, 0) − max(z, 0), and that of c − p δ.
///
/// c rises with δ; it rises with z for δ > 0 and falls for δ < 0, so its range
/// is taken at corners. Always c = s δ with s in [0, 1].
fn relu_change(z: [f64; 2], d: [f64; 2], margin: f64) -> (f64, [f64; 2], [f64; 2]) {
    if z[0] >= 0.0 && z[0] + d[0] >= margin {
        return (1.0, d, [0.0, 0.0]);
    }
    if z[1] <= 0.0 && z[1] + d[1] <= -margin {
        return (0.0, [0.0, 0.0], [0.0, 0.0]);
    }
    let step = |z: f64, d: f64| (z + d).max(0.0) - z.max(0.0);
    let lo = step(if d[0] < 0.0 { z[1] } else { z[0] }, d[0]) - 4.0 * margin;
    let hi = step(if d[1] > 0.0 { z[1] } else { z[0] }, d[1]) + 4.0 * margin;
    let half = 0.5 * d[1].abs().max(d[0].abs());
    if hi - lo < 2.0 * half {
        (0.0, [lo, hi], [lo, hi])
    } else {
        (0.5, [lo, hi], [-half, half])
    }
}
