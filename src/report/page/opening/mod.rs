//! The first screen: what was found in one sentence with its limit, the network beside
//! at most five verdicts, each with a small picture and a link to its evidence.
//!
//! Nothing here is computed that the result does not say; what the result does not have
//! has no verdict, and no headline says more than its numbers.

mod headline;
mod lesions;
mod miniature;
mod proved;
mod said;
mod stretch;
mod verdicts;

pub use headline::headline;
pub use said::{Headline, Verdict};
pub use stretch::stretch;

use crate::choice::Requested;
use crate::report::figures::Figure;
use crate::report::format::{measured, short};
use crate::report::network::{component_graph, figure as network};
use crate::report::sites::{Sites, clean};
use crate::result::{Audit, Parity, Prune, Sentence, Status, Task};

/// Bytes that a figure may have and still be drawn a second time, for phones.
const MOST_TWICE: usize = 100_000;

/// The first screen of a result.
#[derive(Debug, Clone)]
pub struct Opening {
    /// One sentence and its limit.
    pub headline: Headline,
    /// Does it do its task, is it the network that was given: a line each.
    pub checks: Vec<Check>,
    /// The network or the circuit, drawn; empty where the result has nothing to draw.
    pub figure: String,
    /// The same for a phone; empty where the figure is made smaller there.
    pub narrow: String,
    /// The name of the figure's file.
    pub file: String,
    /// At most [`verdicts::MOST`].
    pub verdicts: Vec<Verdict>,
    /// Sentences that the evidence lists.
    pub sentences: usize,
}

impl Opening {
    /// The first screen of a result that is told by few paragraphs: the first clause of
    /// each is a verdict, and `anchor` says which part of the page it stands on.
    #[must_use]
    pub fn told(
        headline: Headline,
        figure: Option<&Figure>,
        said: &[Sentence],
        anchor: impl Fn(&Sentence) -> &'static str,
    ) -> Self {
        let verdict = |said: &Sentence| Verdict {
            status: said.status,
            title: said.subject.clone(),
            text: first_of(&said.sentence),
            miniature: String::new(),
            is_wide: true,
            evidence: anchor(said),
        };
        Self::of(
            headline,
            figure,
            said.iter().map(verdict).collect(),
            said.len(),
        )
    }

    /// With a figure for phones, where it is not too large to be carried besides.
    #[must_use]
    pub fn for_phones(self, narrow: Option<Figure>) -> Self {
        let narrow = narrow.filter(|figure| figure.bytes() <= MOST_TWICE);
        Self {
            narrow: narrow.map_or_else(String::new, |figure| figure.inline()),
            ..self
        }
    }

    /// A first screen around a figure that is drawn already.
    #[must_use]
    pub fn of(
        headline: Headline,
        figure: Option<&Figure>,
        verdicts: Vec<Verdict>,
        sentences: usize,
    ) -> Self {
        Self {
            headline,
            checks: Vec::new(),
            figure: figure.map_or_else(String::new, Figure::inline),
            narrow: String::new(),
            file: figure.map_or_else(String::new, |figure| figure.name.clone()),
            verdicts,
            sentences,
        }
    }
}

/// What stands before the first stop, semicolon or colon that is in no parentheses.
fn first_of(text: &str) -> String {
    let is_whole = |end: &usize| {
        let before = text.get(..*end).unwrap_or_default();
        before.matches('(').count() == before.matches(')').count()
    };
    let stops = [". ", "; ", ": "].into_iter();
    let stops = stops.flat_map(|stop| text.match_indices(stop).map(|(at, _)| at));
    match stops.filter(is_whole).min().and_then(|end| text.get(..end)) {
        Some(first) => format!("{first}."),
        None => text.to_owned(),
    }
}

/// A short line with its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it says of its claim.
    pub status: Status,
    /// The words.
    pub text: String,
    /// What a pointer on it tells besides; often empty.
    pub more: String,
}

