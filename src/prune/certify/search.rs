//! From below: the largest change that can be found by trying.
//!
//! Corners, random points and the samples given, then gradient ascent from the
//! best of them for every output and either sign. All in one fixed order, so
//! that the same inputs find the same points. Large networks are tried at fewer
//! points and climbed in fewer steps, and no ascent goes on when the time is over.

use ndarray::{Array2, ArrayView2, Axis};

use super::Deadline;
use super::bound::Inputs;
use crate::model::Mlp;
use crate::numeric::Rng;

/// Random points to begin with, at most.
const POINTS: usize = 4096;
/// Ascents per output and sign.
const CLIMBERS: usize = 12;
/// Steps of each ascent, at most.
const STEPS: usize = 60;
/// Passes through a network in one step of an ascent: one to try and three for the gradient, of both.
const PASSES: usize = 8;
/// Multiplications that points and ascents may take together: some seconds of one core.
const MOST_WORK: f64 = 2e10;
/// Corners are tried up to this many symbols.
const CORNER_SYMBOLS: usize = 10;

/// The largest change found of each output.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Per output, |change|.
    pub change: Vec<f64>,
    /// Per output, the physical input where it was found.
    pub at: Vec<Vec<f64>>,
}

/// Two networks, where to search, and how far.
#[derive(Debug, Clone)]
pub(super) struct Search<'a> {
    original: &'a Mlp<f64>,
    pruned: &'a Mlp<f64>,
    /// `[lo, hi]` per physical input.
    domain: &'a Inputs,
    work: Work,
    /// When no further step is taken.
    pub deadline: Deadline,
}

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Work {
    /// Random points.
    points: usize,
    /// Steps of each ascent.
    steps: usize,
}

impl Work {
    /// For a network of so many weights and outputs: all of it, or as much as [`MOST_WORK`] allows,
    /// of both the same part.
    fn of(weights: usize, outputs: usize) -> Self {
        let part = MOST_WORK / Self::ALL.multiplications(weights, outputs).max(1.0);
        let scaled = |all: usize| (all as f64 * part.min(1.0)) as usize;
        Self {
            points: scaled(POINTS).max(1),
            steps: scaled(STEPS),
        }
    }

    const ALL: Self = Self {
        points: POINTS,
        steps: STEPS,
    };

    /// What it takes.
    fn multiplications(self, weights: usize, outputs: usize) -> f64 {
        let passes = 2 * self.points + 2 * CLIMBERS * outputs * self.steps * PASSES;
        passes as f64 * weights as f64
    }
}

impl<'a> Search<'a> {
    /// Of a domain, for so many seconds from now.
    pub fn new(networks: (&'a Mlp<f64>, &'a Mlp<f64>), domain: &'a Inputs, seconds: f64) -> Self {
        Self::one_of(1, networks, domain, seconds)
    }

    /// One of so many, which share what one alone may take.
    pub fn one_of(
        many: usize,
        (original, pruned): (&'a Mlp<f64>, &'a Mlp<f64>),
        domain: &'a Inputs,
        seconds: f64,
    ) -> Self {
        let weights = original.layers.iter().map(|layer| layer.weight.len());
        let weights = weights.sum::<usize>().saturating_mul(many);
        Self {
            original,
            pruned,
            domain,
            work: Work::of(weights, original.out_perm.len()),
            deadline: Deadline::after(seconds),
        }
    }

    /// Tries corners, random points and `samples: [inputs, n]`, and climbs from the best.
    pub fn begin(&self, samples: Option<ArrayView2<'_, f64>>, seed: u64) -> Found {
        let mut found = self.nothing();
        let points = self.points(samples, seed);
        let changes = self.try_points(points.view(), &mut found);
        let starts = climbers(changes.view());
        self.climb(points.select(Axis(1), &starts), &mut found);
        found
    }

    /// Tries some points and climbs from the best of each output.
    pub fn from(&self, points: ArrayView2<'_, f64>) -> Found {
        let mut found = self.nothing();
        self.try_points(points, &mut found);
        self.polish(&mut found);
        found
    }

    /// No change, in the middle.
    fn nothing(&self) -> Found {
        let outputs = self.original.out_perm.len();
        let middle = self.domain.iter().map(|side| 0.5 * side[0] + 0.5 * side[1]);
        Found {
            change: vec![0.0; outputs],
            at: vec![middle.collect(); outputs],
        }
    }

    /// Evaluates points `[inputs, n]`, remembers the best and returns the changes `[outputs, n]`.
    pub fn try_points(&self, points: ArrayView2<'_, f64>, found: &mut Found) -> Array2<f64> {
        let changes = self.pruned.outputs(points) - self.original.outputs(points);
        for ((output, sample), change) in changes.indexed_iter() {
            if change.abs() > found.change[output] {
                found.change[output] = change.abs();
                found.at[output] = points.column(sample).to_vec();
            }
        }
        changes
    }

    /// Climbs from the best point of each output.
    pub fn polish(&self, found: &mut Found) {
        let outputs = found.at.len();
        let points = Array2::from_shape_fn((self.domain.len(), 2 * outputs), |(i, c)| {
            found.at[c / 2][i]
        });
        self.climb(points, found);
    }

