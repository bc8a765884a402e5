//! One graph of the shrinking series: rows, and the mass of each node.

use petgraph::unionfind::UnionFind;

use super::{Partition, Parts};
pub use crate::choice::Quality;
use crate::graph::Adjacency;

/// A gain below this share of the mean edge weight is rounding, not a gain.
const SMALLEST_GAIN: f64 = 1e-10;

/// A graph on which communities gain `w − rate · mass · mass` by joining.
///
/// Both qualities are `Σ_c [w_c − rate · M_c² / 2]` up to a constant: for
/// modularity (times m) the mass is the strength and the rate γ/2m, for the
/// constant Potts model they are the number of nodes and γ. Self-loops are
/// left out, since they go wherever their node goes.
pub(in crate::modules) struct Level {
    offsets: Vec<usize>,
    targets: Vec<u32>,
    weights: Vec<f64>,
    pub(in crate::modules) mass: Vec<f64>,
    pub(in crate::modules) rate: f64,
    /// Mean weight of the edges of the base graph.
    pub(in crate::modules) mean_weight: f64,
    /// Below this a gain is rounding.
    pub(in crate::modules) smallest_gain: f64,
}

impl Level {
    /// The graph itself.
    pub(in crate::modules) fn base(graph: &Adjacency, quality: Quality, resolution: f64) -> Self {
        let (offsets, targets, weights) = graph.rows();
        let total = graph.total();
        let mean_weight = if total > 0.0 {
            total / graph.edge_count() as f64
        } else {
            1.0
        };
        let strength = |node| graph.strength(node);
        let (mass, rate) = match quality {
            Quality::Modularity if total > 0.0 => (
                (0..graph.node_count()).map(strength).collect(),
                resolution / (2.0 * total),
            ),
            _ => (vec![1.0; graph.node_count()], resolution),
        };
        Self {
            offsets: offsets.to_vec(),
            targets: targets.to_vec(),
            weights: weights.to_vec(),
            mass,
            rate,
            mean_weight,
            smallest_gain: SMALLEST_GAIN * mean_weight,
        }
    }

    /// Number of nodes.
    pub(in crate::modules) fn len(&self) -> usize {
        self.mass.len()
    }

    /// Number of entries of all rows: every edge twice.
    pub(in crate::modules) fn entries(&self) -> usize {
        self.targets.len()
    }

    /// The neighbours of a node and the weights to them.
    #[inline]
    pub(in crate::modules) fn neighbours(
        &self,
        node: u32,
    ) -> impl Iterator<Item = (u32, f64)> + '_ {
        let node = node as usize;
        let row = self.offsets[node]..self.offsets[node + 1];
        self.targets[row.clone()]
            .iter()
            .copied()
            .zip(self.weights[row].iter().copied())
    }

    /// What communities gain over single nodes. O(nodes + edges).
    pub(in crate::modules) fn gain(&self, community: &[u32]) -> f64 {
        let (mut inside, mut masses) = (0.0, vec![0.0; self.len()]);
        for (node, own) in community.iter().enumerate() {
            let mass = self.mass[node];
            inside += self.rate * mass * mass;
            masses[*own as usize] += mass;
            let within = |edge: &(u32, f64)| community[edge.0 as usize] == *own;
            let within = self.neighbours(node as u32).filter(within);
            inside += within.map(|edge| edge.1).sum::<f64>();
        }
        let expected: f64 = masses.iter().map(|mass| self.rate * mass * mass).sum();
        (inside - expected) / 2.0
    }

    /// What hangs together within communities. O(nodes + edges).
    pub(in crate::modules) fn pieces(&self, partition: &Partition) -> Parts {
        let mut pieces: UnionFind<u32> = UnionFind::new(self.len());
        for node in 0..self.len() as u32 {
            for (other, _) in self.neighbours(node) {
                if partition.of[node as usize] == partition.of[other as usize] {
                    pieces.union(node, other);
                }
            }
        }
        Parts::from_labels(&pieces.into_labeling())
    }

    /// The graph whose nodes are these parts. O(nodes + edges).
    pub(in crate::modules) fn aggregate(&self, parts: &Parts) -> Self {
        let mut smaller = Self {
            offsets: Vec::with_capacity(parts.count + 1),
            targets: Vec::with_capacity(self.entries()),
            weights: Vec::with_capacity(self.entries()),
            mass: vec![0.0; parts.count],
            ..*self
        };
        smaller.offsets.push(0);
        let mut links = Links::new(parts.count);
        let (nodes, starts) = parts.members();
        for part in 0..parts.count {
            for &node in &nodes[starts[part]..starts[part + 1]] {
                smaller.mass[part] += self.mass[node as usize];
                for (target, weight) in self.neighbours(node) {
                    links.add(parts.of[target as usize], weight);
                }
            }
            smaller.push_row(part as u32, &mut links);
        }
        smaller
    }

    /// Appends the row of `part`, without its inner weight.
    fn push_row(&mut self, part: u32, links: &mut Links) {
        for (target, weight) in links.iter().filter(|link| link.0 != part) {
            self.targets.push(target);
            self.weights.push(weight);
        }
        self.offsets.push(self.targets.len());
        links.clear();
    }
}

/// Weights summed by label, in the order in which the labels were met.
///
/// A flat array, since this is the inner loop of everything here.
pub(in crate::modules) struct Links {
    sum: Vec<f64>,
    /// The labels met, and room for one more.
    met: Vec<u32>,
    count: usize,
}

impl Links {
    /// Sums for labels 0..n.
    pub(in crate::modules) fn new(n: usize) -> Self {
        Self {
            sum: vec![0.0; n],
            met: vec![0; n + 1],
            count: 0,
        }
    }

    /// Adds a weight above zero. The label is written whether it is new or not, so that no
    /// branch has to be guessed.
    #[inline]
    pub(in crate::modules) fn add(&mut self, label: u32, weight: f64) {
        let sum = &mut self.sum[label as usize];
        self.met[self.count] = label;
        self.count += usize::from(*sum == 0.0);
        *sum += weight;
    }

    /// The sum of a label, 0 where it was not met.
    #[inline]
    pub(in crate::modules) fn to(&self, label: u32) -> f64 {
        self.sum[label as usize]
    }

    /// All labels that were met, and their sums.
    #[inline]
    pub(in crate::modules) fn iter(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.met[..self.count]
            .iter()
            .map(|label| (*label, self.sum[*label as usize]))
    }

    /// Forgets everything. O(labels met).
    #[inline]
    pub(in crate::modules) fn clear(&mut self) {
        for label in &self.met[..self.count] {
            self.sum[*label as usize] = 0.0;
        }
        self.count = 0;
    }
}
