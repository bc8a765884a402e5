//! The largest threshold that verifies.
//!
//! More pruning does not always mean more change, so the answer cannot be found
//! by bisection: every distinct magnitude is tried, from the largest down. A
//! threshold that fails mostly fails on the same few samples as its neighbour,
//! so those are tried first; only one that passes there is tried on all.

use rayon::prelude::*;

use super::threshold::{apply, magnitudes};
use super::verify::Reference;
use crate::model::Mlp;
use crate::numeric::Scalar;

/// Samples that a threshold must pass before all are tried.
const HARD_SAMPLES: usize = 8;

/// The largest of the weights' distinct magnitudes such that pruning everything
/// below it verifies; 0, which prunes nothing, where none does.
#[must_use]
pub fn largest_threshold<T: Scalar>(model: &Mlp<T>, reference: &Reference<T>, biases: bool) -> f64 {
    let candidates = magnitudes(model, biases);
    let Some(middle) = candidates.get(candidates.len() / 2) else {
        return 0.0;
    };
    let probe = reference.change(&apply(model, *middle, biases));
    let mut hard = reference.hardest_first(&probe);
    hard.truncate(HARD_SAMPLES);
    let few = reference.select(model, &hard);
    let passes = |reference: &Reference<T>, threshold: f64| {
        reference.verifies(&reference.change(&apply(model, threshold, biases)))
    };
    candidates
        .par_iter()
        .find_first(|threshold| passes(&few, **threshold) && passes(reference, **threshold))
        .copied()
        .unwrap_or(0.0)
}
