//! What the lenses show, in sentences.

use crate::order;
use crate::report::english::{joined, plural};
use crate::report::format::{count, number, percent};
use crate::report::page::opening::Headline;
use crate::report::sites::clean;
use crate::result::{Attributed, HeadWeights, Lens, LensPoint, Sentence, Status};

/// Parts and heads that are told.
const MOST: usize = 3;

/// The sentences of a lens, in reading order.
#[must_use]
pub fn summary(result: &Lens) -> Vec<Sentence> {
    let mut said = Vec::new();
    said.extend(decided(result));
    said.extend(last(result));
    said.push(attribution(result));
    said.extend(copying(result));
    said.extend(neurons(result));
    said
}

/// What writes the answer, and the limit of saying so.
pub(super) fn headline(result: &Lens) -> Headline {
    let found = &result.attribution;
    let mut parts: Vec<&Attributed> = found.parts.iter().collect();
    order::descending(&mut parts, |one| one.mean.abs());
    let told: Vec<String> = parts
        .iter()
        .take(MOST)
        .map(|part| clean(&part.writer))
        .collect();
    let (text, caveat) = match &found.refused {
        Some(_) => (
            "What the stream would answer at each point.".to_owned(),
            "There is no direct logit attribution of this network.".to_owned(),
        ),
        None => (
            format!(
                "Of {} writers, {} {} most to the answer directly.",
                count(parts.len()),
                joined(&told),
                plural(told.len(), "adds", "add"),
            ),
            format!(
                "A mean logit difference of {}; what they do through later blocks is not in it.",
                number(found.total)
            ),
        ),
    };
    Headline {
        text,
        caveat,
        status: Status::Note,
    }
}

/// Where in the stream the decision is first that of the outputs.
fn decided(result: &Lens) -> Option<Sentence> {
    let first = result.logit_lens.first()?;
    let told = |point: &LensPoint| {
        format!(
            "after {} {} of the decisions are those of the outputs, at a logit difference of {}",
            clean(&point.after),
            percent(point.agreement),
            number(point.logit_difference)
        )
    };
    let early = result
        .logit_lens
        .iter()
        .find(|point| point.agreement >= 0.5);
    let points: Vec<&LensPoint> = match early {
        Some(early) if early.point != first.point => vec![first, early],
        _ => vec![first],
    };
    let points: Vec<String> = points.into_iter().map(told).collect();
    let text = format!(
        "Read as if it were the last, the stream decides on the way: {}.",
        points.join("; ")
    );
    Some(Sentence::new("Logit lens", Status::Note, text).from(["/logit_lens"]))
}

/// At the end the stream gives the outputs.
fn last(result: &Lens) -> Option<Sentence> {
    let last = result.logit_lens.last()?;
    let holds = last.divergence.abs() <= 1e-5 && last.agreement == 1.0;
    let status = match holds {
        true => Status::Holds,
        false => Status::Fails,
    };
    let text = format!(
        "At the last point what is read is what the network gives: {} of the decisions, a \
         divergence of {} nats.",
        percent(last.agreement),
        number(last.divergence)
    );
    let pointer = format!("/logit_lens/{}", result.logit_lens.len() - 1);
    Some(Sentence::new("Logit lens", status, text).from([pointer]))
}

fn attribution(result: &Lens) -> Sentence {
    let found = &result.attribution;
    if let Some(why) = &found.refused {
        let text = format!("There is no direct logit attribution: {}.", clean(why));
        return Sentence::new("Attribution", Status::NotRun, text).from(["/attribution"]);
    }
    let mut parts: Vec<&Attributed> = found.parts.iter().collect();
    order::descending(&mut parts, |one| one.mean.abs());
    let told: Vec<String> = parts
        .iter()
        .take(MOST)
        .map(|part| format!("{} {}", clean(&part.writer), number(part.mean)))
        .collect();
    let status = match found.residual <= found.allowed {
        true => Status::Holds,
        false => Status::Fails,
    };
    let text = format!(
        "Of a mean logit difference of {}, {} write most. The final norm's scale is held as it \
         is in each run, so that all {} parts add up to the difference: within {}, where rounding \
         allows {}.",
        number(found.total),
        joined(&told),
        count(found.parts.len()),
        number(found.residual),
        number(found.allowed),
    );
    Sentence::new("Attribution", status, text).from(["/attribution"])
}

/// The heads that copy most by their weights.
fn copying(result: &Lens) -> Option<Sentence> {
    let score = |head: &HeadWeights| head.copying.unwrap_or(f64::NEG_INFINITY);
    let mut heads: Vec<&HeadWeights> = result.heads.iter().collect();
    heads.retain(|head| head.copying.is_some());
    order::descending(&mut heads, |head| score(head));
    let told: Vec<String> = heads
        .iter()
        .take(MOST)
        .map(|head| format!("{} ({})", head.head, number(score(head))))
        .collect();
    if told.is_empty() {
        return None;
    }
    let text = format!(
        "By their weights alone {} {} tokens most: Σλ/Σ|λ| of the circuit from token to logit, 1 \
         where every token raises itself.",
        joined(&told),
        plural(told.len(), "copies", "copy"),
    );
    Some(Sentence::new("Weights", Status::Note, text).from(["/heads"]))
}

fn neurons(result: &Lens) -> Option<Sentence> {
    let first = result.neurons.first()?;
    let tokens: Vec<String> = first
        .largest
        .iter()
        .take(MOST)
        .map(|scored| format!("“{}”", clean(&scored.output)))
        .collect();
    let text = format!(
        "The neuron of the largest direct part is {} ({}); where it is positive it raises {} most.",
        first.neuron,
        number(first.mean),
        joined(&tokens)
    );
    Some(Sentence::new("Weights", Status::Note, text).from(["/neurons"]))
}
