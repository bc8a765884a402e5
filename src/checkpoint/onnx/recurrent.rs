//! Recurrent networks: RNN, GRU or LSTM over the steps of a sequence, in one direction or
//! both, and a linear layer on the last step.
//!
//! Exporters put operators around it that change the order of axes and nothing else; the
//! meaning of every axis is followed through them. Source of the order of gates: the
//! operators' pages (LSTM: i, o, f, c; GRU: z, r, h).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::chain::{Chain, Read};
use super::graph::{Graph, Node};
use crate::checkpoint::Tensor;

/// What an axis runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Sample,
    Step,
    Feature,
    Direction,
}

/// The cells: operator, `architecture` of the configuration, the blocks of rows in
/// PyTorch's order.
const CELLS: [(&str, &str, &[usize]); 3] = [
    ("RNN", "rnn", &[0]),
    ("GRU", "gru", &[1, 0, 2]),
    ("LSTM", "lstm", &[0, 2, 3, 1]),
];

/// The network of a graph with a recurrent operator; `None` where there is none.
pub(super) fn read(graph: &Graph) -> Option<Result<Read, String>> {
    let operator =
        |cell: &&(&str, &str, &[usize])| graph.nodes.iter().any(|node| node.operator == cell.0);
    let cell = *CELLS.iter().find(operator)?;
    Some(Reading::new(graph, cell).read())
}

/// What is said of a graph in which an exporter has laid out a recurrence step by step, which is
/// not computed; `None` of another.
pub(super) fn laid_out(graph: &Graph) -> Option<String> {
    let products = graph.nodes.iter().filter(|node| node.operator == "MatMul");
    let mut places: BTreeMap<&String, usize> = BTreeMap::new();
    for weight in products.filter_map(|node| node.inputs.get(1)) {
        *places.entry(weight).or_default() += usize::from(graph.constants.contains_key(weight));
    }
    let (weight, steps) = places.into_iter().max_by_key(|(_, count)| *count)?;
    (steps > 1).then(|| {
        format!(
            "operator MatMul has the weights `{weight}` at {steps} places: a recurrence that the \
             exporter has laid out step by step. `torch.onnx.export(…, dynamo=False)` writes the \
             operator RNN, which is read"
        )
    })
}

/// The most operators one behind the other that a shape is made of.
const DEEPEST: usize = 8;

struct Reading<'g> {
    graph: &'g Graph,
    cell: (&'static str, &'static str, &'static [usize]),
    tensors: BTreeMap<String, Tensor>,
    layers: usize,
    nonlinearity: Option<String>,
    /// Whether layers go both ways, once one is known.
    both_ways: Option<bool>,
    used: BTreeSet<usize>,
}

