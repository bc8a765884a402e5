//! One search for modules, by the algorithm that was asked for.

use super::blocks::{blocks, blocks_of};
use super::components::components;
use super::infomap::infomap;
use super::label_propagation::label_propagation;
use super::leiden;
use super::louvain::louvain;
use super::spectral::spectral;
use super::{Algorithm, Blocks, BlocksConfig, Communities, LeidenConfig, ModulesConfig};
use crate::choice::BlockForm;
use crate::graph::{Adjacency, Layered};

/// The communities of a network by the algorithm and resolution of `config`; `graph` is its
/// [adjacency](Layered::adjacency).
///
/// The seed is given apart, since null models and stability vary it.
#[must_use]
pub fn detect(
    network: &Layered,
    graph: &Adjacency,
    config: &ModulesConfig,
    seed: u64,
) -> Communities {
    searched(graph, config, seed, |search| blocks(network, search))
}

/// The communities of a graph that is no network, likewise; blocks may join any nodes.
pub(super) fn detect_in(graph: &Adjacency, config: &ModulesConfig, seed: u64) -> Communities {
    let form = BlockForm::AcrossLayers;
    searched(graph, config, seed, |search| blocks_of(graph, form, search))
}

fn searched(
    graph: &Adjacency,
    config: &ModulesConfig,
    seed: u64,
    blocks: impl Fn(&BlocksConfig) -> Option<Blocks>,
) -> Communities {
    let edges = graph.edge_count();
    match config.algorithm {
        Algorithm::Leiden => {
            let search = LeidenConfig {
                resolution: config.resolution,
                quality: config.quality,
                seed,
                restarts: config.joined_searches(edges),
                ..LeidenConfig::default()
            };
            leiden(graph, &search)
        }
        Algorithm::Louvain => louvain(graph, config.resolution, config.searches(edges), seed),
        Algorithm::Spectral => spectral(graph, config.clusters, seed),
        Algorithm::Infomap => infomap(graph, config.searches(edges), seed),
        Algorithm::LabelPropagation => label_propagation(graph, seed),
        Algorithm::Components => components(graph),
        Algorithm::Sbm => {
            let search = BlocksConfig {
                seed,
                starts: config.block_searches(),
                nested: config.nested_blocks,
                ..BlocksConfig::default()
            };
            let found = blocks(&search).as_ref().map(Blocks::supported);
            found.unwrap_or_else(|| components(graph))
        }
    }
}
