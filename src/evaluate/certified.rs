//! Which edges stay on their side of a circuit whatever few samples are deleted or replaced?
//!
//! A discovery is *smoothed*: it is repeated on samples each of which is deleted with
//! probability `p`, and the smoothed circuit has the edges that more than half of such
//! discoveries have. Of a data set that lacks r of the samples, a draw is one of the
//! original's in which those r were deleted, which happens with probability q = pʳ.
//! So its inclusion probability is at least (P − (1 − q)) / q, P that of the original; and
//! where r samples are replaced, at least P − (1 − q). An edge keeps its side while that
//! exceeds ½; of edges that are out, the same holds of 1 − P. P is bounded by the draws
//! (Clopper & Pearson 1934), for all edges together (Bonferroni).
//!
//! Sources: Huang et al. 2023, arXiv 2302.01757 (smoothing by deletions), Anani et al.
//! 2026, arXiv 2602.22968 (of circuits).

use std::collections::BTreeMap;
use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::stability::{chosen, inclusion};
use crate::numeric::Rng;
use crate::patch::EdgeSet;

/// The probability with which a sample is deleted.
pub const DELETION: f64 = 0.8;

/// Draws of samples that are left.
pub const DRAWS: usize = 2000;

/// The probability at most that any bound on any edge is wrong.
pub const ALPHA: f64 = 0.05;

/// The stream that deletions are drawn from.
const STREAM: u64 = 73;

/// What is certified of an edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// The share of draws whose circuit has it.
    pub share: f64,
    /// Bounds on its inclusion probability.
    pub bounds: [f64; 2],
    /// Whether it is in the smoothed circuit; `None`: abstained, the bounds allow both.
    pub inside: Option<bool>,
    /// Samples that may be deleted, whichever, before it could change sides.
    pub deleted: usize,
    /// Samples that may be replaced by any others.
    pub replaced: usize,
}

/// Certificates of all edges, by number: `each: [samples, edges]` are effects sample by
/// sample, `choose` gives the circuit of a sum of effects. `None` for fewer than two samples.
///
/// Complexity: O(draws · samples · edges) multiplications, and `choose` once a draw.
#[must_use]
pub fn certified(
    each: ArrayView2<'_, f64>,
    draws: usize,
    seed: u64,
    choose: impl Fn(&[f64]) -> EdgeSet + Sync,
) -> Option<Vec<Certificate>> {
    if each.nrows() < 2 {
        return None;
    }
    let shares = smoothed(each, draws, seed, choose);
    let alpha = ALPHA / (2 * each.ncols().max(1)) as f64;
    let mut known: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
    let of_share = |share: &f64| {
        let times = (share * draws as f64).round() as usize;
        let bounds = known
            .entry(times)
            .or_insert_with(|| clopper_pearson(times, draws, alpha));
        Certificate::new(*share, *bounds, each.nrows())
    };
    Some(shares.iter().map(of_share).collect())
}

/// The share of draws whose circuit has each edge.
#[must_use]
pub fn smoothed(
    each: ArrayView2<'_, f64>,
    draws: usize,
    seed: u64,
    choose: impl Fn(&[f64]) -> EdgeSet + Sync,
) -> Vec<f64> {
    let left = |block: Range<usize>| {
        let mut left = Array2::zeros((block.len(), each.nrows()));
        for (mut row, draw) in left.rows_mut().into_iter().zip(block) {
            let mut rng = Rng::new(seed.wrapping_add(draw as u64), STREAM);
            row.mapv_inplace(|_: f64| f64::from(u8::from(rng.uniform() >= DELETION)));
        }
        left
    };
    let circuits = chosen(each, draws, left, choose);
    let circuits: Vec<&EdgeSet> = circuits.iter().collect();
    inclusion(&circuits, each.ncols())
}

impl Certificate {
    fn new(share: f64, bounds: [f64; 2], samples: usize) -> Self {
        let [low, high] = bounds;
        // What the bounds leave to the other side.
        let (inside, other) = match (low > 0.5, high < 0.5) {
            (true, _) => (Some(true), 1.0 - low),
            (_, true) => (Some(false), high),
            _ => (None, 1.0),
        };
        // (P − (1 − q)) / q > ½ and P − (1 − q) > ½, solved for q = pʳ.
        let [deleted, replaced] = [2.0 * other, 0.5 + other].map(|least| radius(least, samples));
        Self {
            share,
            bounds,
            inside,
            deleted,
            replaced,
        }
    }
}

/// The largest r with pʳ above `least`, all samples at most.
fn radius(least: f64, samples: usize) -> usize {
    let mut radius = 0;
    let mut q = DELETION;
    while radius < samples && q > least {
        radius += 1;
        q *= DELETION;
    }
    radius
}

