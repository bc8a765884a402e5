//! What a comparison shows, in sentences written by rules.
//!
//! A difference is *shown* where its permutation test, corrected, is at or below
//! the level, and in the direction that its sign says. Where there is one seed
//! nothing is shown, and the sentence says so.

use super::claims::{CLAIMS, Claim, reference};
use super::shown::{Shown, shown};
use crate::choice::{Against, HypothesisKind};
use crate::report::english::{counted, joined, plural};
use crate::report::format::{count_words, p_value, percent, short};
use crate::report::ranking;
use crate::report::sites::{clean, plain};
use crate::result::{ComparedMeasure, Comparison, GroupOverlap, SCHEMA, Test};
use crate::result::{Sentence, Status};

/// The comparison in sentences.
#[must_use]
pub fn summary(comparison: &Comparison) -> Vec<Sentence> {
    let mut said: Vec<Sentence> = crate::report::task::words::of_networks(comparison)
        .into_iter()
        .collect();
    said.push(opening(comparison));
    let ranked = comparison.ranking.as_ref().and_then(ranking::sentence);
    said.extend(ranked.map(|sentence| sentence.from(["/ranking"])));
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
            "{networks} {} ({}) on the same {}, with {} fill; gaps are shares of {}.",
            plural(networks, "network", "networks"),
            joined(&groups),
            counted(comparison.data.samples, "sample", "samples"),
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
    let care = "Each claim is decided by one measure at one operating point; nothing is corrected over claims";
    Some(if corrected > level {
        let text =
            format!("{text}: with so few seeds no difference can be shown at {level}. {care}.");
        Sentence::new("Seeds", Status::NotRun, text)
    } else {
        Sentence::new("Seeds", Status::Note, format!("{text}. {care}."))
    })
}

/// One claim against one regime: one verdict, from the measure that decides it.
fn against(comparison: &Comparison, claim: &Claim, other: &str) -> Option<Sentence> {
    let reference = reference(comparison);
    let of = |m: &'_ ComparedMeasure| m.tests.iter().find(|t| t.other == other).cloned();
    let mut measures = comparison.measures.iter().enumerate();
    let (place, measure) = measures.find(|(_, m)| m.info.key == claim.decides)?;
    let test = of(measure).filter(|test| test.difference.is_some())?;
    let claimed = format!("{reference}, {} than {}", claim.words, clean(other));
    let point = plain(&measure.info.point);
    let found = shown(measure.info.better, &test, comparison.settings.level);
    let verdict = match found {
        Shown::Better => "shown",
        Shown::Worse => "the reverse is shown",
        Shown::Nothing => "not shown, nor the reverse",
        Shown::NoTest => "one seed, no test",
    };
    let text = format!(
        "{claimed} ({point}): {verdict}{}{}.",
        effect(&test),
        elsewhere(comparison, claim, other)
    );
    Some(Sentence::new(claim.topic, found.status(), text).from([format!("/measures/{place}")]))
}

/// The size of a difference and its test, in brackets.
fn effect(test: &Test) -> String {
    let mut parts = Vec::new();
    parts.extend(
        test.difference
            .map(|d| format!("mean difference {}", short(d))),
    );
    parts.extend(test.cliff_delta.map(|d| format!("Cliff's δ {}", short(d))));
    parts.extend(test.corrected.map(p_value));
    match parts.is_empty() {
        true => String::new(),
        false => format!(" ({})", parts.join(", ")),
    }
}

/// The signs of the differences at the other operating points, which decide nothing:
/// points at which every network has the same numbers are one point.
fn elsewhere(comparison: &Comparison, claim: &Claim, other: &str) -> String {
    let mut seen: Vec<Vec<Option<u64>>> = Vec::new();
    let (mut lower, mut higher, mut equal) = (0, 0, 0);
    for measure in &comparison.measures {
        let key = &measure.info.key;
        if !claim.elsewhere.iter().any(|start| key.starts_with(start)) {
            continue;
        }
        let values = comparison
            .networks
            .iter()
            .map(|n| n.values.get(key).copied().flatten());
        let values: Vec<Option<u64>> = values.map(|v| v.map(f64::to_bits)).collect();
        let test = measure.tests.iter().find(|t| t.other == other);
        let Some(difference) = test
            .and_then(|t| t.difference)
            .filter(|_| !seen.contains(&values))
        else {
            continue;
        };
        seen.push(values);
        match difference.total_cmp(&0.0) {
            _ if difference == 0.0 => equal += 1,
            std::cmp::Ordering::Less => lower += 1,
            _ => higher += 1,
        }
    }
    match lower + higher + equal {
        0 => String::new(),
        points => format!(
            "; at {} other operating {}, told without a test, its mean is lower at {lower}, higher at {higher}, equal at {equal}",
            count_words(points),
            plural(points, "point", "points")
        ),
    }
}

/// How many circuits stand, of all networks and by regime.
pub(super) struct Called {
    /// That all do.
    pub status: Status,
    /// How many of how many.
    pub counts: String,
    /// The same of each regime.
    pub groups: Vec<String>,
    /// Which share of each regime's.
    pub shares: Vec<String>,
}

impl Called {
    /// Counts them; `None` where no network has a circuit.
    pub fn of(comparison: &Comparison) -> Option<Self> {
        let count = |group: Option<&str>| {
            let mine = comparison.networks.iter();
            let mine = mine.filter(|n| group.is_none_or(|group| n.group == group));
            let called: Vec<bool> = mine
                .flat_map(|n| &n.circuits)
                .map(|c| c.is_circuit)
                .collect();
            (called.iter().filter(|c| **c).count(), called.len())
        };
        let (called, all) = count(None);
        let of_group = |name: &String| {
            let (called, all) = count(Some(name));
            let share = called as f64 / all.max(1) as f64;
            let name = clean(name);
            (
                format!("{name} {called} of {all}"),
                format!("{name} {}", percent(share)),
            )
        };
        let groups = comparison.groups.iter().map(|g| of_group(&g.name));
        let (groups, shares) = groups.unzip();
        (all > 0).then_some(Self {
            status: match called == all {
                true => Status::Holds,
                false => Status::Note,
            },
            counts: format!("{called} of {all}"),
            groups,
            shares,
        })
    }
}

/// How many circuits beat their controls.
fn controls(comparison: &Comparison) -> Option<Sentence> {
    let called = Called::of(comparison)?;
    let circuits = || comparison.networks.iter().flat_map(|n| &n.circuits);
    let beaten = |name: Against| {
        let of_name = circuits()
            .flat_map(|c| &c.controls)
            .filter(|c| c.name == name);
        let beaten = of_name.filter(|c| c.beaten == Some(true)).count();
        format!("{name} {beaten} of {}", circuits().count())
    };
    let names: Vec<String> = Against::each().map(beaten).collect();
    // Results of the first schema have circuits judged where they were discovered.
    let judged = match comparison.schema == SCHEMA {
        true => "are established on samples they were not discovered on",
        false => "are faithful and beat their controls on the samples they were discovered on",
    };
    Some(Sentence::new(
        "Controls",
        called.status,
        format!(
            "{} circuits {judged}, and \
             only those are called circuits ({}). Their controls at the same size, beaten: {}.",
            called.counts,
            joined(&called.groups),
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
    use crate::result::Better;

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

    #[test]
    fn a_small_effect_is_not_shown_however_small_its_p() {
        let small = Test {
            cliff_delta: Some(-0.2),
            ..test(-1.0, Some(0.001))
        };
        assert_eq!(shown(Better::Lower, &small, 0.05), Shown::Nothing);
    }
}
