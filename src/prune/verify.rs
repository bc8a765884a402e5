//! Holding a pruned network against the network as it is, on samples.

use std::fmt;
use std::str::FromStr;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use num_traits::Float;

use super::Prunable;
use crate::metric::decision;
use crate::numeric::{Scalar, statistics};
use crate::order;
use crate::result::OutputChange;

/// What sums in another order may differ by: so many roundings of the largest output,
/// and this share of a tolerance.
const ROUNDINGS: f64 = 256.0;
const SLACK: f64 = 1e-3;

/// What counts as unchanged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// One tolerance for every output, in its units.
    Absolute(f64),
    /// A share of each output's standard deviation over the samples.
    Relative(f64),
}

/// The network as it is, on samples.
#[derive(Debug, Clone)]
pub struct Reference<P: Prunable> {
    batch: P::Batch,
    /// Physical outputs `[outputs, samples]`.
    outputs: Array2<P::Number>,
    /// Standard deviation of each output over the samples.
    sds: Vec<f64>,
    /// What each output may move by.
    tolerances: Vec<f64>,
    /// Per output, whether it counts.
    counts: Vec<bool>,
    /// Per sample the largest output, where outputs stand for classes.
    decisions: Option<Vec<usize>>,
}

/// Verdicts on single samples by outputs that were computed another way.
pub(super) struct Nearly<'r, P: Prunable> {
    reference: &'r Reference<P>,
    /// What rounding can move each output by.
    slack: Vec<f64>,
}

/// What a changed network does on the same samples.
#[derive(Debug, Clone)]
pub struct Change<T> {
    /// Its physical outputs `[outputs, samples]`.
    pub outputs: Array2<T>,
    /// Largest |f − f'| of each output; NaN where an output is, 0 for outputs
    /// that do not count.
    pub per_output: Vec<f64>,
    /// Mean |f − f'| over samples and outputs that count.
    pub mean: f64,
    /// Share of samples with the same decision, for classifiers.
    pub decision_agreement: Option<f64>,
}

