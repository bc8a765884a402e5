//! Whether two networks are equivalent, in words no stronger than what is proved.

use super::english::{counted, plural};
use super::format::{count, short, typed};
use super::sites::clean;
use crate::choice::{Arithmetic, Equivalence, Known};
use crate::result::{DomainFile, NetworkEquivalence, Sentence, Status};

/// What is known; only a refutation fails.
pub(in crate::report) fn sentence(topic: &str, found: &NetworkEquivalence, at: &str) -> Sentence {
    let (kept, of) = (kept(found), arithmetic(found));
    let (status, text) = match found.known {
        Known::Proved => (
            Status::Holds,
            format!("Proved for every input {}{of}: {kept}.", domain(found)),
        ),
        Known::Refuted => (Status::Fails, refuted(found, &kept, of)),
        Known::Undecided => (
            Status::NotShown,
            format!(
                "Whether for every input {}{of} {kept} is undecided: of {} {} it is proved of {}, \
                 and none is refuted.",
                domain(found),
                count(found.regions as usize),
                plural(found.regions as usize, "region", "regions"),
                count(found.proved as usize)
            ),
        ),
    };
    Sentence::new(topic, status, text).from([at])
}

/// What a file that names the domain says besides: it is told, for it is not proved.
pub(in crate::report) fn beside(file: Option<&DomainFile>) -> Option<String> {
    let file = file.filter(|file| file.assertions_on_outputs > 0)?;
    Some(format!(
        "Of {} the inputs are the domain ({}); its {} on outputs {} no part of what is proved: \
         equivalence asks that two networks do the same.",
        clean(&file.path),
        counted(file.boxes, "box", "boxes"),
        counted(file.assertions_on_outputs, "assertion", "assertions"),
        plural(file.assertions_on_outputs, "is", "are"),
    ))
}

fn refuted(found: &NetworkEquivalence, kept: &str, of: &str) -> String {
    let example = found.example.as_deref().unwrap_or_default();
    let shown: Vec<String> = example.iter().take(8).map(|x| short(*x)).collect();
    let more = match example.len() > 8 {
        true => ", …",
        false => "",
    };
    let regions = match found.regions {
        1 => String::new(),
        n => format!(
            " Of {} regions {} are proved and {} refuted.",
            count(n as usize),
            count(found.proved as usize),
            count(found.refuted as usize)
        ),
    };
    format!(
        "Refuted: it is not so that {kept}, at the input ({}{more}), which was run and is {}{of}.{regions}",
        shown.join(", "),
        domain(found)
    )
}

fn kept(found: &NetworkEquivalence) -> String {
    match (found.equivalence, found.tolerance, found.confidence) {
        (Equivalence::Epsilon, tolerance, _) => format!(
            "no output moves by more than its tolerance ({} at least)",
            short(tolerance.unwrap_or(f64::NAN))
        ),
        (Equivalence::Top1, ..) => "the decision is the same".to_owned(),
        (Equivalence::DeltaTop1, _, confidence) => format!(
            "the decision is the same wherever the first network's softmax gives it at least {}",
            typed(confidence.unwrap_or(f64::NAN))
        ),
    }
}

fn domain(found: &NetworkEquivalence) -> String {
    let name = clean(&found.domain);
    match found.radius {
        None => format!("of the domain `{name}`"),
        Some(radius) => format!(
            "within {} of a sample in every coordinate and in `{name}`",
            typed(radius)
        ),
    }
}

fn arithmetic(found: &NetworkEquivalence) -> &'static str {
    match found.arithmetic {
        Arithmetic::Real => ", of the networks as functions of real numbers",
        Arithmetic::F32 => ", however both are computed in f32",
        Arithmetic::F64 => ", however both are computed in f64",
    }
}
