//! Arguments that several subcommands share, and what they mean.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::audit::Config;
use crate::checkpoint::Checkpoint;
use crate::choice::RelocationMethod;
use crate::data::{self, Bos, Dataset, Reading};
use crate::model::{Layout, Meaning, Options};
use crate::modules::{Algorithm, EdgeWeight, NullKind, Quality};
use crate::numeric::Activation;
use crate::prune::{Threshold, Tolerance};
use crate::report::figures::Print;
use crate::report::figures::print::{Font, Format, Length};
use crate::{Error, ErrorKind, Result};

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
    /// Open the report in the browser when it is written
    #[arg(long)]
    pub open: bool,
    /// Threads to use [default: all]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,
    /// The most memory the process may take, as 500M or 2G: an error before the work if it
    /// is not enough [default: what the machine has]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_memory: Option<u64>,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub seed: u64,
    #[command(flatten)]
    pub figures: FigureArgs,
    /// Print errors only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print the time of every stage
    #[arg(short, long)]
    pub verbose: bool,
}

/// How the files of figures are set.
#[derive(Debug, Clone, Args)]
pub(super) struct FigureArgs {
    /// Formats that figures are written in beside SVG, as the feature `pdf` of the build can: pdf, png
    #[arg(
        long,
        value_name = "FORMAT,…",
        value_delimiter = ',',
        help_heading = "Figures"
    )]
    figures: Vec<Format>,
    /// Font of the text in figures, which stays text [default: the system's]
    #[arg(long, value_name = "NAME", help_heading = "Figures")]
    font: Option<Font>,
    /// Width of figures on paper: 3.25in, 82.5mm, 8.25cm, 234pt [default: in pixels]
    #[arg(long, value_name = "LENGTH", help_heading = "Figures")]
    width: Option<Length>,
}

impl FigureArgs {
    /// What the files of figures say.
    pub fn print(&self) -> Print {
        Print {
            font: self.font.clone(),
            width: self.width,
            formats: self.figures.clone(),
        }
    }
}

/// A number of threads.
fn threads(text: &str) -> Result<usize, String> {
    const MOST: usize = 1024;
    match text.parse() {
        Ok(n) if (1..=MOST).contains(&n) => Ok(n),
        _ => Err(format!("expected a number of threads from 1 to {MOST}")),
    }
}

/// A whole number in a range, which the refusal of any other names.
pub(super) fn count(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

/// `1000`, `500M`, `2G`
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.strip_suffix(['G', 'M', 'K']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, ""),
    };
    let factor = match unit {
        "G" => 1_000_000_000,
        "M" => 1_000_000,
        "K" => 1000,
        _ => 1,
    };
    let number: Option<u64> = number.parse().ok();
    number
        .and_then(|n| n.checked_mul(factor))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "expected a number of bytes, as 500M or 2G".to_owned())
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
    /// Activation between linear layers, or one for every gap: tanh,relu,leaky_relu:0.2
    /// [default: from the layout or config.json]
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Model"
    )]
    pub activation: Vec<Activation>,
    /// The linear layers of an MLP in order, where names and shapes do not tell: fc1,fc2,out
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Model"
    )]
    pub layers: Vec<String>,
    /// Leave tensors out on purpose, by a pattern with * and ?; `config.KEY` passes over a key of config.json; repeatable
    #[arg(long, value_name = "PATTERN", help_heading = "Model")]
    pub ignore: Vec<String>,
    /// How to read what the file leaves open: layer_norm (norms of an MLP without statistics),
    /// alibi_twice (Falcon in the framework's eager attention) [default: as the data's `outputs` show]
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    pub meaning: Vec<Meaning>,
}

impl ModelArgs {
    pub fn options(&self) -> Options {
        Options {
            layout: self.layout,
            activation: self.activation.clone(),
            layers: self.layers.clone(),
            ignore: self.ignore.clone(),
            meanings: self.meaning.clone(),
            by_outputs: false,
        }
    }
}

/// What the columns of a table are for.
#[derive(Debug, Clone, Args)]
pub(super) struct Columns {
    /// Columns of a table that hold what the network should give, as numbers
    #[arg(
        long,
        value_name = "COL,…",
        value_delimiter = ',',
        conflicts_with = "label",
        help_heading = "Data"
    )]
    target: Vec<String>,
    /// The column of a table that holds the class, as a number or a word
    #[arg(long, value_name = "COL", help_heading = "Data")]
    label: Option<String>,
    /// Columns, keys or arrays that are left out
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        help_heading = "Data"
    )]
    drop: Vec<String>,
}

impl Columns {
    /// Data that are read so.
    pub fn reading(&self) -> Reading {
        Reading {
            targets: self.target.clone(),
            label: self.label.clone(),
            drop: self.drop.clone(),
            ..Reading::default()
        }
    }
}

