//! The trained networks of a sweep ranked, and one of them picked.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::args;
use crate::audit::rank::{Candidate, ranked, value};
use crate::audit::{Config, Stages, audit};
use crate::checkpoint::Checkpoint;
use crate::choice::Pick;
use crate::data::Dataset;
use crate::result::{Audit, Picked, Ranking, SCHEMA, Tool, json};
use crate::{ErrorKind, Result};

/// Ranks the networks in these folders by what their audits on their own test samples say.
pub(super) fn rank(pick: Pick, folders: &[&Path]) -> Result<Ranking> {
    let candidates: Result<Vec<Candidate>> = folders
        .par_iter()
        .map(|folder| candidate(pick, folder))
        .collect();
    Ok(ranked(pick, candidates?))
}

/// One network with its numbers.
fn candidate(pick: Pick, folder: &Path) -> Result<Candidate> {
    let audited = audited(folder)?;
    let values = pick.criteria().iter();
    Ok(Candidate {
        name: args::result_name(folder),
        path: folder.display().to_string(),
        values: values
            .map(|criterion| value(&audited, *criterion))
            .collect(),
    })
}

/// The audit of a trained network on its own test samples.
pub(super) fn audited(folder: &Path) -> Result<Audit> {
    let checkpoint = Checkpoint::open(folder)?;
    let data = Dataset::open(&folder.join("data.safetensors"), None)?;
    Ok(audit(&checkpoint, &data, &config(), &|_| ())?.result)
}

/// An audit of what networks are ranked by, and no more.
fn config() -> Config {
    let mut config = Config::new(args::command_words());
    config.stages = Stages {
        modules: true,
        circuits: false,
    };
    config.prune.curve = false;
    config.modules.null_samples = 0;
    config.modules.stability_seeds = 0;
    config.modules.resamples = 0;
    config
}

/// `pick.json` and what it holds.
pub(super) fn file(parent: &Path, ranking: &Ranking) -> Result<(PathBuf, Vec<u8>)> {
    let path = parent.join("pick.json");
    let picked = Picked {
        schema: SCHEMA.to_owned(),
        tool: Tool::this(),
        command: args::command_words(),
        ranking: ranking.clone(),
    };
    let mut text = Vec::new();
    let written = json::write(&picked, &mut text);
    written.map_err(|source| ErrorKind::Write { source }.at(&path))?;
    Ok((path, text))
}
