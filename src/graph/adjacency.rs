//! An undirected weighted graph as sorted neighbour lists.
//!
//! Compressed rows: the form every algorithm on communities reads.

/// An undirected graph with weights above zero.
///
/// Nodes are 0..n and may be isolated; an edge stands in the lists of both its
/// ends, and a self-loop stands apart, in `loops`. The weights of parallel
/// edges are added up.
///
/// # Example
/// ```
/// use modscope::graph::Adjacency;
/// let path = Adjacency::from_edges(4, &[(0, 1, 1.0), (2, 1, 3.0)]);
/// assert_eq!(path.neighbours(1).collect::<Vec<_>>(), [(0, 1.0), (2, 3.0)]);
/// assert_eq!((path.strength(1), path.total()), (4.0, 4.0));
/// assert!(path.is_isolated(3));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Adjacency {
    /// Row `v` of `targets` and `weights` is `offsets[v]..offsets[v + 1]`.
    offsets: Vec<usize>,
    targets: Vec<u32>,
    weights: Vec<f64>,
    /// The weight of each node's self-loop, once.
    loops: Vec<f64>,
}

impl Adjacency {
    /// The graph of `nodes` nodes with these edges `(one end, other end, weight)`.
    ///
    /// Edges whose weight is not a finite number above zero, or whose ends do
    /// not exist, are left out. At most 2³² nodes. O(nodes + edges).
    #[must_use]
    pub fn from_edges(nodes: usize, edges: &[(usize, usize, f64)]) -> Self {
        let valid = |edge: &&(usize, usize, f64)| {
            edge.0 < nodes && edge.1 < nodes && edge.2 > 0.0 && edge.2.is_finite()
        };
        let mut loops = vec![0.0; nodes];
        let mut rows = Rows::with_room(nodes, edges.iter().filter(valid).filter(|e| e.0 != e.1));
        for &(one, other, weight) in edges.iter().filter(valid) {
            if one == other {
                loops[one] += weight;
            } else {
                rows.push(one, other, weight);
                rows.push(other, one, weight);
            }
        }
        rows.transposed().merged(loops)
    }

    /// Number of nodes, isolated ones too.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.loops.len()
    }

    /// Number of edges, self-loops too.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.targets.len() / 2 + self.loops.iter().filter(|weight| **weight > 0.0).count()
    }

    /// The neighbours of a node and the weights of the edges to them, by number.
    pub fn neighbours(&self, node: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let row = self.offsets[node]..self.offsets[node + 1];
        self.targets[row.clone()]
            .iter()
            .map(|t| *t as usize)
            .zip(self.weights[row].iter().copied())
    }

    /// The weight of a node's self-loop, 0 without one.
    #[must_use]
    pub fn self_loop(&self, node: usize) -> f64 {
        self.loops[node]
    }

    /// Every edge once, `(one end, other end, weight)`, the smaller end first; self-loops too.
    #[must_use]
    pub fn edges(&self) -> Vec<(usize, usize, f64)> {
        let of = |node: usize| {
            let above = self.neighbours(node).filter(move |edge| edge.0 > node);
            let edges = above.map(move |(other, weight)| (node, other, weight));
            let own = Some((node, node, self.loops[node])).filter(|edge| edge.2 > 0.0);
            own.into_iter().chain(edges)
        };
        (0..self.node_count()).flat_map(of).collect()
    }

    /// The graph of the same nodes without edges that weigh less. O(edges).
    #[must_use]
    pub fn at_least(&self, weight: f64) -> Self {
        let mut edges = self.edges();
        edges.retain(|edge| edge.2 >= weight);
        Self::from_edges(self.node_count(), &edges)
    }

    /// The sum of the weights at a node; a self-loop counts twice.
    #[must_use]
    pub fn strength(&self, node: usize) -> f64 {
        let row = self.offsets[node]..self.offsets[node + 1];
        self.weights[row].iter().sum::<f64>() + 2.0 * self.loops[node]
    }

    /// m, the sum of all edges' weights, each counted once. O(edges).
    #[must_use]
    pub fn total(&self) -> f64 {
        self.weights.iter().sum::<f64>() / 2.0 + self.loops.iter().sum::<f64>()
    }

    /// Whether a node has no edge at all.
    #[must_use]
    pub fn is_isolated(&self, node: usize) -> bool {
        self.offsets[node] == self.offsets[node + 1] && self.loops[node] == 0.0
    }

    /// The rows as they are stored: offsets, targets, weights.
    pub(crate) fn rows(&self) -> (&[usize], &[u32], &[f64]) {
        (&self.offsets, &self.targets, &self.weights)
    }
}

