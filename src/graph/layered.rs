//! A layered weighted network: every edge is an entry of a matrix from some nodes to others.
//!
//! It holds weights and nothing else: no biases, no activations, no names.

use ndarray::{Array2, Axis};
use petgraph::graph::{DiGraph, NodeIndex};

use super::Adjacency;

/// A layered weighted network.
///
/// A node's number is the offset of its layer plus its position in the layer,
/// inputs first and outputs last. An *edge* is a weight that is neither zero
/// nor NaN. Mostly each matrix leads from one layer to the next; in a network
/// with a residual stream a reader may read from all that comes before it.
///
/// # Example
/// ```
/// use modscope::graph::Layered;
/// let network = Layered::new(vec![ndarray::array![[2.0, 0.0], [0.0, -1.0]]]);
/// assert_eq!(network.widths, [2, 2]);
/// assert_eq!(network.edges().collect::<Vec<_>>(), [(0, 2, 2.0), (1, 3, -1.0)]);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layered {
    /// Nodes per layer.
    pub widths: Vec<usize>,
    /// `weights[l]: [readers, writers]`, where all matrices lead from layer to layer
    /// `[widths[l + 1], widths[l]]`.
    pub weights: Vec<Array2<f64>>,
    /// What the rows and columns of each matrix are.
    joins: Vec<Join>,
}

/// The nodes that one matrix of weights joins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Join {
    /// The node of each column.
    pub writers: Vec<usize>,
    /// The node of each row.
    pub readers: Vec<usize>,
}

impl Layered {
    /// The network of these matrices, `weights[l]: [readers, writers]`.
    ///
    /// The readers of one matrix are the writers of the next; a network of no
    /// matrices has no nodes.
    #[must_use]
    pub fn new(weights: Vec<Array2<f64>>) -> Self {
        let mut first = 0;
        let joins = weights.iter().map(|matrix| {
            let (writers, readers) = (first, first + matrix.ncols());
            first = readers;
            Join {
                writers: (writers..readers).collect(),
                readers: (readers..readers + matrix.nrows()).collect(),
            }
        });
        let joins = joins.collect();
        let inputs = weights.first().map(Array2::ncols);
        let readers = weights.iter().map(Array2::nrows);
        Self {
            widths: inputs.into_iter().chain(readers).collect(),
            weights,
            joins,
        }
    }

    /// The network of layers of these widths and these matrices between any nodes.
    #[must_use]
    pub fn joined(widths: Vec<usize>, matrices: Vec<(Join, Array2<f64>)>) -> Self {
        let (joins, weights) = matrices.into_iter().unzip();
        Self {
            widths,
            weights,
            joins,
        }
    }

