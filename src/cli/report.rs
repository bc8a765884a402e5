//! `modscope report`: draws a saved result again.

use std::path::{Path, PathBuf};

use super::Verdict;
use super::args::{self, Common};
use super::output::{self, Finished};
use crate::checkpoint::limited_read;
use crate::result::{Audit, SCHEMA};
use crate::{Error, Result};

/// Draw a saved result again
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  modscope report reports/a/audit.json --out reports/a-again")]
pub(super) struct Args {
    /// A result this tool has written
    result: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let name = format!("{}-report", args::result_name(&args.result));
    output::check_free(&args.common, &name, false)?;
    let result = open(&args.result)?;
    let command = args
        .result
        .file_stem()
        .map_or_else(|| "audit".into(), |stem| stem.to_string_lossy());
    let written = output::write(
        &args.common,
        Finished {
            command: &command,
            name: &name,
            result,
            graphs: &[],
            exports: &[],
            pruned: None,
            replace: false,
        },
    )?;
    output::print(&args.common, &written)
}

/// Reads a result, and says which of its parts is not as it should be.
fn open(path: &Path) -> Result<Audit> {
    let bytes = limited_read(path)?;
    if bytes.is_empty() {
        return Err(Error::EmptyFile {
            path: path.to_owned(),
        });
    }
    let fault = |error: serde_json::Error| Error::NotAResult {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    // The schema comes first: a result of another version lacks or has other parts.
    let head: Head = serde_json::from_slice(&bytes).map_err(fault)?;
    if head.schema != SCHEMA {
        return Err(Error::ResultSchema {
            path: path.to_owned(),
            found: head.schema,
            expected: SCHEMA,
        });
    }
    serde_json::from_slice(&bytes).map_err(fault)
}

/// The part of a result that every version has.
#[derive(serde::Deserialize)]
struct Head {
    schema: String,
}
