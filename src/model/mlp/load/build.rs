//! Steps → an MLP: norms are folded into the layers beside them.

use ndarray::{Array1, Axis};

use super::modules::{self, Kind, Layer, fault, of, vector};
use super::steps::Step;
use crate::checkpoint::Account;
use crate::model::mlp::{Activations, OfLayer};
use crate::model::readout::Readout;
use crate::numeric::{Activation, Parameter};
use crate::{Error, ErrorKind, Result};

/// A chain in exact numbers.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub layers: Vec<Layer>,
    /// Of every layer but the last.
    pub gaps: Vec<Gap>,
    pub readout: Option<Readout>,
}

/// What stands behind a layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gap {
    pub of: OfLayer,
    /// The module of slopes that are one per neuron.
    pub slopes: Option<String>,
}

/// `x ↦ scale · x + shift`, value by value.
struct Affine {
    scale: Array1<f64>,
    shift: Array1<f64>,
    name: String,
}

/// Takes the tensors of every step.
///
/// # Errors
/// If one is missing or does not fit, or steps stand where they are not computed.
pub(super) fn build(account: &Account<'_>, steps: &[Step]) -> Result<Chain> {
    let mut building = Building {
        account,
        chain: Chain::default(),
        gap: None,
        waiting: Vec::new(),
        biased: Vec::new(),
    };
    for step in steps {
        building.add(step)?;
    }
    building.finish()
}

struct Building<'a, 'c> {
    account: &'a Account<'c>,
    chain: Chain,
    /// What stands behind the last layer so far.
    gap: Option<Gap>,
    /// Norms that the next layer takes in.
    waiting: Vec<Affine>,
    /// Of every layer, whether it must have biases; `None` where a norm or the
    /// configuration makes up for them.
    biased: Vec<Option<bool>>,
}

impl Building<'_, '_> {
    fn add(&mut self, step: &Step) -> Result<()> {
        if self.chain.readout.is_some() {
            return Err(self.misplaced("a function of the outputs stands before other steps"));
        }
        match step {
            Step::Linear { name, biased } => self.linear(name, *biased),
            Step::Activation(activation) => self.activate(Gap {
                of: OfLayer::Same(*activation),
                slopes: None,
            }),
            Step::Slopes(name) => {
                let gap = self.slopes(name)?;
                self.activate(gap)
            }
            Step::BatchNorm { name, epsilon } => {
                let affine = batch_norm(self.account, name, self.width(name), *epsilon)?;
                self.scale(affine);
                Ok(())
            }
            Step::LayerNorm { name, .. } => Err(fault(
                self.account,
                name,
                "a LayerNorm stands in no plain chain",
            )),
            Step::Affine(name) => {
                let affine = affine(self.account, name, self.width(name))?;
                self.scale(affine);
                Ok(())
            }
            Step::Readout(readout) => {
                self.chain.readout = Some(*readout);
                Ok(())
            }
        }
    }

    fn misplaced(&self, why: &str) -> Error {
        let last = self
            .chain
            .layers
            .last()
            .map_or("inputs", |layer| &layer.name);
        fault(self.account, last, why)
    }

    fn linear(&mut self, name: &str, biased: Option<bool>) -> Result<()> {
        let number = self.chain.layers.len();
        let stored = match modules::kinds(self.account).get(name) {
            Some(Kind::Linear(stored)) => *stored,
            _ => {
                return Err(ErrorKind::MissingTensor {
                    tensor: of(name, "weight"),
                }
                .at(self.account.checkpoint().path.clone()));
            }
        };
        let mut layer = modules::linear(self.account, name, stored, number)?;
        if let Some(before) = self.chain.layers.last() {
            let (reads, writes) = (layer.inputs(), before.outputs());
            if reads != writes {
                let why = format!("it reads {reads} values; the layer before it is {writes} wide");
                return Err(fault(self.account, name, &why));
            }
            let identity = || Gap {
                of: OfLayer::Same(Activation::Identity),
                slopes: None,
            };
            self.chain
                .gaps
                .push(self.gap.take().unwrap_or_else(identity));
        }
        self.check_told_bias(name, biased, &layer)?;
        self.biased
            .push(biased.map_or(Some(layer.bias.is_some()), |_| None));
        // What stands next to the layer is taken in first.
        for affine in std::mem::take(&mut self.waiting).into_iter().rev() {
            self.account
                .tell(format!("`{}` was folded into `{name}`", affine.name));
            take_in(&mut layer, &affine);
        }
        self.chain.layers.push(layer);
        Ok(())
    }

    fn check_told_bias(&self, name: &str, told: Option<bool>, layer: &Layer) -> Result<()> {
        match told.filter(|told| *told != layer.bias.is_some()) {
            None => Ok(()),
            Some(told) => {
                let why = format!("`bias` in config.json is {told}; the file says otherwise");
                Err(fault(self.account, name, &why))
            }
        }
    }

    fn activate(&mut self, gap: Gap) -> Result<()> {
        let identity = OfLayer::Same(Activation::Identity);
        if gap.of == identity {
            return Ok(());
        }
        if self.chain.layers.is_empty() || self.gap.is_some() {
            return Err(
                self.misplaced("an activation stands before the first layer or after another")
            );
        }
        self.gap = Some(gap);
        Ok(())
    }

