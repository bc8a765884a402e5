//! What the modules of a network say about its task.

use serde::{Deserialize, Serialize};

/// Insight in the task, where the data say what inputs and outputs are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Insight {
    /// Token embeddings: the whole table, then the part of each module.
    pub embeddings: Vec<Embedding>,
    /// For permutations: embedding dimensions by how well they follow the sign, best first.
    pub signs: Vec<SignDimension>,
    /// For permutations: embedding dimensions by the irreducible representation that
    /// stands out in each, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub representations: Vec<Represented>,
    /// How many outputs or classes a hidden neuron serves; most first.
    pub polysemanticity: Vec<Polysemanticity>,
    /// Outputs of few weights as formulas.
    pub formulas: Vec<Formula>,
    /// For modular addition: clock or pizza, of the whole network, then of each module alone.
    #[serde(default)]
    pub additions: Vec<Addition>,
    /// Outputs, and decisions, that depend on one or two inputs, over these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surfaces: Vec<Surface>,
    /// Of the six largest modules the hidden neurons that write the most, up to four of each,
    /// module by module.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Unit>,
}

/// What a hidden neuron of the pruned network writes against what comes in, over up to 41 of the
/// samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unit {
    /// The neuron.
    pub site: String,
    /// Its module.
    pub module: usize,
    /// The sum that it reads, its bias included, ascending.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub sums: Vec<f64>,
    /// What it writes there.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub values: Vec<f64>,
}

/// An output of the pruned network, or what a module writes, over the one or two inputs that it depends on, in the
/// samples' range and beyond it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Surface {
    /// The output site; `null` for a hidden site, and for the decision, whose values are
    /// numbers of outputs or, of a single output, whether it is above 0.
    pub output: Option<String>,
    /// The hidden site whose values these are: one that its module writes to others by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The module of that site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<usize>,
    /// The inputs, by site.
    pub inputs: Vec<String>,
    /// By input, its smallest and largest value over the samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<[Option<f64>; 2]>"))]
    pub domain: Vec<[f64; 2]>,
    /// By input, where the grid begins and ends.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<[Option<f64>; 2]>"))]
    pub range: Vec<[f64; 2]>,
    /// Points along each input.
    pub points: usize,
    /// At every point, the first input going first.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub values: Vec<f64>,
}

/// Measures that tell the clock from the pizza algorithm (Zhong et al. 2023).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Addition {
    /// The module, all others' messages being zero; `null` for the whole network.
    pub module: Option<usize>,
    /// Mean cosine of the gradients of a logit towards the two embeddings, in [-1, 1]: near 1
    /// for the pizza; `null` where it has no gradient.
    pub gradient_symmetricity: Option<f64>,
    /// Spread of the correct logits at equal distance of the inputs by their spread at all, in
    /// [0, 1]: low for the pizza; `null` where nothing varies.
    pub distance_irrelevance: Option<f64>,
}

/// The embedding of the tokens in the dimensions of one module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Embedding {
    /// The module; `null` for the whole table.
    pub module: Option<usize>,
    /// The dimensions of the table, from 0.
    pub dimensions: Vec<usize>,
    /// Share of the variance along each principal component, largest first.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub variance: Vec<f64>,
    /// Each token along the first two components.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<[Option<f64>; 2]>"))]
    pub points: Vec<[f64; 2]>,
    /// For modular arithmetic: share of the variance at each frequency from 1; else empty.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub frequencies: Vec<f64>,
}

/// An embedding dimension beside the sign of the permutation that a token stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignDimension {
    /// The dimension, from 0.
    pub dimension: usize,
    /// Correlation over the tokens, in [-1, 1].
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub correlation: f64,
    /// Share of the embedding's variance that the dimension has.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub variance: f64,
    /// The module of its inputs, where they are in one.
    pub module: Option<usize>,
    /// Whether that module has no other dimension of the embedding.
    pub alone: bool,
}

/// An embedding dimension as a function of the permutations: which irreducible representation
/// of the symmetric group it lies in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Represented {
    /// The dimension, from 0.
    pub dimension: usize,
    /// The representation that stands out most of noise, by its partition: `[3, 1]` is the
    /// standard one of four things, `[1, 1, 1, 1]` the sign.
    pub partition: Vec<usize>,
    /// The dimension of that representation.
    pub degree: usize,
    /// Its share of the dimension's variance over the tokens.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub share: f64,
    /// Chance of as large a share of normal noise, for whichever representation.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// p by Holm's correction for the dimensions.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p_holm: f64,
    /// Share of the embedding's variance that the dimension has.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub variance: f64,
    /// The module of its inputs, where they are in one.
    pub module: Option<usize>,
}

/// How many outputs a neuron serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Polysemanticity {
    /// The neuron.
    pub site: String,
    /// `(Σ |effect|)² / Σ effect²` over outputs: 1 serves one, n serves n alike.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub index: f64,
}

/// An output as a formula of the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Formula {
    /// The output site.
    pub output: String,
    /// Its own name.
    pub name: String,
    /// The formula in plain text, weights to five digits.
    pub text: String,
    /// The formula for LaTeX's mathematics mode.
    pub latex: String,
    /// Largest |formula - pruned network| over the samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_difference: f64,
}
