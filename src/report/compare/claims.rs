//! What was published of brain-inspired training, and whether it is shown here: regime × claim.

use super::shown::{Shown, shown};
use crate::report::compare::tables::test_words;
use crate::report::english::{capital, joined};
use crate::report::format::count_words;
use crate::report::page::opening::Headline;
use crate::report::sites::clean;
use crate::result::{ComparedMeasure, Comparison, Status, Test};

/// A claim that was published of brain-inspired training (arXiv 2401.03646), the measure
/// that decides it, chosen before any network was looked at, and the beginnings of the
/// keys of those that show the same elsewhere.
pub(super) struct Claim {
    /// Its subject.
    pub topic: &'static str,
    /// What the reference is said to have.
    pub words: &'static str,
    /// The key of the measure that decides it.
    pub decides: &'static str,
    /// Beginnings of the keys of measures that show the same.
    pub elsewhere: &'static [&'static str],
}

/// Discovery is told by the patched runs of ACDC: those of exact effects are the edges,
/// which is the claim of sparsity, and seconds depend on the machine.
pub(super) const CLAIMS: [Claim; 3] = [
    Claim {
        topic: "Sparsity",
        words: "fewer edges",
        decides: "edges_at_tolerance",
        elsewhere: &[
            "edges_at_threshold",
            "exact_edges",
            "acdc_edges",
            "edges_within_",
        ],
    },
    Claim {
        topic: "Discovery",
        words: "fewer patched runs of ACDC",
        decides: "acdc_evaluations",
        elsewhere: &[],
    },
    Claim {
        topic: "Circuit gap",
        words: "a lower circuit gap",
        decides: "exact_gap",
        elsewhere: &["acdc_gap", "gap_at_", "gap_within_"],
    },
];

impl Claim {
    /// As a title.
    pub fn title(&self) -> String {
        format!("{}?", capital(self.words))
    }

    /// The measure that decides it, where these networks have it.
    pub fn measure<'c>(&self, comparison: &'c Comparison) -> Option<&'c ComparedMeasure> {
        let mut measures = comparison.measures.iter();
        measures.find(|measure| measure.info.key == self.decides)
    }

    /// The reference against each other regime, in the order of the groups; `None` where
    /// nothing was measured.
    pub fn judged<'c>(&self, comparison: &'c Comparison) -> Vec<Option<(Shown, &'c Test)>> {
        let measure = self.measure(comparison);
        let against = |other: &str| {
            let measure = measure?;
            let test = measure.tests.iter().find(|test| test.other == other)?;
            test.difference?;
            let level = comparison.settings.level;
            Some((shown(measure.info.better, test, level), test))
        };
        let others = comparison.groups.iter().skip(1);
        others.map(|group| against(&group.name)).collect()
    }
}

/// The reference, the first regime.
pub(super) fn reference(comparison: &Comparison) -> String {
    let first = comparison.groups.first();
    first.map_or_else(String::new, |group| clean(&group.name))
}

/// The regimes that the reference is held against.
pub(super) fn others(comparison: &Comparison) -> Vec<String> {
    let others = comparison.groups.iter().skip(1);
    others.map(|group| clean(&group.name)).collect()
}

/// One claim against one regime, as a cell of a matrix.
pub(super) struct Judged {
    /// Shown, the reverse shown, not shown, not tested.
    pub status: Status,
    /// The effect with its interval, its test and the number of networks; empty where
    /// nothing was measured.
    pub text: String,
}

/// Regime × claim, the reference left out: each regime with its cells.
pub(super) fn matrix(comparison: &Comparison) -> Vec<(String, Vec<Judged>)> {
    let cell = |judged: &Option<(Shown, &Test)>| {
        let Some((shown, test)) = judged else {
            return Judged {
                status: Status::NotRun,
                text: String::new(),
            };
        };
        let mark = match shown {
            Shown::Better => "✓",
            Shown::Worse => "reverse:",
            Shown::Nothing => "?",
            Shown::NoTest => "–",
        };
        let text = format!("{mark} {}, n = {}", test_words(test), test.networks);
        Judged {
            status: shown.status(),
            text,
        }
    };
    let columns = CLAIMS.each_ref().map(|claim| claim.judged(comparison));
    let row = |place: usize| columns.iter().map(|column| cell(&column[place])).collect();
    let others = others(comparison).into_iter().enumerate();
    others.map(|(place, name)| (name, row(place))).collect()
}

/// The regimes of which a claim is shown, its reverse, neither, and which were not tested.
pub(super) struct Sorted {
    /// It is shown.
    pub shown: Vec<String>,
    /// Its reverse is.
    pub reverse: Vec<String>,
    /// Neither is.
    pub neither: Vec<String>,
    /// There are too few networks for a test.
    pub untested: Vec<String>,
}

impl Sorted {
    /// Sorts the other regimes by what is shown of a claim; those without its measure are
    /// left out.
    pub fn new(claim: &Claim, comparison: &Comparison) -> Self {
        let judged = claim.judged(comparison);
        let of = |kind: Shown| {
            let names = others(comparison).into_iter().zip(&judged);
            let of_kind = names.filter_map(|(name, found)| {
                let (shown, _) = found.as_ref()?;
                (*shown == kind).then_some(name)
            });
            of_kind.collect()
        };
        Self {
            shown: of(Shown::Better),
            reverse: of(Shown::Worse),
            neither: of(Shown::Nothing),
            untested: of(Shown::NoTest),
        }
    }

