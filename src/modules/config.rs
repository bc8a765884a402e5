//! What to look for: algorithm, edge weight, null models, and what else to compute.

use super::{NullKind, Quality};
pub use crate::choice::{Algorithm, EdgeWeight};

/// Searches of which the best counts: of networks as small as those of BIMT, 20 reach the
/// best of 100 searches of leidenalg.
pub const RESTARTS: usize = 20;

/// What to look for, and against what to set it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModulesConfig {
    /// How modules are found.
    pub algorithm: Algorithm,
    /// What Leiden makes large.
    pub quality: Quality,
    /// Number of modules of the spectral algorithm; `None` for the eigengap's choice.
    pub clusters: Option<usize>,
    /// What an edge weighs; `None`: |w|, or between components, which have none, the
    /// effect, if there are few enough edges to patch each, else its estimate.
    pub edge_weight: Option<EdgeWeight>,
    /// Whether the weights of every layer are divided by their mean.
    pub per_layer: bool,
    /// γ: higher gives more and smaller modules; 1 is Newman's modularity.
    pub resolution: f64,
    /// Weights with |w| below this are no edges.
    pub threshold: f64,
    /// Whether parts without an input or without an output are set aside: not where
    /// something other than weights, as attention, joins them.
    pub dead_aside: bool,
    /// Of everything that is drawn at random.
    pub seed: u64,
    /// Searches of which the best counts, for the network and for each shuffle alike.
    pub restarts: usize,
    /// What the shuffles keep.
    pub null: NullKind,
    /// Shuffles; 0 for none.
    pub null_samples: usize,
    /// Further null models and their numbers of draws.
    pub more_nulls: Vec<(NullKind, usize)>,
    /// Whether all shuffles are drawn, also where more of them could not change the
    /// verdict at 5 %.
    pub all_draws: bool,
    /// Partitions compared for the stability; below 2 for none.
    pub stability_seeds: usize,
    /// Resamples of the samples on which modules are found again, where edge weights
    /// are measured on samples; 0 for none.
    pub resamples: usize,
    /// Whether modules are followed along the resolution.
    pub scan: bool,
    /// Whether modules are followed along the pruning threshold, where edges are weights.
    pub path: bool,
    /// Whether modules are divided further.
    pub hierarchy: bool,
    /// A block model is made of graphs of at most this many edges.
    pub most_block_edges: usize,
    /// Whether its blocks within layers are grouped in turn, where that is shorter.
    pub nested_blocks: bool,
    /// Whether chains tell how sure the number of blocks and their members are.
    pub block_posterior: bool,
    /// Whether small circuits are counted, where edges are weights.
    pub motifs: bool,
}

impl Default for ModulesConfig {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            quality: Quality::default(),
            clusters: None,
            edge_weight: None,
            per_layer: false,
            resolution: 1.0,
            threshold: 0.0,
            dead_aside: true,
            seed: 0,
            restarts: RESTARTS,
            null: NullKind::default(),
            null_samples: 100,
            more_nulls: Vec::new(),
            all_draws: false,
            stability_seeds: 20,
            resamples: 20,
            scan: false,
            path: false,
            hierarchy: false,
            most_block_edges: 10_000,
            nested_blocks: false,
            block_posterior: false,
            motifs: false,
        }
    }
}

impl ModulesConfig {
    /// The resolution at which modularity is reported: that of the search, where it has one.
    pub(super) fn reported_resolution(&self) -> f64 {
        match (self.algorithm, self.quality) {
            (Algorithm::Leiden, Quality::Modularity) | (Algorithm::Louvain, _) => self.resolution,
            _ => 1.0,
        }
    }
}
