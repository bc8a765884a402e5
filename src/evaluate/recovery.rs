//! A circuit, or scores, against a circuit that is known.

use crate::patch::EdgeSet;

/// How well found edges agree with known ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recovery {
    /// Share of the found edges that are known, in [0, 1]; 1 where none are found.
    pub precision: f64,
    /// Share of the known edges that are found, in [0, 1]; 1 where none are known.
    pub recall: f64,
}

/// Compares two sets of edges.
#[must_use]
pub fn recovery(found: &EdgeSet, known: &EdgeSet) -> Recovery {
    let both = found.intersection(known).count() as f64;
    let share = |of: usize| if of == 0 { 1.0 } else { both / of as f64 };
    Recovery {
        precision: share(found.count_ones(..)),
        recall: share(known.count_ones(..)),
    }
}

/// Area under the receiver operating characteristic of |scores| for `known`
/// edges among `counted` ones, in [0, 1], higher is better: the probability that
/// a known edge scores above another, ties counting half, which is the area by
/// trapezoids with both end points. `None` where either kind is missing.
///
/// ```
/// use modscope::evaluate::roc_area;
/// use modscope::patch::EdgeSet;
///
/// let set = |edges: &[usize]| edges.iter().copied().collect::<EdgeSet>();
/// let area = roc_area(&[0.9, -0.5, 0.5, 0.1], &set(&[0, 1]), &set(&[0, 1, 2, 3]));
/// assert_eq!(area, Some(0.875));
/// ```
#[must_use]
pub fn roc_area(scores: &[f64], known: &EdgeSet, counted: &EdgeSet) -> Option<f64> {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for edge in counted.ones() {
        let score = scores.get(edge).copied().unwrap_or(0.0).abs();
        if known.contains(edge) {
            inside.push(score);
        } else {
            outside.push(score);
        }
    }
    outside.sort_by(f64::total_cmp);
    let wins = |score: &f64| {
        let below = outside.partition_point(|o| o < score);
        let not_above = outside.partition_point(|o| o <= score);
        (below + not_above) as f64 / 2.0
    };
    let pairs = inside.len() * outside.len();
    (pairs > 0).then(|| inside.iter().map(wins).sum::<f64>() / pairs as f64)
}
