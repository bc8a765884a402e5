//! What λ buys: loss beside edges and blocks, and the networks that none beats at both.

mod figures;
pub(in crate::report) mod page;
pub(in crate::report) mod tables;
pub mod words;

pub use figures::all;
