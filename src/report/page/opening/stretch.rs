//! The widest range of thresholds over which the same few weights are left.

use crate::order;
use crate::result::{CurvePoint, Prune};

/// The least ratio of its ends for a stretch to be one.
const WIDE: f64 = 4.0;

/// The loss may be larger than the whole network's by this factor.
const LOSS: f64 = 1.05;

/// A range of thresholds that leave the same weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// The smallest measured threshold of it.
    pub from: f64,
    /// The largest.
    pub to: f64,
    /// Weights that are left.
    pub edges_kept: usize,
    /// Largest change of an output there.
    pub change: f64,
    /// Loss there.
    pub loss: f64,
}

/// The widest stretch (by the ratio of its ends, at least 4) with at most half of the
/// weights that the threshold in use keeps and a loss at most 5 % above the network's own;
/// `None` where there is none or no loss was measured.
#[must_use]
pub fn stretch(prune: &Prune) -> Option<Stretch> {
    let most = LOSS * prune.loss_before?;
    let mut points: Vec<&CurvePoint> = prune.curve.iter().collect();
    order::ascending(&mut points, |one| one.threshold);
    let runs = points.chunk_by(|a, b| a.edges_kept == b.edges_kept);
    let good = runs.filter_map(of_run).filter(|found| {
        found.edges_kept > 0 && 2 * found.edges_kept <= prune.edges_kept && found.loss <= most
    });
    let width = |found: &Stretch| found.to / found.from;
    good.filter(|found| width(found) >= WIDE)
        .max_by(|a, b| width(a).total_cmp(&width(b)))
}

fn of_run(run: &[&CurvePoint]) -> Option<Stretch> {
    let (first, last) = (run.first()?, run.last()?);
    Some(Stretch {
        from: first.threshold,
        to: last.threshold,
        edges_kept: first.edges_kept,
        change: run.iter().map(|p| p.max_abs_change).fold(0.0, f64::max),
        loss: first.loss?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn pruned(points: &[(f64, usize, f64)]) -> Prune {
        let mut prune = sample::audit().prune.expect("the sample is pruned");
        let point = |&(threshold, edges_kept, loss): &(f64, usize, f64)| CurvePoint {
            threshold,
            edges_kept,
            max_abs_change: threshold,
            change_over_tolerance: 1.0,
            loss: Some(loss),
            bound: None,
        };
        prune.curve = points.iter().map(point).collect();
        (prune.edges_kept, prune.loss_before) = (20, Some(0.1));
        prune
    }

    #[test]
    fn the_widest_range_that_does_the_task_is_offered() {
        let found = stretch(&pruned(&[
            (0.01, 20, 0.1),
            (0.02, 9, 0.1),
            (0.16, 9, 0.1),
            (0.2, 5, 0.104),
            (2.0, 5, 0.104),
            (3.0, 2, 0.7),
            (90.0, 2, 0.7),
        ]));
        let found = found.expect("there is one");
        assert_eq!((found.from, found.to, found.edges_kept), (0.2, 2.0, 5));
        assert_eq!(found.change, 2.0);
    }

    #[test]
    fn a_narrow_range_or_one_that_costs_is_none() {
        assert_eq!(stretch(&pruned(&[(0.1, 5, 0.1), (0.3, 5, 0.1)])), None);
        assert_eq!(stretch(&pruned(&[(0.1, 5, 0.2), (0.9, 5, 0.2)])), None);
        assert_eq!(stretch(&pruned(&[(0.1, 11, 0.1), (0.9, 11, 0.1)])), None);
    }
}
