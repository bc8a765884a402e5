//! Parts of a network that no input reaches or that reach no output: no modules of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use petgraph::unionfind::UnionFind;

use super::ModulesConfig;
use crate::graph::Layered;

/// The network without its dead parts, as far as `config` sets them aside.
///
/// A part is a connected component. One without an input is constant, one without an
/// output changes none: whatever they look like, they compute nothing. O(edges).
#[must_use]
pub fn living<'n>(network: &'n Layered, config: &ModulesConfig) -> Cow<'n, Layered> {
    let dead = dead_parts(network, config);
    if dead.is_empty() {
        return Cow::Borrowed(network);
    }
    let mut is_dead = vec![false; network.node_count()];
    dead.iter().flatten().for_each(|node| is_dead[*node] = true);
    Cow::Owned(network.without_edges_of(|node| is_dead[node]))
}

/// The nodes of every dead part, the largest first; none where `config` keeps them.
#[must_use]
pub fn dead_parts(network: &Layered, config: &ModulesConfig) -> Vec<Vec<usize>> {
    if !config.dead_aside {
        return Vec::new();
    }
    let mut sets = UnionFind::new(network.node_count());
    let mut has_edge = vec![false; network.node_count()];
    for (from, to, _) in network.edges() {
        sets.union(from, to);
        (has_edge[from], has_edge[to]) = (true, true);
    }
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for node in (0..network.node_count()).filter(|node| has_edge[*node]) {
        parts.entry(sets.find(node)).or_default().push(node);
    }
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let is_dead = |part: &Vec<usize>| {
        !part.iter().any(|node| inputs.contains(node))
            || !part.iter().any(|node| outputs.contains(node))
    };
    let mut dead: Vec<Vec<usize>> = parts.into_values().filter(is_dead).collect();
    dead.sort_by_key(|part| (std::cmp::Reverse(part.len()), part[0]));
    dead
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// x0 → h0 → y0 lives; x1 → h1 ends nowhere, h2 → y1 begins nowhere.
    #[test]
    fn what_begins_or_ends_nowhere_is_dead() {
        let network = Layered::new(vec![
            array![[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]],
            array![[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
        ]);
        let config = ModulesConfig::default();
        assert_eq!(dead_parts(&network, &config), [vec![1, 3], vec![4, 6]]);
        let edges: Vec<_> = living(&network, &config).edges().collect();
        assert_eq!(edges, [(0, 2, 1.0), (2, 5, 1.0)]);
        let kept = ModulesConfig {
            dead_aside: false,
            ..config
        };
        assert_eq!(*living(&network, &kept), network);
    }
}
