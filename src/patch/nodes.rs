//! A network whose nodes are patched as wholes.
//!
//! To patch a node is to patch all edges out of it. To search and judge circuits
//! of nodes is then the same as to search and judge circuits of edges: this is
//! the network in which every node is one edge, to where its value is read.

use std::ops::Range;

use ndarray::Array2;

use super::{EdgeSet, Patchable, PatchableExt as _, SetWalk, Walk};
use crate::metric::Metric;

/// What an edge of a node's own leads to, by name: everything that reads it.
pub(super) const READERS: &str = "*";

/// A network of nodes.
#[derive(Debug, Clone)]
pub struct Nodes<'p, P: ?Sized> {
    network: &'p P,
    /// The nodes that write something, by number in the network, in order.
    writers: Vec<usize>,
    /// The edges out of each of them.
    out: Vec<EdgeSet>,
}

impl<'p, P: Patchable + ?Sized> Nodes<'p, P> {
    /// The nodes of a network.
    #[must_use]
    pub fn new(network: &'p P) -> Self {
        let (writers, out) = network
            .edges_by_writer()
            .into_iter()
            .enumerate()
            .filter(|(_, edges)| !edges.is_clear())
            .unzip();
        Self {
            network,
            writers,
            out,
        }
    }

    /// The network whose nodes they are.
    #[must_use]
    pub fn network(&self) -> &'p P {
        self.network
    }

    /// The edges out of each node.
    #[must_use]
    pub fn out(&self) -> &[EdgeSet] {
        &self.out
    }

    /// The edges out of all nodes of a set.
    fn edges_of(&self, nodes: &EdgeSet) -> EdgeSet {
        let mut edges = self.network.edges([]);
        for node in nodes.ones() {
            edges.union_with(&self.out[node]);
        }
        edges
    }
}

impl<P: Patchable + ?Sized> Patchable for Nodes<'_, P> {
    type Number = P::Number;

    fn edge_count(&self) -> usize {
        self.writers.len()
    }

    /// The nodes, and the outputs taken together.
    fn node_count(&self) -> usize {
        self.writers.len() + 1
    }

    fn samples(&self) -> usize {
        self.network.samples()
    }

    fn ends(&self, edge: usize) -> (usize, usize) {
        (edge, self.writers.len())
    }

    /// All nodes at once, the last computed is visited first.
    fn readers(&self) -> Vec<Range<usize>> {
        vec![0..self.writers.len(); 1]
    }

    fn nodes_read(&self, _: &Metric) -> Vec<usize> {
        vec![self.writers.len()]
    }

    fn edge_names(&self, edge: usize) -> (String, String) {
        (self.node_name(edge), READERS.to_owned())
    }

    fn node_name(&self, node: usize) -> String {
        match self.writers.get(node) {
            Some(writer) => self.network.node_name(*writer),
            None => READERS.to_owned(),
        }
    }

    fn outputs(&self, patched: &EdgeSet) -> Array2<P::Number> {
        self.network.outputs(&self.edges_of(patched))
    }

    fn outputs_alone(&self, patched: &EdgeSet) -> Array2<P::Number> {
        self.network.outputs_alone(&self.edges_of(patched))
    }

    fn walk(&self, patched: EdgeSet) -> Box<dyn Walk<P::Number> + '_> {
        Box::new(SetWalk::new(self, patched))
    }
}