/// The data a network is run on.
#[derive(Debug, Clone, Args)]
pub(super) struct DataArgs {
    /// Samples: .safetensors, .npz, .npy, .csv or .jsonl, or - for standard input
    /// [default: data.safetensors beside the checkpoint]
    #[arg(short, long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    columns: Columns,
    /// Whether prompts begin with the token that stands for their beginning: auto (as the
    /// files beside the tokenizer say), yes or no
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Data"
    )]
    pub bos: Bos,
    /// Which split of the data [default: test, if there is one]
    #[arg(long, value_name = "NAME")]
    pub split: Option<String>,
    /// Use only the first N samples
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub samples: Option<usize>,
}

/// What parts the samples.
#[derive(Debug, Clone, Args)]
pub(super) struct Groups {
    /// A column or array whose values part the samples: the task's metric and what pruning
    /// changes, subgroup by subgroup. It is an input only where the network's own names have it
    #[arg(long, value_name = "COL", help_heading = "Data")]
    pub by: Option<String>,
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
    /// How modules are found: leiden, louvain, spectral, infomap, label-propagation, components,
    /// or sbm (the blocks of the shortest description; one module where none is shorter)
    #[arg(
        long,
        default_value = "leiden",
        value_name = "NAME",
        help_heading = "Modules"
    )]
    pub algorithm: Algorithm,
    /// What an edge weighs in the graph of the modules
    ///
    /// abs-weight: |w|; spread: |w| times the standard deviation of the writer's activation;
    /// effect: |effect of patching the edge| on the loss or, in transformers, on the metric of
    /// the circuits; attribution: the same, estimated by integrated gradients
    /// [default: abs-weight; between components effect, or attribution of more than 2,000 edges]
    #[arg(long, value_name = "NAME", help_heading = "Modules")]
    pub edge_weight: Option<EdgeWeight>,
    /// Bootstrap resamples of the samples that modules are found on again, where the edge
    /// weights spread and effect depend on samples; 0 for none
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = count(0, 100_000), help_heading = "Modules")]
    pub resamples: usize,
    /// Divide the weights of every layer by their mean
    #[arg(long, help_heading = "Modules")]
    pub per_layer: bool,
    /// What Leiden makes large: modularity, or cpm (constant Potts model)
    #[arg(
        long,
        default_value = "modularity",
        value_name = "NAME",
        help_heading = "Modules"
    )]
    pub quality: Quality,
    /// Number of modules of the spectral algorithm [default: where the eigenvalues have their largest gap]
    #[arg(long, value_name = "K", value_parser = count(1, 1_000_000), help_heading = "Modules")]
    pub clusters: Option<usize>,
    /// Searches, for the network and for each shuffle: Leiden's are joined, of others the best
    /// counts [default: 20 of up to 5,000 edges, fewer of more, at least 4; of Leiden a quarter]
    #[arg(long, value_name = "N", value_parser = count(1, 10_000), help_heading = "Modules")]
    pub restarts: Option<usize>,
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
    /// What shuffled networks keep: degree, layer or layer-nonzero, or untrained networks
    /// in their place; the headline test is against degree. Up to 100 are drawn, fewer where the
    /// verdict at 5 % is clear before; with a count all of them: layer:200; several: layer:200,untrained:100
    #[arg(
        long,
        default_value = "degree",
        value_name = "MODEL[:N]",
        value_delimiter = ',',
        help_heading = "Modules"
    )]
    pub null: Vec<Null>,
    /// Follow the modules along the resolution, from 0.1 to 10
    #[arg(long, help_heading = "Modules")]
    pub scan: bool,
    /// Follow the modules along the pruning threshold, from all edges to few
    #[arg(long, help_heading = "Modules")]
    pub path: bool,
    /// Follow the modules over the training: checkpoints of it, or folders of them, as
    /// `modscope train --snapshot-every` leaves them
    #[arg(long, value_name = "CHECKPOINT", num_args = 1.., value_delimiter = ',', help_heading = "Modules")]
    pub over: Vec<PathBuf>,
    /// Compute Shapley values of however many modules; of up to five they always are
    #[arg(long, help_heading = "Modules")]
    pub shapley: bool,
    /// Divide modules further where their inside is more modular than chance
    #[arg(long, help_heading = "Modules")]
    pub hierarchy: bool,
    /// Find the blocks of the shortest description of however many edges (of up to 10,000 they
    /// always are), and how sure their number and members are, by four chains
    #[arg(long, help_heading = "Modules")]
    pub blocks: bool,
    /// Group the blocks of the shortest description in turn, level by level, where that is shorter
    #[arg(long, help_heading = "Modules")]
    pub nested: bool,
    /// Count small circuits (squares, diamonds, bifans) against 100 networks of the same degrees
    #[arg(long, help_heading = "Modules")]
    pub motifs: bool,
    /// Swap neurons for shorter wiring, without changing the function: descent or annealing
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "descent",
        value_name = "METHOD",
        help_heading = "Modules"
    )]
    pub relocate: Option<RelocationMethod>,
    /// Write the relocated network into the report's folder, in the layout it came in
    #[arg(long, requires = "relocate", help_heading = "Modules")]
    pub write_relocated: bool,
}

