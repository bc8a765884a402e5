//! A circuit, or scores, against a circuit that is known.

use crate::order;
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

/// The corners of that curve: `[share of the other edges, share of the known
/// edges]` whose |score| is at least a cut, from none to all. Edges that tie
/// come together, so that the line between two corners is slanted there.
/// Corners on a straight line are left out. Empty where either kind is missing.
///
/// ```
/// use modscope::evaluate::roc_curve;
/// use modscope::patch::EdgeSet;
///
/// let set = |edges: &[usize]| edges.iter().copied().collect::<EdgeSet>();
/// let curve = roc_curve(&[0.9, -0.5, 0.5, 0.1], &set(&[0, 1]), &set(&[0, 1, 2, 3]));
/// assert_eq!(curve, [[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]]);
/// ```
#[must_use]
pub fn roc_curve(scores: &[f64], known: &EdgeSet, counted: &EdgeSet) -> Vec<[f64; 2]> {
    let score = |edge: usize| scores.get(edge).copied().unwrap_or(0.0).abs();
    let mut ranked: Vec<(f64, bool)> = counted
        .ones()
        .map(|edge| (score(edge), known.contains(edge)))
        .collect();
    order::descending(&mut ranked, |one| one.0);
    let inside = ranked.iter().filter(|(_, is_known)| *is_known).count();
    let all = [ranked.len() - inside, inside];
    if all.contains(&0) {
        return Vec::new();
    }
    let mut counts = vec![[0, 0]];
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let [mut outside, mut inside] = counts[counts.len() - 1];
        for (_, is_known) in tied {
            outside += usize::from(!is_known);
            inside += usize::from(*is_known);
        }
        if let [.., a, b] = counts[..]
            && is_straight(a, b, [outside, inside])
        {
            counts.pop();
        }
        counts.push([outside, inside]);
    }
    let share = |count: &[usize; 2]| [0, 1].map(|k| count[k] as f64 / all[k] as f64);
    counts.iter().map(share).collect()
}

/// Whether three points, each above or right of the one before, lie on one line.
fn is_straight(a: [usize; 2], b: [usize; 2], c: [usize; 2]) -> bool {
    (b[0] - a[0]) * (c[1] - b[1]) == (c[0] - b[0]) * (b[1] - a[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_under_the_corners_is_the_area() {
        let scores = [0.3, 0.7, 0.7, 0.1, 0.9, 0.0, 0.7, 0.2, 0.3, 0.05];
        let set = |edges: &[usize]| edges.iter().copied().collect::<EdgeSet>();
        let (known, counted) = (set(&[1, 4, 7, 8]), (0..10).collect::<EdgeSet>());
        let curve = roc_curve(&scores, &known, &counted);
        let trapezoid = |p: &[[f64; 2]]| (p[1][0] - p[0][0]) * (p[0][1] + p[1][1]) / 2.0;
        let area: f64 = curve.windows(2).map(trapezoid).sum();
        let ranked = roc_area(&scores, &known, &counted).unwrap();
        assert!((area - ranked).abs() < 1e-15, "{area} {ranked}");
        // 0.9; three of 0.7, one known; two of 0.3, one known; 0.2 known; three others.
        let sixth = |n: f64| n / 6.0;
        let corners = [
            [0.0, 0.25],
            [sixth(2.0), 0.5],
            [sixth(3.0), 0.75],
            [sixth(3.0), 1.0],
        ];
        assert_eq!(curve[1..5], corners);
        assert_eq!(curve.len(), 6);
        assert_eq!(roc_curve(&scores, &known, &known), Vec::<[f64; 2]>::new());
    }
}
