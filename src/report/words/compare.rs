//! What a comparison shows, in sentences written by rules.
//!
//! A difference is *shown* where its permutation test, corrected, is at or below
//! the level, and in the direction that its sign says. Where there is one seed
//! nothing is shown, and the sentence says so.

use super::{joined, plural};
use crate::choice::{Against, HypothesisKind};
use crate::report::format::{count_words, percent, short};
use crate::report::sites::{clean, plain};
use crate::result::{Better, ComparedMeasure, Comparison, GroupOverlap, Test};
use crate::result::{Sentence, Status};

/// A claim that was published of brain-inspired training (arXiv 2401.03646), and
/// the beginnings of the keys of the measures that bear on it.
struct Claim {
    topic: &'static str,
    words: &'static str,
    keys: &'static [&'static str],
}

const CLAIMS: [Claim; 3] = [
    Claim {
        topic: "Circuit gap",
        words: "a lower gap of the circuits",
        keys: &["exact_gap", "acdc_gap", "gap_at_", "gap_within_"],
    },
    Claim {
        topic: "Discovery",
        words: "shorter discovery",
        keys: &[
            "exact_seconds",
            "acdc_seconds",
            "exact_evaluations",
            "acdc_evaluations",
        ],
    },
    Claim {
        topic: "Sparsity",
        words: "fewer edges",
        keys: &["edges_at_", "exact_edges", "acdc_edges", "edges_within_"],
    },
];

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The reference is better.
    Better,
    /// The other regime is better.
    Worse,
    /// Nothing was shown.
    Nothing,
    /// There was no test.
    NoTest,
}

/// What a test of a measure says at a level.
#[must_use]
pub fn shown(better: Better, test: &Test, level: f64) -> Shown {
    let (Some(p), Some(difference)) = (test.corrected, test.difference) else {
        return Shown::NoTest;
    };
    if p > level || difference == 0.0 {
        return Shown::Nothing;
    }
    match (better, difference < 0.0) {
        (Better::Neither, _) => Shown::Nothing,
        (Better::Lower, true) | (Better::Higher, false) => Shown::Better,
        _ => Shown::Worse,
    }
}

/// The comparison in sentences.
#[must_use]
pub fn summary(comparison: &Comparison) -> Vec<Sentence> {
    let mut said: Vec<Sentence> = super::task::of_networks(comparison).into_iter().collect();
    said.push(opening(comparison));
    said.extend(power(comparison));
    let others = comparison.groups.iter().skip(1);
    for group in others {
        said.extend(
            CLAIMS
                .iter()
                .filter_map(|claim| against(comparison, claim, &group.name)),
        );
    }
    said.extend(controls(comparison));
    said.extend(hypotheses(comparison));
    said.extend(overlap(comparison));
    let notes = comparison.notes.iter().enumerate();
    said.extend(notes.map(|(place, note)| {
        Sentence::new("Read with care", Status::Note, note.clone())
            .from([format!("/notes/{place}")])
    }));
    said
}

fn opening(comparison: &Comparison) -> Sentence {
    let groups: Vec<String> = comparison
        .groups
        .iter()
        .map(|g| format!("{} {}", g.networks.len(), clean(&g.name)))
        .collect();
    let networks = comparison.networks.len();
    Sentence::new(
        "Networks",
        Status::Note,
        format!(
            "{networks} {} ({}) on the same {} samples, with {} fill; gaps are shares of {}.",
            plural(networks, "network", "networks"),
            joined(&groups),
            comparison.data.samples,
            comparison.settings.fill.name(),
            plain(&comparison.settings.scale),
        ),
    )
    .from(["/networks", "/settings"])
}

