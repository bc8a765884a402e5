//! Plain sentences written from results by rules.
//!
//! A sentence never claims more than its numbers: what was verified on samples
//! is said to hold on these samples, and what was not asked is said not to have
//! been asked. The page and the terminal print the same sentences.

mod circuits;
pub mod compare;
mod function;
mod independence;
mod insight;
mod modules;
mod parity;
mod pruning;

use std::fmt;

use super::sites::Sites;
use crate::choice::Severity;
use crate::result::{Audit, DataInfo};

pub use independence::{caption as split_caption, no_split, part};
pub use modules::{null_words, what_moves};
pub use pruning::examined;

/// What a sentence says about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It was verified, in the way the sentence says.
    Holds,
    /// It was examined and is not so.
    DoesNotHold,
    /// A remark; nothing was to be verified.
    Note,
    /// Nobody asked, or the data did not allow it.
    NotAsked,
}

impl Status {
    /// A mark that needs no colour.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::DoesNotHold => "✗",
            Self::Note => "•",
            Self::NotAsked => "–",
        }
    }

    /// The mark in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Note => "note",
            Self::NotAsked => "not asked",
        }
    }

    /// The mark as a class of the style sheet.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "fails",
            Self::Note => "note",
            Self::NotAsked => "unasked",
        }
    }
}

/// One sentence or two about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// What it is about: `Parity`, `Pruning`, ...
    pub topic: &'static str,
    /// What it says about a claim.
    pub status: Status,
    /// The words.
    pub text: String,
}

impl Sentence {
    /// A new sentence.
    #[must_use]
    pub fn new(topic: &'static str, status: Status, text: impl Into<String>) -> Self {
        Self {
            topic,
            status,
            text: text.into(),
        }
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {}", self.status.mark(), self.topic, self.text)
    }
}

/// The result in sentences, in the order of the pipeline.
///
/// # Example
///
/// ```no_run
/// # fn print(audit: &modscope::result::Audit) {
/// for sentence in modscope::report::words::summary(audit) {
///     println!("{sentence}");
/// }
/// # }
/// ```
#[must_use]
pub fn summary(audit: &Audit) -> Vec<Sentence> {
    let sites = Sites::new(&audit.network);
    let mut sentences: Vec<Sentence> = left_out(audit).into_iter().collect();
    sentences.extend(parity::sentences(audit));
    sentences.extend(pruning::sentences(audit));
    sentences.extend(independence::sentences(audit, &sites));
    sentences.extend(modules::sentences(audit, &sites));
    sentences.extend(circuits::sentences(audit, &sites));
    sentences.extend(warnings(audit));
    sentences
}

/// What `--ignore` left out: the network is then not the one in the file.
fn left_out(audit: &Audit) -> Option<Sentence> {
    let ignored = &audit.checkpoint.tensors.ignored;
    let names = ignored.iter().map(|name| super::sites::plain(name));
    let names: Vec<String> = names.collect();
    let text = format!(
        "`--ignore` left out {} of the file's tensors; everything below is of the network without them: {}.",
        names.len(),
        names.join(", ")
    );
    (!names.is_empty()).then(|| Sentence::new("Checkpoint", Status::Note, text))
}

/// One sentence for all warnings about the checkpoint; the page lists them.
fn warnings(audit: &Audit) -> Option<Sentence> {
    let warnings: Vec<&str> = audit
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|finding| finding.text.as_str())
        .collect();
    let first = warnings.first()?;
    let text = match warnings.len() {
        1 => super::sites::plain(first),
        n => format!(
            "{} And {} more: see the findings.",
            super::sites::plain(first),
            n - 1
        ),
    };
    Some(Sentence::new("Checkpoint", Status::DoesNotHold, text))
}

/// The samples a result speaks of: `the 100 test samples`.
fn samples(data: Option<&DataInfo>) -> String {
    match data {
        Some(data) if data.split == "all" => {
            format!("the {} samples", super::format::count(data.samples))
        }
        Some(data) => format!(
            "the {} {} samples",
            super::format::count(data.samples),
            super::sites::clean(&data.split)
        ),
        None => "the samples".to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `edge` or `edges`, by number.
pub(super) fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn lists_read_as_people_write_them() {
        let list =
            |items: &[&str]| joined(&items.iter().map(|i| (*i).to_owned()).collect::<Vec<_>>());
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn a_result_without_parts_says_what_was_not_asked() {
        let mut audit = sample::audit();
        (audit.parity, audit.prune, audit.modules) = (None, None, None);
        audit.circuits.clear();
        let sentences = summary(&audit);
        assert!(
            sentences.iter().all(|s| s.status == Status::NotAsked),
            "{sentences:?}"
        );
        assert_eq!(sentences.len(), 4);
    }

    #[test]
    fn warnings_are_told() {
        let mut audit = sample::audit();
        audit.findings[0].severity = Severity::Warning;
        let last = summary(&audit).pop().expect("a sentence");
        assert_eq!(last.to_string(), "✗ Checkpoint: Neuron h1.0 has no edges.");
    }
}
