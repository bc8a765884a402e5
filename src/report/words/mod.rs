//! Plain sentences written from results by rules.
//!
//! A sentence never claims more than its numbers: what was verified on samples
//! is said to hold on these samples, and what was not asked is said not to have
//! been asked. The page and the terminal print the same sentences.

use crate::choice::Layout;
use crate::report::sites::Sites;
use crate::result::{Audit, Finding, Sentence, Status};

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
    if audit.checkpoint.layout == Layout::Graph {
        sentences.extend(super::modules::words::sentences(audit, &sites));
        return sentences;
    }
    sentences.extend(left_out(audit));
    sentences.extend(super::parity::words::sentences(audit));
    sentences.extend(super::task::words::sentences(audit));
    sentences.extend(super::pruning::words::sentences(audit));
    sentences.extend(super::subgroups::words::sentences(audit));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::english::{joined, some_of};
    use crate::report::page::opening::opening;
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
    fn numbers_of_things_read_as_people_say_them() {
        let said = [
            (0, 1),
            (1, 1),
            (0, 2),
            (1, 2),
            (2, 2),
            (0, 5),
            (3, 5),
            (5, 5),
        ];
        let said = said.map(|(some, all)| some_of(some, all, "module", "modules"));
        assert_eq!(
            said,
            [
                "the one module",
                "the one module",
                "neither of the two modules",
                "one of the two modules",
                "both modules",
                "none of the five modules",
                "three of the five modules",
                "all five modules",
            ]
        );
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

    /// A result in which there is one of everything that is counted.
    fn of_one(audit: &Audit) -> Audit {
        fn one(value: &mut serde_json::Value, key: &str) {
            // What is no number of things.
            const NUMBERED: [&str; 5] = ["module", "dimension", "seed", "threads", "folds"];
            match value {
                serde_json::Value::Number(n)
                    if n.as_u64().is_some_and(|n| n > 1) && !NUMBERED.contains(&key) =>
                {
                    *value = 1.into();
                }
                serde_json::Value::Array(items) => {
                    // Pairs of numbers are intervals and places.
                    if !items.iter().any(serde_json::Value::is_number) {
                        items.truncate(1);
                    }
                    items.iter_mut().for_each(|item| one(item, key));
                }
                serde_json::Value::Object(fields) => {
                    fields.iter_mut().for_each(|(key, value)| one(value, key));
                }
                _ => {}
            }
        }
        let mut value = serde_json::to_value(audit).expect("a result is JSON");
        for part in ["data", "parity", "prune", "modules", "circuits", "findings"] {
            one(&mut value[part], part);
        }
        serde_json::from_value(value).expect("it is a result")
    }

    /// Words that follow `1` or `one` as a plural.
    fn plurals_of_one(sentence: &str) -> Vec<String> {
        const ARE_NONE: [&str; 6] = ["is", "was", "has", "times", "serves", "joins"];
        let words: Vec<&str> = sentence.split([' ', '\u{a0}']).collect();
        let pairs = words.windows(2).filter(|pair| {
            let noun = pair[1].trim_end_matches([',', ';', '.', ':', ')']);
            let is_one = ["1", "one", "One", "(1"].contains(&pair[0]);
            is_one && noun.ends_with('s') && !noun.ends_with("ss") && !ARE_NONE.contains(&noun)
        });
        pairs.map(|pair| pair.join(" ")).collect()
    }

    #[test]
    fn one_of_a_thing_is_told_as_one() {
        for audit in [sample::audit(), sample::thorough(), sample::transformer()] {
            let audit = of_one(&audit);
            let said = summary(&audit).into_iter().map(|said| said.sentence);
            let opening = opening(&audit, None, 1);
            let first = [opening.headline.text, opening.headline.caveat];
            let titled = |v: crate::report::page::opening::Verdict| [v.title, v.text];
            let verdicts = opening.verdicts.into_iter().flat_map(titled);
            let mut all: Vec<String> = said.chain(first).chain(verdicts).collect();
            all.retain(|text| !plurals_of_one(text).is_empty());
            assert!(all.is_empty(), "{all:#?}");
        }
        assert_eq!(plurals_of_one("It serves 1 outputs."), ["1 outputs."]);
        assert!(plurals_of_one("1 of 12 edges is one module.").is_empty());
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
