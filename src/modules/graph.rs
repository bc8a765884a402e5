//! The graph of any network that can be patched, from what its edges weigh.

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::graph::{Join, Layered};
use crate::numeric::Scalar;
use crate::patch::Patchable;
use petgraph::unionfind::UnionFind;

/// A graph and what its nodes are in the network it was made of.
///
/// A value that is handed on unchanged, to one place, is one node all along: a
/// channel of the residual stream from the embedding to the end, a value of a head
/// with what attention gathers of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Nodes and weights.
    pub layered: Layered,
    /// The network's nodes in each node of the graph, ascending.
    pub members: Vec<Vec<usize>>,
    /// The network's edges out of each node of the graph.
    pub out: Vec<Vec<usize>>,
}

impl Graph {
    /// The graph in which every edge weighs what `weights` says, by edge number; 0 is
    /// no edge, and parallel edges add up.
    ///
    /// A layer is a run of nodes that do not feed each other, at one step of a recurrence.
    /// All edges into a layer are one matrix, so that shuffles keep what each layer reads.
    /// O(edges · log nodes).
    #[must_use]
    pub fn new<T: Scalar>(network: &dyn Patchable<Number = T>, weights: &[f64]) -> Self {
        let ends: Vec<(usize, usize)> = (0..network.edge_count())
            .map(|edge| network.ends(edge))
            .collect();
        let layers = layers(network, &ends);
        let (of, members) = together(network);
        let mut out = vec![Vec::new(); members.len()];
        let mut into: Vec<Vec<usize>> = vec![Vec::new(); layers.last().map_or(0, |last| last + 1)];
        for (edge, (writer, reader)) in ends.iter().enumerate() {
            out[of[*writer]].push(edge);
            into[layers[*reader]].push(edge);
        }
        let mut widths = vec![0; into.len()];
        members.iter().for_each(|all| widths[layers[all[0]]] += 1);
        let matrices = into.iter().filter(|edges| !edges.is_empty());
        let matrices = matrices.map(|edges| {
            let joined = edges.iter().map(|edge| {
                let (writer, reader) = ends[*edge];
                (
                    of[writer],
                    of[reader],
                    weights.get(*edge).copied().filter(|w| !w.is_nan()),
                )
            });
            matrix(&joined.collect::<Vec<_>>())
        });
        Self {
            layered: Layered::joined(widths, matrices.collect()),
            members,
            out,
        }
    }

    /// The name of every node: that of the first it is in the network.
    #[must_use]
    pub fn names<T: Scalar>(&self, network: &dyn Patchable<Number = T>) -> Vec<String> {
        let first = self.members.iter().map(|members| members[0]);
        first.map(|node| network.node_name(node)).collect()
    }

    /// The layer of every node.
    #[must_use]
    pub fn layers(&self) -> Vec<usize> {
        let widths = self.layered.widths.iter().enumerate();
        widths
            .flat_map(|(layer, width)| std::iter::repeat_n(layer, *width))
            .collect()
    }
}

/// The layer of every node of the network.
fn layers<T: Scalar>(network: &dyn Patchable<Number = T>, ends: &[(usize, usize)]) -> Vec<usize> {
    let mut latest: Vec<Option<usize>> = vec![None; network.node_count()];
    let edges = ends.iter().enumerate();
    let edges = edges.filter(|(edge, _)| !network.recurs(*edge));
    let links = network.links().into_iter().filter(|(from, to)| from < to);
    for (from, to) in edges.map(|(_, ends)| *ends).chain(links) {
        latest[to] = latest[to].max(Some(from));
    }
    let (mut layer, mut first) = (0, 0);
    let layer_of = latest.iter().enumerate().map(|(node, latest)| {
        if latest.is_some_and(|writer| writer >= first) {
            (layer, first) = (layer + 1, node);
        }
        layer
    });
    layer_of.collect()
}

