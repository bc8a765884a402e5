//! How a network was trained: its curve, and the film of its taking shape.

use serde::{Deserialize, Serialize};

/// The training of a network, as far as files beside it tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Training {
    /// The measures, by step.
    pub curve: Vec<TrainingPoint>,
    /// The film; `null` where there is none.
    pub film: Option<Film>,
    /// Most connections of a frame that were kept for the report; `null` where all are.
    pub film_cut: Option<usize>,
}

/// One row of a training's `curve.csv`; `null` is what it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct TrainingPoint {
    /// The step, from 0.
    pub step: usize,
    /// Strength of the connection cost.
    pub lambda: Option<f64>,
    /// Loss on the training samples.
    pub train_loss: Option<f64>,
    /// Loss on the test samples.
    pub test_loss: Option<f64>,
    /// Accuracy on the training samples, in [0, 1].
    pub train_accuracy: Option<f64>,
    /// Accuracy on the test samples, in [0, 1].
    pub test_accuracy: Option<f64>,
    /// The connection cost of BIMT.
    pub connection_cost: Option<f64>,
    /// Weights with |w| > 0.01.
    #[serde(rename = "weights_above_0.01")]
    pub weights: Option<f64>,
}

/// A network taking shape.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Film {
    /// Task, regime and seed.
    pub title: String,
    /// Per layer, inputs first, the places `[x, y]` of its sites in the unit square, inputs below.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Vec<[Option<f64>; 2]>>"))]
    pub places: Vec<Vec<[f64; 2]>>,
    /// Names of the layers; empty where they need none.
    pub rows: Vec<String>,
    /// Names of the inputs, by feature.
    pub inputs: Vec<String>,
    /// Names of the outputs, by target.
    pub outputs: Vec<String>,
    /// Whether inputs are embedded tokens, which have no names.
    pub tokens: bool,
    /// The frames, by step.
    pub frames: Vec<FilmFrame>,
}

/// The network at one step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FilmFrame {
    /// The step, from 0.
    pub step: usize,
    /// Loss on the test samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub loss: f64,
    /// Weights with |w| > 0.01.
    pub edges: usize,
    /// The feature that each physical input reads.
    #[serde(rename = "in")]
    pub in_perm: Vec<usize>,
    /// The target that each physical output is.
    #[serde(rename = "out")]
    pub out_perm: Vec<usize>,
    /// Four numbers a connection, the strongest first: layer, reader, writer, and
    /// the weight over the layer's largest in hundredths.
    pub lines: Vec<i64>,
}
