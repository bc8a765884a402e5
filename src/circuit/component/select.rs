//! From scores to circuits.

use crate::model::Components;
use crate::patch::EdgeSet;

/// The `count` edges with the largest |score|; of equals, the first.
#[must_use]
pub fn strongest(scores: &[f64], count: usize) -> EdgeSet {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].abs().total_cmp(&scores[*a].abs()).then(a.cmp(b)));
    let mut set = EdgeSet::with_capacity(scores.len());
    set.extend(order.into_iter().take(count));
    set
}

/// `count` edges grown from the logits backwards: always the one with the
/// largest |score| among those into a node that is in already.
#[must_use]
pub fn greedy(sites: &Components, scores: &[f64], count: usize) -> EdgeSet {
    let mut set = EdgeSet::with_capacity(scores.len());
    let mut open: Vec<usize> = sites.edges_into(sites.logits_reader()).collect();
    let mut inside = vec![false; sites.writer_count()];
    for _ in 0..count {
        let best = (0..open.len()).max_by(|a, b| {
            let (x, y) = (open[*a], open[*b]);
            scores[x].abs().total_cmp(&scores[y].abs()).then(y.cmp(&x))
        });
        let Some(best) = best else { break };
        let edge = open.swap_remove(best);
        set.insert(edge);
        let (writer, _) = sites.ends(edge);
        if !std::mem::replace(&mut inside[writer], true) {
            for reader in sites.readers_of_writer(writer) {
                open.extend(sites.edges_into(reader));
            }
        }
    }
    set
}

/// The edges that lie on a path from an input to the logits: edges of nodes
/// that nothing kept reaches, or from which nothing kept leads on, go.
#[must_use]
pub fn connected(sites: &Components, circuit: &EdgeSet) -> EdgeSet {
    let mut kept = circuit.clone();
    loop {
        let mut read = vec![false; sites.writer_count()];
        let mut fed = vec![false; sites.writer_count()];
        fed[..sites.inputs()].fill(true);
        for edge in kept.ones() {
            let (writer, reader) = sites.ends(edge);
            read[writer] = true;
            if let Some(node) = sites.writer_of_reader(reader) {
                fed[node] = true;
            }
        }
        let stays = |edge: &usize| {
            let (writer, reader) = sites.ends(*edge);
            fed[writer] && sites.writer_of_reader(reader).is_none_or(|node| read[node])
        };
        let mut next = EdgeSet::with_capacity(sites.edge_count());
        next.extend(kept.ones().filter(stays));
        if next == kept {
            return kept;
        }
        kept = next;
    }
}
