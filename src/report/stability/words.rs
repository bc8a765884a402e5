//! What the analyses agree on, in sentences.

use std::collections::BTreeSet;

use crate::choice::{Selection, Sign};
use crate::order;
use crate::report::english::{counted, joined, plural};
use crate::report::format::{count, count_words, percent, short};
use crate::report::sites::clean;
use crate::result::{
    Along, Analysed, Axes, Certified, CertifiedEdge, Multiverse, OfSize, Sentence, Status,
};

const TOPIC: &str = "Stability";

/// Answers that are told one by one.
const MOST_ANSWERS: usize = 3;

/// The sentences of a multiverse, in reading order.
#[must_use]
pub fn summary(result: &Multiverse) -> Vec<Sentence> {
    let mut said = vec![run(result)];
    let shown = result.answers.iter().enumerate().take(MOST_ANSWERS);
    for (place, answer) in shown {
        said.extend(agreement(result, answer, place));
        said.extend(along(answer, place));
        said.extend(granularity(answer, place));
        said.extend(nonsense(answer, place));
        said.extend(shuffled(answer, place));
        said.extend(transfer(answer, place));
        said.extend(certified(answer, place));
    }
    let left = result.answers.len().saturating_sub(MOST_ANSWERS);
    if left > 0 {
        let text = format!(
            "{} more {} in the tables.",
            count_words(left),
            plural(left, "answer is", "answers are")
        );
        said.push(Sentence::new(TOPIC, Status::Note, text).from(["/answers"]));
    }
    for (place, answer) in result.answers.iter().enumerate() {
        said.extend(claims(result, answer, place));
    }
    said
}

/// How many answers there are, whatever the granularities.
pub(super) fn outputs(result: &Multiverse) -> usize {
    let outputs = result.answers.iter().map(|answer| &answer.output);
    outputs.collect::<BTreeSet<_>>().len()
}

/// How many analyses, and of what.
fn run(result: &Multiverse) -> Sentence {
    let analyses: usize = result.answers.iter().map(|a| a.specifications).sum();
    let scored: usize = result.answers.iter().map(|a| a.scored).sum();
    let text = format!(
        "{} analyses of {}: {}. They share {} {} of effects sample by sample; all else is \
         a product of matrices.",
        count(analyses),
        match outputs(result) {
            1 => "one answer".to_owned(),
            n => format!("{} answers", count_words(n)),
        },
        axes(&result.axes),
        count(scored),
        plural(scored, "matrix", "matrices"),
    );
    Sentence::new("Analyses", Status::Note, text).from(["/axes", "/answers"])
}

fn axes(axes: &Axes) -> String {
    let mut parts = vec![
        format!("scored by {}", joined(&named(&axes.methods))),
        format!("filled by {}", joined(&named(&axes.fills))),
        format!("measured by {}", joined(&named(&axes.metrics))),
    ];
    if let several @ [_, _, ..] = axes.selections.as_slice() {
        let taken: Vec<&str> = several.iter().map(|sign| taken(*sign)).collect();
        parts.push(format!("taken {}", taken.join(" or ")));
    }
    match axes.orders.as_slice() {
        [] | [Selection::Top] => {}
        several => {
            let ordered: Vec<&str> = several.iter().map(|order| ordered(*order)).collect();
            parts.push(ordered.join(" or "));
        }
    }
    parts.push(circuits(axes));
    if axes.seeds > 1 {
        parts.push(format!(
            "{} of fills that are drawn",
            counted(axes.seeds, "draw", "draws")
        ));
    }
    if let several @ [_, _, ..] = axes.granularities.as_slice() {
        parts.push(format!("taken apart by {}", joined(&named(several))));
    }
    let samples = counted(axes.sample_sets, "set", "sets");
    format!("{}; {samples} of samples", parts.join("; "))
}

/// Names of choices.
pub(super) fn named<T: ToString>(choices: &[T]) -> Vec<String> {
    choices.iter().map(ToString::to_string).collect()
}

/// Which circuits rankings give.
fn circuits(axes: &Axes) -> String {
    let sizes: Vec<String> = axes.sizes.iter().map(|size| count(*size)).collect();
    let levels: Vec<String> = axes.faithfulness.iter().copied().map(short).collect();
    let sizes = match sizes.is_empty() {
        true => String::new(),
        false => format!("circuits of {} edges", joined(&sizes)),
    };
    let levels = match levels.is_empty() {
        true => String::new(),
        false => format!("the smallest circuits of faithfulness {}", joined(&levels)),
    };
    match sizes.is_empty() || levels.is_empty() {
        true => sizes + &levels,
        false => format!("{sizes}, and {levels}"),
    }
}

