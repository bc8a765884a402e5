//! Circuits: words, tables, drawings.

pub(in crate::report) mod definitions;
pub mod faithfulness;
pub mod figure;
pub(in crate::report) mod group;
pub(in crate::report) mod page;
pub(in crate::report) mod proved;
pub mod roc;
pub(in crate::report) mod words;
