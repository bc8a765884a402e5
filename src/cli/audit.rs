//! `modscope audit`: everything in one run.

use std::path::PathBuf;

use super::args::{Common, DataArgs, Groups, ModelArgs, ModulesArgs, PruneArgs};
use super::certify::CertifyArgs;
use super::circuit::CircuitArgs;
use super::pipeline::{self, Job, PrunedTo};

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
    /// A .safetensors, .pt or .pth file, an index of shards, or a folder that holds one [default: the embedded example]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    groups: Groups,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    prune: PruneArgs,
    #[command(flatten)]
    certify: CertifyArgs,
    #[command(flatten)]
    modules: ModulesArgs,
    #[command(flatten)]
    circuits: CircuitArgs,
    /// Write the pruned network into the report's folder, in the layout it came in
    #[arg(long, help_heading = "Pruning")]
    write_pruned: bool,
    /// Write it without its idle neurons
    #[arg(long, requires = "write_pruned", help_heading = "Pruning")]
    compact: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut config = pipeline::config(&args.common, &args.model);
    args.prune.apply(&mut config);
    args.certify.apply(&mut config)?;
    args.modules.apply(&mut config);
    args.circuits.apply(&mut config)?;
    pipeline::run(
        &args.common,
        &Job {
            command: "audit",
            checkpoint: args.checkpoint.as_deref(),
            data: &args.data,
            by: args.groups.by.as_deref(),
            config,
            write_pruned: args.write_pruned.then_some(PrunedTo::Report),
            compact: args.compact,
            write_relocated: args.modules.write_relocated,
            over: &args.modules.over,
            exports: &[],
        },
    )
}
use crate::result::Status;
