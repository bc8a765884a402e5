//! The weights of a node to the communities around it: summed anew at every visit, or kept.
//!
//! A search visits nodes about ten times as often as it moves one. Where communities are
//! fewer than neighbours, it is less work to keep every node's sums, and to change those of
//! the neighbours when a node moves.

use super::{Level, Links, Partition};

/// Communities are at most this share of the neighbours of a node, on average, where sums
/// are kept.
const SHARE: usize = 2;

/// Where the weights of nodes to communities come from.
pub(super) trait Ties {
    /// Makes ready what is asked of `node`.
    fn look(&mut self, level: &Level, partition: &Partition, node: u32);

    /// The weight of `node` to a community.
    fn to(&self, node: u32, label: u32) -> f64;

    /// The communities around `node` and its weights to them.
    fn around(&self, partition: &Partition, node: u32) -> impl Iterator<Item = (u32, f64)>;

    /// `node` has moved.
    fn moved(&mut self, level: &Level, node: u32, from: u32, to: u32);
}

impl Ties for Links {
    #[inline]
    fn look(&mut self, level: &Level, partition: &Partition, node: u32) {
        self.clear();
        for (neighbour, weight) in level.neighbours(node) {
            self.add(partition.of[neighbour as usize], weight);
        }
    }

    #[inline]
    fn to(&self, _: u32, label: u32) -> f64 {
        Self::to(self, label)
    }

    #[inline]
    fn around(&self, _: &Partition, _: u32) -> impl Iterator<Item = (u32, f64)> {
        self.iter()
    }

    fn moved(&mut self, _: &Level, _: u32, _: u32, _: u32) {}
}

/// Every node's weight to every community, kept while nodes move.
pub(super) struct Table {
    /// Labels that a row has room for.
    width: usize,
    /// `[nodes, width]`
    sums: Vec<f64>,
}

impl Table {
    /// Whether rows are shorter than neighbours are many.
    pub(super) fn pays(level: &Level, partition: &Partition) -> bool {
        width(partition) * level.len() * SHARE <= level.entries()
    }

    /// The sums of a partition. O(entries).
    pub(super) fn new(level: &Level, partition: &Partition) -> Self {
        let width = width(partition);
        let mut sums = vec![0.0; width * level.len()];
        for (four, rows) in sums.chunks_mut(4 * width).enumerate() {
            let nodes = 4 * four..(4 * four + 4).min(level.len());
            let mut around: Vec<_> = nodes.map(|node| level.neighbours(node as u32)).collect();
            // Side by side, as each sum waits for the one before it.
            let mut is_more = true;
            while is_more {
                is_more = false;
                for (row, around) in rows.chunks_exact_mut(width).zip(&mut around) {
                    if let Some((neighbour, weight)) = around.next() {
                        row[partition.of[neighbour as usize] as usize] += weight;
                        is_more = true;
                    }
                }
            }
        }
        Self { width, sums }
    }

    /// Rows of at least `width`.
    fn widen(&mut self, width: usize) {
        let mut sums = vec![0.0; self.sums.len() / self.width * width];
        let rows = self.sums.chunks_exact(self.width);
        for (wide, row) in sums.chunks_exact_mut(width).zip(rows) {
            wide[..self.width].copy_from_slice(row);
        }
        *self = Self { width, sums };
    }

    fn row(&self, node: u32) -> &[f64] {
        let start = node as usize * self.width;
        &self.sums[start..start + self.width]
    }
}

/// Room for the labels of a partition and some more.
fn width(partition: &Partition) -> usize {
    partition.labels() + 2
}

impl Ties for Table {
    fn look(&mut self, _: &Level, _: &Partition, _: u32) {}

    #[inline]
    fn to(&self, node: u32, label: u32) -> f64 {
        self.row(node).get(label as usize).copied().unwrap_or(0.0)
    }

    #[inline]
    fn around(&self, partition: &Partition, node: u32) -> impl Iterator<Item = (u32, f64)> {
        let row = self.row(node).iter().enumerate();
        row.map(|(label, weight)| (label as u32, *weight))
            .filter(|(label, _)| !partition.is_empty(*label))
    }

    fn moved(&mut self, level: &Level, node: u32, from: u32, to: u32) {
        let (from, to) = (from as usize, to as usize);
        if to >= self.width {
            self.widen(2 * to);
        }
        for (neighbour, weight) in level.neighbours(node) {
            let row = neighbour as usize * self.width;
            self.sums[row + from] -= weight;
            self.sums[row + to] += weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Adjacency;
    use crate::modules::Quality;
    use crate::numeric::Rng;

    /// Whatever moves, kept sums are those that are counted anew.
    #[test]
    fn kept_sums_are_the_sums() {
        const NODES: usize = 12;
        let mut rng = Rng::new(5, 0);
        let mut edges = Vec::new();
        for from in 0..NODES {
            for to in from + 1..NODES {
                edges.push((from, to, 0.1 + rng.uniform()));
            }
        }
        let graph = Adjacency::from_edges(NODES, &edges);
        let level = Level::base(&graph, Quality::Modularity, 1.0);
        let mut partition = Partition::new(&level, (0..NODES as u32).map(|n| n % 3).collect());
        assert!(Table::pays(&level, &partition));
        let mut table = Table::new(&level, &partition);
        let mut links = Links::new(NODES);
        for _ in 0..100 {
            let node = rng.below(NODES) as u32;
            let from = partition.of[node as usize];
            let to = match rng.below(3) {
                0 => partition.empty().unwrap_or(from),
                _ => partition.of[rng.below(NODES)],
            };
            if to != from {
                partition.move_node(node, level.mass[node as usize], to);
                table.moved(&level, node, from, to);
            }
            links.look(&level, &partition, node);
            let counted = links.around(&partition, node);
            for (label, weight) in counted {
                assert!((Ties::to(&table, node, label) - weight).abs() < 1e-12);
            }
            let kept: f64 = table.around(&partition, node).map(|tie| tie.1).sum();
            let all: f64 = level.neighbours(node).map(|edge| edge.1).sum();
            assert!((kept - all).abs() < 1e-12);
        }
    }
}
