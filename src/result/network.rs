//! The network as it is drawn: sites, their places and the weights between them.

use serde::{Deserialize, Serialize};

/// A layered network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Network {
    /// Layers of sites, inputs first, outputs last.
    pub layers: Vec<Layer>,
    /// Between layer l and l + 1: the weights of the network as it is, before pruning,
    /// row by row `[layers[l+1].sites, layers[l].sites]`; NaN is written as `null`.
    /// Empty where no linear layer stands between the two.
    #[serde(deserialize_with = "super::number")]
    pub weights: Vec<Vec<Option<f64>>>,
    /// Weights between layers that do not follow each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skips: Vec<Skip>,
    /// What carries values on besides weights.
    #[serde(default)]
    pub links: Vec<Link>,
}

impl Network {
    /// Whether some weights lead to the next step of a recurrence.
    #[must_use]
    pub fn has_steps(&self) -> bool {
        self.skips
            .iter()
            .any(|skip| skip.to_layer <= skip.from_layer)
    }

    /// Entries of all matrices of weights.
    #[must_use]
    pub fn weight_count(&self) -> usize {
        let skips = self.skips.iter().map(|skip| skip.weights.len());
        self.weights.iter().map(Vec::len).chain(skips).sum()
    }
}

/// The weights from a layer to one that is not the next; to itself or an earlier one, what a
/// recurrence leads to the next step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Skip {
    /// The writers' layer.
    pub from_layer: usize,
    /// The readers' layer.
    pub to_layer: usize,
    /// Row by row, as those between layers that follow each other.
    #[serde(deserialize_with = "super::number")]
    pub weights: Vec<Option<f64>>,
}

/// Values that pass from layer to layer without a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// The earlier layer.
    pub from_layer: usize,
    /// The later layer, not always the next.
    pub to_layer: usize,
    /// How they pass.
    pub kind: LinkKind,
}

/// How values pass without a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    /// Every site is added to the one at its position: the residual stream.
    Identity,
    /// A map made a vector: as many of the later layer's sites as a map has entries
    /// are those of each of the earlier.
    Spread,
    /// Attention: the earlier layer's sites are queries, keys and values, a
    /// third each; the later layer's position i is gathered from value i.
    Attention,
}

/// One layer of sites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Layer {
    /// `inputs`, `hidden 1`, ..., `outputs`.
    pub name: String,
    /// How its sites are laid out.
    pub arrangement: Arrangement,
    /// Its sites, by physical position.
    pub sites: Vec<Site>,
}

/// How the sites of a layer are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Arrangement {
    /// On a line: `x` in [0, 1], `y` = 0.
    Line,
    /// On a square grid: `x` and `y` in [0, 1].
    Grid,
    /// On a ring around (½, ½).
    Ring,
}

/// One site and its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Site {
    /// `x0`, `h1.4`, `y1`.
    pub site: String,
    /// The feature's or target's own name; for hidden sites the same as `site`.
    pub name: String,
    /// Place across, in [0, 1].
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub x: f64,
    /// Place in depth, in [0, 1]; on a line the number of its fold, 0 without folds.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub y: f64,
    /// Its bias; `null` for inputs.
    pub bias: Option<f64>,
    /// Mean activation over the samples; `null` without data.
    pub mean: Option<f64>,
    /// Standard deviation of the activation over the samples; `null` without data.
    pub sd: Option<f64>,
}
