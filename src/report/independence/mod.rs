//! Parts that share nothing.

pub(in crate::report) mod page;
pub(in crate::report) mod words;
