//! What the modules say about the task, in sentences.

use std::collections::BTreeMap;

use crate::report::english::{LEVEL, counted, joined, plural};
use crate::report::format::{count_words, percent, short, significant};
use crate::report::insight::page::representation;
use crate::result::{Addition, Embedding, Insight, Modules, Represented};
use crate::result::{Sentence, Status};

/// A dimension follows the sign from this |correlation| on.
const FOLLOWS: f64 = 0.95;

pub(in crate::report) fn sentences(modules: &Modules) -> Vec<Sentence> {
    let Some(insight) = &modules.insight else {
        return Vec::new();
    };
    let all = [
        formulas(insight),
        circles(insight),
        sign(insight),
        representations(insight),
        addition(insight),
        purposes(insight),
    ];
    all.into_iter().flatten().collect()
}

fn formulas(insight: &Insight) -> Option<Sentence> {
    let first = insight.formulas.first()?;
    let most = insight
        .formulas
        .iter()
        .map(|f| f.max_abs_difference)
        .fold(first.max_abs_difference, f64::max);
    let n = insight.formulas.len();
    let text = format!(
        "{} {} written out as a formula with weights of five digits, which differs from the pruned network by at most {} on the samples.",
        crate::report::english::capital(&count_words(n)),
        plural(n, "output can be", "outputs can be"),
        short(most)
    );
    Some(Sentence::new("Formulas", Status::Note, text).from(["/modules/insight/formulas"]))
}

/// Each module whose part of the embedding has frequencies, its strongest one, and the share
/// of the variance that it has.
pub(in crate::report) fn frequencies(insight: &Insight) -> Vec<(usize, usize, f64)> {
    let strongest = |e: &Embedding| {
        let shares = e.frequencies.iter().copied().enumerate();
        let (k, share) = shares.max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((e.module?, k + 1, share))
    };
    insight.embeddings.iter().filter_map(strongest).collect()
}

/// Where one frequency has most of a module's embedding.
fn circles(insight: &Insight) -> Option<Sentence> {
    let found = frequencies(insight);
    if found.is_empty() {
        return None;
    }
    let said = |(module, frequency, share): &(usize, usize, f64)| {
        let share = percent(*share);
        format!("{share} of module {module} at frequency {frequency}")
    };
    let all: Vec<String> = found.iter().map(said).collect();
    let text = format!(
        "Of the variance of the token embeddings, one frequency has {}.",
        joined(&all)
    );
    Some(Sentence::new("Embeddings", Status::Note, text).from(["/modules/insight/embeddings"]))
}

fn sign(insight: &Insight) -> Option<Sentence> {
    let best = insight.signs.first()?;
    // Two digits would round what is almost 1 up to it.
    let digits = if best.correlation.abs() > 0.99 { 4 } else { 2 };
    let r = significant(best.correlation, digits);
    let text = if best.correlation.abs() < FOLLOWS {
        format!(
            "No dimension of the embedding follows the sign of the permutation; the nearest is dimension {} with a correlation of {r}.",
            best.dimension
        )
    } else {
        let place = match (best.module, best.alone) {
            (Some(module), true) => format!("it is alone in module {module}"),
            (Some(module), false) => format!("it is in module {module} with others"),
            (None, _) => "its inputs are in no single module".to_owned(),
        };
        format!(
            "Dimension {} of the embedding is the sign of the permutation (correlation {r}); {place}.",
            best.dimension
        )
    };
    Some(Sentence::new("Signs", Status::Note, text).from(["/modules/insight/signs"]))
}

