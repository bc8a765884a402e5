//! Attribution patching: first-order estimates of the effects of all edges at once.
//!
//! Patching edge u → v shifts the input of v by *fill of u − u*. To first order
//! the metric then moves by that shift times its gradient at the input of v. The
//! methods differ in the runs at which the gradient is taken.
//!
//! Sources: Syed, Rager & Conmy 2023, arXiv 2310.10348 (EAP); Hanna, Pezzelle &
//! Belinkov 2024, arXiv 2403.17806 (EAP with integrated gradients).

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::metric::Metric;
use crate::model::Components;
use crate::model::transformer::{Cut, ReaderGradient, SequenceTrace};
use crate::numeric::{Scalar, matmul_into};
use crate::patch::ComponentEngine;
use crate::patch::component::{Part, Rows, rows_of};

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
    /// For every group of writers (the inputs; the heads of a block; its MLP),
    /// the runs with what the group writes between fill and clean.
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

/// Estimated effects of all edges, `metric(as is) − metric(edge patched)`, by
/// edge number; `metric` is over all readings. Parts run in parallel.
#[must_use]
pub fn attribute<T: Scalar>(
    engine: &ComponentEngine<'_, T>,
    metric: &Metric,
    method: Attribution,
) -> Vec<f64> {
    let of_part = |part: &Part<T>| {
        let mut scores = Scores::new(engine, part, metric);
        scores.run(method);
        scores.effects
    };
    let parts: Vec<Vec<f64>> = engine.parts().par_iter().map(of_part).collect();
    let mut total = vec![0.0; engine.sites().edge_count()];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    total
}

/// The effects that one part gives.
struct Scores<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    part: &'e Part<T>,
    metric: Metric,
    /// The part's share of all readings.
    share: f64,
    effects: Vec<f64>,
}

/// Writers that a path interpolates together.
struct Group {
    writers: Range<usize>,
    /// The half before which the changed stream is put in.
    resume: usize,
    cut: Cut,
}

impl<'e, 'm, T: Scalar> Scores<'e, 'm, T> {
    fn new(engine: &'e ComponentEngine<'m, T>, part: &'e Part<T>, metric: &Metric) -> Self {
        let readings: Vec<usize> = part.readings.clone().collect();
        Self {
            engine,
            part,
            share: readings.len() as f64 / engine.readings() as f64,
            metric: metric.select(&readings),
            effects: vec![0.0; engine.sites().edge_count()],
        }
    }

    fn run(&mut self, method: Attribution) {
        let (part, sites) = (self.part, self.engine.sites());
        let all = 0..sites.writer_count();
        match method {
            Attribution::Eap => self.add(&part.clean, Cut::Nowhere, all, 1.0),
            Attribution::CleanCorrupted => {
                self.add(&part.clean, Cut::Nowhere, all.clone(), 0.5);
                let filled = self.between(&inputs(sites), 0.0);
                self.add(&filled, Cut::Nowhere, all, 0.5);
            }
            Attribution::IgInputs { steps, path } => {
                for at in path.points(steps) {
                    let trace = self.between(&inputs(sites), at);
                    self.add(&trace, Cut::Nowhere, all.clone(), 1.0 / steps as f64);
                }
            }
            Attribution::IgActivations { steps, own_source } => {
                let groups = groups(sites);
                let share = if own_source { 1 } else { groups.len() };
                for group in &groups {
                    for step in 1..=steps {
                        let trace = self.between(group, step as f64 / steps as f64);
                        let heeding = if own_source {
                            group.writers.clone()
                        } else {
                            all.clone()
                        };
                        self.add(&trace, group.cut, heeding, 1.0 / (steps * share) as f64);
                    }
                }
            }
        }
    }

    /// The run with what a group writes at `at` between fill (0) and clean (1).
    fn between(&self, group: &Group, at: f64) -> SequenceTrace<T> {
        let (clean, model) = (&self.part.clean, self.engine.model());
        let (stream, rows) = match group.resume {
            r if r == 2 * model.blocks.len() => (&clean.end.stream, Rows::Readings),
            r if r % 2 == 0 => (&clean.attention[r / 2].stream, Rows::Everywhere),
            r if r / 2 + 1 == model.blocks.len() => (&clean.mlp[r / 2].stream, Rows::Readings),
            r => (&clean.mlp[r / 2].stream, Rows::Everywhere),
        };
        let difference = self.part.differences.sum(group.writers.clone(), rows);
        let stream = stream + &(difference * T::from_f64(1.0 - at));
        model.resume(clean, group.resume, stream)
    }

    /// Adds `weight` times the first-order effects at a run to the edges out of `writers`.
    fn add(&mut self, trace: &SequenceTrace<T>, cut: Cut, writers: Range<usize>, weight: f64) {
        let at_outputs = self.metric.gradient(trace.outputs());
        let model = self.engine.model();
        model.backward_readers(trace, at_outputs.t(), cut, &mut |gradient| {
            self.take(&gradient, &writers, weight);
        });
    }

    fn take(&mut self, gradient: &ReaderGradient<T>, writers: &Range<usize>, weight: f64) {
        let sites = self.engine.sites();
        let first = gradient.first;
        let before = sites.writers_before(first);
        let rows = rows_of(sites, first);
        let differences = self.part.differences.of_first(before, rows);
        let products = products(gradient.gradients.view(), differences);
        for ((reader, writer), product) in products.indexed_iter() {
            if writers.contains(&writer) {
                let edge = sites.edge(writer, first + reader);
                // Patching moves the metric by the product: the effect is its negative.
                self.effects[edge] -= product * weight * self.share;
            }
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

/// The inputs as a group.
fn inputs(sites: &Components) -> Group {
    Group {
        writers: 0..sites.inputs(),
        resume: 0,
        cut: Cut::Nowhere,
    }
}

/// All groups, in the order of computation.
fn groups(sites: &Components) -> Vec<Group> {
    let mut groups = vec![inputs(sites)];
    for layer in 0..sites.layers() {
        let first = sites.first_head(layer);
        groups.push(Group {
            writers: first..first + sites.heads(),
            resume: 2 * layer + 1,
            cut: Cut::Heads(layer),
        });
        groups.push(Group {
            writers: sites.mlp_writer(layer)..sites.mlp_writer(layer) + 1,
            resume: 2 * layer + 2,
            cut: Cut::Mlp(layer),
        });
    }
    groups
}

/// `a · bᵀ`, `[m, n]`, of `a: [m, k]` and `b: [n, k]` with a long k: blocks in
/// the networks' precision, their sum in f64.
fn products<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Array2<f64> {
    const BLOCK: usize = 4096;
    let mut total = Array2::zeros((a.nrows(), b.nrows()));
    let mut block = Array2::zeros((a.nrows(), b.nrows()));
    for from in (0..a.ncols()).step_by(BLOCK) {
        let columns = from..(from + BLOCK).min(a.ncols());
        let (a, b) = (a.slice(s![.., columns.clone()]), b.slice(s![.., columns]));
        matmul_into(block.view_mut(), a, b.t(), false);
        total.zip_mut_with(&block, |t: &mut f64, x: &T| *t += x.widen());
    }
    total
}
