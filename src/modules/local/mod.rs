//! Local moving: what Leiden, Louvain and Infomap have in common.
//!
//! Nodes move between communities while that gains; communities, or parts of them,
//! become the nodes of a smaller graph, where it goes on; and the whole starts again
//! from its own result until nothing more is found. What a move gains is an
//! `Objective`'s; which parts become nodes is the algorithm's.

mod level;
mod moving;
mod partition;
mod parts;
mod ties;

use super::Communities;
use crate::graph::Adjacency;
use crate::numeric::{Rng, parallel};

pub use level::Quality;
pub(super) use level::{Level, Links};
pub(super) use moving::{Objective, Potts, Queue, move_nodes};
pub(super) use partition::Partition;
pub(super) use parts::Parts;

/// Passes in a row that must find nothing before a search ends: each draws new orders.
const PATIENCE: usize = 2;

/// The result of one search.
pub(super) struct Found {
    pub(super) community: Vec<u32>,
    /// Gained over where the search began.
    pub(super) gain: f64,
}

impl Found {
    /// The one that gained more; of equals `self`.
    pub(super) fn better(self, other: Self) -> Self {
        if other.gain > self.gain { other } else { self }
    }
}

/// The best of independent searches, each with its own stream of the seed.
///
/// Isolated nodes are in no community. Of equals the earlier counts, so that the
/// order of work does not matter.
pub(super) fn best_of(
    restarts: usize,
    seed: u64,
    graph: &Adjacency,
    search: impl Fn(&mut Rng) -> Found + Sync,
) -> Communities {
    let searches = 0..restarts.max(1) as u64;
    let found = parallel::map(searches, |restart| search(&mut Rng::new(seed, restart)));
    let best = found.into_iter().reduce(Found::better);
    let community = best.map(|found| found.community).unwrap_or_default();
    labelled(graph, &community)
}

/// Communities from labels; isolated nodes are set aside.
pub(super) fn labelled(graph: &Adjacency, labels: &[u32]) -> Communities {
    let label =
        |(node, label): (usize, &u32)| (!graph.is_isolated(node)).then_some(*label as usize);
    let labels: Vec<Option<usize>> = labels.iter().enumerate().map(label).collect();
    Communities::from_labels(&labels)
}

/// Passes, each from the result of the one before, until nothing more is found.
///
/// `pass` is told where to start and whether the pass before found nothing.
pub(super) fn search(
    nodes: usize,
    max_passes: Option<usize>,
    smallest_gain: f64,
    mut pass: impl FnMut(&[u32], bool) -> Found,
) -> Found {
    let mut found = Found {
        community: (0..nodes as u32).collect(),
        gain: 0.0,
    };
    let mut idle = 0;
    for _ in 0..max_passes.unwrap_or(usize::MAX) {
        let next = pass(&found.community, idle > 0);
        idle = if next.gain <= smallest_gain {
            idle + 1
        } else {
            0
        };
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
/// `parts_of` says what becomes the nodes of the next graph; where it joins nothing, what hangs
/// together within communities does. The pass ends when every community is one node of the
/// smallest graph.
pub(super) fn pass<O: Objective>(
    base: &Level,
    start: &[u32],
    objective: impl Fn(&Level, &Partition) -> O,
    mut parts_of: impl FnMut(&Level, &Partition, &mut Rng) -> Parts,
    rng: &mut Rng,
) -> Found {
    let mut node_of: Vec<u32> = (0..base.len() as u32).collect();
    let mut partition = Partition::new(base, start.to_vec());
    let mut of_base = objective(base, &partition);
    let mut gain = move_nodes(base, &mut partition, &mut of_base, rng);
    let mut smaller: Option<Level> = None;
    loop {
        let level = smaller.as_ref().unwrap_or(base);
        if partition.count() == level.len() {
            break;
        }
        let mut parts = parts_of(level, &partition, rng);
        if parts.count == level.len() {
            parts = level.pieces(&partition);
        }
        if parts.count == level.len() {
            // No edge within any community, and to part their nodes gains less than rounding.
            partition = Partition::new(level, (0..level.len() as u32).collect());
            break;
        }
        let next = level.aggregate(&parts);
        partition = Partition::new(&next, parts.lift(&partition));
        for node in &mut node_of {
            *node = parts.of[*node as usize];
        }
        let mut of_next = objective(&next, &partition);
        gain += move_nodes(&next, &mut partition, &mut of_next, rng);
        smaller = Some(next);
    }
    let community = node_of
        .iter()
        .map(|node| partition.of[*node as usize])
        .collect();
    Found { community, gain }
}
