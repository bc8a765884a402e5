//! A line of a file that holds a sample in each.

use std::path::Path;

use serde_json::{Map, Value};

use crate::{Error, ErrorKind};

/// The number of a line, from 0, and the sample it holds.
pub(super) type Line = (usize, Map<String, Value>);

/// An error for what stands in a line.
pub(super) fn fault(path: &Path, number: usize, detail: &str) -> Error {
    ErrorKind::Table {
        detail: format!("line {}: {detail}", number + 1),
    }
    .at(path)
}
