//! From scores to circuits.

use serde::{Deserialize, Serialize};

use crate::graph::spread;
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Patchable, PatchableExt as _};

/// The `count` edges with the largest |score|; of equals, the first.
#[must_use]
pub fn strongest(scores: &[f64], count: usize) -> EdgeSet {
    strongest_by(scores, count, f64::abs)
}

/// The same by another strength than |score|.
#[must_use]
pub fn strongest_by(scores: &[f64], count: usize, strength: impl Fn(f64) -> f64) -> EdgeSet {
    let all: Vec<usize> = (0..scores.len()).collect();
    let mut set = EdgeSet::with_capacity(scores.len());
    set.extend(largest(all, count, |edge| strength(scores[edge])));
    set
}

/// The `count` of these edges, ascending, with the largest |score|; of equals, the first.
/// O(edges).
#[must_use]
pub fn strongest_of(edges: Vec<usize>, scores: &[f64], count: usize) -> Vec<usize> {
    largest(edges, count, |edge| scores[edge].abs())
}

/// `edges` ascend, before and after.
fn largest(mut edges: Vec<usize>, count: usize, strength: impl Fn(usize) -> f64) -> Vec<usize> {
    debug_assert!(edges.is_sorted());
    if count >= edges.len() {
        return edges;
    }
    if count == 0 {
        return Vec::new();
    }
    let keys: Vec<i64> = edges.iter().map(|edge| ordinal(strength(*edge))).collect();
    let least = edges.len() - count;
    let least = *keys.clone().select_nth_unstable(least).1;
    let above = keys.iter().filter(|key| **key > least).count();
    let mut equals = count - above;
    let mut keys = keys.into_iter();
    edges.retain(|_| match keys.next() {
        Some(key) if key == least => {
            let is_first = equals > 0;
            equals = equals.saturating_sub(1);
            is_first
        }
        key => key > Some(least),
    });
    edges
}

/// A whole number for each number, in the order of [`f64::total_cmp`]: compared in one step.
fn ordinal(x: f64) -> i64 {
    let bits = x.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The edges as a circuit grows that is greedy: from the outputs backwards,
/// always the edge with the largest |score| among those into a node that is in
/// already; of equals, the first. The first `n` are the greedy circuit of size n.
#[must_use]
pub fn greedy<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    scores: &[f64],
    candidates: &EdgeSet,
) -> Vec<usize> {
    let edges: Vec<usize> = candidates.ones().collect();
    let strengths: Vec<f64> = edges.iter().map(|edge| scores[*edge].abs()).collect();
    let grown = EdgeGraph::new(network, &edges).greedy(&strengths);
    grown.into_iter().map(|place| edges[place]).collect()
}

/// Some edges of a network as a graph by themselves, told by their place among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeGraph {
    nodes: usize,
    /// By place, the nodes that an edge leads from and to.
    ends: Vec<(usize, usize)>,
    links: Vec<(usize, usize)>,
}

impl EdgeGraph {
    /// Of these edges of a network, with its links. O(edges).
    #[must_use]
    pub fn new<T: Scalar>(network: &dyn Patchable<Number = T>, edges: &[usize]) -> Self {
        Self {
            nodes: network.node_count(),
            ends: edges.iter().map(|edge| network.ends(*edge)).collect(),
            links: network.links(),
        }
    }

    /// The edges as [`greedy`] takes them, by how strong each is. Those that nothing leads on
    /// from to an end are not taken. O(edges · log edges).
    #[must_use]
    pub fn greedy(&self, strengths: &[f64]) -> Vec<usize> {
        let (mut into, mut behind) = (vec![Vec::new(); self.nodes], vec![Vec::new(); self.nodes]);
        let mut leads_on = vec![false; self.nodes];
        for (edge, (writer, reader)) in self.ends.iter().enumerate() {
            into[*reader].push(edge);
            leads_on[*writer] = true;
        }
        for (writer, reader) in &self.links {
            behind[*reader].push(*writer);
            leads_on[*writer] = true;
        }
        let mut open = std::collections::BinaryHeap::new();
        let mut grown = Vec::new();
        let mut reached: Vec<usize> = (0..self.nodes).filter(|node| !leads_on[*node]).collect();
        loop {
            while let Some(node) = reached.pop() {
                let edges = std::mem::take(&mut into[node]).into_iter();
                open.extend(edges.map(|edge| Open {
                    score: strengths[edge],
                    edge,
                }));
                reached.extend(std::mem::take(&mut behind[node]));
            }
            let Some(Open { edge, .. }) = open.pop() else {
                return grown;
            };
            grown.push(edge);
            reached.push(self.ends[edge].0);
        }
    }
}

