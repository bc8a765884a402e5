//! The checkpoints of a training over which modules are followed.

use std::fs;
use std::path::{Path, PathBuf};

use super::args;
use crate::audit::{Snapshot, Training};
use crate::checkpoint::{Checkpoint, is_checkpoint};
use crate::model::Options;
use crate::{ErrorKind, Result};

/// What stands before the step in a checkpoint's name.
const WORDS: [&str; 6] = ["step", "checkpoint", "ckpt", "iter", "iteration", "epoch"];

/// The files that were named, and those in the folders that were: all of one training.
pub(super) fn files(over: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let files: Result<Vec<Vec<PathBuf>>> = over.iter().map(|path| in_it(path)).collect();
    Ok(files?.concat())
}

/// A checkpoint, or what a folder of checkpoints holds: files, and folders of one each.
fn in_it(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() || Checkpoint::open(path).is_ok() {
        return Ok(vec![path.to_owned()]);
    }
    let listing = fs::read_dir(path).map_err(|source| ErrorKind::Read { source }.at(path))?;
    let inside = listing.flatten().map(|entry| entry.path());
    let mut inside: Vec<PathBuf> = inside.filter(|p| p.is_dir() || is_checkpoint(p)).collect();
    inside.sort();
    match inside.is_empty() {
        true => Err(ErrorKind::NoCheckpointInFolder { found: Vec::new() }.at(path)),
        false => Ok(inside),
    }
}

/// The training of the checkpoint at `path` and of others, which have its configuration unless
/// they have their own; `None` where no others were named.
pub(super) fn training(
    path: &Path,
    own: &Checkpoint,
    others: &[PathBuf],
    options: &Options,
) -> Result<Option<Training>> {
    if others.is_empty() {
        return Ok(None);
    }
    let other = |path: &PathBuf| {
        let mut checkpoint = Checkpoint::open(path)?;
        if checkpoint.config.is_empty() {
            checkpoint.config.clone_from(&own.config);
        }
        snapshot(path, checkpoint)
    };
    let others: Result<Vec<Snapshot>> = others.iter().map(other).collect();
    Training::new(&snapshot(path, own.clone())?, &others?, options).map(Some)
}

/// A checkpoint and its step, by what the snapshot of a training says, else by its name, else
/// by `steps` of its configuration.
fn snapshot(path: &Path, checkpoint: Checkpoint) -> Result<Snapshot> {
    let stored = checkpoint.tensors.get("training.step");
    let stored = stored.and_then(|tensor| Some(*tensor.to_f64().first()? as usize));
    let configured = || Some(checkpoint.config.get("steps")?.as_u64()? as usize);
    let step = stored
        .or_else(|| named(&args::result_name(path)))
        .or_else(configured)
        .ok_or_else(|| ErrorKind::NoStep.at(&checkpoint.path))?;
    Ok(Snapshot { step, checkpoint })
}

/// The step in a name that is a number, or ends in one behind a word for it.
fn named(name: &str) -> Option<usize> {
    let before = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let words = before.trim_end_matches(['-', '_', '=', '.']).to_lowercase();
    let is_step = words.is_empty() || WORDS.iter().any(|word| words.ends_with(word));
    name[before.len()..].parse().ok().filter(|_| is_step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_where_a_name_says_it() {
        for (name, step) in [
            ("005000", Some(5000)),
            ("step-500", Some(500)),
            ("model_Step=20", Some(20)),
            ("checkpoint-1000", Some(1000)),
            ("epoch3", Some(3)),
            ("digits-bimt-s4", None),
            ("model", None),
            ("resnet18", None),
        ] {
            assert_eq!(named(name), step, "{name}");
        }
    }
}