/// Neighbour lists while they are being filled.
struct Rows {
    offsets: Vec<usize>,
    /// Where the next entry of each row goes.
    next: Vec<usize>,
    targets: Vec<u32>,
    weights: Vec<f64>,
}

impl Rows {
    /// Empty rows with room for both directions of `edges`.
    fn with_room<'a>(nodes: usize, edges: impl Iterator<Item = &'a (usize, usize, f64)>) -> Self {
        let mut offsets = vec![0; nodes + 1];
        for &(one, other, _) in edges {
            offsets[one + 1] += 1;
            offsets[other + 1] += 1;
        }
        for row in 0..nodes {
            offsets[row + 1] += offsets[row];
        }
        Self::at(offsets)
    }

    /// Empty rows at these offsets.
    fn at(offsets: Vec<usize>) -> Self {
        let entries = offsets.last().copied().unwrap_or(0);
        let next = offsets[..offsets.len() - 1].to_vec();
        Self {
            offsets,
            next,
            targets: vec![0; entries],
            weights: vec![0.0; entries],
        }
    }

    fn push(&mut self, row: usize, target: usize, weight: f64) {
        let slot = self.next[row];
        self.targets[slot] = target as u32;
        self.weights[slot] = weight;
        self.next[row] += 1;
    }

    /// The same symmetric graph with each row sorted: rows are read in order, columns written.
    fn transposed(&self) -> Self {
        let mut sorted = Self::at(self.offsets.clone());
        for row in 0..self.next.len() {
            for slot in self.offsets[row]..self.offsets[row + 1] {
                sorted.push(self.targets[slot] as usize, row, self.weights[slot]);
            }
        }
        sorted
    }

    /// The graph, parallel edges of sorted rows added up.
    fn merged(mut self, loops: Vec<f64>) -> Adjacency {
        let mut kept = 0;
        for row in 0..loops.len() {
            let entries = self.offsets[row]..self.offsets[row + 1];
            let start = kept;
            self.offsets[row] = start;
            for slot in entries {
                if kept > start && self.targets[kept - 1] == self.targets[slot] {
                    self.weights[kept - 1] += self.weights[slot];
                } else {
                    self.targets[kept] = self.targets[slot];
                    self.weights[kept] = self.weights[slot];
                    kept += 1;
                }
            }
        }
        self.finish(kept, loops)
    }

    fn finish(mut self, kept: usize, loops: Vec<f64>) -> Adjacency {
        if let Some(end) = self.offsets.last_mut() {
            *end = kept;
        }
        self.targets.truncate(kept);
        self.weights.truncate(kept);
        Adjacency {
            offsets: self.offsets,
            targets: self.targets,
            weights: self.weights,
            loops,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_edges_add_up_and_rows_are_sorted() {
        let edges = [(2, 0, 1.0), (0, 1, 2.0), (0, 2, 0.5), (1, 1, 3.0)];
        let graph = Adjacency::from_edges(4, &edges);
        assert_eq!(
            graph.neighbours(0).collect::<Vec<_>>(),
            [(1, 2.0), (2, 1.5)]
        );
        assert_eq!(graph.neighbours(2).collect::<Vec<_>>(), [(0, 1.5)]);
        assert_eq!((graph.edge_count(), graph.total()), (3, 6.5));
        assert_eq!((graph.self_loop(1), graph.strength(1)), (3.0, 8.0));
        assert_eq!([1, 3].map(|node| graph.is_isolated(node)), [false, true]);
    }

    #[test]
    fn what_is_no_edge_is_left_out() {
        let edges = [
            (0, 1, f64::NAN),
            (0, 1, f64::INFINITY),
            (0, 1, -1.0),
            (0, 1, 0.0),
            (0, 9, 1.0),
        ];
        let graph = Adjacency::from_edges(2, &edges);
        assert_eq!((graph.edge_count(), graph.total()), (0, 0.0));
        assert_eq!(Adjacency::from_edges(0, &[]).node_count(), 0);
    }
}
