//! What the interactive view shows: nodes with places, edges with values.
//!
//! The view knows neither MLPs nor transformers. Each kind of network has a
//! producer that gives nodes places and edges values; the page's script draws
//! what they give. Large lists travel as base64 of 32-bit numbers. Every count
//! is made here in full precision, so that the script compares no weights.

mod components;
mod layered;
mod samples;

pub use components::components;
pub use layered::layered;
pub use samples::words as sample_words;

use serde::Serialize;

use crate::result::Audit;

/// Everything the view needs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct View {
    /// What an edge's value is: `weight` or `effect`.
    pub value: &'static str,
    /// Width of the drawing.
    pub width: f64,
    /// Height of the drawing.
    pub height: f64,
    /// Whether nodes have places in depth and can be turned.
    pub solid: bool,
    /// Whether edges bend from row to row instead of running straight.
    pub bent: bool,
    /// The rows of nodes, inputs first.
    pub rows: Vec<Row>,
    /// The nodes, row by row.
    pub nodes: Vec<Node>,
    /// The edges, the strongest first.
    pub edges: Edges,
    /// Edges of the whole network, those that are zero or not listed too.
    pub edges_total: usize,
    /// Indices of the edges that alone still join parts which a higher threshold separates.
    pub bridges: Vec<usize>,
    /// Thresholds to choose from, from small to large.
    pub stops: Vec<Stop>,
    /// The stop that is shown first.
    pub start: usize,
    /// Stops worth a look.
    pub marks: Vec<Mark>,
    /// Circuits to show.
    pub circuits: Vec<Path>,
    /// The effects of ablating each node.
    pub ablation: Option<Ablation>,
    /// The samples at which each node is strongest and weakest.
    pub samples: Option<Samples>,
}

/// A row of nodes.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub y: f64,
    /// The corners of its plane, where layers are planes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corners: Option<[[f64; 2]; 4]>,
}

/// A node.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Node {
    /// The site.
    pub site: String,
    /// Its own name.
    pub name: String,
    /// The row it belongs to.
    pub row: usize,
    /// Place across.
    pub x: f64,
    /// Place from above.
    pub y: f64,
    /// Radius.
    pub r: f64,
    /// Place on its plane, in [0, 1]², where layers are planes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plane: Option<[f64; 2]>,
    /// Its module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<usize>,
    /// Its bias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bias: Option<f64>,
    /// Mean and standard deviation of its activation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<[f64; 2]>,
}

/// Edges as lists of equal length, in base64.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Edges {
    /// How many there are.
    pub count: usize,
    /// Index of the writer, 32-bit whole numbers.
    pub from: String,
    /// Index of the reader.
    pub to: String,
    /// Value, 32-bit floats.
    pub value: String,
    /// Which input of the reader: 0 the only one, 1 q, 2 k, 3 v. Empty where all are 0.
    pub port: String,
}

/// A threshold, what it leaves and what it was measured to do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stop {
    /// Edges with |value| below it are not shown.
    pub threshold: f64,
    /// How many of the listed edges are left: the first so many.
    pub shown: usize,
    /// Largest change of an output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
    /// Largest change in units of the output's tolerance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<f64>,
    /// The loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// A certified bound of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
}

/// A stop worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Its place among the stops.
    pub stop: usize,
    /// Why, in a word or two.
    pub text: String,
}

/// A circuit.
#[derive(Debug, Clone, Serialize)]
pub struct Path {
    /// The output it computes.
    pub output: String,
    /// How it was found.
    pub method: String,
    /// Its size and quality in words.
    pub words: String,
    /// Indices of its edges in base64, the strongest first.
    pub edges: String,
    /// Their effects in base64.
    pub effects: String,
    /// Edges that are not listed.
    pub left_out: usize,
}

/// The effects of ablating nodes.
#[derive(Debug, Clone, Serialize)]
pub struct Ablation {
    /// Metric and fill in words.
    pub words: String,
    /// The outputs.
    pub outputs: Vec<String>,
    /// `[nodes, outputs]` in base64; NaN where there is none.
    pub effects: String,
}

/// The samples at which nodes are strongest and weakest: `[nodes, 2 · each]`, the largest first.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Samples {
    /// What is ranked.
    pub measure: String,
    /// Samples at either end.
    pub each: usize,
    /// Places in `list`, in base64; the largest whole number where there is none.
    pub sample: String,
    /// Positions, in the same way; empty where samples have one only.
    pub position: String,
    /// Values in base64; NaN where there is none.
    pub value: String,
    /// Rows and columns of a sample that is an image.
    pub image: Option<[usize; 2]>,
    /// Names of the numbers of a sample, or of each of its positions.
    pub features: Vec<String>,
    /// Numbers of a sample.
    pub width: usize,
    /// The numbers of the first of the samples, as far as they are carried, in base64.
    pub inputs: String,
    /// The samples.
    pub list: Vec<Shown>,
}

/// A sample in words.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Shown {
    /// Its number in the data.
    pub sample: usize,
    /// Its class or targets.
    pub label: String,
    /// What the network answers.
    pub output: String,
    /// Its tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<String>,
}

/// The view of a result: of its layers, or else of the components its circuits name.
#[must_use]
pub fn view(audit: &Audit) -> Option<View> {
    let mut view = match audit.network.layers.is_empty() {
        true => components(audit)?,
        false => layered(audit),
    };
    view.samples = samples::samples(audit, &view.nodes);
    Some(view)
}
