//! Attribution patching: first-order estimates of the effects of all edges at once.
//!
//! Patching edge u → v shifts the input of v by *fill of u − u*. To first order
//! the metric then moves by that shift times its gradient at the input of v. The
//! methods differ in the runs at which the gradient is taken, and in what stands in
//! for it where it is known to mislead.
//!
//! Sources: Syed, Rager & Conmy 2023, arXiv 2310.10348 (EAP); Hanna, Pezzelle &
//! Belinkov 2024, arXiv 2403.17806 (EAP with integrated gradients); Rezaei Jafari et
//! al. 2025, arXiv 2508.21258 (RelP); Kramár et al. 2024, arXiv 2403.00745 (AtP*: the
//! QK fix and GradDrop).

mod component;
mod layered;
mod mlp;
mod neuron;
#[cfg(test)]
mod tests;
mod weight;

use std::ops::Range;

use ndarray::{Array2, Axis, concatenate};

use crate::metric::Metric;
use crate::model::Rules;
use crate::numeric::parallel;
use crate::patch::{Nodes, Parted, Patchable};

/// At which runs the gradient is taken, or what is taken instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// The clean run.
    Eap,
    /// The clean run, by the rules of relevance in place of derivatives.
    Relp,
    /// The clean run; of edges into queries and keys, the patterns that heads would see
    /// are computed, and only what comes after them is linear.
    EapQk,
    /// The same as often as there are sublayers, each time with the gradient through one of
    /// them dropped: the sum of the sizes of a sample's effects over one number less than
    /// there are. What a direct path and one through a sublayer cancel shows. No effect has
    /// a sign.
    AtpStar,
    /// The mean of the clean run and the run with all inputs filled.
    CleanCorrupted,
    /// For every group of writers, the run with what the group writes filled; an edge
    /// heeds its own writer's group alone.
    Filled,
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
    /// Whether it has edges into queries and keys, whose patterns can be computed.
    fn has_queries(&self) -> bool {
        false
    }

    /// Groups of writers that a path interpolates together.
    fn groups(&self) -> usize;

    /// Estimated effects of all edges, `metric(as is) − metric(edge patched)`, summed
    /// over each block of samples, `[blocks, edges]`; `metric` is over all samples.
    fn attribute_by(&self, metric: &Metric, method: Attribution, blocks: Blocks) -> Array2<f64>;

    /// Estimated effects of all edges, by edge number.
    fn attribute(&self, metric: &Metric, method: Attribution) -> Vec<f64> {
        let effects = self.attribute_by(metric, method, Blocks::Whole);
        effects.into_raw_vec_and_offset().0
    }
}

/// The blocks of samples whose effects are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// All samples: the effects of edges.
    Whole,
    /// Every sample of the data by itself, a transformer's with all its readings: the
    /// sum of the rows is the effects of edges.
    Samples,
}

/// To first order, patching a node is patching each edge out of it.
impl<P: Attributable + ?Sized> Attributable for Nodes<'_, P> {
    fn has_queries(&self) -> bool {
        self.network().has_queries()
    }

    fn groups(&self) -> usize {
        self.network().groups()
    }

    fn attribute_by(&self, metric: &Metric, method: Attribution, blocks: Blocks) -> Array2<f64> {
        let edges = self.network().attribute_by(metric, method, blocks);
        let of_nodes = (edges.nrows(), self.out().len());
        Array2::from_shape_fn(of_nodes, |(block, node)| {
            let out = &self.out()[node];
            out.ones().map(|edge| edges[[block, edge]]).sum()
        })
    }
}

/// The runs of some of the samples at which gradients are taken.
trait Runs {
    /// A run.
    type Run;

    /// Groups of writers, in the order of computation; the inputs are the first.
    fn groups(&self) -> usize;

    /// The groups that are sublayers, past which the stream goes on without them.
    fn sublayers(&self) -> Vec<usize> {
        Vec::new()
    }

    /// The clean run.
    fn clean(&self) -> &Self::Run;

    /// The run with what a group writes at `at` between fill (0) and clean (1).
    fn between(&self, group: usize, at: f64) -> Self::Run;

    /// Adds the share's weight times the first-order effects at a run to its effects.
    fn add(&self, run: &Self::Run, taking: Taking, by: &mut Share<'_>);
}

/// How first-order effects are taken at a run.
#[derive(Debug, Clone, Copy)]
struct Taking {
    /// The group through whose writing no gradient flows.
    fixed: usize,
    /// The group whose edges are scored; all edges where there is none.
    heeding: Option<usize>,
    /// By what the backward pass goes.
    rules: Rules,
    /// Whether the patterns that patched queries and keys make are computed.
    sees: bool,
}

impl Taking {
    /// Gradients, of all edges.
    const GRADIENTS: Self = Self {
        fixed: 0,
        heeding: None,
        rules: Rules::Derivatives,
        sees: false,
    };
}

/// Where effects are summed up, and the weight of what is added next.
struct Share<'e> {
    /// `[blocks, edges]`; blocks are of equally many samples each, one behind the other.
    effects: &'e mut Array2<f64>,
    weight: f64,
}

impl Share<'_> {
    /// The blocks, and which of `rows` rows of samples each is.
    fn blocks(&self, rows: usize) -> impl Iterator<Item = (usize, Range<usize>)> + use<> {
        let blocks = self.effects.nrows().max(1);
        assert_eq!(
            rows % blocks,
            0,
            "every sample has as many rows as the others"
        );
        let of = rows / blocks;
        (0..blocks).map(move |block| (block, block * of..(block + 1) * of))
    }

    /// Adds what patching an edge moves the metric by: the effect is its negative.
    fn moved(&mut self, block: usize, edge: usize, by: f64) {
        self.effects[[block, edge]] -= by * self.weight;
    }
}

