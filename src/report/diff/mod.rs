//! What changed from one version of a network to another.

pub mod figure;
pub(in crate::report) mod page;
pub(in crate::report) mod tables;
pub mod words;
