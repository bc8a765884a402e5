//! Many analyses of one network at once: what do they agree on?
//!
//! A specification is a choice along every axis: how edges are scored (method, fill and
//! metric: one matrix of effects sample by sample), on which samples, and how many edges
//! are taken. The matrices are the only runs of the network; every set of samples and
//! every size is a product and a cut.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2};

use super::stability::{inclusion, jaccard, mean_jaccard, resample};
use crate::numeric::{Rng, matmul_into, parallel};
use crate::patch::EdgeSet;

/// Pairs of analyses beyond which pairs are drawn.
const MOST_PAIRS: usize = 2_000_000;

/// The stream that pairs are drawn from.
const STREAM: u64 = 63;

/// One analysis: its place along every axis, and the edges it gave.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// Which choice along each axis, in the order of the axes.
    pub at: Vec<usize>,
    /// Its circuit.
    pub edges: EdgeSet,
}

/// Edges by how strong each is, the strongest first; equals by number.
#[must_use]
pub fn ranked(strengths: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..strengths.len()).collect();
    order.sort_by(|a, b| strengths[*b].total_cmp(&strengths[*a]).then(a.cmp(b)));
    order
}

/// The first `size` edges of a ranking of `edges`.
#[must_use]
pub fn first_of(ranking: &[usize], size: usize, edges: usize) -> EdgeSet {
    let mut set = EdgeSet::with_capacity(edges);
    set.extend(ranking.iter().take(size).copied());
    set
}

/// How often each set has each sample, `[sets, samples]`: the samples as they are first,
/// then bootstrap resamples of them.
#[must_use]
pub fn sets_of(samples: usize, sets: usize, seed: u64) -> Array2<f64> {
    let mut counts = Array2::zeros((sets, samples));
    for (set, mut row) in counts.rows_mut().into_iter().enumerate() {
        if set == 0 {
            row.fill(1.0);
            continue;
        }
        let mut rng = Rng::new(seed.wrapping_add(set as u64), STREAM);
        resample(row, &mut rng);
    }
    counts
}

/// The sum of effects over each set of samples, `[sets, edges]`, of `each: [samples, edges]`.
#[must_use]
pub fn over_sets(counts: ArrayView2<'_, f64>, each: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut scores = Array2::zeros((counts.nrows(), each.ncols()));
    matmul_into(scores.view_mut(), counts, each, false);
    scores
}

/// The share of analyses that have each edge, in [0, 1].
#[must_use]
pub fn support(analyses: &[Analysis], edges: usize) -> Vec<f64> {
    inclusion(&circuits(analyses), edges)
}

fn circuits(analyses: &[Analysis]) -> Vec<&EdgeSet> {
    analyses.iter().map(|analysis| &analysis.edges).collect()
}

/// The circuit that most analyses give, and how many do; of equals, the first in the
/// order of analyses.
#[must_use]
pub fn modal(analyses: &[Analysis]) -> Option<(EdgeSet, usize)> {
    let mut times: BTreeMap<Vec<usize>, (usize, usize)> = BTreeMap::new();
    for (index, analysis) in analyses.iter().enumerate() {
        let entry = times.entry(analysis.edges.ones().collect());
        entry.or_insert((0, index)).0 += 1;
    }
    let best = times
        .into_values()
        .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    best.map(|(times, first)| (analyses[first].edges.clone(), times))
}

/// Mean Jaccard index of two analyses; over all pairs, or over two million drawn ones
/// where there are more.
#[must_use]
pub fn mean_overlap(analyses: &[Analysis], seed: u64) -> f64 {
    let n = analyses.len();
    let pairs = n * n.saturating_sub(1) / 2;
    let of = |(a, b): (usize, usize)| jaccard(&analyses[a].edges, &analyses[b].edges);
    if pairs <= MOST_PAIRS {
        return mean_jaccard(&circuits(analyses));
    }
    let mut rng = Rng::new(seed, STREAM);
    let draw = |_| {
        let first = rng.below(n);
        (first, (first + 1 + rng.below(n - 1)) % n)
    };
    let drawn: Vec<(usize, usize)> = (0..MOST_PAIRS).map(draw).collect();
    let shared: Vec<f64> = parallel::map(drawn, of);
    shared.iter().sum::<f64>() / MOST_PAIRS as f64
}