/// Whether this many seeds can show anything at all.
fn power(comparison: &Comparison) -> Option<Sentence> {
    let tests = &comparison.measures.first()?.tests;
    let smallest = tests.iter().filter_map(|t| t.smallest).reduce(f64::max)?;
    let corrected = smallest * tests.len() as f64;
    let level = comparison.settings.level;
    let text = format!(
        "The smallest p that a permutation test of these seeds can give is {}, and {} after Holm's \
         correction over {} {}",
        short(smallest),
        short(corrected.min(1.0)),
        count_words(tests.len()),
        plural(tests.len(), "regime", "regimes"),
    );
    let care = "Nothing is corrected over measures or operating points";
    Some(if corrected > level {
        let text =
            format!("{text}: with so few seeds no difference can be shown at {level}. {care}.");
        Sentence::new("Seeds", Status::NotRun, text)
    } else {
        Sentence::new("Seeds", Status::Note, format!("{text}. {care}."))
    })
}

/// One claim against one regime, over all operating points.
fn against(comparison: &Comparison, claim: &Claim, other: &str) -> Option<Sentence> {
    let reference = clean(&comparison.groups.first()?.name);
    let level = comparison.settings.level;
    let all: Vec<(&ComparedMeasure, &Test)> = comparison
        .measures
        .iter()
        .filter(|m| m.info.better != Better::Neither)
        .filter(|m| claim.keys.iter().any(|key| m.info.key.starts_with(key)))
        .filter_map(|m| Some((m, m.tests.iter().find(|t| t.other == other)?)))
        .filter(|(_, test)| test.difference.is_some())
        .collect();
    if all.is_empty() {
        return None;
    }
    let of = |what: Shown| -> Vec<String> {
        let such = all
            .iter()
            .filter(|(m, t)| shown(m.info.better, t, level) == what);
        such.map(|(m, _)| point(m)).collect()
    };
    let (better, worse, nothing) = (of(Shown::Better), of(Shown::Worse), of(Shown::Nothing));
    let claimed = format!("{} than {}", claim.words, clean(other));
    let untested = of(Shown::NoTest).len();
    if untested == all.len() {
        let lower = all
            .iter()
            .filter(|(_, t)| t.difference.is_some_and(|d| d < 0.0))
            .count();
        let text = format!(
            "{reference}, {claimed}: one seed, no test. Its number is the lower one at {lower} of {} \
             operating points.",
            all.len()
        );
        return Some(Sentence::new(claim.topic, Status::NotRun, text).from(["/measures"]));
    }
    let mut parts = Vec::new();
    for (words, points) in [("shown", &better), ("the reverse", &worse)] {
        if !points.is_empty() {
            let list = points.join("; ");
            parts.push(format!("{words} at {} ({list})", points.len()));
        }
    }
    if !nothing.is_empty() {
        parts.push(format!("neither at {}", nothing.len()));
    }
    let status = match (better.is_empty(), worse.is_empty(), nothing.is_empty()) {
        (false, true, true) => Status::Holds,
        (true, _, _) => Status::NotShown,
        _ => Status::Note,
    };
    let text = format!(
        "{reference}, {claimed}, at {} operating points: {}.",
        all.len(),
        joined(&parts)
    );
    Some(Sentence::new(claim.topic, status, text).from(["/measures"]))
}

/// A measure by its operating point, in few words.
fn point(measure: &ComparedMeasure) -> String {
    let mut point = plain(&measure.info.point);
    for (long, few) in [
        ("smallest faithful circuits, ", "smallest faithful, "),
        ("equal ACDC threshold: τ = ", "equal τ, "),
        (" of the metric's range", ""),
        (" per circuit", ""),
        ("equal faithfulness: ", "equal faithfulness, "),
        ("equal size: ", "equal size, "),
    ] {
        point = point.replace(long, few);
    }
    let key = &measure.info.key;
    match (key.contains("seconds"), key.contains("evaluations")) {
        (true, _) => format!("{point}: seconds"),
        (_, true) => format!("{point}: patched runs"),
        _ => point,
    }
}

