//! Which of a graph's outputs is the network's.

use std::collections::BTreeSet;

use super::graph::Graph;

/// Operators that make a class of the outputs.
const OF_LABELS: [&str; 6] = [
    "ArgMax",
    "ai.onnx.ml.ArrayFeatureExtractor",
    "ai.onnx.ml.ZipMap",
    "Reshape",
    "Cast",
    "Identity",
];

/// The output that the network computes, and those that only name its class.
pub(super) fn chosen(graph: &Graph) -> Result<(String, Vec<String>), String> {
    let is_label = |output: &&String| {
        let others = graph.outputs.iter().filter(|other| other != output);
        let made = |other: &String| {
            let nodes = made_of(graph, output, other);
            nodes.is_some_and(|nodes| {
                let operator = |n: &usize| graph.nodes[*n].operator.as_str();
                nodes.iter().map(operator).any(|op| op == "ArgMax")
                    && nodes.iter().map(operator).all(|op| OF_LABELS.contains(&op))
            })
        };
        others.into_iter().any(made)
    };
    let (labels, values): (Vec<&String>, Vec<&String>) = graph.outputs.iter().partition(is_label);
    match values.as_slice() {
        [one] => Ok(((*one).clone(), labels.into_iter().cloned().collect())),
        _ => Err(format!(
            "it has outputs {}; one is read",
            graph.outputs.join(", ")
        )),
    }
}

/// The nodes that make the labels of the output.
pub(super) fn beside(graph: &Graph, labels: &[String], output: &str) -> BTreeSet<usize> {
    let nodes = labels
        .iter()
        .filter_map(|label| made_of(graph, label, output));
    nodes.flatten().collect()
}

/// The nodes between a value and one that is made of it and of constants alone; `None`
/// where it is not.
fn made_of(graph: &Graph, value: &str, source: &str) -> Option<BTreeSet<usize>> {
    let mut found = BTreeSet::new();
    let mut values = vec![value];
    while let Some(value) = values.pop() {
        if value == source || graph.is_constant(value) {
            continue;
        }
        let writes = |node: &super::graph::Node| node.outputs.iter().any(|o| o == value);
        let node = graph.nodes.iter().position(writes)?;
        if found.insert(node) {
            values.extend(graph.nodes[node].inputs.iter().map(String::as_str));
        }
    }
    Some(found)
}
