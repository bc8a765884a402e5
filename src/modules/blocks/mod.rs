//! Block models: how many groups the wiring supports, by the length of its description.
//!
//! A network's edges can be told in two steps: which groups its nodes are in and how many
//! edges the groups exchange, then which edges these are. Groups are worth telling where both
//! together are shorter than the edges alone, in nats; elsewhere the wiring supports none.
//! Degrees are told apart, so that groups are never of nodes with many edges for that
//! alone. Two forms are tried and the shorter counts: blocks within layers,
//! which can have any pattern, and groups across layers, whose edges are mostly inside.
//!
//! It does not know what a network computes, and of a few edges it can support little: a
//! tree falls into parts by chance as easily as by training.

mod across;
mod chain;
mod degrees;
mod grouping;
mod labels;
mod nats;
mod nested;
mod posterior;
mod search;
mod told;
mod upper;
mod wiring;
mod within;

use self::across::Across;
use self::grouping::Grouping;
use self::labels::Labels;
use self::nats::Nats;
use self::nested::nested;
pub use self::posterior::Posterior;
use self::posterior::posterior;
use self::search::{Found, cool, search};
pub(super) use self::told::told;
use self::wiring::Wiring;
use self::within::Within;
use super::components::components;
use super::{Communities, LeidenConfig, leiden};
pub use crate::choice::BlockForm;
use crate::graph::{Adjacency, Layered};
use crate::numeric::{Rng, parallel};
use crate::order;

/// A description by groups has to be this much shorter than one without, in nats: rounding.
const SHORTER: f64 = 1e-6;

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlocksConfig {
    /// The same seed and network give the same blocks.
    pub seed: u64,
    /// Searches of each form, of which the best counts; at least 1.
    pub starts: usize,
    /// Whether it is told too how |w| ranks among the weights between the same layers: their
    /// normal scores are normal between two blocks (Peixoto 2018, arXiv 1708.01432). Else
    /// only which edges there are.
    pub weighted: bool,
    /// Whether the blocks within layers are grouped in turn, where that is shorter.
    pub nested: bool,
    /// Steps of each chain that the posterior is read from; 0 for none.
    pub steps: usize,
}

impl Default for BlocksConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            starts: 3,
            weighted: true,
            nested: false,
            steps: 0,
        }
    }
}

/// The best description found.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks {
    /// Whether blocks lie within layers or across them.
    pub form: BlockForm,
    /// Its length in nats.
    pub length: f64,
    /// The length with one block in every layer, in the form that is shorter for it.
    pub null_length: f64,
    /// The blocks, whether or not they are worth telling.
    pub partition: Communities,
    /// The groups of blocks, and of groups, from the first level up: `groups[k][block]`, where
    /// the blocks of the first are those of `partition`. Empty where blocks are not grouped.
    pub groups: Vec<Vec<usize>>,
    /// What chains visited, where asked for: of descriptions in the form found, not nested.
    pub posterior: Option<Posterior>,
}

impl Blocks {
    /// Whether the blocks shorten the description.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        self.length < self.null_length - SHORTER
    }

    /// The fewest blocks that there can be: one, or one in every layer with edges.
    fn kinds(&self, network: &Layered) -> usize {
        match self.form {
            BlockForm::AcrossLayers => 1,
            BlockForm::WithinLayers => {
                let of = self.partition.of.iter().enumerate();
                let joined = of.filter(|(_, block)| block.is_some());
                let layers = joined.map(|(node, _)| network.layer_of(node));
                layers.collect::<std::collections::BTreeSet<_>>().len()
            }
        }
    }

    /// The blocks where they shorten the description, else one module of all nodes with edges.
    #[must_use]
    pub fn supported(&self) -> Communities {
        if self.is_supported() {
            return self.partition.clone();
        }
        let one: Vec<_> = self.partition.of.iter().map(|of| of.map(|_| 0)).collect();
        Communities::from_labels(&one)
    }
}

