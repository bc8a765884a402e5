//! The independence scan: at which thresholds the outputs stop sharing anything.
//!
//! It looks at *live* edges only, those on a path from an input to an output.
//! A neuron that no input reaches is a constant and one that reaches no output
//! has no effect, so neither makes two outputs depend on each other. What
//! pruning does to the outputs is asked of the caller, who knows the model.

use petgraph::unionfind::UnionFind;

use super::Communities;
use super::components::components;
use crate::graph::{self, Adjacency, Layered};
use crate::numeric::shortest_decimal;
use crate::order;
use crate::result::{Bridge, Component, Independence, Split};

/// Bridges listed per split; the rest are only counted.
const BRIDGES_LISTED: usize = 200;

/// What pruning at a threshold does to the outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Largest |f − f_pruned| over samples and outputs.
    pub max_abs_change: f64,
    /// Largest over outputs of change / tolerance.
    pub change_over_tolerance: f64,
    /// Loss of the pruned network; `None` without labels.
    pub loss: Option<f64>,
    /// Whether the outputs are unchanged within tolerance.
    pub verified: bool,
}

/// The whole scan of an *unpruned* network, with names.
///
/// `names[node]` is the name of each node; `graph_threshold` is where the graph
/// of the modules was pruned; `change` is asked once per split, by threshold.
/// O(edges · log edges), plus O(nodes + edges) and one `change` per split; there
/// are fewer splits than outputs, or about as many where outputs come and go.
pub fn independence(
    network: &Layered,
    names: &[String],
    graph_threshold: f64,
    mut change: impl FnMut(f64) -> Change,
) -> Independence {
    let graph = network.pruned(graph_threshold);
    let sizes: Vec<f64> = network.weights.iter().flatten().map(|w| w.abs()).collect();
    let splits = split_thresholds(network).into_iter().map(|threshold| {
        let threshold = typed(&sizes, threshold);
        split(
            &network.pruned(threshold),
            &graph,
            names,
            threshold,
            change(threshold),
        )
    });
    Independence {
        components: named_components(&graph, names),
        splits: splits.collect(),
    }
}

/// The threshold of the fewest digits that cuts the same of edges of these sizes.
fn typed(sizes: &[f64], threshold: f64) -> f64 {
    let cut = sizes.iter().copied().filter(|size| *size < threshold);
    shortest_decimal(cut.fold(0.0, f64::max), threshold)
}

/// The components of live edges with the names of their nodes, largest first.
#[must_use]
pub fn named_components(network: &Layered, names: &[String]) -> Vec<Component> {
    let live = live_edges(network);
    name_components(network, &live_components(network, &live), &live, names)
}

/// The thresholds from which outputs that shared a component are in several, ascending.
///
/// Each is the smallest magnitude that is still kept, so pruning at exactly this
/// threshold shows the parts apart. Outputs that go constant are no split.
/// O(edges · log edges): edges are added by falling magnitude and a split is
/// where components, both with outputs, grow together.
#[must_use]
pub fn split_thresholds(network: &Layered) -> Vec<f64> {
    let mut edges: Vec<(usize, usize, f64)> = network.edges().collect();
    order::descending(&mut edges, |one| one.2.abs());
    let mut growing = Growing::new(network);
    let mut thresholds = Vec::new();
    let mut kept = f64::INFINITY;
    for batch in edges.chunk_by(|one, other| one.2.abs() == other.2.abs()) {
        if growing.add(batch) {
            thresholds.push(kept);
        }
        kept = batch.first().map_or(kept, |edge| edge.2.abs());
    }
    thresholds.reverse();
    thresholds
}

/// A network to which edges are added, and its components of live edges.
struct Growing {
    readers: Vec<Vec<usize>>,
    writers: Vec<Vec<usize>>,
    /// An input reaches the node.
    is_fed: Vec<bool>,
    /// The node reaches an output.
    is_read: Vec<bool>,
    sets: UnionFind<usize>,
    /// Whether the set of this root was a component before this batch.
    is_old: Vec<bool>,
    /// Nodes whose set has grown in this batch.
    grown: Vec<usize>,
}

