//! Label propagation: every node takes the label that most of its neighbours' weight has.

use super::Communities;
use super::local::{Level, Links, Quality, Queue, labelled};
use crate::graph::Adjacency;
use crate::numeric::Rng;

/// The communities where every node has a label of the largest weight around it.
///
/// Nodes are visited in a random order and again when a neighbour's label changes;
/// of labels equally strong a random one is taken, but a node keeps its own where
/// that is one of them, so that the weight inside communities only grows and the
/// search ends. It has no quality of its own and no resolution. Isolated nodes are
/// in none. Source: Raghavan, Albert & Kumara (2007), asynchronous.
///
/// ```
/// use modscope::{graph::Adjacency, modules::label_propagation::label_propagation};
/// let edges = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0)];
/// let found = label_propagation(&Adjacency::from_edges(6, &edges), 0);
/// assert_eq!(found.of, [Some(0), Some(0), Some(0), Some(1), Some(1), None]);
/// ```
#[must_use]
pub fn label_propagation(graph: &Adjacency, seed: u64) -> Communities {
    let level = Level::base(graph, Quality::Cpm, 0.0);
    let mut rng = Rng::new(seed, 0);
    let mut labels: Vec<u32> = (0..level.len() as u32).collect();
    let mut queue = Queue::shuffled(level.len(), &mut rng);
    let mut links = Links::new(level.len());
    while let Some(node) = queue.pop() {
        for (neighbour, weight) in level.neighbours(node) {
            links.add(labels[neighbour as usize], weight);
        }
        let own = labels[node as usize];
        let label = strongest(&links, own, &mut rng);
        links.clear();
        if label != own {
            labels[node as usize] = label;
            for (neighbour, _) in level.neighbours(node) {
                if labels[neighbour as usize] != label {
                    queue.push(neighbour);
                }
            }
        }
    }
    labelled(graph, &labels)
}

/// The label with the largest weight; the own one, or else a random one, of equals.
fn strongest(links: &Links, own: u32, rng: &mut Rng) -> u32 {
    let most = links.iter().map(|link| link.1).fold(0.0, f64::max);
    if links.to(own) >= most {
        return own;
    }
    let strongest: Vec<u32> = links
        .iter()
        .filter(|link| link.1 >= most)
        .map(|link| link.0)
        .collect();
    strongest
        .get(rng.below(strongest.len()))
        .copied()
        .unwrap_or(own)
}
