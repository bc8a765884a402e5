//! Checks the proof logs of `modscope`'s certificates, with no code of `modscope`.
//!
//! Of a log nothing is believed: the files are read and hashed, boxes and cases enumerated,
//! every bound computed anew in outward rounding. The ranges that a log names are compared
//! with those found here, and its slopes are hints, which may make a bound wide but never
//! wrong.

mod bound;
mod curve;
mod interval;
mod log;
mod network;
mod relax;
mod rounding;
mod verify;

use std::fmt;

/// Why something is not proved, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

pub(crate) fn fault(why: String) -> Fault {
    Fault(why)
}

/// What a log speaks of.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The checkpoint of the network as it was.
    pub original: &'a [u8],
    /// The checkpoint of the pruned network.
    pub pruned: &'a [u8],
    /// `config.json` beside the original, if there is one.
    pub config: Option<&'a [u8]>,
    /// The activations between the layers, where the user says them.
    pub activations: Option<&'a [String]>,
}

/// Where a log says that its files are: `[original, pruned]`.
///
/// # Errors
/// A [`Fault`] where it is no log.
pub fn paths(log: &[u8]) -> Result<[String; 2], Fault> {
    let log = verify::parsed(log)?;
    Ok([log.original.path, log.pruned.path])
}

/// Verifies a log; says in a sentence what is proved by it.
///
/// # Errors
/// A [`Fault`] that says what is not proved, and where.
pub fn check(log: &[u8], files: &Files<'_>) -> Result<String, Fault> {
    verify::verify(&verify::parsed(log)?, files)
}
