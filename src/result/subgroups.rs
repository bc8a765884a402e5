//! What holds of the samples as a whole, subgroup by subgroup.

use serde::{Deserialize, Serialize};

use crate::choice::MetricKind;

/// The samples by the values of a column of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subgroups {
    /// The column or array, as `--by` names it.
    pub column: String,
    /// The task's metric; `null` where the data have none that is a mean over their samples.
    pub metric: Option<MetricKind>,
    /// One entry per value: numbers by size, words by the alphabet.
    pub groups: Vec<Subgroup>,
}

/// One value's samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subgroup {
    /// The value; empty where the data have none.
    pub value: String,
    /// How many samples have it.
    pub samples: usize,
    /// The metric of the network as it is, over these samples.
    pub metric_full: Option<f64>,
    /// That of the pruned network; `null` where nothing was to be pruned.
    pub metric_pruned: Option<f64>,
    /// On how many of them the pruned network decides otherwise; `null` where it decides nothing.
    pub decisions_changed: Option<usize>,
    /// The largest change of an output by pruning, over these samples.
    pub max_abs_change: Option<f64>,
}
