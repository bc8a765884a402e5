//! Results that are read back, whichever command wrote them.

use std::path::Path;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::{
    Audit, Comparison, Diff, Fronts, Intervention, Lens, Multiverse, READABLE, SCHEMA, Sentence,
    check,
};
use crate::{ErrorKind, Result};

/// A result of any command.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Saved {
    /// Of `audit`, or of a command that writes a part of it.
    Audit(Box<Audit>),
    /// Of `compare`.
    Comparison(Box<Comparison>),
    /// Of `diff`.
    Diff(Box<Diff>),
    /// Of `train --lambda A..B`.
    Fronts(Box<Fronts>),
    /// Of `intervene`.
    Intervention(Box<Intervention>),
    /// Of `lens`.
    Lens(Box<Lens>),
    /// Of `stability`.
    Stability(Box<Multiverse>),
}

/// What every result has, and a part that each kind but an audit has alone.
#[derive(Deserialize)]
struct Head {
    schema: String,
    measures: Option<IgnoredAny>,
    checkpoints: Option<IgnoredAny>,
    front: Option<IgnoredAny>,
    edits: Option<IgnoredAny>,
    logit_lens: Option<IgnoredAny>,
    axes: Option<IgnoredAny>,
}

impl Saved {
    /// Reads a result; one of an older schema becomes one of this. `path` is named in errors.
    ///
    /// # Errors
    /// If the bytes are no result, one of another schema, or hold numbers that none has.
    pub fn from_json(path: &Path, bytes: &[u8]) -> Result<Self> {
        let fault = |detail: String| ErrorKind::NotAResult { detail }.at(path);
        let not_read = |error: serde_json::Error| fault(error.to_string());
        // The schema comes first: a result of another version lacks or has other parts.
        let head: Head = serde_json::from_slice(bytes).map_err(not_read)?;
        if !READABLE.contains(&head.schema.as_str()) {
            return Err(ErrorKind::ResultSchema {
                found: head.schema,
                expected: SCHEMA,
            }
            .at(path));
        }
        check(bytes).map_err(fault)?;
        head.of(bytes).map_err(not_read)
    }
}

impl Saved {
    /// The sentences.
    #[must_use]
    pub fn summary(&self) -> &[Sentence] {
        match self {
            Self::Audit(result) => &result.summary,
            Self::Comparison(result) => &result.summary,
            Self::Diff(result) => &result.summary,
            Self::Fronts(result) => &result.summary,
            Self::Intervention(result) => &result.summary,
            Self::Lens(result) => &result.summary,
            Self::Stability(result) => &result.summary,
        }
    }
}

impl Head {
    /// The result that has this head.
    fn of(&self, bytes: &[u8]) -> serde_json::Result<Saved> {
        let schema = || SCHEMA.to_owned();
        Ok(if self.measures.is_some() {
            let mut result: Box<Comparison> = read(bytes)?;
            result.schema = schema();
            Saved::Comparison(result)
        } else if self.checkpoints.is_some() {
            Saved::Diff(read(bytes)?)
        } else if self.front.is_some() {
            Saved::Fronts(read(bytes)?)
        } else if self.edits.is_some() {
            Saved::Intervention(read(bytes)?)
        } else if self.logit_lens.is_some() {
            Saved::Lens(read(bytes)?)
        } else if self.axes.is_some() {
            Saved::Stability(read(bytes)?)
        } else {
            let mut result: Box<Audit> = read(bytes)?;
            result.schema = schema();
            Saved::Audit(result)
        })
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<Box<T>> {
    serde_json::from_slice(bytes).map(Box::new)
}
