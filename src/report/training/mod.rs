//! How it was trained.

pub mod figure;
pub(in crate::report) mod page;
