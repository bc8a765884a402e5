//! Arguments that several subcommands share, and what they mean.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use crate::audit::Config;
use crate::checkpoint::Checkpoint;
use crate::data::Dataset;
use crate::model::{Layout, Options};
use crate::modules::{Algorithm, NullKind};
use crate::numeric::Activation;
use crate::prune::{Threshold, Tolerance};
use crate::{Error, Result};

/// What every command has.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    /// Folder for the report; made whole or not at all [default: reports/<name>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace an existing result
    #[arg(long)]
    pub force: bool,
    /// Print the result as JSON, and nothing else; write a report only with --out
    #[arg(long)]
    pub json: bool,
    /// Threads to use [default: all]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub seed: u64,
    /// Print errors only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print the time of every stage
    #[arg(short, long)]
    pub verbose: bool,
}

/// A number of threads.
fn threads(text: &str) -> Result<usize, String> {
    const MOST: usize = 1024;
    match text.parse() {
        Ok(n) if (1..=MOST).contains(&n) => Ok(n),
        _ => Err(format!("expected a number of threads from 1 to {MOST}")),
    }
}

/// A number that counts something.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("expected a whole number from 1".to_owned()),
    }
}

/// A finite number above zero.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x > 0.0 => Ok(x),
        _ => Err("expected a number above 0".to_owned()),
    }
}

/// A finite number that is zero or above.
pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x >= 0.0 => Ok(x),
        _ => Err("expected a number that is 0 or above".to_owned()),
    }
}

impl Common {
    /// Runs on as many threads as were asked for.
    pub fn in_pool<R: Send>(&self, work: impl FnOnce() -> R + Send) -> anyhow::Result<R> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads.unwrap_or(0))
            .build()?;
        Ok(pool.install(work))
    }
}

/// What the checkpoint does not say of itself.
#[derive(Debug, Clone, Args)]
pub(super) struct ModelArgs {
    /// Layout of the tensors [default: recognised from their names]
    #[arg(long, value_name = "LAYOUT", help_heading = "Model")]
    pub layout: Option<Layout>,
    /// Activation between linear layers [default: from the layout or config.json]
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    pub activation: Option<Activation>,
}

impl ModelArgs {
    pub fn options(&self) -> Options {
        Options {
            layout: self.layout,
            activation: self.activation,
        }
    }
}

/// The data a network is run on.
#[derive(Debug, Clone, Args)]
pub(super) struct DataArgs {
    /// Samples: .safetensors, .npz, .npy, .csv or .jsonl [default: data.safetensors beside the checkpoint]
    #[arg(short, long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Which split of the data [default: test, if there is one]
    #[arg(long, value_name = "NAME")]
    pub split: Option<String>,
}

/// How to prune.
#[derive(Debug, Clone, Args)]
pub(super) struct PruneArgs {
    /// Prune weights with |w| below this: a number, or `auto` for the largest that verifies [default: auto; transformers of more than 200,000 weights are not pruned]
    #[arg(
        short,
        long,
        value_name = "X",
        allow_negative_numbers = true,
        help_heading = "Pruning"
    )]
    pub threshold: Option<Threshold>,
    /// What counts as unchanged: `0.01` for every output, or `1%` of each output's standard deviation
    #[arg(
        long,
        default_value = "1%",
        value_name = "T",
        allow_negative_numbers = true,
        help_heading = "Pruning"
    )]
    pub tolerance: Tolerance,
    /// Prune biases too
    #[arg(long, help_heading = "Pruning")]
    pub prune_biases: bool,
}

impl PruneArgs {
    /// The defaults, but for the threshold.
    pub fn at(threshold: Threshold) -> Self {
        Self {
            threshold: Some(threshold),
            tolerance: Tolerance::Relative(0.01),
            prune_biases: false,
        }
    }

    pub fn apply(&self, config: &mut Config) {
        config.prune.threshold = self.threshold.unwrap_or(Threshold::Usual);
        config.prune.tolerance = self.tolerance;
        config.prune.biases = self.prune_biases;
    }
}