/// The blocks of a layered network; `None` without edges.
///
/// Starts run in parallel, each with its own stream of the seed, so the blocks do not
/// depend on the number of threads. About O(edges · log nodes) sweeps for every start;
/// memory 24 bytes for every pair of up to 768 blocks and start in flight.
#[must_use]
pub fn blocks(network: &Layered, config: &BlocksConfig) -> Option<Blocks> {
    let wiring = Wiring::layered(network);
    let forms = BlockForm::each();
    best(
        &wiring,
        &network.adjacency(),
        &forms.collect::<Vec<_>>(),
        config,
    )
}

/// The blocks of a graph without layers, in one form; `None` without edges.
#[must_use]
pub fn blocks_of(graph: &Adjacency, form: BlockForm, config: &BlocksConfig) -> Option<Blocks> {
    best(&Wiring::plain(graph), graph, &[form], config)
}

/// The description length of a layered network by any groups of its nodes, in nats.
///
/// Blocks within layers are the parts of the groups in each layer.
#[must_use]
pub fn description_length(
    network: &Layered,
    groups: &Communities,
    form: BlockForm,
    weighted: bool,
) -> f64 {
    length_by(&Wiring::layered(network), groups, form, weighted)
}

/// The description length of a graph without layers by any groups of its nodes, in nats.
#[must_use]
pub fn description_length_of(graph: &Adjacency, groups: &Communities, form: BlockForm) -> f64 {
    length_by(&Wiring::plain(graph), groups, form, false)
}

fn length_by(wiring: &Wiring, groups: &Communities, form: BlockForm, weighted: bool) -> f64 {
    if wiring.edges == 0 {
        return 0.0;
    }
    let nats = tables(wiring);
    let start: Vec<u32> = wiring
        .nodes
        .iter()
        .map(|node| groups.of[*node].map_or(u32::MAX, |group| group as u32))
        .collect();
    length(wiring, &nats, &start, form, weighted)
}

fn length(wiring: &Wiring, nats: &Nats, start: &[u32], form: BlockForm, weighted: bool) -> f64 {
    match form {
        BlockForm::WithinLayers => Within::new(wiring, nats, start, weighted).length(),
        BlockForm::AcrossLayers => Across::new(wiring, nats, start, weighted).length(),
    }
}

fn tables(wiring: &Wiring) -> Nats {
    Nats::new(2 * wiring.edges.max(wiring.len()))
}

/// The best of all starts of these forms.
fn best(
    wiring: &Wiring,
    graph: &Adjacency,
    forms: &[BlockForm],
    config: &BlocksConfig,
) -> Option<Blocks> {
    if wiring.edges == 0 {
        return None;
    }
    let nats = tables(wiring);
    let starts = starts(wiring, graph, config);
    let tasks: Vec<(BlockForm, usize)> = forms
        .iter()
        .flat_map(|form| (0..starts.len()).map(|start| (*form, start)))
        .collect();
    let run = |(at, (form, start)): (usize, &(BlockForm, usize))| -> (BlockForm, Found) {
        let mut rng = Rng::new(config.seed, at as u64);
        let start = &starts[*start];
        let found = match form {
            BlockForm::WithinLayers => {
                search(Within::new(wiring, &nats, start, config.weighted), &mut rng)
            }
            BlockForm::AcrossLayers => {
                search(Across::new(wiring, &nats, start, config.weighted), &mut rng)
            }
        };
        (*form, found)
    };
    let found = parallel::map(tasks.iter().enumerate(), run);
    let best = parallel::map(forms, |form| {
        let of_form = found.iter().filter(|(other, _)| other == form);
        let mut of_form: Vec<&Found> = of_form.map(|(_, found)| found).collect();
        order::ascending(&mut of_form, |one| one.length);
        refined(wiring, &nats, *form, &of_form, config)
    });
    let best: Vec<Refined> = best.into_iter().flatten().collect();
    let best = best
        .into_iter()
        .min_by(|a, b| a.length.total_cmp(&b.length))?;
    let one = vec![0; wiring.len()];
    let null = |form: &BlockForm| length(wiring, &nats, &one, *form, config.weighted);
    let null_length = forms.iter().map(null).fold(f64::INFINITY, f64::min);
    let partition = named(wiring, graph.node_count(), &best.labels);
    Some(Blocks {
        form: best.form,
        length: best.length,
        null_length,
        groups: grouped(&best, wiring, &partition),
        posterior: (config.steps > 0).then(|| chains(wiring, &nats, &best, config)),
        partition,
    })
}