/// Takes the gradients that a method asks for and sums up `share` times the effects.
fn follow<R: Runs>(runs: &R, method: Attribution, share: f64, effects: &mut Array2<f64>) {
    let mut add = |run: &R::Run, taking: Taking, weight: f64| {
        let weight = weight * share;
        runs.add(run, taking, &mut Share { effects, weight });
    };
    let gradients = Taking::GRADIENTS;
    match method {
        Attribution::Eap => add(runs.clean(), gradients, 1.0),
        Attribution::Relp => {
            let rules = Rules::Relevance;
            add(runs.clean(), Taking { rules, ..gradients }, 1.0);
        }
        Attribution::EapQk => {
            let sees = true;
            add(runs.clean(), Taking { sees, ..gradients }, 1.0);
        }
        Attribution::AtpStar => dropped(runs, share, effects),
        Attribution::CleanCorrupted => {
            add(runs.clean(), gradients, 0.5);
            add(&runs.between(0, 0.0), gradients, 0.5);
        }
        Attribution::Filled => {
            for group in 0..runs.groups() {
                let taking = Taking {
                    fixed: group,
                    heeding: Some(group),
                    ..gradients
                };
                add(&runs.between(group, 0.0), taking, 1.0);
            }
        }
        Attribution::IgInputs { steps, path } => {
            for at in path.points(steps) {
                add(&runs.between(0, at), gradients, 1.0 / steps as f64);
            }
        }
        Attribution::IgActivations { steps, own_source } => {
            let groups = runs.groups();
            let sharing = if own_source { 1 } else { groups };
            for group in 0..groups {
                for step in 1..=steps {
                    let run = runs.between(group, step as f64 / steps as f64);
                    let taking = Taking {
                        fixed: group,
                        heeding: own_source.then_some(group),
                        ..gradients
                    };
                    add(&run, taking, 1.0 / (steps * sharing) as f64);
                }
            }
        }
    }
}

/// Sums up `share` times the sizes of the effects of each sample, `[samples, edges]`, with
/// the gradient through each sublayer dropped in turn.
fn dropped<R: Runs>(runs: &R, share: f64, effects: &mut Array2<f64>) {
    let sublayers = runs.sublayers();
    // An edge into a sublayer has none where that is dropped.
    let of = sublayers.len().max(2) - 1;
    let weight = share / of as f64;
    for fixed in sublayers {
        let mut without = Array2::zeros(effects.raw_dim());
        let taking = Taking {
            fixed,
            sees: true,
            ..Taking::GRADIENTS
        };
        let mut by = Share {
            effects: &mut without,
            weight,
        };
        runs.add(runs.clean(), taking, &mut by);
        effects.zip_mut_with(&without, |sum, effect| *sum += effect.abs());
    }
}

/// The effects over all parts of a network, which run in parallel; `runs` are those of
/// one part, on the metric of its readings; `samples` is how many it has.
fn over_parts<'e, P: Parted, R: Runs>(
    network: &'e P,
    metric: &Metric,
    (method, blocks): (Attribution, Blocks),
    samples: impl Fn(&P::Part) -> usize + Sync,
    runs: impl Fn(&'e P::Part, Metric) -> R + Sync,
) -> Array2<f64> {
    let of_part = |part: &'e P::Part| {
        let readings: Vec<usize> = P::readings_of(part).collect();
        let share = readings.len() as f64 / network.samples() as f64;
        let each = method.blocks(blocks);
        let mut effects = each.zeros(samples(part), network.edge_count());
        let runs = runs(part, metric.select(&readings));
        follow(&runs, method, share, &mut effects);
        match each == blocks {
            true => effects,
            false => effects.sum_axis(Axis(0)).insert_axis(Axis(0)),
        }
    };
    let parts: Vec<Array2<f64>> = parallel::map(network.parts(), of_part);
    blocks.together(parts, network.edge_count())
}

impl Blocks {
    /// No effects yet, `[blocks, edges]`.
    fn zeros(self, samples: usize, edges: usize) -> Array2<f64> {
        let blocks = match self {
            Self::Whole => 1,
            Self::Samples => samples,
        };
        Array2::zeros((blocks, edges))
    }

    /// The effects of all parts, one behind the other or summed.
    fn together(self, parts: Vec<Array2<f64>>, edges: usize) -> Array2<f64> {
        match self {
            Self::Whole => parts
                .into_iter()
                .reduce(|total, part| total + part)
                .unwrap_or_else(|| self.zeros(0, edges)),
            Self::Samples => {
                let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
                concatenate(Axis(0), &views)
                    .unwrap_or_else(|_| unreachable!("all parts have the same edges"))
            }
        }
    }
}

impl Attribution {
    /// Whether there must be queries and keys.
    #[must_use]
    pub const fn sees(self) -> bool {
        matches!(self, Self::EapQk | Self::AtpStar)
    }

    /// The blocks in which effects are taken, to be summed over the blocks asked for.
    fn blocks(self, asked: Blocks) -> Blocks {
        match self {
            Self::AtpStar => Blocks::Samples,
            _ => asked,
        }
    }

    /// Forward and backward passes over `groups` groups of writers.
    #[must_use]
    pub fn runs(self, groups: usize) -> usize {
        match self {
            Self::Eap | Self::Relp | Self::EapQk => 1,
            Self::CleanCorrupted => 2,
            Self::AtpStar => groups.saturating_sub(1),
            Self::Filled => groups,
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
