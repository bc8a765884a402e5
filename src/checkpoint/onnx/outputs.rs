//! Which of a graph's outputs is the network's.

use std::collections::BTreeSet;

use super::graph::{Graph, Node};

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

/// The probability `p` of which an output holds `1 − p` and `p`, as those of two classes,
/// and the nodes that put them side by side.
pub(super) fn of_two_classes(graph: &Graph, output: &str) -> Option<(String, [usize; 2])> {
    let (joined, both) = written(graph, output, "Concat")?;
    let [other, one] = both.inputs.as_slice() else {
        return None;
    };
    let (rest, difference) = written(graph, other, "Sub")?;
    let [unit, from] = difference.inputs.as_slice() else {
        return None;
    };
    let is_unit = graph.constants.get(unit)?.to_f64() == [1.0];
    let along = [1.0, -1.0].contains(&both.number("axis", 0.0));
    let fits = is_unit && along && from == one && written(graph, one, "Sigmoid").is_some();
    fits.then(|| (one.clone(), [joined, rest]))
}

/// The node of this operator that writes a value.
fn written<'g>(graph: &'g Graph, value: &str, operator: &str) -> Option<(usize, &'g Node)> {
    let writes = |(_, node): &(usize, &Node)| {
        node.operator == operator && node.outputs.iter().any(|output| output == value)
    };
    graph.nodes.iter().enumerate().find(writes)
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
        let writes = |node: &Node| node.outputs.iter().any(|o| o == value);
        let node = graph.nodes.iter().position(writes)?;
        if found.insert(node) {
            values.extend(graph.nodes[node].inputs.iter().map(String::as_str));
        }
    }
    Some(found)
}
