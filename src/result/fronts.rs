//! What λ buys: networks trained with connections of ever higher cost.

use serde::{Deserialize, Serialize};

use super::{Sentence, Tool};
use crate::choice::{MetricKind, Regime};

/// The file `fronts.json` of a sweep over λ, the largest weight of the connection cost.
///
/// A network is on a front if no other of the sweep is as good by both numbers and better by
/// one. That was found by looking at all of them: it is no estimate of what another training
/// would give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fronts {
    /// Always `modscope/2`.
    pub schema: String,
    /// The program that wrote this.
    pub tool: Tool,
    /// The command line, one word per entry.
    pub command: Vec<String>,
    /// What a reader should know.
    pub summary: Vec<Sentence>,
    /// What was learned.
    pub task: String,
    /// What `value` of a network is.
    pub metric: Option<MetricKind>,
    /// The networks by λ, regime and seed.
    pub front: Vec<OnFronts>,
}

/// A network of the sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnFronts {
    /// What it is called.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// How it was trained.
    pub regime: Regime,
    /// Its seed.
    pub seed: u64,
    /// The largest λ of its schedule; 0 where connections cost nothing.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub lambda: f64,
    /// Its loss on the test samples.
    pub loss: Option<f64>,
    /// Its metric on the test samples.
    pub value: Option<f64>,
    /// Edges left at the largest threshold that verifies.
    pub edges: Option<usize>,
    /// Modules of these.
    pub modules: Option<usize>,
    /// Nats by which blocks shorten the description of these edges.
    pub description_length_gained: Option<f64>,
    /// Whether it is on the front of loss and edges, less being better of both.
    pub on_front_of_edges: bool,
    /// Whether it is on the front of loss and nats gained.
    pub on_front_of_blocks: bool,
}