/// How modules are found and tested.
#[derive(Debug, Clone, Args)]
pub(super) struct ModulesArgs {
    /// How modules are found: leiden or components
    #[arg(long, default_value = "leiden", value_name = "NAME", value_parser = algorithm, help_heading = "Modules")]
    pub algorithm: Algorithm,
    /// What an edge weighs in the graph of the modules
    #[arg(long, default_value = "abs-weight", value_name = "NAME", value_parser = ["abs-weight"], help_heading = "Modules")]
    pub edge_weight: String,
    /// Higher gives more and smaller modules; 1 is Newman's modularity
    #[arg(
        long,
        default_value_t = 1.0,
        value_name = "G",
        value_parser = positive,
        allow_negative_numbers = true,
        help_heading = "Modules"
    )]
    pub resolution: f64,
    /// What shuffled networks keep: layer-nonzero, layer or degree; with a count: layer:200
    #[arg(
        long,
        default_value = "layer-nonzero:100",
        value_name = "MODEL[:N]",
        help_heading = "Modules"
    )]
    pub null: Null,
}

/// A null model and a number of shuffles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Null {
    kind: NullKind,
    samples: usize,
}

impl FromStr for Null {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const SAMPLES: usize = 100;
        let count = |text: &str| {
            text.parse::<usize>()
                .map_err(|_| format!("`{text}` is not a number of shuffles"))
        };
        if let Ok(samples) = text.parse() {
            let kind = NullKind::default();
            return Ok(Self { kind, samples });
        }
        let (name, samples) = match text.split_once(':') {
            Some((name, samples)) => (name, count(samples)?),
            None => (text, SAMPLES),
        };
        let kind = NullKind::ALL.into_iter().find(|kind| kind.name() == name);
        let kind = kind.ok_or_else(|| "known: layer-nonzero, layer, degree".to_owned())?;
        Ok(Self { kind, samples })
    }
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    let found = Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.name() == text);
    found.ok_or_else(|| {
        let known: Vec<_> = Algorithm::ALL.iter().map(|a| a.name()).collect();
        format!("known: {}", known.join(", "))
    })
}

impl ModulesArgs {
    pub fn apply(&self, config: &mut Config) {
        config.modules.algorithm = self.algorithm;
        config.modules.resolution = self.resolution;
        config.modules.null = self.null.kind;
        config.modules.null_samples = self.null.samples;
    }
}

/// Opens data, by default those beside the checkpoint.
pub(super) fn open_data(args: &DataArgs, checkpoint: &Path) -> Result<Dataset> {
    match &args.data {
        Some(path) => Dataset::open(path, args.split.as_deref()),
        None => {
            let folder = if checkpoint.is_dir() {
                Some(checkpoint)
            } else {
                checkpoint.parent()
            };
            let beside = folder.unwrap_or(Path::new(".")).join("data.safetensors");
            if beside.is_file() {
                Dataset::open(&beside, args.split.as_deref())
            } else {
                Err(Error::NoData { path: beside })
            }
        }
    }
}

/// Opens a checkpoint.
pub(super) fn open_checkpoint(path: &Path) -> Result<Checkpoint> {
    Checkpoint::open(path)
}

/// The words of the command line, with the program's own name first.
pub(super) fn command_words() -> Vec<String> {
    let words = std::env::args_os().skip(1);
    std::iter::once("modscope".to_owned())
        .chain(words.map(|word| word.to_string_lossy().into_owned()))
        .collect()
}

/// The name a result goes by: the checkpoint's folder, or its file where that says more.
pub(super) fn result_name(checkpoint: &Path) -> String {
    let stem = |path: &Path| path.file_stem().map(|s| s.to_string_lossy().into_owned());
    let folder = if checkpoint.is_dir() {
        Some(checkpoint)
    } else {
        checkpoint.parent()
    };
    let folder = folder
        .and_then(|f| f.file_name())
        .map(|s| s.to_string_lossy().into_owned());
    match (stem(checkpoint), folder) {
        (Some(stem), Some(folder)) if stem == "model" => folder,
        (_, Some(folder)) if checkpoint.is_dir() => folder,
        (Some(stem), _) => stem,
        _ => "network".to_owned(),
    }
}
