//! What a network was run on, as its sites read it.

use serde::{Deserialize, Serialize};

/// The samples of a small network: with them, its weights and its activation whoever has
/// the result can run it again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Replay {
    /// Per sample, what the input sites write, in their order.
    pub inputs: Vec<Vec<f64>>,
    /// Per sample, its class as a position among the outputs; `null` for targets.
    pub classes: Option<Vec<usize>>,
    /// Per sample, what the outputs should be, in their order; `null` for classes.
    pub targets: Option<Vec<Vec<f64>>>,
}
