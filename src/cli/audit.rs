//! `modscope audit`: everything in one run.

use std::path::PathBuf;

use super::args::{self, Common, DataArgs, ModelArgs, ModulesArgs, PruneArgs};
use super::circuit::CircuitArgs;
use super::output::{self, Finished};
use super::progress::Progress;
use super::{Verdict, example};
use crate::audit::{Config, audit};

/// Prune and verify, find modules, discover circuits, write a report
///
/// With no checkpoint, the embedded example is audited: a BIMT network trained
/// on two independent formulas.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope audit
  modscope audit runs/a/model.safetensors --data runs/a/data.safetensors --out reports/a
  modscope audit runs/a --threshold 0.01 --tolerance 0.05 --json | jq .prune.verified")]
pub(super) struct Args {
    /// A .safetensors file, or a folder that holds one
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    prune: PruneArgs,
    #[command(flatten)]
    modules: ModulesArgs,
    #[command(flatten)]
    circuits: CircuitArgs,
    /// Write the pruned network to the report's folder, in the layout it came in
    #[arg(long, help_heading = "Pruning")]
    write_pruned: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Verdict> {
    let name = args.checkpoint.as_deref().map_or_else(|| "example".to_owned(), args::result_name);
    // The example's report can be made again at any time.
    let replace = args.checkpoint.is_none() && args.common.out.is_none();
    output::check_free(&args.common, &name, replace)?;
    let progress = Progress::new(&args.common);
    progress.stage("reading files");
    let (checkpoint, data) = match &args.checkpoint {
        Some(path) => (args::open_checkpoint(path)?, args::open_data(&args.data, path)?),
        None => example::open(&args.data)?,
    };
    let mut config = Config::new(args::command_words());
    config.seed = args.common.seed;
    config.model = args.model.options();
    args.prune.apply(&mut config);
    args.modules.apply(&mut config);
    args.circuits.apply(&mut config);
    let outcome = args.common.in_pool(|| audit(&checkpoint, &data, &config, &|stage| progress.stage(stage)))??;
    progress.stage("writing the report");
    let finished = Finished {
        command: "audit",
        name: &name,
        result: outcome.result,
        pruned: args.write_pruned.then_some(&outcome.pruned),
        replace,
    };
    progress.finish();
    output::finish(&args.common, finished)
}
