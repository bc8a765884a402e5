//! Would other samples have given the same circuit?
//!
//! A score that is a mean over samples is, over any resample of them, a product of
//! how often each sample is drawn with the effects sample by sample. So the whole
//! discovery is repeated without a run of the network: 1,000 bootstrap resamples
//! (Efron 1979) are one matrix product, and each row of it gives a circuit by the
//! rule that gave the circuit in question.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayViewMut1};
use pulp::{Arch, Simd, WithSimd};

use crate::numeric::{Rng, matmul_into, parallel};
use crate::patch::EdgeSet;

/// Resamples of the discovery.
pub const RESAMPLES: usize = 1000;

/// The share of resamples from which an edge is core.
pub const CORE: f64 = 0.95;
/// The share of resamples from which an edge is possible.
pub const POSSIBLE: f64 = 0.05;

/// Resamples whose scores are one product.
const BLOCK: usize = 50;

/// The stream that resamples come from.
const STREAM: u64 = 61;

/// How a discovery comes out over resamples of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    /// Resamples.
    pub resamples: usize,
    /// The share of resamples whose circuit has the edge, by edge number, in [0, 1].
    pub inclusion: Vec<f64>,
    /// Mean over all pairs of resamples of |both| / |either|, in [0, 1]; 1 for two
    /// circuits without edges.
    pub jaccard: f64,
}

/// Repeats a discovery over resamples of its samples: `each: [samples, edges]` are the
/// effects sample by sample, and `choose` gives the circuit of a sum of effects, by edge
/// number. `None` for fewer than two samples.
///
/// Complexity: O(resamples · samples · edges) multiplications, and `choose` once for
/// every resample; resamples run in parallel, and their number alone decides what is drawn.
#[must_use]
pub fn stability(
    each: ArrayView2<'_, f64>,
    resamples: usize,
    seed: u64,
    choose: impl Fn(&[f64]) -> EdgeSet + Sync,
) -> Option<Stability> {
    let (samples, edges) = each.dim();
    if samples < 2 || resamples < 2 {
        return None;
    }
    let circuits = chosen(
        each,
        resamples,
        |draws| counts(draws, samples, seed),
        choose,
    );
    let circuits: Vec<&EdgeSet> = circuits.iter().collect();
    Some(Stability {
        resamples,
        inclusion: inclusion(&circuits, edges),
        jaccard: mean_jaccard(&circuits),
    })
}

/// The circuits of `draws` sums of effects sample by sample, `counts` being how often each
/// draw of some has each sample, `[draws, samples]`. In parallel.
pub(super) fn chosen(
    each: ArrayView2<'_, f64>,
    draws: usize,
    counts: impl Fn(Range<usize>) -> Array2<f64> + Sync,
    choose: impl Fn(&[f64]) -> EdgeSet + Sync,
) -> Vec<EdgeSet> {
    let of_block = |block: usize| {
        let draws = block * BLOCK..draws.min((block + 1) * BLOCK);
        let mut scores = Array2::zeros((draws.len(), each.ncols()));
        matmul_into(scores.view_mut(), counts(draws).view(), each, false);
        let rows = scores.rows().into_iter();
        rows.map(|row| choose(&row.to_vec())).collect::<Vec<_>>()
    };
    let blocks = parallel::map(0..draws.div_ceil(BLOCK), of_block);
    blocks.into_iter().flatten().collect()
}

/// How often each sample is drawn, `[draws, samples]`; every draw has a stream of its own.
fn counts(draws: Range<usize>, samples: usize, seed: u64) -> Array2<f64> {
    let mut counts = Array2::zeros((draws.len(), samples));
    for (row, draw) in counts.rows_mut().into_iter().zip(draws) {
        resample(row, &mut Rng::new(seed.wrapping_add(draw as u64), STREAM));
    }
    counts
}

/// Counts a bootstrap resample: how often each sample is drawn.
pub(super) fn resample(mut counts: ArrayViewMut1<'_, f64>, rng: &mut Rng) {
    let samples = counts.len();
    (0..samples).for_each(|_| counts[rng.below(samples)] += 1.0);
}

