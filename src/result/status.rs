//! What a sentence says of its claim: one vocabulary for terminal, JSON and page.
//!
//! The sentences themselves are written by `report::words` from the other parts
//! of a result; nothing here decides what holds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a sentence says of its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A promise was checked and kept.
    Holds,
    /// A promise was checked and broken: alone red, and alone exit code 1.
    #[serde(alias = "warning")]
    Fails,
    /// A test did not tell.
    NotShown,
    /// Nobody asked, or the data did not allow it.
    NotRun,
    /// A measurement without a verdict.
    Note,
}

impl Status {
    /// In words, as everywhere.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::NotShown => "not shown",
            Self::NotRun => "not run",
            Self::Note => "note",
        }
    }

    /// A mark that needs no colour.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::Fails => "✗",
            Self::NotShown => "?",
            Self::NotRun => "–",
            Self::Note => "•",
        }
    }

    /// The mark as a class of the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::NotShown => "unshown",
            Self::NotRun => "unasked",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.words())
    }
}

/// One sentence or two about one subject.
///
/// # Example
///
/// ```
/// use modscope::result::{Sentence, Status};
///
/// let said = Sentence::new("Parity", Status::Holds, "The outputs are the framework's.")
///     .from(["/parity/max_abs_difference"]);
/// assert_eq!(said.to_string(), "✓ Parity: The outputs are the framework's.");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sentence {
    /// What it is about: `Parity`, `Pruning`, ...
    pub subject: String,
    /// What it says of its claim.
    pub status: Status,
    /// The words.
    pub sentence: String,
    /// JSON pointers (RFC 6901) to the numbers it stands on, in the same result.
    #[serde(default)]
    pub evidence: Vec<String>,
}

impl Sentence {
    /// A sentence that names no evidence yet.
    #[must_use]
    pub fn new(subject: &str, status: Status, sentence: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            status,
            sentence: sentence.into(),
            evidence: Vec::new(),
        }
    }

    /// The same, standing on what these JSON pointers point to.
    #[must_use]
    pub fn from<P: Into<String>>(self, pointers: impl IntoIterator<Item = P>) -> Self {
        Self {
            evidence: pointers.into_iter().map(Into::into).collect(),
            ..self
        }
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} {}: {}",
            self.status.mark(),
            self.subject,
            self.sentence
        )
    }
}

/// Whether a promise was broken: what decides the exit code.
#[must_use]
pub fn fails(summary: &[Sentence]) -> bool {
    summary.iter().any(|said| said.status == Status::Fails)
}