/// A null model and a number of shuffles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Null {
    kind: NullKind,
    samples: usize,
    /// Whether the number was given.
    is_counted: bool,
}

impl FromStr for Null {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const SAMPLES: usize = 100;
        const MOST: usize = 100_000;
        let count = |text: &str| match text.parse::<usize>() {
            Ok(samples) if samples <= MOST => Ok(samples),
            _ => Err(format!(
                "`{text}` is not a number of shuffles from 0 to {MOST}"
            )),
        };
        if text.parse::<f64>().is_ok() {
            let samples = count(text)?;
            let kind = NullKind::default();
            return Ok(Self {
                kind,
                samples,
                is_counted: true,
            });
        }
        let (name, given) = match text.split_once(':') {
            Some((name, samples)) => (name, Some(count(samples)?)),
            None => (text, None),
        };
        Ok(Self {
            kind: name.parse()?,
            samples: given.unwrap_or(SAMPLES),
            is_counted: given.is_some(),
        })
    }
}

impl ModulesArgs {
    pub fn apply(&self, config: &mut Config) {
        config.modules.algorithm = self.algorithm;
        config.modules.resolution = self.resolution;
        config.modules.edge_weight = self.edge_weight;
        config.modules.per_layer = self.per_layer;
        config.modules.resamples = self.resamples;
        config.modules.quality = self.quality;
        config.modules.clusters = self.clusters;
        config.modules.restarts = self.restarts;
        config.modules.scan = self.scan;
        config.modules.hierarchy = self.hierarchy;
        if self.blocks {
            config.modules.most_block_edges = usize::MAX;
        }
        config.modules.nested_blocks = self.nested;
        config.modules.path = self.path;
        config.modules.motifs = self.motifs;
        config.modules.block_posterior = self.blocks || self.algorithm == Algorithm::Sbm;
        let mut nulls = self.null.iter().map(|null| (null.kind, null.samples));
        (config.modules.null, config.modules.null_samples) =
            nulls.next().unwrap_or((NullKind::default(), 0));
        config.modules.more_nulls = nulls.collect();
        config.modules.all_draws = self.null.iter().any(|null| null.is_counted);
        config.relocate = self.relocate;
        config.shapley = self.shapley;
    }
}

/// The `train_` samples beside the `test_` samples of `data`, where the file has them:
/// what circuits are discovered on.
pub(super) fn open_discovery(
    data: &Dataset,
    open: impl Fn(Option<&str>) -> Result<Dataset>,
) -> Result<Option<Dataset>> {
    // Standard input is read once: its samples are halved.
    if data.split != "test" || data.path == Path::new(data::STANDARD_INPUT) {
        return Ok(None);
    }
    match open(Some("train")) {
        Ok(other) => Ok(Some(other)),
        Err(
            Error {
                kind: ErrorKind::NoSuchSplit { .. },
                ..
            }
            | Error {
                kind: ErrorKind::NoInputs { .. },
                ..
            },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens data, by default those beside the checkpoint, with its `tokenizer.json`.
pub(super) fn open_data(args: &DataArgs, checkpoint: &Checkpoint) -> Result<Dataset> {
    open_split(args, checkpoint, args.split.as_deref(), None)
}

/// Opens a split of data as [`open_data`] does.
pub(super) fn open_split(
    args: &DataArgs,
    checkpoint: &Checkpoint,
    split: Option<&str>,
    by: Option<&str>,
) -> Result<Dataset> {
    let beside = |name: &str| checkpoint.path.with_file_name(name);
    let usual = beside("data.safetensors");
    let path = match &args.data {
        Some(path) => path.clone(),
        None if usual.is_file() => usual,
        None => return Err(ErrorKind::NoData.at(usual)),
    };
    let reading = Reading {
        split: split.map(str::to_owned),
        tokenizer: Some(beside("tokenizer.json")).filter(|file| file.is_file()),
        network: data::names_of(checkpoint)?,
        by: by.map(str::to_owned),
        ..args.reading()
    };
    let data = Dataset::read(&path, &reading)?;
    Ok(match args.samples {
        Some(samples) => data.first(samples),
        None => data,
    })
}

impl DataArgs {
    /// What the flags say of how data are to be read.
    pub fn reading(&self) -> Reading {
        Reading {
            split: self.split.clone(),
            bos: self.bos,
            ..self.columns.reading()
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
        (Some(stem), Some(folder)) if stem == "model" || stem == "model.safetensors.index" => {
            folder
        }
        (_, Some(folder)) if checkpoint.is_dir() => folder,
        (Some(stem), _) => stem,
        _ => "network".to_owned(),
    }
}
