//! Plain sentences written from results by rules.
//!
//! A sentence never claims more than its numbers: what was verified on samples
//! is said to hold on these samples, and what was not asked is said not to have
//! been asked. The page and the terminal print the same sentences.

use crate::report::sites::Sites;
use crate::result::{Audit, DataInfo, Finding, Sentence, Status};

/// The level at which a difference from chance is called one.
pub(in crate::report) const LEVEL: f64 = 0.05;

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
    // Of a network whose numbers are none, that is the first thing to know.
    let mut sentences: Vec<Sentence> = remarks(audit, Status::Fails).into_iter().collect();
    sentences.extend(left_out(audit));
    sentences.extend(super::parity::words::sentences(audit));
    sentences.extend(super::task::words::sentences(audit));
    sentences.extend(super::pruning::words::sentences(audit));
    sentences.extend(super::independence::words::sentences(audit, &sites));
    sentences.extend(super::modules::words::sentences(audit, &sites));
    sentences.extend(super::circuits::words::sentences(audit, &sites));
    sentences.extend(remarks(audit, Status::NotShown));
    sentences
}

/// What `--ignore` left out: the network is then not the one in the file.
fn left_out(audit: &Audit) -> Option<Sentence> {
    let (tensors, keys) = (
        &audit.checkpoint.tensors.ignored,
        &audit.checkpoint.config.ignored,
    );
    let counted = [
        (
            tensors,
            "of the file's tensors",
            "/checkpoint/tensors/ignored",
        ),
        (
            keys,
            "of the keys of config.json",
            "/checkpoint/config/ignored",
        ),
    ];
    let there = || counted.iter().filter(|(names, ..)| !names.is_empty());
    let what: Vec<String> = there()
        .map(|(names, what, _)| format!("{} {what}", names.len()))
        .collect();
    let names = tensors
        .iter()
        .chain(keys)
        .map(|name| crate::report::sites::plain(name));
    let text = format!(
        "`--ignore` left out {}; everything below is of the network without them: {}.",
        what.join(" and "),
        names.collect::<Vec<_>>().join(", ")
    );
    let evidence = there().map(|(_, _, pointer)| *pointer);
    (!what.is_empty())
        .then(|| Sentence::new("Checkpoint", Status::Note, text).from(evidence.collect::<Vec<_>>()))
}

/// One sentence for all remarks of a status that an auditor must see; the page lists them.
fn remarks(audit: &Audit, status: Status) -> Option<Sentence> {
    let such = audit.findings.iter().enumerate();
    let such: Vec<(usize, &Finding)> = such.filter(|(_, f)| f.status == status).collect();
    let (place, first) = such.first()?;
    let first = crate::report::sites::plain(&first.text);
    let text = match such.len() - 1 {
        0 => format!("{}.", first.trim_end_matches('.')),
        more => format!(
            "{}; and {} more: see the findings.",
            first.trim_end_matches('.'),
            crate::report::format::count_words(more)
        ),
    };
    Some(Sentence::new("Checkpoint", status, text).from([format!("/findings/{place}")]))
}

/// The samples a result speaks of: `the 100 test samples`.
pub(super) fn samples(data: Option<&DataInfo>) -> String {
    match data {
        Some(data) if data.split == "all" => {
            format!("the {} samples", crate::report::format::count(data.samples))
        }
        Some(data) => format!(
            "the {} {} samples",
            crate::report::format::count(data.samples),
            crate::report::sites::clean(&data.split)
        ),
        None => "the samples".to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// With a capital letter at the beginning.
pub(in crate::report) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
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
            sentences.iter().all(|s| s.status == Status::NotRun),
            "{sentences:?}"
        );
        assert_eq!(sentences.len(), 4);
    }

    #[test]
    fn warnings_are_told() {
        let mut audit = sample::audit();
        audit.findings[0].status = Status::Fails;
        let last = summary(&audit).remove(0);
        assert_eq!(last.to_string(), "✗ Checkpoint: Neuron h1.0 has no edges.");
    }

    /// Every sentence of every sample stands on something that is in the result.
    #[test]
    fn evidence_is_there() {
        for audit in [sample::audit(), sample::thorough(), sample::transformer()] {
            let result = serde_json::to_value(&audit).expect("a result is JSON");
            for said in summary(&audit) {
                let asked = !matches!(said.status, Status::NotRun);
                assert!(!asked || !said.evidence.is_empty(), "no evidence: {said}");
                for pointer in &said.evidence {
                    assert!(result.pointer(pointer).is_some(), "{pointer}: {said}");
                }
            }
        }
    }
}
