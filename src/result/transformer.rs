//! What a result says of a transformer beside its circuits.

use serde::{Deserialize, Serialize};

/// The shape of a transformer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Transformer {
    /// Blocks.
    pub layers: usize,
    /// Heads per block.
    pub heads: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Hidden neurons of an MLP.
    pub hidden: usize,
    /// Tokens, or features per position.
    pub inputs: usize,
    /// Outputs per position.
    pub outputs: usize,
    /// Whether a position sees only itself and those before it.
    pub causal: bool,
    /// Whether there are layer norms.
    pub norms: bool,
    /// Whether token and position embedding are told apart.
    pub split_input: bool,
    /// Positions per sample.
    pub length: usize,
    /// Where answers are read, in words.
    pub read: String,
    /// The loss there; `null` without labels.
    pub loss: Option<f64>,
}

/// One pair of prompts as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Prompt {
    /// The tokens of the clean prompt.
    pub clean: Vec<String>,
    /// Those of the corrupted one; empty where there is none.
    pub corrupted: Vec<String>,
    /// The right answer.
    pub answer: String,
    /// The wrong one.
    pub foil: String,
}

/// What the positions of one sample attend to, in one head.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Attention {
    /// The sample, from 0.
    pub sample: usize,
    /// The block, from 0.
    pub layer: usize,
    /// The head, from 0.
    pub head: usize,
    /// The positions that ask, from 0.
    pub queries: Vec<usize>,
    /// Row by row, `[queries, positions]`: shares that sum to 1 in a row.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub pattern: Vec<f64>,
}
