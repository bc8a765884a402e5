//! A circuit as an attribution graph in the JSON that circuit-tracer writes and Neuronpedia's
//! viewer reads: `metadata`, `qParams`, `nodes`, `links`.
//!
//! That format is of features of transcoders on one prompt. Here a node is a site (a head,
//! an MLP, an embedding, the logits; a neuron), told by its `clerp`, and a link's weight is
//! the edge's effect over all samples; edges into a head's queries, keys and values are one
//! link. The prompt is the first of the data.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::result::{Audit, Circuit};

/// The graph of one circuit of a result.
#[must_use]
pub fn attribution_graph(audit: &Audit, circuit: &Circuit) -> Value {
    let tokens: Vec<&str> = match audit.prompts.first() {
        Some(prompt) => prompt.clean.iter().map(String::as_str).collect(),
        None => Vec::new(),
    };
    let last = tokens.len().saturating_sub(1);
    let mut sites: Vec<(&str, usize)> = Vec::new();
    let mut links: BTreeMap<(String, String), f64> = BTreeMap::new();
    for edge in &circuit.edges {
        let ends = [&edge.from, &edge.to].map(|end| place(end, last));
        for end in ends {
            if !sites.contains(&end) {
                sites.push(end);
            }
        }
        let [from, to] = ends.map(|(site, position)| node_id(site, position));
        *links.entry((from, to)).or_insert(0.0) += edge.effect;
    }
    sites.sort_by_key(|(site, position)| (layer(site), *position, (*site).to_owned()));
    let inner = sites
        .iter()
        .map(|(site, _)| layer(site))
        .filter(|layer| *layer < OUTPUT);
    let top = inner.max().unwrap_or(0) + 1;
    let slug = format!("{}-{}", circuit.output, circuit.method);
    json!({
        "metadata": {
            "slug": slug,
            "scan": audit.checkpoint.layout,
            "prompt": tokens.concat(),
            "prompt_tokens": tokens,
            "schema_version": 1,
            "info": {"generator": {"name": audit.tool.name, "version": audit.tool.version}},
        },
        "qParams": {
            "linkType": "both",
            "pinnedIds": [],
            "clickedId": "",
            "supernodes": [],
            "sg_pos": "",
        },
        "nodes": sites.iter().map(|(site, position)| node(site, *position, top)).collect::<Vec<_>>(),
        "links": links
            .iter()
            .map(|((source, target), weight)| json!({
                "source": source,
                "target": target,
                "weight": weight,
            }))
            .collect::<Vec<_>>(),
    })
}

/// The site of an edge's end, and the position at which it reads: `a0.h1<q>@7` is `a0.h1`
/// at 7; without one, the last of the prompt.
fn place(end: &str, last: usize) -> (&str, usize) {
    let (name, position) = end.split_once('@').unwrap_or((end, ""));
    let site = name.split('<').next().unwrap_or(name);
    (site, position.parse().unwrap_or(last))
}

/// A node; outputs are in the layer `top`.
fn node(site: &str, position: usize, top: usize) -> Value {
    let (kind, layer) = (kind(site), layer(site).min(top));
    json!({
        "node_id": node_id(site, position),
        "feature": cantor(layer, number(site)),
        "layer": match kind {
            Kind::Embedding => "E".to_owned(),
            Kind::Inner | Kind::Output => layer.to_string(),
        },
        "ctx_idx": position,
        "feature_type": match kind {
            Kind::Embedding => "embedding",
            Kind::Output => "logit",
            Kind::Inner => "cross layer transcoder",
        },
        "token_prob": 0.0,
        "is_target_logit": matches!(kind, Kind::Output),
        "run_idx": 0,
        "reverse_ctx_idx": 0,
        "jsNodeId": format!("{}-0", node_id(site, position)),
        "clerp": site,
    })
}

/// What a site is in that format.
#[derive(Clone, Copy)]
enum Kind {
    Embedding,
    Inner,
    Output,
}

fn kind(site: &str) -> Kind {
    let is_output = site == "logits" || numbers(site, 'y').is_some();
    let is_input = ["input", "embed", "pos_embed"].contains(&site) || numbers(site, 'x').is_some();
    match (is_input, is_output) {
        (true, _) => Kind::Embedding,
        (_, true) => Kind::Output,
        _ => Kind::Inner,
    }
}

