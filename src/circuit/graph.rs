//! Circuits to and from EAP-IG's graph JSON.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::metric::Direction;
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Patchable, PatchableExt as _};
use crate::result::{GraphConfig, GraphEdge, GraphJson, GraphNode};

/// A circuit with the effects of all edges on a metric of this direction.
///
/// Scores are positive where patching worsens the metric, whatever its direction.
#[must_use]
pub fn to_graph<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    cfg: Option<GraphConfig>,
    effects: &[f64],
    direction: Direction,
    circuit: &EdgeSet,
) -> GraphJson {
    let sign = match direction {
        Direction::HigherIsBetter => 1.0,
        Direction::LowerIsBetter => -1.0,
    };
    let mut inside = vec![false; network.node_count()];
    let mut edges = IndexMap::with_capacity(network.edge_count());
    for (edge, effect) in effects.iter().enumerate().take(network.edge_count()) {
        let in_graph = circuit.contains(edge);
        let (writer, reader) = network.ends(edge);
        inside[writer] |= in_graph;
        inside[reader] |= in_graph;
        let score = sign * effect;
        edges.insert(edge_name(network, edge), GraphEdge { score, in_graph });
    }
    let node = |(node, in_graph)| {
        let score = None;
        (network.node_name(node), GraphNode { in_graph, score })
    };
    GraphJson {
        cfg,
        nodes: inside.into_iter().enumerate().map(node).collect(),
        edges,
    }
}

/// The scores of all edges, by edge number, and the circuit. Edges that the
/// graph does not list score 0 and are not kept.
///
/// # Errors
/// The name of an entry that is no edge of this network.
pub fn from_graph<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    graph: &GraphJson,
) -> Result<(Vec<f64>, EdgeSet), String> {
    let mut scores = vec![0.0; network.edge_count()];
    let mut circuit = network.edges([]);
    let mut known = HashSet::new();
    for (edge, score) in scores.iter_mut().enumerate() {
        let name = edge_name(network, edge);
        if let Some(entry) = graph.edges.get(&name) {
            *score = entry.score;
            circuit.set(edge, entry.in_graph);
            known.insert(name);
        }
    }
    match graph.edges.keys().find(|name| !known.contains(*name)) {
        None => Ok((scores, circuit)),
        Some(name) => Err(name.clone()),
    }
}

/// `a0.h1->m1`
fn edge_name<T: Scalar>(network: &dyn Patchable<Number = T>, edge: usize) -> String {
    let (from, to) = network.edge_names(edge);
    format!("{from}->{to}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::component::tests::{batch, model, setup};
    use crate::patch::{ComponentEngine, Fill};

    #[test]
    fn graphs_are_read_as_they_were_written() {
        let model = model(true, true, crate::numeric::Activation::Relu);
        let batch = batch(&[3], 1.0);
        let network = ComponentEngine::new(&model, &batch, setup(Fill::Zero, false)).unwrap();
        let edges = network.edge_count();
        let effects: Vec<f64> = (0..edges).map(|e| e as f64 - 3.5).collect();
        let circuit = network.edges([0, 4, edges - 1]);
        let graph = to_graph(
            &network,
            None,
            &effects,
            Direction::HigherIsBetter,
            &circuit,
        );
        let text = serde_json::to_string(&graph).unwrap();
        let mut read: GraphJson = serde_json::from_str(&text).unwrap();
        let (scores, kept) = from_graph(&network, &read).unwrap();
        assert_eq!(scores, effects);
        assert!(kept.ones().eq(circuit.ones()));
        assert!(graph.nodes["logits"].in_graph);
        assert!(!graph.nodes["a1.h1"].in_graph);
        let stray = GraphEdge {
            score: 1.0,
            in_graph: true,
        };
        read.edges.insert("a9.h0->logits".to_owned(), stray);
        assert_eq!(from_graph(&network, &read).unwrap_err(), "a9.h0->logits");
    }
}
