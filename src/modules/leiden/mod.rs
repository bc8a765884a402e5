//! The Leiden algorithm: communities that are dense inside and always connected.
//!
//! Source: Traag, Waltman & van Eck (2019), arXiv 1810.08473. One *pass* moves
//! nodes between communities, refines each community into well-connected parts,
//! makes every part a node of a smaller graph, and goes on with that; passes
//! start from each other's result until they find nothing more.

mod level;
mod moving;
mod partition;
mod refine;

use rayon::prelude::*;

use super::Communities;
use crate::graph::Adjacency;
use crate::numeric::Rng;
use level::Level;
use partition::Partition;

/// Passes in a row that must find nothing before the search ends: each draws new orders.
const PATIENCE: usize = 2;

/// θ of each pass as a share of the one before.
///
/// A refinement that starts hot and cools finds better partitions than one that is
/// cold from the start, most of all in sparse random graphs: 0.319 for 0.314 in
/// the one of `benches/communities.rs`, for about a third more time.
const COOLING: f64 = 0.9;

/// The same after a pass that found nothing: what is left to find may need a colder one.
const COOLING_WHEN_IDLE: f64 = 0.1;

/// θ cools to this share of what it was at first.
const COLDEST: f64 = 0.01;

/// A gain below this share of the mean edge weight is rounding, not a gain.
const SMALLEST_GAIN: f64 = 1e-10;

/// What the partition should be good at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quality {
    /// Newman's modularity: more weight inside than strengths lead one to expect.
    #[default]
    Modularity,
    /// Constant Potts model: more weight per pair of nodes than the resolution.
    Cpm,
}

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
    let base = Level::base(graph, config);
    let searches = (0..config.restarts.max(1) as u64).into_par_iter();
    let best = searches
        .map(|restart| {
            (
                restart,
                search(&base, config, &mut Rng::new(config.seed, restart)),
            )
        })
        .reduce_with(better);
    let community = best.map(|(_, found)| found.community).unwrap_or_default();
    let label =
        |(node, label): (usize, &u32)| (!graph.is_isolated(node)).then_some(*label as usize);
    let labels: Vec<Option<usize>> = community.iter().enumerate().map(label).collect();
    Communities::from_labels(&labels)
}

/// The result of one search.
struct Found {
    community: Vec<u32>,
    /// Gained over all nodes alone.
    gain: f64,
}

/// The better of two restarts; of equals the earlier, so that the order of work does not matter.
fn better(one: (u64, Found), other: (u64, Found)) -> (u64, Found) {
    let other_wins = other.1.gain > one.1.gain || (other.1.gain == one.1.gain && other.0 < one.0);
    if other_wins { other } else { one }
}

/// Passes until nothing more is found.
fn search(base: &Level, config: &LeidenConfig, rng: &mut Rng) -> Found {
    let mut found = Found {
        community: (0..base.len() as u32).collect(),
        gain: 0.0,
    };
    let mut idle = 0;
    let mut heat: f64 = 1.0;
    for _ in 0..config.max_passes.unwrap_or(usize::MAX) {
        let next = pass(base, &found.community, config.theta * heat, rng);
        let is_idle = next.gain <= base.smallest_gain;
        idle = if is_idle { idle + 1 } else { 0 };
        heat = COLDEST.max(heat * if is_idle { COOLING_WHEN_IDLE } else { COOLING });
        found = Found {
            community: next.community,
            gain: found.gain + next.gain,
        };
        if idle == PATIENCE {
            break;
        }
    }
    found
}

/// One pass over graphs that shrink, from the communities of `start`.
///
/// It ends when every community is one node of the smallest graph, that is one
/// refined part, which is why communities are connected.
fn pass(base: &Level, start: &[u32], theta: f64, rng: &mut Rng) -> Found {
    let mut node_of: Vec<u32> = (0..base.len() as u32).collect();
    let mut partition = Partition::new(base, start.to_vec());
    let mut gain = moving::move_nodes(base, &mut partition, rng);
    let mut smaller: Option<Level> = None;
    loop {
        let level = smaller.as_ref().unwrap_or(base);
        if partition.count() == level.len() {
            break;
        }
        let parts = refine::refine(level, &partition, theta, rng);
        let next = level.aggregate(&parts);
        partition = Partition::new(&next, parts.lift(&partition));
        for node in &mut node_of {
            *node = parts.of[*node as usize];
        }
        gain += moving::move_nodes(&next, &mut partition, rng);
        smaller = Some(next);
    }
    let community = node_of
        .iter()
        .map(|node| partition.of[*node as usize])
        .collect();
    Found { community, gain }
}
