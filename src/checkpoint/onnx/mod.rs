//! ONNX models whose layers stand in one line, with residual sums on the way → named
//! tensors and their steps.
//!
//! | part | does |
//! |---|---|
//! | `wire`, `graph` | bytes → operators, constants, the shapes of inputs |
//! | `outputs` | which output is the network's, and which name its class |
//! | `chain` | follows the values from input to output |
//! | `operator`, `maps` | one operator → one step |
//! | `branches` | residual sums |
//! | `pointwise` | operators that are one activation together |
//! | `recurrent` | RNN, GRU, LSTM |
//!
//! The steps become `layers` of the configuration, so that norms, activations and
//! functions of the outputs are read as from any other file. An operator that is not
//! computed refuses the model by its name.

mod branches;
mod chain;
mod graph;
mod maps;
mod operator;
mod outputs;
mod pointwise;
mod recurrent;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::Tensor;
use crate::{ErrorKind, Result};

/// The tensors and the configuration of a model.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
) -> Result<(BTreeMap<String, Tensor>, Map<String, Value>)> {
    let read = |graph| recurrent::read(&graph).unwrap_or_else(|| chain::chain(&graph));
    graph::graph(bytes)
        .and_then(read)
        .map_err(|detail| ErrorKind::Onnx { detail }.at(path))
}
