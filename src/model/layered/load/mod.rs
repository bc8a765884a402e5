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
use crate::numeric::Scalar;
use crate::{Error, Result};

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
    ("output_activation", KeyRule::Refused(&[])),
];

/// Whether a configuration describes a layered network.
pub(in crate::model) fn is_layered(account: &Account<'_>) -> bool {
    let config = &account.checkpoint().config;
    let lists = config.get("layers").and_then(Value::as_array);
    let named = |layer: &Value| layer.get("op").is_some();
    lists.is_some_and(|layers| layers.iter().any(named)) || recurrent::kind(config).is_some()
}

/// Checks a checkpoint into a layered network.
///
/// # Errors
/// If the configuration does not fit the tensors, or names what is not computed.
pub(in crate::model) fn load<T: Scalar>(account: &Account<'_>) -> Result<Layered<T>> {
    match recurrent::kind(&account.checkpoint().config) {
        Some(kind) => recurrent::load(account, kind),
        None => plan::load(account),
    }
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
        Some((name, other)) => Err(Error::WeightDtype {
            path: account.checkpoint().path.clone(),
            tensor: name.clone(),
            dtype: other.name(),
            expected: format!("{} like `{first}`", dtype.name()),
        }),
    }
}