impl Growing {
    /// No edges yet.
    fn new(network: &Layered) -> Self {
        let nodes = network.node_count();
        let among =
            |range: std::ops::Range<usize>| (0..nodes).map(|v| range.contains(&v)).collect();
        Self {
            readers: vec![Vec::new(); nodes],
            writers: vec![Vec::new(); nodes],
            is_fed: among(network.inputs()),
            is_read: among(network.outputs()),
            sets: UnionFind::new(nodes),
            is_old: vec![false; nodes],
            grown: Vec::new(),
        }
    }

    /// Adds edges; whether components that were there before have grown together.
    fn add(&mut self, edges: &[(usize, usize, f64)]) -> bool {
        let mut merged = false;
        for &(from, to, _) in edges {
            self.readers[from].push(to);
            self.writers[to].push(from);
            for (from, to) in self.newly_live(from, to) {
                merged |= self.join(from, to);
            }
        }
        for node in std::mem::take(&mut self.grown) {
            let root = self.sets.find(node);
            self.is_old[root] = true;
        }
        merged
    }

    /// The edges that come to life with the edge `from → to`.
    fn newly_live(&mut self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let mut live = vec![(from, to)];
        if self.is_fed[from] {
            spread(to, &mut self.is_fed, &self.readers, |from, to| {
                live.push((from, to));
            });
        }
        if self.is_read[to] {
            spread(from, &mut self.is_read, &self.writers, |to, from| {
                live.push((from, to));
            });
        }
        live.retain(|(from, to)| self.is_fed[*from] && self.is_read[*to]);
        live
    }

    /// Joins the ends of a live edge; whether that joins two components that were there before.
    fn join(&mut self, from: usize, to: usize) -> bool {
        let (one, other) = (self.sets.find(from), self.sets.find(to));
        let (one_old, other_old) = (self.is_old[one], self.is_old[other]);
        self.sets.union(one, other);
        let root = self.sets.find(one);
        self.is_old[root] = one_old || other_old;
        self.grown.push(root);
        one != other && one_old && other_old
    }
}

/// Marks `start` and all that follows from it, and visits the edges out of what is newly marked.
fn spread(
    start: usize,
    marked: &mut [bool],
    next: &[Vec<usize>],
    mut visit: impl FnMut(usize, usize),
) {
    let mut waiting = vec![start];
    while let Some(node) = waiting.pop() {
        if std::mem::replace(&mut marked[node], true) {
            continue;
        }
        for &follower in &next[node] {
            visit(node, follower);
            waiting.push(follower);
        }
    }
}

/// The edges on a path from an input to an output.
pub(super) fn live_edges(network: &Layered) -> Vec<(usize, usize, f64)> {
    let mut edges: Vec<_> = network.edges().collect();
    let mut is_fed = vec![false; network.node_count()];
    is_fed[network.inputs()].fill(true);
    graph::spread(&mut is_fed, edges.iter().map(|(from, to, _)| (*from, *to)));
    let mut is_read = vec![false; network.node_count()];
    is_read[network.outputs()].fill(true);
    let back = edges.iter().rev().map(|(from, to, _)| (*to, *from));
    graph::spread(&mut is_read, back);
    edges.retain(|(from, to, _)| is_fed[*from] && is_read[*to]);
    edges
}

pub(super) fn live_components(network: &Layered, live: &[(usize, usize, f64)]) -> Communities {
    let lengths: Vec<_> = live.iter().map(|(from, to, _)| (*from, *to, 1.0)).collect();
    components(&Adjacency::from_edges(network.node_count(), &lengths))
}

fn name_components(
    network: &Layered,
    components: &Communities,
    live: &[(usize, usize, f64)],
    names: &[String],
) -> Vec<Component> {
    let mut edges = vec![0; components.count];
    for module in live.iter().filter_map(|edge| components.of[edge.0]) {
        edges[module] += 1;
    }
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let pick = |members: &[usize], wanted: &dyn Fn(&usize) -> bool| -> Vec<String> {
        members
            .iter()
            .filter(|node| wanted(node))
            .map(|node| name(names, *node))
            .collect()
    };
    let named = components
        .members()
        .into_iter()
        .zip(edges)
        .map(|(members, edges)| Component {
            inputs: pick(&members, &|node| inputs.contains(node)),
            hidden: pick(&members, &|node| {
                !inputs.contains(node) && !outputs.contains(node)
            }),
            outputs: pick(&members, &|node| outputs.contains(node)),
            edges,
        });
    named.collect()
}

