//! One file of one family: its names and settings, and what many parts of a plan ask of them.

use serde_json::Value;

use super::super::family::{Family, Model, Rule};
use super::super::keys::Purpose;
use crate::checkpoint::{Account, Settings};
use crate::{ErrorKind, Result};

/// One file of one family.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub account: &'a Account<'a>,
    pub settings: &'a Settings<'a>,
    pub family: &'a Family,
    /// What is before all names but the head's in this file.
    pub base: &'a str,
    pub purpose: Purpose,
    /// Whether Falcon's ALiBi counts twice.
    pub alibi_twice: bool,
}

impl<'a> File<'a> {
    /// The name of a part in this file.
    pub fn at(self, part: &str) -> String {
        format!("{}{part}", self.base)
    }

    /// The name of a part of a block in this file.
    pub fn in_block(self, l: usize, part: &str) -> String {
        self.at(&format!(
            "{}{}.{part}",
            self.family.layer,
            self.stored_block(l)
        ))
    }

    /// The number in this file of the block that has the weights of block `l`: ALBERT's group,
    /// divided as the framework divides.
    fn stored_block(self, l: usize) -> usize {
        let said = |key: &str| self.settings.count(key).ok().flatten();
        match said(self.family.keys.layers).filter(|_| self.family.model == Model::Albert) {
            Some(layers) => {
                let groups = said("num_hidden_groups").unwrap_or(1) as f64;
                (l as f64 / (layers as f64 / groups)) as usize
            }
            None => l,
        }
    }

    /// The name of the weights of a part in this file.
    pub fn weight(self, part: &str) -> String {
        format!("{}{part}.weight", self.base)
    }

    /// The shape of a tensor, before anyone takes it.
    pub fn shape(self, name: &str) -> Result<(usize, usize)> {
        let tensor = self.account.look(name).ok_or_else(|| {
            ErrorKind::MissingTensor {
                tensor: self.account.stored(name),
            }
            .at(self.account.checkpoint().path.clone())
        })?;
        match tensor.shape.as_slice() {
            &[rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            _ => Err(ErrorKind::TensorShape {
                tensor: self.account.stored(name),
                shape: tensor.shape.clone(),
                expected: "two dimensions are expected, none of them 0".to_owned(),
            }
            .at(self.account.checkpoint().path.clone())),
        }
    }

    /// Whether something is there.
    pub fn is(self, rule: Rule) -> Result<bool> {
        Ok(match rule {
            Rule::Always => true,
            Rule::Never => false,
            Rule::Key(key, usual) => self.settings.flag(key)?.unwrap_or(usual),
        })
    }

    /// Whether linear layers have biases.
    pub fn biased(self, rule: Rule) -> Result<bool> {
        match self.family.model {
            Model::NanoGpt => self.nano_bias(),
            _ => self.is(rule),
        }
    }

    pub fn nano_bias(self) -> Result<bool> {
        let stored = self.account.has(&self.at("ln_f.bias"));
        Ok(self.settings.flag("bias")?.unwrap_or(stored))
    }

    /// A soft cap: none at `null`, `usual` where the key is not there.
    pub fn cap(self, key: &str, usual: Option<f64>) -> Result<Option<f64>> {
        match self.settings.value(key) {
            None => Ok(usual),
            Some(Value::Null) => Ok(None),
            Some(_) => self.settings.positive(key),
        }
    }

    /// Says that a setting has the framework's usual value, where the file has none.
    pub fn tell_usual(self, key: &str, usual: &str) {
        if !self.settings.has(key) {
            let told = format!("no `{key}` in config.json: it is {usual}, the framework's own");
            self.account.tell(told);
        }
    }
}
