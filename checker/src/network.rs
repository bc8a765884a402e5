//! Checkpoint files as networks: the safetensors format, and what its tensors mean.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::curve::Curve;
use crate::log::{Described, LayerNames};
use crate::{Fault, fault};

/// A chain of linear layers with activations between.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Network {
    /// `[tokens][d]`, where inputs are tokens.
    pub embedding: Option<Vec<Vec<f64>>>,
    pub layers: Vec<Linear>,
    /// Of every layer but the last.
    pub curves: Vec<Curve>,
    /// Physical input → feature.
    pub features: Vec<usize>,
    /// Physical output → target.
    pub targets: Vec<usize>,
}

/// y = W x + b
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Linear {
    /// `[readers][writers]`
    pub weight: Vec<Vec<f64>>,
    pub bias: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// Numbers and their shape.
type Tensor = (Vec<usize>, Vec<f64>);

/// The tensors of a safetensors file, as numbers.
fn tensors(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, Fault> {
    let broken = |why: &str| fault(format!("not a safetensors file: {why}"));
    let length = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    let length = length.and_then(|n| usize::try_from(n).ok());
    let length = length.ok_or_else(|| broken("it has no header"))?;
    let end = length.checked_add(8).filter(|end| *end <= bytes.len());
    let end = end.ok_or_else(|| broken("its header is longer than the file"))?;
    let header: Map<String, Value> =
        serde_json::from_slice(&bytes[8..end]).map_err(|error| broken(&error.to_string()))?;
    let mut found = BTreeMap::new();
    for (name, entry) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
        let entry: Entry = serde_json::from_value(entry).map_err(|error| broken(&error.to_string()))?;
        let [from, to] = entry.data_offsets;
        let data = bytes[end..].get(from..to).ok_or_else(|| broken("data beyond its end"))?;
        let numbers = numbers(&entry.dtype, data)
            .ok_or_else(|| fault(format!("tensor `{name}` is of {}", entry.dtype)))?;
        let count = entry.shape.iter().try_fold(1_usize, |n, side| n.checked_mul(*side));
        if count != Some(numbers.len()) {
            return Err(broken("a shape and its data disagree"));
        }
        found.insert(name, (entry.shape, numbers));
    }
    Ok(found)
}

fn numbers(dtype: &str, data: &[u8]) -> Option<Vec<f64>> {
    fn each<const N: usize>(data: &[u8], of: impl Fn([u8; N]) -> f64) -> Option<Vec<f64>> {
        let (chunks, rest) = data.as_chunks::<N>();
        rest.is_empty().then(|| chunks.iter().map(|chunk| of(*chunk)).collect())
    }
    match dtype {
        "F64" => each(data, f64::from_le_bytes),
        "F16" => each(data, |b| half(u16::from_le_bytes(b))),
        "F32" => each(data, |b| f64::from(f32::from_le_bytes(b))),
        "BF16" => each(data, |[a, b]| f64::from(f32::from_le_bytes([0, 0, a, b]))),
        "I64" => each(data, |b| i64::from_le_bytes(b) as f64),
        "I32" => each(data, |b| f64::from(i32::from_le_bytes(b))),
        _ => None,
    }
}

fn half(bits: u16) -> f64 {
    let (sign, exponent, digits) = (bits >> 15, i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => digits * 2_f64.powi(-24),
        31 => f64::NAN,
        e => (1024.0 + digits) * 2_f64.powi(e - 25),
    };
    if sign == 1 { -size } else { size }
}

impl Network {
    /// The network that the file holds, as the log describes it; every tensor has its use.
    pub fn read(bytes: &[u8], described: &Described) -> Result<Self, Fault> {
        let mut tensors = tensors(bytes)?;
        let mut layers = Vec::new();
        for LayerNames { weight, bias } in &described.layers {
            let weights = matrix(&mut tensors, weight)?;
            let bias = match bias {
                Some(name) => vector(&mut tensors, name)?,
                None => vec![0.0; weights.len()],
            };
            if bias.len() != weights.len() || weights.is_empty() {
                return Err(fault(format!("`{weight}` and its bias disagree in size")));
            }
            layers.push(Linear { weight: weights, bias });
        }
        let width = |layer: Option<&Linear>| layer.map_or(0, |l| l.weight[0].len());
        let chained = |pair: &[Linear]| pair[0].bias.len() == width(Some(&pair[1]));
        if layers.is_empty() || !layers.windows(2).all(chained) {
            return Err(fault("the layers do not follow one another".into()));
        }
        let (inputs, outputs) = (width(layers.first()), layers.last().map_or(0, |l| l.bias.len()));
        let embedding = tensors.contains_key("embedding");
        let embedding = embedding.then(|| matrix(&mut tensors, "embedding")).transpose()?;
        let features = permutation(&mut tensors, "in_perm", inputs)?;
        let targets = permutation(&mut tensors, "out_perm", outputs)?;
        if let Some(name) = tensors.keys().next() {
            return Err(fault(format!("the log's network has no use for tensor `{name}`")));
        }
        let curves = curves(&described.activations)?;
        if curves.len() + 1 != layers.len() {
            return Err(fault("there is not one activation between any two layers".into()));
        }
        let network = Self { embedding, layers, curves, features, targets };
        let mut all = network.layers.iter().flat_map(|l| l.weight.iter().flatten().chain(&l.bias));
        match all.all(|w| w.is_finite()) {
            true => Ok(network),
            false => Err(fault("a weight is not finite".into())),
        }
    }

    /// Numbers that the first layer reads.
    pub fn inputs(&self) -> usize {
        self.features.len()
    }

    pub fn outputs(&self) -> usize {
        self.targets.len()
    }

    /// Whether two networks differ in weights alone.
    pub fn like(&self, other: &Self) -> bool {
        let widths = |n: &Self| n.layers.iter().map(|l| l.bias.len()).collect::<Vec<_>>();
        let tokens = |n: &Self| n.embedding.as_ref().map(Vec::len);
        (&self.features, &self.targets, &self.curves, widths(self), tokens(self))
            == (&other.features, &other.targets, &other.curves, widths(other), tokens(other))
    }

    /// What the inputs of the first layer read for a tuple of tokens.
    pub fn embedded(&self, tuple: &[usize]) -> Option<Vec<f64>> {
        let table = self.embedding.as_ref()?;
        let d = table.first()?.len();
        let read = |feature: &usize| table.get(*tuple.get(feature / d)?)?.get(feature % d).copied();
        self.features.iter().map(read).collect()
    }
}

pub(crate) fn curves(names: &[String]) -> Result<Vec<Curve>, Fault> {
    let named = |name: &String| {
        Curve::named(name).ok_or_else(|| fault(format!("activation {name} is not checked here")))
    };
    names.iter().map(named).collect()
}

fn take(tensors: &mut BTreeMap<String, Tensor>, name: &str) -> Result<Tensor, Fault> {
    tensors.remove(name).ok_or_else(|| fault(format!("there is no tensor `{name}`")))
}

fn vector(tensors: &mut BTreeMap<String, Tensor>, name: &str) -> Result<Vec<f64>, Fault> {
    Ok(take(tensors, name)?.1)
}

fn matrix(tensors: &mut BTreeMap<String, Tensor>, name: &str) -> Result<Vec<Vec<f64>>, Fault> {
    match take(tensors, name)? {
        (shape, numbers) if shape.len() == 2 && shape[1] > 0 => {
            Ok(numbers.chunks(shape[1]).map(<[f64]>::to_vec).collect())
        }
        (shape, _) => Err(fault(format!("`{name}` has shape {shape:?}, not that of a matrix"))),
    }
}

/// Physical place → number of the file's permutation, which holds within each of equal
/// parts of `width` places; the identity where the file has none.
fn permutation(
    tensors: &mut BTreeMap<String, Tensor>,
    name: &str,
    width: usize,
) -> Result<Vec<usize>, Fault> {
    let Some((_, numbers)) = tensors.remove(name) else {
        return Ok((0..width).collect());
    };
    let fold = numbers.len();
    let mut sorted: Vec<f64> = numbers.clone();
    sorted.sort_by(f64::total_cmp);
    let whole = sorted.iter().enumerate().all(|(i, x)| *x == i as f64);
    if !whole || fold == 0 || !width.is_multiple_of(fold) {
        return Err(fault(format!("`{name}` is no permutation of {width} places")));
    }
    Ok((0..width).map(|q| q / fold * fold + numbers[q % fold] as usize).collect())
}

/// The layer numbers of BIMT's names, if all are such.
fn bimt(described: &Described) -> Option<Vec<usize>> {
    let number = |layer: &LayerNames| {
        let name = layer.weight.strip_prefix("linears.")?;
        name.strip_suffix(".linear.weight")?.parse().ok()
    };
    described.layers.iter().map(number).collect()
}

/// Whether the layers stand in the order of BIMT's names or of `config.json`; `None` where
/// neither says it and their names do not ascend.
pub(crate) fn ordered(config: Option<&[u8]>, described: &Described) -> Option<bool> {
    if let Some(numbers) = bimt(described) {
        return Some(numbers.into_iter().eq(0..described.layers.len()));
    }
    let config: Option<Map<String, Value>> = config.and_then(|c| serde_json::from_slice(c).ok());
    let steps = config.as_ref().and_then(|config| config.get("layers")?.as_array());
    let linear = steps.map(|steps| steps.iter().filter(|s| s.get("op").is_some_and(|op| op == "linear")));
    let names: Option<Vec<&str>> = linear.and_then(|steps| steps.map(|s| s.get("name")?.as_str()).collect());
    if let Some(names) = names.filter(|names| !names.is_empty()) {
        let stem = |layer: &LayerNames| layer.weight.trim_end_matches(".weight").to_owned();
        return Some(described.layers.iter().map(stem).eq(names.iter().map(|n| (*n).to_owned())));
    }
    // Numbers within names count as numbers.
    let key = |layer: &LayerNames| {
        let parts = layer.weight.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<u64> = parts.filter_map(|part| part.parse().ok()).collect();
        (layer.weight.trim_end_matches(|c| c != '.').replace(|c: char| c.is_ascii_digit(), ""), numbers)
    };
    described.layers.is_sorted_by(|a, b| key(a) < key(b)).then_some(true)
}

/// What `config.json`, or the layout by itself, says of the activations; `None` if nothing.
pub(crate) fn told(config: Option<&[u8]>, described: &Described) -> Option<Vec<String>> {
    let gaps = described.layers.len().saturating_sub(1);
    let config: Option<Map<String, Value>> = config.and_then(|c| serde_json::from_slice(c).ok());
    let of = |key: &str| config.as_ref().and_then(|config| config.get(key));
    if let Some(Value::Array(steps)) = of("layers") {
        let ops = steps.iter().map(|step| Some((step.get("op")?.as_str()?, step)));
        let ops: Option<Vec<(&str, &Value)>> = ops.collect();
        return ops.map(|ops| between(&ops));
    }
    if let Some(Value::Array(names)) = of("activations") {
        return names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    }
    if let Some(Value::String(name)) = of("activation") {
        return Some(vec![name.clone(); gaps]);
    }
    bimt(described).map(|_| vec!["silu".to_owned(); gaps])
}

/// The activation behind each linear step but the last; the identity where there is none.
fn between(steps: &[(&str, &Value)]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut layers = 0;
    for (op, _) in steps {
        match *op {
            "linear" => {
                layers += 1;
                found.resize(layers - 1, "identity".to_owned());
            }
            name if layers > 0 => {
                found.resize(layers - 1, "identity".to_owned());
                found.push(name.to_owned());
            }
            _ => {}
        }
    }
    found.truncate(layers.max(1) - 1);
    found
}
