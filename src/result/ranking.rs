//! Networks ranked: which of many is picked, and by what.

use serde::{Deserialize, Serialize};

use super::Tool;
use crate::choice::{Criterion, Direction, Pick};

/// The file `pick.json` of a sweep of trainings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Picked {
    /// Always `modscope/2`.
    pub schema: String,
    /// The program that wrote this.
    pub tool: Tool,
    /// The command line, one word per entry.
    pub command: Vec<String>,
    /// The networks of the sweep.
    pub ranking: Ranking,
}

/// Networks in their order, best first: that of the mean of their ranks by each criterion.
///
/// It is a choice among these networks, made by looking at all of them: what the criteria
/// say of the picked one is no estimate of what another training would give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ranking {
    /// What was looked for: `modular`.
    pub pick: Pick,
    /// What networks were ranked by.
    pub criteria: Vec<RankedBy>,
    /// The networks, the picked one first.
    pub networks: Vec<RankedNetwork>,
}

/// A number that networks are ranked by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RankedBy {
    /// `description_length_gained`, `selectivity`, `loss`.
    pub criterion: Criterion,
    /// Which direction is better.
    pub direction: Direction,
}

/// One of the networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RankedNetwork {
    /// What it is called.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Mean of its ranks.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub mean_rank: f64,
    /// Whether no other network is as good by every criterion and better by one.
    pub on_front: bool,
    /// Its numbers in the order of the criteria; `null` where it has none, which ranks last.
    pub values: Vec<Option<f64>>,
    /// Its ranks by them, 1 the best; equals share the mean of their ranks.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub ranks: Vec<f64>,
}
