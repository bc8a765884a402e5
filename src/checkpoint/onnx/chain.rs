//! A graph that leads from its input to its output in one line of layers, with
//! residual sums on the way → tensors and the steps between them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::graph::{Graph, Node};
use super::outputs;
use crate::checkpoint::Tensor;

/// The network as a state dict with a `config.json` that lists its steps.
#[derive(Debug)]
pub(super) struct Chain<'g> {
    pub graph: &'g Graph,
    pub tensors: BTreeMap<String, Tensor>,
    pub steps: Vec<Value>,
    pub used: BTreeSet<usize>,
    /// The nodes of the branch that is followed; all of them outside of one.
    pub within: BTreeSet<usize>,
    /// Branches within branches.
    pub depth: usize,
    /// Of a vector made by a Reshape, its width, until a layer reads it.
    pub width: Option<usize>,
    /// Zeros that were put around maps, rows and columns, until a window slides over them.
    pub padding: [i64; 2],
    /// Modules of each kind that have a name so far.
    named: BTreeMap<String, usize>,
}

/// The tensors of a chain, and the configuration that says what stands between them.
pub(super) type Read = (BTreeMap<String, Tensor>, Map<String, Value>);

/// Follows the values from input to output; `Err` says where that ends.
pub(super) fn chain(graph: &Graph) -> Result<Read, String> {
    let [input] = graph.inputs.as_slice() else {
        let inputs = graph.inputs.join(", ");
        return Err(format!("it has inputs {inputs}; one is read"));
    };
    let (output, labels) = outputs::chosen(graph)?;
    let mut chain = Chain::new(graph);
    let two = outputs::of_two_classes(graph, &output);
    let end = two.as_ref().map_or(&output, |(one, _)| one);
    chain.walk(input, end)?;
    chain.used.extend(two.iter().flat_map(|(_, nodes)| nodes));
    if let Some(width) = chain.width {
        return Err(format!(
            "operator Reshape makes vectors of {width} that no layer reads"
        ));
    }
    let beside = outputs::beside(graph, &labels, &output);
    let left = |n: &usize| !chain.used.contains(n) && !beside.contains(n);
    if let Some(node) = (0..graph.nodes.len()).find(left) {
        return Err(format!(
            "operator {} is not on the way from input to output",
            graph.nodes[node].operator
        ));
    }
    let mut config = Map::new();
    if let Some(shape) = graph.shapes.get(input).filter(|shape| shape.len() == 4) {
        let sizes: Option<Vec<usize>> = shape[1..].iter().copied().collect();
        let sizes = sizes.ok_or("the graph leaves the size of its images open")?;
        config.insert("input_shape".to_owned(), json!(sizes));
    }
    if !labels.is_empty() {
        config.insert("other_outputs".to_owned(), json!(labels));
    }
    if two.is_some() {
        config.insert("both_classes".to_owned(), json!(output));
    }
    config.insert("layers".to_owned(), Value::Array(chain.steps));
    Ok((chain.tensors, config))
}

impl<'g> Chain<'g> {
    pub fn new(graph: &'g Graph) -> Self {
        Self {
            graph,
            tensors: BTreeMap::new(),
            steps: Vec::new(),
            used: BTreeSet::new(),
            within: (0..graph.nodes.len()).collect(),
            depth: 0,
            width: None,
            padding: [0; 2],
            named: BTreeMap::new(),
        }
    }

    /// Adds the steps from one value to another.
    pub fn walk(&mut self, from: &str, to: &str) -> Result<(), String> {
        let mut value = from.to_owned();
        while value != to {
            value = self.follow(&value)?;
        }
        match self.padding {
            [0, 0] => Ok(()),
            _ => Err("operator Pad is computed before Conv and AveragePool alone".to_owned()),
        }
    }

    /// The nodes of the branch that read a value.
    pub fn readers(&self, value: &str) -> Vec<usize> {
        let reads = |n: &usize| self.graph.nodes[*n].inputs.iter().any(|i| i == value);
        self.within.iter().copied().filter(reads).collect()
    }

    /// Adds the step that reads `value`, and says what it writes.
    fn follow(&mut self, value: &str) -> Result<String, String> {
        let graph = self.graph;
        let readers = self.readers(value);
        if readers.is_empty() || readers.iter().any(|n| self.used.contains(n)) {
            return Err(format!("value `{value}` leads nowhere, or in a circle"));
        }
        let written = match readers.as_slice() {
            [one] if !self.is_sum_of_itself(*one) => {
                self.used.insert(*one);
                let node = &graph.nodes[*one];
                self.step(node, value)?;
                node.outputs.first().cloned()
            }
            several => self.branches(value, several)?,
        };
        written
            .filter(|name| !name.is_empty())
            .ok_or_else(|| "an operator writes nothing".to_owned())
    }

    /// A name for a module, `kind` and a number of its own.
    pub fn name(&mut self, kind: &str) -> String {
        let number = self.named.entry(kind.to_owned()).or_insert(0);
        *number += 1;
        format!("{kind}{}", *number - 1)
    }

    /// The constant that a node reads at a place.
    pub fn constant(&self, node: &Node, place: usize) -> Option<&'g Tensor> {
        node.inputs
            .get(place)
            .and_then(|name| self.graph.constants.get(name))
    }
}
