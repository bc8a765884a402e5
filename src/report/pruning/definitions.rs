//! What pruning, its verification and its measures are.

use crate::report::page::terms::{Term, always};
use crate::result::Audit;

pub(in crate::report) const TERMS: &[Term] = &[
    Term {
        name: "Threshold",
        text: "Weights with |w| below it are set to zero. auto is the largest threshold, over the distinct weight magnitudes, at which the network is verified.",
        applies: always,
    },
    Term {
        name: "Sparsity",
        text: "1 − edges kept ÷ edges in all; in [0, 1].",
        applies: always,
    },
    Term {
        name: "Change",
        text: "|f − f pruned|, in units of the output; the largest is over all samples and outputs.",
        applies: always,
    },
    Term {
        name: "Tolerance",
        text: "The change that is allowed, for each output its own; by default 1 % of the output's standard deviation over the samples.",
        applies: always,
    },
    Term {
        name: "Verified",
        text: "On the samples, every change is within tolerance and, for classifiers, every decision is the same. It says nothing about inputs that are not among the samples; a certificate would.",
        applies: always,
    },
    Term {
        name: "Loss",
        text: "Mean over the samples; lower is better.",
        applies: has_loss,
    },
];

fn has_loss(audit: &Audit) -> bool {
    let prune = audit.prune.as_ref();
    prune.is_some_and(|p| p.loss_before.is_some())
}
