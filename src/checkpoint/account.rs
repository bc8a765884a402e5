//! The one door through which loaders take tensors and settings: what nobody
//! asked for is harmless with its reason, ignored on purpose, or refused.
//!
//! A loader asks for tensors by the names of its framework; wrappers' prefixes
//! (`module.`, `_orig_mod.` ...) are taken off here. It knows no layouts.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::settings::{KeyRule, Settings, Unknown};
use super::tally::Tally;
use super::{Checkpoint, Dtype, Tensor};
use crate::{ErrorKind, Result};

/// What wrappers put before every name of the network they wrap.
const WRAPPERS: [&str; 3] = ["module.", "_orig_mod.", "base_model.model."];

/// Tensors that change no output, in any layout.
const HARMLESS: [(&str, &str); 2] = [
    ("*num_batches_tracked", "counts the batches of training"),
    ("n_averaged", "counts the networks that were averaged"),
];

/// The tensors and settings of a checkpoint, and what each is used for.
#[derive(Debug)]
pub struct Account<'c> {
    checkpoint: &'c Checkpoint,
    /// The name in the file of each name that loaders ask for.
    names: BTreeMap<String, &'c str>,
    ignored: Vec<&'c str>,
    ignored_keys: Vec<String>,
    tensors: RefCell<BTreeMap<String, Use>>,
    settings: Settings<'c>,
    told: RefCell<Vec<String>>,
}

#[derive(Debug, Clone)]
enum Use {
    For(String),
    Harmless(String),
}

impl<'c> Account<'c> {
    /// An account in which nothing is used yet; `ignore` are patterns with `*` and `?`
    /// of tensors, or of keys as `config.KEY`.
    ///
    /// # Errors
    /// If a pattern fits nothing.
    pub fn open(checkpoint: &'c Checkpoint, ignore: &[String]) -> Result<Self> {
        let (ignored, kept): (Vec<&str>, Vec<&str>) = checkpoint
            .tensors
            .keys()
            .map(String::as_str)
            .partition(|name| ignore.iter().any(|pattern| fits(pattern, name)));
        let is_ignored = |key: &&String| {
            let key = format!("config.{key}");
            ignore.iter().any(|pattern| fits(pattern, &key))
        };
        let ignored_keys: Vec<String> = checkpoint
            .config
            .keys()
            .filter(is_ignored)
            .cloned()
            .collect();
        for pattern in ignore {
            let key = |key: &String| fits(pattern, &format!("config.{key}"));
            if !ignored.iter().any(|name| fits(pattern, name)) && !ignored_keys.iter().any(key) {
                return Err(ErrorKind::NothingToIgnore {
                    pattern: pattern.clone(),
                    tensors: checkpoint.tensors.keys().cloned().collect(),
                }
                .at(&checkpoint.path));
            }
        }
        let mut account = Self {
            checkpoint,
            names: kept
                .into_iter()
                .map(|name| (name.to_owned(), name))
                .collect(),
            ignored,
            ignored_keys,
            tensors: RefCell::default(),
            settings: Settings::of(checkpoint),
            told: RefCell::default(),
        };
        while WRAPPERS.iter().any(|prefix| account.strip(prefix)) {}
        Ok(account)
    }

    /// Takes `prefix` off every name, and tells it; `false`, and nothing done, where
    /// one has another beginning.
    pub fn strip(&mut self, prefix: &str) -> bool {
        let counted = |name: &str| !HARMLESS.iter().any(|(pattern, _)| fits(pattern, name));
        let mut counted = self.names.keys().filter(|name| counted(name)).peekable();
        if counted.peek().is_none() || !counted.all(|name| name.starts_with(prefix)) {
            return false;
        }
        let bare = |name: String| {
            name.strip_prefix(prefix)
                .map_or(name.clone(), str::to_owned)
        };
        let names = std::mem::take(&mut self.names);
        self.names = names
            .into_iter()
            .map(|(name, stored)| (bare(name), stored))
            .collect();
        self.tell(format!("`{prefix}` before every name was left off"));
        true
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &'c Checkpoint {
        self.checkpoint
    }

