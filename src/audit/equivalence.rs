//! Whether two networks are equivalent on a domain, as a result says it.

use std::time::Instant;

use super::certify::{
    Certifiable, CertifyConfig, DomainChoice, Sampled, Subjected, domain, own_arithmetic,
};
use crate::choice::{Arithmetic, Equivalence};
use crate::data::Domain;
use crate::model::Mlp;
use crate::prune::certify::{Input, Question, Refusal, Regions, equivalent};
use crate::result::{NetworkEquivalence, Prune};

/// Whether two networks are equivalent, for every input of the domain asked for: in balls
/// around the samples where there is a radius.
pub(super) fn between(
    sampled: &Sampled<'_>,
    (original, changed): (&Mlp<f64>, &Mlp<f64>),
    tolerance: &[f64],
    arithmetic: Arithmetic,
    asked: &CertifyConfig,
) -> Result<NetworkEquivalence, Refusal> {
    let started = Instant::now();
    let samples = &sampled.inputs;
    let found = domain(sampled, original, &asked.domain);
    let within: Option<Domain> = match (found, asked.radius, &asked.domain) {
        // Balls need no domain, but heed one that is named.
        (Err(Refusal::NoDomain), Some(_), DomainChoice::OfTheData) => None,
        (found, ..) => Some(found?),
    };
    let regions = match (asked.radius, &within) {
        (Some(radius), within) => {
            Regions::around(original, samples.view(), radius, within.as_ref())?
        }
        (None, Some(domain)) => Regions::of_domain(original, domain)?,
        (None, None) => return Err(Refusal::NoDomain),
    };
    let question = Question {
        original,
        changed,
        free: &[],
        regions: &regions,
        equivalence: asked.equivalence,
        tolerance,
        confidence: asked.confidence,
        arithmetic,
        points: samples.view(),
        one_is_enough: false,
    };
    let told = equivalent(&question, &asked.budget)?;
    let numbers = |input: &Input| match input {
        Input::Features(features) => features.clone(),
        Input::Tokens(tokens) => tokens.iter().map(|token| *token as f64).collect(),
    };
    Ok(NetworkEquivalence {
        equivalence: asked.equivalence,
        confidence: (asked.equivalence == Equivalence::DeltaTop1).then_some(asked.confidence),
        tolerance: (asked.equivalence == Equivalence::Epsilon)
            .then(|| tolerance.iter().copied().fold(f64::INFINITY, f64::min)),
        domain: within
            .as_ref()
            .map_or_else(|| "every input".to_owned(), |d| asked.domain.in_words(d)),
        domain_file: asked.domain.file(),
        radius: asked.radius,
        arithmetic,
        known: told.known(),
        regions: told.regions,
        proved: told.proved,
        refuted: told.refuted,
        example: told.example.as_ref().map(numbers),
        boxes: told.boxes,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Writes into the result whether the pruned network is equivalent, or why that is not known.
pub(super) fn of_pruned<N: Certifiable>(
    subject: &Subjected<'_, N>,
    pruned: &N,
    asked: &CertifyConfig,
    result: &mut Prune,
) {
    let own = own_arithmetic::<N::Number>();
    let tolerance = subject.reference.tolerances();
    let found = subject.network.as_mlp().and_then(|original| {
        let networks = (&original, &pruned.as_mlp()?);
        let arithmetic = asked.arithmetic.unwrap_or(own);
        between(subject.sampled, networks, tolerance, arithmetic, asked)
    });
    match found {
        Ok(found) => result.equivalence = Some(found),
        Err(reason) => result.not_certified = Some(reason.to_string()),
    }
}
