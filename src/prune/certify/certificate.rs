//! A certificate as it is saved: bounds, decisions and attribution in one.

use ndarray::{Array2, ArrayView2};

use super::decisions::{Ball, around, throughout};
use super::needed::{Asked, Needed};
use super::{
    Budget, Counterexample, Goal, Input, Options, Outcome, Refusal, Stop, Verdict, attribution,
    certify, features, physical, physical_point, rounding_of_both,
};
use crate::choice::CertificateMethod;
use crate::data::Domain;
use crate::model::Mlp;
use crate::result::{self, CertifiedDecisions, OutputBound, WeightNeed, WeightShare};

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
    let rounding = rounding_of_both(original, pruned, domain, options.arithmetic)?;
    let decided = decided(request, &rounding, options)?;
    let verdict = narrowed(request, decided, options)?;
    let name = |output: usize| format!("y{output}");
    let claims = Claims::new(&verdict, tolerance, &rounding);
    let counterexample = claims.refuted.map(|found| result::Counterexample {
        input: numbers(&found.input),
        output: name(found.output),
        change: found.change,
        tolerance: tolerance[found.output],
    });
    let output = |k: usize| OutputBound {
        output: name(k),
        tolerance: tolerance[k],
        bound: claims.bounds[k],
        found: verdict.found[k],
        at: numbers(&verdict.found_at[k]),
    };
    Ok(result::Certificate {
        domain: in_words(domain),
        method: verdict.method,
        arithmetic: Some(options.arithmetic),
        bound: claims.bounds.iter().copied().fold(0.0, f64::max),
        rounding: rounding.iter().copied().fold(0.0, f64::max),
        holds: claims.holds,
        sound: true,
        boxes: verdict.boxes,
        seconds: verdict.seconds,
        outcome: claims.outcome(&verdict).to_owned(),
        best_found: verdict.best_found(),
        outputs: (0..tolerance.len()).map(output).collect(),
        counterexample,
        decisions: if request.classifies {
            decisions(request, &verdict, options)?
        } else {
            None
        },
        attribution: shares(request, &verdict),
        weights: weighed(request, &verdict, options)?,
        domain_file: None,
        log: None,
        not_logged: None,
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

/// Whether the tolerances hold: known before any bound is narrowed. `None` where
/// rounding alone may reach a tolerance.
fn decided(
    request: &Request<'_>,
    rounding: &[f64],
    options: &Options,
) -> Result<Option<Verdict>, Refusal> {
    let left: Vec<f64> = request
        .tolerance
        .iter()
        .zip(rounding)
        .map(|(t, r)| t - r)
        .collect();
    if left
        .iter()
        .zip(rounding)
        .any(|(left, r)| *left <= 0.0 && *r > 0.0)
    {
        return Ok(None);
    }
    let options = Options {
        goal: Goal::Decide,
        ..options.clone()
    };
    certify(
        request.original,
        request.pruned,
        request.domain,
        &left,
        &options,
    )
    .map(Some)
}

/// Bounds as narrow as the options say, with what is decided already; the budget is
/// that of both searches.
fn narrowed(
    request: &Request<'_>,
    decided: Option<Verdict>,
    options: &Options,
) -> Result<Verdict, Refusal> {
    let (seconds, boxes) = decided.as_ref().map_or((0.0, 0), |v| (v.seconds, v.boxes));
    // A finite domain is known whole after one search, and a budget may be used up.
    if let Some(known) = decided.as_ref().filter(|verdict| {
        verdict.method == CertificateMethod::Enumeration
            || seconds >= options.budget.seconds
            || boxes >= options.budget.boxes
    }) {
        return Ok(known.clone());
    }
    let options = Options {
        budget: Budget {
            seconds: options.budget.seconds - seconds,
            boxes: options.budget.boxes - boxes,
        },
        ..options.clone()
    };
    let Request {
        original,
        pruned,
        domain,
        tolerance,
        ..
    } = *request;
    let narrow = certify(original, pruned, domain, tolerance, &options)?;
    Ok(match decided {
        Some(decided) => decided.with(narrow),
        None => narrow,
    })
}

/// What a verdict claims once the rounding of both evaluations is added.
struct Claims<'v> {
    /// Per output, the bound on the change.
    bounds: Vec<f64>,
    holds: bool,
    /// An input at which every evaluation breaks a tolerance.
    refuted: Option<&'v Counterexample>,
    /// Whether the tolerances hold, or may, of the functions of real numbers.
    by_rounding: bool,
}

impl<'v> Claims<'v> {
    fn new(verdict: &'v Verdict, tolerance: &[f64], rounding: &[f64]) -> Self {
        let bounds: Vec<f64> = verdict
            .bounds
            .iter()
            .zip(rounding)
            .map(|(b, r)| b + r)
            .collect();
        let within = |bounds: &[f64]| bounds.iter().zip(tolerance).all(|(b, t)| b <= t);
        let refuted = match &verdict.outcome {
            Outcome::Refuted(found) => {
                let sure = found.change > tolerance[found.output] + rounding[found.output];
                sure.then_some(found)
            }
            Outcome::Holds | Outcome::Undecided => None,
        };
        Self {
            holds: within(&bounds),
            by_rounding: within(&verdict.bounds),
            refuted,
            bounds,
        }
    }

    fn outcome(&self, verdict: &Verdict) -> &'static str {
        match (self.holds, self.refuted, self.by_rounding, verdict.stop) {
            (true, ..) => "holds",
            (false, Some(_), ..) => "counterexample",
            (false, None, true, _) => {
                "undecided: proved of real numbers, but rounding may exceed the tolerance"
            }
            (false, None, false, Stop::Seconds) => "undecided: the time was over",
            (false, None, false, Stop::Boxes) => "undecided: the boxes were used up",
            (false, None, false, Stop::Done | Stop::Refuted) => {
                "undecided: within rounding of the tolerance"
            }
        }
    }
}

