//! Where is pruned, and how a bound on what that changes is obtained.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How a certificate's bound was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CertificateMethod {
    /// Every input was evaluated, with its rounding error.
    #[default]
    Enumeration,
    /// Differential lines and intervals, by branch and bound.
    BranchAndBound,
}

/// What a certificate speaks of: the networks as functions of real numbers, or as
/// computed in a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// As functions of real numbers.
    #[default]
    Real,
    /// As evaluated in 32 bits, in any order of summation.
    F32,
    /// As evaluated in 64 bits, in any order of summation.
    F64,
}

/// What two networks have in common where they count as equivalent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Equivalence {
    /// No output is further apart than its tolerance.
    #[default]
    Epsilon,
    /// The largest output is the same one.
    Top1,
    /// Wherever the first network is confident, the largest output is the same one.
    DeltaTop1,
}

/// What is known of a claim about every input of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is so for every input.
    Proved,
    /// It is not so at an input that was run.
    Refuted,
    /// Neither is known.
    Undecided,
}

/// How a pruning threshold was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Requested {
    /// The largest that verifies on the samples.
    Auto,
    /// The largest that is certified.
    AutoCertified,
    /// This magnitude.
    At(f64),
}

impl fmt::Display for Requested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::AutoCertified => f.write_str("auto, certified"),
            Self::At(threshold) => threshold.fmt(f),
        }
    }
}

impl FromStr for Requested {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "auto, certified" => Ok(Self::AutoCertified),
            number => number
                .parse()
                .map(Self::At)
                .map_err(|_| format!("`{text}` is no threshold that can be asked for")),
        }
    }
}

impl Serialize for Requested {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Requested {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Requested {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Requested".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

named! {
    Arithmetic: "arithmetic" { Real = "real", F32 = "f32", F64 = "f64" }
    Equivalence: "kind of equivalence" {
        Epsilon = "epsilon",
        Top1 = "top1",
        DeltaTop1 = "delta-top1",
    }
    Known: "state of a claim" {
        Proved = "proved",
        Refuted = "refuted",
        Undecided = "undecided",
    }
    CertificateMethod: "way to certify" {
        Enumeration = "enumeration",
        BranchAndBound = "differential branch and bound",
    }
}
