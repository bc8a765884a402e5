//! Whether two networks are equivalent on a domain, as a result says it.

use std::time::Instant;

use super::Config;
use super::certify::{CertifyConfig, DomainChoice, domain, own_arithmetic};
use super::files::Files;
use super::fitted;
use super::proved::unprovable;
use super::subject::Subject;
use crate::checkpoint::Checkpoint;
use crate::choice::{Arithmetic, Equivalence};
use crate::data::{Dataset, Domain};
use crate::model::{Architecture, Loaded, Mlp, Network};
use crate::numeric::Scalar;
use crate::prune::certify::{Input, Question, Refusal, Regions, equivalent, in_words};
use crate::prune::{Reference, Tolerance};
use crate::result::{NetworkEquivalence, Prune};
use crate::{Error, Result};

/// Whether a network is equivalent to the subject's, for every input of the domain asked for:
/// in balls around the samples where there is a radius.
fn between<T: Scalar>(
    subject: &Subject<'_, T>,
    changed: &Mlp<f64>,
    tolerance: &[f64],
    arithmetic: Arithmetic,
    asked: &CertifyConfig,
) -> Result<NetworkEquivalence, Refusal> {
    let started = Instant::now();
    let original = subject.model.widened();
    let samples = subject.batch.inputs.mapv(T::widen);
    let found = domain(subject, &original, &asked.domain);
    let within: Option<Domain> = match (found, asked.radius, &asked.domain) {
        // Balls need no domain, but heed one that is named.
        (Err(Refusal::NoDomain), Some(_), DomainChoice::OfTheData) => None,
        (found, ..) => Some(found?),
    };
    let regions = match (asked.radius, &within) {
        (Some(radius), within) => {
            Regions::around(&original, samples.view(), radius, within.as_ref())?
        }
        (None, Some(domain)) => Regions::of_domain(&original, domain)?,
        (None, None) => return Err(Refusal::NoDomain),
    };
    let question = Question {
        original: &original,
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
            .map_or_else(|| "every input".to_owned(), in_words),
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
pub(super) fn of_pruned<T: Scalar>(
    subject: &Subject<'_, T>,
    reference: &Reference<Mlp<T>>,
    pruned: &Mlp<T>,
    asked: &CertifyConfig,
    result: &mut Prune,
) {
    let arithmetic = asked.arithmetic.unwrap_or(own_arithmetic::<T>());
    let tolerance = reference.tolerances();
    match between(subject, &pruned.widened(), tolerance, arithmetic, asked) {
        Ok(found) => result.equivalence = Some(found),
        Err(reason) => result.not_certified = Some(reason.to_string()),
    }
}

/// Whether two versions of a network are equivalent, as `config.certify` asks.
///
/// # Errors
/// If either is no MLP that can be bounded, or they are not of one shape.
pub fn equivalence(
    old: &Checkpoint,
    new: &Checkpoint,
    data: &Dataset,
    config: &Config,
    tolerance: Tolerance,
) -> Result<Option<NetworkEquivalence>> {
    let Some(asked) = &config.certify else {
        return Ok(None);
    };
    let opened = |checkpoint: &Checkpoint| {
        let options = config.model.settled(checkpoint, data);
        Loaded::from_checkpoint(checkpoint, options)
    };
    let (before, after) = (opened(old)?, opened(new)?);
    let refused = |detail: String| unprovable(&new.path, detail);
    let (changed, second) = match &after.network {
        Network::F32(Architecture::Mlp(model)) => (model.widened(), Arithmetic::F32),
        Network::F64(Architecture::Mlp(model)) => (model.widened(), Arithmetic::F64),
        Network::F32(_) | Network::F64(_) => {
            return Err(refused("bounds are of MLPs alone".to_owned()));
        }
    };
    let data = &*fitted(data, &before);
    let files = Files {
        checkpoint: old,
        loaded: &before,
        data,
    };
    let found = match &before.network {
        Network::F32(network) => of(files, network, &changed, second, tolerance, asked),
        Network::F64(network) => of(files, network, &changed, second, tolerance, asked),
    };
    found.map(Some)
}

fn of<T: Scalar>(
    files: Files<'_>,
    network: &Architecture<T>,
    changed: &Mlp<f64>,
    second: Arithmetic,
    tolerance: Tolerance,
    asked: &CertifyConfig,
) -> Result<NetworkEquivalence> {
    let refused = |detail: String| -> Error { unprovable(&files.checkpoint.path, detail) };
    let Architecture::Mlp(model) = network else {
        return Err(refused("bounds are of MLPs alone".to_owned()));
    };
    let subject = Subject::new(files, model)?;
    // Two types: each network is within what the coarser one may round.
    let own = match (own_arithmetic::<T>(), second) {
        (Arithmetic::F64, Arithmetic::F64) => Arithmetic::F64,
        _ => Arithmetic::F32,
    };
    let reference = subject.reference(tolerance);
    let arithmetic = asked.arithmetic.unwrap_or(own);
    let found = between(&subject, changed, reference.tolerances(), arithmetic, asked);
    found.map_err(|refusal| refused(refusal.to_string()))
}
