//! Weights are edited in the file's tensors and read again, so that what runs is what is written.

use super::{Config, Files, WeightEdit};
use crate::checkpoint::Checkpoint;
use crate::model::Loaded;
use crate::{Error, ErrorKind, Result};

/// How far a stored weight may be from what was asked for: the rounding of the coarsest
/// float that is stored, bf16, relative.
const ROUNDING: f64 = 1.0 / 128.0;

/// The checkpoint with these weights, and the network that it holds.
pub fn rewritten(
    files: Files<'_>,
    config: &Config,
    edits: &[WeightEdit],
) -> Result<(Checkpoint, Loaded)> {
    let mut written = files.loaded.editable(files.checkpoint);
    for edit in edits {
        let wrong = |detail: &str| wrong(files, edit, detail);
        let entries = files.loaded.weights_between(&edit.from, &edit.to);
        if entries.is_empty() {
            return Err(wrong("no weight leads from the one site to the other"));
        }
        for entry in entries {
            let tensor = entry.tensor.and_then(|name| written.tensors.get_mut(&name));
            if !tensor.is_some_and(|tensor| tensor.set(entry.index, edit.value)) {
                return Err(wrong("no tensor of the file holds this weight by itself"));
            }
        }
    }
    let loaded = Loaded::from_checkpoint(&written, config.model.clone())?;
    for edit in edits {
        let stored = loaded.weights_between(&edit.from, &edit.to);
        let is_there = |value: f64| (value - edit.value).abs() <= ROUNDING * edit.value.abs();
        // Of two edits of one weight the later stands.
        let last = edits
            .iter()
            .rfind(|e| (&e.from, &e.to) == (&edit.from, &edit.to));
        if last == Some(edit) && !stored.iter().all(|entry| is_there(entry.value)) {
            let detail = "the file stores this weight multiplied into others, or normalised";
            return Err(wrong(files, edit, detail));
        }
    }
    Ok((written, loaded))
}

fn wrong(files: Files<'_>, edit: &WeightEdit, detail: &str) -> Error {
    ErrorKind::WrongEdit {
        edit: format!("{}->{}", edit.from, edit.to),
        detail: detail.to_owned(),
    }
    .at(&files.checkpoint.path)
}
