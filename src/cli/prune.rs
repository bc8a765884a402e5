//! `modscope prune`: thresholds and verification alone.

use std::path::PathBuf;

use super::Verdict;
use super::args::{Common, DataArgs, ModelArgs, PruneArgs};
use super::pipeline::{self, Job, PrunedTo};
use crate::audit::Stages;

/// Prune connections below a threshold and verify the outputs on samples
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope prune runs/a --write pruned.safetensors
  modscope prune runs/a --threshold 0.01 --tolerance 0.05")]
pub(super) struct Args {
    /// A .safetensors file, or a folder that holds one
    checkpoint: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    prune: PruneArgs,
    /// Write the pruned network to this file, in the layout it came in
    #[arg(long, value_name = "FILE", help_heading = "Pruning")]
    write: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let mut config = pipeline::config(&args.common, &args.model);
    args.prune.apply(&mut config);
    config.stages = Stages {
        modules: false,
        circuits: false,
    };
    pipeline::run(
        &args.common,
        &Job {
            command: "prune",
            checkpoint: Some(&args.checkpoint),
            data: &args.data,
            config,
            write_pruned: args.write.clone().map(PrunedTo::File),
        },
    )
}
