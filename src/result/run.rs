//! What was run, on which files, and what it cost.

use serde::{Deserialize, Serialize};

use super::{
    Attention, Circuit, GraphJson, Modules, Network, NodeAblation, Prompt, Prune, Replay, Sentence,
    Status, Strongest, Training, Transformer,
};
use crate::choice::{Layout, LossKind, MetricKind};

/// A whole result: what `audit.json` holds. Other commands write the parts
/// that are theirs and leave the rest `null` or empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Audit {
    /// Always `modscope/2`.
    pub schema: String,
    /// The program that wrote this.
    pub tool: Tool,
    /// The command line, one word per entry.
    pub command: Vec<String>,
    /// Seed of every random choice in this result.
    pub seed: u64,
    /// What the rest says, in sentences with their status: written by
    /// `report::words::summary`, empty until a command has done so.
    #[serde(default)]
    pub summary: Vec<Sentence>,
    /// The checkpoint that was opened.
    pub checkpoint: CheckpointInfo,
    /// The data it was run on; `null` where a command needs none.
    pub data: Option<DataInfo>,
    /// Does the network do what the data ask of it; `null` where they do not say.
    #[serde(default)]
    pub task: Option<Task>,
    /// The samples by a column of the data, where one was named with `--by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subgroups: Option<super::Subgroups>,
    /// Agreement with the source framework's own outputs; `null` where the data hold none.
    pub parity: Option<Parity>,
    /// Pruning and its verification.
    pub prune: Option<Prune>,
    /// Modules of the pruned network.
    pub modules: Option<Modules>,
    /// Ablation of every site, under every fill that the data allow.
    #[serde(rename = "ablations", default)]
    pub nodes: Vec<NodeAblation>,
    /// One entry per output (or class) and method.
    pub circuits: Vec<Circuit>,
    /// The network itself, for drawing; without layers where it is too large.
    pub network: Network,
    /// The shape of a transformer; `null` for others.
    #[serde(default)]
    pub transformer: Option<Transformer>,
    /// The prompts, where the data are text.
    #[serde(default)]
    pub prompts: Vec<Prompt>,
    /// Attention patterns of a few samples.
    #[serde(default)]
    pub attention: Vec<Attention>,
    /// The samples at which sites are strongest and weakest; `null` in results that do not have them.
    #[serde(default)]
    pub strongest: Option<Strongest>,
    /// The samples of a small MLP, with which it can be run again; `null` elsewhere.
    #[serde(default)]
    pub replay: Option<Replay>,
    /// How it was trained, where files beside the checkpoint tell.
    #[serde(default)]
    pub training: Option<Training>,
    /// Remarks on the checkpoint: dead neurons, constants, NaN and infinite weights.
    pub findings: Vec<Finding>,
    /// Time and memory.
    pub costs: Costs,
    /// The first circuit with the scores of all edges, in the result of
    /// `circuit`: `cfg`, `nodes` and `edges` as EAP-IG's graph JSON has them,
    /// so that its tools read `circuit.json`.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphJson>,
}

/// Name and version of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tool {
    /// `modscope`.
    pub name: String,
    /// Version of the crate.
    pub version: String,
}

impl Tool {
    /// This program.
    #[must_use]
    pub fn this() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// What was recognised in a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckpointInfo {
    /// The path as it was given, or `embedded:NAME`.
    pub path: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// `bimt-mlp`, `plain-mlp`, ...
    pub layout: Layout,
    /// `llama`, `gpt_neox`, ...; `null` where it is none of Hugging Face's.
    #[serde(default)]
    pub family: Option<String>,
    /// Numbers in the weight tensors: `f32`, `f64`, `f16`, `bf16`.
    pub dtype: String,
    /// Trained numbers: weights, biases and embeddings, without permutations.
    pub parameters: usize,
    /// Name of the activation function: `silu`, `relu`, ...
    pub activation: String,
    /// Where the activation is known from: `layout`, `config.json`, `--activation`.
    pub activation_source: String,
    /// Width of every layer, inputs first: `[4, 20, 20, 2]`.
    pub layers: Vec<usize>,
    /// Number of folds the inputs fall into (1 where there are none).
    pub folds: usize,
    /// Task and regime, where the config names them.
    pub task: Option<String>,
    /// Training regime, where the config names it: `bimt`, `vanilla`, ...
    pub regime: Option<String>,
    /// Training seed, where the config names it.
    pub training_seed: Option<u64>,
    /// Every tensor of the file, by name.
    #[serde(deserialize_with = "tensors")]
    pub tensors: Tensors,
    /// Every key of `config.json`.
    #[serde(default)]
    pub config: Settings,
}

/// What became of every tensor of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tensors {
    /// Those the network was made of.
    pub used: Vec<TensorInfo>,
    /// Those that change no output.
    pub harmless: Vec<PassedOver>,
    /// Those that `--ignore` leaves out.
    pub ignored: Vec<String>,
}

/// What became of every key of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Settings {
    /// Those the network was made by.
    pub used: Vec<String>,
    /// Those that change no output.
    pub harmless: Vec<PassedOver>,
    /// Those that `--ignore` passes over.
    #[serde(default)]
    pub ignored: Vec<String>,
    /// Those that are not known.
    pub unknown: Vec<String>,
}

