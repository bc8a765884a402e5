//! Judging a circuit: faithfulness, completeness, minimality, uncertainty.
//!
//! A circuit is a set of edges; it is judged by patching everything else. What
//! discovery measures while it searches is `metric`'s; here it is held against
//! the full network, against nothing at all, and against random circuits.

pub mod certified;
mod curve;
pub mod hypotheses;
mod judge;
pub mod level;
mod minimality;
pub mod multiverse;
mod nested;
mod recovery;
pub mod stability;
mod sweep;
#[cfg(test)]
mod tests;
pub mod transfer;

pub use curve::{Curve, FRACTIONS, faithfulness_curve};
pub use judge::{INTERVAL, Judge, Judgement, fewest_judged};
pub use minimality::minimality;
pub use nested::{Nested, choose_held_out, choose_nested};
pub use recovery::{Recovery, recovery, roc_area, roc_curve};
pub use sweep::{Choice, choose, sizes, thresholds};
