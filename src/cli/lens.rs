//! `modscope lens`: what a transformer's stream says on the way, and what writes it.

use std::path::PathBuf;

use super::args::{Common, DataArgs, ModelArgs, count};
use super::pipeline::Opened;
use super::{output, pipeline};
use crate::audit::{LensSettings, lens};
use crate::data::{self, ReadAt};
use crate::report;
use crate::result::{Status, fails};

/// Look through the stream of a transformer
///
/// The logit lens by layer and position, direct logit attribution by component and head,
/// attention patterns, and what heads and neurons read and write by their weights alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope lens gpt2/ --data prompts.jsonl
  modscope lens toy-ioi --sample 0,7 --top 10 --neurons 100")]
pub(super) struct Args {
    /// A .safetensors, .pt or .pth file, an index of shards, or a folder that holds one
    checkpoint: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    /// Samples that are shown position by position, from 0; several with commas [default: the first three]
    #[arg(
        long = "sample",
        value_delimiter = ',',
        value_name = "N",
        help_heading = "Lenses"
    )]
    shown: Vec<usize>,
    /// Outputs told of every direction
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = count(1, 1000), help_heading = "Lenses")]
    top: usize,
    /// Neurons told, those of the largest direct attribution
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = count(0, 100_000), help_heading = "Lenses")]
    neurons: usize,
    /// Where answers are read: last, all, or positions from 0 with commas [default: as the data say]
    #[arg(long, value_name = "WHERE", help_heading = "Lenses")]
    read: Option<ReadAt>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut config = pipeline::config(&args.common, &args.model);
    config.read.clone_from(&args.read);
    let Opened {
        name,
        progress,
        checkpoint,
        data,
    } = pipeline::open("lens", &args.common, &args.checkpoint, &args.data)?;
    let tokenizer = checkpoint.path.with_file_name("tokenizer.json");
    let mut settings = LensSettings {
        top: args.top,
        neurons: args.neurons,
        ..LensSettings::default()
    };
    if tokenizer.is_file() {
        settings.vocabulary = data::vocabulary(&tokenizer)?;
    }
    if !args.shown.is_empty() {
        settings.samples.clone_from(&args.shown);
    }
    let stage = |stage: &str| progress.stage(stage);
    let compute = || lens(&checkpoint, &data, &config, &settings, &stage);
    let mut result = args.common.in_pool(compute)??;
    result.summary = report::lens::words::summary(&result);
    let folder = output::folder(&args.common, &name);
    output::place(&args.common, folder.as_deref(), |dir| {
        report::write_lens(&result, dir, &args.common.figures.print())
    })?;
    progress.finish();
    output::told(&args.common, &result, &result.summary, folder.as_deref())?;
    Ok(match fails(&result.summary) {
        true => Status::Fails,
        false => Status::Holds,
    })
}
