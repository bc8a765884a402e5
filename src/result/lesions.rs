//! What modules do: lesions, selectivity, coalitions.

use serde::{Deserialize, Serialize};

use crate::choice::{Direction, Fill, MetricKind, Origin, Scope};

/// The ablation of one module, against random sets of as many sites per layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lesion {
    /// The module, as in `partition`; or the one of `without_outputs`, as `scope` says.
    pub module: usize,
    /// `all` or `without-outputs`: which partition the module belongs to.
    pub scope: Scope,
    /// `zero`, `mean`, `resample` or `corrupted`.
    pub fill: Fill,
    /// What is measured: `loss`, `accuracy`, ...
    pub metric: String,
    /// `metric(as is) - metric(module patched)`.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub effect: f64,
    /// The metric of the network as it is.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_full: f64,
    /// The metric with the module patched.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_lesioned: f64,
    /// The metric when every other module is patched and this one stays.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_alone: f64,
    /// Effect of random sets: mean.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub random_mean: f64,
    /// Effect of random sets: standard deviation.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub random_sd: f64,
    /// `(r + 1) / (n + 1)`, r = random sets with an |effect| at least as large.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// p by Holm's correction for the modules of the same partition, fill and metric.
    #[serde(default)]
    pub p_holm: Option<f64>,
    /// Random sets drawn.
    pub samples: usize,
}

/// The harm that the ablation of a module does to every output, and whether it is uneven,
/// against random sets of as many sites per layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Selectivity {
    /// The module, of the partition that `scope` says.
    pub module: usize,
    /// `all` or `without-outputs`.
    pub scope: Scope,
    /// `zero`, `mean`, `resample` or `corrupted`.
    pub fill: Fill,
    /// What the effects are in: `accuracy`, `mse`, `output`.
    pub metric: MetricKind,
    /// The outputs, by site.
    pub outputs: Vec<String>,
    /// By output, how much worse it is without the module: of accuracies the difference, else
    /// the share of what the ablation of all modules together changes.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub effects: Vec<f64>,
    /// The output that is hurt the most beyond the others.
    pub output: String,
    /// Its effect less the mean of the others'.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub lead: f64,
    /// `(r + 1) / (n + 1)`, r = random sets with at least this lead, for whichever output.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// p by Holm's correction for the modules of the same partition and fill.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p_holm: f64,
    /// Random sets drawn.
    pub samples: usize,
}

/// What the modules of a partition do together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coalitions {
    /// `all` or `without-outputs`: which partition the modules belong to.
    pub scope: Scope,
    /// What stands for the messages of the modules that are out.
    pub fill: Fill,
    /// What is measured: `loss`, `accuracy`.
    pub metric: String,
    /// Whether more of it is better; `null` in results that do not say.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// The metric with all modules.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub all: f64,
    /// The metric with none.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub none: f64,
    /// By module.
    pub shares: Vec<Share>,
    /// Orders sampled for the Shapley values; `null` where they are exact.
    pub orders: Option<usize>,
    /// The metric of every subset of a few modules.
    pub subsets: Vec<Subset>,
    /// Which samples need which modules, of a few modules where samples have classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margins: Option<Margins>,
}

/// The margins of decisions with every subset of the modules: the logit of a sample's class
/// less the largest other; of a single output the logit, signed by the label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Margins {
    /// `1 − Σ (g − Σ g_k)² / Σ g²` over samples: what all modules add to the margin beside the
    /// sum of what each adds alone. 1: modules vote; 0 and below: they work together. `null`
    /// where they add nothing.
    pub additivity: Option<f64>,
    /// Samples decided wrongly with all modules.
    pub wrong: usize,
    /// The samples decided rightly, by the modules each of which they need: without that one
    /// alone the decision is wrong. Most samples first.
    pub needs: Vec<Need>,
    /// The classes that occur, of at most twelve; else empty.
    pub classes: Vec<usize>,
    /// By subset of the modules the mean margin of each of these classes.
    pub by_class: Vec<MeanMargins>,
}

/// Samples that need the same modules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Need {
    /// The modules; empty where none is needed by itself.
    pub modules: Vec<usize>,
    /// How many samples.
    pub samples: usize,
    /// The first of them, from 0.
    pub first: Vec<usize>,
}

/// Mean margins with a set of modules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MeanMargins {
    /// The modules that stay.
    pub modules: Vec<usize>,
    /// By class, as in `classes`.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub margins: Vec<f64>,
}

/// One module's share of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Share {
    /// The module.
    pub module: usize,
    /// What it adds, on average over the orders of bringing modules back.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub shapley: f64,
    /// The standard error of that, where orders were sampled.
    pub standard_error: Option<f64>,
    /// The metric with this module alone.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub alone: f64,
    /// The metric with all but this one.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub without: f64,
}

/// The metric of a set of modules; the others are patched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subset {
    /// The modules that stay.
    pub modules: Vec<usize>,
    /// The metric.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub value: f64,
}

/// How the modules agree with the circuits of one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Agreement {
    /// The method of the circuits.
    pub method: Origin,
    /// Normalised mutual information between the module of a site and the set of
    /// circuits it is in, over the sites that are in a module.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub nmi: f64,
    /// Sites in a module.
    pub sites: usize,
    /// Every circuit with every module that it shares sites with.
    pub pairs: Vec<Enrichment>,
}

/// A circuit and a module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Enrichment {
    /// The output whose circuit it is.
    pub output: String,
    /// The module.
    pub module: usize,
    /// Sites in both.
    pub both: usize,
    /// Sites of the circuit that are in a module.
    pub in_circuit: usize,
    /// Sites of the module.
    pub in_module: usize,
    /// Sites that chance would put in both.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub expected: f64,
    /// Chance of as many or more: upper tail of the hypergeometric distribution.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// p by Holm's correction for all pairs of the method.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p_holm: f64,
}
