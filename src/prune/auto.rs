//! The largest threshold that verifies.
//!
//! More pruning does not always mean more change, so the answer cannot be found
//! by bisection: every distinct magnitude is tried, from the largest down. A
//! threshold that fails mostly fails on the same few samples as its neighbour,
//! so those are tried first; only one that passes there is tried on all, and the
//! samples it fails on there are tried first from then on.
//!
//! Of an MLP most magnitudes need no run: how far an output is off, and by how much the
//! next weights can move it, says up to which none verifies. Of a
//! network that is run afresh for each, and has very many, some magnitudes, evenly
//! spread, are tried first, and then all between the first of these that verifies
//! and the one above it.

use rayon::prelude::*;

use super::threshold::{apply, magnitudes};
use super::trail::{Steps, Trail};
use super::verify::Nearly;
use super::{Prunable, Reference};

/// Samples that a threshold must pass before all are tried.
const HARD_SAMPLES: usize = 8;

/// Up to so many distinct magnitudes all are tried; beyond, this many first.
const MOST_TRIED: usize = 32_768;

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

/// The first candidate that passes, or 0; `None` for networks that do not go step by step.
///
/// What passes on the hard samples and fails on others makes some of these hard.
fn step_by_step<P: Prunable>(
    model: &P,
    reference: &Reference<P>,
    candidates: &[f64],
    mut hard: Vec<usize>,
) -> Option<f64> {
    let steps = model.steps(reference.batch())?;
    let kept: Vec<usize> = candidates.iter().map(|c| steps.kept(*c)).collect();
    let nearly = reference.nearly();
    let mut witnesses: Vec<Witness<'_>> = hard.iter().map(|s| Witness::new(&steps, *s)).collect();
    let mut at = 0;
    while let Some(left) = kept.get(at..).filter(|left| !left.is_empty()) {
        let failed = witnesses.iter_mut().position(|w| w.fails(&nearly, left[0]));
        if let Some(failed) = failed {
            // What failed here mostly fails at the next too.
            witnesses.swap(0, failed);
            at += witnesses[0].failing(&nearly, left);
            continue;
        }
        let change = reference.change(&apply(model, candidates[at], false));
        if reference.verifies(&change) {
            return Some(candidates[at]);
        }
        let worst = reference.hardest_first(&change).into_iter();
        let new = worst.filter(|sample| !hard.contains(sample));
        let new: Vec<usize> = new.take(MORE_SAMPLES).collect();
        witnesses.extend(new.iter().map(|sample| Witness::new(&steps, *sample)));
        hard.extend(new);
        at += 1;
    }
    Some(0.0)
}

/// A sample on which thresholds fail.
struct Witness<'s> {
    sample: usize,
    trail: Trail<'s>,
    /// How many candidates the last bound reached over.
    stride: usize,
}

impl<'s> Witness<'s> {
    fn new(steps: &'s Steps, sample: usize) -> Self {
        Self {
            sample,
            trail: steps.trail(sample),
            stride: 1,
        }
    }

    /// Whether the network with the `kept` largest weights does not verify on it.
    fn fails<P: Prunable>(&mut self, nearly: &Nearly<'_, P>, kept: usize) -> bool {
        self.trail.advance(kept);
        !nearly.verifies(self.sample, self.trail.outputs())
    }

    /// How many of the candidates that begin with the one it is at, which fails, fail for
    /// certain: sought by strides that double from half of the last one, and then halve.
    fn failing<P: Prunable>(&mut self, nearly: &Nearly<'_, P>, kept: &[usize]) -> usize {
        let fails = |count: usize| {
            let reach = self.trail.reach(kept[count - 1]);
            nearly.is_off(self.sample, self.trail.outputs(), reach.view())
        };
        let (mut known, mut stride) = (1, self.stride.div_ceil(2));
        while known + stride <= kept.len() && fails(known + stride) {
            known += stride;
            stride *= 2;
        }
        while stride > 1 {
            stride /= 2;
            if known + stride <= kept.len() && fails(known + stride) {
                known += stride;
            }
        }
        self.stride = known;
        known
    }
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
