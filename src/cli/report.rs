//! `modscope report`: draws a saved result again.

use std::path::PathBuf;

use anyhow::Context as _;

use super::Verdict;
use super::args::{self, Common};
use super::output::{self, Finished};
use crate::Error;
use crate::result::{Audit, SCHEMA};

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
    let text = std::fs::read_to_string(&args.result).map_err(|source| Error::Read {
        path: args.result.clone(),
        source,
    })?;
    let result: Audit = serde_json::from_str(&text).with_context(|| {
        format!(
            "`{}` is no result of this tool ({SCHEMA})",
            args.result.display()
        )
    })?;
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
            pruned: None,
            replace: false,
        },
    )?;
    output::print(&args.common, &written)
}
