//! `modscope intervene`: a run with edits, and what moved.

mod parse;

use std::path::PathBuf;

use super::args::{Common, DataArgs, ModelArgs};
use super::pipeline::Opened;
use super::whole::{self, Staged};
use super::{output, pipeline, prune};
use crate::audit::intervene;
use crate::data::ReadAt;
use crate::metric::MetricKind;
use crate::patch::Fill;
use crate::report;
use crate::result::Status;
use crate::{ErrorKind, checkpoint::Checkpoint};

/// Run with edits of any site, edge, path or weight, and tell what moved
///
/// All edits are made at once. A site is named as in every result: x0, h1.3, y0; of a
/// transformer a0.h1, m0, a0.h1<q>, r2 (the stream after two sublayers), r2.5, b0.h7, b0.q3.
/// V is a number, several with commas for a site of several, @FILE.npy, or LOW..HIGH:N for a
/// sweep of N values in one of the edits. A site may end in @POSITIONS: a0.h1@3, r2@0-2; of a
/// recurrent network these are steps: h1.3@4.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope intervene runs/a --data runs/a/data.safetensors --set h1.3=0 --scale h1.4=0.5
  modscope intervene toy-ioi --ablate a0.h1,m0 --fill mean --edge 'a0.h2->a1.h0<q>'
  modscope intervene toy-ioi --add r2=@steer.npy --add r2.5@3=-2..2:9
  modscope intervene runs/a --weight 'x1->h1.3=0' -o edited.safetensors")]
pub(super) struct Args {
    /// A .safetensors, .pt or .pth file, an index of shards, or a folder that holds one
    checkpoint: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    /// Set what a site writes; may be repeated, as all edits
    #[arg(long, value_name = "SITE=V", help_heading = "Edits")]
    set: Vec<String>,
    /// Multiply what a site writes
    #[arg(long, value_name = "SITE=K", help_heading = "Edits")]
    scale: Vec<String>,
    /// Add to what a site writes
    #[arg(long, value_name = "SITE=V", help_heading = "Edits")]
    add: Vec<String>,
    /// Give every sample what a site writes in this sample
    #[arg(long, value_name = "SITE=SAMPLE", help_heading = "Edits")]
    patch: Vec<String>,
    /// Put the fill in place of what sites write; several with commas
    #[arg(
        long,
        value_name = "SITES",
        value_delimiter = ',',
        help_heading = "Edits"
    )]
    ablate: Vec<String>,
    /// Set the message of an edge; without =V it is filled
    #[arg(long, value_name = "A->B[=V]", help_heading = "Edits")]
    edge: Vec<String>,
    /// Change the message of the first edge of a path, and along it nothing but what that changes
    #[arg(long, value_name = "A->B->C[=V]", help_heading = "Edits")]
    path: Vec<String>,
    /// Set a weight, by the sites it connects at the granularity of weights
    #[arg(long, value_name = "A->B=V", help_heading = "Edits")]
    weight: Vec<String>,
    /// What fills: zero, mean, corrupted or resample
    #[arg(
        long,
        default_value = "zero",
        value_name = "FILL",
        help_heading = "Edits"
    )]
    fill: Fill,
    /// Positions of a transformer's samples, or steps of a recurrent network, at which edits are made that name none: 3 or 0-2,5
    #[arg(long, value_name = "LIST", value_parser = parse::positions, help_heading = "Edits")]
    positions: Option<parse::Positions>,
    /// What the effect is on [default: logit-diff for classes, mse for targets]
    #[arg(long, value_name = "K", help_heading = "Edits")]
    metric: Option<MetricKind>,
    /// Where a transformer's answers are read: last, all, or positions from 0 with commas [default: as the data say]
    #[arg(long, value_name = "WHERE", help_heading = "Edits")]
    read: Option<ReadAt>,
    /// Write the network with its edited weights to this one .safetensors file
    #[arg(short = 'o', long = "output", value_name = "FILE", value_parser = prune::safetensors, help_heading = "Edits")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let plan = parse::plan(args)?;
    if args.output.is_some() && (plan.weights.is_empty() || !plan.edits.is_empty()) {
        anyhow::bail!(
            "`--output` writes a network whose weights were edited: give `--weight` edits and no \
             other; edits of sites, edges and paths are no network's"
        );
    }
    let mut config = pipeline::config(&args.common, &args.model);
    config.read.clone_from(&args.read);
    if let Some(path) = &args.output {
        output::check_free_file(&args.common, path)?;
    }
    let Opened {
        name,
        progress,
        checkpoint,
        data,
    } = pipeline::open("intervene", &args.common, &args.checkpoint, &args.data)?;
    let stage = |stage: &str| progress.stage(stage);
    let compute = || intervene(&checkpoint, &data, &config, &plan, &stage);
    let outcome = args.common.in_pool(compute)??;
    let mut result = outcome.result;
    result.written = args.output.as_ref().map(|path| path.display().to_string());
    result.summary = report::intervene::words::summary(&result);
    let folder = output::folder(&args.common, &name);
    let mut staged = Vec::new();
    if let Some(folder) = &folder {
        output::check_replaceable(folder, args.common.force)?;
        staged.push(Staged::folder(folder, args.common.force, |dir| {
            report::write_intervention(&result, dir, &args.common.figures.print())
        })?);
    }
    if let (Some(path), Some(network)) = (&args.output, &outcome.edited) {
        staged.push(Staged::file(
            path,
            args.common.force,
            &bytes(path, network)?,
        )?);
    }
    whole::place(staged)?;
    progress.finish();
    output::told(&args.common, &result, &result.summary, folder.as_deref())?;
    Ok(Status::Note)
}

/// A network as the bytes of its file.
fn bytes(path: &std::path::Path, network: &Checkpoint) -> crate::Result<Vec<u8>> {
    network.to_bytes().map_err(|error| {
        ErrorKind::Write {
            source: std::io::Error::other(error),
        }
        .at(path)
    })
}