/// A tensor or a key that changes no output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PassedOver {
    /// Its name.
    pub name: String,
    /// Why it changes none.
    pub why: String,
}

/// The tensors of a result; earlier versions wrote a list of all.
fn tensors<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Tensors, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Account(Tensors),
        All(Vec<TensorInfo>),
    }
    Ok(match Either::deserialize(from)? {
        Either::Account(tensors) => tensors,
        Either::All(used) => Tensors {
            used,
            ..Tensors::default()
        },
    })
}

/// One tensor of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TensorInfo {
    /// Name in the file.
    pub name: String,
    /// `f32`, `f64`, ...
    pub dtype: String,
    /// Shape, outermost dimension first.
    pub shape: Vec<usize>,
    /// What it is used for.
    #[serde(rename = "for", alias = "role")]
    pub role: String,
}

/// The data a checkpoint was run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DataInfo {
    /// The path as it was given, or `embedded:NAME`.
    pub path: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Samples used.
    pub samples: usize,
    /// `train`, `test`, or `all` where names carry no split.
    pub split: String,
    /// `classes` or `targets`; `null` where there are no labels.
    pub labels: Option<String>,
    /// The loss used in this result: `mse`, `cross-entropy`, `mse-onehot`, or `none`.
    pub loss: LossKind,
    /// What every array or column is used for.
    #[serde(default)]
    pub used: Vec<UsedArray>,
    /// What was done with the data that changes what the numbers mean: columns put
    /// into another order, classes numbered, prompts given a beginning.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl DataInfo {
    /// Whether the data have no splits, so that these are all their samples.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.split == "all"
    }
}

/// What an array or a column of the data is used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsedArray {
    /// Its name in the file.
    pub name: String,
    /// What for, in words.
    #[serde(rename = "for")]
    pub purpose: String,
}

/// The network's own metric beside that of knowing nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Task {
    /// `accuracy`, `mse`, `logit-diff`.
    pub metric: MetricKind,
    /// Its mean over the samples, of the network as it is.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub value: f64,
    /// What knowing nothing of the samples gives.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub baseline: f64,
    /// What that is: `always the most frequent class`, `the mean of the targets`,
    /// `no preference`, `chance`.
    pub baseline_of: String,
    /// Whether the network is better than that.
    pub does_task: bool,
}

/// Agreement with the source framework's own outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Parity {
    /// Largest |ours - theirs| over samples and outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_difference: f64,
    /// Largest |theirs|: what the difference is to be compared with.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub output_scale: f64,
    /// The difference that counts as rounding: 1e-5 of `output_scale` in f32, 1e-12 in f64, and a few units in the last place of a narrower type.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub allowed: f64,
    /// The type whose rounding that is: `f32`, `bf16`, ...
    #[serde(default)]
    pub precision: String,
    /// The difference in units in the last place of that type at `output_scale`,
    /// where it is narrower than what is computed in here.
    #[serde(default)]
    pub units: Option<f64>,
    /// Whether rounding this network's outputs to that type explains every difference:
    /// then the framework computed in a wider one.
    #[serde(default)]
    pub rounded: bool,
    /// Whether the difference stays within `allowed`.
    pub holds: bool,
    /// Samples compared.
    pub samples: usize,
}

/// A remark worth an auditor's look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// [`Status::Note`], or what keeps the result from being trusted.
    #[serde(alias = "severity")]
    pub status: Status,
    /// Stable name of the kind of finding: `constant-neurons`, `unused-neurons`, `non-finite`, ...
    pub kind: String,
    /// The sites or tensors it is about.
    pub subjects: Vec<String>,
    /// One plain sentence.
    pub text: String,
}

/// What the run cost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Costs {
    /// Wall-clock seconds by stage.
    pub seconds: Seconds,
    /// Seconds of one forward pass of the pruned network; `null` where it was not run.
    #[serde(default)]
    pub inference: Option<Inference>,
    /// Largest resident memory of the process so far, in bytes; 0 where the system does not tell.
    pub peak_memory_bytes: u64,
    /// What that was expected to be before the work; 0 where nothing was worked out.
    #[serde(default)]
    pub expected_memory_bytes: u64,
}

/// Seconds of one forward pass of the pruned network over all samples, the
/// fastest of five, on one thread.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Inference {
    /// Samples in the pass.
    pub samples: usize,
    /// All weights, zeros too.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub dense: f64,
    /// Non-zero weights only.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub sparse: f64,
    /// Without idle neurons.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub compact: f64,
    /// Without idle neurons, non-zero weights only.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub compact_sparse: f64,
    /// As modules, one after the other; `null` where the network was not taken apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modules: Option<f64>,
    /// As modules side by side, on as many threads as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modules_parallel: Option<f64>,
}

/// Wall-clock seconds by stage of the pipeline.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Seconds {
    /// Reading, recognising and checking files.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub load: f64,
    /// Thresholds and verification.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub prune: f64,
    /// Communities, null models and lesions.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub modules: f64,
    /// The search for shorter wiring, where asked for.
    #[serde(default, deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub relocation: f64,
    /// Ablation, exact effects and discovery.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub circuits: f64,
    /// Figures, tables and page.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub report: f64,
    /// All of it.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub total: f64,
}
