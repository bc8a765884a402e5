//! What pruning left, and what is proved of it.

pub(in crate::report) mod apart;
pub(in crate::report) mod certificate;
pub mod curve;
pub(in crate::report) mod definitions;
pub mod needed;
pub(in crate::report) mod page;
pub mod weights;
pub(in crate::report) mod words;
