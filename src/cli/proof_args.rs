//! What is to be proved of circuits.

use clap::Args;

use super::args::{at_least_one, not_negative};
use super::certify::{DomainArg, confidence, seconds};
use crate::Result;
use crate::audit::ProofConfig;
use crate::choice::{Equivalence, Rest};
use crate::prune::Tolerance;
use crate::prune::certify::Budget;

/// What `--method proved` proves.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Proved circuits")]
pub(super) struct ProofArgs {
    /// For which inputs a circuit is proved: `box:LO,HI`, `box:FILE` (a line `lo,hi` per input), `box:data`, `FILE.vnnlib` (the inputs of a property), `tokens`, `tokens:data` (every sequence of the tokens seen at each position) [default: what the data say; of transformers `tokens:data`]
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<DomainArg>,
    /// Prove it in balls of this radius around the samples
    #[arg(long, value_name = "R", value_parser = not_negative)]
    radius: Option<f64>,
    /// What stands in for the rest: fill (the fill's fixed value), or any (whatever value it can take over the domain, message by message)
    #[arg(long, default_value = "fill", value_name = "R")]
    rest: Rest,
    /// What a circuit keeps: epsilon (outputs within their tolerance), top1 (the largest output), or delta-top1 (the same where the softmax is at least --confidence) [default: top1 of classes on tokens and in balls, else epsilon]
    #[arg(long, value_name = "E")]
    equivalence: Option<Equivalence>,
    /// The least softmax at which decisions count, for delta-top1
    #[arg(long, default_value_t = 0.9, value_name = "P", value_parser = confidence)]
    confidence: f64,
    /// What outputs may move by: `0.01` for every output, or `1%` of each output's standard deviation
    #[arg(
        long,
        default_value = "1%",
        value_name = "T",
        allow_negative_numbers = true
    )]
    tolerance: Tolerance,
    /// Boxes of each proof, and inputs that may be run
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = at_least_one)]
    boxes: usize,
    /// Seconds of the whole search; a circuit that it cuts short is not called minimal
    #[arg(long, default_value_t = 600.0, value_name = "S", value_parser = seconds)]
    budget: f64,
}

impl ProofArgs {
    /// # Errors
    /// If a file of the domain cannot be read.
    pub fn config(&self) -> Result<ProofConfig> {
        Ok(ProofConfig {
            rest: self.rest,
            equivalence: self.equivalence,
            confidence: self.confidence,
            tolerance: self.tolerance,
            domain: self.domain.as_ref().map(DomainArg::choice).transpose()?,
            radius: self.radius,
            budget: Budget {
                seconds: self.budget,
                boxes: self.boxes as u64,
            },
        })
    }
}
