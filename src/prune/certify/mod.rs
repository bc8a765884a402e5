//! Certificates: bounds on how much a network's outputs change by pruning, for
//! every input of a domain.
//!
//! The change is bounded for the two networks as written in their files, as
//! functions of real numbers: weights are widened exactly to f64 and all rounding
//! of the bound itself is outward. What evaluating both in floating point may add
//! is bounded by `rounding` and stands in the certificate, unless that is asked to
//! speak of real numbers alone. Nothing here samples to conclude that something holds; sampling only
//! serves to find counterexamples and to see how tight a bound is.

mod astray;
#[cfg(test)]
mod attack;
mod attribution;
mod backward;
mod bound;
mod branch;
mod certificate;
mod confident;
mod curve;
mod cut;
pub mod decisions;
mod equivalence;
#[cfg(test)]
mod equivalence_tests;
mod forward;
mod leaves;
mod lower;
#[cfg(test)]
mod lower_tests;
mod needed;
mod neurons;
#[cfg(test)]
mod neurons_tests;
mod pair;
mod proof;
mod relax;
mod rounding;
mod search;
#[cfg(test)]
mod tests;
mod threshold;
mod tokens;
mod verdict;

use std::time::{Duration, Instant};

use ndarray::Array2;

use crate::data::Domain;
use crate::model::{Activations, Mlp};
use crate::numeric::Activation;

pub use crate::choice::Arithmetic;
pub use crate::choice::{CertificateMethod, Equivalence, Known};
pub use attribution::{Share, attribution};
use bound::{Bounder, Inputs};
use branch::{Searched, Target};
pub use certificate::{Request, bounding_box, certificate, in_words};
use decisions::hull;
pub use equivalence::{Equivalent, Question, Regions, equivalent, no_points, ranges};
pub use leaves::NotLogged;
pub use lower::{lowered, lowered_mlp};
pub use needed::Needed;
use pair::Pair;
pub use proof::{LayerNames, Logged, Proof, proof};
use search::Search;
pub use threshold::{Certified, certified_curve, largest_certified};
pub use verdict::{Counted, Counterexample, Input, Outcome, Verdict};

/// How long to try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Seconds; results that this limit ends depend on the machine.
    pub seconds: f64,
    /// Boxes bounded; results that only this limit ends are the same everywhere.
    pub boxes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            seconds: 10.0,
            boxes: 4_000_000,
        }
    }
}

/// When the time is over; never, where that is beyond what clocks tell.
#[derive(Debug, Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    /// So many seconds from now.
    fn after(seconds: f64) -> Self {
        let left = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        Self(left.and_then(|left| Instant::now().checked_add(left)))
    }

    fn is_over(self) -> bool {
        self.0.is_some_and(|end| Instant::now() > end)
    }
}

/// What to aim for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Stop as soon as it is known whether the change stays within tolerance.
    Decide,
    /// Go on until the bound of each output is within this ratio (over 1) of the
    /// largest change found, or under a hundredth of its tolerance.
    Narrow(f64),
}

impl Default for Goal {
    fn default() -> Self {
        Self::Narrow(1.01)
    }
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All of the domain is good enough.
    Done,
    /// A change over tolerance was found.
    Refuted,
    /// The seconds were over.
    Seconds,
    /// The boxes were used up.
    Boxes,
}

/// The names of the activations that are bounded.
fn proved() -> String {
    let all = Activation::names().filter_map(|name| name.parse().ok());
    let proved = all.filter(|activation| pair::is_proved(*activation));
    let names: Vec<String> = proved.map(|activation| activation.to_string()).collect();
    names.join(", ")
}

