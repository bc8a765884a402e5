//! The graph that is described: nodes with edges, by layer.

use crate::graph::{Adjacency, Layered};
use crate::numeric::Rng;
use crate::numeric::statistics::normal_quantile;
use crate::order;

/// Fixed point of the scores of weights: sums of whole numbers do not drift.
const FIXED: f64 = 65_536.0;

/// One end of an edge, seen from the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour {
    pub(super) node: u32,
    /// 0 where the edge leads there, 1 where it comes from there; always 0 without directions.
    pub(super) side: u8,
    /// The normal score of |w| among the edges between the same two layers, in fixed point.
    pub(super) size: i32,
}

/// How many edges lead from one layer to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) writers: u32,
    pub(super) readers: u32,
    pub(super) edges: usize,
}

/// The nodes that have edges, with the layers they are in.
pub(super) struct Wiring {
    /// The number of each node in the graph that this was made of.
    pub(super) nodes: Vec<usize>,
    pub(super) layer: Vec<u32>,
    pub(super) layers: usize,
    pub(super) directed: bool,
    pub(super) edges: usize,
    /// Layers with edges between them.
    pub(super) pairs: Vec<Pair>,
    /// Pair of writing and reading layer, `writers * layers + readers`.
    pair_of: Vec<u32>,
    offsets: Vec<usize>,
    neighbours: Vec<Neighbour>,
}

impl Wiring {
    /// The wiring of a layered network: an edge leads from writer to reader.
    pub(super) fn layered(network: &Layered) -> Self {
        let widths = network.widths.iter().enumerate();
        let layers: Vec<u32> = widths
            .flat_map(|(layer, width)| std::iter::repeat_n(layer as u32, *width))
            .collect();
        let edges: Vec<_> = network
            .edges()
            .filter(|(from, to, weight)| from != to && weight.is_finite())
            .collect();
        Self::new(&layers, &edges, true)
    }

    /// The wiring of a graph without layers or directions.
    pub(super) fn plain(graph: &Adjacency) -> Self {
        let nodes = 0..graph.node_count();
        let edges: Vec<_> = nodes
            .flat_map(|one| {
                let above = graph.neighbours(one).filter(move |(other, _)| *other > one);
                above.map(move |(other, weight)| (one, other, weight))
            })
            .collect();
        Self::new(&vec![0; graph.node_count()], &edges, false)
    }

    fn new(layers: &[u32], edges: &[(usize, usize, f64)], directed: bool) -> Self {
        let (nodes, number) = with_edges(layers.len(), edges);
        let mut present: Vec<u32> = nodes.iter().map(|node| layers[*node]).collect();
        present.dedup();
        let layer: Vec<u32> = nodes
            .iter()
            .map(|node| present.partition_point(|layer| *layer < layers[*node]) as u32)
            .collect();
        let joined: Vec<(usize, usize, f64)> = edges
            .iter()
            .map(|(from, to, weight)| (number[*from], number[*to], weight.abs()))
            .collect();
        let (pairs, pair_of) = pairs(&layer, present.len(), &joined);
        let mut wiring = Self {
            nodes,
            layers: present.len(),
            directed,
            edges: edges.len(),
            pairs,
            pair_of,
            offsets: vec![0; layer.len() + 1],
            neighbours: Vec::new(),
            layer,
        };
        wiring.fill(&joined);
        wiring
    }

    /// Number of nodes.
    pub(super) fn len(&self) -> usize {
        self.layer.len()
    }

    /// The edges at a node.
    #[inline]
    pub(super) fn at(&self, node: u32) -> &[Neighbour] {
        &self.neighbours[self.offsets[node as usize]..self.offsets[node as usize + 1]]
    }

    /// The pair of layers that an edge at a node belongs to.
    #[inline]
    pub(super) fn pair(&self, node: u32, neighbour: &Neighbour) -> u32 {
        let ends = (
            self.layer[node as usize] as usize,
            self.layer[neighbour.node as usize] as usize,
        );
        let (from, to) = if neighbour.side == 0 {
            ends
        } else {
            (ends.1, ends.0)
        };
        self.pair_of[from * self.layers + to]
    }

    /// Ends of edges on each side of every node: to readers and from writers, or all on one.
    pub(super) fn degrees(&self) -> Vec<Vec<u32>> {
        let sides = if self.directed { 2 } else { 1 };
        let count = |side: usize, node: u32| {
            let at = self.at(node).iter();
            at.filter(|n| usize::from(n.side) == side).count() as u32
        };
        let of = |side: usize| (0..self.len() as u32).map(|n| count(side, n)).collect();
        (0..sides).map(of).collect()
    }

    /// Scores weights among those between the same layers, and fills the lists of neighbours.
    fn fill(&mut self, edges: &[(usize, usize, f64)]) {
        let mut by_pair: Vec<Vec<(f64, usize)>> = vec![Vec::new(); self.pairs.len()];
        for (at, (from, to, weight)) in edges.iter().enumerate() {
            let (writers, readers) = (self.layer[*from] as usize, self.layer[*to] as usize);
            let pair = self.pair_of[writers * self.layers + readers];
            by_pair[pair as usize].push((*weight, at));
        }
        let mut scores = vec![0; edges.len()];
        by_pair.iter_mut().for_each(|of| score(of, &mut scores));
        let back = u8::from(self.directed);
        let mut rows: Vec<Vec<Neighbour>> = vec![Vec::new(); self.layer.len()];
        for ((from, to, _), size) in edges.iter().zip(scores) {
            let neighbour = |node: usize, side: u8| Neighbour {
                node: node as u32,
                side,
                size,
            };
            rows[*from].push(neighbour(*to, 0));
            rows[*to].push(neighbour(*from, back));
        }
        for (node, row) in rows.iter().enumerate() {
            self.offsets[node + 1] = self.offsets[node] + row.len();
        }
        self.neighbours = rows.concat();
    }
}

