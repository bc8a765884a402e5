//! Many analyses of one network, and what they agree on.

pub(in crate::report) mod card;
mod figure;
mod opening;
pub(in crate::report) mod page;
pub(in crate::report) mod tables;
pub mod words;

pub use figure::{specification_curve, support};
