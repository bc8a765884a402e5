//! The Louvain algorithm: whole communities become the nodes of the next graph.

use super::Communities;
use super::local::{self, Level, Parts, Potts, Quality, best_of};
use crate::graph::Adjacency;

/// The communities of a graph by Louvain's modularity optimisation; the best of `restarts`.
///
/// One pass, as published: nodes never leave a community once it is a node of the
/// next graph, so that communities may be disconnected and Leiden's are better.
/// Isolated nodes are in none. Source: Blondel, Guillaume, Lambiotte & Lefebvre
/// (2008), with the queue of arXiv 1810.08473 for the order of moves.
///
/// ```
/// use modscope::{graph::Adjacency, modules::louvain::louvain};
/// let edges = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (2, 3, 0.1)];
/// let found = louvain(&Adjacency::from_edges(5, &edges), 1.0, 1, 0);
/// assert_eq!(found.of, [Some(0), Some(0), Some(0), Some(1), Some(1)]);
/// ```
#[must_use]
pub fn louvain(graph: &Adjacency, resolution: f64, restarts: usize, seed: u64) -> Communities {
    let base = Level::base(graph, Quality::Modularity, resolution);
    let singles: Vec<u32> = (0..base.len() as u32).collect();
    best_of(restarts, seed, graph, |rng| {
        let whole =
            |_: &Level, partition: &local::Partition, _: &mut _| Parts::from_labels(&partition.of);
        local::pass(&base, &singles, |_, _| Potts, whole, rng)
    })
}
