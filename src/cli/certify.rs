//! `--certify` and what goes with it.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::args::{not_negative, positive};
use crate::Result;
use crate::audit::{CertifyConfig, Config, DomainChoice};
use crate::data::{Domain, Property, read_box};
use crate::prune::certify::{Arithmetic, Budget, Equivalence};

/// What to prove of the pruned network.
#[derive(Debug, Clone, Args)]
pub(super) struct CertifyArgs {
    /// Prove that no output moves by more than its tolerance, for every input of a domain
    #[arg(long, help_heading = "Certificate")]
    certify: bool,
    /// All inputs: `box:LO,HI`, `box:FILE` (a line `lo,hi` per input), `box:data`, `FILE.vnnlib` (the inputs of a property), `tokens` [default: what the data say]
    #[arg(
        long,
        value_name = "DOMAIN",
        requires = "certify",
        help_heading = "Certificate"
    )]
    domain: Option<DomainArg>,
    /// Seconds for each search
    #[arg(long, default_value_t = 10.0, value_name = "S", value_parser = seconds, help_heading = "Certificate")]
    budget: f64,
    /// Boxes for each search: a limit that does not depend on the machine
    #[arg(
        long,
        default_value_t = 4_000_000,
        value_name = "N",
        help_heading = "Certificate"
    )]
    boxes: u64,
    /// Certify decisions in balls of this radius around the samples
    #[arg(long, value_name = "R", requires = "certify", value_parser = not_negative, help_heading = "Certificate")]
    radius: Option<f64>,
    /// In which sense the two are to be the same: epsilon (outputs within their tolerance), top1 (the largest output) or delta-top1 (the same where the softmax is at least --confidence)
    #[arg(
        long,
        value_name = "E",
        default_value = "epsilon",
        requires = "certify",
        help_heading = "Certificate"
    )]
    equivalence: Equivalence,
    /// The least softmax at which decisions count, for delta-top1
    #[arg(long, value_name = "P", default_value_t = 0.9, value_parser = confidence, help_heading = "Certificate")]
    confidence: f64,
    /// What the proof speaks of: real (the networks as functions of real numbers), f32 or f64 (as computed in that type, in any order of summation) [default: the network's own type]
    #[arg(
        long,
        value_name = "A",
        requires = "certify",
        help_heading = "Certificate"
    )]
    arithmetic: Option<Arithmetic>,
}

/// Seconds that a search may take.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    const MOST: f64 = 1e9;
    positive(text).and_then(|x| match x <= MOST {
        true => Ok(x),
        false => Err(format!("expected at most {MOST} seconds")),
    })
}

/// A softmax over one half: at most one class has it.
pub(super) fn confidence(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if 0.5 < x && x < 1.0 => Ok(x),
        _ => Err("expected a number over 0.5 and under 1".to_owned()),
    }
}

/// A domain as it is typed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DomainArg {
    Cube([f64; 2]),
    File(PathBuf),
    Property(PathBuf),
    Samples,
    Tokens,
    TokensSeen,
}

impl DomainArg {
    /// # Errors
    /// If a file of the domain cannot be read.
    pub fn choice(&self) -> Result<DomainChoice> {
        Ok(match self {
            Self::Cube(side) => DomainChoice::Cube(*side),
            Self::Samples => DomainChoice::AroundTheSamples,
            Self::Tokens => DomainChoice::Given(Domain::Tokens),
            Self::TokensSeen => DomainChoice::TokensOfTheData,
            Self::File(path) => DomainChoice::Given(read_box(path)?),
            Self::Property(path) => DomainChoice::Property(Property::open(path)?),
        })
    }
}

impl FromStr for DomainArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected `box:LO,HI`, `box:FILE`, `box:data`, `FILE.vnnlib` or `tokens`".to_owned();
        match text.strip_prefix("box:") {
            None if text == "tokens" => Ok(Self::Tokens),
            None if text == "tokens:data" => Ok(Self::TokensSeen),
            None if text.ends_with(".vnnlib") => Ok(Self::Property(text.into())),
            None => Err(expected()),
            Some("data") => Ok(Self::Samples),
            Some("") => Err(expected()),
            Some(rest) => match rest
                .split_once(',')
                .map(|(lo, hi)| (lo.trim().parse(), hi.trim().parse()))
            {
                Some((Ok(lo), Ok(hi))) if lo <= hi => Ok(Self::Cube([lo, hi])),
                Some((Ok(lo), Ok(hi))) => Err(format!("the box runs from {lo} down to {hi}")),
                _ => Ok(Self::File(rest.into())),
            },
        }
    }
}

impl CertifyArgs {
    /// # Errors
    /// If a file of the domain cannot be read.
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        if !self.certify {
            return Ok(());
        }
        let domain = self.domain.as_ref().map(DomainArg::choice).transpose()?;
        let domain = domain.unwrap_or(DomainChoice::OfTheData);
        config.certify = Some(CertifyConfig {
            domain,
            budget: Budget {
                seconds: self.budget,
                boxes: self.boxes,
            },
            radius: self.radius,
            equivalence: self.equivalence,
            confidence: self.confidence,
            arithmetic: self.arithmetic,
            log: false,
        });
        Ok(())
    }
}
