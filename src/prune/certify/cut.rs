//! Half-spaces: the part of a box where an answer may still be another.
//!
//! Where a line is known that lies below a lead everywhere, the lead can only be lost where the
//! line is not positive: a half-space of the inputs. Whatever else is bounded for the sake of
//! that question need hold only there. A line's least value in a box and a half-space is, by
//! duality, at least
//!
//! ```text
//! min over the box of (line + λ · (half-space's left side)),   for every λ ≥ 0,
//! ```
//!
//! so that λ need not be the best one for the bound to be true. That regions without a
//! counterexample are cut off so is known as clipping (Zhou et al. 2025, Clip-and-Verify) and,
//! with the specification in the dual, from Kotha et al. (2023, INVPROP).

use super::backward::Line;
use super::curve::Range;
use super::relax::{DOZEN, TINY, UP};
use crate::numeric::Lanes;

/// Halvings of the range in which λ is looked for.
const HALVINGS: usize = 12;
/// The range, in units of the ratio of the two lines' slopes.
const LARGEST: f64 = 4.0;

/// `at + Σ slope · ε ≤ 0`, with ε from −1 to 1 along each symbol; everything where all are 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Cut {
    /// The constant.
    pub at: Lanes,
    /// Per symbol.
    pub slopes: Vec<Lanes>,
}

/// Σ|a + λ b|
#[inline(always)]
fn sum_of(a: &[Lanes], b: &[Lanes], lambda: Lanes) -> Lanes {
    let pairs = a.iter().zip(b);
    pairs.fold(Lanes::ZERO, |sum, (a, b)| sum + (*a + *b * lambda).abs())
}

fn absolute(slopes: &[Lanes]) -> Lanes {
    slopes.iter().fold(Lanes::ZERO, |sum, s| sum + s.abs())
}

impl Cut {
    /// From where to where `centre + Σ slope · ε ± radius` may be within it.
    #[inline(always)]
    pub fn range(&self, centre: Lanes, slopes: &[Lanes], radius: Lanes) -> Range {
        let reach = (absolute(slopes) + radius) * UP + centre.abs() * DOZEN + TINY;
        let (lo, hi) = (centre - reach, centre + reach);
        if self.slopes.iter().all(|slope| *slope == Lanes::ZERO) {
            return Range { lo, hi };
        }
        // What is no number is not taken: the second of the two remains.
        Range {
            lo: self.least(centre, slopes, radius, 1.0).max(lo),
            hi: (-self.least(-centre, slopes, radius, -1.0)).min(hi),
        }
    }

    /// A lower bound of `centre + sign · Σ slope · ε − radius`.
    #[inline(always)]
    fn least(&self, centre: Lanes, slopes: &[Lanes], radius: Lanes, sign: f64) -> Lanes {
        let lambda = self.multiplier(slopes, sign);
        // |sign · a + λ b| = |a + sign · λ b|
        let sum = sum_of(slopes, &self.slopes, lambda * sign);
        let moved = lambda * self.at;
        let rounding = absolute(slopes) + lambda * absolute(&self.slopes) + centre.abs();
        centre + moved - (sum + radius) * UP - (rounding + moved.abs()) * DOZEN - TINY
    }

    /// A λ near the one that gives the greatest bound: at it the bound's slope turns its sign.
    #[inline(always)]
    fn multiplier(&self, slopes: &[Lanes], sign: f64) -> Lanes {
        let (own, other) = (absolute(slopes), absolute(&self.slopes));
        let ratio = own.zip(other, |own, other| LARGEST * own / other);
        let mut hi = Lanes::where_less(Lanes::splat(TINY), other, ratio, Lanes::ZERO);
        let mut lo = Lanes::ZERO;
        for _ in 0..HALVINGS {
            let mid = (lo + hi) * 0.5;
            let mut rise = self.at;
            for (a, b) in slopes.iter().zip(&self.slopes) {
                let below = *a * sign + *b * mid;
                rise += Lanes::where_less(Lanes::ZERO, below, -*b, *b);
            }
            lo = Lanes::where_less(Lanes::ZERO, rise, mid, lo);
            hi = Lanes::where_less(Lanes::ZERO, rise, hi, mid);
        }
        lo.map(|x| if x.is_finite() { x } else { 0.0 })
    }

    /// In one lane, where a line that lies within `slack` below something positive is not positive.
    pub fn set(&mut self, lane: usize, (slopes, at): (&[f64], f64)) {
        self.at.0[lane] = at;
        for (all, slope) in self.slopes.iter_mut().zip(slopes) {
            all.0[lane] = *slope;
        }
    }

    /// Everything, of so many symbols.
    pub fn clear(&mut self, symbols: usize) {
        self.at = Lanes::ZERO;
        self.slopes.clear();
        self.slopes.resize(symbols, Lanes::ZERO);
    }
}

/// In one lane, slopes and constant of the half-space where what lies above a line may be at most
/// `limit`.
pub(super) fn at_most(line: &Line, lane: usize, limit: f64) -> (Vec<f64>, f64) {
    let (centre, radius) = (line.centre.0[lane], line.radius.0[lane]);
    let rounding = (centre.abs() + radius + limit.abs()) * DOZEN + TINY;
    let slopes = line.slopes.iter().map(|slope| slope.0[lane]);
    (slopes.collect(), centre - radius - limit - rounding)
}