/// The first screen of a result around a figure that is drawn already.
#[must_use]
pub fn opening(audit: &Audit, figure: Option<&Figure>, sentences: usize) -> Opening {
    let sites = Sites::new(&audit.network);
    let checks = [
        audit.task.as_ref().map(task),
        audit.parity.as_ref().map(parity),
    ];
    let (headline, verdicts) = (headline(audit, &sites), verdicts::all(audit, &sites));
    Opening {
        checks: checks.into_iter().flatten().collect(),
        ..Opening::of(headline, figure, verdicts, sentences)
    }
    .for_phones(figure.and_then(|figure| narrow(audit, figure)))
}

/// The network drawn for phones, where it is what the figure draws.
fn narrow(audit: &Audit, figure: &Figure) -> Option<Figure> {
    match (figure.name.as_str(), audit.network.layers.is_empty()) {
        ("network", true) => component_graph::narrow(audit),
        ("network", false) => Some(network::narrow(audit)),
        _ => None,
    }
}

/// The pruning, unless nobody asked for one, nothing went, and there are circuits to tell of:
/// what was left whole has nothing to verify or prove.
pub(in crate::report::page) fn cut(audit: &Audit) -> Option<&Prune> {
    let is_told = |p: &&Prune| {
        p.edges_kept < p.edges_total || !matches!(p.requested, Requested::At(_)) || !p.verified
    };
    audit
        .prune
        .as_ref()
        .filter(|prune| audit.circuits.is_empty() || is_told(prune))
}

fn task(task: &Task) -> Check {
    let (status, does) = match task.does_task {
        true => (Status::Note, "Does its task"),
        false => (Status::NotShown, "Does not do the task"),
    };
    let of_metric = |value: f64| measured(task.metric, value);
    let (value, baseline) = (of_metric(task.value), of_metric(task.baseline));
    Check {
        status,
        text: format!(
            "{does}: {} {value}, baseline {baseline}",
            task.metric.in_words()
        ),
        more: format!("baseline: {}", clean(&task.baseline_of)),
    }
}

fn parity(parity: &Parity) -> Check {
    let (status, text) = match parity.holds {
        true => (Status::Holds, "Outputs equal its framework’s"),
        false => (Status::Fails, "Outputs differ from its framework’s"),
    };
    Check {
        status,
        text: text.to_owned(),
        more: format!(
            "largest difference {}, up to {} counts as rounding",
            short(parity.max_abs_difference),
            short(parity.allowed)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::MetricKind;
    use crate::report::sample;

    fn words(opening: &Opening) -> usize {
        let verdicts = opening.verdicts.iter().flat_map(|v| [&v.title, &v.text]);
        let checks = opening.checks.iter().map(|check| &check.text);
        let head = [&opening.headline.text, &opening.headline.caveat];
        let all = head.into_iter().chain(checks).chain(verdicts);
        all.map(|text| text.split_whitespace().count()).sum()
    }

    #[test]
    fn the_first_screen_is_short() {
        for audit in [sample::audit(), sample::thorough(), sample::transformer()] {
            let opening = opening(&audit, None, 0);
            assert!(
                words(&opening) < 100,
                "{} words: {opening:?}",
                words(&opening)
            );
            assert!(opening.verdicts.len() <= verdicts::MOST);
        }
    }

    #[test]
    fn a_verdict_is_the_first_clause() {
        for (text, first) in [
            (
                "3 modules before and 3 now; of 12 sites 10 stayed.",
                "3 modules before and 3 now.",
            ),
            (
                "It is 2 (95 %: 1 to 3) now: an effect of 1. More.",
                "It is 2 (95 %: 1 to 3) now.",
            ),
            ("All of it.", "All of it."),
        ] {
            assert_eq!(first_of(text), first);
        }
    }

    #[test]
    fn a_task_stands_beside_knowing_nothing() {
        let mut known = Task {
            metric: MetricKind::Accuracy,
            value: 0.97,
            baseline: 0.5,
            baseline_of: "always the most frequent class".to_owned(),
            does_task: true,
        };
        let said = task(&known);
        assert_eq!(said.text, "Does its task: accuracy 97 %, baseline 50 %");
        assert_eq!(said.more, "baseline: always the most frequent class");
        known.does_task = false;
        assert_eq!(task(&known).status, Status::NotShown);
    }
}
