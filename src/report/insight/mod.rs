//! What modules say of the task.

pub mod embedding;
pub(in crate::report) mod page;
pub(in crate::report) mod patterns;
pub mod surface;
pub mod units;
pub(in crate::report) mod words;
