//! Readings that a file leaves open, settled by the framework's own outputs.
//!
//! Two networks may leave the very same file: one whose norms are LayerNorms, another
//! whose norms are of the batch. Nothing is guessed of them: a reading is taken where it
//! is told, or where with it, and only with it, the network gives the outputs that the
//! data hold.

use ndarray::Array2;
use serde_json::Value;

use super::layout::{Architecture, Loaded, Network};
use super::{Batch, Options, Ports, Sequences};
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::data::Dataset;
use crate::numeric::Scalar;

/// What a file may mean besides what it is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The norms of an MLP that hold no statistics are LayerNorms.
    LayerNorm,
    /// Falcon's ALiBi counts twice, as in the framework's `eager` attention.
    AlibiTwice,
}

named! {
    Meaning: "meaning" {
        LayerNorm = "layer_norm",
        AlibiTwice = "alibi_twice",
    }
}

/// Outputs that differ by so much of their scale are another network's; how well they
/// agree below it, parity says.
const CLOSE: f64 = 1e-3;

impl Options {
    /// These, with the reading that gives the outputs of `data` where the file leaves one
    /// open, nobody told it, and the file as it stands gives others.
    #[must_use]
    pub fn settled(&self, checkpoint: &Checkpoint, data: &Dataset) -> Self {
        if !self.meanings.is_empty() || data.outputs.is_none() {
            return self.clone();
        }
        let gives = |options: Self| gives(checkpoint, data, options).unwrap_or(false);
        let found = Meaning::each()
            .filter(|reading| reading.is_open(checkpoint))
            .find(|reading| !gives(self.clone()) && gives(self.with(*reading)));
        found.map_or_else(|| self.clone(), |reading| self.with(reading))
    }

    fn with(&self, reading: Meaning) -> Self {
        Self {
            meanings: vec![reading],
            by_outputs: true,
            ..self.clone()
        }
    }

    /// Whether a reading is to be taken.
    pub(super) fn reads(&self, reading: Meaning) -> bool {
        self.meanings.contains(&reading)
    }

    /// Who says how to read what the file leaves open.
    pub(super) fn who(&self) -> &'static str {
        match self.by_outputs {
            true => "so read, the network gives the framework's outputs",
            false => "`--meaning` says so",
        }
    }
}

impl Meaning {
    /// Whether a file can mean it, as far as names and settings tell.
    fn is_open(self, checkpoint: &Checkpoint) -> bool {
        let Checkpoint {
            config, tensors, ..
        } = checkpoint;
        let vector = |name: &str| tensors.get(name).is_some_and(|t| t.shape.len() == 1);
        let is_norm = |name: &String| {
            name.strip_suffix("weight").is_some_and(|module| {
                let statistics = format!("{module}running_mean");
                vector(name)
                    && vector(&format!("{module}bias"))
                    && !tensors.contains_key(&statistics)
            })
        };
        match self {
            Self::LayerNorm => !config.contains_key("model_type") && tensors.keys().any(is_norm),
            Self::AlibiTwice => {
                let is = |key: &str, value: Value| config.get(key) == Some(&value);
                is("model_type", "falcon".into()) && is("alibi", true.into())
            }
        }
    }
}

/// Whether a network gives the outputs of the data.
fn gives(checkpoint: &Checkpoint, data: &Dataset, options: Options) -> Result<bool> {
    let loaded = Loaded::from_checkpoint(checkpoint, options)?;
    let (ours, theirs) = (loaded.outputs(data)?, data.outputs.as_ref());
    let Some(theirs) = theirs.filter(|theirs| theirs.dim() == ours.dim()) else {
        return Ok(false);
    };
    let scale = theirs.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= CLOSE * scale;
    Ok(ours.iter().zip(theirs).all(close))
}

impl Loaded {
    /// Final outputs `[samples, outputs]` in the order of the data, softmax and its like
    /// included; of sequences one row for each reading.
    ///
    /// # Errors
    /// If the data do not fit the network.
    pub fn outputs(&self, data: &Dataset) -> Result<Array2<f64>> {
        match &self.network {
            Network::F32(network) => self.outputs_in(network, data),
            Network::F64(network) => self.outputs_in(network, data),
        }
    }

    fn outputs_in<T: Scalar>(
        &self,
        network: &Architecture<T>,
        data: &Dataset,
    ) -> Result<Array2<f64>> {
        let rows = match network {
            Architecture::Transformer(model) => {
                model.outputs_of(&Sequences::new(model, data, None)?)
            }
            Architecture::Mlp(model) => {
                let rows = model.outputs(Batch::new(model, data)?.inputs.view());
                model.by_target(rows.view()).reversed_axes()
            }
            Architecture::Layered(model) => {
                let ports = Ports::plain(model.input.features(), model.outputs_len());
                model.outputs(Batch::through(&ports, data)?.inputs)
            }
        };
        let rows = self
            .readout
            .map_or_else(|| rows.clone(), |readout| readout.of(&rows));
        Ok(rows.t().mapv(Scalar::widen))
    }
}
