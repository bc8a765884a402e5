//! `modscope stability`: every analysis that a reviewer would accept, beside each other.

use std::fmt::Display;
use std::path::PathBuf;

use super::args::{Common, DataArgs, ModelArgs, at_least_one, count};
use super::axes::Axes;
use super::journal::{self, OnDisk};
use super::pipeline::Opened;
use super::{output, pipeline};
use crate::audit::{Granularity, Grid, Method, multiverse};
use crate::choice::{Selection, Sign};
use crate::data::ReadAt;
use crate::metric::MetricKind;
use crate::patch::Fill;
use crate::prune::Threshold;
use crate::report;
use crate::result::Status;

/// How edges are scored unasked.
const USUAL: [Method; 3] = [Method::Eap, Method::EapIgInputs, Method::CleanCorrupted];

/// Sets of samples unasked, and at most.
const SETS: usize = 20;
const MOST_SETS: usize = 10_000;

/// Draws of a fill at most.
const MOST_SEEDS: usize = 1_000;

/// Would another honest analyst have found the same circuit
///
/// Edges are scored by every method, fill and metric, and circuits taken of every size or
/// faithfulness and over resamples of the samples; what all these analyses agree on is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope stability runs/a --data runs/a/data.safetensors
  modscope stability toy-ioi --method eap,eap-ig-inputs --top 20,50 --sample-sets 50 --claim 'a0.h1->m0'")]
pub(super) struct Args {
    /// A .safetensors, .pt or .pth file, an index of shards, or a folder that holds one
    checkpoint: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    /// A TOML file of axes, whose keys are these flags: method, fill, metric, selection, order, top, faithfulness, seeds, granularity, sample-sets, claim; a flag counts in place of its key
    #[arg(long, value_name = "FILE", help_heading = "Axes")]
    axes: Option<PathBuf>,
    /// How edges are scored: eap, relp, eap-qk, atp-star, eap-ig-inputs, eap-ig-activations, clean-corrupted, exact; several with commas [default: eap,eap-ig-inputs,clean-corrupted]
    #[arg(
        long = "method",
        value_delimiter = ',',
        value_name = "M",
        value_parser = by_sample,
        help_heading = "Axes"
    )]
    methods: Vec<Method>,
    /// What stands in for a patched message; several with commas [default: zero, mean, resample, and corrupted where the data have pairs]
    #[arg(
        long = "fill",
        value_delimiter = ',',
        value_name = "F",
        help_heading = "Axes"
    )]
    fills: Vec<Fill>,
    /// What a circuit must keep; several with commas [default: logit-diff and cross-entropy for classes, mse for targets]
    #[arg(
        long = "metric",
        value_delimiter = ',',
        value_name = "K",
        help_heading = "Axes"
    )]
    metrics: Vec<MetricKind>,
    /// How edges are taken: absolute (by the size of their effect) or signed (only where the metric is worse without them); several with commas [default: absolute]
    #[arg(
        long = "selection",
        value_delimiter = ',',
        value_name = "S",
        help_heading = "Axes"
    )]
    signs: Vec<Sign>,
    /// In which order edges are taken: top (the strongest first) or greedy (grown from the outputs backwards); several with commas [default: top]
    #[arg(
        long = "order",
        value_delimiter = ',',
        value_name = "O",
        help_heading = "Axes"
    )]
    orders: Vec<Selection>,
    /// Edges of a circuit; several with commas [default: 1, 2, 5, 10 and 20 % of those there are, unless a faithfulness is given]
    #[arg(long = "top", value_delimiter = ',', value_name = "N", value_parser = at_least_one, help_heading = "Axes")]
    sizes: Vec<usize>,
    /// The smallest circuit of at least this faithfulness, on the samples of its own discovery, in place of a number of edges; several with commas
    #[arg(long = "faithfulness", value_delimiter = ',', value_name = "X", value_parser = share, help_heading = "Axes")]
    levels: Vec<f64>,
    /// Draws of fills that are drawn, each an analysis of its own [default: 1]
    #[arg(long, value_name = "N", value_parser = count(1, 1_000), help_heading = "Axes")]
    seeds: Option<usize>,
    /// Sets of samples: the samples as they are, and bootstrap resamples of them [default: 20]
    #[arg(long, value_name = "N", value_parser = count(1, 10_000), help_heading = "Axes")]
    sample_sets: Option<usize>,
    /// An edge A->B or a site A: the share of analyses that have it is told; may be repeated
    #[arg(long = "claim", value_name = "CLAIM", help_heading = "Axes")]
    claims: Vec<String>,
    /// Leave out the same analyses with the labels of other samples
    #[arg(long, help_heading = "Axes")]
    no_nonsense: bool,
    /// Leave out the same analyses with the weights of every layer in other places
    #[arg(long, help_heading = "Axes")]
    no_shuffled: bool,
    /// Leave out running circuits of two discoveries on each other's samples
    #[arg(long, help_heading = "Axes")]
    no_transfer: bool,
    /// Runs of a path of integrated gradients
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = count(1, 10_000), help_heading = "Axes")]
    ig_steps: usize,
    /// Where a transformer's answers are read: last, all, or positions from 0 with commas [default: as the data say]
    #[arg(long, value_name = "WHERE", help_heading = "Axes")]
    read: Option<ReadAt>,
    /// How fine a network is taken apart: weight, neuron or component; several with commas [default: weight for MLPs, component for transformers]
    #[arg(
        long = "granularity",
        value_delimiter = ',',
        value_name = "G",
        help_heading = "Axes"
    )]
    granularities: Vec<Granularity>,
    /// Prune weights with |w| below this first
    #[arg(long, default_value = "0", value_name = "X", help_heading = "Pruning")]
    prune_threshold: Threshold,
}

