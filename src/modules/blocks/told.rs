//! Blocks as a result.

use std::collections::BTreeMap;

use petgraph::unionfind::UnionFind;

use super::super::assigned::assignments;
use super::{Blocks, BlocksConfig, blocks, description_length};
use crate::choice::BlockForm;
use crate::graph::Layered;
use crate::modules::Communities;
use crate::result::{self, Exchange};

/// The blocks of a network beside its modules; `None` without edges.
///
/// `names[node]` is the name of each node.
pub(in crate::modules) fn told(
    network: &Layered,
    modules: &Communities,
    names: &[String],
    seed: u64,
) -> Option<result::Blocks> {
    let config = BlocksConfig {
        seed,
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
        count: 0,
        parts: 0,
        partition: Vec::new(),
        exchange: Vec::new(),
    };
    Some(match found.is_supported() {
        false => shared,
        true => with_partition(shared, &found, network, names),
    })
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
        count: partition.count,
        parts,
        partition: assignments(partition, names),
        exchange,
        ..shared
    }
}