/// An edge that may be taken next.
struct Open {
    score: f64,
    edge: usize,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_score = self.score.total_cmp(&other.score);
        by_score.then(other.edge.cmp(&self.edge))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}

/// The edges that lie on a path from an input to an output, through kept edges
/// and links: edges out of nodes that nothing kept reaches, and into nodes from
/// which nothing kept leads on, go.
#[must_use]
pub fn connected<T: Scalar>(network: &dyn Patchable<Number = T>, circuit: &EdgeSet) -> EdgeSet {
    Connection::new(network).of(circuit)
}

/// Where paths begin and end in a network.
pub struct Connection<'n, T> {
    network: &'n dyn Patchable<Number = T>,
    /// By edge, the nodes that it leads from and to.
    edges: Vec<(usize, usize)>,
    links: Vec<(usize, usize)>,
    /// Per node, whether nothing leads to it.
    begins: Vec<bool>,
    /// Per node, whether nothing leads on from it.
    ends: Vec<bool>,
}

impl<'n, T: Scalar> Connection<'n, T> {
    /// O(edges).
    #[must_use]
    pub fn new(network: &'n dyn Patchable<Number = T>) -> Self {
        let mut begins = vec![true; network.node_count()];
        let mut ends = begins.clone();
        let links = network.links();
        let edges = (0..network.edge_count()).map(|edge| network.ends(edge));
        let edges: Vec<(usize, usize)> = edges.collect();
        for (writer, reader) in edges.iter().chain(&links) {
            begins[*reader] = false;
            ends[*writer] = false;
        }
        Self {
            network,
            edges,
            links,
            begins,
            ends,
        }
    }

    /// What [`connected`] gives. O(nodes + edges of the circuit), as edges are numbered nearly
    /// in the order of computation.
    #[must_use]
    pub fn of(&self, circuit: &EdgeSet) -> EdgeSet {
        let (mut fed, mut read) = (self.begins.clone(), self.ends.clone());
        let kept = circuit.ones().map(|edge| self.edges[edge]);
        let ways = in_order(kept, &self.links);
        spread(&mut fed, ways.iter().copied());
        spread(
            &mut read,
            ways.iter().rev().map(|(writer, reader)| (*reader, *writer)),
        );
        let on_a_path = |edge: &usize| {
            let (writer, reader) = self.edges[*edge];
            fed[writer] && read[reader]
        };
        self.network.edges(circuit.ones().filter(on_a_path))
    }
}

/// Per node, whether kept edges and links lead from it to any of `ends`, or it is one.
#[must_use]
pub fn leading_to<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    ends: &[usize],
    circuit: &EdgeSet,
) -> Vec<bool> {
    let mut leads = vec![false; network.node_count()];
    ends.iter().for_each(|node| leads[*node] = true);
    let ways = in_order(
        circuit.ones().map(|edge| network.ends(edge)),
        &network.links(),
    );
    spread(
        &mut leads,
        ways.iter().rev().map(|(writer, reader)| (*reader, *writer)),
    );
    leads
}

/// Edges and links, writers in their order: edges alone are numbered layer by layer.
fn in_order(
    edges: impl Iterator<Item = (usize, usize)>,
    links: &[(usize, usize)],
) -> Vec<(usize, usize)> {
    let mut ways: Vec<(usize, usize)> = edges.collect();
    if !links.is_empty() {
        ways.extend(links);
        ways.sort_unstable();
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::strongest_first;
    use proptest::prelude::*;

    proptest! {
        /// The strongest, without sorting all, are the first of those that are sorted.
        #[test]
        fn the_strongest_are_the_first(
            scores in proptest::collection::vec(-3..4_i32, 0..40),
            count in 0..45_usize,
        ) {
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let edges: Vec<usize> = (0..scores.len()).filter(|edge| edge % 3 != 1).collect();
            let values: Vec<f64> = edges.iter().map(|edge| scores[*edge]).collect();
            let sorted = strongest_first(&edges, &values);
            let mut first: Vec<usize> = sorted.iter().take(count).map(|(e, _)| *e).collect();
            let mut found = strongest_of(edges, &scores, count);
            first.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(first, found);
        }
    }
}