/// A share of what the network gains: above 0, at most 1.
fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "a number is wanted".to_owned())?;
    match 0.0 < value && value <= 1.0 {
        true => Ok(value),
        false => Err(format!(
            "a faithfulness is above 0 and at most 1, not {value}"
        )),
    }
}

/// A method whose scores are means over samples.
fn by_sample(text: &str) -> Result<Method, String> {
    let method: Method = text.parse()?;
    match method {
        Method::Acdc
        | Method::Screened
        | Method::Ensemble
        | Method::Mask
        | Method::Proved
        | Method::Random => Err(format!(
            "the scores of `{method}` are no means over samples"
        )),
        Method::Exact
        | Method::Eap
        | Method::Relp
        | Method::EapQk
        | Method::AtpStar
        | Method::EapIgInputs
        | Method::EapIgActivations
        | Method::CleanCorrupted => Ok(method),
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut config = pipeline::config(&args.common, &args.model);
    config.read.clone_from(&args.read);
    config.circuits.ig_steps = args.ig_steps;
    config.prune.threshold = args.prune_threshold;
    let Opened {
        name,
        progress,
        checkpoint,
        data,
    } = pipeline::open("stability", &args.common, &args.checkpoint, &args.data)?;
    let grid = args.grid()?;
    let folder = output::folder(&args.common, &name);
    let key = journal::key(&checkpoint, &data, &config);
    let key = journal::hashed(&format!("stability {key} {grid:?}"));
    let kept = OnDisk::open(folder.as_deref(), &key);
    config.journal = kept.journal.clone();
    let stage = |stage: &str| progress.stage(stage);
    let compute = || multiverse(&checkpoint, &data, &config, &grid, &stage);
    let mut result = args.common.in_pool(compute)??;
    result.summary = report::stability::words::summary(&result);
    output::place(&args.common, folder.as_deref(), |dir| {
        report::write_multiverse(&result, dir, &args.common.figures.print())
    })?;
    kept.done(folder.as_deref());
    progress.finish();
    output::told(&args.common, &result, &result.summary, folder.as_deref())?;
    Ok(Status::Note)
}

impl Args {
    /// The flags, the file for what no flag says, and the defaults.
    fn grid(&self) -> anyhow::Result<Grid> {
        let axes = self.axes.as_deref().map(Axes::open).transpose()?;
        let axes = axes.unwrap_or_default();
        let methods = or(&self.methods, &axes, "method", by_sample)?;
        let sets = axes.values("sample-sets", str::parse::<usize>)?;
        let seeds = axes.values("seeds", str::parse::<usize>)?;
        Ok(Grid {
            methods: match methods.is_empty() {
                true => USUAL.to_vec(),
                false => methods,
            },
            fills: or(&self.fills, &axes, "fill", str::parse)?,
            metrics: or(&self.metrics, &axes, "metric", str::parse)?,
            signs: or(&self.signs, &axes, "selection", str::parse)?,
            orders: or(&self.orders, &axes, "order", str::parse)?,
            sizes: or(&self.sizes, &axes, "top", at_least_one)?,
            levels: or(&self.levels, &axes, "faithfulness", share)?,
            seeds: self
                .seeds
                .or(seeds.first().copied())
                .unwrap_or(1)
                .clamp(1, MOST_SEEDS),
            granularities: or(&self.granularities, &axes, "granularity", str::parse)?,
            sample_sets: self
                .sample_sets
                .or(sets.first().copied())
                .unwrap_or(SETS)
                .clamp(1, MOST_SETS),
            claims: or(&self.claims, &axes, "claim", str::parse)?,
            nonsense: !self.no_nonsense,
            shuffled: !self.no_shuffled,
            transfer: !self.no_transfer,
        })
    }
}

/// What a flag says, else what the file says, read as the flag is.
fn or<T: Clone, E: Display>(
    flag: &[T],
    axes: &Axes,
    key: &str,
    read: impl Fn(&str) -> Result<T, E>,
) -> anyhow::Result<Vec<T>> {
    match flag.is_empty() {
        true => axes.values(key, read),
        false => Ok(flag.to_vec()),
    }
}
