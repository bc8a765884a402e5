//! Fast local moving: each node goes where it gains most, and wakes its neighbours.

use std::collections::VecDeque;

use super::level::{Level, Links};
use super::partition::Partition;
use crate::numeric::Rng;

/// Moves nodes until none gains by moving; returns what was gained in all.
///
/// Source: arXiv 1810.08473, algorithm A.2, `MoveNodesFast`.
pub(super) fn move_nodes(level: &Level, partition: &mut Partition, rng: &mut Rng) -> f64 {
    let mut queue = Queue::shuffled(level.len(), rng);
    let mut links = Links::new(level.len());
    let mut gained = 0.0;
    while let Some(node) = queue.pop() {
        for (neighbour, weight) in level.neighbours(node) {
            links.add(partition.of[neighbour as usize], weight);
        }
        let best = best_move(level, partition, &links, node);
        links.clear();
        let Some((to, gain)) = best else { continue };
        gained += gain;
        partition.move_node(node, level.mass[node as usize], to);
        for (neighbour, _) in level.neighbours(node) {
            if partition.of[neighbour as usize] != to {
                queue.push(neighbour);
            }
        }
    }
    gained
}

/// The community where `node` gains most, and the gain; `None` where it had better stay.
///
/// `links` holds the node's weights to each community.
fn best_move(level: &Level, partition: &Partition, links: &Links, node: u32) -> Option<(u32, f64)> {
    let mass = level.mass[node as usize];
    let own = partition.of[node as usize];
    let pull = level.rate * mass;
    let stay = links.to(own) - pull * (partition.mass(own) - mass);
    let mut best = (own, stay + level.smallest_gain);
    for (label, weight) in links.iter() {
        let value = weight - pull * partition.mass(label);
        if value > best.1 && label != own {
            best = (label, value);
        }
    }
    if best.1 < 0.0 && !partition.is_alone(node) {
        best = (partition.empty().unwrap_or(best.0), 0.0);
    }
    (best.0 != own).then_some((best.0, best.1 - stay))
}

/// Nodes that wait for their turn, each at most once.
struct Queue {
    waiting: VecDeque<u32>,
    is_waiting: Vec<bool>,
}

impl Queue {
    /// All nodes in a random order.
    fn shuffled(nodes: usize, rng: &mut Rng) -> Self {
        let mut order: Vec<u32> = (0..nodes as u32).collect();
        rng.shuffle(&mut order);
        Self {
            waiting: order.into(),
            is_waiting: vec![true; nodes],
        }
    }

    fn pop(&mut self) -> Option<u32> {
        let node = self.waiting.pop_front()?;
        self.is_waiting[node as usize] = false;
        Some(node)
    }

    fn push(&mut self, node: u32) {
        if !std::mem::replace(&mut self.is_waiting[node as usize], true) {
            self.waiting.push_back(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::LeidenConfig;
    use super::*;
    use crate::graph::Adjacency;
    use crate::modules::{Communities, quality::modularity};
    use crate::numeric::Rng;
    use proptest::prelude::*;

    proptest! {
        /// The sum of the gains of all moves is the change of the modularity (times m).
        #[test]
        fn gains_add_up_to_the_change_of_quality(
            edges in proptest::collection::vec((0..12_usize, 0..12_usize, 0.01..3.0_f64), 1..40),
            start in proptest::collection::vec(0..12_u32, 12),
            resolution in 0.1..3.0_f64,
            seed in 0..1000_u64,
        ) {
            let graph = Adjacency::from_edges(12, &edges);
            let level = Level::base(&graph, &LeidenConfig { resolution, ..Default::default() });
            let quality = |of: &[u32]| {
                let labels: Vec<_> = of.iter().map(|label| Some(*label as usize)).collect();
                modularity(&graph, &Communities::from_labels(&labels), resolution)
            };
            let mut partition = Partition::new(&level, start.clone());
            let gained = move_nodes(&level, &mut partition, &mut Rng::new(seed, 0));
            let change = quality(&partition.of) - quality(&start);
            prop_assert!((gained / graph.total() - change).abs() < 1e-10, "{gained} {change}");
            prop_assert!(gained >= 0.0);
        }
    }
}
