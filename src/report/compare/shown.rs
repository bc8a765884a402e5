//! What a test of a measure shows.

use crate::result::{Better, Status, Test};

/// The smallest effect of interest, as Cliff's δ: from 0.33 on it is called medium
/// (Romano et al. 2006).
const SMALLEST_EFFECT: f64 = 0.33;

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The reference is better.
    Better,
    /// The other regime is better.
    Worse,
    /// Nothing was shown.
    Nothing,
    /// There was no test.
    NoTest,
}

impl Shown {
    /// What it says of the claim that the reference is better.
    pub fn status(self) -> Status {
        match self {
            Self::Better => Status::Holds,
            Self::Worse => Status::Note,
            Self::Nothing => Status::NotShown,
            Self::NoTest => Status::NotRun,
        }
    }
}

/// What a test of a measure says at a level.
#[must_use]
pub fn shown(better: Better, test: &Test, level: f64) -> Shown {
    let (Some(p), Some(difference)) = (test.corrected, test.difference) else {
        return Shown::NoTest;
    };
    let small = test
        .cliff_delta
        .is_some_and(|delta| delta.abs() < SMALLEST_EFFECT);
    if p > level || difference == 0.0 || small {
        return Shown::Nothing;
    }
    match (better, difference < 0.0) {
        (Better::Neither, _) => Shown::Nothing,
        (Better::Lower, true) | (Better::Higher, false) => Shown::Better,
        _ => Shown::Worse,
    }
}
