//! From scores to circuits.

use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Patchable, PatchableExt as _};

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
pub fn greedy<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    scores: &[f64],
    candidates: &EdgeSet,
) -> Vec<usize> {
    let mut into = vec![Vec::new(); network.node_count()];
    let mut leads_on = vec![false; network.node_count()];
    for edge in candidates.ones() {
        let (writer, reader) = network.ends(edge);
        into[reader].push(edge);
        leads_on[writer] = true;
    }
    let mut behind = linked_from(network);
    for (writer, _) in network.links() {
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
    let mut reached: Vec<usize> = (0..into.len()).filter(|node| !leads_on[*node]).collect();
    loop {
        while let Some(node) = reached.pop() {
            open_node(&mut open, std::mem::take(&mut into[node]));
            reached.extend(std::mem::take(&mut behind[node]));
        }
        let Some(Open { edge, .. }) = open.pop() else {
            return grown;
        };
        grown.push(edge);
        reached.push(network.ends(edge).0);
    }
}

/// Per node, the nodes that links lead from to it.
pub(super) fn linked_from<T: Scalar>(network: &dyn Patchable<Number = T>) -> Vec<Vec<usize>> {
    let mut behind = vec![Vec::new(); network.node_count()];
    for (from, to) in network.links() {
        behind[to].push(from);
    }
    behind
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
    let mut fed = vec![true; network.node_count()];
    let mut read = vec![true; network.node_count()];
    let links = network.links();
    let edges = (0..network.edge_count()).map(|edge| network.ends(edge));
    for (writer, reader) in edges.chain(links.iter().copied()) {
        fed[reader] = false;
        read[writer] = false;
    }
    let mut ways: Vec<(usize, usize)> = circuit.ones().map(|edge| network.ends(edge)).collect();
    ways.extend(links);
    ways.sort_unstable();
    for (writer, reader) in &ways {
        fed[*reader] |= fed[*writer];
    }
    ways.sort_by_key(|(_, reader)| std::cmp::Reverse(*reader));
    for (writer, reader) in ways {
        read[writer] |= read[reader];
    }
    network.edges(circuit.ones().filter(|edge| {
        let (writer, reader) = network.ends(*edge);
        fed[writer] && read[reader]
    }))
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
    let mut ways: Vec<(usize, usize)> = circuit.ones().map(|edge| network.ends(edge)).collect();
    ways.extend(network.links());
    ways.sort_by_key(|(_, reader)| std::cmp::Reverse(*reader));
    for (writer, reader) in ways {
        leads[writer] |= leads[reader];
    }
    leads
}
