//! Certificates for what was pruned: the domain, the threshold, the bound.

use std::time::Instant;

use super::subject::Subject;
use crate::checkpoint::Checkpoint;
use crate::data::Domain;
use crate::model::{Mlp, Role};
use crate::numeric::Scalar;
use crate::prune::certify::{
    Arithmetic, Budget, Equivalence, Goal, LayerNames, Options, Proof, Refusal, Request,
    bounding_box, certificate, certified_curve, largest_certified, proof, rounding_of_both,
};
use crate::prune::{Config, Reference, Threshold, apply, largest_threshold, magnitudes};
use crate::result::{Certificate, CurvePoint, ProofLog, Prune};

/// Thresholds of the curve at which the bound is drawn beside the measured change.
const CURVE_POINTS: usize = 8;

/// What to certify, and how long to try.
#[derive(Debug, Clone, PartialEq)]
pub struct CertifyConfig {
    /// All inputs for which the certificate is to speak.
    pub domain: DomainChoice,
    /// For the search of the threshold, for the certificate and for the curve, each.
    pub budget: Budget,
    /// Certify decisions in balls of this radius around the samples.
    pub radius: Option<f64>,
    /// In which sense the pruned network is to be the same.
    pub equivalence: Equivalence,
    /// The least confidence at which decisions count, for `delta-top1`.
    pub confidence: f64,
    /// What certificates speak of; `None`: the networks as computed in their own type.
    pub arithmetic: Option<Arithmetic>,
    /// Whether the proof is written down, in the budget anew.
    pub log: bool,
}

/// Where the domain comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum DomainChoice {
    /// The one that the data name; every tuple of tokens for a network that embeds tokens.
    OfTheData,
    /// The smallest box that holds the samples.
    AroundTheSamples,
    /// The same interval for every input.
    Cube([f64; 2]),
    /// Every sequence of the tokens that the samples hold at each position.
    TokensOfTheData,
    /// As given.
    Given(Domain),
}

/// A proof, and where its network stands in the file.
#[derive(Debug, Clone)]
pub struct Proved {
    /// The proof.
    pub proof: Proof,
    /// The tensors of the layers.
    pub layers: Vec<LayerNames>,
    /// The network in plain tensors, where its file holds it otherwise.
    pub rewritten: Option<Checkpoint>,
}

impl Proved {
    fn of<T: Scalar>(subject: &Subject<'_, T>, proof: Proof) -> Self {
        let files = subject.files;
        let name = |role| files.loaded.tensor_name(role).map(str::to_owned);
        let layers = 0..subject.model.layers.len();
        let layers = layers.map(|layer| {
            let weight = name(Role::Weight(layer)).unwrap_or_default();
            (weight, name(Role::Bias(layer)))
        });
        Self {
            proof,
            layers: layers.collect(),
            rewritten: files
                .loaded
                .rewritten
                .is_some()
                .then(|| files.loaded.editable(files.checkpoint)),
        }
    }
}

/// Everything that a certificate needs of the run.
struct Case<'a, T> {
    subject: &'a Subject<'a, T>,
    original: Mlp<f64>,
    domain: Domain,
    tolerance: &'a [f64],
    /// What the tolerances leave to the change of the functions of real numbers.
    provable: Vec<f64>,
    prune: Config,
    options: Options,
}

/// The largest threshold that is certified, in place of the largest that
/// verifies on the samples. A refusal leaves the latter and is told later.
pub fn certified_threshold<T: Scalar>(
    subject: &Subject<'_, T>,
    reference: &Reference<Mlp<T>>,
    prune: Config,
    config: &CertifyConfig,
    seed: u64,
) -> Threshold {
    let Ok(case) = case(subject, reference, prune, config, seed) else {
        return Threshold::Auto;
    };
    let most = largest_threshold(subject.model, reference, prune.biases);
    let mut candidates = magnitudes(subject.model, prune.biases);
    candidates.retain(|threshold| *threshold <= most);
    let pruned = |threshold| apply(subject.model, threshold, prune.biases).widened();
    let found = largest_certified(
        &case.original,
        &candidates,
        pruned,
        &case.domain,
        &case.provable,
        &case.options,
    );
    match found {
        Ok(Some(certified)) => Threshold::Certified(certified.threshold),
        _ => Threshold::Auto,
    }
}

/// Certifies what was pruned and writes it into the result, or why it cannot be; gives the
/// proof, where that is asked for.
pub fn certify<T: Scalar>(
    subject: &Subject<'_, T>,
    reference: &Reference<Mlp<T>>,
    pruned: &Mlp<T>,
    prune: Config,
    config: &CertifyConfig,
    seed: u64,
    result: &mut Prune,
) -> Option<Proved> {
    let found = case(subject, reference, prune, config, seed).and_then(|case| {
        case.bound_curve(&mut result.curve)?;
        case.certificate(&pruned.widened(), config)
    });
    match found {
        Ok((certificate, proof)) => {
            result.certificate = Some(certificate);
            proof.map(|proof| Proved::of(subject, proof))
        }
        Err(reason) => {
            result.not_certified = Some(reason.to_string());
            None
        }
    }
}

