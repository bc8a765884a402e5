//! One circuit against the full network and against nothing.

use ndarray::{Array2, ArrayView2};

use super::transfer::Done;
use crate::metric::{Metric, decision};
use crate::numeric::{Scalar, statistics};
use crate::patch::{EdgeSet, Fill, Patchable, PatchableExt as _};

/// How intervals are made, in words.
pub const INTERVAL: &str = "jackknife over samples, Student's t with the degrees of freedom that \
     the samples' influences support";

/// The fewest samples of which an interval is given under a fill; `None`: of none.
///
/// Elsewhere, intervals meant to hold the truth 95 % of the time held it 53 to 89 % of the
/// time; where they are given, 93 to 97.6 % (`cargo run --release --example coverage`, with its
/// table in `docs/measured.md`). Of few samples some carry most of an error, and hardly any decision or probability is another;
/// and what a mean does to an output hangs on the samples that it is the mean of.
#[must_use]
pub const fn fewest_judged(metric: &Metric, fill: Fill) -> Option<usize> {
    let of_each_alone = match fill {
        Fill::Zero | Fill::Corrupted => true,
        Fill::Mean | Fill::Resample => false,
    };
    match (metric, of_each_alone) {
        (
            Metric::LogitDiff { .. }
            | Metric::Mse {
                output: Some(_), ..
            },
            _,
        )
        | (Metric::Mse { output: None, .. }, true) => Some(30),
        (Metric::ProbDiff { .. }, true) => Some(100),
        (Metric::Kl { .. }, true) => Some(300),
        (Metric::Output { .. } | Metric::Accuracy { .. } | Metric::CrossEntropy { .. }, _)
        | (Metric::Mse { output: None, .. } | Metric::ProbDiff { .. } | Metric::Kl { .. }, false) => {
            None
        }
    }
}

/// What circuits for one answer are judged by.
#[derive(Clone)]
pub struct Judge<'n, T> {
    network: &'n dyn Patchable<Number = T>,
    metric: Metric,
    /// Edges that carry anything: what circuits are made of.
    candidates: EdgeSet,
    full: Vec<f64>,
    corrupted: Vec<f64>,
    /// The full network's decisions, where the metric is of decisions.
    decisions: Option<Vec<usize>>,
}

/// The verdict on one circuit.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The metric with nothing patched.
    pub full: f64,
    /// The metric with everything but the circuit patched.
    pub circuit: f64,
    /// The metric with everything patched.
    pub corrupted: f64,
    /// Mean over samples of |circuit − full|.
    pub gap: f64,
    /// `(circuit − corrupted) / (full − corrupted)`.
    pub faithfulness: Option<f64>,
    /// `1 − faithfulness` of the circuit's complement alone.
    pub completeness: Option<f64>,
    /// 95 % interval of the faithfulness over samples, as [`INTERVAL`] says; `None`
    /// for too few.
    pub interval: Option<[f64; 2]>,
    /// Share of samples on which the circuit decides as the full network; `None`
    /// for metrics of numbers.
    pub decision_agreement: Option<f64>,
}

impl<'n, T: Scalar> Judge<'n, T> {
    /// A judge for the samples of `network`; `metric` is over the same samples.
    #[must_use]
    pub fn new(
        network: &'n dyn Patchable<Number = T>,
        metric: Metric,
        candidates: EdgeSet,
    ) -> Self {
        let clean = network.outputs(&network.edges([]));
        let nothing = network.outputs(&network.all());
        Self {
            full: metric.values(clean.view()),
            corrupted: metric.values(nothing.view()),
            decisions: decisions(&metric, clean.view()),
            network,
            metric,
            candidates,
        }
    }