/// The name of a node, or its number where there is none.
pub(super) fn name(names: &[String], node: usize) -> String {
    names.get(node).cloned().unwrap_or_else(|| node.to_string())
}

fn split(
    pruned: &Layered,
    graph: &Layered,
    names: &[String],
    threshold: f64,
    change: Change,
) -> Split {
    let live = live_edges(pruned);
    let components = live_components(pruned, &live);
    let bridges = bridges(graph, &components);
    Split {
        threshold,
        edges_kept: pruned.edge_count(),
        max_abs_change: change.max_abs_change,
        change_over_tolerance: change.change_over_tolerance,
        loss: change.loss,
        verified: change.verified,
        components: name_components(pruned, &components, &live, names),
        bridges_total: bridges.len(),
        bridges: bridges
            .iter()
            .take(BRIDGES_LISTED)
            .map(|edge| bridge(edge, names))
            .collect(),
    }
}

fn bridge(edge: &(usize, usize, f64), names: &[String]) -> Bridge {
    Bridge {
        from: name(names, edge.0),
        to: name(names, edge.1),
        weight: edge.2,
    }
}

/// The live edges of `graph` that join different `parts`, heaviest first.
///
/// An edge between nodes of two parts, and the edges of paths between them
/// through nodes that are in no part.
fn bridges(graph: &Layered, parts: &Communities) -> Vec<(usize, usize, f64)> {
    let mut live = live_edges(graph);
    let mut between = Between::new(parts);
    for (from, to, _) in &live {
        between.extend(*from, *to);
    }
    for (from, to, _) in &live {
        between.touch(*from, *to);
    }
    live.retain(|(from, to, _)| between.joins_parts(*from, *to));
    order::descending(&mut live, |one| one.2.abs());
    live
}

/// Clusters of the nodes that are in no part, and which parts they touch.
struct Between<'a> {
    parts: &'a Communities,
    clusters: UnionFind<usize>,
    touched: Vec<Touched>,
}

/// The parts that a cluster touches.
#[derive(Clone, Copy, PartialEq)]
enum Touched {
    None,
    One(usize),
    Several,
}

impl<'a> Between<'a> {
    fn new(parts: &'a Communities) -> Self {
        let nodes = parts.of.len();
        Self {
            parts,
            clusters: UnionFind::new(nodes),
            touched: vec![Touched::None; nodes],
        }
    }

    /// An edge between two nodes outside makes them one cluster.
    fn extend(&mut self, from: usize, to: usize) {
        if self.parts.of[from].is_none() && self.parts.of[to].is_none() {
            self.clusters.union(from, to);
        }
    }

    /// An edge between a part and a node outside, once all clusters are known.
    fn touch(&mut self, from: usize, to: usize) {
        let (part, outside) = match (self.parts.of[from], self.parts.of[to]) {
            (Some(part), None) => (part, to),
            (None, Some(part)) => (part, from),
            _ => return,
        };
        let touched = &mut self.touched[self.clusters.find(outside)];
        *touched = match *touched {
            Touched::None => Touched::One(part),
            Touched::One(other) if other == part => Touched::One(part),
            _ => Touched::Several,
        };
    }

