//! `modscope prune`: thresholds and verification alone.

use std::path::PathBuf;

use super::args::{Common, DataArgs, ModelArgs, PruneArgs};
use super::certify::CertifyArgs;
use super::pipeline::{self, Job, PrunedTo};
use crate::audit::Stages;
use crate::result::Status;

/// Prune connections below a threshold; verify the outputs on samples, or certify them for all inputs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope prune runs/a -o pruned.safetensors
  modscope prune runs/a --threshold 0.01 --tolerance 0.05
  modscope prune runs/a --certify --domain box:-1,1
  modscope prune runs/a --write-modules --out apart   (then: modscope inspect apart/modules/0)")]
pub(super) struct Args {
    /// A .safetensors, .pt or .pth file, an index of shards, or a folder that holds one
    checkpoint: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    prune: PruneArgs,
    #[command(flatten)]
    certify: CertifyArgs,
    /// Write the pruned network to this one .safetensors file, in the layout it came in
    #[arg(
        short = 'o',
        long = "output",
        alias = "write",
        value_name = "FILE",
        value_parser = safetensors,
        help_heading = "Pruning"
    )]
    write: Option<PathBuf>,
    /// Write it without its idle neurons: constants folded into biases, unread neurons gone
    #[arg(long, requires = "write", help_heading = "Pruning")]
    compact: bool,
    /// Write each module as a network of its own into the report's folder: `modules/0`, `modules/1`, …,
    /// and what joins them; the result says how far their outputs are from the pruned network's
    #[arg(long, help_heading = "Pruning")]
    write_modules: bool,
}

/// The name of a file that can be written.
pub(super) fn safetensors(text: &str) -> Result<PathBuf, String> {
    match text.ends_with(".safetensors") {
        true => Ok(PathBuf::from(text)),
        false => Err(
            "networks are written as safetensors: let the name end in `.safetensors`".to_owned(),
        ),
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut config = pipeline::config(&args.common, &args.model);
    args.prune.apply(&mut config);
    args.certify.apply(&mut config)?;
    config.apart = args.write_modules;
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
            by: None,
            config,
            write_pruned: args.write.clone().map(PrunedTo::File),
            compact: args.compact,
            write_relocated: false,
            over: &[],
            exports: &[],
        },
    )
}
