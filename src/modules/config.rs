//! What to look for: algorithm, edge weight, null models, and what else to compute.

use super::{NullKind, Quality};
pub use crate::choice::{Algorithm, EdgeWeight};

/// Searches of which the best counts, at most: of networks as small as those of BIMT, 20
/// reach the best of 100 searches of leidenalg.
const MOST_RESTARTS: usize = 20;

/// Searches of which the best counts, at least.
const FEWEST_RESTARTS: usize = 4;

/// Between the two, so many that all searches together begin from so many edges.
const RESTARTED_EDGES: usize = 100_000;

/// Of searches that are joined with each other, as Leiden's are, one finds nearly what the best of
/// so many finds: docs/measured.md.
const PER_JOINED: usize = 4;

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
    /// Searches, for the network and for each shuffle alike: Leiden's are joined with each
    /// other, of the others the best counts. `None`: 20 of graphs of up to 5,000 edges, fewer
    /// of larger ones, at least 4; of Leiden a quarter of that.
    pub restarts: Option<usize>,
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
            restarts: None,
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
    /// Searches of a graph of so many edges, of which the best counts.
    pub(super) fn searches(&self, edges: usize) -> usize {
        let by_size = RESTARTED_EDGES / edges.max(1);
        self.restarts
            .unwrap_or(by_size.clamp(FEWEST_RESTARTS, MOST_RESTARTS))
    }

    /// Searches of a graph of so many edges that are joined with each other.
    pub(super) fn joined_searches(&self, edges: usize) -> usize {
        let joined = self.searches(edges).div_ceil(PER_JOINED);
        self.restarts.unwrap_or(joined)
    }

    /// Searches for blocks: one goes through all numbers of groups from many to one, and the
    /// best is cooled again, which counts as so many searches of the other algorithms.
    pub(super) fn block_searches(&self) -> usize {
        const PER_SEARCH: usize = 7;
        self.restarts.unwrap_or(MOST_RESTARTS).div_ceil(PER_SEARCH)
    }

    /// The resolution at which modularity is reported: that of the search, where it has one.
    pub(super) fn reported_resolution(&self) -> f64 {
        match (self.algorithm, self.quality) {
            (Algorithm::Leiden, Quality::Modularity) | (Algorithm::Louvain, _) => self.resolution,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small graphs are searched twenty times, large ones four times, and what was asked for
    /// is done whatever the size.
    #[test]
    fn the_number_of_searches_goes_by_the_edges() {
        let default = ModulesConfig::default();
        let found = [0, 5_000, 10_000, 17_400, 1_000_000].map(|edges| default.searches(edges));
        assert_eq!(found, [20, 20, 10, 5, 4]);
        let joined = [0, 10_000, 17_400, 1_000_000].map(|edges| default.joined_searches(edges));
        assert_eq!(joined, [5, 3, 2, 1]);
        let asked = ModulesConfig {
            restarts: Some(7),
            ..default
        };
        assert_eq!(
            (asked.searches(10), asked.joined_searches(1_000_000)),
            (7, 7)
        );
    }
}
