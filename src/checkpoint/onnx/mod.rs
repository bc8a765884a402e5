//! ONNX models that are a chain of linear layers → named tensors and their steps.
//!
//! The steps become `layers` of the configuration, so that norms, activations and
//! functions of the outputs are read as from any other file. An operator that is not
//! computed refuses the model by its name.

mod chain;
mod graph;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::Tensor;
use crate::{Error, Result};

/// The tensors and the configuration of a model.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
) -> Result<(BTreeMap<String, Tensor>, Map<String, Value>)> {
    let graph = graph::graph(bytes).and_then(|graph| chain::chain(&graph));
    graph.map_err(|detail| Error::Onnx {
        path: path.to_owned(),
        detail,
    })
}
