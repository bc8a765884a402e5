//! Two versions of one network beside each other: what `diff.json` holds.

use serde::{Deserialize, Serialize};

use super::{CheckpointInfo, DataInfo, Network, Sentence, Task, Tool};
use crate::choice::{MetricKind, Origin};

/// What changed from one version of a network to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diff {
    /// Always `modscope/2`.
    pub schema: String,
    /// The program that wrote this.
    pub tool: Tool,
    /// The command line, one word per entry.
    pub command: Vec<String>,
    /// Seed of every random choice.
    pub seed: u64,
    /// What the rest says, in sentences with their status.
    #[serde(default)]
    pub summary: Vec<Sentence>,
    /// The checkpoints.
    pub checkpoints: Versions<CheckpointInfo>,
    /// The data both were run on.
    pub data: Option<DataInfo>,
    /// What was asked for.
    pub limits: DiffLimits,
    /// Does each do the task of the data; `null` where they do not say.
    pub task: Versions<Option<Task>>,
    /// ChangedDecisions that are others; `null` where the data have no classes.
    pub decisions: Option<ChangedDecisions>,
    /// Whether the two are proved equivalent; `null` where that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equivalence: Option<super::NetworkEquivalence>,
    /// The change of each output.
    pub outputs: Vec<ChangedOutput>,
    /// The change of each tensor, in the order of their names.
    pub tensors: Vec<ChangedTensor>,
    /// The weights that pruning leaves; `null` where they cannot be set beside each other.
    pub pruned: Option<ChangedPruning>,
    /// The modules; `null` where either has none.
    pub modules: Option<ChangedModules>,
    /// One entry per output and method that both have a circuit of.
    pub circuits: Vec<ChangedCircuit>,
    /// The new network, for drawing.
    pub network: Network,
}

/// The same of both versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Versions<T> {
    /// Of the first checkpoint.
    pub old: T,
    /// Of the second.
    pub new: T,
}

/// Changes up to these are allowed; `null` where nobody asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiffLimits {
    /// ChangedDecisions that may change.
    pub max_changed: Option<usize>,
    /// The largest change of an output, in units of the outputs.
    pub tolerance: Option<f64>,
}

/// ChangedDecisions of both versions, sample by sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedDecisions {
    /// Samples.
    pub samples: usize,
    /// Samples whose decision was wrong and is right.
    pub mended: usize,
    /// Samples whose decision was right and is wrong.
    pub broken: usize,
    /// Every sample whose decision is another, in the order of the data.
    pub changed: Vec<ChangedDecision>,
}

/// One sample with another decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedDecision {
    /// Its number in the data.
    pub sample: usize,
    /// Its class.
    pub label: String,
    /// What the first version decides.
    pub old: String,
    /// What the second version decides.
    pub new: String,
}

/// What became of one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedOutput {
    /// Which of the data's classes or targets, from 0.
    pub output: usize,
    /// Its own name.
    pub name: String,
    /// Largest |new − old| over samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_change: f64,
    /// The sample at which that is.
    pub sample: usize,
    /// Mean |new − old| over samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub mean_abs_change: f64,
    /// Standard deviation of the first version's output over samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub sd: f64,
}

/// What became of one tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedTensor {
    /// Its name.
    pub tensor: String,
    /// Its shape in each version; `null` where a version does not have it.
    pub shapes: Versions<Option<Vec<usize>>>,
    /// Entries that are others; `null` where shapes differ.
    pub changed: Option<usize>,
    /// Largest |new − old|; `null` where shapes differ.
    pub max_abs_change: Option<f64>,
    /// ‖new − old‖ / ‖old‖, Euclidean; `null` where shapes differ or old is 0.
    pub relative_change: Option<f64>,
}

/// Two sets of edges beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedEdges {
    /// In both.
    pub both: usize,
    /// In the second alone: writer and reader.
    pub gained: Vec<[String; 2]>,
    /// In the first alone.
    pub lost: Vec<[String; 2]>,
}

/// What pruning leaves of each version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedPruning {
    /// The thresholds, each chosen for its own version.
    pub thresholds: Versions<f64>,
    /// Whether the outputs stayed the same under them.
    pub verified: Versions<bool>,
    /// The weights that are left.
    pub edges: ChangedEdges,
}

/// The modules of both versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedModules {
    /// How many there are.
    pub counts: Versions<usize>,
    /// Newman's modularity.
    pub modularity: Versions<f64>,
    /// One to one, so that they share the most sites; modules without a partner are left out.
    pub matched: Vec<MatchedModules>,
    /// Sites that are in a module of each version.
    pub sites: usize,
    /// Of these, sites in modules that are matched with each other.
    pub stayed: usize,
}

/// A module of each version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MatchedModules {
    /// The module of the first version.
    pub old: usize,
    /// The module of the second.
    pub new: usize,
    /// Sites in both.
    pub shared: usize,
    /// Sites of each.
    pub sizes: [usize; 2],
}

/// One answer's circuit in both versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedCircuit {
    /// Site of the output.
    pub output: String,
    /// Its own name.
    pub name: String,
    /// How both were found.
    pub method: Origin,
    /// What both were found by.
    pub metric: MetricKind,
    /// Faithfulness of each.
    pub faithfulness: Versions<Option<f64>>,
    /// Their edges.
    pub edges: ChangedEdges,
}
