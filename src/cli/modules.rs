//! `modscope modules`: communities, null models, lesions and independence alone.

use std::path::PathBuf;

use super::args::{Common, DataArgs, ModelArgs, ModulesArgs, PruneArgs, result_name};
use super::output::{self, Finished};
use super::pipeline::{self, Job};
use super::progress::Progress;
use crate::audit::{Config, Granularity, Stages, graph};
use crate::result::Status;

/// Find the modules of the pruned network and test them against chance
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope modules runs/a
  modscope modules runs/a --threshold 0.01 --resolution 0.5 --null layer:500
  modscope modules runs/gpt --granularity neuron --edge-weight spread
  modscope modules runs/a --over runs/a.snapshots   # as `train --snapshot-every` leaves them
  modscope modules edges.csv                 # any weighted graph: columns from, to, weight
  modscope modules graph.graphml --algorithm sbm")]
pub(super) struct Args {
    /// A .safetensors, .pt or .pth file, an index of shards, or a folder that holds one; or a
    /// weighted graph: .graphml, .csv or .tsv
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
    modules: ModulesArgs,
    /// What a transformer's modules are made of: component (heads and MLPs), or neuron (channels of the residual stream, neurons of heads and MLPs) [default: component]
    #[arg(long, value_name = "G", help_heading = "Modules")]
    granularity: Option<Granularity>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut config = pipeline::config(&args.common, &args.model);
    args.prune.apply(&mut config);
    args.modules.apply(&mut config);
    if graph::is_graph(&args.checkpoint) {
        return of_graph(args, &config);
    }
    config.circuits.granularity = args.granularity;
    config.stages = Stages {
        modules: true,
        circuits: false,
    };
    pipeline::run(
        &args.common,
        &Job {
            command: "modules",
            checkpoint: Some(&args.checkpoint),
            data: &args.data,
            by: None,
            config,
            write_pruned: None,
            compact: false,
            write_relocated: args.modules.write_relocated,
            over: &args.modules.over,
            exports: &[],
        },
    )
}

/// The modules of a graph that is no network.
fn of_graph(args: &Args, config: &Config) -> anyhow::Result<Status> {
    if args.data.data.is_some() || args.granularity.is_some() || !args.modules.over.is_empty() {
        anyhow::bail!("`--data`, `--granularity` and `--over` are of networks; this is a graph");
    }
    let (common, name) = (&args.common, result_name(&args.checkpoint));
    output::check_free(common, &name, false)?;
    let progress = Progress::new(common);
    progress.stage("finding modules");
    let result = common.in_pool(|| graph::graph(&args.checkpoint, config))??;
    let finished = Finished::alone(common, ("modules", &name), result);
    let written = output::write(common, finished)?;
    progress.finish();
    output::print(common, &written)
}
