//! Checkpoints of chains of linear layers → MLPs.
//!
//! | part | says |
//! |---|---|
//! | `modules` | what tensors make a layer, a norm, a slope, and how weights are stored |
//! | `order` | which layer follows which, from names and widths |
//! | `place` | between which layers norms and slopes stand |
//! | `plan` | all steps, from `config.json`, flags or the above |
//! | `build` | steps → layers, with norms folded in |
//!
//! Nothing is guessed: what names, shapes, configuration and flags leave open is
//! refused with what would say it. A chain with LayerNorms becomes a layered network;
//! residual sums are told by `layers` of `config.json` alone.

mod build;
mod modules;
mod order;
mod place;
mod plan;
mod steps;

use std::collections::BTreeMap;

use ndarray::Array1;
use serde_json::{Map, Value, json};

use super::{Linear, Mlp, OfLayer};
use crate::checkpoint::{Account, Dtype, KeyRule, Tensor};
use crate::model::options::{Options, Role};
use crate::model::readout::Readout;
use crate::numeric::{Activation, Scalar};
use crate::{ErrorKind, Result};
use build::Chain;
use modules::of;
pub(in crate::model) use plan::has_operation;

/// Keys of a chain's `config.json`.
pub(in crate::model) const KEYS: [(&str, KeyRule); 23] = [
    ("activation", KeyRule::Computed),
    ("activations", KeyRule::Computed),
    ("output_activation", KeyRule::Computed),
    ("layers", KeyRule::Computed),
    ("negative_slope", KeyRule::Computed),
    ("alpha", KeyRule::Computed),
    ("batch_norm_eps", KeyRule::Computed),
    ("layer_norm_eps", KeyRule::Computed),
    ("batch_norm", KeyRule::Harmless("the file's tensors say it")),
    (
        "dropout",
        KeyRule::Harmless("is off when a network is used"),
    ),
    ("input_names", KeyRule::Harmless("names")),
    ("output_names", KeyRule::Harmless("names")),
    (
        "other_outputs",
        KeyRule::Harmless("name the class that the outputs decide for"),
    ),
    (
        "both_classes",
        KeyRule::Harmless("holds 1 − p beside the p that is read"),
    ),
    ("residual", KeyRule::Refused(&[0.0])),
    ("skip", KeyRule::Refused(&[0.0])),
    ("skip_connections", KeyRule::Refused(&[0.0])),
    ("layer_norm", KeyRule::Computed),
    ("layernorm", KeyRule::Refused(&[0.0])),
    ("norm", KeyRule::Computed),
    ("normalize_inputs", KeyRule::Refused(&[0.0])),
    ("spectral_norm", KeyRule::Refused(&[0.0])),
    (
        "input_shape",
        KeyRule::Harmless("the first layer says how many inputs there are"),
    ),
];

/// What the names and settings of a chain give.
pub(in crate::model) enum Read {
    /// Linear layers with one function behind each.
    Chain(Box<Found>),
    /// Norms over the neurons of every sample too: `layers` as a `config.json` lists them,
    /// and where the activations are known from.
    Layers(Vec<Value>, &'static str),
}

/// A chain that was read, before it has a precision.
pub(in crate::model) struct Found {
    chain: Chain,
    /// The number type of the weights.
    pub dtype: Dtype,
    /// Where the activations are known from.
    pub source: &'static str,
    /// What is applied to the outputs last.
    pub readout: Option<Readout>,
    /// The tensors that are the network's weights and biases.
    pub roles: BTreeMap<String, Role>,
    /// The chain as plain layers, where the file has it otherwise.
    pub rewritten: Option<Rewritten>,
}

/// A network in plain tensors, as it is changed and written back.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewritten {
    /// `NAME.weight`, `NAME.bias`.
    pub tensors: BTreeMap<String, Tensor>,
    /// Its `config.json`.
    pub config: Map<String, Value>,
}

/// Reads the chain of a checkpoint.
///
/// # Errors
/// If its order, its activations or the kind of a module are not certain, tensors
/// are missing or do not fit, or something is named that is not computed.
pub(in crate::model) fn read(account: &Account<'_>, options: &Options) -> Result<Read> {
    let plan = plan::plan(account, options)?;
    if plan.is_layered() {
        return Ok(Read::Layers(plan.operations(), plan.source));
    }
    let chain = build::build(account, &plan.steps)?;
    let dtype = dtype(account, &chain)?;
    let plain = chain.layers.iter().all(|layer| layer.as_stored);
    let stored = |name: String| if plain { account.stored(&name) } else { name };
    Ok(Read::Chain(Box::new(Found {
        dtype,
        source: plan.source,
        readout: chain.readout,
        roles: roles(&chain, stored),
        rewritten: (!plain).then(|| rewritten(account, &chain, dtype)),
        chain,
    })))
}

impl Found {
    /// The network.
    pub fn mlp<T: Scalar>(&self) -> Mlp<T> {
        let layers: Vec<Linear<T>> = self.chain.layers.iter().map(linear).collect();
        let inputs = layers.first().map_or(0, |layer| layer.weight.ncols());
        let outputs = layers.last().map_or(0, |layer| layer.bias.len());
        Mlp {
            embedding: None,
            in_perm: (0..inputs).collect(),
            folds: 1,
            layers,
            activation: self.chain.activations(),
            out_perm: (0..outputs).collect(),
        }
    }
}

