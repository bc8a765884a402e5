//! The mean of several rankings.
//!
//! Methods fail in different places; the mean of their ranks is hurt by none of them alone.
//! Source: entries of MIB's circuit track (Mueller et al. 2025, arXiv 2504.13151).

use super::strongest_first;

/// Scores by mean rank: `all` are scores of one method each, by edge number; ranks are by
/// |score| among `candidates`, equals by number. 1 for an edge that is always first, near 0
/// for one that is always last, with the sign of the sum of its signs; 0 for all else.
///
/// ```
/// use modscope::circuit::mean_rank;
/// // The first edge is first and second of two, the second second and first, negative.
/// let scores = mean_rank(&[0, 1], &[vec![3.0, -1.0], vec![1.0, -2.0]]);
/// assert_eq!(scores, [0.75, -0.75]);
/// ```
#[must_use]
pub fn mean_rank(candidates: &[usize], all: &[Vec<f64>]) -> Vec<f64> {
    let edges = all.first().map_or(0, Vec::len);
    let (mut ranks, mut signs) = (vec![0.0; edges], vec![0.0; edges]);
    for scores in all {
        let of_candidates: Vec<f64> = candidates.iter().map(|edge| scores[*edge]).collect();
        let ranked = strongest_first(candidates, &of_candidates);
        for (rank, (edge, score)) in ranked.into_iter().enumerate() {
            ranks[edge] += rank as f64 / all.len() as f64;
            signs[edge] += score.signum();
        }
    }
    let mut mean = vec![0.0; edges];
    for edge in candidates {
        let score = 1.0 - ranks[*edge] / candidates.len() as f64;
        mean[*edge] = if signs[*edge] < 0.0 { -score } else { score };
    }
    mean
}
