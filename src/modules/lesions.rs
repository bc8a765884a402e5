//! What a module does: it is ablated, and random sets of sites beside it.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array2, ArrayView2};

use super::Graph;
use crate::metric::Metric;
use crate::numeric::{Rng, Scalar, parallel, statistics};
use crate::patch::{Patchable, PatchableExt as _};

/// Means of a metric that differ by a smaller share of it are sums of the same terms in
/// another order.
const SAME: f64 = 1e-12;

/// What is measured, and on which samples.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Its name in results.
    pub name: String,
    /// The metric, over all samples of the batch.
    pub metric: Metric,
    /// The samples that count; all without.
    pub rows: Option<Vec<usize>>,
    /// Site of the one output that it is of.
    pub output: Option<String>,
}

impl Measured {
    /// The mean over the samples that count, of `outputs: [outputs, samples]`.
    #[must_use]
    pub fn mean<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> f64 {
        let Some(rows) = &self.rows else {
            return self.metric.mean(outputs);
        };
        let values: Vec<f64> = rows
            .iter()
            .map(|row| self.metric.value(outputs, *row))
            .collect();
        statistics::mean(&values)
    }
}

/// The ablation of one set of sites.
#[derive(Debug, Clone, PartialEq)]
pub struct Ablation {
    /// The metric with nothing patched.
    pub full: f64,
    /// The metric with all messages out of the set patched.
    pub lesioned: f64,
    /// The metric with all messages out of the other groups patched.
    pub alone: f64,
    /// The lesioned metric of random sets.
    pub random: Vec<f64>,
}

impl Ablation {
    /// `metric(as is) − metric(patched)`.
    #[must_use]
    pub fn effect(&self) -> f64 {
        self.full - self.lesioned
    }

    /// The effects of the random sets.
    #[must_use]
    pub fn random_effects(&self) -> Vec<f64> {
        self.random
            .iter()
            .map(|lesioned| self.full - lesioned)
            .collect()
    }

    /// `(r + 1) / (n + 1)`, r = random sets with an |effect| at least as large.
    #[must_use]
    pub fn p(&self) -> f64 {
        let effects = self.random_effects();
        let least = self.effect().abs() - self.rounding();
        let as_large = effects.iter().filter(|e| e.abs() >= least).count();
        (as_large + 1) as f64 / (effects.len() + 1) as f64
    }

    /// Mean and sample standard deviation of the random sets' effects.
    #[must_use]
    pub fn random_mean_and_sd(&self) -> (f64, f64) {
        let effects = self.random_effects();
        let sd = statistics::sample_sd(&effects);
        let sd = if sd < self.rounding() { 0.0 } else { sd };
        (statistics::mean(&effects), sd)
    }

    /// Effects that differ by less are the same.
    fn rounding(&self) -> f64 {
        SAME * (self.full.abs() + self.lesioned.abs())
    }
}

/// Ablates each of `groups` (nodes of the graph, by number; outputs write nothing and
/// are passed over), for each of `metrics`: `[groups][metrics]`.
///
/// Random sets have as many nodes in each layer as the group, drawn from the
/// union of the groups; `samples` of them per group.
#[must_use]
pub fn lesions<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    graph: &Graph,
    groups: &[Vec<usize>],
    metrics: &[Measured],
    samples: usize,
    seed: u64,
) -> Vec<Vec<Ablation>> {
    let clean = measure(network, graph, &[], metrics);
    let pool: Vec<usize> = groups.iter().flatten().copied().collect();
    let layers = graph.layers();
    let of_group = |(index, group): (usize, &Vec<usize>)| {
        let others: Vec<usize> = groups
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .flat_map(|(_, nodes)| nodes.iter().copied())
            .collect();
        let lesioned = measure(network, graph, group, metrics);
        let alone = measure(network, graph, &others, metrics);
        let random = (0..samples).map(|draw| {
            let mut rng = Rng::new(seed, (index * samples + draw) as u64);
            alike(&layers, group, &pool, &mut rng)
        });
        let random: Vec<Vec<usize>> = random.collect();
        // The same set may be drawn again and again, where layers are narrow.
        let distinct: BTreeSet<&Vec<usize>> = random.iter().collect();
        let distinct: Vec<&Vec<usize>> = distinct.into_iter().collect();
        let measured = parallel::map(distinct, |nodes| {
            (nodes, measure(network, graph, nodes, metrics))
        });
        let measured: BTreeMap<&Vec<usize>, Vec<f64>> = measured.into_iter().collect();
        let ablation = |metric: usize| Ablation {
            full: clean[metric],
            lesioned: lesioned[metric],
            alone: alone[metric],
            random: random.iter().map(|nodes| measured[nodes][metric]).collect(),
        };
        (0..metrics.len()).map(ablation).collect()
    };
    groups.iter().enumerate().map(of_group).collect()
}

/// The metrics with all of `groups` ablated together.
#[must_use]
pub fn all_ablated<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    graph: &Graph,
    groups: &[Vec<usize>],
    metrics: &[Measured],
) -> Vec<f64> {
    measure(network, graph, &groups.concat(), metrics)
}

/// The metrics with all messages out of `nodes` patched.
pub(super) fn measure<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    graph: &Graph,
    nodes: &[usize],
    metrics: &[Measured],
) -> Vec<f64> {
    let outputs = outputs_without(network, graph, nodes);
    metrics
        .iter()
        .map(|metric| metric.mean(outputs.view()))
        .collect()
}

/// The outputs with all messages out of `nodes` patched.
pub(super) fn outputs_without<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    graph: &Graph,
    nodes: &[usize],
) -> Array2<T> {
    let members = nodes.iter().flat_map(|node| &graph.members[*node]);
    let members: Vec<usize> = members.copied().collect();
    network.outputs_without(&members, &|| {
        let edges = nodes.iter().flat_map(|node| graph.out[*node].iter());
        network.edges(edges.copied())
    })
}

/// A random set with as many nodes of each layer (but the last, the outputs) as `group`,
/// from `pool`.
fn alike(layers: &[usize], group: &[usize], pool: &[usize], rng: &mut Rng) -> Vec<usize> {
    let mut set = Vec::with_capacity(group.len());
    for layer in 0..layers.last().copied().unwrap_or(0) {
        let wanted = group.iter().filter(|node| layers[**node] == layer).count();
        let mut candidates: Vec<usize> = pool
            .iter()
            .copied()
            .filter(|node| layers[*node] == layer)
            .collect();
        rng.shuffle(&mut candidates);
        set.extend(candidates.into_iter().take(wanted));
    }
    set.sort_unstable();
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets that do the same but for rounding are as large, and do not vary.
    #[test]
    fn rounding_is_no_difference() {
        let ablation = |random: Vec<f64>| Ablation {
            full: 44.0,
            lesioned: 29.0,
            alone: 44.0,
            random,
        };
        let same = ablation(vec![29.0 + 1e-14, 29.0, 29.0 - 1e-14]);
        assert_eq!((same.p(), same.random_mean_and_sd().1), (1.0, 0.0));
        let less = ablation(vec![30.0, 31.0, 32.0]);
        let (mean, sd) = less.random_mean_and_sd();
        assert_eq!((less.p(), mean), (0.25, 13.0));
        assert!((sd - 1.0).abs() < 1e-12, "{sd}");
    }
}
