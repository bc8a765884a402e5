//! Files → [`Dataset`]: inputs, targets, pairs and domain.
//!
//! A data set is checked against itself here (equal numbers of rows, finite
//! values, labels that are classes or targets); that it fits a model is checked
//! where both are known. It deliberately knows no models.

use ndarray::Array2;
use std::path::PathBuf;

/// What a network is run on.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The path as it was given, or `embedded:NAME`.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// `train`, `test`, or `all` where names carry no split.
    pub split: String,
    /// The samples.
    pub inputs: Inputs,
    /// What they should give.
    pub labels: Option<Labels>,
    /// The pair of each sample, of the same kind and shape as `inputs`.
    pub corrupted: Option<Inputs>,
    /// Per sample, the class whose logit counts positive.
    pub answers: Option<Vec<usize>>,
    /// Per sample, the class whose logit counts negative.
    pub foils: Option<Vec<usize>>,
    /// The source framework's own outputs, `[samples, outputs]`.
    pub outputs: Option<Array2<f64>>,
    /// What the data say of the task.
    pub task: Task,
}

/// The samples of a data set.
#[derive(Debug, Clone, PartialEq)]
pub enum Inputs {
    /// `[samples, features]`; images are flattened row by row.
    Values(Array2<f64>),
    /// `[samples, tokens]`.
    Tokens(Array2<usize>),
}

/// What the samples should give.
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    /// A class per sample.
    Classes(Vec<usize>),
    /// `[samples, outputs]`.
    Targets(Array2<f64>),
}

/// What the file's metadata or the `task.json` beside it say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Task {
    /// Name of the task.
    pub name: Option<String>,
    /// Names of the features, or of the token positions.
    pub inputs: Vec<String>,
    /// Names of the outputs or classes.
    pub outputs: Vec<String>,
    /// `mse`, `cross-entropy`, `mse-onehot`.
    pub loss: Option<String>,
    /// All inputs for which a certificate may speak.
    pub domain: Option<Domain>,
}

/// A set of inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// `[lo, hi]` per feature.
    Box(Vec<[f64; 2]>),
    /// Every tuple of tokens.
    Tokens,
}