/// The share of circuits that have each edge, in [0, 1].
pub(super) fn inclusion(circuits: &[&EdgeSet], edges: usize) -> Vec<f64> {
    let mut times = vec![0_usize; edges];
    for circuit in circuits {
        circuit.ones().for_each(|edge| times[edge] += 1);
    }
    let share = |times: usize| times as f64 / circuits.len().max(1) as f64;
    times.into_iter().map(share).collect()
}

/// The circuits without the edges that all or none of them have, renumbered, and how many
/// edges all have.
fn where_they_differ(circuits: &[&EdgeSet]) -> (Vec<EdgeSet>, usize) {
    let edges = circuits.iter().map(|c| c.len()).max().unwrap_or(0);
    let shares = inclusion(circuits, edges);
    let differing = shares.iter().map(|share| 0.0 < *share && *share < 1.0);
    let mut some = 0..;
    let places: Vec<Option<usize>> = differing
        .map(|is_some| is_some.then(|| some.next())?)
        .collect();
    let some = some.start;
    let of = |circuit: &&EdgeSet| {
        let mut set = EdgeSet::with_capacity(some);
        let kept = circuit.ones().filter_map(|edge| places[edge]);
        kept.for_each(|place| set.insert(place));
        set
    };
    let all = shares.iter().filter(|share| **share == 1.0).count();
    (circuits.iter().map(of).collect(), all)
}

/// How many members each of some sets has in common with one; all are of one length.
struct InBoth<'s>(&'s EdgeSet, &'s [EdgeSet]);

impl WithSimd for InBoth<'_> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<usize> {
        let Self(one, others) = self;
        let count = |other: &EdgeSet| {
            let words = one.as_slice().iter().zip(other.as_slice());
            words.map(|(a, b)| (a & b).count_ones() as usize).sum()
        };
        others.iter().map(count).collect()
    }
}

/// The mean Jaccard index of all pairs.
#[must_use]
pub fn mean_jaccard(circuits: &[&EdgeSet]) -> f64 {
    let sizes: Vec<usize> = circuits.iter().map(|c| c.count_ones(..)).collect();
    let (differing, all) = where_they_differ(circuits);
    let of_one = |one: usize| -> f64 {
        let others = &differing[one + 1..];
        let both = Arch::new().dispatch(InBoth(&differing[one], others));
        let both = both.into_iter().zip(&sizes[one + 1..]);
        both.map(|(both, size)| share(all + both, sizes[one] + size))
            .sum()
    };
    let rows: Vec<f64> = parallel::map(0..circuits.len(), of_one);
    let pairs = circuits.len() * circuits.len().saturating_sub(1) / 2;
    rows.iter().sum::<f64>() / pairs.max(1) as f64
}

/// |both| / |either| of two sets, in [0, 1]; 1 for two empty ones.
#[must_use]
pub fn jaccard(one: &EdgeSet, other: &EdgeSet) -> f64 {
    let sizes = one.count_ones(..) + other.count_ones(..);
    share(one.intersection_count(other), sizes)
}

/// The same of two sets that share `both` elements and have `sizes` together.
fn share(both: usize, sizes: usize) -> f64 {
    match sizes - both {
        0 => 1.0,
        either => both as f64 / either as f64,
    }
}

