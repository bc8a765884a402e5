//! ONNX models whose layers stand in one line, with residual sums on the way → named
//! tensors and their steps.
//!
//! | part | does |
//! |---|---|
//! | `wire`, `graph` | bytes → operators, constants, the shapes of inputs |
//! | `outside` | constants that lie in files beside the model |
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
mod outside;
mod pointwise;
mod recurrent;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;

use super::parse::Parts;
use super::{Bytes, Sum};
use crate::{ErrorKind, Result};
use outside::Outside;

/// The tensors and the configuration of a model; `file` is where it lies, if it is a file.
pub(super) fn read(path: &Path, bytes: Bytes, file: Option<&Path>) -> Result<Parts> {
    let mut outside = Outside::of(file);
    let read = |graph: graph::Graph| {
        let read = recurrent::read(&graph).unwrap_or_else(|| chain::chain(&graph));
        read.map_err(|detail| recurrent::laid_out(&graph).unwrap_or(detail))
    };
    let (tensors, config) = graph::graph(&bytes, &mut outside)
        .and_then(read)
        .map_err(|detail| ErrorKind::Onnx { detail }.at(path))?;
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    let mut files = vec![(own.into_owned(), bytes)];
    files.extend(outside.files());
    Ok(Parts {
        tensors,
        config,
        metadata: BTreeMap::new(),
        sha256: match files.as_slice() {
            [(_, model)] => Sum::of(model.clone()),
            _ => Sum::of_files(files),
        },
    })
}
