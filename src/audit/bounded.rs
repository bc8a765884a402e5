//! What is proved of a pruning, in the sense that is asked for.

use super::certify::{self, Certifiable, Subjected};
use super::{Config, equivalence};
use crate::choice::Equivalence;
use crate::prune::certify::Proof;
use crate::prune::{self, Threshold};
use crate::result::Prune;

/// The threshold to prune at: where one is looked for and bounds are asked for, the largest
/// that is certified.
pub(super) fn threshold<N: Certifiable>(
    subject: &Subjected<'_, N>,
    prune: prune::Config,
    config: &Config,
    progress: &dyn Fn(&str),
) -> Threshold {
    match (&config.certify, prune.threshold) {
        (Some(asked), Threshold::Usual | Threshold::Auto)
            if asked.equivalence == Equivalence::Epsilon =>
        {
            progress("looking for the largest threshold that can be certified");
            certify::certified_threshold(subject, prune, asked, config.seed)
        }
        (_, threshold) => threshold,
    }
}

/// Certifies what was pruned where that is asked for, in the sense that is asked for; gives
/// the proof where there is one to be written down.
pub(super) fn certified<N: Certifiable>(
    subject: &Subjected<'_, N>,
    pruned: &N,
    prune: prune::Config,
    config: &Config,
    result: &mut Prune,
    progress: &dyn Fn(&str),
) -> Option<Proof> {
    let asked = config.certify.as_ref()?;
    progress("certifying");
    if asked.equivalence != Equivalence::Epsilon {
        equivalence::of_pruned(subject, pruned, asked, result);
        return None;
    }
    certify::certify(subject, pruned, prune, asked, config.seed, result)
}
