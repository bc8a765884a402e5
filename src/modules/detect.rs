//! One search for modules, by the algorithm that was asked for.

use super::components::components;
use super::infomap::infomap;
use super::label_propagation::label_propagation;
use super::louvain::louvain;
use super::spectral::spectral;
use super::{Algorithm, Communities, LeidenConfig, ModulesConfig, leiden};
use crate::graph::Adjacency;

/// The communities of a graph by the algorithm and resolution of `config`.
///
/// The seed is given apart, since null models and stability vary it.
#[must_use]
pub fn detect(graph: &Adjacency, config: &ModulesConfig, seed: u64) -> Communities {
    match config.algorithm {
        Algorithm::Leiden => {
            let search = LeidenConfig {
                resolution: config.resolution,
                quality: config.quality,
                seed,
                restarts: config.restarts,
                ..LeidenConfig::default()
            };
            leiden(graph, &search)
        }
        Algorithm::Louvain => louvain(graph, config.resolution, config.restarts, seed),
        Algorithm::Spectral => spectral(graph, config.clusters, seed),
        Algorithm::Infomap => infomap(graph, config.restarts, seed),
        Algorithm::LabelPropagation => label_propagation(graph, seed),
        Algorithm::Components => components(graph),
    }
}