impl<'g> Reading<'g> {
    fn new(graph: &'g Graph, cell: (&'static str, &'static str, &'static [usize])) -> Self {
        Self {
            graph,
            cell,
            tensors: BTreeMap::new(),
            layers: 0,
            nonlinearity: None,
            both_ways: None,
            used: BTreeSet::new(),
        }
    }

    fn refuse<T>(&self, why: &str) -> Result<T, String> {
        Err(format!("operator {} {why}", self.cell.0))
    }

    fn read(mut self) -> Result<Read, String> {
        let ([input], [output]) = (self.graph.inputs.as_slice(), self.graph.outputs.as_slice())
        else {
            return self.refuse("is computed in graphs of one input and one output");
        };
        let sizes = self.graph.shapes.get(input).cloned().unwrap_or_default();
        let (steps, mut axes) = match sizes.as_slice() {
            [_, Some(steps)] => (*steps, vec![Axis::Sample, Axis::Step]),
            [_, Some(steps), Some(_)] => (*steps, vec![Axis::Sample, Axis::Step, Axis::Feature]),
            _ => return self.refuse("is computed over [samples, steps], with the steps' number"),
        };
        let mut value = input.clone();
        while axes != [Axis::Sample, Axis::Feature] || self.layers == 0 {
            let node = self.reader(&value)?;
            value = self.follow(node, &value, &mut axes, steps)?;
        }
        let tensors = self.readout(&value, output)?;
        let left = (0..self.graph.nodes.len()).find(|n| !self.used.contains(n));
        if let Some(node) = left {
            let operator = &self.graph.nodes[node].operator;
            return Err(format!(
                "operator {operator} is not on the way from input to output"
            ));
        }
        self.tensors.extend(tensors);
        let mut config = Map::new();
        config.insert("architecture".to_owned(), json!(self.cell.1));
        config.insert("sequence".to_owned(), json!(steps));
        config.insert("num_layers".to_owned(), json!(self.layers));
        config.insert("readout".to_owned(), json!("last step"));
        if self.both_ways == Some(true) {
            config.insert("bidirectional".to_owned(), json!(true));
        }
        if let Some(word) = self.nonlinearity {
            config.insert("nonlinearity".to_owned(), Value::String(word));
        }
        Ok((self.tensors, config))
    }

    /// The node that reads a value, beside what only asks for its shape.
    fn reader(&self, value: &str) -> Result<usize, String> {
        let reads = |n: &usize| {
            let node = &self.graph.nodes[*n];
            node.operator != "Shape" && node.inputs.iter().any(|i| i == value)
        };
        let found: Vec<usize> = (0..self.graph.nodes.len()).filter(reads).collect();
        match found.as_slice() {
            [one] if !self.used.contains(one) => Ok(*one),
            _ => self.refuse(&format!(
                "is computed in a chain; `{value}` is read otherwise"
            )),
        }
    }

    /// The axes behind a node, and the value it writes.
    fn follow(
        &mut self,
        index: usize,
        value: &str,
        axes: &mut Vec<Axis>,
        steps: usize,
    ) -> Result<String, String> {
        let graph = self.graph;
        let node = &graph.nodes[index];
        if node.inputs.first().map(String::as_str) != Some(value) {
            return self.refuse(&format!("is not computed beside {} so used", node.operator));
        }
        self.used.insert(index);
        match node.operator.as_str() {
            "Unsqueeze" if *axes == [Axis::Sample, Axis::Step] => {
                match self.ints(node, "axes").as_slice() {
                    [2 | -1] => axes.push(Axis::Feature),
                    _ => return self.refuse("is not computed with this Unsqueeze before it"),
                }
            }
            "Transpose" => *axes = self.transposed(node, axes)?,
            "Squeeze" => match self.ints(node, "axes").as_slice() {
                &[axis]
                    if at(axes, axis) == Some(Axis::Direction) && self.both_ways == Some(false) =>
                {
                    axes.retain(|axis| *axis != Axis::Direction);
                }
                _ => return self.refuse("is not computed with this Squeeze behind it"),
            },
            // Features of one direction, then of the other.
            "Reshape" if axes[..] == [Axis::Step, Axis::Sample, Axis::Direction, Axis::Feature] => {
                if !self.joins_directions(node, value, steps) {
                    return self.refuse("is not computed with this Reshape behind it");
                }
                axes.retain(|axis| *axis != Axis::Direction);
            }
            // What the last step has written, of the one direction.
            "Gather" if self.is_only_direction(node, axes) => {
                axes.retain(|axis| *axis != Axis::Direction);
            }
            "Gather" => {
                let axis = node.number("axis", 0.0) as i64;
                let last = [-1, steps as i64 - 1];
                let whole = self.ints(node, "indices");
                let scalar = self.constant(node, 1).is_some_and(|t| t.shape.is_empty());
                let is_last = matches!(whole.as_slice(), [one] if last.contains(one)) && scalar;
                if at(axes, axis) != Some(Axis::Step) || !is_last {
                    return self.refuse("is computed where the last step is read");
                }
                axes.retain(|axis| *axis != Axis::Step);
            }
            operator if operator == self.cell.0 => return self.layer(node, axes),
            other => return self.refuse(&format!("is not computed beside {other}")),
        }
        let written = node.outputs.first().cloned();
        written.ok_or_else(|| "an operator writes nothing".to_owned())
    }

    fn is_only_direction(&self, node: &Node, axes: &[Axis]) -> bool {
        let index = self.constant(node, 1).filter(|t| t.shape.is_empty());
        let is_first = index
            .and_then(Tensor::to_i64)
            .is_some_and(|at| matches!(at[..], [0 | -1]));
        let along = at(axes, node.number("axis", 0.0) as i64);
        is_first && along == Some(Axis::Direction) && self.both_ways == Some(false)
    }

    /// Whether a Reshape of `value: [steps, samples, directions, features]` puts the features
    /// of a direction behind those of the other.
    fn joins_directions(&mut self, node: &Node, value: &str, steps: usize) -> bool {
        let last = format!("rnn.weight_hh_l{}", self.layers.saturating_sub(1));
        let features = self
            .tensors
            .get(&last)
            .and_then(|t| t.shape.get(1).copied());
        let ways = if self.both_ways == Some(true) { 2 } else { 1 };
        let shapes = &self.graph.shapes;
        let input = self
            .graph
            .inputs
            .first()
            .and_then(|input| shapes.get(input));
        let samples = input.and_then(|sizes| sizes.first().copied().flatten());
        let whole = |size: Option<usize>| size.and_then(|size| i64::try_from(size).ok());
        let sizes = [Some(steps), samples, Some(ways), features].map(whole);
        let told = match self.constant(node, 1).and_then(Tensor::to_i64) {
            Some(told) => Some(told.into_iter().map(Some).collect()),
            None => node
                .inputs
                .get(1)
                .and_then(|told| self.sizes(told, value, &sizes, DEEPEST)),
        };
        let joined = sizes[2]
            .zip(sizes[3])
            .map(|(ways, features)| ways * features);
        let zero_keeps = node.number("allowzero", 0.0) == 0.0;
        let fits =
            |said: Option<i64>, size: Option<i64>| said == size || (zero_keeps && said == Some(0));
        match told.as_deref() {
            Some(&[first, second, third]) => {
                let ends = third == Some(-1) || (third == joined && third.is_some());
                fits(first, sizes[0]) && fits(second, sizes[1]) && ends
            }
            _ => false,
        }
    }

    /// The sizes that a value holds, made of the sizes of another; `None` in their place for
    /// the number of samples that the graph leaves open.
    fn sizes(
        &mut self,
        told: &str,
        of: &str,
        sizes: &[Option<i64>; 4],
        left: usize,
    ) -> Option<Vec<Option<i64>>> {
        let left = left.checked_sub(1)?;
        if let Some(constant) = self.graph.constants.get(told) {
            return Some(constant.to_i64()?.into_iter().map(Some).collect());
        }
        let index = self.writer(told).filter(|index| {
            !self.used.contains(index) || self.graph.nodes[*index].operator == "Shape"
        })?;
        let node = &self.graph.nodes[index];
        self.used.insert(index);
        let first = node.inputs.first()?;
        match node.operator.as_str() {
            "Shape"
                if first == of
                    && node.number("start", 0.0) == 0.0
                    && !node.attributes().any(|a| a == "end") =>
            {
                Some(sizes.to_vec())
            }
            "Slice" if node.inputs.len() == 3 => {
                let [from, to] =
                    [1, 2].map(|place| self.constant(node, place).and_then(Tensor::to_i64));
                let (&[from], &[to]) = (from.as_deref()?, to.as_deref()?) else {
                    return None;
                };
                let all = self.sizes(first, of, sizes, left)?;
                let to = usize::try_from(to).ok()?.min(all.len());
                Some(all.get(usize::try_from(from).ok()?..to)?.to_vec())
            }
            "Mul" => {
                let [a, b] =
                    [first, node.inputs.get(1)?].map(|input| self.sizes(input, of, sizes, left));
                let (&[Some(a)], &[Some(b)]) = (a.as_deref()?, b.as_deref()?) else {
                    return None;
                };
                Some(vec![Some(a.checked_mul(b)?)])
            }
            // One number stays one number.
            "Reshape" => self
                .sizes(first, of, sizes, left)
                .filter(|all| all.len() == 1),
            "Concat" => {
                let parts = node
                    .inputs
                    .iter()
                    .map(|input| self.sizes(input, of, sizes, left));
                Some(parts.collect::<Option<Vec<_>>>()?.concat())
            }
            _ => None,
        }
    }

    fn constant(&self, node: &Node, place: usize) -> Option<&'g Tensor> {
        let name = node.inputs.get(place)?;
        self.graph.constants.get(name)
    }

    /// Whole numbers that a node is given as its second input, or as an attribute.
    fn ints(&self, node: &Node, attribute: &str) -> Vec<i64> {
        let told = self.constant(node, 1).and_then(Tensor::to_i64);
        let told = told.or_else(|| node.integers(attribute).map(<[i64]>::to_vec));
        told.unwrap_or_default()
    }

    fn transposed(&self, node: &Node, axes: &[Axis]) -> Result<Vec<Axis>, String> {
        let order = node.integers("perm").unwrap_or_default();
        let places: BTreeSet<&i64> = order.iter().collect();
        let moved: Option<Vec<Axis>> = order.iter().map(|axis| at(axes, *axis)).collect();
        match moved.filter(|moved| moved.len() == axes.len() && places.len() == axes.len()) {
            Some(moved) => Ok(moved),
            None => self.refuse("is not computed with this Transpose beside it"),
        }
    }

    /// A recurrent layer: its weights under PyTorch's names, its axes, the value it writes.
    fn layer(&mut self, node: &Node, axes: &mut Vec<Axis>) -> Result<String, String> {
        const KNOWN: [&str; 6] = [
            "activations",
            "direction",
            "hidden_size",
            "linear_before_reset",
            "layout",
            "input_forget",
        ];
        if *axes != [Axis::Step, Axis::Sample, Axis::Feature] {
            return self.refuse("is computed over [steps, samples, features]");
        }
        if let Some(name) = node.attributes().find(|name| !KNOWN.contains(name)) {
            return self.refuse(&format!("is not computed with attribute `{name}`"));
        }
        let both_ways = match node.text("direction") {
            None | Some("forward") => false,
            Some("bidirectional") => true,
            Some(other) => return self.refuse(&format!("is not computed in direction `{other}`")),
        };
        if self
            .both_ways
            .replace(both_ways)
            .is_some_and(|other| other != both_ways)
        {
            return self.refuse("has layers in one direction and in both");
        }
        if node.number("layout", 0.0) != 0.0 || node.number("input_forget", 0.0) != 0.0 {
            return self.refuse("is computed without `layout` and `input_forget`");
        }
        if self.cell.0 == "GRU" && node.number("linear_before_reset", 0.0) == 0.0 {
            return self.refuse("is computed with `linear_before_reset`, as PyTorch has it");
        }
        self.functions(node)?;
        self.begins_at_zero(node)?;
        self.weights(node)?;
        self.layers += 1;
        let [all, last] = [0, 1].map(|place| {
            let name = node.outputs.get(place).filter(|name| !name.is_empty())?;
            let read = self.graph.nodes.iter().any(|n| n.inputs.contains(name));
            read.then(|| name.clone())
        });
        match (all, last) {
            (Some(all), None) => {
                *axes = vec![Axis::Step, Axis::Direction, Axis::Sample, Axis::Feature];
                Ok(all)
            }
            (None, Some(last)) => {
                *axes = vec![Axis::Direction, Axis::Sample, Axis::Feature];
                Ok(last)
            }
            _ => self.refuse("is computed where one of its outputs is read"),
        }
    }

    /// The activations: an RNN's is told, the others have their own.
    fn functions(&mut self, node: &Node) -> Result<(), String> {
        let told = node.texts("activations");
        if self.cell.0 != "RNN" {
            let usual: &[&str] = match self.cell.0 {
                "GRU" => &["Sigmoid", "Tanh"],
                _ => &["Sigmoid", "Tanh", "Tanh"],
            };
            let is_usual = |told: &[String]| told.chunks(usual.len()).all(|one| one == usual);
            return match told.is_none_or(is_usual) {
                true => Ok(()),
                false => self.refuse("is computed with its usual activations"),
            };
        }
        let word = match told {
            None => "tanh",
            Some(words) if words.iter().all(|word| word == "Tanh") => "tanh",
            Some(words) if words.iter().all(|word| word == "Relu") => "relu",
            Some(_) => return self.refuse("is computed with Tanh or Relu"),
        };
        match self.nonlinearity.replace(word.to_owned()) {
            Some(other) if other != word => self.refuse("has other activations in other layers"),
            _ => Ok(()),
        }
    }

    /// The states before the first step are zeros, however they are made.
    fn begins_at_zero(&mut self, node: &Node) -> Result<(), String> {
        if node.inputs.get(4).is_some_and(|name| !name.is_empty()) {
            return self.refuse("is computed for sequences of one length");
        }
        if node.inputs.get(7).is_some_and(|name| !name.is_empty()) {
            return self.refuse("is computed without peepholes");
        }
        let states = node.inputs.iter().skip(5).take(2);
        for state in states.filter(|name| !name.is_empty()) {
            if !self.is_zero(state) {
                return self.refuse("is computed from a state of zeros");
            }
            if let Some(made) = self.writer(state) {
                self.use_all(made)?;
            }
        }
        Ok(())
    }

    fn writer(&self, value: &str) -> Option<usize> {
        let writes = |node: &Node| node.outputs.iter().any(|output| output == value);
        self.graph.nodes.iter().position(writes)
    }

    /// Whether a value is made of zeros alone.
    fn is_zero(&self, value: &str) -> bool {
        let zero = |tensor: &Tensor| tensor.to_f64().iter().all(|x| *x == 0.0);
        let mut value = value;
        // No longer than there are nodes: a damaged graph may have circles.
        for _ in 0..=self.graph.nodes.len() {
            if let Some(constant) = self.graph.constants.get(value) {
                return zero(constant);
            }
            let Some(node) = self.writer(value).map(|n| &self.graph.nodes[n]) else {
                return false;
            };
            match (node.operator.as_str(), node.inputs.first()) {
                ("ConstantOfShape", _) => return node.tensor("value").is_none_or(zero),
                ("Expand" | "Slice" | "Squeeze" | "Unsqueeze" | "Transpose", Some(first)) => {
                    value = first;
                }
                _ => return false,
            }
        }
        false
    }

    /// A node and all that it is made of, down to the shape of a value: they say how many
    /// zeros there are.
    fn use_all(&mut self, node: usize) -> Result<(), String> {
        const OF_SHAPES: [&str; 10] = [
            "ConstantOfShape",
            "Expand",
            "Concat",
            "Unsqueeze",
            "Gather",
            "Shape",
            "Cast",
            "Slice",
            "Squeeze",
            "Transpose",
        ];
        let mut nodes = vec![node];
        while let Some(node) = nodes.pop() {
            if self.used.contains(&node) {
                continue;
            }
            let found = &self.graph.nodes[node];
            if !OF_SHAPES.contains(&found.operator.as_str()) {
                return self.refuse(&format!("has a first state made by {}", found.operator));
            }
            self.used.insert(node);
            if found.operator == "Shape" {
                continue;
            }
            nodes.extend(found.inputs.iter().filter_map(|input| self.writer(input)));
        }
        Ok(())
    }

    /// The weights and biases of each direction under PyTorch's names.
    fn weights(&mut self, node: &Node) -> Result<(), String> {
        let ways = if self.both_ways == Some(true) { 2 } else { 1 };
        for (way, suffix) in ["", "_reverse"].into_iter().enumerate().take(ways) {
            let end = format!("l{}{suffix}", self.layers);
            for (place, name) in [(1, "weight_ih"), (2, "weight_hh")] {
                let tensor = self.constant(node, place).filter(|t| t.shape.len() == 3);
                let found = tensor.and_then(|t| self.in_order(t, (way, ways), 1));
                let Some(found) = found else {
                    return self.refuse("has no constant weights of its directions");
                };
                self.tensors.insert(format!("rnn.{name}_{end}"), found);
            }
            if node.inputs.get(3).is_none_or(String::is_empty) {
                continue;
            }
            let tensor = self.constant(node, 3).filter(|t| t.shape.len() == 2);
            let Some(both) = tensor.and_then(|t| self.in_order(t, (way, ways), 2)) else {
                return self.refuse("has biases that are no constants of its directions");
            };
            let half = both.shape[0] / 2;
            let size = half * both.dtype.size();
            for (from, name) in [(0, "bias_ih"), (size, "bias_hh")] {
                let bytes = both.bytes[from..from + size].to_vec();
                let tensor = Tensor {
                    dtype: both.dtype,
                    shape: vec![half],
                    bytes: bytes.into(),
                };
                self.tensors.insert(format!("rnn.{name}_{end}"), tensor);
            }
        }
        Ok(())
    }

    /// One direction of a tensor `[directions, rows, …]`, its rows' blocks in PyTorch's order
    /// in each of so many parts.
    fn in_order(
        &self,
        tensor: &Tensor,
        (way, ways): (usize, usize),
        parts: usize,
    ) -> Option<Tensor> {
        let (order, shape) = (self.cell.2, tensor.shape[1..].to_vec());
        let blocks = parts * order.len();
        if tensor.shape[0] != ways || !shape[0].is_multiple_of(blocks) {
            return None;
        }
        let size = tensor.bytes.len() / (ways * blocks);
        let first = way * blocks;
        let places = (0..parts).flat_map(|part| order.iter().map(move |b| part * order.len() + b));
        let block = |place: usize| {
            let from = (first + place) * size;
            tensor.bytes.get(from..from + size)
        };
        let bytes: Option<Vec<&[u8]>> = places.map(block).collect();
        Some(Tensor {
            dtype: tensor.dtype,
            shape,
            bytes: bytes?.concat().into(),
        })
    }

    /// The linear layer from the last step to the output.
    fn readout(&mut self, from: &str, to: &str) -> Result<BTreeMap<String, Tensor>, String> {
        let mut chain = Chain::new(self.graph);
        chain.within.retain(|node| !self.used.contains(node));
        chain.walk(from, to)?;
        let linear = |step: &Value| step["op"] == "linear";
        match chain.steps.as_slice() {
            [one] if linear(one) => {}
            _ => return self.refuse("is computed with one linear layer behind it"),
        }
        self.used.extend(&chain.used);
        let renamed =
            |(name, tensor): (String, Tensor)| (name.replace("layers.0", "linear"), tensor);
        Ok(chain.tensors.into_iter().map(renamed).collect())
    }
}

/// What an axis runs over; negative ones count from the last.
fn at(axes: &[Axis], axis: i64) -> Option<Axis> {
    let place = if axis < 0 {
        axis + axes.len() as i64
    } else {
        axis
    };
    axes.get(usize::try_from(place).ok()?).copied()
}
