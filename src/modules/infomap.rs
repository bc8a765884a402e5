//! Infomap: communities in which a random walk stays long, by the two-level map equation.
//!
//! The walk goes along edges in proportion to their weights, in both directions. Its
//! description costs, in bits per step, `L = H(exits) + Σ H(module)`: the shorter,
//! the better the partition. Sources: Rosvall & Bergstrom (2008), Rosvall, Axelsson &
//! Bergstrom (2009). The search is Louvain's, repeated from its own result.

use super::Communities;
use super::local::{self, Level, Objective, Partition, Parts, Quality, best_of};
use crate::graph::Adjacency;

/// A gain up to this, in bits per step, is rounding.
const SMALLEST_GAIN: f64 = 1e-12;

/// The communities of a graph whose description of a random walk is shortest; the
/// best of `restarts` searches. Isolated nodes are in none.
///
/// ```
/// use modscope::{graph::Adjacency, modules::infomap::infomap};
/// let edges = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (4, 5, 1.0), (3, 5, 1.0), (2, 3, 1.0)];
/// let found = infomap(&Adjacency::from_edges(6, &edges), 1, 0);
/// assert_eq!(found.of, [Some(0), Some(0), Some(0), Some(1), Some(1), Some(1)]);
/// ```
#[must_use]
pub fn infomap(graph: &Adjacency, restarts: usize, seed: u64) -> Communities {
    let base = Level::base(graph, Quality::Modularity, 1.0);
    let whole = |_: &Level, partition: &Partition, _: &mut _| Parts::from_labels(&partition.of);
    best_of(restarts, seed, graph, |rng| {
        local::search(base.len(), None, SMALLEST_GAIN, |start, _| {
            local::pass(&base, start, MapEquation::new, whole, rng)
        })
    })
}

/// The map equation's L, in bits per step; lower is better.
///
/// `L = plogp(q) − 2 Σ plogp(q_i) − Σ plogp(p_a) + Σ plogp(q_i + p_i)`, with p the
/// share of the strength of a node or module, q_i that of the edges out of module i
/// and q their sum. Nodes in no module count as in none. O(nodes + edges).
///
/// ```
/// use modscope::{graph::Adjacency, modules::{Communities, infomap::codelength}};
/// let pairs = Adjacency::from_edges(4, &[(0, 1, 1.0), (2, 3, 1.0)]);
/// let two = Communities::from_labels(&[Some(0), Some(0), Some(1), Some(1)]);
/// assert_eq!(codelength(&pairs, &two), 1.0);
/// ```
#[must_use]
pub fn codelength(graph: &Adjacency, communities: &Communities) -> f64 {
    let twice = 2.0 * graph.total();
    if twice == 0.0 {
        return 0.0;
    }
    let (mut exits, mut masses) = (vec![0.0; communities.count], vec![0.0; communities.count]);
    let mut nodes = 0.0;
    for (node, module) in communities.of.iter().enumerate() {
        let Some(module) = *module else { continue };
        let share = graph.strength(node) / twice;
        nodes += plogp(share);
        masses[module] += share;
        let outside = |other: &(usize, f64)| communities.of[other.0] != Some(module);
        let out = graph.neighbours(node).filter(outside).map(|edge| edge.1);
        exits[module] += out.sum::<f64>() / twice;
    }
    let modules = exits.iter().zip(&masses);
    let terms = modules.map(|(exit, mass)| plogp(exit + mass) - 2.0 * plogp(*exit));
    plogp(exits.iter().sum()) - nodes + terms.sum::<f64>()
}

/// p · log₂ p, 0 at 0; also at the tiny negative p that rounding leaves.
fn plogp(p: f64) -> f64 {
    if p > 0.0 { p * p.log2() } else { 0.0 }
}

/// The map equation while nodes move; all flows are shares of twice the total weight.
struct MapEquation {
    /// Flow out of each community.
    exits: Vec<f64>,
    /// Their sum.
    exit: f64,
    /// 1 / (2 m)
    unit: f64,
}

/// A node on its way out of its community.
#[derive(Clone, Copy)]
struct Leaving {
    from: u32,
    /// Flow of the node, and out of it.
    mass: f64,
    cut: f64,
    /// Flow to the rest of its community.
    link: f64,
    /// What the description loses where the node leaves.
    saved: f64,
}

