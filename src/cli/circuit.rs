//! `modscope circuit`: node ablation and circuits alone.

use std::path::PathBuf;

use super::Verdict;
use super::args::{Common, DataArgs, ModelArgs, PruneArgs, at_least_one, not_negative};
use super::pipeline::{self, Job};
use crate::audit::{CircuitsConfig, Config, Method, Stages};
use crate::circuit::Sign;
use crate::metric::MetricKind;
use crate::patch::Fill;
use crate::prune::Threshold;

/// Discover the circuit of every output or class
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope circuit runs/a --data runs/a/data.safetensors --method acdc --metric logit-diff --fill mean
  modscope circuit runs/a --prune-threshold 0 --method exact --top 50")]
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
    circuits: CircuitArgs,
    /// ACDC's τ, in units of the metric [default: swept]
    #[arg(
        short,
        long,
        value_name = "TAU",
        value_parser = not_negative,
        allow_negative_numbers = true,
        help_heading = "Circuits"
    )]
    threshold: Option<f64>,
    /// Prune weights with |w| below this first: a number, or `auto`
    #[arg(long, default_value = "0", value_name = "X", help_heading = "Pruning")]
    prune_threshold: Threshold,
}

/// How circuits are found.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CircuitArgs {
    /// How circuits are found: exact, acdc; several with commas
    #[arg(
        long = "method",
        default_value = "exact,acdc",
        value_delimiter = ',',
        value_name = "M",
        help_heading = "Circuits"
    )]
    methods: Vec<Method>,
    /// What a circuit must keep [default: logit-diff for classes, mse for targets]
    #[arg(long, value_name = "K", help_heading = "Circuits")]
    metric: Option<MetricKind>,
    /// What stands in for a patched message: zero, mean, corrupted, resample
    #[arg(
        long,
        default_value = "mean",
        value_name = "F",
        help_heading = "Circuits"
    )]
    fill: Fill,
    /// Which effects ACDC heeds: signed (only a worsening) or absolute
    #[arg(
        long,
        default_value = "absolute",
        value_name = "S",
        help_heading = "Circuits"
    )]
    sign: Sign,
    /// Number of edges of a circuit from scores [default: the smallest faithful one]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Circuits")]
    top: Option<usize>,
    /// A circuit is faithful when |1 − faithfulness| is at most this
    #[arg(
        long,
        default_value_t = 0.05,
        value_name = "X",
        value_parser = not_negative,
        allow_negative_numbers = true,
        help_heading = "Circuits"
    )]
    within: f64,
    /// What the edges are: weights of an MLP
    #[arg(long, default_value = "weight", value_parser = ["weight"], value_name = "G", help_heading = "Circuits")]
    granularity: String,
}

impl CircuitArgs {
    pub fn apply(&self, config: &mut Config) {
        config.circuits = CircuitsConfig {
            methods: self.methods.clone(),
            metric: self.metric,
            fill: self.fill,
            sign: self.sign,
            threshold: None,
            top: self.top,
            within: self.within,
        };
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let mut config = pipeline::config(&args.common, &args.model);
    args.circuits.apply(&mut config);
    config.circuits.threshold = args.threshold;
    config.stages = Stages {
        modules: false,
        circuits: true,
    };
    PruneArgs::at(args.prune_threshold).apply(&mut config);
    pipeline::run(
        &args.common,
        &Job {
            command: "circuit",
            checkpoint: Some(&args.checkpoint),
            data: &args.data,
            config,
            write_pruned: None,
            compact: false,
            write_relocated: false,
        },
    )
}