    /// How many regimes were tested.
    pub fn tested(&self) -> usize {
        self.shown.len() + self.reverse.len() + self.neither.len()
    }

    /// Against which regimes it is shown, and against which not.
    pub fn words(&self) -> String {
        let parts = [
            ("shown against", &self.shown),
            ("the reverse against", &self.reverse),
            ("not against", &self.neither),
            ("no test against", &self.untested),
        ];
        let told = parts.iter().filter(|(_, names)| !names.is_empty());
        let told = told.map(|(words, names)| format!("{words} {}", joined(names)));
        told.collect::<Vec<_>>().join("; ")
    }

    /// What it says of the claim as a whole.
    pub fn status(&self) -> Status {
        match (self.tested(), self.shown.len(), self.reverse.len()) {
            (0, _, _) => Status::NotRun,
            (tested, shown, _) if shown == tested => Status::Holds,
            (_, 0, 0) => Status::NotShown,
            _ => Status::Note,
        }
    }
}

/// The claims that these networks can be asked of, with what is shown of each.
pub(super) fn sorted(comparison: &Comparison) -> Vec<(&'static Claim, Sorted)> {
    let of = |claim: &'static Claim| (claim, Sorted::new(claim, comparison));
    let asked = CLAIMS.iter().map(of);
    let is_told = |(_, sorted): &(_, Sorted)| sorted.tested() + sorted.untested.len() > 0;
    asked.filter(is_told).collect()
}

/// What the reference has more or less of than the others, and of what the reverse is shown.
pub(super) fn headline(comparison: &Comparison) -> Headline {
    let reference = reference(comparison);
    let claims = sorted(comparison);
    let shown = told_together(&claims, others(comparison).len());
    let tested = claims.iter().any(|(_, sorted)| sorted.tested() > 0);
    let text = match (tested, shown.is_empty()) {
        (true, false) => format!("{reference} has {}.", shown.join("; ")),
        (true, true) => {
            format!("Nothing that was claimed of {reference} is shown against the other regimes.")
        }
        (false, _) => format!("{reference} beside other regimes: nothing could be tested."),
    };
    Headline {
        text,
        caveat: caveat(comparison, &claims, tested),
        status: Status::Note,
    }
}

/// Claims with the regimes that each is shown against; those against as many are one.
fn told_together(claims: &[(&Claim, Sorted)], rest: usize) -> Vec<String> {
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for (claim, sorted) in claims.iter().filter(|(_, of)| !of.shown.is_empty()) {
        let than = than(&sorted.shown, rest);
        let words = claim.words.to_owned();
        match told.iter_mut().find(|(other, _)| *other == than) {
            Some((_, claims)) => claims.push(words),
            None => told.push((than, vec![words])),
        }
    }
    let words = told
        .iter()
        .map(|(than, claims)| format!("{} than {than}", joined(claims)));
    words.collect()
}

/// The regimes, named where it is one.
fn than(shown: &[String], rest: usize) -> String {
    match shown {
        [one] => one.clone(),
        all if all.len() == rest && rest == 2 => "both other regimes".to_owned(),
        all if all.len() == rest => format!("all {} other regimes", count_words(rest)),
        some => format!(
            "{} of {} other regimes",
            count_words(some.len()),
            count_words(rest)
        ),
    }
}

/// The reverse where it is shown, and what the tests were.
fn caveat(comparison: &Comparison, claims: &[(&Claim, Sorted)], tested: bool) -> String {
    if !tested {
        return "One network of a regime shows nothing of its training.".to_owned();
    }
    let reverse = claims.iter().filter(|(_, of)| !of.reverse.is_empty());
    let reverse =
        reverse.map(|(claim, of)| format!("of {} against {}", claim.words, joined(&of.reverse)));
    let reverse: Vec<String> = reverse.collect();
    let tests = format!(
        "Permutation tests over seeds at {}, corrected over regimes alone.",
        comparison.settings.level
    );
    match reverse.is_empty() {
        true => tests,
        false => format!("The reverse is shown {}. {tests}", joined(&reverse)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(shown: &[&str]) -> Sorted {
        Sorted {
            shown: shown.iter().map(|name| (*name).to_owned()).collect(),
            reverse: Vec::new(),
            neither: vec!["local".to_owned()],
            untested: Vec::new(),
        }
    }

    #[test]
    fn claims_that_are_shown_against_as_many_regimes_are_told_together() {
        let [edges, runs, gap] = &CLAIMS;
        let found = [
            (edges, sorted(&["l1", "swap"])),
            (runs, sorted(&["l1", "vanilla"])),
            (gap, sorted(&["local"])),
        ];
        assert_eq!(
            told_together(&found, 4),
            [
                "fewer edges and fewer patched runs of ACDC than two of four other regimes",
                "a lower circuit gap than local",
            ]
        );
        assert_eq!(
            than(&["a".to_owned(), "b".to_owned()], 2),
            "both other regimes"
        );
    }

    #[test]
    fn a_verdict_says_what_all_tests_say() {
        let status = |shown: &[&str], neither: &[&str]| {
            let neither = neither.iter().map(|name| (*name).to_owned()).collect();
            let sorted = Sorted {
                neither,
                ..sorted(shown)
            };
            (sorted.status(), sorted.words())
        };
        assert_eq!(
            status(&["a"], &[]),
            (Status::Holds, "shown against a".to_owned())
        );
        assert_eq!(status(&[], &["a"]).0, Status::NotShown);
        assert_eq!(status(&["a"], &["b"]).0, Status::Note);
        assert_eq!(status(&[], &[]).0, Status::NotRun);
    }
}