    /// Number of nodes, with and without edges.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.widths.iter().sum()
    }

    /// Number of the first node of `layer`; the number of nodes for a layer past the last.
    #[must_use]
    pub fn offset(&self, layer: usize) -> usize {
        self.widths.iter().take(layer).sum()
    }

    /// Number of the node at `position` in `layer`.
    #[must_use]
    pub fn node(&self, layer: usize, position: usize) -> usize {
        self.offset(layer) + position
    }

    /// The layer of a node; the number of layers for a node that does not exist.
    #[must_use]
    pub fn layer_of(&self, node: usize) -> usize {
        let mut end = 0;
        let ends = self.widths.iter().map(|width| {
            end += width;
            end
        });
        ends.take_while(|end| *end <= node).count()
    }

    /// The nodes of the first layer.
    #[must_use]
    pub fn inputs(&self) -> std::ops::Range<usize> {
        0..self.widths.first().copied().unwrap_or(0)
    }

    /// The nodes of the last layer.
    #[must_use]
    pub fn outputs(&self) -> std::ops::Range<usize> {
        let last = self.widths.last().copied().unwrap_or(0);
        self.node_count() - last..self.node_count()
    }

    /// All edges `(writer, reader, weight)`: by matrix, then reader, then writer.
    ///
    /// O(entries of the weights).
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        (0..self.weights.len()).flat_map(|matrix| self.edges_of(matrix))
    }

    /// The edges of one matrix, by reader, then writer.
    pub fn edges_of(&self, matrix: usize) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        let both = self.joins.get(matrix).zip(self.weights.get(matrix));
        both.into_iter().flat_map(|(join, weights)| {
            let edges = weights.indexed_iter().filter(|(_, w)| is_edge(**w));
            edges.map(|((reader, writer), weight)| {
                (join.writers[writer], join.readers[reader], *weight)
            })
        })
    }

    /// Number of edges. O(entries of the weights).
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.weights
            .iter()
            .flatten()
            .filter(|weight| is_edge(**weight))
            .count()
    }

    /// A copy in which every weight with |w| < `threshold` is zero; NaN never survives.
    #[must_use]
    pub fn pruned(&self, threshold: f64) -> Self {
        let keep = |w: &f64| {
            if is_edge(*w) && w.abs() >= threshold {
                *w
            } else {
                0.0
            }
        };
        let weights = self.weights.iter().map(|layer| layer.map(keep)).collect();
        Self {
            widths: self.widths.clone(),
            weights,
            joins: self.joins.clone(),
        }
    }

    /// The network without its last layer of nodes and the edges into it.
    #[must_use]
    pub fn without_last_layer(&self) -> Self {
        let last = self.outputs();
        let (mut below, _) = self.among(|node| !last.contains(&node));
        below.widths.pop();
        below
    }

    /// The network of some of the nodes alone, renumbered in order, and which they are.
    #[must_use]
    pub fn among(&self, is_in: impl Fn(usize) -> bool) -> (Self, Vec<usize>) {
        let nodes: Vec<usize> = (0..self.node_count()).filter(|n| is_in(*n)).collect();
        let kept = |all: &[usize]| -> (Vec<usize>, Vec<usize>) {
            let places = all.iter().enumerate();
            let numbers =
                places.filter_map(|(at, node)| Some((at, nodes.binary_search(node).ok()?)));
            numbers.unzip()
        };
        let matrices = self.weights.iter().zip(&self.joins);
        let matrices = matrices.filter_map(|(weights, join)| {
            let ((rows, readers), (columns, writers)) = (kept(&join.readers), kept(&join.writers));
            let weights = weights.select(Axis(0), &rows).select(Axis(1), &columns);
            (!weights.is_empty()).then_some((Join { writers, readers }, weights))
        });
        let mut first = 0;
        let widths = self.widths.iter().map(|width| {
            let layer = first..first + width;
            first = layer.end;
            nodes.iter().filter(|node| layer.contains(node)).count()
        });
        (Self::joined(widths.collect(), matrices.collect()), nodes)
    }

    /// A copy in which no edge begins or ends at one of these nodes.
    #[must_use]
    pub fn without_edges_of(&self, is_gone: impl Fn(usize) -> bool) -> Self {
        let mut copy = self.clone();
        for (weights, join) in copy.weights.iter_mut().zip(&copy.joins) {
            for ((row, column), weight) in weights.indexed_iter_mut() {
                if is_gone(join.readers[row]) || is_gone(join.writers[column]) {
                    *weight = 0.0;
                }
            }
        }
        copy
    }

    /// This network as a graph of petgraph: a node weighs its number, an edge its weight.
    ///
    /// Node indices are node numbers, and edges are in the order of [`Layered::edges`].
    #[must_use]
    pub fn to_petgraph(&self) -> DiGraph<usize, f64> {
        let mut graph = DiGraph::with_capacity(self.node_count(), self.edge_count());
        for node in 0..self.node_count() {
            graph.add_node(node);
        }
        for (from, to, weight) in self.edges() {
            graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), weight);
        }
        graph
    }

    /// The undirected graph of |w|; infinite weights are left out.
    #[must_use]
    pub fn adjacency(&self) -> Adjacency {
        let edges: Vec<_> = self
            .edges()
            .map(|(from, to, weight)| (from, to, weight.abs()))
            .collect();
        Adjacency::from_edges(self.node_count(), &edges)
    }
}

