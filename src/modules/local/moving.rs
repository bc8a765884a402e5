//! Fast local moving: each node goes where it gains most, and wakes its neighbours.

use std::collections::VecDeque;

use super::ties::{Table, Ties};
use super::{Level, Links, Partition};
use crate::numeric::Rng;

/// What a partition gains when a node moves.
///
/// A *value* is what a node is worth in a community, up to what is the same for all
/// communities; the node moves where that is more than the value of staying.
pub(in crate::modules) trait Objective {
    /// What is the same for all communities that a node may move to.
    type Leaving: Copy;

    /// Looks at `node`, which has weight `link` to the others of its community, and
    /// says what staying is worth.
    fn leaving(
        &self,
        level: &Level,
        partition: &Partition,
        node: u32,
        link: f64,
    ) -> (Self::Leaving, f64);

    /// What the community `to`, to which the node has weight `link`, is worth.
    fn value(&self, partition: &Partition, leaving: &Self::Leaving, to: u32, link: f64) -> f64;

    /// What a community of its own is worth.
    fn alone(&self, leaving: &Self::Leaving) -> f64;

    /// A gain up to this is rounding.
    fn smallest_gain(&self, level: &Level) -> f64;

    /// The node moves to `to`, to which it has weight `link`.
    fn moves(&mut self, leaving: &Self::Leaving, to: u32, link: f64);
}

/// Weight inside less what chance would put there: `w − rate · mass · mass`.
pub(in crate::modules) struct Potts;

/// Of a node under [`Potts`].
#[derive(Clone, Copy)]
pub(in crate::modules) struct Pull(f64);

impl Objective for Potts {
    type Leaving = Pull;

    #[inline]
    fn leaving(&self, level: &Level, partition: &Partition, node: u32, link: f64) -> (Pull, f64) {
        let mass = level.mass[node as usize];
        let pull = level.rate * mass;
        let rest = partition.mass(partition.of[node as usize]) - mass;
        (Pull(pull), link - pull * rest)
    }

    #[inline]
    fn value(&self, partition: &Partition, leaving: &Pull, to: u32, link: f64) -> f64 {
        link - leaving.0 * partition.mass(to)
    }

    fn alone(&self, _: &Pull) -> f64 {
        0.0
    }

    fn smallest_gain(&self, level: &Level) -> f64 {
        level.smallest_gain
    }

    fn moves(&mut self, _: &Pull, _: u32, _: f64) {}
}

/// Moves nodes until none gains by moving; returns what was gained in all.
///
/// Source: arXiv 1810.08473, algorithm A.2, `MoveNodesFast`.
pub(in crate::modules) fn move_nodes<O: Objective>(
    level: &Level,
    partition: &mut Partition,
    objective: &mut O,
    rng: &mut Rng,
) -> f64 {
    match Table::pays(level, partition) {
        true => move_with(
            Table::new(level, partition),
            level,
            partition,
            objective,
            rng,
        ),
        false => move_with(Links::new(level.len()), level, partition, objective, rng),
    }
}

fn move_with<O: Objective>(
    mut ties: impl Ties,
    level: &Level,
    partition: &mut Partition,
    objective: &mut O,
    rng: &mut Rng,
) -> f64 {
    let mut queue = Queue::shuffled(level.len(), rng);
    let mut gained = 0.0;
    while let Some(node) = queue.pop() {
        ties.look(level, partition, node);
        let best = best_move(level, partition, objective, &ties, node);
        if let Some((leaving, to, gain)) = best {
            gained += gain;
            objective.moves(&leaving, to, ties.to(node, to));
            let from = partition.of[node as usize];
            partition.move_node(node, level.mass[node as usize], to);
            ties.moved(level, node, from, to);
            for (neighbour, _) in level.neighbours(node) {
                if partition.of[neighbour as usize] != to {
                    queue.push(neighbour);
                }
            }
        }
    }
    gained
}

/// The community where `node` gains most, and the gain; `None` where it had better stay.
fn best_move<O: Objective>(
    level: &Level,
    partition: &Partition,
    objective: &O,
    ties: &impl Ties,
    node: u32,
) -> Option<(O::Leaving, u32, f64)> {
    let own = partition.of[node as usize];
    let (leaving, stay) = objective.leaving(level, partition, node, ties.to(node, own));
    let mut best = (own, stay + objective.smallest_gain(level));
    for (label, weight) in ties.around(partition, node) {
        let value = objective.value(partition, &leaving, label, weight);
        if value > best.1 && label != own {
            best = (label, value);
        }
    }
    let alone = objective.alone(&leaving);
    if best.1 < alone && !partition.is_alone(node) {
        best = (partition.empty().unwrap_or(best.0), alone);
    }
    (best.0 != own).then_some((leaving, best.0, best.1 - stay))
}

/// Nodes that wait for their turn, each at most once.
pub(in crate::modules) struct Queue {
    waiting: VecDeque<u32>,
    is_waiting: Vec<bool>,
}

impl Queue {
    /// All nodes in a random order.
    pub(in crate::modules) fn shuffled(nodes: usize, rng: &mut Rng) -> Self {
        let mut order: Vec<u32> = (0..nodes as u32).collect();
        rng.shuffle(&mut order);
        Self {
            waiting: order.into(),
            is_waiting: vec![true; nodes],
        }
    }

    /// The next in line.
    pub(in crate::modules) fn pop(&mut self) -> Option<u32> {
        let node = self.waiting.pop_front()?;
        self.is_waiting[node as usize] = false;
        Some(node)
    }

    /// Puts a node at the end, unless it waits already.
    pub(in crate::modules) fn push(&mut self, node: u32) {
        if !std::mem::replace(&mut self.is_waiting[node as usize], true) {
            self.waiting.push_back(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Quality;
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
            let level = Level::base(&graph, Quality::Modularity, resolution);
            let quality = |of: &[u32]| {
                let labels: Vec<_> = of.iter().map(|label| Some(*label as usize)).collect();
                modularity(&graph, &Communities::from_labels(&labels), resolution)
            };
            let mut partition = Partition::new(&level, start.clone());
            let gained = move_nodes(&level, &mut partition, &mut Potts, &mut Rng::new(seed, 0));
            let change = quality(&partition.of) - quality(&start);
            let apart = level.gain(&partition.of) - level.gain(&start);
            prop_assert!((gained - apart).abs() < 1e-10 * graph.total(), "{gained} {apart}");
            prop_assert!((gained / graph.total() - change).abs() < 1e-10, "{gained} {change}");
            prop_assert!(gained >= 0.0);
        }
    }
}
