//! How good a partition is: modularity, and its variant for layered networks.

use super::Communities;
use crate::graph::{Adjacency, Layered};

/// A sum of shares closer to 0 than this is 0.
const ROUNDING: f64 = 1e-15;

/// Newman's modularity Q of a partition; higher is better, at most 1.
///
/// `Q = Σ_c [w_c / m − γ (K_c / 2m)²]`, where w_c is the weight inside module
/// c, K_c the sum of its nodes' strengths, m the weight of the graph and γ the
/// resolution. Nodes in no module add nothing; a graph without edges has Q = 0.
/// Sources: Newman & Girvan (2004); γ: Reichardt & Bornholdt (2006).
/// O(nodes + edges).
///
/// ```
/// use modscope::{graph::Adjacency, modules::{Communities, quality::modularity}};
/// let pairs = Adjacency::from_edges(4, &[(0, 1, 1.0), (2, 3, 1.0)]);
/// let two = Communities::from_labels(&[Some(0), Some(0), Some(1), Some(1)]);
/// assert_eq!(modularity(&pairs, &two, 1.0), 0.5);
/// ```
#[must_use]
pub fn modularity(graph: &Adjacency, communities: &Communities, resolution: f64) -> f64 {
    let total = graph.total();
    if total == 0.0 {
        return 0.0;
    }
    let mut strength = vec![0.0; communities.count];
    let mut twice_inside = vec![0.0; communities.count];
    for (node, module) in communities.of.iter().enumerate() {
        let Some(module) = *module else { continue };
        strength[module] += graph.strength(node);
        twice_inside[module] += weight_inside(graph, communities, node, module);
    }
    let terms = twice_inside
        .iter()
        .zip(&strength)
        .map(|(inside, strength)| {
            let share = strength / (2.0 * total);
            inside / (2.0 * total) - resolution * share * share
        });
    let sum: f64 = terms.sum();
    // A sum of shares: what is below this is rounding of 0.
    if sum.abs() <= ROUNDING { 0.0 } else { sum }
}

/// What leaves a module, and what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Boundary {
    /// Weight of the edges that leave it.
    pub cut: f64,
    /// Sum of its nodes' strengths.
    pub volume: f64,
}

impl Boundary {
    /// Conductance, in [0, 1]: cut / min(volume, `twice_total` − volume), 0 where nothing leaves.
    ///
    /// Lower is more apart. Source: Kannan, Vempala & Vetta (2004).
    #[must_use]
    pub fn conductance(self, twice_total: f64) -> f64 {
        if self.cut <= 0.0 {
            return 0.0;
        }
        self.cut / self.volume.min(twice_total - self.volume)
    }
}

/// The boundary of every module. O(nodes + edges).
#[must_use]
pub fn boundaries(graph: &Adjacency, communities: &Communities) -> Vec<Boundary> {
    let mut all = vec![Boundary::default(); communities.count];
    for (node, module) in communities.of.iter().enumerate() {
        let Some(module) = *module else { continue };
        let outside = |other: &(usize, f64)| communities.of[other.0] != Some(module);
        all[module].volume += graph.strength(node);
        all[module].cut += graph
            .neighbours(node)
            .filter(outside)
            .map(|edge| edge.1)
            .sum::<f64>();
    }
    all
}

/// Normalised cut Σ cut / volume over modules; lower is better, at most their number.
///
/// Source: Shi & Malik (2000); on neural networks, Filan et al. (2021).
///
/// ```
/// use modscope::{graph::Adjacency, modules::{Communities, quality::n_cut}};
/// let path = Adjacency::from_edges(4, &[(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0)]);
/// let two = Communities::from_labels(&[Some(0), Some(0), Some(1), Some(1)]);
/// assert_eq!(n_cut(&path, &two), 2.0 / 3.0);
/// ```
#[must_use]
pub fn n_cut(graph: &Adjacency, communities: &Communities) -> f64 {
    let share = |b: &Boundary| if b.cut > 0.0 { b.cut / b.volume } else { 0.0 };
    boundaries(graph, communities).iter().map(share).sum()
}

/// The weight between a node and its module; a self-loop counts twice.
fn weight_inside(graph: &Adjacency, communities: &Communities, node: usize, module: usize) -> f64 {
    let same = |other: &(usize, f64)| communities.of[other.0] == Some(module);
    let neighbours: f64 = graph.neighbours(node).filter(same).map(|edge| edge.1).sum();
    neighbours + 2.0 * graph.self_loop(node)
}

/// Modularity against a null model that knows the layers; higher is better, at most 1.
///
/// `Q = (1/W) Σ_l Σ_{i,j} [|w_ji| − γ k_i k_j / W_l] δ(c_i, c_j)`, where edge
/// i → j goes from layer l to the next, k_i is the weight i writes there, k_j
/// the weight j reads there, W_l the weight of the layer and W = Σ W_l: Barber's
/// bipartite modularity of each pair of layers, weighed by its share. Newman's
/// null also expects edges inside layers and across several, where there can be
/// none. Source: Barber (2007), equation 16. O(nodes + edges + layers · modules).
#[must_use]
pub fn layered_modularity(network: &Layered, communities: &Communities, resolution: f64) -> f64 {
    let layers = (0..network.weights.len())
        .map(|layer| LayerSums::new(network.edges_of(layer), communities));
    let (mut total, mut excess) = (0.0, 0.0);
    for sums in layers {
        total += sums.weight;
        excess += sums.inside - resolution * sums.expected();
    }
    if total == 0.0 { 0.0 } else { excess / total }
}

