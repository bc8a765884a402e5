//! The Leiden algorithm: communities that are dense inside and always connected.
//!
//! Source: Traag, Waltman & van Eck (2019), arXiv 1810.08473. One *pass* moves
//! nodes between communities, refines each community into well-connected parts,
//! makes every part a node of a smaller graph, and goes on with that; passes
//! start from each other's result until they find nothing more. A pass ends when
//! every community is one refined part, which is why communities are connected.

mod refine;

use super::Communities;
use super::local::{self, Found, Level, Potts, Quality, best_of};
use crate::graph::Adjacency;
use crate::numeric::Rng;

/// θ of each pass as a share of the one before.
///
/// A refinement that starts hot and cools finds better partitions than one that is
/// cold from the start, most of all in sparse random graphs: 0.319 for 0.314 in
/// the one of `benches/communities.rs`, for about a third more time.
const COOLING: f64 = 0.9;

/// How much colder a pass is after one that found nothing: what is left may need it.
const COOLING_WHEN_IDLE: f64 = 0.1;

/// θ cools to this share of what it was at first.
const COLDEST: f64 = 0.01;

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeidenConfig {
    /// γ: higher gives more and smaller communities; 1 is Newman's modularity.
    pub resolution: f64,
    /// The same seed and graph give the same communities.
    pub seed: u64,
    /// What is maximised.
    pub quality: Quality,
    /// Independent searches, of which the best counts; at least 1.
    pub restarts: usize,
    /// Most passes of one search; `None` goes on until nothing more is found.
    pub max_passes: Option<usize>,
    /// Randomness θ of the first refinement, in units of the mean edge weight; 0 is greedy.
    pub theta: f64,
}

impl Default for LeidenConfig {
    fn default() -> Self {
        Self {
            resolution: 1.0,
            seed: 0,
            quality: Quality::default(),
            restarts: 1,
            max_passes: None,
            theta: 1.0,
        }
    }
}

/// The communities of a graph.
///
/// Isolated nodes are in none. Every community is connected. Deterministic for
/// a seed, whatever the number of threads. About O(edges) per pass; memory
/// about 40 bytes per edge and restart in flight.
///
/// ```
/// use modscope::{graph::Adjacency, modules::{leiden, LeidenConfig}};
/// let edges = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (2, 3, 0.1)];
/// let found = leiden(&Adjacency::from_edges(6, &edges), &LeidenConfig::default());
/// assert_eq!(found.of, [Some(0), Some(0), Some(0), Some(1), Some(1), None]);
/// ```
#[must_use]
pub fn leiden(graph: &Adjacency, config: &LeidenConfig) -> Communities {
    let base = Level::base(graph, config.quality, config.resolution);
    best_of(config.restarts, config.seed, graph, |rng| {
        search(&base, config, rng)
    })
}

/// Passes until nothing more is found, each with a colder refinement.
fn search(base: &Level, config: &LeidenConfig, rng: &mut Rng) -> Found {
    let mut heat: Option<f64> = None;
    let pass = |start: &[u32], was_idle: bool| {
        let cooling = if was_idle { COOLING_WHEN_IDLE } else { COOLING };
        let now = heat.map_or(1.0, |heat| COLDEST.max(heat * cooling));
        heat = Some(now);
        let refine = |level: &Level, partition: &_, rng: &mut Rng| {
            refine::refine(level, partition, config.theta * now, rng)
        };
        local::pass(base, start, |_, _| Potts, refine, rng)
    };
    local::search(base.len(), config.max_passes, base.smallest_gain, pass)
}