/// 95 % interval of a share of `n` independent draws, by Wilson's score (1927).
#[must_use]
pub fn wilson_interval(share: f64, n: usize) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    let n = n as f64;
    let scale = 1.0 + Z * Z / n;
    let middle = (share + Z * Z / (2.0 * n)) / scale;
    let spread = share * (1.0 - share) / n + Z * Z / (4.0 * n * n);
    let half = Z * spread.sqrt() / scale;
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::strongest_first;
    use ndarray::{Array2, array};

    #[test]
    fn jaccard_of_pairs_by_hand() {
        let set = |edges: &[usize]| {
            let mut set = EdgeSet::with_capacity(70);
            set.extend(edges.iter().copied());
            set
        };
        // 1/3, 2/3 and 2/3; edge 2 is in all of them.
        let sets = [set(&[2, 5]), set(&[2, 69]), set(&[2, 5, 69])];
        let mean = mean_jaccard(&sets.iter().collect::<Vec<_>>());
        assert!(
            (mean - (1.0 / 3.0 + 2.0 / 3.0 + 2.0 / 3.0) / 3.0).abs() < 1e-15,
            "{mean}"
        );
        let same = [set(&[1]), set(&[1])];
        assert_eq!(mean_jaccard(&same.iter().collect::<Vec<_>>()), 1.0);
    }

    /// The strongest `n` edges.
    fn top(n: usize) -> impl Fn(&[f64]) -> EdgeSet + Sync {
        move |scores: &[f64]| {
            let all: Vec<usize> = (0..scores.len()).collect();
            let ranked = strongest_first(&all, scores).into_iter().take(n);
            let mut set = EdgeSet::with_capacity(scores.len());
            set.extend(ranked.map(|(edge, _)| edge));
            set
        }
    }

    /// Two samples, each with an edge of its own that is stronger: an edge is there
    /// where its sample was drawn at least as often, and ties go to the first. Of the
    /// four draws of two, one has the second sample twice.
    #[test]
    fn shares_worked_out_by_hand() {
        let each = array![[3.0, 0.0, 1.0], [0.0, 3.0, 1.0]];
        let found = stability(each.view(), 4000, 1, top(1)).unwrap();
        let [low, high] = wilson_interval(0.25, 4000);
        assert!(found.inclusion[1] > low - 0.01 && found.inclusion[1] < high + 0.01);
        assert_eq!(found.inclusion[0] + found.inclusion[1], 1.0);
        assert_eq!(found.inclusion[2], 0.0);
        // Two circuits are equal (index 1) or share nothing (index 0).
        let p = found.inclusion[1];
        assert!((found.jaccard - (p * p + (1.0 - p) * (1.0 - p))).abs() < 1e-3);
    }

    /// A product of matrices gives what a discovery on the samples drawn gives.
    #[test]
    fn a_resample_is_a_discovery_on_its_samples() {
        let mut rng = Rng::new(5, 0);
        let each = Array2::from_shape_simple_fn((30, 12), || rng.normal());
        let counts = counts(0..200, 30, 9);
        let mut times = vec![0.0; 12];
        for draw in counts.rows() {
            let rows = draw
                .iter()
                .enumerate()
                .flat_map(|(s, n)| vec![s; *n as usize]);
            let mut sum = vec![0.0; 12];
            rows.for_each(|row| sum.iter_mut().zip(each.row(row)).for_each(|(a, b)| *a += b));
            top(4)(&sum)
                .ones()
                .for_each(|edge| times[edge] += 1.0 / 200.0);
        }
        let found = stability(each.view(), 200, 9, top(4)).unwrap();
        let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
        assert!(
            found.inclusion.iter().zip(&times).all(close),
            "{found:?} {times:?}"
        );
    }

    #[test]
    fn pairs_worked_out_by_hand() {
        let set = |edges: &[usize]| edges.iter().copied().collect::<EdgeSet>();
        let circuits = [set(&[0, 1]), set(&[1, 2]), set(&[0, 1])];
        // 1/3, 1 and 1/3.
        assert!((mean_jaccard(&circuits.each_ref()) - 5.0 / 9.0).abs() < 1e-12);
        assert_eq!(mean_jaccard(&[&set(&[]), &set(&[])]), 1.0);
    }

    /// Brown, Cai & DasGupta 2001: 0 of 10 gives (0, 0.2775).
    #[test]
    fn wilson_as_published() {
        let [low, high] = wilson_interval(0.0, 10);
        assert_eq!(low, 0.0);
        assert!((high - 0.277_533).abs() < 1e-5, "{high}");
    }

    #[test]
    fn one_sample_cannot_be_resampled() {
        assert_eq!(stability(array![[1.0]].view(), 10, 0, top(1)), None);
    }
}
