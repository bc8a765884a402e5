//! What an MLP is made of, step by step.

use crate::model::Readout;
use crate::numeric::Activation;

/// One step from inputs to outputs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// A linear layer; `biased` where the configuration says whether it has biases.
    Linear { name: String, biased: Option<bool> },
    /// The same function of every value.
    Activation(Activation),
    /// PReLU with the slopes of this module.
    Slopes(String),
    /// A batch norm in evaluation mode.
    BatchNorm { name: String, epsilon: f64 },
    /// `scale · x + shift` by the tensors of this module.
    Affine(String),
    /// After the last layer.
    Readout(Readout),
}

/// What stands between two layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Between {
    Activation(Activation),
    /// Slopes are tensors of the file.
    Prelu,
}
