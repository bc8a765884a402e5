//! Thresholds by certificate: the largest that is proved, and the curve.

use std::time::Instant;

use ndarray::Array2;

use super::{Budget, Goal, Options, Outcome, Refusal, Verdict, certify, physical_point};
use crate::data::Domain;
use crate::model::Mlp;

/// A threshold and what was proved of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Certified {
    /// The threshold.
    pub threshold: f64,
    /// Its certificate.
    pub verdict: Verdict,
}

/// The largest of `candidates` whose certificate holds, `None` if none does
/// within the budget, which is for all of them together.
///
/// `candidates` run from large to small; `prune` gives the network pruned at a
/// threshold, or why that one has no bound. More pruning does not always mean more change, so they are tried
/// one by one; those that already break at an input found for an earlier one are
/// passed over. One that cannot be decided with a tenth of the boxes and of the
/// seconds left counts as not holding.
///
/// # Errors
/// A [`Refusal`] where the method does not apply.
pub fn largest_certified(
    original: &Mlp<f64>,
    candidates: &[f64],
    prune: impl Fn(f64) -> Result<Mlp<f64>, Refusal>,
    domain: &Domain,
    tolerance: &[f64],
    options: &Options,
) -> Result<Option<Certified>, Refusal> {
    let started = Instant::now();
    let mut points: Vec<Vec<f64>> = Vec::new();
    for threshold in candidates {
        let left = options.budget.seconds - started.elapsed().as_secs_f64();
        if left <= 0.0 {
            break;
        }
        let pruned = prune(*threshold)?;
        if breaks(original, &pruned, &points, tolerance) {
            continue;
        }
        let options = Options {
            budget: Budget {
                seconds: left / 10.0,
                boxes: options.budget.boxes / 10,
            },
            goal: Goal::Decide,
            ..options.clone()
        };
        let mut verdict = certify(original, &pruned, domain, tolerance, &options)?;
        match &verdict.outcome {
            Outcome::Holds => {
                verdict.seconds = started.elapsed().as_secs_f64();
                return Ok(Some(Certified {
                    threshold: *threshold,
                    verdict,
                }));
            }
            Outcome::Refuted(counterexample) => {
                points.push(physical_point(original, &counterexample.input));
            }
            Outcome::Undecided => {}
        }
    }
    Ok(None)
}

/// The certificate at each of `thresholds`, narrowed as the options say; each
/// gets the whole budget.
///
/// # Errors
/// A [`Refusal`] where the method does not apply.
pub fn certified_curve(
    original: &Mlp<f64>,
    thresholds: &[f64],
    prune: impl Fn(f64) -> Result<Mlp<f64>, Refusal>,
    domain: &Domain,
    tolerance: &[f64],
    options: &Options,
) -> Result<Vec<Certified>, Refusal> {
    let at = |threshold: &f64| {
        Ok(Certified {
            threshold: *threshold,
            verdict: certify(original, &prune(*threshold)?, domain, tolerance, options)?,
        })
    };
    thresholds.iter().map(at).collect()
}

/// Whether an output changes by more than its tolerance at one of the physical points.
fn breaks(original: &Mlp<f64>, pruned: &Mlp<f64>, points: &[Vec<f64>], tolerance: &[f64]) -> bool {
    let width = original.widths()[0];
    let points = Array2::from_shape_fn((width, points.len()), |(i, column)| points[column][i]);
    let changes = pruned.outputs(points.view()) - original.outputs(points.view());
    let mut changes = changes.indexed_iter();
    changes.any(|((output, _), change)| change.abs() > tolerance[output])
}
