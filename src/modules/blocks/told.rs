//! Blocks as a result.

use std::collections::BTreeMap;

use petgraph::unionfind::UnionFind;

use super::super::assigned::assignments;
use super::super::independence::name;
use super::{Blocks, BlocksConfig, Posterior, blocks, description_length};
use crate::choice::BlockForm;
use crate::graph::Layered;
use crate::modules::{Communities, ModulesConfig};
use crate::result::{self, BlockCount, BlockPosterior, Exchange, Membership};

/// Steps of each chain of the posterior, of networks of few edges …
const STEPS: usize = 2_000;

/// … and of so many edges that this many are looked at in all, but at least [`FEWEST`].
const EDGES: usize = 1_000_000;
const FEWEST: usize = 200;

/// The blocks of a network beside its modules; `None` without edges.
///
/// `names[node]` is the name of each node.
pub(in crate::modules) fn told(
    network: &Layered,
    modules: &Communities,
    names: &[String],
    asked: &ModulesConfig,
) -> Option<result::Blocks> {
    let edges = network.edges().count().max(1);
    let config = BlocksConfig {
        seed: asked.seed,
        nested: asked.nested_blocks,
        steps: match asked.block_posterior {
            true => (EDGES / edges).clamp(FEWEST, STEPS),
            false => 0,
        },
        ..BlocksConfig::default()
    };
    let found = blocks(network, &config)?;
    let by_modules = |form| description_length(network, modules, form, config.weighted);
    let shared = result::Blocks {
        form: found.form,
        weighted: config.weighted,
        description_length: found.length,
        null_description_length: found.null_length,
        modules_description_length: BlockForm::each()
            .map(by_modules)
            .fold(f64::INFINITY, f64::min),
        levels: 1,
        groups: Vec::new(),
        posterior: None,
        count: 0,
        parts: 0,
        partition: Vec::new(),
        exchange: Vec::new(),
    };
    let told = match found.is_supported() {
        false => shared,
        true => with_partition(shared, &found, network, names),
    };
    Some(result::Blocks {
        posterior: found.posterior.as_ref().map(|p| {
            let membership = match found.is_supported() {
                true => membership(p, &found, names),
                false => Vec::new(),
            };
            posterior(p, membership, found.kinds(network))
        }),
        ..told
    })
}

fn posterior(found: &Posterior, membership: Vec<Membership>, fewest: usize) -> BlockPosterior {
    let share = |count: usize| {
        let of = found.counts.iter().find(|(n, _)| *n == count);
        of.map_or(0.0, |(_, share)| *share)
    };
    BlockPosterior {
        chains: found.chains,
        kept: found.kept,
        r_hat: found.r_hat.is_finite().then_some(found.r_hat),
        converged: found.is_converged(),
        chain_means: found.chain_means.clone(),
        one_per_layer: share(fewest),
        counts: found
            .counts
            .iter()
            .map(|(count, probability)| BlockCount {
                count: *count,
                probability: *probability,
            })
            .collect(),
        in_doubt: membership
            .iter()
            .filter(|m| m.probability < BlockPosterior::SURE)
            .count(),
        membership,
    }
}

/// How often the chains have each site in its block.
fn membership(found: &Posterior, blocks: &Blocks, names: &[String]) -> Vec<Membership> {
    let with_edges = blocks.partition.of.iter().enumerate();
    let with_edges = with_edges.filter_map(|(node, block)| Some((node, (*block)?)));
    let each = with_edges.zip(&found.membership);
    each.map(|((node, block), share)| Membership {
        site: name(names, node),
        block,
        probability: *share,
    })
    .collect()
}

fn with_partition(
    shared: result::Blocks,
    found: &Blocks,
    network: &Layered,
    names: &[String],
) -> result::Blocks {
    let partition = &found.partition;
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut joined = UnionFind::new(partition.count);
    let mut parts = partition.count;
    for (from, to, _) in network.edges() {
        if let (Some(from), Some(to)) = (partition.of[from], partition.of[to]) {
            *counts.entry((from, to)).or_default() += 1;
            parts -= usize::from(joined.union(from, to));
        }
    }
    let exchange = counts.into_iter();
    let mut exchange: Vec<Exchange> = exchange
        .map(|((from, to), edges)| Exchange { from, to, edges })
        .collect();
    exchange.sort_by_key(|e| (std::cmp::Reverse(e.edges), e.from, e.to));
    result::Blocks {
        levels: 1 + found.groups.len(),
        groups: found.groups.clone(),
        count: partition.count,
        parts,
        partition: assignments(partition, names),
        exchange,
        ..shared
    }
}
