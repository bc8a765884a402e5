//! Certificates for what was pruned: the domain, the threshold, the bound.

use std::time::Instant;

use ndarray::Array2;

use super::subject::Subject;
use crate::checkpoint::Checkpoint;
use crate::data::{Dataset, Domain, Property};
use crate::model::{Batch, Layered, Mlp, Role};
use crate::numeric::Scalar;
use crate::prune::certify::{
    Arithmetic, Budget, Equivalence, Goal, LayerNames, NotLogged, Options, Proof, Refusal, Request,
    bounding_box, certificate, certified_curve, in_words, largest_certified, lowered, lowered_mlp,
    proof, rounding_of_both,
};
use crate::prune::{Config, Prunable, Reference, Threshold, apply, largest_threshold, magnitudes};
use crate::result::{Certificate, CurvePoint, DomainFile, ProofLog, Prune};

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
    /// The inputs that a property allows.
    Property(Property),
}

impl DomainChoice {
    /// The file of a property, as a result tells it.
    pub(super) fn file(&self) -> Option<DomainFile> {
        let Self::Property(property) = self else {
            return None;
        };
        Some(DomainFile {
            path: property.path.display().to_string(),
            sha256: property.sha256.clone(),
            boxes: property.domain.boxes().map_or(0, <[_]>::len),
            assertions_on_outputs: property.on_outputs,
        })
    }

    /// A domain in words: a property by its file, else by its numbers.
    pub(super) fn in_words(&self, domain: &Domain) -> String {
        match self {
            Self::Property(property) => property.path.display().to_string(),
            _ => in_words(domain),
        }
    }
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
    /// With the names of the tensors of an MLP's layers.
    pub(super) fn of<T: Scalar>(subject: &Subject<'_, T>, proof: Proof) -> Self {
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

/// A network that is certified as an MLP of the same function.
pub(super) trait Certifiable: Prunable {
    /// The MLP; the network's own layers where they have bounds.
    ///
    /// # Errors
    /// Where a layer has none.
    fn as_mlp(&self) -> Result<Mlp<f64>, Refusal>;

    /// Whether that MLP has the layers of the file.
    fn is_as_written(&self) -> bool;
}

impl<T: Scalar> Certifiable for Mlp<T> {
    fn as_mlp(&self) -> Result<Mlp<f64>, Refusal> {
        lowered_mlp(self.widened())
    }

    fn is_as_written(&self) -> bool {
        self.as_mlp().is_ok_and(|mlp| mlp.widths() == self.widths())
    }
}

impl<T: Scalar> Certifiable for Layered<T> {
    fn as_mlp(&self) -> Result<Mlp<f64>, Refusal> {
        lowered(self)
    }

    fn is_as_written(&self) -> bool {
        false
    }
}

/// What a certificate takes of the data.
pub(super) struct Sampled<'a> {
    /// What names a domain.
    pub data: &'a Dataset,
    /// `[inputs, samples]`, in physical order.
    pub inputs: Array2<f64>,
    /// Whether the largest output is a decision.
    pub classifies: bool,
}

impl<'a> Sampled<'a> {
    /// Of the samples that a network reads.
    pub fn new<T: Scalar>(data: &'a Dataset, batch: &Batch<T>) -> Self {
        Self {
            data,
            inputs: batch.inputs.mapv(T::widen),
            classifies: batch.classes.is_some(),
        }
    }
}

/// Everything that a certificate needs of the run.
struct Case<'a, N> {
    network: &'a N,
    sampled: &'a Sampled<'a>,
    original: Mlp<f64>,
    domain: Domain,
    tolerance: &'a [f64],
    /// What the tolerances leave to the change of the functions of real numbers.
    provable: Vec<f64>,
    prune: Config,
    options: Options,
}

/// A network whose pruning is certified: it, the samples, and what it is held against.
pub(super) struct Subjected<'a, N: Prunable> {
    pub network: &'a N,
    pub sampled: &'a Sampled<'a>,
    pub reference: &'a Reference<N>,
}

