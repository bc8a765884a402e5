//! One neuron: how far its activation, and the difference of two, may be from lines.
//!
//! The log names ranges of z and δ, in which those found here must lie, and slopes α, p, q.
//! For whatever slopes, the ranges of
//!
//! ```text
//! σ(z) − α z        and        σ(z + δ) − σ(z) − p δ − q z
//! ```
//!
//! over the ranges of z and δ are computed here; nothing of a line is believed. In what follows m and n are places near the middles, z = m + u, δ = n + y.

use crate::curve::Curve;
use crate::interval::I;

/// Where a neuron's value and its difference between the networks may be.
pub(crate) struct Relaxed {
    /// σ(z) − α z
    pub value_rest: I,
    /// σ(z + δ) − σ(z) − p δ − q z
    pub change_rest: I,
    /// σ(z)
    pub value: I,
    /// σ(z + δ) − σ(z)
    pub change: I,
}

/// What the log says of a neuron in a leaf.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hint {
    /// What it reads in the original.
    pub z: I,
    /// By how much more it reads in the pruned.
    pub d: I,
    pub slopes: Slopes,
}

/// Slopes of lines.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slopes {
    pub alpha: f64,
    pub p: f64,
    pub q: f64,
}

pub(crate) fn relaxed(curve: Curve, z: I, d: I, by: Slopes) -> Relaxed {
    let finite = [z.lo, z.hi, d.lo, d.hi].iter().all(|x| x.is_finite());
    match curve {
        _ if !finite => {
            Relaxed { value_rest: I::WHOLE, change_rest: I::WHOLE, value: I::WHOLE, change: I::WHOLE }
        }
        Curve::Identity => Relaxed {
            value_rest: z * (I::point(1.0) - I::point(by.alpha)),
            change_rest: d * (I::point(1.0) - I::point(by.p)) - z * by.q,
            value: z,
            change: d,
        },
        Curve::Relu => relu(z, d, by),
        _ => smooth(curve, z, d, by),
    }
}

/// Both are linear between the places where z or z + δ pass 0, so that their extremes are
/// at corners of the pieces.
fn relu(z: I, d: I, by: Slopes) -> Relaxed {
    let positive = |x: I| I::new(x.lo.max(0.0), x.hi.max(0.0));
    let value_at = |z: f64| I::point(z.max(0.0)) - I::point(z) * by.alpha;
    let mut value_rest = value_at(z.lo).hull(value_at(z.hi));
    if z.lo < 0.0 && 0.0 < z.hi {
        value_rest = value_rest.hull(I::ZERO);
    }
    let mut corners = Vec::with_capacity(11);
    for zs in [z.lo, z.hi, 0.0] {
        corners.extend([d.lo, d.hi, -zs].map(|ds| (zs, ds)));
    }
    corners.extend([(-d.lo, d.lo), (-d.hi, d.hi)]);
    corners.retain(|(zs, ds)| z.lo <= *zs && *zs <= z.hi && d.lo <= *ds && *ds <= d.hi);
    let step = |zs: f64, ds: f64| positive(I::point(zs) + I::point(ds)) - I::point(zs.max(0.0));
    let over = |f: &dyn Fn(f64, f64) -> I| {
        let all = corners.iter().map(|(zs, ds)| f(*zs, *ds));
        all.reduce(I::hull).unwrap_or(I::WHOLE)
    };
    Relaxed {
        value_rest,
        change_rest: over(&|zs, ds| step(zs, ds) - I::point(ds) * by.p - I::point(zs) * by.q),
        value: positive(z),
        change: over(&step),
    }
}

fn smooth(curve: Curve, z: I, d: I, by: Slopes) -> Relaxed {
    let [value, slope_z, bend_z] = curve.range(z);
    // Between z and z + δ.
    let [_, slope, bend] = curve.range(z.hull(z + d));
    let (m, n) = (z.mid(), d.mid());
    let (u, y) = (z - I::point(m), d - I::point(n));
    let at = curve.at(m);
    let value_rest = {
        let taylor =
            at[0] - I::point(m) * by.alpha + (at[1] - I::point(by.alpha)) * u + bend_z * u.square() * 0.5;
        let mean = at[0] - I::point(m) * by.alpha + (slope_z - I::point(by.alpha)) * u;
        taylor.meet(mean)
    };
    let by_mean = (slope - I::point(by.p)) * d - z * by.q;
    let change_rest = by_mean.meet(by_slope(curve, [z, d], [u, y], bend, by)).meet(by_values(
        curve,
        [z, d],
        [u, y],
        [bend, bend_z],
        by,
    ));
    Relaxed { value_rest, change_rest, value: value.meet(at[0] + slope_z * u), change: slope * d }
}

/// σ(z + δ) − σ(z) = s δ with s = ∫ σ′(z + tδ) dt; its derivatives by z and δ are ∫ σ″ and
/// ∫ t σ″, so that s = s(m, n) + A u + B y/2 with A and B in the range of σ″, and by the
/// midpoint rule s(m, n) = σ′(m + n/2) + n²/24 σ‴.
fn by_slope(curve: Curve, [z, d]: [I; 2], [u, y]: [I; 2], bend: I, by: Slopes) -> I {
    let (m, n) = (z.mid(), d.mid());
    let a = bend.mid();
    let third = I::around_zero(curve.third());
    let half = m + 0.5 * n;
    // `half` is rounded: σ′ there is that at m + n/2 up to the bend, at most 1, times the rounding.
    let place = (I::point(m) + I::point(n) * 0.5) - I::point(half);
    let slope = curve.at(half)[1] + place * I::new(-1.0, 1.0) + (third * I::point(n).square()).over(24.0);
    let rest = (bend - I::point(a)) * u + (bend - I::point(a)) * y * 0.5;
    let (an, n, m) = (I::point(a) * n, I::point(n), I::point(m));
    let constant = n * slope - n * by.p - m * by.q;
    constant
        + (slope + an * 0.5 - I::point(by.p)) * y
        + (an - I::point(by.q)) * u
        + (u * y + y.square() * 0.5) * a
        + rest * d
}

/// Taylor's of t ↦ σ(m + n + t(u + y)) − σ(m + tu): at one t in the rest, A = σ″ in the pruned
/// and B = σ″ in the original, at places no further apart than |δ|.
fn by_values(curve: Curve, [z, d]: [I; 2], [u, y]: [I; 2], [bend, bend_z]: [I; 2], by: Slopes) -> I {
    let (m, n) = (z.mid(), d.mid());
    let moved = m + n;
    // As above: `moved` is rounded.
    let off = I::point(m) + I::point(n) - I::point(moved);
    let (before, after) = (curve.at(m), curve.at(moved));
    let value = after[0] + off * (after[1] + off * I::new(-1.0, 1.0));
    let slope = after[1] + off * I::new(-1.0, 1.0);
    let apart = (bend - bend_z).meet(I::around_zero((I::point(curve.third()) * d.magnitude()).hi));
    let constant = value - before[0] - I::point(n) * by.p - I::point(m) * by.q;
    constant
        + (slope - I::point(by.p)) * y
        + (slope - before[1] - I::point(by.q)) * u
        + apart * u.square() * 0.5
        + bend * (u * y + y.square() * 0.5)
}
