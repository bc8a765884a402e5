//! The keys of a configuration, each asked for by its type.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Checkpoint;
use super::tally::Tally;
use crate::{Error, ErrorKind, Result};

/// An object of a configuration, and which of its keys were asked for.
#[derive(Debug)]
pub struct Settings<'c> {
    path: &'c Path,
    /// What stands before the keys in messages: empty, or `rope_scaling.`.
    before: String,
    keys: &'c Map<String, Value>,
    asked: RefCell<BTreeSet<String>>,
}

/// What a key is to a layout that knows it.
#[derive(Debug, Clone, Copy)]
pub enum KeyRule {
    /// The loader asks for it where it matters.
    Computed,
    /// It changes no output.
    Harmless(&'static str),
    /// It names a feature that is not computed; off at `null`, `false`, or one of these.
    Refused(&'static [f64]),
}

/// What happens to a key that a layout does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It is named in a note: the configuration is the user's own.
    Noted,
    /// The framework wrote the configuration: a number or `true` may be a part of the
    /// network, and is refused.
    Refused,
}

impl<'c> Settings<'c> {
    /// All of a checkpoint's configuration.
    #[must_use]
    pub fn of(checkpoint: &'c Checkpoint) -> Self {
        Self {
            path: &checkpoint.path,
            before: String::new(),
            keys: &checkpoint.config,
            asked: RefCell::default(),
        }
    }

