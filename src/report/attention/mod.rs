//! Attention patterns.

pub mod figure;
pub(in crate::report) mod page;