/// What ends the rankings: a number of edges, or a faithfulness.
pub(super) fn cut(of: &OfSize) -> String {
    let edges = format!("{} {}", count(of.size), plural(of.size, "edge", "edges"));
    match of.faithfulness {
        None => edges,
        Some(level) => format!("faithfulness {} (a median of {edges})", short(level)),
    }
}

/// What an answer is called, with its granularity where there are several.
pub(super) fn name(result: &Multiverse, answer: &Analysed) -> String {
    let name = clean(&answer.output_name);
    match answer.granularity {
        Some(granularity) if result.axes.granularities.len() > 1 => {
            format!("{name}, by {granularity}")
        }
        Some(_) | None => name,
    }
}

/// How edges are taken, in words.
fn taken(sign: Sign) -> &'static str {
    match sign {
        Sign::Absolute => "by the size of their effects",
        Sign::Signed => "only where the metric is worse without them",
    }
}

/// In which order edges are taken, in words.
fn ordered(order: Selection) -> &'static str {
    match order {
        Selection::Top => "the strongest first",
        Selection::Greedy => "grown from the outputs backwards",
    }
}

/// What two analyses share, and what nearly all have.
fn agreement(result: &Multiverse, answer: &Analysed, place: usize) -> Option<Sentence> {
    let (first, last) = (answer.sizes.first()?, answer.sizes.last()?);
    let of = match result.answers.len() {
        1 => String::new(),
        _ => format!(" for {}", name(result, answer)),
    };
    let mut text = format!("Circuits{of} of {}", size(first));
    if answer.sizes.len() > 1 {
        text += &format!("; of {}", size(last));
    }
    text += " (shared: edges of either that are in both).";
    let pointer = format!("/answers/{place}/sizes");
    Some(Sentence::new(TOPIC, Status::Note, text).from([pointer]))
}

/// What the analyses of one size say.
fn size(of: &OfSize) -> String {
    let core = match of.core {
        0 => "none is".to_owned(),
        1 => "one is".to_owned(),
        n => format!("{} are", count(n)),
    };
    format!(
        "{}: two analyses share {} on average; {core} in at least 95 % of them, {} in at least \
         5 %; the most frequent circuit is that of {}",
        cut(of),
        percent(of.jaccard),
        count(of.possible),
        percent(of.modal_share),
    )
}

/// Which axis makes the difference.
fn along(answer: &Analysed, place: usize) -> Option<Sentence> {
    let mut axes: Vec<_> = edges_along(answer).collect();
    order::ascending(&mut axes, |one| one.jaccard);
    let worst = axes.first()?;
    let rest: Vec<String> = axes[1..]
        .iter()
        .map(|along| format!("the {}, {}", along.axis, percent(along.jaccard)))
        .collect();
    let others = match rest.is_empty() {
        true => String::new(),
        false => format!("; of two that differ in {}", joined(&rest)),
    };
    let text = format!(
        "The {} makes the greatest difference: two analyses that differ in it alone share {} of \
         their edges{others}.",
        worst.axis,
        percent(worst.jaccard)
    );
    let pointer = format!("/answers/{place}/along");
    Some(Sentence::new(TOPIC, Status::Note, text).from([pointer]))
}

/// The axis along which analyses are held together by sites.
const GRANULARITY: &str = "granularity";

/// The axes along which analyses are held together by their edges.
pub(super) fn edges_along(answer: &Analysed) -> impl Iterator<Item = &Along> {
    answer
        .along
        .iter()
        .filter(|along| along.axis != GRANULARITY)
}

/// What analyses at several granularities share, of sites.
pub(super) fn sites_along(answer: &Analysed) -> Option<f64> {
    let mut along = answer.along.iter();
    let found = along.find(|along| along.axis == GRANULARITY)?;
    Some(found.jaccard)
}

/// What is left where the network is taken apart otherwise.
fn granularity(answer: &Analysed, place: usize) -> Option<Sentence> {
    let text = format!(
        "Two analyses that differ in the granularity alone share {} of the sites that their \
         edges lead out of, as the coarser tells sites apart.",
        percent(sites_along(answer)?)
    );
    let pointer = format!("/answers/{place}/along");
    Some(Sentence::new(TOPIC, Status::Note, text).from([pointer]))
}

/// The same with the labels of other samples.
fn nonsense(answer: &Analysed, place: usize) -> Option<Sentence> {
    let nonsense = answer.nonsense.as_ref()?;
    let core: Vec<String> = nonsense.core.iter().map(|core| count(*core)).collect();
    let text = format!(
        "With the labels of other samples two analyses share {} (core edges by size: {}): what \
         the agreement owes to the network alone, whatever its task.",
        percent(nonsense.jaccard),
        joined(&core),
    );
    let pointer = format!("/answers/{place}/nonsense");
    Some(Sentence::new(TOPIC, Status::Note, text).from([pointer]))
}

