//! A network run with edits: what moved.

use serde::{Deserialize, Serialize};

use super::{CheckpointInfo, DataInfo, Sentence, Task, Tool};
use crate::choice::{ChangeKind, EditedKind, Fill, MetricKind};

/// A run with edits beside the run without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Intervention {
    /// Always `modscope/2`.
    pub schema: String,
    /// The program that wrote this.
    pub tool: Tool,
    /// The command line, one word per entry.
    pub command: Vec<String>,
    /// Seed of every random choice in this result.
    pub seed: u64,
    /// What the rest says, in sentences with their status.
    pub summary: Vec<Sentence>,
    /// What was recognised in the checkpoint.
    pub checkpoint: CheckpointInfo,
    /// What the network was run on.
    pub data: DataInfo,
    /// The network's metric on the data, beside that of knowing nothing.
    pub task: Option<Task>,
    /// What was changed, all at once.
    pub edits: Vec<EditMade>,
    /// The metric before and after; of a sweep, at its last value.
    pub metric: Moved,
    /// Decisions that changed; `null` where outputs are no classes.
    pub decisions: Option<MovedDecisions>,
    /// The outputs, those that moved most first; at most 100.
    pub outputs: Vec<MovedOutput>,
    /// Outputs there are.
    pub outputs_total: usize,
    /// One run for each value of an edit that was swept.
    pub sweep: Option<Swept>,
    /// The file that the edited network was written to.
    pub written: Option<String>,
    /// Seconds of the whole.
    pub seconds: f64,
}

/// An edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditMade {
    /// A site, an edge `A->B`, a path `A->B->C`, or a weight `A->B`.
    pub at: String,
    /// Which of them it is: `site`, `edge`, `path`, `weight`.
    pub of: EditedKind,
    /// What was done: `set`, `add`, `scale`, `patch`, `fill`.
    pub change: ChangeKind,
    /// The numbers; of a vector its first eight.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub values: Vec<f64>,
    /// The sample that was patched in.
    pub sample: Option<usize>,
    /// The fill.
    pub fill: Option<Fill>,
    /// The positions, where not all.
    pub positions: Option<Vec<usize>>,
}

/// A mean over samples, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Moved {
    /// The metric.
    pub metric: MetricKind,
    /// Of the network as it is.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub before: f64,
    /// With the edits.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub after: f64,
    /// `before − after`.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub effect: f64,
    /// 95 % bootstrap interval of the effect over samples; `null` below ten.
    #[serde(deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
}

/// Decisions that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MovedDecisions {
    /// How many changed.
    pub changed: usize,
    /// Of how many.
    pub readings: usize,
    /// 95 % interval of the share by Wilson; `null` below ten.
    #[serde(deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
}

/// One output before and after, as means over samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MovedOutput {
    /// Its site.
    pub output: String,
    /// Its own name.
    pub name: String,
    /// Of the network as it is.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub before: f64,
    /// With the edits.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub after: f64,
    /// `after − before`.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub change: f64,
    /// 95 % bootstrap interval of the change over samples; `null` below ten.
    #[serde(deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
    /// The largest |change| of a sample.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub largest: f64,
}

/// Runs that differ in one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Swept {
    /// The edit whose value was swept, by its place in `edits`.
    pub edit: usize,
    /// One entry for each value.
    pub rows: Vec<SweptRow>,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweptRow {
    /// The value.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub value: f64,
    /// The metric before and after.
    pub metric: Moved,
    /// Decisions that changed.
    pub decisions: Option<MovedDecisions>,
    /// The mean change of the outputs that `outputs` lists, in its order.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub changes: Vec<f64>,
}
