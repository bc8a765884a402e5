//! Branch and bound: splits boxes until every one of them is good enough.
//!
//! In rounds: the boxes with the worst bounds are halved, all halves are bounded
//! in parallel, their most promising corners are tried, and the next round
//! begins. What a round does depends on the boxes alone, so that the result is
//! the same for any number of threads; only a limit in seconds is not.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ndarray::Array2;

use super::bound::{Bounded, Bounder};
use super::search::{Found, Search};
use super::{Budget, Stop};

/// Boxes halved in one round, at most.
const ROUND: usize = 512;
/// Open boxes kept, at most, in numbers held (about half a gigabyte).
const MAX_OPEN_NUMBERS: usize = 64 << 20;

/// What a search is to reach.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Per output, a bound that needs no improvement.
    pub enough: Vec<f64>,
    /// A bound within this ratio of the largest change found needs none either.
    pub ratio: Option<f64>,
    /// Per output, a change that ends the search when found.
    pub refuted: Option<Vec<f64>>,
}

/// What a search came to.
#[derive(Debug, Clone)]
pub(super) struct Searched {
    /// Per output, a bound on |change| over the whole domain.
    pub bounds: Vec<f64>,
    /// The largest changes found.
    pub found: Found,
    /// Boxes bounded.
    pub boxes: u64,
    /// Why it stopped.
    pub stop: Stop,
}

/// A box that is not good enough yet.
struct Open {
    priority: f64,
    number: u64,
    sides: Vec<[f64; 2]>,
    split: usize,
    upper: Vec<f64>,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_priority = self.priority.total_cmp(&other.priority);
        by_priority.then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl Target {
    /// Per output, the bound that is good enough now.
    fn now(&self, found: &Found) -> Vec<f64> {
        let ratio = self.ratio.unwrap_or(0.0);
        let pairs = self.enough.iter().zip(&found.change);
        pairs
            .map(|(enough, found)| enough.max(ratio * found))
            .collect()
    }

    fn is_refuted(&self, found: &Found) -> bool {
        let over = |limits: &Vec<f64>| found.change.iter().zip(limits).any(|(f, limit)| f > limit);
        self.refuted.as_ref().is_some_and(over)
    }
}

/// The state of a search.
struct Tree<'a> {
    bounder: &'a Bounder<'a>,
    search: &'a Search<'a>,
    target: &'a Target,
    open: BinaryHeap<Open>,
    /// Per output, the worst bound among boxes that were good enough.
    settled: Vec<f64>,
    found: Found,
    boxes: u64,
}

/// Searches the whole domain of `bounder`.
pub(super) fn run(
    bounder: &Bounder<'_>,
    search: &Search<'_>,
    target: &Target,
    found: Found,
    budget: &Budget,
) -> Searched {
    let root = bounder.symbols.iter().map(|i| bounder.domain[*i]).collect();
    let mut tree = Tree {
        bounder,
        search,
        target,
        open: BinaryHeap::new(),
        settled: vec![0.0; found.change.len()],
        found,
        boxes: 0,
    };
    let unbounded = vec![f64::INFINITY; tree.settled.len()];
    tree.bound(vec![(root, unbounded)]);
    let stop = loop {
        if target.is_refuted(&tree.found) {
            break Stop::Refuted;
        }
        let halves = tree.next_round(budget);
        if halves.is_empty() {
            break if tree.open.is_empty() {
                Stop::Done
            } else {
                Stop::Boxes
            };
        }
        tree.bound(halves);
        if search.deadline.is_over() {
            break Stop::Seconds;
        }
    };
    tree.finish(stop)
}