impl<P: Prunable> Reference<P> {
    /// Runs the network on a batch; `classes` says whether the largest output
    /// is a decision that must stay.
    #[must_use]
    pub fn new(model: &P, batch: P::Batch, tolerance: Tolerance, classes: bool) -> Self {
        let outputs = model.outputs_on(&batch);
        let sd = |row: ArrayView1<'_, P::Number>| {
            let row: Vec<f64> = row.iter().map(|x| x.widen()).collect();
            statistics::population_sd(&row)
        };
        let sds: Vec<f64> = outputs.rows().into_iter().map(sd).collect();
        let tolerances = sds.iter().map(|sd| tolerance.of(*sd)).collect();
        let decisions = classes.then(|| decisions(outputs.view()));
        Self {
            batch,
            counts: vec![true; outputs.nrows()],
            outputs,
            sds,
            tolerances,
            decisions,
        }
    }

    /// This reference, of which only some outputs count, by physical position.
    #[must_use]
    pub fn counting(mut self, outputs: &[usize]) -> Self {
        let count = |(output, counts): (usize, &mut bool)| *counts = outputs.contains(&output);
        self.counts.iter_mut().enumerate().for_each(count);
        self
    }

    /// The least that an output that counts may move by.
    #[must_use]
    pub fn least_tolerance(&self) -> f64 {
        let counting = self.tolerances.iter().zip(&self.counts);
        counting
            .filter(|(_, counts)| **counts)
            .fold(f64::INFINITY, |least, (tolerance, _)| least.min(*tolerance))
    }

    /// What each output may move by.
    #[must_use]
    pub fn tolerances(&self) -> &[f64] {
        &self.tolerances
    }

    /// The network's own outputs `[outputs, samples]`.
    #[must_use]
    pub fn outputs(&self) -> ArrayView2<'_, P::Number> {
        self.outputs.view()
    }

    /// What `other` does on the same samples.
    #[must_use]
    pub fn change(&self, other: &P) -> Change<P::Number> {
        let outputs = other.outputs_on(&self.batch);
        let moved = |a: &P::Number, b: &P::Number| (a.widen() - b.widen()).abs();
        let (mut per_output, mut total) = (vec![0.0; outputs.nrows()], 0.0);
        for output in (0..outputs.nrows()).filter(|output| self.counts[*output]) {
            let pairs = outputs
                .row(output)
                .into_iter()
                .zip(self.outputs.row(output));
            let moved: Vec<f64> = pairs.map(|(a, b)| moved(a, b)).collect();
            per_output[output] = moved.iter().copied().fold(0.0, nan_max);
            total += moved.iter().sum::<f64>();
        }
        let decision_agreement = self.decisions.as_ref().map(|before| {
            let after = decisions(outputs.view());
            let same = before.iter().zip(&after).filter(|(a, b)| a == b).count();
            same as f64 / before.len().max(1) as f64
        });
        let counted = self.counts.iter().filter(|counts| **counts).count();
        Change {
            per_output,
            mean: total / (counted * outputs.ncols()).max(1) as f64,
            decision_agreement,
            outputs,
        }
    }

    /// Whether a change is within tolerance everywhere and leaves every decision.
    #[must_use]
    pub fn verifies(&self, change: &Change<P::Number>) -> bool {
        let within = change
            .per_output
            .iter()
            .zip(&self.tolerances)
            .all(|(c, t)| c <= t);
        within && change.decision_agreement.is_none_or(|share| share >= 1.0)
    }

    /// What the networks are run on.
    pub(super) fn batch(&self) -> &P::Batch {
        &self.batch
    }

    /// The same verdicts on single samples, give or take rounding.
    pub(super) fn nearly(&self) -> Nearly<'_, P> {
        let largest = self.outputs.iter().map(|x| x.abs().widen());
        let rounding = ROUNDINGS * P::Number::epsilon().widen() * largest.fold(0.0, f64::max);
        let slack = |tolerance: &f64| SLACK * tolerance + rounding;
        Nearly {
            reference: self,
            slack: self.tolerances.iter().map(slack).collect(),
        }
    }

    /// Largest over outputs of change / tolerance; 0 / 0 is 0.
    #[must_use]
    pub fn change_over_tolerance(&self, change: &Change<P::Number>) -> f64 {
        let ratio = |(c, t): (&f64, &f64)| if *c == 0.0 { 0.0 } else { c / t };
        change
            .per_output
            .iter()
            .zip(&self.tolerances)
            .map(ratio)
            .fold(0.0, nan_max)
    }

    /// The change of each output, under its site's and its own name.
    #[must_use]
    pub fn output_changes(
        &self,
        change: &Change<P::Number>,
        names: &[(String, String)],
    ) -> Vec<OutputChange> {
        let entry = |(place, (output, name)): (usize, &(String, String))| OutputChange {
            output: output.clone(),
            name: name.clone(),
            sd: self.sds[place],
            tolerance: self.tolerances[place],
            max_abs_change: change.per_output[place],
        };
        let named = names.iter().enumerate();
        named
            .filter(|(place, _)| self.counts[*place])
            .map(entry)
            .collect()
    }

    /// This reference on at least these samples; tolerances stay those of all. `model`
    /// is run again, as rounding may depend on the number of samples.
    #[must_use]
    pub(super) fn select(&self, model: &P, rows: &[usize]) -> Self {
        let batch = P::pick(&self.batch, rows);
        let outputs = model.outputs_on(&batch);
        let classes = self.decisions.is_some();
        Self {
            decisions: classes.then(|| decisions(outputs.view())),
            outputs,
            batch,
            sds: self.sds.clone(),
            tolerances: self.tolerances.clone(),
            counts: self.counts.clone(),
        }
    }

    /// The samples, those first whose decisions change between the networks, then those whose
    /// outputs move most.
    pub(super) fn hardest_first(&self, change: &Change<P::Number>) -> Vec<usize> {
        let decided_otherwise = |sample: usize| {
            let before = self.decisions.as_ref().map(|all| all[sample]);
            before.is_some_and(|before| decision(change.outputs.column(sample)) != before)
        };
        let hardness = |sample: &usize| {
            let column = self.outputs.column(*sample);
            let moved = column.iter().zip(change.outputs.column(*sample));
            moved
                .zip(self.tolerances.iter().zip(&self.counts))
                .filter(|(_, (_, counts))| **counts)
                .map(|((a, b), (tolerance, _))| (a.widen() - b.widen()).abs() / tolerance)
                .fold(0.0, f64::max)
        };
        let mut samples: Vec<usize> = (0..self.outputs.ncols()).collect();
        order::descending(&mut samples, hardness);
        samples.sort_by_key(|sample| !decided_otherwise(*sample));
        samples
    }
}

