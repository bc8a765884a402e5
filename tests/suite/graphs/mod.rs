//! Seeded graphs on which community detection is tested and timed.

#![allow(dead_code)]

use modscope::graph::{Adjacency, Layered};
use modscope::numeric::Rng;
use ndarray::Array2;
use std::collections::BTreeSet;

/// Groups of the planted partitions.
pub const GROUPS: usize = 8;

/// A planted partition of 2,000 nodes in eight groups, node v in group v mod 8: 10,000
/// edges, of which the share `mixing` goes to other groups.
pub fn planted(mixing: f64) -> Adjacency {
    let (nodes, wanted) = (2_000, 10_000);
    let mut rng = Rng::new(1, 0);
    let mut edges = BTreeSet::new();
    while edges.len() < wanted {
        let one = rng.below(nodes);
        let step = if rng.uniform() < mixing {
            1 + rng.below(GROUPS - 1)
        } else {
            0
        };
        let other = rng.below(nodes / GROUPS) * GROUPS + (one + step) % GROUPS;
        if one != other {
            edges.insert((one.min(other), one.max(other)));
        }
    }
    unweighted(nodes, edges)
}

/// A layered network 784-100-100-10 with 3,000 normal weights, mostly within ten groups.
pub fn layered() -> Layered {
    layered_with(0.05)
}

/// The same, where `stray` of the places outside of groups are taken as readily as those in them.
pub fn layered_with(stray: f64) -> Layered {
    let widths = [784, 100, 100, 10];
    let mut rng = Rng::new(2, 0);
    let mut weights: Vec<Array2<f64>> = widths
        .windows(2)
        .map(|pair| Array2::zeros((pair[1], pair[0])))
        .collect();
    for (layer, wanted) in [2_500, 450, 50].into_iter().enumerate() {
        let matrix = &mut weights[layer];
        let mut placed = 0;
        while placed < wanted {
            let (reader, writer) = (rng.below(widths[layer + 1]), rng.below(widths[layer]));
            let same = reader * 10 / widths[layer + 1] == writer * 10 / widths[layer];
            if matrix[[reader, writer]] == 0.0 && (same || rng.uniform() < stray) {
                matrix[[reader, writer]] = rng.normal();
                placed += 1;
            }
        }
    }
    Layered::new(weights)
}

/// 100,000 random edges between 20,000 nodes.
pub fn random() -> Adjacency {
    let mut rng = Rng::new(3, 0);
    let mut edges = BTreeSet::new();
    while edges.len() < 100_000 {
        let (one, other) = (rng.below(20_000), rng.below(20_000));
        if one != other {
            edges.insert((one.min(other), one.max(other)));
        }
    }
    unweighted(20_000, edges)
}

fn unweighted(nodes: usize, edges: BTreeSet<(usize, usize)>) -> Adjacency {
    let edges: Vec<_> = edges
        .into_iter()
        .map(|(one, other)| (one, other, 1.0))
        .collect();
    Adjacency::from_edges(nodes, &edges)
}
