//! Properties of verification as domains: the inputs that a VNN-LIB 1.0 file allows.
//!
//! A file declares inputs `X_0, X_1, …` and outputs `Y_0, Y_1, …` and asserts bounds of inputs
//! (a box, or an `or` of boxes) and inequalities of outputs. Equivalence asks of inputs alone:
//! assertions on outputs are counted and told, and no part of what is proved. Numbers are read
//! to the nearest f64. Everything else is refused by its line.
//!
//! Source: Demarchi, Guidotti, Pulina and Tacchella 2023, and <https://www.vnnlib.org>.

mod boxes;
mod expression;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::Domain;
use crate::checkpoint::{limited_read, sha256};
use crate::{ErrorKind, Result};

/// What a file of a property says.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// The file.
    pub path: PathBuf,
    /// Of its bytes.
    pub sha256: String,
    /// The inputs that it allows, each box by feature.
    pub domain: Domain,
    /// Outputs that it declares.
    pub outputs: usize,
    /// Assertions that speak of outputs: they are not used.
    pub on_outputs: usize,
}

/// What a file says that is no property of this kind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    /// From 1.
    line: usize,
    detail: String,
}

impl Fault {
    fn new<T>(line: usize, detail: impl Into<String>) -> std::result::Result<T, Self> {
        let detail = detail.into();
        Err(Self { line, detail })
    }
}

impl Property {
    /// Reads a `.vnnlib` file.
    ///
    /// # Errors
    /// If the file cannot be read, or asserts what is no bound of one input and no inequality of
    /// outputs, leaves an input unbounded, or allows none: by its line.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = limited_read(path)?;
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(e) => {
                let position = e.valid_up_to();
                return Err(ErrorKind::NotUtf8 { position }.at(path));
            }
        };
        let read = boxes::read(text)
            .map_err(|Fault { line, detail }| ErrorKind::Property { line, detail }.at(path))?;
        let mut allowed = read.boxes;
        let domain = match (allowed.len(), allowed.pop()) {
            (1, Some(only)) => Domain::Box(only),
            (_, last) => Domain::Boxes(allowed.into_iter().chain(last).collect()),
        };
        Ok(Self {
            path: path.to_owned(),
            sha256: sha256(&bytes),
            domain,
            outputs: read.outputs,
            on_outputs: read.on_outputs,
        })
    }
}