/// The interval of a probability of which `times` of `n` draws came true; either bound is
/// wrong with probability at most `alpha`. Source: Clopper & Pearson 1934.
#[must_use]
pub fn clopper_pearson(times: usize, n: usize, alpha: f64) -> [f64; 2] {
    let low = match times {
        0 => 0.0,
        _ => root(|p| at_least(times, n, p) <= alpha),
    };
    let high = match n - times {
        0 => 1.0,
        left => 1.0 - root(|p| at_least(left, n, p) <= alpha),
    };
    [low, high]
}

/// The largest probability at which something still holds that fails at 1 and, once it
/// fails, fails for all above.
fn root(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match holds(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

/// Probability that at least `times` of `n` draws come true, of probability `p` each.
fn at_least(times: usize, n: usize, p: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    // ln of the term at k, from k = 0 on.
    let (mut term, mut sum) = (n as f64 * (-p).ln_1p(), 0.0);
    for k in 0..=n {
        if k >= times {
            sum += term.exp();
        }
        term += ((n - k) as f64 / (k + 1) as f64).ln() + p.ln() - (-p).ln_1p();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::strongest;
    use crate::order;

    /// Clopper & Pearson's table: 0 of 10 at 2.5 % gives (0, 0.3085), 5 of 10 (0.1871, 0.8129).
    #[test]
    fn intervals_as_published() {
        let [low, high] = clopper_pearson(0, 10, 0.025);
        assert!(low == 0.0 && (high - 0.3085).abs() < 1e-4, "{high}");
        let [low, high] = clopper_pearson(5, 10, 0.025);
        assert!((low - 0.1871).abs() < 1e-4 && (high - 0.8129).abs() < 1e-4);
        // α = pⁿ where all came true.
        let [low, _] = clopper_pearson(1000, 1000, 1e-4);
        assert!((low - 1e-4_f64.powf(1e-3)).abs() < 1e-9);
    }

    /// At a lower bound of 0.99 an edge keeps its side while 0.8ʳ > 0.02 (r = 17), and
    /// with replaced samples while 0.8ʳ > 0.51 (r = 3).
    #[test]
    fn radii_worked_out_by_hand() {
        let sure = Certificate::new(1.0, [0.99, 1.0], 100);
        assert_eq!(
            (sure.inside, sure.deleted, sure.replaced),
            (Some(true), 17, 3)
        );
        let out = Certificate::new(0.0, [0.0, 0.01], 100);
        assert_eq!(
            (out.inside, out.deleted, out.replaced),
            (Some(false), 17, 3)
        );
        assert_eq!(Certificate::new(1.0, [0.99, 1.0], 5).deleted, 5);
        let open = Certificate::new(0.5, [0.4, 0.6], 100);
        assert_eq!((open.inside, open.deleted), (None, 0));
    }

    /// Effects of `samples` samples: the first half of the edges stronger, each by its own
    /// step, all with noise.
    fn effects(samples: usize, edges: usize, rng: &mut Rng) -> Array2<f64> {
        Array2::from_shape_fn((samples, edges), |(_, edge)| {
            2.0 * (edges - edge) as f64 / edges as f64 + rng.normal()
        })
    }

    /// Greedy deletion: of an edge that is in, the samples go that speak most for it against
    /// the edges of the other side; of one that is out, those that speak most against it.
    /// No certified edge changes sides in 10,000 tries.
    #[test]
    fn no_deletion_within_the_radius_breaks_a_certificate() {
        const TRIES: usize = 10_000;
        // Where few draws put the edge on the other side, many decide.
        const FEW: usize = 60;
        const MANY: usize = 20_000;
        let (mut tries, mut broken, mut seed) = (0, 0, 0);
        while tries < TRIES {
            seed += 1;
            let each = effects(40, 12, &mut Rng::new(seed, 1));
            let choose = |scores: &[f64]| strongest(scores, 5);
            let certificates = certified(each.view(), 400, seed, choose).unwrap();
            let mean = each.mean_axis(ndarray::Axis(1)).unwrap();
            for (edge, certificate) in certificates.iter().enumerate() {
                let Some(inside) = certificate.inside.filter(|_| certificate.deleted > 0) else {
                    continue;
                };
                let sign = if inside { 1.0 } else { -1.0 };
                let speaks = |sample: usize| sign * (each[[sample, edge]] - mean[sample]);
                let mut order: Vec<usize> = (0..each.nrows()).collect();
                order::descending(&mut order, |one| speaks(*one));
                let left = each.select(ndarray::Axis(0), &order[certificate.deleted..]);
                let breaks = |draws: usize, seed: u64| {
                    let share = smoothed(left.view(), draws, seed, choose)[edge];
                    (share > 0.5) != inside
                };
                tries += 1;
                broken += usize::from(breaks(FEW, seed + 7) && breaks(MANY, seed + 1_000_000));
            }
        }
        assert_eq!(broken, 0, "of {tries}");
    }
}
