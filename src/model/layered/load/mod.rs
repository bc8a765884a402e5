//! Checkpoints → layered networks: convolutional ones, whose `config.json` lists
//! every layer in order, and recurrent ones of PyTorch's names.
//!
//! Tensors cannot say strides, pools or what stands between layers, so that is
//! never guessed: without the list, such a network is refused.

mod builder;
mod plan;
mod recurrent;

use serde_json::Value;

use super::Layered;
use crate::checkpoint::{Account, Dtype, KeyRule};
use crate::model::mlp::load::has_operation;
use crate::model::readout::Readout;
use crate::numeric::{Activation, Scalar};
use crate::{ErrorKind, Result};

/// What a configuration says beside what is asked for here.
pub(in crate::model) const KEYS: &[(&str, KeyRule)] = &[
    ("input_shape", KeyRule::Computed),
    ("layers", KeyRule::Computed),
    ("architecture", KeyRule::Computed),
    ("hidden_size", KeyRule::Computed),
    ("nonlinearity", KeyRule::Computed),
    ("readout", KeyRule::Computed),
    ("rnn", KeyRule::Computed),
    ("linear", KeyRule::Computed),
    ("num_layers", KeyRule::Computed),
    ("bidirectional", KeyRule::Computed),
    ("output_activation", KeyRule::Computed),
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
];

/// Whether a configuration describes a layered network: a recurrent one, or a list of
/// layers of which one is none of a chain's.
pub(in crate::model) fn is_layered(account: &Account<'_>) -> bool {
    let config = &account.checkpoint().config;
    let lists = config.get("layers").and_then(Value::as_array);
    let op = |layer: &Value| layer.get("op").and_then(Value::as_str).map(str::to_owned);
    let beyond = |layer: &Value| op(layer).is_some_and(|op| !has_operation(&op));
    lists.is_some_and(|layers| layers.iter().any(beyond)) || recurrent::kind(config).is_some()
}

/// Checks a checkpoint into a layered network of the layers that its configuration lists,
/// or of these, and what it applies to its outputs last.
///
/// # Errors
/// If the configuration does not fit the tensors, or names what is not computed.
pub(in crate::model) fn load<T: Scalar>(
    account: &Account<'_>,
    layers: Option<Vec<Value>>,
) -> Result<(Layered<T>, Option<Readout>)> {
    let settings = account.settings();
    // Layers that were given hold what stands at the end.
    let said = match layers {
        None => settings.word("output_activation")?,
        Some(_) => None,
    };
    let (network, listed) = match recurrent::kind(&account.checkpoint().config) {
        Some(kind) => (recurrent::load(account, kind)?, None),
        None => plan::load(account, layers)?,
    };
    let readout = match said.map(|word| (word, word.parse::<Readout>(), word.parse())) {
        None | Some((_, _, Ok(Activation::Identity))) => listed,
        Some((_, Ok(readout), _)) if listed.is_none_or(|other| other == readout) => Some(readout),
        Some((word, ..)) => return Err(settings.unsupported("output_activation", word)),
    };
    account.tell_readout(readout.map(|readout| readout.to_string()));
    Ok((network, readout))
}

/// The number type of the weights: floating point, and one in all of them.
pub(in crate::model) fn dtype(account: &Account<'_>) -> Result<Dtype> {
    let float = |name: &str| {
        let dtype = account.look(name)?.dtype;
        (!matches!(dtype, Dtype::Integer(_))).then(|| (name.to_owned(), dtype))
    };
    let floats: Vec<(String, Dtype)> = account.names().filter_map(float).collect();
    let Some((first, dtype)) = floats.first() else {
        return Ok(Dtype::F32);
    };
    match floats.iter().find(|(_, other)| other != dtype) {
        None => Ok(*dtype),
        Some((name, other)) => Err(ErrorKind::WeightDtype {
            tensor: name.clone(),
            dtype: other.name(),
            expected: format!("{} like `{first}`", dtype.name()),
        }
        .at(account.checkpoint().path.clone())),
    }
}
