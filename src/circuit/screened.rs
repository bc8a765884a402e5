//! Screened effects: every edge is estimated, and only those are patched about which the
//! estimates leave a doubt.
//!
//! The gradient at the run as it is, and that at the run with the writer's own group
//! filled, give two first-order effects; their mean is the estimate (exact where the
//! gradient changes linearly on the way), half their difference its *curvature*. How far
//! an estimate is off, in units of its curvature, is measured on edges drawn at random:
//! an edge drawn like them is farther off than all n of them with probability at most
//! 1/(n + 1) (split conformal intervals). Edges whose interval leaves open on which side
//! of the cut they lie are patched, until none is left.
//!
//! Sources: Zhang & Wang 2026, arXiv 2606.09899 (curvature as reliability; flag what may be
//! wrong and compute it), Vovk, Gammerman & Shafer 2005 (conformal intervals).

use serde::{Deserialize, Serialize};

use super::{Attributable, Attribution, Goal, effects};
use crate::metric::Metric;
use crate::numeric::{Rng, Scalar};
use crate::order;
use crate::patch::PatchableExt as _;

/// The share of edges that are drawn, and the fewest.
const DRAWN: f64 = 0.05;
const FEWEST: usize = 8;

/// A curvature is at least this share of its estimate: two gradients may agree by chance.
const LEAST: f64 = 0.05;

/// An estimate is flagged where it may be off by more than this share.
const OFF: f64 = 0.2;

/// Edges of which at least so many are patched at once, and the share of all.
const BATCH: usize = 4;
const BATCH_SHARE: usize = 100;

/// The stream that edges are drawn from.
const STREAM: u64 = 71;

/// Which edges are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// So many of the largest |effect|.
    Top(usize),
    /// All of at least this |effect|.
    At(f64),
}

/// Effects, and how they came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Screened {
    /// By edge number: of patched edges exact, of the others estimates.
    pub effects: Vec<f64>,
    /// The estimates of all candidates, in their order.
    pub estimates: Vec<f64>,
    /// Edges that were patched, those drawn among them.
    pub patched: usize,
    /// Edges drawn at random, by which estimates were held.
    pub drawn: usize,
    /// Edges whose estimate may be off by more than a fifth.
    pub flagged: Vec<usize>,
    /// Curvatures that an interval is wide on either side.
    pub factor: f64,
    /// Forward and backward passes besides the patched runs.
    pub passes: usize,
}

/// The effects of `candidates` on a metric over all samples, such that the edges beyond
/// `cut` are those of exact effects wherever the intervals hold.
///
/// Complexity: a forward and a backward pass for every group of writers, and a run for
/// every patched edge.
#[must_use]
pub fn screened<T: Scalar>(
    network: &dyn Attributable<Number = T>,
    metric: &Metric,
    candidates: &[usize],
    cut: Cut,
    seed: u64,
) -> Screened {
    let goal = [Goal::of_all(metric.clone(), network.samples())];
    let none = network.edges([]);
    let exact = |edges: &[usize]| effects(network, &none, edges, &goal).remove(0);
    let clean = network.attribute(metric, Attribution::Eap);
    let filled = network.attribute(metric, Attribution::Filled);
    let of = |edge: &usize| Estimate::new(clean[*edge], filled[*edge]);
    let estimates: Vec<Estimate> = candidates.iter().map(of).collect();
    let mut screen = Screen {
        known: vec![None; candidates.len()],
        factor: 0.0,
        estimates,
    };
    let drawn = ((DRAWN * candidates.len() as f64).ceil() as usize).max(FEWEST);
    let order = Rng::new(seed, STREAM).permutation(candidates.len());
    let drawn: Vec<usize> = order.into_iter().take(drawn).collect();
    let patch = |screen: &mut Screen, places: &[usize]| {
        let edges: Vec<usize> = places.iter().map(|place| candidates[*place]).collect();
        for (place, effect) in places.iter().zip(exact(&edges)) {
            screen.known[*place] = Some(effect);
        }
    };
    patch(&mut screen, &drawn);
    screen.factor = screen.calibrated();
    loop {
        let mut open = screen.open(cut);
        if open.is_empty() {
            break;
        }
        open.truncate(BATCH.max(candidates.len() / BATCH_SHARE));
        // In the order of edges, those into one reader share its runs.
        open.sort_unstable();
        patch(&mut screen, &open);
    }
    let mut all = vec![0.0; network.edge_count()];
    for (place, edge) in candidates.iter().enumerate() {
        all[*edge] = screen.value(place);
    }
    Screened {
        effects: all,
        patched: screen.known.iter().flatten().count(),
        drawn: drawn.len(),
        flagged: screen.flagged().map(|place| candidates[place]).collect(),
        estimates: screen
            .estimates
            .iter()
            .map(|estimate| estimate.value)
            .collect(),
        factor: screen.factor,
        passes: Attribution::Eap.runs(network.groups())
            + Attribution::Filled.runs(network.groups()),
    }
}

/// An estimate of an effect.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    value: f64,
    /// What it may be off by, but for a factor.
    curvature: f64,
}