fn linear<T: Scalar>(layer: &modules::Layer) -> Linear<T> {
    let zeros = || Array1::zeros(layer.outputs());
    Linear {
        weight: layer.weight.numbers(),
        bias: layer
            .bias
            .as_ref()
            .map_or_else(zeros, |bias| bias.mapv(T::from_f64)),
    }
}

/// The number type of the weights: floating point, and the same in all of them.
fn dtype(account: &Account<'_>, chain: &Chain) -> Result<Dtype> {
    let modules: Vec<&str> = chain
        .layers
        .iter()
        .map(|layer| layer.name.as_str())
        .collect();
    let belongs = |name: &str| {
        let module = |module: &&str| module.is_empty() || name.starts_with(*module);
        modules.iter().any(module) && !name.ends_with("mask")
    };
    let mut found: Option<(Dtype, &str)> = None;
    for name in account.names().filter(|name| belongs(name)) {
        let Some(tensor) = account.look(name) else {
            continue;
        };
        let mismatch = |expected: String| {
            ErrorKind::WeightDtype {
                tensor: account.stored(name),
                dtype: tensor.dtype.name(),
                expected,
            }
            .at(account.checkpoint().path.clone())
        };
        let counter = name.ends_with("num_batches_tracked");
        match (tensor.dtype, found) {
            _ if counter => {}
            (Dtype::Integer(_), _) => return Err(mismatch("f64, f32, f16 or bf16".into())),
            (dtype, Some((other, first))) if dtype != other => {
                return Err(mismatch(format!("{} like `{first}`", other.name())));
            }
            (dtype, _) => found = Some((dtype, name)),
        }
    }
    Ok(found.map_or(Dtype::F32, |(dtype, _)| dtype))
}

fn roles(chain: &Chain, stored: impl Fn(String) -> String) -> BTreeMap<String, Role> {
    let mut roles = BTreeMap::new();
    for (index, layer) in chain.layers.iter().enumerate() {
        roles.insert(stored(of(&layer.name, "weight")), Role::Weight(index));
        if layer.bias.is_some() {
            roles.insert(stored(of(&layer.name, "bias")), Role::Bias(index));
        }
        let slopes = chain.gaps.get(index).and_then(|gap| gap.slopes.as_ref());
        if let Some(name) = slopes {
            roles.insert(stored(of(name, "weight")), Role::Slopes(index));
        }
    }
    roles
}

/// The chain in plain tensors of its own precision.
fn rewritten(account: &Account<'_>, chain: &Chain, dtype: Dtype) -> Rewritten {
    let numbers = |shape: &[usize], values: Vec<f64>| match dtype {
        Dtype::F64 => Tensor::of_floats(shape, &values),
        _ => {
            let single: Vec<f32> = values.iter().map(|x| *x as f32).collect();
            Tensor::of_floats(shape, &single)
        }
    };
    let mut tensors = BTreeMap::new();
    for layer in &chain.layers {
        let shape = [layer.outputs(), layer.inputs()];
        let weight = numbers(&shape, layer.weight.numbers().into_raw_vec_and_offset().0);
        tensors.insert(of(&layer.name, "weight"), weight);
        if let Some(bias) = &layer.bias {
            tensors.insert(
                of(&layer.name, "bias"),
                numbers(&[bias.len()], bias.to_vec()),
            );
        }
    }
    for name in chain.gaps.iter().filter_map(|gap| gap.slopes.as_ref()) {
        let name = of(name, "weight");
        if let Some(slopes) = account.look(&name) {
            tensors.insert(name, slopes.clone());
        }
    }
    account.tell("written back, the network is one of plain linear layers".to_owned());
    let mut config = account.checkpoint().config.clone();
    for (key, _) in KEYS
        .iter()
        .filter(|(_, rule)| matches!(rule, KeyRule::Computed))
    {
        config.remove(*key);
    }
    config.insert("layers".to_owned(), Value::Array(operations(chain)));
    Rewritten { tensors, config }
}

/// The chain as `layers` of a `config.json`.
fn operations(chain: &Chain) -> Vec<Value> {
    let mut operations = Vec::new();
    for (index, layer) in chain.layers.iter().enumerate() {
        let biased = layer.bias.is_some();
        operations.push(json!({"op": "linear", "name": layer.name, "bias": biased}));
        match chain.gaps.get(index) {
            None => {}
            Some(gap) => operations.push(match (&gap.of, &gap.slopes) {
                (_, Some(name)) => json!({"op": "prelu", "name": name}),
                (OfLayer::Same(activation), None) => operation(*activation),
                (OfLayer::Neurons(_), None) => {
                    unreachable!("activations per neuron come from a module of slopes")
                }
            }),
        }
    }
    operations.extend(
        chain
            .readout
            .map(|readout| json!({"op": readout.to_string()})),
    );
    operations
}

fn operation(activation: Activation) -> Value {
    json!({"op": activation.to_string()})
}