impl<T> Change<T> {
    /// Largest |f − f'| over outputs.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.per_output.iter().copied().fold(0.0, nan_max)
    }
}

impl Tolerance {
    /// The tolerance of an output with this standard deviation.
    #[must_use]
    pub fn of(self, sd: f64) -> f64 {
        match self {
            Self::Absolute(tolerance) => tolerance,
            Self::Relative(share) => share * sd,
        }
    }
}

/// The larger of two, NaN if either is: a change that cannot be told is not small.
fn nan_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

impl<P: Prunable> Nearly<'_, P> {
    /// Whether a sample's outputs verify: never false where they do.
    pub(super) fn verifies(&self, sample: usize, outputs: ArrayView1<'_, f64>) -> bool {
        let still = Array1::zeros(outputs.len());
        !self.is_off(sample, outputs, still.view()) && self.stays(sample, outputs)
    }

    /// Whether an output is further off than it may be, wherever within `reach` it is.
    pub(super) fn is_off(
        &self,
        sample: usize,
        outputs: ArrayView1<'_, f64>,
        reach: ArrayView1<'_, f64>,
    ) -> bool {
        let reference = self.reference;
        let mut counting = (0..outputs.len()).filter(|output| reference.counts[*output]);
        counting.any(|output| {
            let moved = outputs[output] - reference.outputs[[output, sample]].widen();
            let most = reference.tolerances[output] + self.slack[output];
            moved.is_nan() || moved.abs() - reach[output] > most
        })
    }

    /// Whether the decision stays, where there is one.
    fn stays(&self, sample: usize, outputs: ArrayView1<'_, f64>) -> bool {
        let Some(before) = self.reference.decisions.as_ref().map(|all| all[sample]) else {
            return true;
        };
        match (outputs.len(), before) {
            // One logit stands for two classes and is held against 0.
            (1, 0) => outputs[0] <= self.slack[0],
            (1, _) => outputs[0] > -self.slack[0],
            _ => {
                let own = outputs[before] + self.slack[before];
                let mut others = outputs.iter().zip(&self.slack);
                others.all(|(other, slack)| other - slack <= own)
            }
        }
    }
}

fn decisions<T: Scalar>(outputs: ArrayView2<'_, T>) -> Vec<usize> {
    outputs.columns().into_iter().map(decision).collect()
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(tolerance) => write!(f, "{tolerance} for every output"),
            Self::Relative(share) => {
                write!(
                    f,
                    "{} % of each output's standard deviation over the data",
                    share * 100.0
                )
            }
        }
    }
}

impl FromStr for Tolerance {
    type Err = String;

    /// `0.01` is absolute, `1%` relative.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| match digits.trim().parse::<f64>() {
            Ok(x) if x.is_finite() && x >= 0.0 => Ok(x),
            _ => Err(format!(
                "`{text}` is neither a finite number like 0.01 nor a share like 1%"
            )),
        };
        match text.strip_suffix('%') {
            Some(share) => Ok(Self::Relative(number(share)? / 100.0)),
            None => Ok(Self::Absolute(number(text)?)),
        }
    }
}