/// The numbers behind a letter: 3 and 7 of `h3.7`.
fn numbers(site: &str, letter: char) -> Option<(usize, usize)> {
    let rest = site.strip_prefix(letter)?;
    let (first, second) = rest.split_once('.').unwrap_or((rest, "0"));
    let second = second.trim_start_matches(|c: char| !c.is_ascii_digit());
    Some((first.parse().ok()?, second.parse().ok()?))
}

/// Its layer from the inputs, 0, to the outputs: two for every block of a transformer.
fn layer(site: &str) -> usize {
    let block = |letter, half| numbers(site, letter).map(|(block, _)| 2 * block + half);
    match kind(site) {
        Kind::Embedding => 0,
        Kind::Output => OUTPUT,
        Kind::Inner => block('a', 1)
            .or_else(|| block('m', 2))
            .or_else(|| numbers(site, 'h').map(|(layer, _)| layer))
            .unwrap_or(0),
    }
}

/// The layer of outputs, before it is known how many there are.
const OUTPUT: usize = usize::MAX;

/// Its number within the layer.
fn number(site: &str) -> usize {
    let one = |letter| {
        numbers(site, letter).map(|(first, second)| match letter {
            'x' | 'y' => first,
            _ => second,
        })
    };
    ['x', 'y', 'a', 'm', 'h']
        .into_iter()
        .find_map(one)
        .unwrap_or(0)
}

fn node_id(site: &str, position: usize) -> String {
    format!("{site}_{position}")
}

/// Cantor's pairing, by which the format numbers features of layers.
fn cantor(layer: usize, feature: usize) -> usize {
    (layer + feature) * (layer + feature + 1) / 2 + feature
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::result::CircuitEdge;

    #[test]
    fn a_circuit_becomes_nodes_by_layer_and_links_by_effect() {
        let edge = |from: &str, to: &str, effect| CircuitEdge {
            from: from.to_owned(),
            to: to.to_owned(),
            effect,
        };
        let audit = sample::audit();
        let mut circuit = audit.circuits[0].clone();
        circuit.edges = vec![
            edge("m0", "logits", -1.5),
            edge("input", "a0.h1<q>", 2.0),
            edge("input", "a0.h1<k>", 0.5),
            edge("a0.h1", "m0", 1.0),
        ]
        .into();
        let graph = attribution_graph(&audit, &circuit);
        let nodes = graph["nodes"].as_array().unwrap();
        let names: Vec<&str> = nodes.iter().map(|n| n["clerp"].as_str().unwrap()).collect();
        assert_eq!(names, ["input", "a0.h1", "m0", "logits"]);
        let types: Vec<&str> = nodes
            .iter()
            .map(|n| n["feature_type"].as_str().unwrap())
            .collect();
        assert_eq!(
            types,
            [
                "embedding",
                "cross layer transcoder",
                "cross layer transcoder",
                "logit"
            ]
        );
        assert_eq!(nodes[1]["feature"], cantor(1, 1));
        assert_eq!(
            (&nodes[0]["layer"], &nodes[3]["layer"]),
            (&"E".into(), &"3".into())
        );
        let links = graph["links"].as_array().unwrap();
        assert_eq!(links.len(), 3, "queries and keys are one link");
        let ids: Vec<&Value> = nodes.iter().map(|n| &n["node_id"]).collect();
        for link in links {
            assert!(ids.contains(&&link["source"]) && ids.contains(&&link["target"]));
        }
        let both = links
            .iter()
            .find(|l| l["target"] == nodes[1]["node_id"])
            .unwrap();
        assert_eq!(both["weight"], 2.5);
    }

    #[test]
    fn sites_of_mlps_and_positions() {
        assert_eq!((layer("x3"), number("x3")), (0, 3));
        assert_eq!((layer("h2.5"), number("h2.5")), (2, 5));
        assert_eq!((layer("y1"), number("y1")), (OUTPUT, 1));
        assert_eq!(place("a1.h0<v>@7", 9), ("a1.h0", 7));
        assert_eq!(place("m0", 9), ("m0", 9));
    }
}