/// Whether a weight is an edge: neither zero nor NaN.
fn is_edge(weight: f64) -> bool {
    weight != 0.0 && !weight.is_nan()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// Two inputs, three hidden, one output.
    fn small() -> Layered {
        Layered::new(vec![
            array![[0.5, 0.0], [-0.01, f64::NAN], [0.0, 2.0]],
            array![[1.0, 0.0, -0.2]],
        ])
    }

    #[test]
    fn nodes_are_numbered_layer_by_layer() {
        let network = small();
        assert_eq!(network.widths, [2, 3, 1]);
        assert_eq!(network.node(1, 2), 4);
        let layers: Vec<usize> = (0..7).map(|node| network.layer_of(node)).collect();
        assert_eq!(layers, [0, 0, 1, 1, 1, 2, 3]);
        assert_eq!((network.inputs(), network.outputs()), (0..2, 5..6));
    }

    #[test]
    fn empty_layers_are_passed_over() {
        let network = Layered::joined(vec![1, 0, 2], vec![]);
        assert_eq!([0, 1, 2].map(|node| network.layer_of(node)), [0, 2, 2]);
    }

    #[test]
    fn edges_are_the_weights_that_count() {
        let edges: Vec<_> = small().edges().collect();
        assert_eq!(
            edges,
            [
                (0, 2, 0.5),
                (0, 3, -0.01),
                (1, 4, 2.0),
                (2, 5, 1.0),
                (4, 5, -0.2)
            ]
        );
        assert_eq!(small().edge_count(), 5);
    }

    #[test]
    fn pruning_keeps_the_threshold_itself() {
        let kept: Vec<f64> = small().pruned(0.5).edges().map(|edge| edge.2).collect();
        assert_eq!(kept, [0.5, 2.0, 1.0]);
        assert!(small().pruned(0.0).weights[0].iter().all(|w| !w.is_nan()));
    }

    #[test]
    fn the_last_layer_can_go() {
        let below = small().without_last_layer();
        assert_eq!(
            (below.widths.as_slice(), below.edge_count()),
            ([2, 3].as_slice(), 3)
        );
        assert_eq!(Layered::default().without_last_layer(), Layered::default());
    }

    /// Node 3 reads from node 0 besides its own layer; what is left of it without node 1.
    #[test]
    fn matrices_join_any_nodes() {
        let join = |writers: &[usize], readers: &[usize]| Join {
            writers: writers.to_vec(),
            readers: readers.to_vec(),
        };
        let network = Layered::joined(
            vec![1, 2, 1],
            vec![
                (join(&[0], &[1, 2]), array![[1.0], [2.0]]),
                (join(&[0, 1, 2], &[3]), array![[3.0, 4.0, 5.0]]),
            ],
        );
        let edges: Vec<_> = network.edges_of(1).collect();
        assert_eq!(edges, [(0, 3, 3.0), (1, 3, 4.0), (2, 3, 5.0)]);
        let (part, nodes) = network.among(|node| node != 1);
        assert_eq!(
            (part.widths.as_slice(), nodes.as_slice()),
            ([1, 1, 1].as_slice(), [0, 2, 3].as_slice())
        );
        let edges: Vec<_> = part.edges().collect();
        assert_eq!(edges, [(0, 1, 2.0), (0, 2, 3.0), (1, 2, 5.0)]);
        let below: Vec<_> = network.without_last_layer().edges().collect();
        assert_eq!(below, [(0, 1, 1.0), (0, 2, 2.0)]);
    }

    #[test]
    fn petgraph_has_the_same_edges() {
        let graph = small().to_petgraph();
        assert_eq!((graph.node_count(), graph.edge_count()), (6, 5));
        assert_eq!(
            graph[graph
                .find_edge(NodeIndex::new(4), NodeIndex::new(5))
                .unwrap()],
            -0.2
        );
    }
}
