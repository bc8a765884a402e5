//! The first screen of many analyses: would another honest analyst have found the same.
//!
//! It speaks of circuits of the middle size, of all answers at once.

use super::figure::{WIDTH, middle, support};
use super::words::{edges_along, outputs};
use crate::order;
use crate::report::circuits::group::range;
use crate::report::english::{counted, joined, plural};
use crate::report::figures::canvas::PHONE;
use crate::report::format::{count, count_words, percent};
use crate::report::page::opening::{Headline, Opening, Verdict};
use crate::result::{Analysed, Certified, Multiverse, Nonsense, OfSize, Status, Transfer};

/// Edges of the figure.
const MOST_EDGES: usize = 18;

/// Axes that are told.
const MOST_AXES: usize = 1;

/// Around the figure of the first answer; the page tells so many sentences.
pub(super) fn opening(result: &Multiverse, sentences: usize) -> Opening {
    let first = result.answers.first();
    let drawn = |wide: f64| first.and_then(|answer| support(result, answer, MOST_EDGES, wide));
    let figure = drawn(WIDTH);
    let verdicts = [
        in_nearly_all(result),
        what_differs(result),
        nothing_to_find(result),
        other_edges(result),
        certified(result),
    ];
    let verdicts = verdicts.into_iter().flatten().collect();
    Opening::of(headline(result), figure.as_ref(), verdicts, sentences).for_phones(drawn(PHONE))
}

fn middles(result: &Multiverse) -> impl Iterator<Item = &OfSize> + Clone {
    result.answers.iter().filter_map(middle)
}

fn headline(result: &Multiverse) -> Headline {
    let (mut middles_here, analyses) = (
        middles(result),
        result.answers.iter().map(|a| a.specifications).sum(),
    );
    let text = match middles_here.all(|of| of.modal_share == 1.0) {
        true => "Every analysis finds the same circuit.".to_owned(),
        false => format!(
            "Two honest analyses share {} of a circuit's edges.",
            range(middles(result).map(|of| of.jaccard), percent)
        ),
    };
    let answers = outputs(result);
    // Where it was asked a verdict says it.
    let beside = match result.answers.iter().any(|a| a.nonsense.is_some()) {
        true => "",
        false => "; what they share where there is nothing to find was not asked",
    };
    Headline {
        text,
        caveat: format!(
            "{} of {} {}, circuits of {} edges{beside}.",
            counted(analyses, "analysis", "analyses"),
            count_words(answers),
            plural(answers, "answer", "answers"),
            numbers(middles(result).map(|of| of.size as f64)),
        ),
        status: Status::Note,
    }
}

fn numbers(all: impl Iterator<Item = f64> + Clone) -> String {
    range(all, |n| count(n as usize))
}

fn note(title: &str, text: String, evidence: &'static str) -> Verdict {
    Verdict {
        status: Status::Note,
        title: title.to_owned(),
        text,
        miniature: String::new(),
        is_wide: true,
        evidence,
    }
}

fn in_nearly_all(result: &Multiverse) -> Option<Verdict> {
    middle(result.answers.first()?)?;
    let text = format!(
        "{} edges are in 95 % of them or more, {} in 5 %",
        numbers(middles(result).map(|of| of.core as f64)),
        numbers(middles(result).map(|of| of.possible as f64)),
    );
    Some(note("What they agree on", text, "edges"))
}

/// The worst axes by what two analyses share that differ in it alone.
fn what_differs(result: &Multiverse) -> Option<Verdict> {
    let mut axes: Vec<(&str, Vec<f64>)> = Vec::new();
    for along in result.answers.iter().flat_map(edges_along) {
        match axes.iter_mut().find(|(axis, _)| *axis == along.axis) {
            Some((_, shared)) => shared.push(along.jaccard),
            None => axes.push((&along.axis, vec![along.jaccard])),
        }
    }
    let least = |shared: &[f64]| shared.iter().copied().fold(f64::INFINITY, f64::min);
    order::ascending(&mut axes, |(_, shared)| least(shared));
    let told = |(axis, shared): &(&str, Vec<f64>)| {
        format!("{axis} {}", range(shared.iter().copied(), percent))
    };
    let told: Vec<String> = axes.iter().take(MOST_AXES).map(told).collect();
    let text = format!("shared by two that differ in it alone: {}", joined(&told));
    (!told.is_empty()).then(|| note("What makes the difference", text, "evidence"))
}

/// What the same analyses share with other labels, and with weights in other places.
fn nothing_to_find(result: &Multiverse) -> Option<Verdict> {
    let shared = |of: fn(&Analysed) -> Option<&Nonsense>, words: &str| {
        let all = result
            .answers
            .iter()
            .filter_map(of)
            .map(|found| found.jaccard);
        let most = all.reduce(f64::max)?;
        Some(format!("{} with {words}", percent(most)))
    };
    let arms = [
        shared(|answer| answer.nonsense.as_ref(), "labels of other samples"),
        shared(|answer| answer.shuffled.as_ref(), "weights in other places"),
    ];
    let arms: Vec<String> = arms.into_iter().flatten().collect();
    let text = format!("shared: at most {}", joined(&arms));
    (!arms.is_empty()).then(|| note("Where there is nothing to find", text, "held-against"))
}

fn other_edges(result: &Multiverse) -> Option<Verdict> {
    let all = result
        .answers
        .iter()
        .filter_map(|answer| answer.transfer.as_ref());
    let sum = |number: fn(&Transfer) -> usize| all.clone().map(number).sum::<usize>();
    let pairs = sum(|transfer| transfer.pairs);
    let text = format!(
        "{} of {} found on other samples do the same held out",
        count(sum(|transfer| transfer.same)),
        counted(pairs, "pair", "pairs"),
    );
    (pairs > 0).then(|| note("Other edges, the same work?", text, "held-against"))
}

fn certified(result: &Multiverse) -> Option<Verdict> {
    let all = middles(result).filter_map(|of| of.certified.as_ref());
    all.clone().next()?;
    let of = |number: fn(&Certified) -> usize| numbers(all.clone().map(|c| number(c) as f64));
    let text = format!(
        "{} edges in, {} out, whatever few samples are deleted or replaced",
        of(|certified| certified.inside),
        of(|certified| certified.outside),
    );
    Some(note("Certified to stay", text, "held-against"))
}
