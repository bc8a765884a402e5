//! From scores to circuits.

use crate::patch::{EdgeSet, Patchable};

/// The `count` edges with the largest |score|; of equals, the first.
#[must_use]
pub fn strongest(scores: &[f64], count: usize) -> EdgeSet {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].abs().total_cmp(&scores[*a].abs()).then(a.cmp(b)));
    let mut set = EdgeSet::with_capacity(scores.len());
    set.extend(order.into_iter().take(count));
    set
}

/// The edges as a circuit grows that is greedy: from the outputs backwards,
/// always the edge with the largest |score| among those into a node that is in
/// already; of equals, the first. The first `n` are the greedy circuit of size n.
#[must_use]
pub fn greedy<P: Patchable>(network: &P, scores: &[f64], candidates: &EdgeSet) -> Vec<usize> {
    let mut into = vec![Vec::new(); network.node_count()];
    let mut leads_on = vec![false; network.node_count()];
    for edge in candidates.ones() {
        let (writer, reader) = network.ends(edge);
        into[reader].push(edge);
        leads_on[writer] = true;
    }
    let mut open = std::collections::BinaryHeap::new();
    let mut grown = Vec::new();
    let open_node = |open: &mut std::collections::BinaryHeap<_>, edges: Vec<usize>| {
        open.extend(edges.into_iter().map(|edge| Open {
            score: scores[edge].abs(),
            edge,
        }));
    };
    for node in (0..into.len()).filter(|node| !leads_on[*node]) {
        open_node(&mut open, std::mem::take(&mut into[node]));
    }
    while let Some(Open { edge, .. }) = open.pop() {
        grown.push(edge);
        let writer = network.ends(edge).0;
        open_node(&mut open, std::mem::take(&mut into[writer]));
    }
    grown
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

/// The edges that lie on a path from an input to an output: edges out of nodes
/// that nothing kept reaches, and into nodes from which nothing kept leads on,
/// go.
#[must_use]
pub fn connected<P: Patchable>(network: &P, circuit: &EdgeSet) -> EdgeSet {
    let mut fed = vec![true; network.node_count()];
    let mut read = vec![true; network.node_count()];
    for edge in 0..network.edge_count() {
        let (writer, reader) = network.ends(edge);
        fed[reader] = false;
        read[writer] = false;
    }
    let mut kept: Vec<usize> = circuit.ones().collect();
    kept.sort_by_key(|edge| network.ends(*edge).0);
    for (writer, reader) in kept.iter().map(|edge| network.ends(*edge)) {
        fed[reader] |= fed[writer];
    }
    kept.sort_by_key(|edge| std::cmp::Reverse(network.ends(*edge).1));
    for (writer, reader) in kept.iter().map(|edge| network.ends(*edge)) {
        read[writer] |= read[reader];
    }
    network.edges(kept.into_iter().filter(|edge| {
        let (writer, reader) = network.ends(*edge);
        fed[writer] && read[reader]
    }))
}