    /// The configuration.
    #[must_use]
    pub fn settings(&self) -> &Settings<'c> {
        &self.settings
    }

    /// The names that loaders may ask for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// A tensor that is only looked at.
    #[must_use]
    pub fn look(&self, name: &str) -> Option<&'c Tensor> {
        self.checkpoint.tensors.get(*self.names.get(name)?)
    }

    /// The name in the file of what loaders call `name`.
    #[must_use]
    pub fn stored(&self, name: &str) -> String {
        self.names
            .get(name)
            .map_or(name, |stored| *stored)
            .to_owned()
    }

    /// A tensor, which is now used for `what`.
    ///
    /// # Errors
    /// If there is none.
    pub fn take(&self, name: &str, what: &str) -> Result<&'c Tensor> {
        let found = self.names.get(name).copied();
        let tensor = found.and_then(|stored| self.checkpoint.tensors.get_key_value(stored));
        let (stored, tensor) = tensor.ok_or_else(|| {
            ErrorKind::MissingTensor {
                tensor: self.stored(name),
            }
            .at(&self.checkpoint.path)
        })?;
        self.record(stored, Use::For(what.to_owned()));
        Ok(tensor)
    }

    /// A tensor of floating-point numbers, which is now used for `what`.
    ///
    /// # Errors
    /// If there is none, or it holds integers, which quantised weights do.
    pub fn take_floats(&self, name: &str, what: &str) -> Result<&'c Tensor> {
        let tensor = self.take(name, what)?;
        match tensor.dtype {
            Dtype::Integer(_) => Err(ErrorKind::WeightDtype {
                tensor: self.stored(name),
                dtype: tensor.dtype.name(),
                expected: "f64, f32, f16 or bf16; quantised weights are not computed".to_owned(),
            }
            .at(&self.checkpoint.path)),
            _ => Ok(tensor),
        }
    }

    /// Says that a tensor, where there is one, changes no output.
    pub fn harmless(&self, name: &str, why: &str) {
        if let Some(stored) = self.names.get(name) {
            self.record(stored, Use::Harmless(why.to_owned()));
        }
    }

    fn record(&self, stored: &str, what: Use) {
        self.tensors
            .borrow_mut()
            .entry(stored.to_owned())
            .or_insert(what);
    }

    /// Says something that a reader of the result should know.
    pub fn tell(&self, what: String) {
        let mut told = self.told.borrow_mut();
        if !told.contains(&what) {
            told.push(what);
        }
    }

    /// Says that norms add much to the variance, where they do: no tensor could tell.
    pub fn tell_epsilon(&self, epsilon: f64) {
        const LARGE: f64 = 1e-2;
        if epsilon > LARGE {
            self.tell(format!(
                "norms add {epsilon} to the variance, which is much"
            ));
        }
    }

    /// Says what stands behind the outputs, where something does.
    pub fn tell_readout(&self, readout: Option<String>) {
        let why = "logits are read before it, and outputs compared after it";
        if let Some(readout) = readout {
            self.tell(format!("the network ends in {readout}: {why}"));
        }
    }

    /// Closes the account, with a table of the keys that this layout knows.
    ///
    /// # Errors
    /// If a tensor was neither taken nor is harmless nor ignored, or a key asks for
    /// what was not computed.
    pub fn settle(self, rules: &[(&str, KeyRule)], unknown: Unknown) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut left = Vec::new();
        let uses = self.tensors.into_inner();
        for stored in self.names.values() {
            let rule = HARMLESS.iter().find(|(pattern, _)| fits(pattern, stored));
            match (uses.get(*stored), rule) {
                (Some(Use::For(what)), _) => {
                    tally.used.insert((*stored).to_owned(), what.clone());
                }
                (Some(Use::Harmless(why)), _) => {
                    tally.harmless.insert((*stored).to_owned(), why.clone());
                }
                (None, Some((_, why))) => {
                    tally
                        .harmless
                        .insert((*stored).to_owned(), (*why).to_owned());
                }
                (None, None) => left.push((*stored).to_owned()),
            }
        }
        if !left.is_empty() {
            return Err(ErrorKind::TensorsLeftOver { tensors: left }.at(&self.checkpoint.path));
        }
        tally.ignored = self.ignored.iter().map(|name| (*name).to_owned()).collect();
        tally.told = self.told.into_inner();
        self.settings
            .settle(rules, unknown, &self.ignored_keys, &mut tally)?;
        Ok(tally)
    }
}

/// Whether a name fits a pattern in which `*` stands for any letters and `?` for one.
///
/// ```
/// use modscope::checkpoint::fits;
/// assert!(fits("*.attn.gate.?eight", "h.0.attn.gate.weight"));
/// assert!(!fits("h.0", "h.0.attn"));
/// ```
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    // reached[n]: whether what was read of the pattern fits the first n letters.
    let mut reached: Vec<bool> = (0..=name.len()).map(|n| n == 0).collect();
    for wanted in pattern {
        if wanted == '*' {
            let first = reached.iter().position(|r| *r).unwrap_or(reached.len());
            reached.iter_mut().skip(first).for_each(|r| *r = true);
        } else {
            let fits =
                |n: usize| n > 0 && reached[n - 1] && (wanted == '?' || wanted == name[n - 1]);
            reached = (0..=name.len()).map(fits).collect();
        }
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checkpoint(names: &[&str], config: serde_json::Value) -> Checkpoint {
        let tensor = || Tensor::of_floats(&[1], &[1.0_f32]);
        Checkpoint {
            path: "model.safetensors".into(),
            sha256: String::new().into(),
            tensors: names.iter().map(|n| ((*n).to_owned(), tensor())).collect(),
            metadata: BTreeMap::new(),
            config: config.as_object().unwrap().clone(),
        }
    }

    fn settle(checkpoint: &Checkpoint, ignore: &[&str], take: &[&str]) -> Result<Tally> {
        let ignore: Vec<String> = ignore.iter().map(|p| (*p).to_owned()).collect();
        let account = Account::open(checkpoint, &ignore)?;
        for name in take {
            account.take(name, "weight")?;
        }
        account.settle(&[], Unknown::Noted)
    }

    #[test]
    fn what_nobody_takes_is_refused_by_name() {
        let file = checkpoint(&["a", "b", "c.num_batches_tracked"], json!({}));
        let error = settle(&file, &[], &["a"]).unwrap_err().to_string();
        assert!(error.contains("`b`") && !error.contains("`a`"), "{error}");
        let tally = settle(&file, &["b"], &["a"]).unwrap();
        assert_eq!(tally.ignored, ["b"]);
        assert_eq!(tally.of("a"), "weight");
        assert!(tally.of("c.num_batches_tracked").starts_with("harmless"));
        assert!(settle(&file, &["d*"], &["a", "b"]).is_err());
    }

    #[test]
    fn prefixes_of_wrappers_are_left_off_and_told() {
        let file = checkpoint(&["module._orig_mod.a", "module._orig_mod.b"], json!({}));
        let tally = settle(&file, &[], &["a", "b"]).unwrap();
        assert_eq!(tally.told.len(), 2);
        assert!(tally.used.contains_key("module._orig_mod.a"));
        let mixed = checkpoint(&["module.a", "b"], json!({}));
        assert!(settle(&mixed, &[], &["a", "b"]).is_err());
    }
}
