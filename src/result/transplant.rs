//! Modules in each other's place.

use serde::{Deserialize, Serialize};

use crate::choice::Scope;

/// A module of an MLP, the host, with the weights of another, the donor, in its place.
///
/// Sites are matched one to one within each layer by the weights inside the modules; what
/// joins the host with the rest of the network stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transplant {
    /// `all` or `without-outputs`: which partition the modules belong to.
    pub scope: Scope,
    /// The module whose place is taken.
    pub host: usize,
    /// The module whose weights are put there.
    pub donor: usize,
    /// The host's sites, each with the donor's that stands in for it.
    pub sites: Vec<[String; 2]>,
    /// Mean over the layers of the cosine of matched weights, in [-1, 1]: 1 is the same up
    /// to the order of sites and a factor for each layer.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub likeness: f64,
    /// `(r + 1) / (n + 1)`, r = draws, at most 99, in which one module's weights shuffled
    /// within each layer match the other's as well.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// p by Holm's correction for the pairs of the same partition.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p_holm: f64,
    /// By linear layer, what the donor's weights are multiplied by; where the activation
    /// keeps positive factors, those of neurons brought to one size.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub scales: Vec<f64>,
    /// What is measured: `loss`, `accuracy`, ...
    pub metric: String,
    /// The metric of the pruned network.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_full: f64,
    /// The metric with the donor in the host's place.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_transplanted: f64,
    /// The metric with nothing there: no weights inside the host, no biases of its hidden sites.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_without: f64,
    /// The share of what is lost without the host that the donor brings back: 1 all of it,
    /// below 0 where it does more harm than nothing would; `null` where nothing is lost.
    pub restored: Option<f64>,
    /// Largest |f - f transplanted| over samples and outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_difference: f64,
    /// Largest over outputs of that difference / the output's tolerance.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub difference_over_tolerance: f64,
    /// Whether every output is within its tolerance and every decision the same, and not so
    /// with nothing there: on these samples the donor does what the host does.
    pub copy: bool,
}