/// How many circuits beat their controls.
fn controls(comparison: &Comparison) -> Option<Sentence> {
    let circuits = || comparison.networks.iter().flat_map(|n| &n.circuits);
    let all = circuits().count();
    if all == 0 {
        return None;
    }
    let called = circuits().filter(|c| c.is_circuit).count();
    let beaten = |name: Against| {
        let of_name = circuits()
            .flat_map(|c| &c.controls)
            .filter(|c| c.name == name);
        let beaten = of_name.filter(|c| c.beaten == Some(true)).count();
        format!("{name} {beaten} of {all}")
    };
    let names: Vec<String> = Against::each().map(beaten).collect();
    let groups: Vec<String> = comparison
        .groups
        .iter()
        .map(|group| {
            let mine = comparison.networks.iter().filter(|n| n.group == group.name);
            let mine: Vec<bool> = mine
                .flat_map(|n| &n.circuits)
                .map(|c| c.is_circuit)
                .collect();
            let called = mine.iter().filter(|c| **c).count();
            format!("{} {called} of {}", clean(&group.name), mine.len())
        })
        .collect();
    let status = if called == all {
        Status::Holds
    } else {
        Status::Note
    };
    Some(Sentence::new(
        "Controls",
        status,
        format!(
            "{called} of {all} circuits are faithful and beat every control of their size, and only \
             those are called circuits ({}). Beaten: {}.",
            joined(&groups),
            joined(&names)
        ),
    ))
}

/// How many circuits stand each hypothesis test.
fn hypotheses(comparison: &Comparison) -> Option<Sentence> {
    let tests = || {
        let circuits = comparison.networks.iter().flat_map(|n| &n.circuits);
        circuits.flat_map(|c| &c.hypotheses)
    };
    let stands = |name: HypothesisKind| {
        let tested: Vec<bool> = tests()
            .filter(|h| h.name == name)
            .filter_map(|h| h.stands)
            .collect();
        let yes = tested.iter().filter(|s| **s).count();
        format!(
            "{} {yes} of {}",
            name.name().replace('-', " "),
            tested.len()
        )
    };
    tests().next()?;
    let names: Vec<String> = HypothesisKind::each().map(stands).collect();
    Some(Sentence::new(
        "Hypothesis tests",
        Status::Note,
        format!("Circuits for which the claim stands: {}.", joined(&names)),
    ))
}

/// What circuits of different seeds share.
fn overlap(comparison: &Comparison) -> Option<Sentence> {
    let overlap = comparison.overlap.as_ref()?;
    let words = |group: &GroupOverlap| {
        let edges = group.edges?;
        let chance = group.edges_by_chance?;
        let live: usize = group.universal.iter().map(|u| u.live).sum();
        let same: usize = group.universal.iter().map(|u| u.universal.len()).sum();
        let share = percent(same as f64 / live.max(1) as f64);
        Some(format!(
            "{} {} (by chance {}), {share} of live neurons universal",
            clean(&group.group),
            short(edges),
            short(chance)
        ))
    };
    let groups: Vec<String> = overlap.groups.iter().filter_map(words).collect();
    (!groups.is_empty()).then(|| {
        Sentence::new(
            "Overlap",
            Status::Note,
            format!(
                "Edges that circuits of the same answer share across seeds, as a share of those in \
                 either: {}. A neuron is universal if every other seed has one with a {} of at \
                 least {}.",
                groups.join("; "),
                clean(&overlap.likeness),
                overlap.universal_from
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(difference: f64, corrected: Option<f64>) -> Test {
        Test {
            other: "l1".into(),
            paired: true,
            networks: 8,
            difference: Some(difference),
            interval: None,
            p: corrected,
            corrected,
            smallest: Some(0.0078),
            cohen_d: None,
            cliff_delta: None,
            no_test: None,
        }
    }

    #[test]
    fn what_is_shown_depends_on_test_and_direction() {
        let said = |better, d, p| shown(better, &test(d, p), 0.05);
        assert_eq!(said(Better::Lower, -1.0, Some(0.03)), Shown::Better);
        assert_eq!(said(Better::Higher, -1.0, Some(0.03)), Shown::Worse);
        assert_eq!(said(Better::Lower, -1.0, Some(0.06)), Shown::Nothing);
        assert_eq!(said(Better::Neither, -1.0, Some(0.01)), Shown::Nothing);
        assert_eq!(said(Better::Lower, -1.0, None), Shown::NoTest);
    }
}
