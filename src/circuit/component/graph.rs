//! Circuits to and from EAP-IG's graph JSON.

use serde_json::{Map, Value, json};

use crate::metric::Direction;
use crate::model::Components;
use crate::patch::EdgeSet;
use crate::result::{GraphConfig, GraphEdge, GraphJson};

/// A circuit with the effects of all edges on a metric of this direction;
/// `width` is that of the residual stream.
///
/// Scores are positive where patching worsens the metric, whatever its direction.
#[must_use]
pub fn to_graph(
    sites: &Components,
    width: usize,
    effects: &[f64],
    direction: Direction,
    circuit: &EdgeSet,
) -> GraphJson {
    let sign = match direction {
        Direction::HigherIsBetter => 1.0,
        Direction::LowerIsBetter => -1.0,
    };
    let mut inside = vec![false; sites.writer_count()];
    let mut logits = false;
    let mut edges = Map::new();
    for (edge, effect) in effects.iter().enumerate().take(sites.edge_count()) {
        let in_graph = circuit.contains(edge);
        let (writer, reader) = sites.ends(edge);
        inside[writer] |= in_graph;
        match sites.writer_of_reader(reader) {
            Some(node) => inside[node] |= in_graph,
            None => logits |= in_graph,
        }
        let value = json!({ "score": sign * effect, "in_graph": in_graph });
        edges.insert(sites.edge_name(edge), value);
    }
    let node = |(writer, in_graph): (usize, &bool)| {
        (sites.writer_name(writer), json!({ "in_graph": in_graph }))
    };
    let mut nodes: Map<String, Value> = inside.iter().enumerate().map(node).collect();
    nodes.insert("logits".to_owned(), json!({ "in_graph": logits }));
    GraphJson {
        cfg: GraphConfig {
            n_layers: sites.layers(),
            n_heads: sites.heads(),
            parallel_attn_mlp: false,
            d_model: width,
        },
        nodes,
        edges,
    }
}

/// The scores of all edges, by edge number, and the circuit. Edges that the
/// graph does not list score 0 and are not kept.
///
/// # Errors
/// The name of an entry that is no edge of these sites, or not of the form
/// `{"score", "in_graph"}`.
pub fn from_graph(sites: &Components, graph: &GraphJson) -> Result<(Vec<f64>, EdgeSet), String> {
    let mut scores = vec![0.0; sites.edge_count()];
    let mut circuit = EdgeSet::with_capacity(sites.edge_count());
    let mut found = 0;
    for (edge, score) in scores.iter_mut().enumerate() {
        let name = sites.edge_name(edge);
        let Some(value) = graph.edges.get(&name) else {
            continue;
        };
        found += 1;
        let entry: GraphEdge = serde_json::from_value(value.clone()).map_err(|_| name)?;
        *score = entry.score;
        circuit.set(edge, entry.in_graph);
    }
    if found == graph.edges.len() {
        return Ok((scores, circuit));
    }
    let known = |name: &&String| sites.edge_named(name).is_none();
    Err(graph.edges.keys().find(known).cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_are_read_as_they_were_written() {
        let sites = Components::new(2, 2, false);
        let effects: Vec<f64> = (0..sites.edge_count()).map(|e| e as f64 - 3.5).collect();
        let circuit: EdgeSet = [0, 4, sites.edge_count() - 1].into_iter().collect();
        let graph = to_graph(&sites, 8, &effects, Direction::HigherIsBetter, &circuit);
        let text = serde_json::to_string(&graph).unwrap();
        let read: GraphJson = serde_json::from_str(&text).unwrap();
        let (scores, kept) = from_graph(&sites, &read).unwrap();
        assert_eq!(scores, effects);
        assert!(kept.ones().eq(circuit.ones()));
        assert_eq!(graph.nodes["logits"]["in_graph"], true);
        assert_eq!(graph.nodes["a1.h1"]["in_graph"], false);
    }

    #[test]
    fn an_edge_of_another_network_is_named() {
        let (small, large) = (Components::new(1, 1, false), Components::new(2, 1, false));
        let none = EdgeSet::new();
        let effects = vec![0.0; large.edge_count()];
        let graph = to_graph(&large, 8, &effects, Direction::LowerIsBetter, &none);
        let unknown = from_graph(&small, &graph).unwrap_err();
        assert!(
            unknown.contains("a1.h0") || unknown.contains("m1"),
            "{unknown}"
        );
    }
}
