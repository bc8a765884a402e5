//! One circuit against the full network and against nothing.

use super::minimality;
use crate::metric::Metric;
use crate::numeric::{Rng, statistics};
use crate::patch::{EdgeSet, Patchable};

/// Resamples of a bootstrap interval.
const RESAMPLES: usize = 1000;

/// What circuits for one answer are judged by.
#[derive(Debug, Clone)]
pub struct Judge<'n, P> {
    network: &'n P,
    metric: Metric,
    /// Edges that carry anything: what circuits are made of.
    candidates: EdgeSet,
    full: Vec<f64>,
    corrupted: Vec<f64>,
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
    /// Share of edges that matter more than those of random circuits.
    pub minimality: Option<f64>,
    /// 95 % bootstrap interval of the faithfulness over samples.
    pub interval: Option<[f64; 2]>,
}

impl<'n, P: Patchable> Judge<'n, P> {
    /// A judge for the samples of `network`; `metric` is over the same samples.
    #[must_use]
    pub fn new(network: &'n P, metric: Metric, candidates: EdgeSet) -> Self {
        let clean = network.outputs(&network.edges([]));
        let nothing = network.outputs(&network.all());
        Self {
            full: metric.values(clean.view()),
            corrupted: metric.values(nothing.view()),
            network,
            metric,
            candidates,
        }
    }

    /// The network, on the samples of the answer.
    #[must_use]
    pub fn network(&self) -> &'n P {
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
        let outputs = self.network.outputs(&self.network.all_but(circuit));
        self.metric.values(outputs.view())
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

    /// The whole verdict; `seed` is for the bootstrap and the random circuits.
    #[must_use]
    pub fn judge(&self, circuit: &EdgeSet, seed: u64) -> Judgement {
        let values = self.values(circuit);
        let mut complement = self.candidates.clone();
        complement.difference_with(circuit);
        let complement = statistics::mean(&self.values(&complement));
        let at = |values: &[f64], rows: &[usize]| rows.iter().map(|r| values[*r]).sum::<f64>();
        let resampled = |rows: &[usize]| {
            faithfulness(
                at(&values, rows),
                at(&self.full, rows),
                at(&self.corrupted, rows),
            )
        };
        let circuit_mean = statistics::mean(&values);
        Judgement {
            full: statistics::mean(&self.full),
            circuit: circuit_mean,
            corrupted: statistics::mean(&self.corrupted),
            gap: self.gap(&values),
            faithfulness: self.faithfulness(circuit_mean),
            completeness: self.faithfulness(complement).map(|f| 1.0 - f),
            minimality: minimality::minimality(self, circuit, &mut Rng::new(seed, 1)),
            interval: statistics::bootstrap_interval(values.len(), RESAMPLES, seed, resampled),
        }
    }
}

fn faithfulness(circuit: f64, full: f64, corrupted: f64) -> Option<f64> {
    let range = full - corrupted;
    let scale = full.abs().max(corrupted.abs());
    let told_apart = range.abs() > scale * f64::from(f32::EPSILON);
    told_apart.then(|| (circuit - corrupted) / range)
}