impl Estimate {
    /// Of the first-order effects at the run as it is and at the filled one.
    fn new(clean: f64, filled: f64) -> Self {
        let value = f64::midpoint(clean, filled);
        let curvature = (filled - clean).abs() / 2.0 + LEAST * value.abs();
        Self { value, curvature }
    }
}

/// Candidates by place: what is known of them, and what is estimated.
struct Screen {
    known: Vec<Option<f64>>,
    estimates: Vec<Estimate>,
    factor: f64,
}

impl Screen {
    fn value(&self, place: usize) -> f64 {
        self.known[place].unwrap_or(self.estimates[place].value)
    }

    /// The largest error of a known effect, in curvatures.
    fn calibrated(&self) -> f64 {
        let pairs = self.known.iter().zip(&self.estimates);
        let error = |(known, estimate): (&Option<f64>, &Estimate)| {
            let off = (known.as_ref()? - estimate.value).abs();
            Some(if off > 0.0 {
                off / estimate.curvature
            } else {
                0.0
            })
        };
        pairs.filter_map(error).fold(0.0, f64::max)
    }

    /// The interval of an |effect|.
    fn interval(&self, place: usize) -> [f64; 2] {
        let Estimate { value, curvature } = self.estimates[place];
        match self.known[place] {
            Some(effect) => [effect.abs(); 2],
            None => {
                let reach = self.factor * curvature;
                [(value.abs() - reach).max(0.0), value.abs() + reach]
            }
        }
    }

    /// The places of edges that may lie on either side of the cut, the likeliest to be
    /// beyond it first.
    fn open(&self, cut: Cut) -> Vec<usize> {
        let intervals: Vec<[f64; 2]> = (0..self.known.len()).map(|p| self.interval(p)).collect();
        let largest = |end: usize, rank: usize| {
            let mut ends: Vec<f64> = intervals.iter().map(|interval| interval[end]).collect();
            ends.sort_unstable_by(|a, b| b.total_cmp(a));
            ends.get(rank).copied()
        };
        // In for sure above `in_from`, out for sure below `out_below`.
        let (out_below, in_from) = match cut {
            Cut::At(tau) => (tau, tau),
            Cut::Top(0) => return Vec::new(),
            Cut::Top(n) => match (largest(0, n - 1), largest(1, n)) {
                (Some(low), Some(high)) => (low, high),
                // No more edges than are wanted.
                _ => return Vec::new(),
            },
        };
        let is_open = |place: &usize| {
            let [low, high] = intervals[*place];
            self.known[*place].is_none() && low < in_from && high >= out_below
        };
        let mut open: Vec<usize> = (0..intervals.len()).filter(is_open).collect();
        order::descending(&mut open, |index| intervals[*index][1]);
        open
    }

    /// The places of estimates whose interval reaches farther than a fifth of them.
    fn flagged(&self) -> impl Iterator<Item = usize> {
        let off = |e: &Estimate| self.factor * e.curvature > OFF * e.value.abs();
        let places = self.estimates.iter().enumerate();
        places.filter(move |(_, e)| off(e)).map(|(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(values: &[(f64, f64)], factor: f64) -> Screen {
        let estimates = values.iter().map(|(value, curvature)| Estimate {
            value: *value,
            curvature: *curvature,
        });
        Screen {
            known: vec![None; values.len()],
            estimates: estimates.collect(),
            factor,
        }
    }

    /// Of 5 ± 1, 3 ± 1, −2.5 ± 1 and 0 ± 1 the first is among the two largest whatever
    /// holds, the last is not, and the two between are open; once one of them is known to
    /// be 2.9, the other still is; at 3.6 it no longer matters.
    #[test]
    fn what_may_lie_on_either_side_of_the_cut_is_open() {
        let mut screen = screen(&[(5.0, 0.5), (3.0, 0.5), (-2.5, 0.5), (0.0, 0.5)], 2.0);
        assert_eq!(screen.open(Cut::Top(2)), [1, 2]);
        assert_eq!(screen.open(Cut::Top(4)), Vec::<usize>::new());
        assert_eq!(screen.open(Cut::At(4.5)), [0]);
        screen.known[1] = Some(2.9);
        assert_eq!(screen.open(Cut::Top(2)), [2]);
        screen.known[1] = Some(3.6);
        assert_eq!(screen.open(Cut::Top(2)), Vec::<usize>::new());
    }

    /// Errors of 1 and 3 at curvatures of 2 and 1; the second interval reaches farther
    /// than a fifth of its estimate.
    #[test]
    fn intervals_are_as_wide_as_the_largest_error_of_a_drawn_edge() {
        let mut screen = screen(&[(10.0, 0.1), (4.0, 1.0), (100.0, 2.0)], 0.0);
        screen.known[2] = Some(101.0);
        screen.known[1] = Some(1.0);
        screen.factor = screen.calibrated();
        assert_eq!(screen.factor, 3.0);
        assert_eq!(screen.interval(0), [10.0 - 3.0 * 0.1, 10.0 + 3.0 * 0.1]);
        assert_eq!(screen.interval(1), [1.0, 1.0]);
        assert_eq!(screen.flagged().collect::<Vec<_>>(), [1]);
    }
}
