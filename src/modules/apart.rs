//! Modules that can be run apart: which neurons go together, and which edges join them.
//!
//! It looks at hidden neurons and outputs alone: an input that several modules read
//! is handed to each of them. Modules are the connected parts of the network at the
//! highest threshold that still leaves few edges between them; every other neuron is
//! its heaviest neighbour's. It deliberately knows no biases and no functions: what
//! is cut is cut by weights, and what that does is measured by the caller.

use petgraph::unionfind::UnionFind;

use super::Communities;
use super::independence::{live_components, live_edges, split_thresholds};
use crate::graph::Layered;
use crate::order;

/// The largest share of edges that may join modules that are called weakly joined.
pub const WEAKLY_JOINED: f64 = 0.1;

/// The modules of a network, found in the edges behind its inputs.
///
/// `network` begins with the first *hidden* layer. A node is in no module where it is
/// on no path to an output. Several modules come of thresholds at which outputs part;
/// of these the finest partition counts that leaves at most `joining` of the edges
/// between modules. O(edges · log edges) for each threshold at which outputs part.
///
/// # Example
/// ```
/// use modscope::{graph::Layered, modules::apart::modules_apart};
/// use ndarray::array;
/// // Two hidden neurons, two outputs; one weak edge from the first to the second output.
/// let network = Layered::new(vec![array![[2.0, 0.0], [0.1, 3.0]]]);
/// assert_eq!(modules_apart(&network, 0.5).of, [Some(0), Some(1), Some(0), Some(1)]);
/// assert_eq!(modules_apart(&network, 0.1).count, 1);
/// ```
#[must_use]
pub fn modules_apart(network: &Layered, joining: f64) -> Communities {
    let live = live_edges(network);
    let mut falling = live.clone();
    order::descending(&mut falling, |edge| edge.2.abs());
    let allowed = joining * live.len() as f64;
    let mut finest = live_components(network, &live);
    for threshold in split_thresholds(network) {
        let left = network.pruned(threshold);
        let seeds = live_components(&left, &live_edges(&left));
        let parts = grown(&seeds, &falling);
        if parts.count > finest.count && joining_edges(&parts, &live) as f64 <= allowed {
            finest = parts;
        }
    }
    finest
}

/// How many of these edges lead from one module to another.
#[must_use]
pub fn joining_edges(parts: &Communities, edges: &[(usize, usize, f64)]) -> usize {
    let joins = |edge: &&(usize, usize, f64)| parts.of[edge.0] != parts.of[edge.1];
    edges.iter().filter(joins).count()
}

/// The modules that grow from these along edges by falling magnitude, each neuron with
/// the heaviest edge that joins it; modules do not grow into each other.
fn grown(seeds: &Communities, falling: &[(usize, usize, f64)]) -> Communities {
    let mut clusters = UnionFind::new(seeds.of.len());
    let mut module_of = seeds.of.clone();
    for (from, to, _) in falling {
        let (one, other) = (clusters.find(*from), clusters.find(*to));
        let module = match (module_of[one], module_of[other]) {
            (Some(one), Some(other)) if one != other => continue,
            (one, other) => one.or(other),
        };
        clusters.union(one, other);
        let root = clusters.find(one);
        module_of[root] = module;
    }
    Communities {
        of: (0..seeds.of.len())
            .map(|node| module_of[clusters.find(node)])
            .collect(),
        count: seeds.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn parts_without_an_edge_between_them_are_apart_whatever_is_allowed() {
        let network = Layered::new(vec![array![[1.0, 0.0, 2.0], [0.0, 5.0, 0.0]]]);
        let parts = modules_apart(&network, 0.0);
        assert_eq!(parts.of, [0, 1, 0, 0, 1].map(Some));
    }

    /// h0 → y0 and h1 → y1 are heavy, h0 → y1 joins them; h2 writes 0.1 to y0 and 0.2 to y1.
    #[test]
    fn a_neuron_between_modules_is_its_heaviest_neighbours() {
        let network = Layered::new(vec![array![[2.0, 0.0, 0.1], [0.3, 3.0, 0.2]]]);
        let parts = modules_apart(&network, 0.4);
        assert_eq!(parts.of, [0, 1, 1, 0, 1].map(Some));
        let edges: Vec<_> = network.edges().collect();
        assert_eq!(joining_edges(&parts, &edges), 2);
        assert_eq!(modules_apart(&network, 0.3).count, 1);
    }

    #[test]
    fn what_leads_to_no_output_is_in_no_module() {
        let network = Layered::new(vec![array![[1.0, 0.0], [0.0, 0.0]]]);
        assert_eq!(
            modules_apart(&network, 0.1).of,
            [Some(0), None, Some(0), None]
        );
    }
}
