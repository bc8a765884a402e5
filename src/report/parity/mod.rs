//! Agreement with the source framework.

pub(in crate::report) mod words;