/// The same with weights in other places.
fn shuffled(answer: &Analysed, place: usize) -> Option<Sentence> {
    let shuffled = answer.shuffled.as_ref()?;
    let core: Vec<String> = shuffled.core.iter().map(|core| count(*core)).collect();
    let own = shuffled.with_own.map_or_else(String::new, |shared| {
        format!(
            " and {} with the most frequent circuit of the network as it is",
            percent(shared)
        )
    });
    let text = format!(
        "With the weights of every layer in other places two analyses share {}{own} (core edges \
         by size: {}): what the agreement owes to the shape of the network alone.",
        percent(shuffled.jaccard),
        joined(&core),
    );
    let pointer = format!("/answers/{place}/shuffled");
    Some(Sentence::new(TOPIC, Status::Note, text).from([pointer]))
}

/// Whether circuits that differ in edges do the same.
fn transfer(answer: &Analysed, place: usize) -> Option<Sentence> {
    let transfer = answer.transfer.as_ref()?;
    let [first, second, held] = transfer.samples.map(count);
    let faithful = transfer.faithfulness.map_or_else(String::new, |[own, other, held]| {
        format!(
            " Their faithfulness is {} on the samples of their own discovery, {} on the other's \
             and {} on samples held out.",
            short(own),
            short(other),
            short(held)
        )
    });
    let agreement = transfer.agreement.map_or_else(String::new, |agreement| {
        format!(", and decide {} of them equally", percent(agreement))
    });
    let unlike = match transfer.unlike {
        0 => String::new(),
        n => format!(
            " Of {} that share less than half of their edges, {} do.",
            count(n),
            count(transfer.unlike_same)
        ),
    };
    let text = format!(
        "Circuits of {} edges discovered on {first} and on {second} other samples: {} pairs \
         differ in edges and share {} of them on average; on {held} samples held out, {} do the \
         same (within 10 % of what the network gains){agreement}.{unlike}{faithful}",
        count(transfer.size),
        count(transfer.pairs),
        percent(transfer.jaccard),
        count(transfer.same),
    );
    let pointer = format!("/answers/{place}/transfer");
    Some(Sentence::new("Transfer", Status::Note, text).from([pointer]))
}

/// What stays whatever few samples are deleted or replaced, of the middle size.
fn certified(answer: &Analysed, place: usize) -> Option<Sentence> {
    let size = answer.sizes.len() / 2;
    let of = answer.sizes.get(size)?;
    let certified = of.certified.as_ref()?;
    let stays = match certified.inside {
        0 => "no edge is certified to be in".to_owned(),
        n => format!(
            "{} {} certified to be in, half of them whatever {} of the {} samples are deleted, \
             or {} replaced",
            count(n),
            plural(n, "edge is", "edges are"),
            count(half_of_them(certified, |edge| edge.deleted)),
            count(answer.samples),
            count(half_of_them(certified, |edge| edge.replaced)),
        ),
    };
    let text = format!(
        "Certified for circuits of {} edges ({}, {} fill, {}): {stays}; {} are certified to be \
         out, {} abstained from. These are edges of the smoothed circuit, those of \
         most discoveries from which every sample is left out with probability {}.",
        count(of.size),
        certified.method,
        certified.fill,
        certified.metric,
        count(certified.outside),
        count(certified.abstained),
        certified.deletion,
    );
    let pointer = format!("/answers/{place}/sizes/{size}/certified");
    Some(Sentence::new("Certified", Status::Note, text).from([pointer]))
}

/// The number that half of the edges certified to be in reach; 0 without such edges.
pub(super) fn half_of_them(certified: &Certified, number: fn(&CertifiedEdge) -> usize) -> usize {
    let edges = certified.edges.iter();
    let inside = edges.filter(|edge| edge.inside == Some(true));
    let mut all: Vec<usize> = inside.map(number).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

/// How many analyses support what was claimed.
fn claims(result: &Multiverse, answer: &Analysed, place: usize) -> Vec<Sentence> {
    let told = |claim: &crate::result::Claim| {
        let what = match claim.claim.contains("->") {
            true => "is in the circuit",
            false => "has an edge in the circuit",
        };
        let text = format!(
            "{}: `{}` {what} in {} of the analyses.",
            name(result, answer),
            clean(&claim.claim),
            percent(claim.share)
        );
        let pointer = format!("/answers/{place}/claims");
        Sentence::new("Claim", Status::Note, text).from([pointer])
    };
    answer.claims.iter().map(told).collect()
}
