//! A certificate as it is saved: bounds, decisions and attribution in one.

use ndarray::ArrayView2;

use super::decisions::{Ball, around, throughout};
use super::{
    Input, Options, Outcome, Refusal, Stop, Verdict, attribution, certify, features, physical_point,
};
use crate::data::Domain;
use crate::model::Mlp;
use crate::result::{self, CertifiedDecisions, OutputBound, WeightShare};

/// Pruned weights listed per output.
const LISTED: usize = 10;

/// What is to be certified.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The network as it is.
    pub original: &'a Mlp<f64>,
    /// The pruned network.
    pub pruned: &'a Mlp<f64>,
    /// All inputs for which the certificate is to speak.
    pub domain: &'a Domain,
    /// Per physical output.
    pub tolerance: &'a [f64],
    /// Whether the largest output is a decision.
    pub classifies: bool,
    /// Samples `[inputs, n]` in physical order, for balls around them.
    pub samples: ArrayView2<'a, f64>,
    /// Certify decisions in balls of this radius around the samples, rather than
    /// on the whole domain.
    pub radius: Option<f64>,
}

/// Certifies outputs and, for classifiers, decisions.
///
/// # Errors
/// A [`Refusal`] where the method does not apply: then there is no number.
pub fn certificate(
    request: &Request<'_>,
    options: &Options,
) -> Result<result::Certificate, Refusal> {
    let Request {
        original,
        pruned,
        domain,
        tolerance,
        ..
    } = *request;
    let verdict = certify(original, pruned, domain, tolerance, options)?;
    let name = |output: usize| format!("y{output}");
    let counterexample = match &verdict.outcome {
        Outcome::Refuted(found) => Some(result::Counterexample {
            input: numbers(&found.input),
            output: name(found.output),
            change: found.change,
            tolerance: tolerance[found.output],
        }),
        _ => None,
    };
    let output = |k: usize| OutputBound {
        output: name(k),
        tolerance: tolerance[k],
        bound: verdict.bounds[k],
        found: verdict.found[k],
        at: numbers(&verdict.found_at[k]),
    };
    Ok(result::Certificate {
        domain: in_words(domain),
        method: verdict.method,
        bound: verdict.bound(),
        holds: verdict.holds(),
        sound: true,
        boxes: verdict.boxes,
        seconds: verdict.seconds,
        outcome: outcome(&verdict),
        best_found: verdict.best_found(),
        outputs: (0..tolerance.len()).map(output).collect(),
        counterexample,
        decisions: if request.classifies {
            decisions(request, &verdict, options)?
        } else {
            None
        },
        attribution: shares(request, &verdict),
    })
}

/// The box that holds physical samples `[inputs, n]`, per feature.
#[must_use]
pub fn bounding_box(model: &Mlp<f64>, samples: ArrayView2<'_, f64>) -> Domain {
    let least = |row: usize| samples.row(row).fold(f64::INFINITY, |m, x| m.min(*x));
    let greatest = |row: usize| samples.row(row).fold(f64::NEG_INFINITY, |m, x| m.max(*x));
    let side = |end: &dyn Fn(usize) -> f64| {
        let ends: Vec<f64> = (0..samples.nrows()).map(end).collect();
        features(model, &ends)
    };
    let (lo, hi) = (side(&least), side(&greatest));
    Domain::Box(lo.into_iter().zip(hi).map(|(lo, hi)| [lo, hi]).collect())
}

fn outcome(verdict: &Verdict) -> String {
    match (&verdict.outcome, verdict.stop) {
        (Outcome::Holds, _) => "holds",
        (Outcome::Refuted(_), _) => "counterexample",
        (Outcome::Undecided, Stop::Seconds) => "undecided: the time was over",
        (Outcome::Undecided, Stop::Boxes) => "undecided: the boxes were used up",
        (Outcome::Undecided, _) => "undecided: within rounding of the tolerance",
    }
    .to_owned()
}

fn numbers(input: &Input) -> Vec<f64> {
    match input {
        Input::Features(features) => features.clone(),
        Input::Tokens(tokens) => tokens.iter().map(|token| *token as f64).collect(),
    }
}

/// `tokens`, `box:-1,1`, or each side where they differ.
fn in_words(domain: &Domain) -> String {
    let Domain::Box(sides) = domain else {
        return "tokens".to_owned();
    };
    let mut words: Vec<String> = sides.iter().map(|[lo, hi]| format!("{lo},{hi}")).collect();
    words.dedup();
    format!("box:{}", words.join(";"))
}

/// What is proved of the decisions.
fn decisions(
    request: &Request<'_>,
    verdict: &Verdict,
    options: &Options,
) -> Result<Option<CertifiedDecisions>, Refusal> {
    let Request {
        original,
        pruned,
        samples,
        ..
    } = *request;
    Ok(match (request.domain, request.radius, &verdict.decisions) {
        (_, _, Some(counted)) => Some(CertifiedDecisions {
            scope: "every case".to_owned(),
            radius: None,
            cases: verdict.boxes,
            same: counted.same as f64 / verdict.boxes.max(1) as f64,
            changed: counted.changed,
            example: counted.example.as_ref().map(numbers),
        }),
        (Domain::Box(sides), Some(radius), _) => {
            let balls = around(original, pruned, samples, radius, Some(sides))?;
            Some(in_balls(&balls, radius))
        }
        (Domain::Box(sides), None, _) => {
            let found = throughout(original, pruned, sides, &options.budget)?;
            Some(CertifiedDecisions {
                scope: "whole domain".to_owned(),
                radius: None,
                cases: found.boxes,
                same: found.same,
                changed: u64::from(found.differs.is_some()),
                example: found.differs.as_ref().map(numbers),
            })
        }
        (Domain::Tokens, _, None) => None,
    })
}

fn in_balls(balls: &[Ball], radius: f64) -> CertifiedDecisions {
    let same = balls
        .iter()
        .filter(|ball| matches!(ball, Ball::Same(_)))
        .count();
    let example = |ball: &Ball| match ball {
        Ball::Differs(input) => Some(numbers(input)),
        _ => None,
    };
    CertifiedDecisions {
        scope: "balls around samples".to_owned(),
        radius: Some(radius),
        cases: balls.len() as u64,
        same: same as f64 / balls.len().max(1) as f64,
        changed: balls
            .iter()
            .filter(|ball| matches!(ball, Ball::Differs(_)))
            .count() as u64,
        example: balls.iter().find_map(example),
    }
}

/// The largest shares in the largest change found of each output.
fn shares(request: &Request<'_>, verdict: &Verdict) -> Vec<WeightShare> {
    let sites = request.original.sites();
    let mut listed = Vec::new();
    for (output, input) in verdict.found_at.iter().enumerate() {
        let at = physical_point(request.original, input);
        let shares = attribution(request.original, request.pruned, &at, output);
        listed.extend(shares.into_iter().take(LISTED).map(|share| {
            WeightShare {
                output: format!("y{output}"),
                from: share
                    .from
                    .map_or_else(|| "bias".to_owned(), |from| sites.name(share.layer, from)),
                to: sites.name(share.layer + 1, share.to),
                weight: share.weight,
                change: share.change,
            }
        }));
    }
    listed
}