/// The normal score of every weight: which quantile of the normal distribution its rank is.
///
/// All weights together are exactly normal then, however they are distributed, so that a
/// group can only be worth telling for which nodes its weights are between. Equal weights
/// are ranked by lot, always the same one: they tell nothing.
fn score(weights: &mut [(f64, usize)], scores: &mut [i32]) {
    Rng::new(0, 0).shuffle(weights);
    order::ascending(weights, |one| one.0);
    let count = weights.len() as f64;
    for (rank, (_, at)) in weights.iter().enumerate() {
        let share = (rank as f64 + 0.5) / count;
        scores[*at] = (normal_quantile(share) * FIXED).round() as i32;
    }
}

/// The nodes that have edges, and the number of each node among them.
fn with_edges(count: usize, edges: &[(usize, usize, f64)]) -> (Vec<usize>, Vec<usize>) {
    let mut joined = vec![false; count];
    for (from, to, _) in edges {
        (joined[*from], joined[*to]) = (true, true);
    }
    let nodes: Vec<usize> = (0..count).filter(|node| joined[*node]).collect();
    let mut number = vec![usize::MAX; count];
    for (at, node) in nodes.iter().enumerate() {
        number[*node] = at;
    }
    (nodes, number)
}

/// The pairs of layers with edges, and which pair two layers are.
fn pairs(layer: &[u32], layers: usize, edges: &[(usize, usize, f64)]) -> (Vec<Pair>, Vec<u32>) {
    let mut pair_of = vec![u32::MAX; layers * layers];
    let mut pairs: Vec<Pair> = Vec::new();
    for (from, to, _) in edges {
        let (writers, readers) = (layer[*from], layer[*to]);
        let pair = &mut pair_of[writers as usize * layers + readers as usize];
        if *pair == u32::MAX {
            *pair = pairs.len() as u32;
            pairs.push(Pair {
                writers,
                readers,
                edges: 0,
            });
        }
        pairs[*pair as usize].edges += 1;
    }
    (pairs, pair_of)
}

/// Edges between the same ends: how many, and the sums of their sizes and of the squares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bundle {
    pub(super) edges: u32,
    pub(super) sizes: i64,
    pub(super) squares: i64,
}

impl Bundle {
    pub(super) fn of(neighbour: &Neighbour) -> Self {
        let size = i64::from(neighbour.size);
        Self {
            edges: 1,
            sizes: size,
            squares: size * size,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, other: Self) {
        self.edges += other.edges;
        self.sizes += other.sizes;
        self.squares += other.squares;
    }

    #[inline]
    pub(super) fn take(&mut self, other: Self) {
        self.edges -= other.edges;
        self.sizes -= other.sizes;
        self.squares -= other.squares;
    }

    /// −ln of the density of the sizes if they are normal, their mean and variance unknown.
    ///
    /// The prior is normal-inverse-gamma about the mean 0 and the variance 1 that all sizes
    /// between the two layers have, worth one size for the mean and four for the variance.
    pub(super) fn density(self) -> f64 {
        if self.edges == 0 {
            return 0.0;
        }
        let m = f64::from(self.edges);
        let (sum, squares) = (
            self.sizes as f64 / FIXED,
            self.squares as f64 / (FIXED * FIXED),
        );
        let shape = 2.0 + 0.5 * m;
        let scale = 1.0 + 0.5 * (squares - sum * sum / (m + 1.0));
        shape * scale.ln() - libm::lgamma(shape)
            + 0.5 * (m + 1.0).ln()
            + 0.5 * m * std::f64::consts::TAU.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn isolated_nodes_are_left_out() {
        let network = Layered::new(vec![
            array![[1.0, 0.0], [0.0, 0.0]],
            array![[2.0, 0.0], [0.5, f64::NAN]],
        ]);
        let wiring = Wiring::layered(&network);
        assert_eq!(
            (wiring.nodes.as_slice(), wiring.layers),
            ([0, 2, 4, 5].as_slice(), 3)
        );
        assert_eq!(wiring.layer, [0, 1, 2, 2]);
        assert_eq!(wiring.degrees(), [vec![1, 2, 0, 0], vec![0, 1, 1, 1]]);
        assert_eq!(
            wiring.pairs.iter().map(|p| p.edges).collect::<Vec<_>>(),
            [1, 2]
        );
        let sizes: Vec<i32> = wiring.at(1).iter().map(|n| n.size).collect();
        assert_eq!(
            sizes,
            [0, 44_203, -44_203],
            "quantiles ½ of one, ¾ and ¼ of two: 0 and ±0.6745"
        );
    }

    /// One size of 0: a Student density of 4 degrees of freedom and variance scale 2 · ½ · 2.
    #[test]
    fn one_size_has_a_student_density() {
        let one = Bundle {
            edges: 1,
            sizes: 0,
            squares: 0,
        };
        // Γ(2.5) / Γ(2) / √(2π · 2 · 1): t with 4 degrees of freedom at 0, scale² 1 · 2 / 2.
        let density = (0.75 * std::f64::consts::PI.sqrt()) / (4.0 * std::f64::consts::PI).sqrt();
        assert!((one.density() + density.ln()).abs() < 1e-12);
    }
}