impl Tree<'_> {
    /// Takes the worst boxes out and halves them; none if the budget is used up.
    fn next_round(&mut self, budget: &Budget) -> Vec<(Vec<[f64; 2]>, Vec<f64>)> {
        let enough = self.target.now(&self.found);
        let left = budget.boxes.saturating_sub(self.boxes) as usize / 2;
        let numbers = 2 * self.bounder.symbols.len() + self.settled.len();
        let room = (MAX_OPEN_NUMBERS / numbers.max(1)).saturating_sub(self.open.len());
        let mut halves = Vec::new();
        while halves.len() < 2 * ROUND.min(left).min(room) {
            let Some(open) = self.open.pop() else { break };
            if priority(&open.upper, &enough) <= 1.0 {
                self.settle(&open.upper);
            } else if let Some([left, right]) = open.halves() {
                halves.push((left, open.upper.clone()));
                halves.push((right, open.upper));
            } else {
                // Two neighbouring numbers: nothing is left to split.
                self.settle(&open.upper);
            }
        }
        halves
    }

    /// Bounds boxes, given the bounds of what they were part of.
    fn bound(&mut self, boxes: Vec<(Vec<[f64; 2]>, Vec<f64>)>) {
        let enough = self.target.now(&self.found);
        let scale: Vec<f64> = enough
            .iter()
            .map(|e| 1.0 / e.max(f64::MIN_POSITIVE))
            .collect();
        let (boxes, parents): (Vec<_>, Vec<_>) = boxes.into_iter().unzip();
        let bounded = self.bounder.bound_all(&boxes, &scale);
        self.boxes += boxes.len() as u64;
        self.try_corners(&bounded);
        let enough = self.target.now(&self.found);
        for ((sides, parent), bounded) in boxes.into_iter().zip(parents).zip(bounded) {
            let upper: Vec<f64> = (0..parent.len())
                .map(|output| bounded.upper(output).min(parent[output]))
                .collect();
            let priority = priority(&upper, &enough);
            if priority <= 1.0 {
                self.settle(&upper);
                continue;
            }
            let number = self.boxes + self.open.len() as u64;
            self.open.push(Open {
                priority,
                number,
                sides,
                split: bounded.split,
                upper,
            });
        }
    }

    fn try_corners(&mut self, bounded: &[Bounded]) {
        let domain = &self.bounder.domain;
        let mut points = Array2::zeros((domain.len(), bounded.len()));
        for (mut point, bounded) in points.columns_mut().into_iter().zip(bounded) {
            for (input, side) in domain.iter().enumerate() {
                point[input] = side[0];
            }
            for (symbol, input) in self.bounder.symbols.iter().enumerate() {
                point[*input] = bounded.corner[symbol];
            }
        }
        let before = self.found.change.clone();
        self.search.try_points(points.view(), &mut self.found);
        if self
            .found
            .change
            .iter()
            .zip(&before)
            .any(|(now, before)| *now > before * 1.001)
        {
            self.search.polish(&mut self.found);
        }
    }

    fn settle(&mut self, upper: &[f64]) {
        for (settled, upper) in self.settled.iter_mut().zip(upper) {
            *settled = settled.max(*upper);
        }
    }

    fn finish(mut self, stop: Stop) -> Searched {
        for open in std::mem::take(&mut self.open) {
            self.settle(&open.upper);
        }
        Searched {
            bounds: self.settled,
            found: self.found,
            boxes: self.boxes,
            stop,
        }
    }
}

impl Open {
    /// Both halves along the split; `None` if no number lies between the ends.
    fn halves(&self) -> Option<[Vec<[f64; 2]>; 2]> {
        let [lo, hi] = *self.sides.get(self.split)?;
        let mid = 0.5 * lo + 0.5 * hi;
        if !(lo < mid && mid < hi) {
            return None;
        }
        let (mut left, mut right) = (self.sides.clone(), self.sides.clone());
        (left[self.split][1], right[self.split][0]) = (mid, mid);
        Some([left, right])
    }
}

/// How far the worst bound is above what is enough, as a ratio.
fn priority(upper: &[f64], enough: &[f64]) -> f64 {
    let ratio = |(u, e): (&f64, &f64)| {
        if u <= e {
            0.0
        } else {
            u / e.max(f64::MIN_POSITIVE)
        }
    };
    upper.iter().zip(enough).map(ratio).fold(0.0, f64::max)
}