/// Why there is no certificate, not even an undecided one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The networks have different shapes.
    #[error("the networks have layers of widths {original:?} and {pruned:?}")]
    Shapes {
        /// Widths of the original.
        original: Vec<usize>,
        /// Widths of the pruned.
        pruned: Vec<usize>,
    },
    /// The networks have different activations.
    #[error("the networks have different activations, {original} and {pruned}")]
    Activations {
        /// Of the original.
        original: Activations,
        /// Of the pruned.
        pruned: Activations,
    },
    /// No line with a proved error is known for the activation.
    #[error(
        "no bound is proved here for the activation {activation}: proved are {}",
        proved()
    )]
    NoRelaxation {
        /// The activation.
        activation: Activation,
    },
    /// The networks order inputs or outputs differently.
    #[error("the networks order their inputs or outputs differently")]
    Permutations,
    /// A weight is infinite or no number.
    #[error("the {} network holds weights that are not finite", if *pruned { "pruned" } else { "original" })]
    NotFinite {
        /// Whether it is the pruned one.
        pruned: bool,
    },
    /// The domain has another number of inputs.
    #[error("the domain bounds {found} inputs; the network has {expected}")]
    DomainWidth {
        /// Sides of the domain.
        found: usize,
        /// Inputs of the network.
        expected: usize,
    },
    /// A side of the domain is not an interval of numbers.
    #[error("input {input} of the domain runs from {lo} to {hi}")]
    DomainSide {
        /// The feature.
        input: usize,
        /// Its lower end.
        lo: f64,
        /// Its upper end.
        hi: f64,
    },
    /// A domain of tokens for a network that reads numbers, or the other way round.
    #[error("the domain is of {}, but the network reads {}", if *tokens { "tokens" } else { "numbers" }, if *tokens { "numbers" } else { "tokens" })]
    DomainKind {
        /// Whether the domain is of tokens.
        tokens: bool,
    },
    /// Nothing says for which inputs a certificate should speak.
    #[error(
        "no domain is known: `--domain box:LO,HI`, `box:data`, `FILE.vnnlib` or `tokens` names one"
    )]
    NoDomain,
    /// A property of networks with another number of outputs.
    #[error("the property declares {found} outputs; the network has {expected}")]
    PropertyOutputs {
        /// Declared.
        found: usize,
        /// Outputs of the network.
        expected: usize,
    },
    /// Tolerances for another number of outputs.
    #[error("{found} tolerances were given for {expected} outputs")]
    Tolerances {
        /// Given.
        found: usize,
        /// Outputs.
        expected: usize,
    },
    /// More tuples than the budget has boxes.
    #[error(
        "{tokens} tokens at {positions} positions are more tuples than the {limit} boxes of the budget"
    )]
    TooManyTuples {
        /// Rows of the embedding.
        tokens: usize,
        /// Tokens of a tuple.
        positions: usize,
        /// The budget.
        limit: u64,
    },
    /// Numbers too large to be bounded in f64.
    #[error("the values of the networks overflow on this domain")]
    Unbounded,
    /// A layer that is no sum of numbers or of activations with bounds.
    #[error("no bound is proved here of {what} (layer {layer} of the network, from 0)")]
    Layer {
        /// Its number.
        layer: usize,
        /// What it computes.
        what: &'static str,
    },
    /// A network that is too large to be written out.
    #[error(
        "written out as one matrix a layer the network has {numbers} numbers, and {slopes} pairs \
         of a site and an input, more than are bounded here"
    )]
    TooLarge {
        /// Numbers of the matrices.
        numbers: usize,
        /// Sites times inputs.
        slopes: usize,
    },
    /// Attention multiplies values, and is normalised sample by sample.
    #[error("bounds are of MLPs and of layered networks, not of transformers")]
    Transformer,
    /// What the method was not made for.
    #[error("not an MLP with an activation this method bounds: {0}")]
    Outside(String),
}

/// Physical sides of a domain of features.
fn physical(model: &Mlp<f64>, sides: &[[f64; 2]]) -> Result<Inputs, Refusal> {
    let expected = model.widths()[0];
    if sides.len() != expected {
        return Err(Refusal::DomainWidth {
            found: sides.len(),
            expected,
        });
    }
    for (input, [lo, hi]) in sides.iter().enumerate() {
        if !(lo <= hi && lo.is_finite() && hi.is_finite()) {
            return Err(Refusal::DomainSide {
                input,
                lo: *lo,
                hi: *hi,
            });
        }
    }
    Ok((0..expected).map(|q| sides[feature(model, q)]).collect())
}

/// Physical sides of boxes of features.
fn all_physical(model: &Mlp<f64>, boxes: &[Vec<[f64; 2]>]) -> Result<Vec<Inputs>, Refusal> {
    boxes.iter().map(|sides| physical(model, sides)).collect()
}

/// How to certify.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How long to try.
    pub budget: Budget,
    /// What to aim for.
    pub goal: Goal,
    /// Inputs `[inputs, n]`, in physical order, to begin the search from below
    /// with; those outside the domain are moved to its border.
    pub samples: Option<Array2<f64>>,
    /// Seed of the random points that are tried.
    pub seed: u64,
    /// What certificates speak of.
    pub arithmetic: Arithmetic,
}

/// Per output, how far apart evaluations of two networks may be, beyond what they are as
/// functions of real numbers: the sum of what each may be off by.
///
/// # Errors
/// A [`Refusal`] where the domain is none of the networks.
pub fn rounding_of_both(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    domain: &Domain,
    arithmetic: Arithmetic,
) -> Result<Vec<f64>, Refusal> {
    let [original, pruned] = roundings(original, pruned, domain, arithmetic)?;
    Ok(original.iter().zip(&pruned).map(|(a, b)| a + b).collect())
}