/// How much of the embedding lies in dimensions that have a representation, and in which.
fn representations(insight: &Insight) -> Option<Sentence> {
    let all = &insight.representations;
    let told: Vec<&Represented> = all.iter().filter(|one| one.p_holm <= LEVEL).collect();
    let (first, dimensions) = (all.first()?, counted(all.len(), "dimension", "dimensions"));
    let things: usize = first.partition.iter().sum();
    let mut by: BTreeMap<&[usize], Vec<&Represented>> = BTreeMap::new();
    told.iter()
        .for_each(|one| by.entry(&one.partition).or_default().push(one));
    let named: Vec<String> = by
        .iter()
        .rev()
        .map(|(partition, mine)| {
            let least = mine.iter().map(|one| one.share).fold(1.0, f64::min);
            format!(
                "{} the {} (each at least {})",
                mine.len(),
                representation(partition),
                percent(least)
            )
        })
        .collect();
    let variance: f64 = told.iter().map(|one| one.variance).sum();
    let (status, text) = match told.is_empty() {
        true => (
            Status::NotShown,
            format!(
                "No dimension of the embedding has more of an irreducible representation of S{things} than noise would ({dimensions}, Holm)."
            ),
        ),
        false => (
            Status::Note,
            format!(
                "Of {dimensions} of the embedding, {} {} more of an irreducible representation of S{things} than noise \
                 would (p ≤ {LEVEL}, Holm), with {} of its variance: {}.",
                told.len(),
                plural(told.len(), "has", "have"),
                percent(variance),
                joined(&named)
            ),
        ),
    };
    Some(Sentence::new("Representations", status, text).from(["/modules/insight/representations"]))
}

/// Gradients at least this symmetric are said to be the pizza's, at most so symmetric the
/// clock's: where the words change is ours, the numbers are beside them.
const SYMMETRIC: f64 = 0.9;
const ASYMMETRIC: f64 = 0.5;

/// Correct logits that depend on the distance of the inputs, and that do not.
const BY_DISTANCE: f64 = 0.5;

/// Clock or pizza.
fn addition(insight: &Insight) -> Option<Sentence> {
    let whole = insight
        .additions
        .iter()
        .find(|a: &&Addition| a.module.is_none())?;
    let (symmetric, irrelevant) = (whole.gradient_symmetricity?, whole.distance_irrelevance?);
    let verdict = match (symmetric, irrelevant) {
        (s, i) if s >= SYMMETRIC && i < BY_DISTANCE => "as the pizza algorithm does",
        (s, i) if s <= ASYMMETRIC && i >= BY_DISTANCE => "as the clock algorithm does",
        _ => {
            "in a way between the clock (unlike gradients, logits whatever the distance) and the pizza (like gradients, logits by distance)"
        }
    };
    let text = format!(
        "It adds {verdict}: gradient symmetricity {}, distance irrelevance {}.",
        short(symmetric),
        short(irrelevant)
    );
    Some(Sentence::new("Clock or pizza", Status::Note, text).from(["/modules/insight/additions"]))
}

#[allow(clippy::cast_precision_loss, reason = "a number of neurons")]
fn purposes(insight: &Insight) -> Option<Sentence> {
    let all = &insight.polysemanticity;
    let most = all.first()?;
    let mean = all.iter().map(|p| p.index).sum::<f64>() / all.len() as f64;
    let text = format!(
        "A hidden neuron that matters serves {} {} on average, at most {} (participation ratio of its effects).",
        short(mean),
        // As it is read: 1.004 is printed as 1.
        plural(usize::from(short(mean) != "1") + 1, "output", "outputs"),
        short(most.index)
    );
    Some(Sentence::new("Neurons", Status::Note, text).from(["/modules/insight/polysemanticity"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn said(change: impl FnOnce(&mut Insight)) -> Vec<String> {
        let mut modules = sample::thorough().modules.expect("there");
        change(modules.insight.as_mut().expect("there"));
        let all = sentences(&modules);
        all.iter().map(|s| s.sentence.clone()).collect()
    }

    #[test]
    fn insight_in_sentences() {
        assert_eq!(
            said(|_| ()),
            [
                "One output can be written out as a formula with weights of five digits, which differs from the pruned network by at most 0.0001 on the samples.",
                "Of the variance of the token embeddings, one frequency has 90 % of module 1 at frequency 2.",
                "Dimension 2 of the embedding is the sign of the permutation (correlation −0.98); it is alone in module 1.",
                "A hidden neuron that matters serves 1.4 outputs on average, at most 1.8 (participation ratio of its effects).",
            ]
        );
    }

    #[test]
    fn a_weak_correlation_is_no_sign() {
        let text = said(|insight| insight.signs[0].correlation = 0.5);
        assert!(text[2].starts_with("No dimension"), "{text:?}");
    }
}
