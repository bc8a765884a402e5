//! An ONNX model as nodes and constants.

use std::collections::{BTreeMap, BTreeSet};

use super::outside::{Lies, Outside};
use super::wire::{Value, fields, numbers};
use crate::checkpoint::{Bytes, Dtype, IntegerKind, Tensor};

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
    Integers(Vec<i64>),
    Text(String),
    Texts(Vec<String>),
    Tensor(Tensor),
    Other,
}

/// A model: constants are the initialisers and what constant nodes give.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub nodes: Vec<Node>,
    pub constants: BTreeMap<String, Tensor>,
    /// Constants that are words, such as the names of classes.
    pub words: BTreeSet<String>,
    pub inputs: Vec<String>,
    /// The sizes of each input; `None` where the graph leaves one open.
    pub shapes: BTreeMap<String, Vec<Option<usize>>>,
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

    /// Whole numbers of a list; none where there is no such list.
    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name) {
            Some(Attribute::Integers(numbers)) => Some(numbers),
            _ => None,
        }
    }

    /// Words of a list; none where there is no such list.
    pub fn texts(&self, name: &str) -> Option<&[String]> {
        match self.attributes.get(name) {
            Some(Attribute::Texts(words)) => Some(words),
            _ => None,
        }
    }

    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        match self.attributes.get(name) {
            Some(Attribute::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// The attributes that it has, by name.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(String::as_str)
    }
}

/// Reads a model; `Err` says what of it is not read.
pub(super) fn graph(model: &[u8], outside: &mut Outside<'_>) -> Result<Graph, String> {
    let broken = || "it is no ONNX model, or cut short".to_owned();
    let model = fields(model).ok_or_else(broken)?;
    let found = model.iter().find(|(number, _)| *number == 7);
    let bytes = found
        .and_then(|(_, value)| value.bytes())
        .ok_or_else(broken)?;
    let mut graph = Graph::default();
    for (number, value) in fields(bytes).ok_or_else(broken)? {
        match number {
            1 => graph.add(node(value.bytes().ok_or_else(broken)?, outside)?)?,
            5 => {
                let (name, tensor) = tensor(value.bytes().ok_or_else(broken)?, outside)?;
                let is_new = match tensor {
                    Some(tensor) => graph.constants.insert(name.clone(), tensor).is_none(),
                    None => graph.words.insert(name.clone()),
                };
                if !is_new {
                    return Err(format!("two initialisers are called `{name}`"));
                }
            }
            11 => {
                let name = name(value).ok_or_else(broken)?;
                let shape = value.bytes().and_then(shape).unwrap_or_default();
                graph.shapes.insert(name.clone(), shape);
                graph.inputs.push(name);
            }
            12 => graph.outputs.push(name(value).ok_or_else(broken)?),
            15 => return Err("it has sparse initialisers, which are not read".to_owned()),
            _ => {}
        }
    }
    let mut inputs = std::mem::take(&mut graph.inputs);
    inputs.retain(|input| !graph.is_constant(input));
    graph.inputs = inputs;
    Ok(graph)
}

impl Graph {
    /// Whether a value is the same for every input.
    pub fn is_constant(&self, value: &str) -> bool {
        self.constants.contains_key(value) || self.words.contains(value)
    }

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

/// The sizes of a value: type, tensor type, shape, dimensions.
fn shape(value: &[u8]) -> Option<Vec<Option<usize>>> {
    let inner = |bytes, number| {
        let fields = fields(bytes)?;
        let found = fields.into_iter().find(|(n, _)| *n == number);
        found?.1.bytes()
    };
    let dimensions = fields(inner(inner(inner(value, 2)?, 1)?, 2)?)?;
    let size = |(_, dimension): (u64, Value<'_>)| {
        let known = fields(dimension.bytes()?)?;
        let (_, size) = known.into_iter().find(|(number, _)| *number == 1)?;
        let size = numbers(size)?.first().copied()?;
        usize::try_from(size).ok().filter(|size| *size > 0)
    };
    Some(dimensions.into_iter().map(size).collect())
}

fn node(bytes: &[u8], outside: &mut Outside<'_>) -> Result<Node, String> {
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
                let (name, attribute) = attribute(value.bytes().ok_or_else(broken)?, outside)?;
                node.attributes.insert(name, attribute);
            }
            7 => domain = text()?,
            _ => {}
        }
    }
    if !["", "ai.onnx"].contains(&domain.as_str()) {
        node.operator = format!("{domain}.{}", node.operator);
    }
    Ok(node)
}