    /// What said these keys: an ONNX graph is its own configuration.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self.path.extension().is_some_and(|end| end == "onnx") {
            true => "the graph",
            false => "config.json",
        }
    }

    /// Whether there is any key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The value of a key; it counts as used from here on.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&'c Value> {
        let found = self.keys.get(key)?;
        self.asked.borrow_mut().insert(key.to_owned());
        Some(found)
    }

    /// The value of a key, where it is not `null`.
    fn set(&self, key: &str) -> Option<&'c Value> {
        self.value(key).filter(|value| !value.is_null())
    }

    /// Whether a key is there and not `null`; it does not count as used.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|value| !value.is_null())
    }

    /// A whole number from 1, where the key is there; `null` is refused.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn count(&self, key: &str) -> Result<Option<usize>> {
        let count = |value: &Value| usize::try_from(value.as_u64()?).ok().filter(|n| *n > 0);
        self.typed(self.value(key), key, "a whole number from 1", count)
    }

    /// A whole number from 1, where the key is there and not `null`.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn count_or_null(&self, key: &str) -> Result<Option<usize>> {
        if self.set(key).is_some() {
            self.count(key)
        } else {
            Ok(None)
        }
    }

    /// A whole number from 0, where the key is there and not `null`.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn index(&self, key: &str) -> Result<Option<usize>> {
        let index = |value: &Value| usize::try_from(value.as_u64()?).ok();
        self.typed(self.set(key), key, "a whole number from 0", index)
    }

    /// A number, where the key is there; `null` is refused.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        self.typed(self.value(key), key, "a number", Value::as_f64)
    }

    /// A number above 0, where the key is there; `null` is refused.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn positive(&self, key: &str) -> Result<Option<f64>> {
        let positive = |value: &Value| value.as_f64().filter(|x| *x > 0.0);
        self.typed(self.value(key), key, "a number above 0", positive)
    }

    /// A number, where the key is there and not `null`.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn number_or_null(&self, key: &str) -> Result<Option<f64>> {
        self.typed(self.set(key), key, "a number", Value::as_f64)
    }

    /// `true` or `false`, where the key is there and not `null`.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn flag(&self, key: &str) -> Result<Option<bool>> {
        self.typed(self.set(key), key, "true or false", Value::as_bool)
    }

    /// A word, where the key is there and not `null`.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn word(&self, key: &str) -> Result<Option<&'c str>> {
        self.typed(self.set(key), key, "a word in quotes", Value::as_str)
    }

    /// A list, where the key is there and not `null`.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn list(&self, key: &str) -> Result<Option<&'c Vec<Value>>> {
        self.typed(self.set(key), key, "a list", Value::as_array)
    }

    /// An object of further settings, where the key is there and not `null`.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn object(&self, key: &str) -> Result<Option<Settings<'c>>> {
        let keys = self.typed(self.set(key), key, "an object", Value::as_object)?;
        Ok(keys.map(|keys| Settings {
            path: self.path,
            before: format!("{}{key}.", self.before),
            keys,
            asked: RefCell::default(),
        }))
    }

    /// An object in a list of settings, which goes by `name`; `None` for another value.
    #[must_use]
    pub fn entry(&self, name: &str, value: &'c Value) -> Option<Self> {
        Some(Self {
            path: self.path,
            before: format!("{}{name}.", self.before),
            keys: value.as_object()?,
            asked: RefCell::default(),
        })
    }

    fn typed<T>(
        &self,
        value: Option<&'c Value>,
        key: &str,
        expected: &str,
        read: impl Fn(&'c Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = value else { return Ok(None) };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(self.wrong(key, &value.to_string(), expected)),
        }
    }

    /// An error for a value of another type or range.
    #[must_use]
    pub fn wrong(&self, key: &str, value: &str, expected: &str) -> Error {
        ErrorKind::ConfigType {
            key: self.full(key),
            value: value.to_owned(),
            expected: expected.to_owned(),
        }
        .at(self.file())
    }

    /// That a setting, where it is there, is what the tensors say.
    ///
    /// # Errors
    /// If they disagree; `found` is what the tensors say, `at` which of them.
    pub fn agrees(&self, key: &str, said: Option<usize>, found: usize, at: &str) -> Result<()> {
        match said.filter(|said| *said != found) {
            None => Ok(()),
            Some(said) => Err(self.disagrees(key, &said.to_string(), &format!("{at} say {found}"))),
        }
    }

    /// An error for a setting that the tensors contradict.
    #[must_use]
    pub fn disagrees(&self, key: &str, said: &str, found: &str) -> Error {
        ErrorKind::ConfigDisagrees {
            key: self.full(key),
            value: said.to_owned(),
            found: found.to_owned(),
        }
        .at(self.file())
    }

    /// An error for a setting with a value that this tool does not compute.
    #[must_use]
    pub fn unsupported(&self, key: &str, value: &str) -> Error {
        ErrorKind::ConfigUnsupported {
            key: self.full(key),
            value: value.to_owned(),
        }
        .at(self.file())
    }

    /// An error for a setting that is needed and not there.
    #[must_use]
    pub fn missing(&self, key: &str) -> Error {
        ErrorKind::ConfigMissing {
            key: self.full(key),
        }
        .at(self.file())
    }

    /// That no key asks for a feature that a table refuses.
    ///
    /// # Errors
    /// For the first that does.
    pub fn refuse(&self, rules: &[(&str, KeyRule)]) -> Result<()> {
        for (key, rule) in rules {
            if let (Some(value), KeyRule::Refused(neutral)) = (self.keys.get(*key), rule)
                && !is_off(value, neutral)
            {
                return Err(self.unsupported(key, &value.to_string()));
            }
        }
        Ok(())
    }

    /// That nothing in this object was passed over.
    ///
    /// # Errors
    /// If a key was not asked for.
    pub fn all_used(&self) -> Result<()> {
        let asked = self.asked.borrow();
        match self
            .keys
            .iter()
            .find(|(key, value)| !asked.contains(*key) && !value.is_null())
        {
            None => Ok(()),
            Some((key, value)) => Err(self.unsupported(key, &value.to_string())),
        }
    }

    fn file(&self) -> PathBuf {
        self.path.to_owned()
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.before)
    }

    /// Sorts every key into what was used, what is harmless and what is not known.
    pub(super) fn settle(
        &self,
        rules: &[(&str, KeyRule)],
        unknown: Unknown,
        ignored: &[String],
        tally: &mut Tally,
    ) -> Result<()> {
        let asked = self.asked.borrow();
        for (key, value) in self.keys {
            let rule = rules
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, rule)| *rule);
            if asked.contains(key) {
                tally.keys_used.push(key.clone());
            } else if ignored.contains(key) {
                tally.keys_ignored.push(key.clone());
            } else if let Some(why) = self.harmless(key, value, rule)? {
                tally.keys_harmless.insert(key.clone(), why.to_owned());
            } else if unknown == Unknown::Refused && may_compute(value) {
                return Err(ErrorKind::ConfigUnknown {
                    key: key.clone(),
                    value: value.to_string(),
                }
                .at(self.file()));
            } else {
                tally.keys_unknown.push(key.clone());
            }
        }
        Ok(())
    }

    /// Why a key that was not asked for changes nothing; `None` for one that is not known.
    fn harmless(
        &self,
        key: &str,
        value: &Value,
        rule: Option<KeyRule>,
    ) -> Result<Option<&'static str>> {
        match rule {
            Some(KeyRule::Harmless(why)) => Ok(Some(why)),
            Some(KeyRule::Computed) => Ok(Some("has no part in this network")),
            Some(KeyRule::Refused(neutral)) if is_off(value, neutral) => Ok(Some("is off")),
            Some(KeyRule::Refused(_)) => Err(self.unsupported(key, &value.to_string())),
            None => Ok(None),
        }
    }
}

/// Whether a feature with this value is not in the network.
fn is_off(value: &Value, neutral: &[f64]) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::String(_) => false,
        Value::Number(number) => number.as_f64().is_some_and(|x| neutral.contains(&x)),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(entries) => entries.is_empty(),
    }
}

/// Whether an unknown key may stand for a part of the network: numbers and `true`.
fn may_compute(value: &Value) -> bool {
    matches!(value, Value::Number(_) | Value::Bool(true))
}