fn numbers(input: &Input) -> Vec<f64> {
    match input {
        Input::Features(features) => features.clone(),
        Input::Tokens(tokens) => tokens.iter().map(|token| *token as f64).collect(),
    }
}

/// `tokens`, `box:-1,1`, or each side where they differ; several boxes with `or`.
#[must_use]
pub fn in_words(domain: &Domain) -> String {
    let words = |sides: &Vec<[f64; 2]>| {
        let mut words: Vec<String> = sides.iter().map(|[lo, hi]| format!("{lo},{hi}")).collect();
        words.dedup();
        format!("box:{}", words.join(";"))
    };
    match domain.boxes() {
        Some(boxes) => boxes.iter().map(words).collect::<Vec<_>>().join(" or "),
        None => "tokens".to_owned(),
    }
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
    Ok(
        match (request.domain.boxes(), request.radius, &verdict.decisions) {
            (_, _, Some(counted)) => Some(CertifiedDecisions {
                scope: "every case".to_owned(),
                radius: None,
                cases: verdict.boxes,
                same: counted.same as f64 / verdict.boxes.max(1) as f64,
                changed: counted.changed,
                example: counted.example.as_ref().map(numbers),
            }),
            (Some(boxes), Some(radius), _) => {
                let balls = around(
                    original,
                    pruned,
                    samples,
                    radius,
                    Some(boxes),
                    options.arithmetic,
                    &options.budget,
                )?;
                Some(in_balls(&balls, radius))
            }
            (Some(boxes), None, _) => {
                let found =
                    throughout(original, pruned, boxes, &options.budget, options.arithmetic)?;
                Some(CertifiedDecisions {
                    scope: "whole domain".to_owned(),
                    radius: None,
                    cases: found.boxes,
                    same: found.same,
                    changed: u64::from(found.differs.is_some()),
                    example: found.differs.as_ref().map(numbers),
                })
            }
            (None, _, None) => None,
        },
    )
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

/// What single weights have to do with the change, on a domain of one box.
fn weighed(
    request: &Request<'_>,
    verdict: &Verdict,
    options: &Options,
) -> Result<Vec<WeightNeed>, Refusal> {
    let Some([sides]) = request.domain.boxes() else {
        return Ok(Vec::new());
    };
    let domain = physical(request.original, sides)?;
    let at: Vec<Vec<f64>> = (verdict.found_at.iter())
        .map(|input| physical_point(request.original, input))
        .collect();
    let points = Array2::from_shape_fn((domain.len(), at.len()), |(i, point)| at[point][i]);
    let asked = Asked {
        original: request.original,
        pruned: request.pruned,
        domain: &domain,
        tolerance: request.tolerance,
        arithmetic: options.arithmetic,
    };
    let sites = request.original.sites();
    let told = |one: Needed| WeightNeed {
        from: sites.name(one.edge.layer, one.edge.from),
        to: sites.name(one.edge.layer + 1, one.edge.to),
        weight: one.weight,
        kept: one.kept,
        found: one.found,
        bound: one.bound,
    };
    let found = asked.needed(&points, options.budget.seconds);
    Ok(found.into_iter().map(told).collect())
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
