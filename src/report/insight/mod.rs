//! What modules say of the task.

pub mod embedding;
pub(in crate::report) mod page;
pub mod surface;
pub(in crate::report) mod words;