    /// The network, on the samples of the answer.
    #[must_use]
    pub fn network(&self) -> &'n dyn Patchable<Number = T> {
        self.network
    }

    /// The metric, over the same samples.
    #[must_use]
    pub fn metric(&self) -> &Metric {
        &self.metric
    }

    /// The edges that circuits are made of.
    #[must_use]
    pub fn candidates(&self) -> &EdgeSet {
        &self.candidates
    }

    /// |full − corrupted|: the scale on which effects are large or small.
    #[must_use]
    pub fn scale(&self) -> f64 {
        (statistics::mean(&self.full) - statistics::mean(&self.corrupted)).abs()
    }

    /// The metric, sample by sample, with everything but the circuit patched.
    #[must_use]
    pub fn values(&self, circuit: &EdgeSet) -> Vec<f64> {
        self.metric.values(self.kept(circuit).view())
    }

    /// The same for each of several circuits; they run in parallel.
    #[must_use]
    pub fn values_of(&self, circuits: &[EdgeSet]) -> Vec<Vec<f64>> {
        let patched: Vec<EdgeSet> = circuits.iter().map(|c| self.network.all_but(c)).collect();
        self.network
            .each_set(&patched, |outputs| self.metric.values(outputs))
    }

    /// What each of several circuits does; they run in parallel.
    #[must_use]
    pub fn done_by(&self, circuits: &[EdgeSet]) -> Vec<Done> {
        let patched: Vec<EdgeSet> = circuits.iter().map(|c| self.network.all_but(c)).collect();
        self.network.each_set(&patched, |outputs| Done {
            values: self.metric.values(outputs),
            decisions: decisions(&self.metric, outputs),
        })
    }

    /// The outputs with everything but the circuit patched.
    fn kept(&self, circuit: &EdgeSet) -> Array2<T> {
        self.network.outputs(&self.network.all_but(circuit))
    }

    /// |1 − faithfulness| of every circuit, in parallel; infinite where there is none.
    #[must_use]
    pub fn errors(&self, circuits: &[EdgeSet]) -> Vec<f64> {
        let patched: Vec<EdgeSet> = circuits.iter().map(|c| self.network.all_but(c)).collect();
        let error = |outputs: ArrayView2<'_, T>| {
            let faithfulness = self.faithfulness(self.metric.mean(outputs));
            faithfulness.map_or(f64::INFINITY, |f| (1.0 - f).abs())
        };
        self.network.each_set(&patched, error)
    }

    /// Share of samples on which these outputs decide as the full network's.
    fn agreement(&self, outputs: ArrayView2<'_, T>) -> Option<f64> {
        let (own, theirs) = (self.decisions.as_ref()?, decisions(&self.metric, outputs)?);
        let same = own.iter().zip(&theirs).filter(|(a, b)| a == b).count();
        Some(same as f64 / own.len().max(1) as f64)
    }

    /// The metric, sample by sample, with nothing patched.
    #[must_use]
    pub fn full(&self) -> &[f64] {
        &self.full
    }

    /// Mean over samples of |value − full|, in units of the metric.
    #[must_use]
    pub fn gap(&self, values: &[f64]) -> f64 {
        let gaps = values.iter().zip(&self.full).map(|(c, f)| (c - f).abs());
        gaps.sum::<f64>() / values.len().max(1) as f64
    }

    /// `(m − corrupted) / (full − corrupted)` of a circuit's metric; `None`
    /// where patching everything changes nothing.
    #[must_use]
    pub fn faithfulness(&self, metric: f64) -> Option<f64> {
        faithfulness(
            metric,
            statistics::mean(&self.full),
            statistics::mean(&self.corrupted),
        )
    }

    /// The whole verdict, with an interval of at least `fewest` samples, of which
    /// [`fewest_judged`] knows.
    #[must_use]
    pub fn judge(&self, circuit: &EdgeSet, fewest: Option<usize>) -> Judgement {
        let outputs = self.kept(circuit);
        let values = self.metric.values(outputs.view());
        let mut complement = self.candidates.clone();
        complement.difference_with(circuit);
        let complement = statistics::mean(&self.values(&complement));
        let circuit_mean = statistics::mean(&values);
        Judgement {
            full: statistics::mean(&self.full),
            circuit: circuit_mean,
            corrupted: statistics::mean(&self.corrupted),
            gap: self.gap(&values),
            faithfulness: self.faithfulness(circuit_mean),
            completeness: self.faithfulness(complement).map(|f| 1.0 - f),
            interval: self.interval(&values, fewest),
            decision_agreement: self.agreement(outputs.view()),
        }
    }

    /// The interval of the faithfulness of a circuit with these values.
    fn interval(&self, values: &[f64], fewest: Option<usize>) -> Option<[f64; 2]> {
        self.faithfulness(statistics::mean(values))?;
        if values.len() < fewest? {
            return None;
        }
        let above = |of: &[f64]| -> Vec<f64> {
            of.iter().zip(&self.corrupted).map(|(m, c)| m - c).collect()
        };
        statistics::ratio_interval(&above(values), &above(&self.full))
    }
}

/// The decision on every sample: the largest output, where the metric is of decisions.
fn decisions<T: Scalar>(metric: &Metric, outputs: ArrayView2<'_, T>) -> Option<Vec<usize>> {
    let decides = metric.kind().is_of_decisions();
    decides.then(|| outputs.columns().into_iter().map(decision).collect())
}

/// `(circuit − corrupted) / (full − corrupted)`; `None` where those two are the same but for
/// rounding.
pub(super) fn faithfulness(circuit: f64, full: f64, corrupted: f64) -> Option<f64> {
    let range = full - corrupted;
    let scale = full.abs().max(corrupted.abs());
    let told_apart = range.abs() > scale * f64::from(f32::EPSILON);
    told_apart.then(|| (circuit - corrupted) / range)
}