/// The node of the graph that each node of the network is in, and the other way round.
fn together<T: Scalar>(network: &dyn Patchable<Number = T>) -> (Vec<usize>, Vec<Vec<usize>>) {
    let (nodes, links) = (network.node_count(), network.links());
    let mut handed_to = vec![0usize; nodes];
    links.iter().for_each(|(from, _)| handed_to[*from] += 1);
    let mut sets = UnionFind::new(nodes);
    for (from, to) in links {
        if handed_to[from] == 1 {
            sets.union(from, to);
        }
    }
    let mut numbers = BTreeMap::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    let of = (0..nodes).map(|node| {
        let number = *numbers.entry(sets.find(node)).or_insert(members.len());
        if number == members.len() {
            members.push(Vec::new());
        }
        members[number].push(node);
        number
    });
    (of.collect(), members)
}

/// The matrix of these edges `(writer, reader, weight)`.
fn matrix(edges: &[(usize, usize, Option<f64>)]) -> (Join, Array2<f64>) {
    let sorted = |node: fn(&(usize, usize, Option<f64>)) -> usize| {
        let mut all: Vec<usize> = edges.iter().map(node).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let (writers, readers) = (sorted(|edge| edge.0), sorted(|edge| edge.1));
    let mut weights = Array2::zeros((readers.len(), writers.len()));
    for (writer, reader, weight) in edges {
        let column = writers.partition_point(|node| node < writer);
        let row = readers.partition_point(|node| node < reader);
        weights[[row, column]] += weight.unwrap_or(0.0);
    }
    (Join { writers, readers }, weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Activation;
    use crate::patch::component::tests::{batch, model, setup};
    use crate::patch::{ComponentEngine, Fill, WeightEngine};

    /// Three blocks of two heads: 11 components. Every reader reads all before it, a
    /// head three times: 2, 3, 8, 6, 14, 9 and 10 pairs of writer and reader.
    #[test]
    fn components_in_layers() {
        let model = model(true, true, Activation::GeluTanh);
        let network = ComponentEngine::new(&model, &batch(&[3], 1.0), setup(Fill::Zero, false));
        let network = network.unwrap();
        let graph = Graph::new(&network, &[1.0; 100]);
        assert_eq!(network.edge_count(), 100);
        assert_eq!(graph.layered.widths, [1, 2, 1, 2, 1, 2, 1, 1]);
        assert_eq!(graph.layers(), [0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7]);
        assert_eq!(graph.layered.edge_count(), 52);
        let into_heads = graph.layered.edges_of(2).collect::<Vec<_>>();
        assert_eq!(into_heads[0], (0, 4, 3.0), "q, k and v add up");
        assert_eq!((into_heads.len(), into_heads[7]), (8, (3, 5, 3.0)));
        assert_eq!(graph.out[9].len(), 1, "the last MLP writes to the logits");
        let names = graph.names(&network);
        assert_eq!((&*names[1], &*names[10]), ("a0.h0", "logits"));
    }

    /// 3 inputs, 5 channels, 3 × (8 queries, 8 keys, 8 values, 7 hidden), 3 outputs.
    #[test]
    fn a_channel_is_one_node_all_along() {
        let model = model(false, false, Activation::Silu);
        let network = WeightEngine::new(&model, &batch(&[3], 1.0), setup(Fill::Zero, false));
        let network = network.unwrap();
        let graph = Graph::new(&network, &vec![1.0; network.edge_count()]);
        assert_eq!(graph.members.len(), 3 + 5 + 3 * 31 + 3);
        let named = |node: usize| -> Vec<String> {
            let members = graph.members[node].iter();
            members.map(|site| network.node_name(*site)).collect()
        };
        let channel: Vec<String> = (0..7).map(|halves| format!("r{halves}.0")).collect();
        assert_eq!(named(3), channel);
        assert_eq!(named(8 + 16), ["b0.v0", "b0.o0"]);
        assert_eq!(named(8), ["b0.q0"]);
        // To queries, keys, values and hidden neurons of three blocks, and to outputs.
        assert_eq!(graph.out[3].len(), 3 * (24 + 7) + 3);
        let entries = 3 * 5 + 3 * (5 * 24 + 8 * 5 + 5 * 7 + 7 * 5) + 5 * 3;
        assert_eq!(graph.layered.edge_count(), entries);
        assert_eq!(graph.layered.outputs(), 101..104);
    }
}