/// Per network and output, what its evaluations may be off by.
fn roundings(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    domain: &Domain,
    arithmetic: Arithmetic,
) -> Result<[Vec<f64>; 2], Refusal> {
    let each = |model| rounding_of(model, domain, arithmetic);
    Ok([each(original)?, each(pruned)?])
}

/// Per output, how far an evaluation of a network may be from what it is as a function of
/// real numbers.
fn rounding_of(
    model: &Mlp<f64>,
    domain: &Domain,
    arithmetic: Arithmetic,
) -> Result<Vec<f64>, Refusal> {
    let sides = match (domain.boxes(), &model.embedding) {
        (Some(boxes), None) => hull(&all_physical(model, boxes)?),
        (None, Some(table)) => {
            let most = table.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            vec![[-most, most]; model.widths()[0]]
        }
        (Some(_), Some(_)) => return Err(Refusal::DomainKind { tokens: false }),
        (None, None) => return Err(Refusal::DomainKind { tokens: true }),
    };
    Ok(rounding::rounding(model, &sides, arithmetic))
}

/// Certifies that the outputs of `pruned` stay within `tolerance` (per physical
/// output, in units of the outputs) of those of `original`, for every input of
/// `domain`.
///
/// Boxes are in the order of the features, before the network's permutation.
/// The answer is a bound and its proof, a counterexample, or neither; with a
/// budget in boxes alone it does not depend on the machine or the number of threads.
///
/// # Errors
/// A [`Refusal`] where the method does not apply. Then there is no number.
///
/// ```
/// use modscope::data::Domain;
/// use modscope::model::{Linear, Mlp};
/// use modscope::numeric::Activation;
/// use modscope::prune::certify::{Options, certify};
/// use ndarray::array;
///
/// // y = silu(x) + 0.01 silu(-x), and without the small weight.
/// let original = Mlp {
///     embedding: None,
///     in_perm: vec![0],
///     folds: 1,
///     layers: vec![
///         Linear { weight: array![[1.0], [-1.0]], bias: array![0.0, 0.0] },
///         Linear { weight: array![[1.0, 0.01]], bias: array![0.0] },
///     ],
///     activation: Activation::Silu.into(),
///     out_perm: vec![0],
/// };
/// let mut pruned = original.clone();
/// pruned.layers[1].weight[[0, 1]] = 0.0;
/// let domain = Domain::Box(vec![[-1.0, 1.0]]);
/// let verdict = certify(&original, &pruned, &domain, &[0.01], &Options::default()).unwrap();
/// // The largest change is 0.01 silu(1) = 0.00731, at x = -1.
/// assert!(verdict.holds());
/// assert!(0.007_310 < verdict.bound() && verdict.bound() < 0.007_47);
/// ```
pub fn certify(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    domain: &Domain,
    tolerance: &[f64],
    options: &Options,
) -> Result<Verdict, Refusal> {
    let started = Instant::now();
    let expected = original.out_perm.len();
    if tolerance.len() != expected {
        let found = tolerance.len();
        return Err(Refusal::Tolerances { found, expected });
    }
    let mut verdict = match (domain.boxes(), &original.embedding) {
        (None, _) => {
            let rounding = roundings(original, pruned, domain, options.arithmetic)?;
            let limit = options.budget.boxes;
            tokens::certify(original, pruned, tolerance, &rounding, limit)
        }
        (Some(_), Some(_)) => Err(Refusal::DomainKind { tokens: false }),
        (Some(boxes), None) => in_boxes(original, pruned, boxes, tolerance, options),
    }?;
    verdict.seconds = started.elapsed().as_secs_f64();
    if verdict.bounds.iter().all(|bound| bound.is_finite()) {
        Ok(verdict)
    } else {
        Err(Refusal::Unbounded)
    }
}

/// [`certify`] on boxes of features, one after another; what the first leave of the budget is
/// shared among the others.
fn in_boxes(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    boxes: &[Vec<[f64; 2]>],
    tolerance: &[f64],
    options: &Options,
) -> Result<Verdict, Refusal> {
    let started = Instant::now();
    let mut known: Option<Verdict> = None;
    for (place, sides) in boxes.iter().enumerate() {
        let left = boxes.len() - place;
        let used = known.as_ref().map_or(0, |verdict| verdict.boxes);
        let seconds = options.budget.seconds - started.elapsed().as_secs_f64();
        let options = Options {
            budget: Budget {
                seconds: seconds.max(0.0) / left as f64,
                boxes: options.budget.boxes.saturating_sub(used) / left as u64,
            },
            ..options.clone()
        };
        let found = in_box(original, pruned, sides, tolerance, &options)?;
        known = Some(match known {
            Some(known) => known.beside(found),
            None => found,
        });
    }
    known.ok_or(Refusal::NoDomain)
}