/// The best description in one form.
struct Refined {
    form: BlockForm,
    length: f64,
    labels: Vec<u32>,
    /// The group of each label, and of each group.
    upper: Vec<Vec<u32>>,
}

/// The best of the searches of one form, cooled once more, and nested where asked for.
fn refined(
    wiring: &Wiring,
    nats: &Nats,
    form: BlockForm,
    found: &[&Found],
    config: &BlocksConfig,
) -> Option<Refined> {
    let mut rng = Rng::new(config.seed, u64::from(u32::MAX) + form as u64);
    let start = &found.first()?.labels;
    let refined = |length: f64, labels: &Labels| Refined {
        form,
        length,
        labels: labels.of.clone(),
        upper: Vec::new(),
    };
    Some(match form {
        BlockForm::AcrossLayers => {
            let mut grouping = Across::new(wiring, nats, start, config.weighted);
            refined(cool(&mut grouping, &mut rng), grouping.labels())
        }
        BlockForm::WithinLayers => {
            let mut grouping = Within::new(wiring, nats, start, config.weighted);
            let mut length = cool(&mut grouping, &mut rng);
            if config.nested {
                (grouping, length) = nested(grouping, found, &mut rng);
            }
            Refined {
                upper: grouping.upper().groups(),
                ..refined(length, grouping.labels())
            }
        }
    })
}

/// The groups of blocks by the numbers that the blocks have in the partition.
fn grouped(best: &Refined, wiring: &Wiring, partition: &Communities) -> Vec<Vec<usize>> {
    let mut below: Vec<usize> = vec![0; partition.count];
    for (node, label) in wiring.nodes.iter().zip(&best.labels) {
        if let Some(block) = partition.of[*node] {
            below[block] = *label as usize;
        }
    }
    let levels = best.upper.iter().map(|of| {
        let groups: Vec<u32> = below.iter().map(|one| of[*one]).collect();
        let mut present = groups.clone();
        present.sort_unstable();
        present.dedup();
        below = present.iter().map(|group| *group as usize).collect();
        let numbered = groups.iter().map(|g| present.partition_point(|p| p < g));
        numbered.collect()
    });
    levels.collect()
}

/// The posterior of flat descriptions beside the best blocks.
fn chains(wiring: &Wiring, nats: &Nats, best: &Refined, config: &BlocksConfig) -> Posterior {
    match best.form {
        BlockForm::WithinLayers => {
            let make = |start: &[u32]| Within::new(wiring, nats, start, config.weighted);
            posterior(&make(&best.labels), make, config.steps, config.seed)
        }
        BlockForm::AcrossLayers => {
            let make = |start: &[u32]| Across::new(wiring, nats, start, config.weighted);
            posterior(&make(&best.labels), make, config.steps, config.seed)
        }
    }
}

/// The groups that the searches start from: every node alone, communities, the parts that
/// share no edge where they are several, and every node alone again.
fn starts(wiring: &Wiring, graph: &Adjacency, config: &BlocksConfig) -> Vec<Vec<u32>> {
    let alone: Vec<u32> = (0..wiring.len() as u32).collect();
    let search = LeidenConfig {
        seed: config.seed,
        ..LeidenConfig::default()
    };
    let labels = |communities: &Communities| -> Vec<u32> {
        let of = wiring.nodes.iter().map(|node| communities.of[*node]);
        of.map(|of| of.map_or(u32::MAX, |of| of as u32)).collect()
    };
    let mut starts = vec![alone.clone(), labels(&leiden(graph, &search))];
    let parts = components(graph);
    if parts.count > 1 {
        starts.push(labels(&parts));
    }
    starts.resize(starts.len().max(config.starts), alone);
    starts.truncate(config.starts.max(1));
    starts
}

/// Labels of the nodes with edges as a partition of all nodes.
fn named(wiring: &Wiring, count: usize, labels: &[u32]) -> Communities {
    let mut of = vec![None; count];
    for (node, label) in wiring.nodes.iter().zip(labels) {
        of[*node] = Some(*label as usize);
    }
    Communities::from_labels(&of)
}

#[cfg(test)]
mod tests;
