//! Modules from stage to stage.

use serde::{Deserialize, Serialize};

use super::Assignment;
use crate::choice::{CoursePath, Turn};

/// The modules found at every stage of a path, joined to lines: a module goes on as the one
/// of the next stage with which it shares the most sites, one to one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Course {
    /// `threshold` or `steps`.
    pub along: CoursePath,
    /// In growing order of where they are.
    pub stages: Vec<Stage>,
    /// Where lines begin and end, in that order.
    pub turns: Vec<TurningPoint>,
}

/// The modules of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stage {
    /// The pruning threshold, or the step of the training.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub at: f64,
    /// Edges there.
    pub edges: usize,
    /// Newman's modularity there.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub modularity: f64,
    /// The module of every site that has an edge there.
    pub partition: Vec<Assignment>,
    /// By module the line that it is of: numbered as the modules of the network that is
    /// reported, beyond these in the order in which they were met.
    pub lines: Vec<usize>,
}

/// Where a line begins or ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurningPoint {
    /// The stage from which that is so.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub at: f64,
    /// The line.
    pub line: usize,
    /// `splits`, `appears`, `merges`, `disappears`.
    pub turn: Turn,
    /// The line from which it splits, or into which it merges.
    pub other: Option<usize>,
}