    fn joins_parts(&mut self, from: usize, to: usize) -> bool {
        match (self.parts.of[from], self.parts.of[to]) {
            (Some(one), Some(other)) => one != other,
            (Some(_), None) => self.touched[self.clusters.find(to)] == Touched::Several,
            (None, _) => self.touched[self.clusters.find(from)] == Touched::Several,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    fn names(network: &Layered) -> Vec<String> {
        (0..network.node_count())
            .map(|node| format!("n{node}"))
            .collect()
    }

    fn scan(network: &Layered, graph_threshold: f64) -> Independence {
        independence(network, &names(network), graph_threshold, |threshold| {
            Change {
                max_abs_change: threshold,
                change_over_tolerance: 0.0,
                loss: None,
                verified: true,
            }
        })
    }

    /// x0 → h2 → y4 and x1 → h3 → y5, joined by x0 → h3 of weight 0.1 and h2 → y5 of 0.3.
    fn two_wires() -> Layered {
        Layered::new(vec![
            array![[1.0, 0.0], [-0.1, 2.0]],
            array![[3.0, 0.0], [0.3, -4.0]],
        ])
    }

    #[test]
    fn two_wires_part_where_the_heavier_bridge_goes() {
        let scan = scan(&two_wires(), 0.2);
        assert_eq!((scan.components.len(), scan.components[0].edges), (1, 5));
        let [split] = scan.splits.as_slice() else {
            panic!("{:?}", scan.splits)
        };
        assert_eq!(
            (split.threshold, split.edges_kept, split.max_abs_change),
            (1.0, 4, 1.0)
        );
        assert_eq!(split.components.len(), 2);
        assert_eq!(split.components[0].inputs, ["n0"]);
        assert_eq!(split.components[0].hidden, ["n2"]);
        assert_eq!(split.components[0].outputs, ["n4"]);
        assert_eq!(split.bridges_total, 1);
        assert_eq!(
            (split.bridges[0].from.as_str(), split.bridges[0].weight),
            ("n2", 0.3)
        );
    }

    #[test]
    fn a_path_through_a_pruned_node_is_a_bridge() {
        let network = Layered::new(vec![
            array![[1.0, 0.0], [0.1, 0.1], [0.0, 1.0]],
            array![[1.0, 0.2, 0.0], [0.0, 0.0, 1.0]],
        ]);
        let scan = scan(&network, 0.0);
        let bridges: Vec<f64> = scan.splits[0]
            .bridges
            .iter()
            .map(|edge| edge.weight)
            .collect();
        assert_eq!(bridges, [0.2, 0.1, 0.1]);
    }

    #[test]
    fn constants_and_dead_ends_join_nothing() {
        let with_constant = Layered::new(vec![
            array![[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]],
            array![[1.0, 5.0, 0.0], [0.0, 5.0, 1.0]],
        ]);
        assert_eq!(named_components(&with_constant, &[]).len(), 2);
        let with_dead_end = Layered::new(vec![
            array![[1.0, 0.0], [5.0, 5.0], [0.0, 1.0]],
            array![[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
        ]);
        assert_eq!(named_components(&with_dead_end, &[])[0].inputs, ["0"]);
        assert!(split_thresholds(&with_constant).is_empty());
    }

    #[test]
    fn an_output_that_goes_constant_is_no_split() {
        let network = Layered::new(vec![array![[1.0], [0.5]]]);
        assert!(split_thresholds(&network).is_empty());
        assert!(split_thresholds(&Layered::default()).is_empty());
    }

    /// The slow way: outputs that were together and live just below, and are live and apart.
    fn split_thresholds_by_definition(network: &Layered) -> Vec<f64> {
        let mut magnitudes: Vec<f64> = network.edges().map(|edge| edge.2.abs()).collect();
        magnitudes.sort_by(f64::total_cmp);
        magnitudes.dedup();
        let at = |threshold| {
            let pruned = network.pruned(threshold);
            live_components(&pruned, &live_edges(&pruned)).of
        };
        let parts = |below: &[Option<usize>], above: &[Option<usize>]| {
            let both = |node: &usize| below[*node].is_some() && above[*node].is_some();
            let outputs: Vec<usize> = network.outputs().filter(both).collect();
            outputs.iter().any(|one| {
                outputs
                    .iter()
                    .any(|two| below[*one] == below[*two] && above[*one] != above[*two])
            })
        };
        let steps = magnitudes.windows(2);
        steps
            .filter(|step| parts(&at(step[0]), &at(step[1])))
            .map(|step| step[1])
            .collect()
    }

    proptest! {
        #[test]
        fn the_scan_finds_what_the_definition_says(
            first in proptest::collection::vec(-8_i8..8, 12),
            second in proptest::collection::vec(-8_i8..8, 16),
            third in proptest::collection::vec(-8_i8..8, 12),
        ) {
            let matrix = |rows, values: &[i8]| {
                let columns = values.len() / rows;
                ndarray::Array2::from_shape_fn((rows, columns), |(row, column)| {
                    f64::from(values[row * columns + column])
                })
            };
            let network =
                Layered::new(vec![matrix(4, &first), matrix(4, &second), matrix(3, &third)]);
            prop_assert_eq!(split_thresholds(&network), split_thresholds_by_definition(&network));
        }
    }
}