fn case<'a, T: Scalar>(
    subject: &'a Subject<'a, T>,
    reference: &'a Reference<Mlp<T>>,
    prune: Config,
    config: &CertifyConfig,
    seed: u64,
) -> Result<Case<'a, T>, Refusal> {
    let original = subject.model.widened();
    let samples = subject.batch.inputs.mapv(T::widen);
    let domain = domain(subject, &original, &config.domain)?;
    let arithmetic = config.arithmetic.unwrap_or(own_arithmetic::<T>());
    // Nothing is larger in a network some of whose weights are 0: the original stands for it.
    let rounding = rounding_of_both(&original, &original, &domain, arithmetic)?;
    let tolerance = reference.tolerances();
    Ok(Case {
        provable: tolerance
            .iter()
            .zip(&rounding)
            .map(|(t, r)| t - r)
            .collect(),
        subject,
        original,
        domain,
        tolerance,
        prune,
        options: Options {
            budget: config.budget,
            goal: Goal::default(),
            samples: Some(samples),
            seed,
            arithmetic,
        },
    })
}

/// The domain that is meant, of a network like the subject's.
pub(super) fn domain<T: Scalar>(
    subject: &Subject<'_, T>,
    model: &Mlp<f64>,
    choice: &DomainChoice,
) -> Result<Domain, Refusal> {
    let samples = || subject.batch.inputs.mapv(T::widen);
    match choice {
        DomainChoice::Given(domain) => Ok(domain.clone()),
        DomainChoice::Cube(side) => Ok(Domain::Box(vec![*side; model.widths()[0]])),
        DomainChoice::AroundTheSamples => Ok(bounding_box(model, samples().view())),
        DomainChoice::TokensOfTheData => Err(Refusal::Outside(
            "of an MLP every tuple of tokens is gone through: `--domain tokens`".to_owned(),
        )),
        DomainChoice::OfTheData => match (&subject.files.data.task.domain, &model.embedding) {
            (Some(domain), _) => Ok(domain.clone()),
            (None, Some(_)) => Ok(Domain::Tokens),
            (None, None) => Err(Refusal::NoDomain),
        },
    }
}

/// The type that a network is computed in.
pub(super) fn own_arithmetic<T: Scalar>() -> Arithmetic {
    match size_of::<T>() {
        4 => Arithmetic::F32,
        _ => Arithmetic::F64,
    }
}

impl<T: Scalar> Case<'_, T> {
    fn certificate(
        &self,
        pruned: &Mlp<f64>,
        config: &CertifyConfig,
    ) -> Result<(Certificate, Option<Proof>), Refusal> {
        let samples = self.subject.batch.inputs.mapv(T::widen);
        let request = Request {
            original: &self.original,
            pruned,
            domain: &self.domain,
            tolerance: self.tolerance,
            classifies: self.subject.classifies(),
            samples: samples.view(),
            radius: config.radius,
        };
        let mut told = certificate(&request, &self.options)?;
        if !config.log {
            return Ok((told, None));
        }
        let started = Instant::now();
        let proof = proof(&request, &self.options, &told);
        match &proof {
            Ok(proof) => {
                told.log = Some(ProofLog {
                    parts: proof.parts(),
                    seconds: started.elapsed().as_secs_f64(),
                    ..ProofLog::default()
                });
            }
            Err(reason) => told.not_logged = Some(reason.to_string()),
        }
        Ok((told, proof.ok()))
    }

    /// Bounds at some of the curve's thresholds, those that change something but
    /// not everything.
    fn bound_curve(&self, curve: &mut [CurvePoint]) -> Result<(), Refusal> {
        let telling =
            |p: &CurvePoint| p.change_over_tolerance > 0.01 && p.change_over_tolerance < 10.0;
        let places: Vec<usize> = (0..curve.len()).filter(|i| telling(&curve[*i])).collect();
        let step = places.len().div_ceil(CURVE_POINTS).max(1);
        let chosen: Vec<usize> = places.into_iter().step_by(step).collect();
        let thresholds: Vec<f64> = chosen.iter().map(|i| curve[*i].threshold).collect();
        let share = chosen.len().max(1);
        let options = Options {
            budget: Budget {
                seconds: self.options.budget.seconds / share as f64,
                boxes: self.options.budget.boxes / share as u64,
            },
            goal: Goal::Narrow(1.1),
            ..self.options.clone()
        };
        let pruned = |threshold| apply(self.subject.model, threshold, self.prune.biases).widened();
        let bounds = certified_curve(
            &self.original,
            &thresholds,
            pruned,
            &self.domain,
            self.tolerance,
            &options,
        )?;
        for (place, certified) in chosen.into_iter().zip(bounds) {
            curve[place].bound = Some(certified.verdict.bound());
        }
        Ok(())
    }
}
