//! Pruning: thresholds, verification on samples, the largest threshold that holds.
//!
//! Weights with |w| below a threshold are set to zero; biases only on request;
//! permutations and embeddings never. What was pruned is then held against the
//! network as it is: *verified* means that on these samples no output moved by
//! more than its tolerance and no decision changed. It is never called proved;
//! what is proved, for every input of a domain, is [`certify`]'s.

pub mod apart;
mod auto;
pub mod certify;
pub mod compact;
mod curve;
mod prunable;
pub mod sparse;
#[cfg(test)]
mod tests;
mod threshold;
mod trail;
mod verify;

pub use auto::largest_threshold;
pub use curve::curve;
pub use prunable::Prunable;
pub use threshold::{apply, layer_counts, magnitudes};
pub use trail::Steps;
pub use verify::{Change, Reference, Tolerance};

use std::fmt;
use std::str::FromStr;

use crate::choice::Requested;
use crate::metric::Metric;
use crate::result;
use num_traits::Zero;

/// Where to cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// What serves most: `Auto`, unless the network is a transformer so large
    /// that nothing is pruned unasked.
    Usual,
    /// The largest that verifies on the samples.
    Auto,
    /// This magnitude.
    At(f64),
    /// This magnitude, found as the largest that is certified.
    Certified(f64),
}

/// How to prune.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Where to cut.
    pub threshold: Threshold,
    /// What counts as unchanged.
    pub tolerance: Tolerance,
    /// Whether biases are pruned too.
    pub biases: bool,
    /// Whether it is told what other thresholds would do: a run for each.
    pub curve: bool,
}

/// What the pruned network is judged by, and the names it is reported under.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The loss, where there are labels.
    pub loss: Option<&'a Metric>,
    /// Name of each linear layer's weight tensor; layers that share one follow
    /// each other.
    pub tensors: &'a [String],
    /// Site and own name of each output.
    pub outputs: &'a [(String, String)],
}

/// Prunes a network and verifies it against `reference`.
#[must_use]
pub fn prune<P: Prunable>(
    model: &P,
    reference: &Reference<P>,
    setting: Setting<'_>,
    config: Config,
) -> (P, result::Prune) {
    let threshold = match config.threshold {
        Threshold::At(threshold) => threshold,
        Threshold::Certified(threshold) => threshold::typed(model, threshold, config.biases),
        Threshold::Usual | Threshold::Auto => {
            let largest = largest_threshold(model, reference, config.biases);
            threshold::typed(model, largest, config.biases)
        }
    };
    let pruned = apply(model, threshold, config.biases);
    let change = reference.change(&pruned);
    let layers = layer_counts(model, threshold, setting.tensors);
    let edges_total = layers.iter().map(|l| l.edges_total).sum();
    let edges_kept = layers.iter().map(|l| l.edges_kept).sum();
    let left = |model: &P| {
        let biases = model.biases();
        biases.iter().flatten().filter(|b| !b.is_zero()).count()
    };
    let loss = |outputs| setting.loss.map(|loss| loss.mean(outputs));
    let result = result::Prune {
        threshold,
        requested: config.threshold.requested(),
        tolerance: reference.least_tolerance(),
        tolerance_rule: config.tolerance.to_string(),
        edges_total,
        edges_kept,
        sparsity: 1.0 - edges_kept as f64 / edges_total as f64,
        biases_total: model.biases().iter().map(|b| b.len()).sum(),
        biases_kept: left(&pruned),
        layers,
        max_abs_change: change.largest(),
        mean_abs_change: change.mean,
        outputs: reference.output_changes(&change, setting.outputs),
        decision_agreement: change.decision_agreement,
        loss_before: loss(reference.outputs()),
        loss_after: loss(change.outputs.view()),
        verified: reference.verifies(&change),
        certificate: None,
        not_certified: None,
        equivalence: None,
        compaction: None,
        apart: None,
        curve: match config.curve {
            true => curve(model, reference, setting.loss, threshold, config.biases),
            false => Vec::new(),
        },
    };
    (pruned, result)
}

impl Threshold {
    /// How it was asked for.
    fn requested(self) -> Requested {
        match self {
            Self::Usual | Self::Auto => Requested::Auto,
            Self::At(threshold) => Requested::At(threshold),
            Self::Certified(_) => Requested::AutoCertified,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.requested().fmt(f)
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(x) if x.is_finite() && x >= 0.0 => Ok(Self::At(x)),
            _ => Err("expected `auto` or a magnitude like 0.01".to_owned()),
        }
    }
}
