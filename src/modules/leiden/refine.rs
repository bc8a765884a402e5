//! Refinement: each community is rebuilt from single nodes into well-connected parts.

use crate::modules::local::{Level, Links, Partition, Parts};
use crate::numeric::Rng;

/// Splits every community into connected parts, fewer than there are nodes
/// unless every community is a single node or has no edges inside.
///
/// A node that is still alone joins a part of its community with probability
/// ∝ exp(gain / (θ · mean edge weight)) over the parts where it gains; both must be well
/// connected to the rest of the community. θ = 0 takes the best.
/// Source: arXiv 1810.08473, algorithm A.2, `RefinePartition`.
pub(super) fn refine(level: &Level, partition: &Partition, theta: f64, rng: &mut Rng) -> Parts {
    let mut merging = Merging::new(level, partition);
    let mut order: Vec<u32> = (0..level.len() as u32).collect();
    rng.shuffle(&mut order);
    for node in order {
        merging.try_merge(node, theta, rng);
    }
    if merging.merges == 0 {
        return connected_parts(level, partition);
    }
    Parts::from_labels(&merging.part)
}

/// The connected pieces of every community, for when no node could be merged.
fn connected_parts(level: &Level, partition: &Partition) -> Parts {
    let mut part = vec![u32::MAX; level.len()];
    let mut reached = Vec::new();
    for first in 0..level.len() as u32 {
        if part[first as usize] != u32::MAX {
            continue;
        }
        part[first as usize] = first;
        reached.push(first);
        while let Some(node) = reached.pop() {
            for (neighbour, _) in level.neighbours(node) {
                let inside = partition.of[neighbour as usize] == partition.of[node as usize];
                if inside && part[neighbour as usize] == u32::MAX {
                    part[neighbour as usize] = first;
                    reached.push(neighbour);
                }
            }
        }
    }
    Parts::from_labels(&part)
}

/// The parts while nodes merge; a part bears the number of the node it began with.
struct Merging<'a> {
    level: &'a Level,
    partition: &'a Partition,
    /// The edges within communities.
    inside: Inside,
    part: Vec<u32>,
    mass: Vec<f64>,
    /// Weight from each part to the rest of its community.
    cut: Vec<f64>,
    /// Whether another node has joined.
    is_grown: Vec<bool>,
    merges: usize,
    links: Links,
    /// Parts a node may join, and the upper ends of their shares of the probability.
    choices: Vec<(u32, f64)>,
}

/// The neighbours of every node that are in its community, and the weights to them.
struct Inside {
    offsets: Vec<usize>,
    edges: Vec<(u32, f64)>,
}

impl Inside {
    /// O(entries). An edge is written whether it stays or not, so that no branch has to be
    /// guessed.
    fn new(level: &Level, partition: &Partition) -> Self {
        let mut edges = vec![(0, 0.0); level.entries() + 1];
        let mut offsets = vec![0];
        let mut kept = 0;
        for node in 0..level.len() as u32 {
            let community = partition.of[node as usize];
            for (neighbour, weight) in level.neighbours(node) {
                edges[kept] = (neighbour, weight);
                kept += usize::from(partition.of[neighbour as usize] == community);
            }
            offsets.push(kept);
        }
        Self { offsets, edges }
    }

    fn of(&self, node: u32) -> &[(u32, f64)] {
        &self.edges[self.offsets[node as usize]..self.offsets[node as usize + 1]]
    }
}

impl<'a> Merging<'a> {
    /// Every node a part of its own.
    fn new(level: &'a Level, partition: &'a Partition) -> Self {
        let nodes = 0..level.len() as u32;
        let inside = Inside::new(level, partition);
        let cut = nodes
            .clone()
            .map(|node| inside.of(node).iter().map(|edge| edge.1).sum());
        Self {
            level,
            partition,
            cut: cut.collect(),
            inside,
            part: nodes.collect(),
            mass: level.mass.clone(),
            is_grown: vec![false; level.len()],
            merges: 0,
            links: Links::new(level.len()),
            choices: Vec::new(),
        }
    }

    /// Merges a node that is still alone into a part, if it gains and draws so.
    fn try_merge(&mut self, node: u32, theta: f64, rng: &mut Rng) {
        let community = self.partition.of[node as usize];
        let is_alone = self.part[node as usize] == node && !self.is_grown[node as usize];
        if !is_alone || !self.is_well_connected(node, community) {
            return;
        }
        for (neighbour, weight) in self.inside.of(node) {
            self.links.add(self.part[*neighbour as usize], *weight);
        }
        if let Some(to) = self.choose(node, community, theta, rng) {
            self.merge(node, to);
        }
        self.links.clear();
    }

    /// Whether a part has as much weight to the rest of its community as expected.
    fn is_well_connected(&self, part: u32, community: u32) -> bool {
        let mass = self.mass[part as usize];
        let rest = self.partition.mass(community) - mass;
        self.cut[part as usize] >= self.level.rate * mass * rest - self.level.smallest_gain
    }

    /// The part to join; `None` to stay alone.
    fn choose(&mut self, node: u32, community: u32, theta: f64, rng: &mut Rng) -> Option<u32> {
        let pull = self.level.rate * self.mass[node as usize];
        let mut choices = std::mem::take(&mut self.choices);
        choices.clear();
        for (part, weight) in self.links.iter() {
            let gain = weight - pull * self.mass[part as usize];
            if gain >= 0.0 && self.is_well_connected(part, community) {
                choices.push((part, gain));
            }
        }
        let chosen = draw(&mut choices, theta * self.level.mean_weight, rng);
        self.choices = choices;
        chosen
    }

    fn merge(&mut self, node: u32, to: u32) {
        self.part[node as usize] = to;
        self.is_grown[to as usize] = true;
        self.mass[to as usize] += self.mass[node as usize];
        self.cut[to as usize] += self.cut[node as usize] - 2.0 * self.links.to(to);
        self.merges += 1;
    }
}

/// Draws one of `(part, gain)` with probability ∝ exp(gain / scale), staying alone being a gain of 0.
fn draw(choices: &mut [(u32, f64)], scale: f64, rng: &mut Rng) -> Option<u32> {
    let most = choices
        .iter()
        .copied()
        .reduce(|one, other| if other.1 > one.1 { other } else { one })?;
    if scale <= 0.0 {
        return Some(most.0);
    }
    let mut sum = (-most.1 / scale).exp();
    let alone = sum;
    for choice in choices.iter_mut() {
        sum += ((choice.1 - most.1) / scale).exp();
        choice.1 = sum;
    }
    let drawn = rng.uniform() * sum;
    if drawn < alone {
        return None;
    }
    choices
        .iter()
        .find(|choice| drawn < choice.1)
        .map(|choice| choice.0)
}