fn attribute(bytes: &[u8], outside: &mut Outside<'_>) -> Result<(String, Attribute), String> {
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
            5 => {
                let (_, tensor) = tensor(value.bytes().ok_or_else(broken)?, outside)?;
                attribute = tensor.map_or(Attribute::Other, Attribute::Tensor);
            }
            8 => {
                let more = numbers(value).ok_or_else(broken)?;
                match &mut attribute {
                    Attribute::Integers(all) => all.extend(more),
                    _ => attribute = Attribute::Integers(more),
                }
            }
            9 => {
                let word = value.text().ok_or_else(broken)?;
                match &mut attribute {
                    Attribute::Texts(all) => all.push(word),
                    _ => attribute = Attribute::Texts(vec![word]),
                }
            }
            _ => {}
        }
    }
    Ok((name, attribute))
}

/// A tensor as it stands in the file.
#[derive(Default)]
struct Stored {
    name: String,
    sizes: Vec<i64>,
    kind: i64,
    raw: Vec<u8>,
    /// Numbers of types up to 32 bits, as whole numbers.
    short: Vec<i64>,
    /// In another file, where they lie there.
    lies: Option<Lies>,
}

impl Stored {
    fn new(bytes: &[u8]) -> Result<Self, String> {
        let mut stored = Self::default();
        let broken = || "one of its tensors is damaged".to_owned();
        for (number, value) in fields(bytes).ok_or_else(broken)? {
            match number {
                1 => stored.sizes.extend(numbers(value).ok_or_else(broken)?),
                2 => stored.kind = numbers(value).and_then(|n| n.first().copied()).unwrap_or(0),
                4 | 9 | 10 => stored
                    .raw
                    .extend_from_slice(value.bytes().ok_or_else(broken)?),
                5 => stored.short.extend(numbers(value).ok_or_else(broken)?),
                7 => {
                    let values = numbers(value).ok_or_else(broken)?;
                    let bytes = values.iter().flat_map(|i| i.to_le_bytes());
                    stored.raw.extend(bytes);
                }
                8 => stored.name = value.text().ok_or_else(broken)?,
                11 => return Err(stored.not_read("is stored in a way that is not read")),
                13 => {
                    let lies = stored.lies.get_or_insert_default();
                    lies.take(value).ok_or_else(broken)?;
                }
                _ => {}
            }
        }
        Ok(stored)
    }

    fn not_read(&self, why: &str) -> String {
        format!("tensor `{}` {why}", self.name)
    }
}

/// A tensor by name; `None` where it holds words.
fn tensor(bytes: &[u8], outside: &mut Outside<'_>) -> Result<(String, Option<Tensor>), String> {
    const I32: i64 = 6;
    const WORDS: i64 = 8;
    let mut stored = Stored::new(bytes)?;
    match stored.kind {
        WORDS => return Ok((stored.name, None)),
        _ if stored.short.is_empty() => {}
        I32 => {
            let bytes = stored.short.iter().flat_map(|i| (*i as i32).to_le_bytes());
            stored.raw.extend(bytes);
        }
        _ => return Err(stored.not_read("is stored in a way that is not read")),
    }
    let kind = stored.kind;
    let dtype = dtype(kind).ok_or_else(|| stored.not_read(&format!("is of type number {kind}")))?;
    let sizes = stored.sizes.iter().map(|d| usize::try_from(*d).ok());
    let shape: Option<Vec<usize>> = sizes.collect();
    let shape = shape.ok_or("one of its tensors is damaged")?;
    let bytes: Bytes = match &stored.lies {
        Some(lies) => outside.bytes(lies).map_err(|why| stored.not_read(&why))?,
        None => std::mem::take(&mut stored.raw).into(),
    };
    let needed = shape
        .iter()
        .try_fold(dtype.size(), |product, d| product.checked_mul(*d));
    if needed != Some(bytes.len()) {
        let (name, bytes) = (dtype.name(), bytes.len());
        return Err(stored.not_read(&format!("has shape {shape:?} of {name}, and {bytes} bytes")));
    }
    let tensor = Tensor {
        dtype,
        shape,
        bytes,
    };
    Ok((stored.name, Some(tensor)))
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
