//! An ONNX model as nodes and constants.

use std::collections::BTreeMap;

use super::wire::{Value, fields, numbers};
use crate::checkpoint::{Dtype, IntegerKind, Tensor};

/// An operator with what it reads and writes, by name.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub operator: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
}

#[derive(Debug, Clone)]
enum Attribute {
    Float(f64),
    Integer(i64),
    Text(String),
    Tensor(Tensor),
    Other,
}

/// A model: constants are the initialisers and what constant nodes give.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub nodes: Vec<Node>,
    pub constants: BTreeMap<String, Tensor>,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
}

impl Node {
    pub fn number(&self, name: &str, usual: f64) -> f64 {
        match self.attributes.get(name) {
            Some(Attribute::Float(x)) => *x,
            Some(Attribute::Integer(i)) => *i as f64,
            _ => usual,
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attribute::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads a model; `Err` says what of it is not read.
pub(super) fn graph(model: &[u8]) -> Result<Graph, String> {
    let broken = || "it is no ONNX model, or cut short".to_owned();
    let model = fields(model).ok_or_else(broken)?;
    let found = model.iter().find(|(number, _)| *number == 7);
    let bytes = found
        .and_then(|(_, value)| value.bytes())
        .ok_or_else(broken)?;
    let mut graph = Graph::default();
    for (number, value) in fields(bytes).ok_or_else(broken)? {
        match number {
            1 => graph.add(node(value.bytes().ok_or_else(broken)?)?)?,
            5 => {
                let (name, tensor) = tensor(value.bytes().ok_or_else(broken)?)?;
                if graph.constants.insert(name.clone(), tensor).is_some() {
                    return Err(format!("two initialisers are called `{name}`"));
                }
            }
            11 => graph.inputs.push(name(value).ok_or_else(broken)?),
            12 => graph.outputs.push(name(value).ok_or_else(broken)?),
            15 => return Err("it has sparse initialisers, which are not read".to_owned()),
            _ => {}
        }
    }
    let Graph {
        inputs, constants, ..
    } = &mut graph;
    inputs.retain(|input| !constants.contains_key(input));
    Ok(graph)
}

impl Graph {
    /// Adds a node; one that gives a constant becomes it.
    fn add(&mut self, node: Node) -> Result<(), String> {
        if node.operator != "Constant" {
            self.nodes.push(node);
            return Ok(());
        }
        match (node.attributes.get("value"), node.outputs.as_slice()) {
            (Some(Attribute::Tensor(tensor)), [output]) => {
                self.constants.insert(output.clone(), tensor.clone());
                Ok(())
            }
            _ => Err("a Constant without a tensor is not read".to_owned()),
        }
    }
}

/// The name of a value.
fn name(value: Value<'_>) -> Option<String> {
    let fields = fields(value.bytes()?)?;
    fields
        .into_iter()
        .find(|(number, _)| *number == 1)?
        .1
        .text()
}

fn node(bytes: &[u8]) -> Result<Node, String> {
    let broken = || "one of its nodes is damaged".to_owned();
    let mut node = Node {
        operator: String::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        attributes: BTreeMap::new(),
    };
    let mut domain = String::new();
    for (number, value) in fields(bytes).ok_or_else(broken)? {
        let text = || value.text().ok_or_else(broken);
        match number {
            1 => node.inputs.push(text()?),
            2 => node.outputs.push(text()?),
            4 => node.operator = text()?,
            5 => {
                let (name, attribute) = attribute(value.bytes().ok_or_else(broken)?)?;
                node.attributes.insert(name, attribute);
            }
            7 => domain = text()?,
            _ => {}
        }
    }
    if !["", "ai.onnx"].contains(&domain.as_str()) {
        return Err(format!(
            "operator {domain}.{} is not computed",
            node.operator
        ));
    }
    Ok(node)
}

fn attribute(bytes: &[u8]) -> Result<(String, Attribute), String> {
    let broken = || "one of its attributes is damaged".to_owned();
    let (mut name, mut attribute) = (String::new(), Attribute::Other);
    for (number, value) in fields(bytes).ok_or_else(broken)? {
        match number {
            1 => name = value.text().ok_or_else(broken)?,
            2 => attribute = Attribute::Float(value.float().ok_or_else(broken)?),
            3 => {
                let number = numbers(value).and_then(|n| n.first().copied());
                attribute = Attribute::Integer(number.ok_or_else(broken)?);
            }
            4 => attribute = Attribute::Text(value.text().unwrap_or_default()),
            5 => attribute = Attribute::Tensor(tensor(value.bytes().ok_or_else(broken)?)?.1),
            _ => {}
        }
    }
    Ok((name, attribute))
}

fn tensor(bytes: &[u8]) -> Result<(String, Tensor), String> {
    let (mut name, mut shape, mut kind, mut raw) = (String::new(), Vec::new(), 0, Vec::new());
    let broken = || "one of its tensors is damaged".to_owned();
    for (number, value) in fields(bytes).ok_or_else(broken)? {
        match number {
            1 => shape.extend(numbers(value).ok_or_else(broken)?),
            2 => kind = numbers(value).and_then(|n| n.first().copied()).unwrap_or(0),
            4 | 9 | 10 => raw.extend_from_slice(value.bytes().ok_or_else(broken)?),
            7 => {
                let values = numbers(value).ok_or_else(broken)?;
                raw.extend(values.iter().flat_map(|i| i.to_le_bytes()));
            }
            8 => name = value.text().ok_or_else(broken)?,
            13 | 14 => {
                return Err(format!(
                    "tensor `{name}` lies in another file, which is not read"
                ));
            }
            5 | 6 | 11 => {
                return Err(format!(
                    "tensor `{name}` is stored in a way that is not read"
                ));
            }
            _ => {}
        }
    }
    let dtype = dtype(kind).ok_or_else(|| format!("tensor `{name}` is of type number {kind}"))?;
    let shape: Option<Vec<usize>> = shape.iter().map(|d| usize::try_from(*d).ok()).collect();
    let shape = shape.ok_or_else(broken)?;
    let needed = shape
        .iter()
        .try_fold(dtype.size(), |product, d| product.checked_mul(*d));
    if needed != Some(raw.len()) {
        return Err(format!(
            "tensor `{name}` has shape {shape:?} of {}, and {} bytes",
            dtype.name(),
            raw.len()
        ));
    }
    let bytes = raw.into();
    Ok((
        name,
        Tensor {
            dtype,
            shape,
            bytes,
        },
    ))
}

fn dtype(kind: i64) -> Option<Dtype> {
    Some(match kind {
        1 => Dtype::F32,
        6 => Dtype::Integer(IntegerKind::I32),
        7 => Dtype::Integer(IntegerKind::I64),
        10 => Dtype::F16,
        11 => Dtype::F64,
        16 => Dtype::Bf16,
        _ => return None,
    })
}