/// Mean Jaccard index of two analyses that differ along one axis alone; `None` where none
/// do. 1: the axis makes no difference.
#[must_use]
pub fn overlap_along(analyses: &[Analysis], axis: usize) -> Option<f64> {
    let mut alike: BTreeMap<Vec<usize>, Vec<&EdgeSet>> = BTreeMap::new();
    for analysis in analyses {
        let mut others = analysis.at.clone();
        others.remove(axis);
        alike.entry(others).or_default().push(&analysis.edges);
    }
    let groups: Vec<Vec<&EdgeSet>> = alike.into_values().filter(|g| g.len() > 1).collect();
    let of_group = |group: &Vec<&EdgeSet>| -> (f64, usize) {
        let pairs = (0..group.len()).flat_map(|a| (a + 1..group.len()).map(move |b| (a, b)));
        let sum = pairs.map(|(a, b)| jaccard(group[a], group[b])).sum();
        (sum, group.len() * (group.len() - 1) / 2)
    };
    let sums: Vec<(f64, usize)> = parallel::map(&groups, of_group);
    let pairs: usize = sums.iter().map(|(_, pairs)| pairs).sum();
    let shared: f64 = sums.iter().map(|(sum, _)| sum).sum();
    (pairs > 0).then(|| shared / pairs as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn analysis(at: &[usize], edges: &[usize]) -> Analysis {
        Analysis {
            at: at.to_vec(),
            edges: edges.iter().copied().collect(),
        }
    }

    /// Two axes of two choices: the first exchanges one edge of two, the second nothing.
    fn four() -> Vec<Analysis> {
        vec![
            analysis(&[0, 0], &[0, 1]),
            analysis(&[0, 1], &[0, 1]),
            analysis(&[1, 0], &[0, 2]),
            analysis(&[1, 1], &[0, 2]),
        ]
    }

    #[test]
    fn an_axis_that_changes_the_circuit_is_told_from_one_that_does_not() {
        let all = four();
        assert_eq!(overlap_along(&all, 0), Some(1.0 / 3.0));
        assert_eq!(overlap_along(&all, 1), Some(1.0));
        // Of six pairs two are equal and four share one of three edges.
        assert!((mean_overlap(&all, 0) - (2.0 + 4.0 / 3.0) / 6.0).abs() < 1e-12);
        assert_eq!(support(&all, 3), [1.0, 0.5, 0.5]);
    }

    #[test]
    fn the_modal_circuit_is_the_most_frequent_one() {
        let mut all = four();
        assert_eq!(modal(&all).unwrap().1, 2);
        assert_eq!(modal(&all).unwrap().0.ones().collect::<Vec<_>>(), [0, 1]);
        all.push(analysis(&[2, 0], &[2, 0]));
        let (edges, times) = modal(&all).unwrap();
        assert_eq!((edges.ones().collect::<Vec<_>>(), times), (vec![0, 2], 3));
        assert!(modal(&[]).is_none());
    }

    #[test]
    fn the_first_set_is_the_samples_as_they_are() {
        let each = array![[1.0, -5.0, 0.0], [1.0, 1.0, 0.5]];
        let sets = sets_of(2, 3, 0);
        let scores = over_sets(sets.view(), each.view());
        assert_eq!(scores.row(0), array![2.0, -4.0, 0.5]);
        assert!(sets.rows().into_iter().all(|row| row.sum() == 2.0));
        let by = |strength: fn(f64) -> f64| ranked(&scores.row(0).mapv(strength).to_vec());
        assert_eq!(by(f64::abs), [1, 0, 2]);
        // By the sign the edge of −4 is the last.
        assert_eq!(by(|score| score), [0, 2, 1]);
        let two: Vec<usize> = first_of(&by(f64::abs), 2, 3).ones().collect();
        assert_eq!(two, [0, 1]);
    }
}