    /// A PReLU behind the last layer.
    fn slopes(&mut self, name: &str) -> Result<Gap> {
        let tensor = self
            .account
            .take_floats(&of(name, "weight"), "slopes of a PReLU")?;
        let leaky = |slope: &f64| Activation::LeakyRelu(Parameter::new(*slope));
        let width = self.chain.layers.last().map_or(0, |layer| layer.outputs());
        let values = tensor.to_f64();
        match values.as_slice() {
            [slope] => Ok(Gap {
                of: OfLayer::Same(leaky(slope)),
                slopes: None,
            }),
            _ => {
                vector(self.account, &of(name, "weight"), tensor, width)?;
                Ok(Gap {
                    of: OfLayer::Neurons(values.iter().map(leaky).collect()),
                    slopes: Some(name.to_owned()),
                })
            }
        }
    }

    /// Width of what stands here: of the layer before, or of a norm of the inputs.
    fn width(&self, name: &str) -> usize {
        let length = |ending| self.account.look(&of(name, ending)).map(|t| t.len());
        match self.chain.layers.last() {
            Some(layer) => layer.outputs(),
            None => length("running_mean").or(length("shift")).unwrap_or(0),
        }
    }

    /// Folds into the layer before, or lets the next layer take it in.
    fn scale(&mut self, affine: Affine) {
        match (self.chain.layers.last_mut(), &self.gap) {
            (Some(layer), None) => {
                let told = format!("`{}` was folded into `{}`", affine.name, layer.name);
                self.account.tell(told);
                let bias = layer.bias.take();
                if bias.is_none() {
                    let told = format!("`{}` has no bias but that of the norm", layer.name);
                    self.account.tell(told);
                }
                let bias = bias.unwrap_or_else(|| Array1::zeros(affine.shift.len()));
                layer.bias = Some(&affine.scale * &bias + &affine.shift);
                *layer.weight.made() *= &affine.scale.insert_axis(Axis(1));
                layer.as_stored = false;
                if let Some(biased) = self.biased.last_mut() {
                    *biased = None;
                }
            }
            _ => self.waiting.push(affine),
        }
    }

    fn finish(mut self) -> Result<Chain> {
        if !self.waiting.is_empty() {
            return Err(self.misplaced("a norm behind the last activation is not computed yet"));
        }
        match self.gap.take().map(|gap| gap.of) {
            None => {}
            Some(OfLayer::Same(Activation::Sigmoid)) if self.chain.readout.is_none() => {
                self.chain.readout = Some(Readout::Sigmoid);
            }
            Some(_) => {
                let why = "an activation behind the last layer is not computed, but for sigmoid \
                           and softmax, which are set apart";
                return Err(self.misplaced(why));
            }
        }
        self.biases_alike()?;
        let readout = self.chain.readout.map(|readout| readout.to_string());
        self.account.tell_readout(readout);
        Ok(self.chain)
    }

    /// All layers have biases or none has: one that is missing may be lost.
    fn biases_alike(&self) -> Result<()> {
        let some = self.biased.contains(&Some(true));
        let without = self.biased.iter().position(|biased| *biased == Some(false));
        match without {
            Some(layer) if some => {
                let why = "it has no bias, and other layers have one: was it lost? A layer without \
                           one is told as {\"op\": \"linear\", \"name\": …, \"bias\": false} in \
                           `layers` of config.json";
                Err(fault(self.account, &self.chain.layers[layer].name, why))
            }
            Some(_) => {
                self.account.tell("the layers have no biases".to_owned());
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Lets a layer read what a norm writes.
fn take_in(layer: &mut Layer, affine: &Affine) {
    let weight = layer.weight.made();
    let constant = weight.dot(&affine.shift);
    *weight *= &affine.scale;
    layer.bias = Some(match layer.bias.take() {
        Some(bias) => bias + constant,
        None => constant,
    });
    layer.as_stored = false;
}

/// `scale · x + shift`, each one number for all or one for each.
fn affine(account: &Account<'_>, name: &str, width: usize) -> Result<Affine> {
    let take = |ending: &str| -> Result<Array1<f64>> {
        let full = of(name, ending);
        let tensor = account.take_floats(&full, "an affine step")?;
        match tensor.to_f64().as_slice() {
            [one] => Ok(Array1::from_elem(width, *one)),
            _ => vector(account, &full, tensor, width),
        }
    };
    Ok(Affine {
        scale: take("scale")?,
        shift: take("shift")?,
        name: name.to_owned(),
    })
}

/// A batch norm in evaluation mode: `γ (x − mean) / √(var + ε) + β`.
fn batch_norm(account: &Account<'_>, name: &str, width: usize, epsilon: f64) -> Result<Affine> {
    let take = |ending: &str, what: &str| -> Result<Array1<f64>> {
        let full = of(name, ending);
        let tensor = account.take_floats(&full, what)?;
        vector(account, &full, tensor, width)
    };
    let optional = |ending: &str, usual: f64| match account.has(&of(name, ending)) {
        true => take(ending, "batch norm"),
        false => Ok(Array1::from_elem(width, usual)),
    };
    if account.has(&of(name, "weight")) != account.has(&of(name, "bias")) {
        return Err(fault(
            account,
            name,
            "a batch norm has `weight` and `bias`, or neither",
        ));
    }
    let mean = take("running_mean", "mean of a batch norm")?;
    let variance = take("running_var", "variance of a batch norm")?;
    let scale = optional("weight", 1.0)? / variance.mapv(|v| (v + epsilon).sqrt());
    let shift = optional("bias", 0.0)? - &scale * &mean;
    account.tell_epsilon(epsilon);
    Ok(Affine {
        scale,
        shift,
        name: name.to_owned(),
    })
}

impl Chain {
    /// What stands between the layers.
    pub fn activations(&self) -> Activations {
        match self.gaps.is_empty() {
            true => Activation::Identity.into(),
            false => Activations::of_layers(self.gaps.iter().map(|gap| gap.of.clone()).collect()),
        }
    }
}
