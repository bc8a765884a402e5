//! What moved between two runs on the same samples, with intervals.

use ndarray::{Array2, ArrayView2};

use crate::Result;
use crate::audit::subject::Subject;
use crate::audit::truth::Truth;
use crate::audit::{layered, transformer};
use crate::choice::MetricKind;
use crate::evaluate::stability::wilson_interval;
use crate::metric::{Metric, decision};
use crate::numeric::Scalar;
use crate::numeric::statistics::{bootstrap_interval, mean};
use crate::order;
use crate::result::{Moved, MovedDecisions, MovedOutput};

/// Resamples of an interval, and the fewest samples that have one.
const RESAMPLES: usize = 1000;
const FEWEST: usize = 10;

/// Outputs that are told one by one.
const MOST_OUTPUTS: usize = 100;

/// A network with its data whose outputs can be measured.
pub trait Measures {
    /// What it computes in.
    type Number: Scalar;

    /// Its outputs, `[outputs, readings]`.
    fn clean(&self) -> &Array2<Self::Number>;

    /// What the data say of them.
    fn truth(&self) -> Truth<'_, Self::Number>;

    /// Site and own name of an output.
    fn name(&self, output: usize) -> (String, String);

    /// Readings of each sample.
    fn per_sample(&self) -> usize;

    /// Whether outputs stand for classes.
    fn decides(&self) -> bool;
}

impl<T: Scalar> Measures for Subject<'_, T> {
    type Number = T;

    fn clean(&self) -> &Array2<T> {
        &self.clean
    }

    fn truth(&self) -> Truth<'_, T> {
        self.truth()
    }

    fn name(&self, output: usize) -> (String, String) {
        self.outputs[output].clone()
    }

    fn per_sample(&self) -> usize {
        1
    }

    fn decides(&self) -> bool {
        self.classifies()
    }
}

impl<T: Scalar> Measures for layered::Subject<'_, T> {
    type Number = T;

    fn clean(&self) -> &Array2<T> {
        &self.clean
    }

    fn truth(&self) -> Truth<'_, T> {
        self.truth()
    }

    fn name(&self, output: usize) -> (String, String) {
        self.outputs()[output].clone()
    }

    fn per_sample(&self) -> usize {
        1
    }

    fn decides(&self) -> bool {
        self.batch().classes.is_some()
    }
}

impl<T: Scalar> Measures for transformer::Subject<'_, T> {
    type Number = T;

    fn clean(&self) -> &Array2<T> {
        &self.clean
    }

    fn truth(&self) -> Truth<'_, T> {
        self.truth()
    }

    fn name(&self, output: usize) -> (String, String) {
        (format!("y{output}"), self.output_name(output))
    }

    fn per_sample(&self) -> usize {
        self.batch().answers.readings_per_sample()
    }

    fn decides(&self) -> bool {
        self.batch().targets.is_none()
    }
}

/// The run without edits, to hold others against.
pub struct Measured<'s, S: Measures> {
    subject: &'s S,
    metric: Metric,
    /// By reading.
    before: Vec<f64>,
    seed: u64,
}

impl<'s, S: Measures> Measured<'s, S> {
    /// By a metric, or the usual one: the logit difference where outputs stand for classes,
    /// else the squared error (of the network's own outputs where there are no targets).
    pub fn new(subject: &'s S, kind: Option<MetricKind>, seed: u64) -> Result<Self> {
        let usual = match subject.decides() {
            true => MetricKind::LogitDiff,
            false => MetricKind::Mse,
        };
        let metric = subject.truth().metric(kind.unwrap_or(usual), None)?;
        Ok(Self {
            before: metric.values(subject.clean().view()),
            metric,
            subject,
            seed,
        })
    }

    /// The metric before and after.
    pub fn metric(&self, outputs: &Array2<S::Number>) -> Moved {
        let values = self.metric.values(outputs.view());
        let effects: Vec<f64> = self
            .before
            .iter()
            .zip(&values)
            .map(|(b, a)| b - a)
            .collect();
        let (before, after) = (mean(&self.before), mean(&values));
        Moved {
            metric: self.metric.kind(),
            before,
            after,
            effect: before - after,
            interval: self.interval(&effects),
        }
    }

    /// 95 % interval of a mean over readings: those of a sample are drawn together.
    fn interval(&self, values: &[f64]) -> Option<[f64; 2]> {
        let of_sample = self.subject.per_sample().max(1);
        let by_sample: Vec<f64> = values.chunks(of_sample).map(mean).collect();
        if by_sample.len() < FEWEST {
            return None;
        }
        bootstrap_interval(by_sample.len(), RESAMPLES, self.seed, |rows| {
            let sum: f64 = rows.iter().map(|row| by_sample[*row]).sum();
            Some(sum / rows.len() as f64)
        })
    }

    /// Decisions that changed.
    pub fn decisions(&self, outputs: &Array2<S::Number>) -> Option<MovedDecisions> {
        let all = |outputs: ArrayView2<'_, S::Number>| -> Vec<usize> {
            outputs.columns().into_iter().map(decision).collect()
        };
        let (before, after) = (all(self.subject.clean().view()), all(outputs.view()));
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        let readings = before.len();
        let share = changed as f64 / readings.max(1) as f64;
        self.subject.decides().then(|| MovedDecisions {
            changed,
            readings,
            interval: (readings >= FEWEST).then(|| wilson_interval(share, readings)),
        })
    }

    /// The outputs that moved most, on average: their numbers, and what is told of them.
    pub fn outputs(&self, outputs: &Array2<S::Number>) -> (Vec<usize>, Vec<MovedOutput>) {
        let clean = self.subject.clean();
        let mut means: Vec<(usize, f64)> = (0..clean.nrows())
            .map(|output| (output, mean(&self.moved(outputs, output))))
            .collect();
        // NaN is the largest there is.
        order::descending(&mut means, |one| one.1.abs());
        means.truncate(MOST_OUTPUTS);
        let told = |(output, change): &(usize, f64)| {
            let (output, change) = (*output, *change);
            let moved = self.moved(outputs, output);
            let before: Vec<f64> = clean.row(output).iter().map(|x| x.widen()).collect();
            let (site, name) = self.subject.name(output);
            let before = mean(&before);
            MovedOutput {
                output: site,
                name,
                before,
                after: before + change,
                change,
                interval: self.interval(&moved),
                largest: moved.iter().fold(0.0, |m, x| x.abs().max(m)),
            }
        };
        let moved = means.iter().map(told).collect();
        (means.iter().map(|(output, _)| *output).collect(), moved)
    }

    /// What an output moved by, reading by reading.
    fn moved(&self, outputs: &Array2<S::Number>, output: usize) -> Vec<f64> {
        let (before, after) = (self.subject.clean().row(output), outputs.row(output));
        let pairs = before.into_iter().zip(after);
        pairs.map(|(b, a)| a.widen() - b.widen()).collect()
    }

    /// The mean changes of these outputs, in their order.
    pub fn changes(&self, outputs: &Array2<S::Number>, of: &[usize]) -> Vec<f64> {
        of.iter()
            .map(|output| mean(&self.moved(outputs, *output)))
            .collect()
    }
}
