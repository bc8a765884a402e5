//! The Leiden algorithm: communities that are dense inside and always connected.
//!
//! Source: Traag, Waltman & van Eck (2019), arXiv 1810.08473. One *pass* moves
//! nodes between communities, refines each community into well-connected parts,
//! makes every part a node of a smaller graph, and goes on with that; passes
//! start from each other's result until they find nothing more. A pass ends when
//! every community is one refined part, which is why communities are connected.
//!
//! Searches that start anew agree on most groups and differ in how these are put together.
//! What two of them agree on is made the nodes of a small graph, which is searched in a
//! fraction of the time: five searches joined so find nearly what the best of twenty does
//! (docs/measured.md). Source: Ovelgönne & Geyer-Schulz (2013), *An ensemble learning strategy
//! for graph clustering*.

mod refine;

use super::Communities;
use super::local::{self, Found, Level, Parts, Potts, Quality};
use crate::graph::Adjacency;
use crate::numeric::{Rng, parallel};

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
    /// Searches that start anew, each of which is joined with the best before it; at least 1.
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
    let found = parallel::map(0..config.restarts.max(1) as u64, |restart| {
        let mut rng = Rng::new(config.seed, restart);
        (search(&base, config, &mut rng), rng)
    });
    let best = found.into_iter().reduce(|(best, _), (other, mut rng)| {
        let joined = join(&base, &best, &other, config, &mut rng);
        let better = [other, joined].into_iter().fold(best, Found::better);
        (better, rng)
    });
    let community = best.map(|(best, _)| best.community).unwrap_or_default();
    local::labelled(graph, &community)
}

/// Passes until nothing more is found, each with a colder refinement.
fn search(level: &Level, config: &LeidenConfig, rng: &mut Rng) -> Found {
    let mut heat: Option<f64> = None;
    let pass = |start: &[u32], was_idle: bool| {
        let cooling = if was_idle { COOLING_WHEN_IDLE } else { COOLING };
        let now = heat.map_or(1.0, |heat| COLDEST.max(heat * cooling));
        heat = Some(now);
        pass(level, start, config.theta * now, rng)
    };
    local::search(level.len(), config.max_passes, level.smallest_gain, pass)
}

/// One pass at this θ.
fn pass(level: &Level, start: &[u32], theta: f64, rng: &mut Rng) -> Found {
    let refine =
        |level: &Level, partition: &_, rng: &mut Rng| refine::refine(level, partition, theta, rng);
    local::pass(level, start, |_, _| Potts, refine, rng)
}

/// A search of the graph whose nodes are what two partitions agree on, and a cold pass from
/// its result.
fn join(base: &Level, one: &Found, other: &Found, config: &LeidenConfig, rng: &mut Rng) -> Found {
    let agreed = Parts::overlay(&one.community, &other.community);
    let found = search(&base.aggregate(&agreed), config, rng);
    let start: Vec<u32> = agreed
        .of
        .iter()
        .map(|p| found.community[*p as usize])
        .collect();
    let joined = pass(base, &start, config.theta * COLDEST, rng);
    Found {
        gain: base.gain(&start) + joined.gain,
        ..joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::quality::modularity;

    /// A graph without structure, on which searches differ.
    fn random() -> Adjacency {
        let mut rng = Rng::new(3, 0);
        let edges: Vec<_> = (0..900)
            .map(|_| (rng.below(200), rng.below(200), 0.1 + rng.uniform()))
            .collect();
        Adjacency::from_edges(200, &edges)
    }

    fn found(graph: &Adjacency, seed: u64, restarts: usize) -> f64 {
        let config = LeidenConfig {
            seed,
            restarts,
            ..LeidenConfig::default()
        };
        modularity(graph, &leiden(graph, &config), 1.0)
    }

    /// Four joined searches are, over ten seeds, better than the best of twelve searches apart.
    #[test]
    fn joined_searches_find_more_than_searches_apart() {
        let graph = random();
        let (mut joined, mut apart) = (0.0, 0.0);
        for seed in 0..10 {
            joined += found(&graph, seed, 4);
            let twelve = (0..12).map(|k| found(&graph, 100 + 12 * seed + k, 1));
            apart += twelve.fold(0.0, f64::max);
        }
        assert!(joined > apart, "{joined} {apart}");
    }

    /// Two nodes that nothing joins, too light for any move to gain: no pass goes on for ever,
    /// and each is its own in the end.
    #[test]
    fn what_lies_together_without_an_edge_is_parted() {
        let heavy = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (2, 3, 1.0)];
        let light = [(4, 0, 1e-13), (5, 3, 1e-13)];
        let graph = Adjacency::from_edges(6, &[heavy.as_slice(), &light].concat());
        let base = Level::base(&graph, Quality::Modularity, 1.0);
        for theta in [0.0, 0.01, 1.0] {
            let found = pass(&base, &[0, 0, 0, 0, 1, 1], theta, &mut Rng::new(0, 0));
            assert_ne!(found.community[4], found.community[5]);
        }
    }

    /// A search more never finds less.
    #[test]
    fn what_is_joined_is_kept() {
        let graph = random();
        let by_number: Vec<f64> = (1..6).map(|restarts| found(&graph, 5, restarts)).collect();
        assert!(by_number.is_sorted(), "{by_number:?}");
        assert!(by_number[4] > by_number[0]);
    }
}