/// [`certify`] on a box of features.
fn in_box(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    sides: &[[f64; 2]],
    tolerance: &[f64],
    options: &Options,
) -> Result<Verdict, Refusal> {
    let pair = Pair::new(original, pruned)?;
    let domain = physical(original, sides)?;
    let bounder = Bounder::new(&pair, domain.clone());
    let search = Search::new((original, pruned), &domain, options.budget.seconds);
    let samples = options.samples.as_ref().map(|s| s.view());
    let found = search.begin(samples, options.seed);
    let target = target(tolerance, options.goal);
    let searched = branch::run(&bounder, &search, &target, found, &options.budget);
    Ok(verdict(original, &bounder, tolerance, searched))
}

/// What a goal asks of the search.
fn target(tolerance: &[f64], goal: Goal) -> Target {
    /// Under this part of the tolerance a bound need not be tight.
    const NEGLIGIBLE: f64 = 0.01;
    match goal {
        Goal::Decide => Target {
            enough: tolerance.to_vec(),
            ratio: None,
            refuted: Some(tolerance.to_vec()),
        },
        Goal::Narrow(ratio) => Target {
            enough: tolerance.iter().map(|t| t * NEGLIGIBLE).collect(),
            ratio: Some(ratio),
            refuted: None,
        },
    }
}

/// Puts what a search came to in terms of the tolerances and the features.
fn verdict(
    model: &Mlp<f64>,
    bounder: &Bounder<'_>,
    tolerance: &[f64],
    searched: Searched,
) -> Verdict {
    let within = |(bound, tolerance): (&f64, &f64)| bound <= tolerance;
    let outcome = if searched.bounds.iter().zip(tolerance).all(within) {
        Outcome::Holds
    } else {
        refutation(model, bounder, tolerance, &searched)
            .map_or(Outcome::Undecided, Outcome::Refuted)
    };
    let at = |point: &Vec<f64>| Input::Features(features(model, point));
    Verdict {
        method: CertificateMethod::BranchAndBound,
        outcome,
        stop: searched.stop,
        bounds: searched.bounds,
        found_at: searched.found.at.iter().map(at).collect(),
        found: searched.found.change,
        decisions: None,
        boxes: searched.boxes,
        seconds: 0.0,
    }
}

/// The point found that is furthest over its tolerance, if it is over it with
/// rounding taken off.
fn refutation(
    model: &Mlp<f64>,
    bounder: &Bounder<'_>,
    tolerance: &[f64],
    searched: &Searched,
) -> Option<Counterexample> {
    let found = &searched.found;
    let over = |k: &usize| found.change[*k] / tolerance[*k];
    let output = (0..tolerance.len()).max_by(|a, b| over(a).total_cmp(&over(b)))?;
    let point = &found.at[output];
    let side = |i: &usize| [point[*i], point[*i]];
    let at_point = bounder.symbols.iter().map(side).collect();
    let bounded = bounder.bound_all(&[at_point], &vec![1.0; tolerance.len()]);
    let [lo, hi] = bounded.first()?.change[output];
    let change = lo.max(-hi);
    (change > tolerance[output]).then(|| Counterexample {
        input: Input::Features(features(model, point)),
        output,
        change,
    })
}

/// Features of a physical point.
fn features(model: &Mlp<f64>, point: &[f64]) -> Vec<f64> {
    let mut features = vec![0.0; point.len()];
    for (q, x) in point.iter().enumerate() {
        features[feature(model, q)] = *x;
    }
    features
}

/// What the inputs of a network read, in physical order, for an input as the
/// domain has it; tokens go through the network's embedding.
#[must_use]
pub fn physical_point(model: &Mlp<f64>, input: &Input) -> Vec<f64> {
    let width = model.widths()[0];
    match input {
        Input::Features(features) => (0..width).map(|q| features[feature(model, q)]).collect(),
        Input::Tokens(tuple) => (0..width)
            .map(|q| tokens::embedded(model, tuple, q))
            .collect(),
    }
}

/// The feature that a physical input reads.
fn feature(model: &Mlp<f64>, q: usize) -> usize {
    let fold = model.in_perm.len();
    q / fold * fold + model.in_perm[q % fold]
}