/// The largest threshold that is certified, in place of the largest that
/// verifies on the samples. A refusal leaves the latter and is told later.
pub(super) fn certified_threshold<N: Certifiable>(
    subject: &Subjected<'_, N>,
    prune: Config,
    config: &CertifyConfig,
    seed: u64,
) -> Threshold {
    let Ok(case) = case(subject, prune, config, seed) else {
        return Threshold::Auto;
    };
    let network = subject.network;
    let most = largest_threshold(network, subject.reference, prune.biases);
    let mut candidates = magnitudes(network, prune.biases);
    candidates.retain(|threshold| *threshold <= most);
    let found = largest_certified(
        &case.original,
        &candidates,
        |threshold| case.pruned_at(threshold),
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
pub(super) fn certify<N: Certifiable>(
    subject: &Subjected<'_, N>,
    pruned: &N,
    prune: Config,
    config: &CertifyConfig,
    seed: u64,
    result: &mut Prune,
) -> Option<Proof> {
    let found = case(subject, prune, config, seed).and_then(|case| {
        case.bound_curve(&mut result.curve)?;
        case.certificate(&pruned.as_mlp()?, config)
    });
    match found {
        Ok((certificate, proof)) => {
            result.certificate = Some(certificate);
            proof
        }
        Err(reason) => {
            result.not_certified = Some(reason.to_string());
            None
        }
    }
}

fn case<'a, N: Certifiable>(
    subject: &Subjected<'a, N>,
    prune: Config,
    config: &CertifyConfig,
    seed: u64,
) -> Result<Case<'a, N>, Refusal> {
    let original = subject.network.as_mlp()?;
    let domain = domain(subject.sampled, &original, &config.domain)?;
    let arithmetic = config.arithmetic.unwrap_or(own_arithmetic::<N::Number>());
    // Nothing is larger in a network some of whose weights are 0: the original stands for it.
    let rounding = rounding_of_both(&original, &original, &domain, arithmetic)?;
    let tolerance = subject.reference.tolerances();
    Ok(Case {
        provable: tolerance
            .iter()
            .zip(&rounding)
            .map(|(t, r)| t - r)
            .collect(),
        network: subject.network,
        sampled: subject.sampled,
        original,
        domain,
        tolerance,
        prune,
        options: Options {
            budget: config.budget,
            goal: Goal::default(),
            samples: Some(subject.sampled.inputs.clone()),
            seed,
            arithmetic,
        },
    })
}

/// The domain that is meant, of a network like the subject's.
pub(super) fn domain(
    sampled: &Sampled<'_>,
    model: &Mlp<f64>,
    choice: &DomainChoice,
) -> Result<Domain, Refusal> {
    match choice {
        DomainChoice::Given(domain) => Ok(domain.clone()),
        DomainChoice::Property(property) => {
            let (found, expected) = (property.outputs, model.out_perm.len());
            match found == expected {
                true => Ok(property.domain.clone()),
                false => Err(Refusal::PropertyOutputs { found, expected }),
            }
        }
        DomainChoice::Cube(side) => Ok(Domain::Box(vec![*side; model.widths()[0]])),
        DomainChoice::AroundTheSamples => Ok(bounding_box(model, sampled.inputs.view())),
        DomainChoice::TokensOfTheData => Err(Refusal::Outside(
            "of an MLP every tuple of tokens is gone through: `--domain tokens`".to_owned(),
        )),
        DomainChoice::OfTheData => match (&sampled.data.task.domain, &model.embedding) {
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

impl<N: Certifiable> Case<'_, N> {
    /// The network pruned at a threshold.
    fn pruned_at(&self, threshold: f64) -> Result<Mlp<f64>, Refusal> {
        apply(self.network, threshold, self.prune.biases).as_mlp()
    }

    fn certificate(
        &self,
        pruned: &Mlp<f64>,
        config: &CertifyConfig,
    ) -> Result<(Certificate, Option<Proof>), Refusal> {
        let request = Request {
            original: &self.original,
            pruned,
            domain: &self.domain,
            tolerance: self.tolerance,
            classifies: self.sampled.classifies,
            samples: self.sampled.inputs.view(),
            radius: config.radius,
        };
        let mut told = certificate(&request, &self.options)?;
        told.domain = config.domain.in_words(&self.domain);
        told.domain_file = config.domain.file();
        let is_as_written = self.network.is_as_written();
        if !is_as_written {
            // Its sites are none of the file's.
            told.attribution.clear();
            told.weights.clear();
        }
        if !config.log {
            return Ok((told, None));
        }
        if !is_as_written {
            told.not_logged = Some(NotLogged::Layers.to_string());
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
        let bounds = certified_curve(
            &self.original,
            &thresholds,
            |threshold| self.pruned_at(threshold),
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
