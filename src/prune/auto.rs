//! The largest threshold that verifies.
//!
//! More pruning does not always mean more change, so the answer cannot be found
//! by bisection: every distinct magnitude is tried, from the largest down. A
//! threshold that fails mostly fails on the same few samples as its neighbour,
//! so those are tried first; only one that passes there is tried on all, and the
//! samples it fails on there are tried first from then on.
//!
//! An MLP goes from one magnitude to the next by the one weight between them. Of a
//! network that is run afresh for each, and has very many, some magnitudes, evenly
//! spread, are tried first, and then all between the first of these that verifies
//! and the one above it.

use rayon::prelude::*;

use super::threshold::{apply, magnitudes};
use super::{Prunable, Reference};

/// Samples that a threshold must pass before all are tried.
const HARD_SAMPLES: usize = 8;

/// Up to so many distinct magnitudes all are tried; beyond, this many first.
const MOST_TRIED: usize = 32_768;

/// Magnitudes that are tried on the hard samples before any is tried on all.
const WAVE: usize = 2048;

/// Samples that are tried first from a threshold on that fails on them alone.
const MORE_SAMPLES: usize = 4;

/// The largest of the weights' distinct magnitudes such that pruning everything
/// below it verifies; 0, which prunes nothing, where none does.
#[must_use]
pub fn largest_threshold<P: Prunable>(model: &P, reference: &Reference<P>, biases: bool) -> f64 {
    let candidates = magnitudes(model, biases);
    let Some(middle) = candidates.get(candidates.len() / 2) else {
        return 0.0;
    };
    let probe = reference.change(&apply(model, *middle, biases));
    let mut hard = reference.hardest_first(&probe);
    hard.truncate(HARD_SAMPLES);
    let stepped = match biases {
        true => None,
        false => step_by_step(model, reference, &candidates, hard.clone()),
    };
    stepped.unwrap_or_else(|| {
        let few = reference.select(model, &hard);
        let passes = |threshold: f64| -> bool {
            let pruned = apply(model, threshold, biases);
            let holds = |reference: &Reference<P>| reference.verifies(&reference.change(&pruned));
            holds(&few) && holds(reference)
        };
        first_that(&candidates, passes).unwrap_or(0.0)
    })
}

/// The first candidate that passes, of those that nearly pass on the hard samples, or 0;
/// `None` for networks that do not go step by step.
///
/// What passes on those and fails on others makes some of these hard.
fn step_by_step<P: Prunable>(
    model: &P,
    reference: &Reference<P>,
    candidates: &[f64],
    mut hard: Vec<usize>,
) -> Option<f64> {
    for wave in candidates.chunks(WAVE) {
        let mut left: Vec<f64> = wave.to_vec();
        let mut new = hard.clone();
        loop {
            let few = reference.select(model, &new);
            let near = model.along(few.batch(), &left, |outputs| few.nearly_verifies(outputs))?;
            let mut near = near.into_iter();
            left.retain(|_| near.next() == Some(true));
            let Some(first) = left.first().copied() else {
                break;
            };
            let change = reference.change(&apply(model, first, false));
            if reference.verifies(&change) {
                return Some(first);
            }
            left.remove(0);
            let worst = reference.hardest_first(&change).into_iter();
            let unseen = worst.filter(|sample| !hard.contains(sample));
            new = unseen.take(MORE_SAMPLES).collect();
            hard.extend(&new);
        }
    }
    Some(0.0)
}

/// The first candidate that passes, among some if there are very many.
fn first_that(candidates: &[f64], passes: impl Fn(f64) -> bool + Sync) -> Option<f64> {
    let first = |some: &[f64]| some.par_iter().find_first(|c| passes(**c)).copied();
    if candidates.len() <= MOST_TRIED {
        return first(candidates);
    }
    let step = candidates.len().div_ceil(MOST_TRIED);
    let spread: Vec<usize> = (0..candidates.len()).step_by(step).collect();
    let coarse = spread.par_iter().find_first(|c| passes(candidates[**c]));
    let from = coarse.map_or(spread.len() * step, |c| *c);
    let above = candidates.get((from + 1).saturating_sub(step)..from.min(candidates.len()));
    let found = above.and_then(first);
    found.or_else(|| coarse.map(|c| candidates[*c]))
}
