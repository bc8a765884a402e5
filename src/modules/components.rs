//! Connected components: the parts of a network that share no edge at all.

use super::Communities;
use crate::graph::Adjacency;

/// The connected components of a graph; isolated nodes are set aside.
///
/// Source: union–find with path halving, Tarjan & van Leeuwen (1984). O(nodes + edges), nearly.
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
            sets.join(node, neighbour);
        }
    }
    let label = |node| (!graph.is_isolated(node)).then(|| sets.find(node));
    let labels: Vec<Option<usize>> = (0..graph.node_count()).map(label).collect();
    Communities::from_labels(&labels)
}

/// Disjoint sets of 0..n.
#[derive(Debug, Clone)]
pub(crate) struct UnionFind {
    parent: Vec<usize>,
    size: Vec<usize>,
}

impl UnionFind {
    /// Every element alone.
    pub(crate) fn new(n: usize) -> Self {
        Self {
            parent: (0..n).collect(),
            size: vec![1; n],
        }
    }

    /// The element that stands for the set of `element`.
    pub(crate) fn find(&mut self, mut element: usize) -> usize {
        while self.parent[element] != element {
            self.parent[element] = self.parent[self.parent[element]];
            element = self.parent[element];
        }
        element
    }

    /// Joins two sets and returns what stands for the whole.
    pub(crate) fn join(&mut self, one: usize, other: usize) -> usize {
        let (one, other) = (self.find(one), self.find(other));
        if one == other {
            return one;
        }
        let (root, below) = if self.size[one] < self.size[other] {
            (other, one)
        } else {
            (one, other)
        };
        self.parent[below] = root;
        self.size[root] += self.size[below];
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_join() {
        let mut sets = UnionFind::new(5);
        sets.join(0, 1);
        sets.join(3, 4);
        assert_ne!(sets.find(1), sets.find(3));
        let root = sets.join(1, 4);
        assert!(
            [0, 1, 3, 4]
                .iter()
                .all(|element| sets.find(*element) == root)
        );
        assert_eq!(sets.find(2), 2);
    }
}