/// The weights of one layer, by module.
struct LayerSums {
    weight: f64,
    inside: f64,
    written: Vec<f64>,
    read: Vec<f64>,
}

impl LayerSums {
    fn new(edges: impl Iterator<Item = (usize, usize, f64)>, communities: &Communities) -> Self {
        let empty = vec![0.0; communities.count];
        let mut sums = Self {
            weight: 0.0,
            inside: 0.0,
            written: empty.clone(),
            read: empty,
        };
        for (from, to, weight) in edges.filter(|edge| edge.2.is_finite()) {
            let (writer, reader) = (communities.of[from], communities.of[to]);
            sums.weight += weight.abs();
            if let Some(module) = writer {
                sums.written[module] += weight.abs();
            }
            if let Some(module) = reader {
                sums.read[module] += weight.abs();
            }
            if writer.is_some() && writer == reader {
                sums.inside += weight.abs();
            }
        }
        sums
    }

    /// The weight expected inside modules when only what nodes write and read is kept.
    fn expected(&self) -> f64 {
        if self.weight == 0.0 {
            return 0.0;
        }
        let products = self
            .written
            .iter()
            .zip(&self.read)
            .map(|(out, into)| out * into);
        products.sum::<f64>() / self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn labels(labels: &[usize]) -> Communities {
        let labels: Vec<_> = labels.iter().map(|label| Some(*label)).collect();
        Communities::from_labels(&labels)
    }

    /// Two triangles joined by an edge: m = 7, w_c = 3, K_c = 7: 2 (3/7 − ¼) = 5/14.
    #[test]
    fn two_triangles() {
        let edges = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)];
        let graph = Adjacency::from_edges(6, &edges.map(|(a, b)| (a, b, 0.5)));
        let q = |of: &[usize], resolution| modularity(&graph, &labels(of), resolution);
        assert!((q(&[0, 0, 0, 1, 1, 1], 1.0) - 5.0 / 14.0).abs() < 1e-15);
        assert!((q(&[0, 0, 0, 1, 1, 1], 2.0) - (5.0 / 14.0 - 0.5)).abs() < 1e-15);
        assert!(q(&[0; 6], 1.0).abs() < 1e-15, "one module");
        assert!(
            (q(&[0, 1, 2, 3, 4, 5], 1.0) + 34.0 / 196.0).abs() < 1e-15,
            "singletons: -Σ(k/2m)²"
        );
    }

    #[test]
    fn a_self_loop_is_inside() {
        let graph = Adjacency::from_edges(2, &[(0, 0, 1.0), (0, 1, 1.0)]);
        assert!((modularity(&graph, &labels(&[0, 1]), 1.0) - (0.5 - 10.0 / 16.0)).abs() < 1e-15);
    }

    /// Two triangles joined by an edge: each has a cut of 1 and a volume of 7.
    #[test]
    fn cuts_of_two_triangles() {
        let edges = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)];
        let graph = Adjacency::from_edges(6, &edges.map(|(a, b)| (a, b, 1.0)));
        let halves = labels(&[0, 0, 0, 1, 1, 1]);
        let conductance = |b: Boundary| b.conductance(14.0);
        let all = boundaries(&graph, &halves).into_iter().map(conductance);
        assert!(all.eq([1.0 / 7.0, 1.0 / 7.0]));
        assert!((n_cut(&graph, &halves) - 2.0 / 7.0).abs() < 1e-15);
        assert_eq!(n_cut(&graph, &labels(&[0; 6])), 0.0);
        // A node alone: everything it has leaves.
        let alone = boundaries(&graph, &labels(&[0, 1, 1, 1, 1, 1]));
        assert_eq!(alone[1].conductance(14.0), 1.0);
    }

    #[test]
    fn no_edges_no_modularity() {
        let none = Communities::from_labels(&[None, None]);
        assert_eq!(modularity(&Adjacency::from_edges(2, &[]), &none, 1.0), 0.0);
        assert_eq!(
            layered_modularity(&Layered::default(), &Communities::default(), 1.0),
            0.0
        );
    }

    /// Two separate wires: W = 2, inside = 2, expected = (1·1 + 1·1)/2, so Q = ½.
    #[test]
    fn layered_modularity_by_hand() {
        let wires = Layered::new(vec![array![[1.0, 0.0], [0.0, -1.0]]]);
        assert_eq!(layered_modularity(&wires, &labels(&[0, 1, 0, 1]), 1.0), 0.5);
        assert_eq!(layered_modularity(&wires, &labels(&[0, 0, 0, 0]), 1.0), 0.0);
        assert_eq!(
            layered_modularity(&wires, &labels(&[0, 1, 1, 0]), 1.0),
            -0.5
        );
    }
}
