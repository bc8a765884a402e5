//! Connected components: the parts of a network that share no edge at all.

use petgraph::unionfind::UnionFind;

use super::Communities;
use crate::graph::Adjacency;

/// The connected components of a graph; isolated nodes are set aside.
///
/// By disjoint sets (petgraph). O(nodes + edges), nearly.
///
/// ```
/// use modscope::{graph::Adjacency, modules::components::components};
/// let graph = Adjacency::from_edges(5, &[(0, 4, 1.0), (1, 2, 1.0), (2, 4, 1.0)]);
/// let found = components(&graph);
/// assert_eq!((found.count, found.of[3]), (1, None));
/// ```
#[must_use]
pub fn components(graph: &Adjacency) -> Communities {
    let mut sets = UnionFind::new(graph.node_count());
    for node in 0..graph.node_count() {
        for (neighbour, _) in graph.neighbours(node) {
            sets.union(node, neighbour);
        }
    }
    let label = |node| (!graph.is_isolated(node)).then(|| sets.find(node));
    let labels: Vec<Option<usize>> = (0..graph.node_count()).map(label).collect();
    Communities::from_labels(&labels)
}