impl MapEquation {
    fn new(level: &Level, partition: &Partition) -> Self {
        // The rate of modularity is 1/2m.
        let unit = level.rate;
        let mut exits = vec![0.0; level.len()];
        for node in 0..level.len() as u32 {
            let own = partition.of[node as usize];
            for (neighbour, weight) in level.neighbours(node) {
                if partition.of[neighbour as usize] != own {
                    exits[own as usize] += weight * unit;
                }
            }
        }
        Self {
            exit: exits.iter().sum(),
            exits,
            unit,
        }
    }

    /// The terms of one module.
    fn module(exit: f64, mass: f64) -> f64 {
        plogp(exit + mass) - 2.0 * plogp(exit)
    }
}

impl Objective for MapEquation {
    type Leaving = Leaving;

    fn leaving(
        &self,
        level: &Level,
        partition: &Partition,
        node: u32,
        link: f64,
    ) -> (Leaving, f64) {
        let from = partition.of[node as usize];
        let mass = level.mass[node as usize] * self.unit;
        let cut = level.neighbours(node).map(|edge| edge.1).sum::<f64>() * self.unit;
        let link = link * self.unit;
        let (exit, whole) = (self.exits[from as usize], partition.mass(from) * self.unit);
        let saved = Self::module(exit, whole) - Self::module(exit - cut + 2.0 * link, whole - mass);
        let leaving = Leaving {
            from,
            mass,
            cut,
            link,
            saved,
        };
        (leaving, -plogp(self.exit))
    }

    fn value(&self, partition: &Partition, leaving: &Leaving, to: u32, link: f64) -> f64 {
        let link = link * self.unit;
        let (exit, mass) = (self.exits[to as usize], partition.mass(to) * self.unit);
        let added = Self::module(exit + leaving.cut - 2.0 * link, mass + leaving.mass)
            - Self::module(exit, mass);
        leaving.saved - added - plogp(self.exit + 2.0 * (leaving.link - link))
    }

    fn alone(&self, leaving: &Leaving) -> f64 {
        let added = Self::module(leaving.cut, leaving.mass);
        leaving.saved - added - plogp(self.exit + 2.0 * leaving.link)
    }

    fn smallest_gain(&self, _: &Level) -> f64 {
        SMALLEST_GAIN
    }

    fn moves(&mut self, leaving: &Leaving, to: u32, link: f64) {
        let link = link * self.unit;
        self.exits[leaving.from as usize] += 2.0 * leaving.link - leaving.cut;
        self.exits[to as usize] += leaving.cut - 2.0 * link;
        self.exit += 2.0 * (leaving.link - link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Rng;
    use proptest::prelude::*;

    proptest! {
        /// The sum of the gains of all moves is what the description became shorter by.
        #[test]
        fn gains_add_up_to_the_change_of_the_codelength(
            edges in proptest::collection::vec((0..12_usize, 0..12_usize, 0.01..3.0_f64), 1..40),
            start in proptest::collection::vec(0..12_u32, 12),
            seed in 0..1000_u64,
        ) {
            let edges: Vec<_> = edges.into_iter().filter(|e| e.0 != e.1).collect();
            let graph = Adjacency::from_edges(12, &edges);
            prop_assume!(graph.total() > 0.0);
            let level = Level::base(&graph, Quality::Modularity, 1.0);
            let length = |of: &[u32]| codelength(&graph, &local::labelled(&graph, of));
            let mut partition = Partition::new(&level, start.clone());
            let mut objective = MapEquation::new(&level, &partition);
            let mut rng = Rng::new(seed, 0);
            let gained = local::move_nodes(&level, &mut partition, &mut objective, &mut rng);
            let change = length(&start) - length(&partition.of);
            prop_assert!((gained - change).abs() < 1e-9, "{gained} {change}");
        }
    }

    /// One module costs the entropy of the walk: two triangles joined by an edge.
    #[test]
    fn one_module_costs_the_entropy_of_the_nodes() {
        let edges = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)];
        let graph = Adjacency::from_edges(6, &edges.map(|(a, b)| (a, b, 1.0)));
        let one = Communities::from_labels(&[Some(0); 6]);
        let entropy = -(4.0 * plogp(2.0 / 14.0) + 2.0 * plogp(3.0 / 14.0));
        assert!((codelength(&graph, &one) - entropy).abs() < 1e-12);
    }
}
