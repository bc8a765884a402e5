//! PyTorch's `.pt` and `.pth` files → named tensors, without executing anything.
//!
//! Such a file is a pickle, which is a program for a small stack machine, and the
//! bytes of its storages. Our machine builds plain values and tensors; whatever
//! else the program asks to be called is not called; where it may be the network, the
//! file is refused by its name. It
//! deliberately does not read whole pickled modules, sparse and quantised tensors.

mod callable;
mod container;
mod machine;
mod state;
mod value;
mod view;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::Tensor;
use crate::{ErrorKind, Result};

/// All tensors together may take this many times the bytes of their file, plus
/// [`ROOM`]: tensors may share a storage, and stand in it more than once.
const TIMES_THE_FILE: usize = 4;
/// What small files with shared storages may take beyond that.
const ROOM: usize = 16 << 20;

/// What can be wrong with a file, without its path.
#[derive(Debug)]
enum Fault {
    /// It is damaged, or no file that `torch.save` wrote.
    Broken(String),
    /// It is TorchScript: code beside the tensors.
    Script,
    /// It asks for this to be called.
    Foreign(String),
    /// It has no dictionary of tensors, or several.
    States(Vec<String>),
    /// This tensor does not fit its storage.
    Tensor(String, String),
    /// This tensor is of a type that is not read.
    Dtype(String, String),
}

/// Tensors by name, and the configuration that stands beside them.
type Contents = (BTreeMap<String, Tensor>, Map<String, Value>);

/// The tensors of the one dictionary of tensors in a file, and the configuration
/// that nanoGPT keeps beside it.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Contents> {
    let path = path.to_owned();
    if bytes.is_empty() {
        return Err(ErrorKind::EmptyFile.at(path));
    }
    contents(bytes).map_err(|fault| match fault {
        Fault::Broken(detail) => ErrorKind::TorchFile { detail }.at(path),
        Fault::Script => ErrorKind::TorchScript.at(path),
        Fault::Foreign(callable) => ErrorKind::ForeignCallable { callable }.at(path),
        Fault::States(found) => ErrorKind::StateDict { found }.at(path),
        Fault::Tensor(tensor, detail) => ErrorKind::TensorBytes { tensor, detail }.at(path),
        Fault::Dtype(tensor, dtype) => ErrorKind::TensorDtype { tensor, dtype }.at(path),
    })
}

fn contents(bytes: &[u8]) -> Result<Contents, Fault> {
    let container::Contents { values, storages } = container::open(bytes)?;
    let mut room = bytes.len().saturating_mul(TIMES_THE_FILE) + ROOM;
    let mut tensors = BTreeMap::new();
    for (name, view) in state::dictionary(&values)? {
        let tensor = view
            .tensor(&storages, &mut room)
            .map_err(|error| error.of_tensor(name))?;
        tensors.insert(name.to_owned(), tensor);
    }
    Ok((tensors, state::config(&values)))
}

#[cfg(test)]
mod tests;