    fn points(&self, samples: Option<ArrayView2<'_, f64>>, seed: u64) -> Array2<f64> {
        let corners = self.corners();
        let given = samples.map_or(0, |s| s.ncols());
        let mut rng = Rng::new(seed, 0);
        let count = corners.len() + given + self.work.points;
        let mut points = Array2::zeros((self.domain.len(), count));
        for (column, mut point) in points.columns_mut().into_iter().enumerate() {
            for (input, [lo, hi]) in self.domain.iter().enumerate() {
                let x = if let Some(corner) = corners.get(column) {
                    corner[input]
                } else if let (Some(samples), true) = (samples, column < corners.len() + given) {
                    samples[[input, column - corners.len()]]
                } else {
                    lo + (hi - lo) * rng.uniform()
                };
                point[input] = x.clamp(*lo, *hi);
            }
        }
        points
    }

    fn corners(&self) -> Vec<Vec<f64>> {
        let wide = |i: &usize| self.domain[*i][0] < self.domain[*i][1];
        let symbols: Vec<usize> = (0..self.domain.len()).filter(wide).collect();
        if symbols.len() > CORNER_SYMBOLS {
            return Vec::new();
        }
        let corner = |bits: usize| {
            let mut point: Vec<f64> = self.domain.iter().map(|side| side[0]).collect();
            for (bit, symbol) in symbols.iter().enumerate() {
                point[*symbol] = self.domain[*symbol][bits >> bit & 1];
            }
            point
        };
        (0..1 << symbols.len()).map(corner).collect()
    }

    /// Gradient ascent of ±change from points `[inputs, n]`, column c for output
    /// and sign by [`objective`]; a step that does not help is halved.
    fn climb(&self, mut points: Array2<f64>, found: &mut Found) {
        let outputs = self.original.out_perm.len();
        let columns = points.ncols();
        let mut steps = vec![0.25; columns];
        let mut values = self.objectives(&self.try_points(points.view(), found), columns, outputs);
        for _ in 0..self.work.steps {
            if self.deadline.is_over() {
                break;
            }
            let gradients = self.gradients(&points, columns, outputs);
            let mut next = points.clone();
            for (column, step) in steps.iter().enumerate() {
                self.step(next.column_mut(column), gradients.column(column), *step);
            }
            let tried = self.objectives(&self.try_points(next.view(), found), columns, outputs);
            for column in 0..columns {
                if tried[column] > values[column] {
                    values[column] = tried[column];
                    points.column_mut(column).assign(&next.column(column));
                    steps[column] = (steps[column] * 1.5).min(1.0);
                } else {
                    steps[column] *= 0.4;
                }
            }
        }
    }

    /// One step along the gradient, in units of the box, back into the box.
    fn step(
        &self,
        mut point: ndarray::ArrayViewMut1<'_, f64>,
        gradient: ndarray::ArrayView1<'_, f64>,
        step: f64,
    ) {
        let width = |i: usize| self.domain[i][1] - self.domain[i][0];
        let longest = (0..point.len())
            .map(|i| (gradient[i] * width(i)).abs())
            .fold(f64::MIN_POSITIVE, f64::max);
        for i in 0..point.len() {
            let [lo, hi] = self.domain[i];
            let moved = point[i] + step * width(i) * (gradient[i] * width(i) / longest);
            point[i] = if moved.is_nan() {
                point[i]
            } else {
                moved.clamp(lo, hi)
            };
        }
    }

    fn objectives(&self, changes: &Array2<f64>, columns: usize, outputs: usize) -> Vec<f64> {
        (0..columns)
            .map(|column| {
                let (output, sign) = objective(column, columns, outputs);
                sign * changes[[output, column]]
            })
            .collect()
    }

    /// Of each column's objective by its inputs, `[inputs, columns]`.
    fn gradients(&self, points: &Array2<f64>, columns: usize, outputs: usize) -> Array2<f64> {
        let mut seed = Array2::zeros((outputs, columns));
        for column in 0..columns {
            let (output, sign) = objective(column, columns, outputs);
            seed[[output, column]] = sign;
        }
        let of = |model: &Mlp<f64>| {
            let trace = model.forward(points.clone());
            model.backward(&trace, seed.clone()).values.swap_remove(0)
        };
        of(self.pruned) - of(self.original)
    }
}

/// Which output a column climbs, and which way.
fn objective(column: usize, columns: usize, outputs: usize) -> (usize, f64) {
    let each = columns / outputs;
    let half = (each / 2).max(1);
    (column / each, if column % each < half { 1.0 } else { -1.0 })
}

/// The points with the largest changes, for each output up and then down.
fn climbers(changes: ArrayView2<'_, f64>) -> Vec<usize> {
    let mut starts = Vec::new();
    for row in changes.rows() {
        for sign in [1.0, -1.0] {
            let mut order: Vec<usize> = (0..row.len()).collect();
            let count = CLIMBERS.min(row.len());
            let larger =
                |a: &usize, b: &usize| (sign * row[*b]).total_cmp(&(sign * row[*a])).then(a.cmp(b));
            if count < order.len() {
                order.select_nth_unstable_by(count, larger);
            }
            order.truncate(count);
            order.sort_unstable_by(larger);
            starts.extend(order);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_networks_keep_their_search_and_large_ones_are_bounded() {
        // 4-20-20-5, and digits: 64-100-100-10.
        for (weights, outputs) in [(4 * 20 + 400 + 100, 5), (6_400 + 10_000 + 1_000, 10)] {
            assert_eq!(Work::of(weights, outputs), Work::ALL);
        }
        for (weights, outputs) in [(1_000_000, 10), (50_000_000, 2), (300_000, 1_000)] {
            let work = Work::of(weights, outputs);
            assert!(work.points < POINTS && work.steps < STEPS);
            assert!(work.multiplications(weights, outputs) <= MOST_WORK);
        }
        // Never nothing.
        assert_eq!(
            Work::of(1 << 40, 1),
            Work {
                points: 1,
                steps: 0
            }
        );
    }
}
