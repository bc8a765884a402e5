//! Attribution patching: first-order estimates of the effects of all edges at once.
//!
//! Patching edge u → v shifts the input of v by *fill of u − u*. To first order
//! the metric then moves by that shift times its gradient at the input of v. The
//! methods differ in the runs at which the gradient is taken.
//!
//! Sources: Syed, Rager & Conmy 2023, arXiv 2310.10348 (EAP); Hanna, Pezzelle &
//! Belinkov 2024, arXiv 2403.17806 (EAP with integrated gradients).

mod component;
mod layered;
mod mlp;
mod neuron;
#[cfg(test)]
mod tests;
mod weight;

use rayon::prelude::*;

use crate::metric::Metric;
use crate::patch::{EdgeSet, Nodes, Parted, Patchable};

/// At which runs the gradient is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// The clean run.
    Eap,
    /// The mean of the clean run and the run with all inputs filled.
    CleanCorrupted,
    /// The mean over runs with inputs between fill and clean.
    IgInputs {
        /// Runs.
        steps: usize,
        /// Where they lie.
        path: Path,
    },
    /// For every group of writers (the inputs; a hidden layer of an MLP; the
    /// heads of a block; its MLP; the stream before a block), the runs with what the group writes between fill and clean.
    IgActivations {
        /// Runs per group.
        steps: usize,
        /// Whether an edge heeds only its own writer's group. Else it averages
        /// the runs of all groups, as the EAP-IG library does.
        own_source: bool,
    },
}

/// Where the points of a path from fill (0) to clean (1) lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// (k + ½) / steps.
    Midpoints,
    /// k / steps from k = 0: the fill's end is in, the clean end is not, as in
    /// the EAP-IG library.
    Library,
}

/// Networks whose edges can be scored by gradients.
pub trait Attributable: Patchable {
    /// Groups of writers that a path interpolates together.
    fn groups(&self) -> usize;

    /// Estimated effects of all edges, `metric(as is) − metric(edge patched)`,
    /// by edge number; `metric` is over all samples.
    fn attribute(&self, metric: &Metric, method: Attribution) -> Vec<f64>;
}

/// To first order, patching a node is patching each edge out of it.
impl<P: Attributable> Attributable for Nodes<'_, P> {
    fn groups(&self) -> usize {
        self.network().groups()
    }

    fn attribute(&self, metric: &Metric, method: Attribution) -> Vec<f64> {
        let edges = self.network().attribute(metric, method);
        let sum = |out: &EdgeSet| out.ones().map(|edge| edges[edge]).sum();
        self.out().iter().map(sum).collect()
    }
}

/// The runs of some of the samples at which gradients are taken.
trait Runs {
    /// A run.
    type Run;

    /// Groups of writers, in the order of computation; the inputs are the first.
    fn groups(&self) -> usize;

    /// The clean run.
    fn clean(&self) -> &Self::Run;

    /// The run with what a group writes at `at` between fill (0) and clean (1).
    fn between(&self, group: usize, at: f64) -> Self::Run;

    /// Adds `weight` times the first-order effects at a run to `effects`: of
    /// the edges out of the group `heeding`, or of all; no gradient flows
    /// through what the group `fixed` writes.
    fn add(&self, run: &Self::Run, fixed: usize, heeding: Option<usize>, by: &mut Share<'_>);
}

/// Where effects are summed up, and the weight of what is added next.
struct Share<'e> {
    effects: &'e mut [f64],
    weight: f64,
}

/// Takes the gradients that a method asks for and sums up `share` times the effects.
fn follow<R: Runs>(runs: &R, method: Attribution, share: f64, effects: &mut [f64]) {
    let mut add = |run: &R::Run, fixed: usize, heeding: Option<usize>, weight: f64| {
        let weight = weight * share;
        runs.add(run, fixed, heeding, &mut Share { effects, weight });
    };
    match method {
        Attribution::Eap => add(runs.clean(), 0, None, 1.0),
        Attribution::CleanCorrupted => {
            add(runs.clean(), 0, None, 0.5);
            add(&runs.between(0, 0.0), 0, None, 0.5);
        }
        Attribution::IgInputs { steps, path } => {
            for at in path.points(steps) {
                add(&runs.between(0, at), 0, None, 1.0 / steps as f64);
            }
        }
        Attribution::IgActivations { steps, own_source } => {
            let groups = runs.groups();
            let sharing = if own_source { 1 } else { groups };
            for group in 0..groups {
                for step in 1..=steps {
                    let run = runs.between(group, step as f64 / steps as f64);
                    let heeding = own_source.then_some(group);
                    add(&run, group, heeding, 1.0 / (steps * sharing) as f64);
                }
            }
        }
    }
}

/// The effects over all parts of a network, which run in parallel; `runs` are those of
/// one part, on the metric of its readings.
fn over_parts<'e, P: Parted, R: Runs>(
    network: &'e P,
    metric: &Metric,
    method: Attribution,
    runs: impl Fn(&'e P::Part, Metric) -> R + Sync,
) -> Vec<f64> {
    let of_part = |part: &'e P::Part| {
        let readings: Vec<usize> = P::readings_of(part).collect();
        let share = readings.len() as f64 / network.samples() as f64;
        let mut effects = vec![0.0; network.edge_count()];
        let runs = runs(part, metric.select(&readings));
        follow(&runs, method, share, &mut effects);
        effects
    };
    sum(network.parts().par_iter().map(of_part).collect())
}

/// The sum of the effects of all parts, edge by edge.
fn sum(parts: Vec<Vec<f64>>) -> Vec<f64> {
    let add = |mut total: Vec<f64>, part: Vec<f64>| {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        total
    };
    parts.into_iter().reduce(add).unwrap_or_default()
}

impl Attribution {
    /// Forward and backward passes over `groups` groups of writers.
    #[must_use]
    pub fn runs(self, groups: usize) -> usize {
        match self {
            Self::Eap => 1,
            Self::CleanCorrupted => 2,
            Self::IgInputs { steps, .. } => steps,
            Self::IgActivations { steps, .. } => steps * groups,
        }
    }
}

impl Path {
    /// The points of a path of so many steps.
    #[must_use]
    pub fn points(self, steps: usize) -> Vec<f64> {
        let offset = match self {
            Self::Midpoints => 0.5,
            Self::Library => 0.0,
        };
        (0..steps)
            .map(|k| (k as f64 + offset) / steps as f64)
            .collect()
    }
}
