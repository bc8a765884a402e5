//! `certificate.json` and the networks that it speaks of, beside the report.

use std::io;
use std::path::{Path, PathBuf};

use crate::audit::{Outcome, Proved};
use crate::checkpoint::{Checkpoint, Sum};
use crate::prune::certify::Logged;
use crate::{Error, ErrorKind, Result};

/// The file of a proof log.
pub(super) const NAME: &str = "certificate.json";
/// The pruned network that it speaks of.
const PRUNED: &str = "pruned.safetensors";
/// Its name where the other is that of the network without idle neurons.
const ZEROED: &str = "zeroed.safetensors";
/// The network as it was, where its own file cannot be read by a simple reader.
const ORIGINAL: &str = "original.safetensors";

/// What is written beside the report as `pruned.safetensors` already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    Nothing,
    Pruned,
    Compacted,
}

/// The files of a proof, whose size the result is told.
pub(super) fn logged(
    checkpoint: &Checkpoint,
    outcome: &mut Outcome,
    beside: Beside,
) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let (Some(proved), Some(pruned)) = (outcome.proof.take(), &outcome.pruned) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    let name = match beside {
        Beside::Nothing | Beside::Pruned => PRUNED,
        Beside::Compacted => ZEROED,
    };
    let after = bytes(pruned)?;
    let after_log = Logged {
        path: name.to_owned(),
        sha256: sum(&after),
        from: None,
    };
    let before_log = original(checkpoint, &proved, &mut files)?;
    let log = proved
        .proof
        .to_json(&before_log, &after_log, &proved.layers);
    let log = log.map_err(|source| failed(NAME, source))?;
    let certificate = outcome.result.prune.as_mut();
    let certificate = certificate.and_then(|prune| prune.certificate.as_mut());
    if let Some(told) = certificate.and_then(|certificate| certificate.log.as_mut()) {
        NAME.clone_into(&mut told.path);
        told.bytes = log.len() as u64;
    }
    files.push((NAME.into(), log));
    if beside != Beside::Pruned {
        files.push((name.into(), after));
    }
    Ok(files)
}

/// The file of the network as it was: its own, or one that is written here.
fn original(
    checkpoint: &Checkpoint,
    proved: &Proved,
    files: &mut Vec<(PathBuf, Vec<u8>)>,
) -> Result<Logged> {
    let file = &checkpoint.path;
    let plain = file
        .extension()
        .is_some_and(|ending| ending == "safetensors")
        && file.is_file();
    let path = file.display().to_string();
    let sha256 = checkpoint
        .sha256
        .compute()
        .map_err(|source| failed(&path, source))?;
    if plain && proved.rewritten.is_none() {
        let from = None;
        return Ok(Logged { path, sha256, from });
    }
    let written = bytes(proved.rewritten.as_ref().unwrap_or(checkpoint))?;
    let logged = Logged {
        path: ORIGINAL.to_owned(),
        sha256: sum(&written),
        from: Some((path, sha256)),
    };
    files.push((ORIGINAL.into(), written));
    Ok(logged)
}

fn bytes(network: &Checkpoint) -> Result<Vec<u8>> {
    network
        .to_bytes()
        .map_err(|error| failed(PRUNED, io::Error::other(error)))
}

fn sum(bytes: &[u8]) -> String {
    Sum::of(bytes.to_vec().into()).to_string()
}

fn failed(path: &str, source: io::Error) -> Error {
    ErrorKind::Write { source }.at(Path::new(path).to_owned())
}
