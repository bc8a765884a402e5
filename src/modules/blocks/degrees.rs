//! What it takes to tell the degrees of the nodes, given those of their blocks.

use super::nats::Nats;

/// The degrees of every block on every side.
///
/// On each side of a block of n nodes and e ends of edges it takes ln e! − Σ ln k! to
/// tell which end goes with which edge, the logarithm of the partitions of e into at most
/// n parts to tell which degrees there are, and ln n! − Σ ln η_k! to tell who has which.
#[derive(Clone)]
pub(super) struct Degrees<'w> {
    nats: &'w Nats,
    sides: Vec<Side>,
    /// Nodes per block.
    pub(super) sizes: Vec<u32>,
}

#[derive(Clone)]
struct Side {
    /// By node.
    degree: std::sync::Arc<[u32]>,
    /// The number of its degree among those that occur.
    class: std::sync::Arc<[u32]>,
    classes: usize,
    /// Ends per block.
    ends: Vec<u32>,
    /// Nodes by block and class.
    histogram: Vec<u32>,
}

impl<'w> Degrees<'w> {
    /// No node is in a block yet.
    pub(super) fn new(nats: &'w Nats, degrees: Vec<Vec<u32>>, blocks: usize) -> Self {
        let side = |degree: Vec<u32>| {
            let mut occur = degree.clone();
            occur.sort_unstable();
            occur.dedup();
            let class = degree.iter();
            let class = class.map(|k| occur.partition_point(|other| other < k) as u32);
            Side {
                class: class.collect(),
                degree: degree.into(),
                classes: occur.len(),
                ends: vec![0; blocks],
                histogram: vec![0; blocks * occur.len()],
            }
        };
        Self {
            nats,
            sides: degrees.into_iter().map(side).collect(),
            sizes: vec![0; blocks],
        }
    }

    pub(super) fn insert(&mut self, node: u32, block: usize) {
        self.sizes[block] += 1;
        for side in &mut self.sides {
            side.ends[block] += side.degree[node as usize];
            side.histogram[block * side.classes + side.class[node as usize] as usize] += 1;
        }
    }

    pub(super) fn remove(&mut self, node: u32, block: usize) {
        self.sizes[block] -= 1;
        for side in &mut self.sides {
            side.ends[block] -= side.degree[node as usize];
            side.histogram[block * side.classes + side.class[node as usize] as usize] -= 1;
        }
    }

    /// What a move of a node changes, in nats.
    pub(super) fn change(&self, node: u32, from: usize, to: usize) -> f64 {
        let (n, m) = (self.sizes[from] as usize, self.sizes[to] as usize);
        let ln = |n: usize| self.nats.factorial(n);
        let nodes = ln(n - 1) - ln(n) + ln(m + 1) - ln(m);
        let of = |side: &Side| {
            let (k, class) = (
                side.degree[node as usize],
                side.class[node as usize] as usize,
            );
            let ends = |e: u32, n: usize| ln(e as usize) + self.nats.partitions(e as usize, n);
            let (e, f) = (side.ends[from], side.ends[to]);
            let told = ends(e - k, n - 1) - ends(e, n) + ends(f + k, m + 1) - ends(f, m);
            let alike = |block: usize| side.histogram[block * side.classes + class] as usize;
            let (a, b) = (alike(from), alike(to));
            told + nodes + ln(a) - ln(a - 1) + ln(b) - ln(b + 1)
        };
        self.sides.iter().map(of).sum()
    }

    /// What all degrees take, in nats.
    pub(super) fn total(&self) -> f64 {
        let ln = |n: u32| self.nats.factorial(n as usize);
        let side = |side: &Side| -> f64 {
            let blocks = side.ends.iter().zip(&self.sizes);
            let blocks: f64 = blocks
                .map(|(e, n)| ln(*e) + self.nats.partitions(*e as usize, *n as usize) + ln(*n))
                .sum();
            let alike: f64 = side.histogram.iter().map(|n| ln(*n)).sum();
            let ends: f64 = side.degree.iter().map(|k| ln(*k)).sum();
            blocks - alike - ends
        };
        self.sides.iter().map(side).sum()
    }
}
