//! What an MLP is made of, step by step.

use serde_json::{Value, json};

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
    /// Over the neurons of every sample: no chain has it, a layered network does.
    LayerNorm { name: String, epsilon: f64 },
    /// `scale · x + shift` by the tensors of this module.
    Affine(String),
    /// After the last layer.
    Readout(Readout),
}

impl Step {
    /// An entry of `layers` in a `config.json`.
    pub fn operation(&self) -> Value {
        match self {
            Self::Linear { name, biased } => match biased {
                None => json!({"op": "linear", "name": name}),
                Some(bias) => json!({"op": "linear", "name": name, "bias": bias}),
            },
            Self::Activation(activation) => json!({"op": activation.to_string()}),
            Self::Slopes(name) => json!({"op": "prelu", "name": name}),
            Self::BatchNorm { name, epsilon } => {
                json!({"op": "batch_norm", "name": name, "eps": epsilon})
            }
            Self::LayerNorm { name, epsilon } => {
                json!({"op": "layer_norm", "name": name, "eps": epsilon})
            }
            Self::Affine(name) => json!({"op": "affine", "name": name}),
            Self::Readout(readout) => json!({"op": readout.to_string()}),
        }
    }
}

/// What stands between two layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Between {
    Activation(Activation),
    /// Slopes are tensors of the file.
    Prelu,
}
