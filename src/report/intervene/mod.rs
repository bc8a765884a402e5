//! A network run with edits: what moved.

mod figure;
pub(in crate::report) mod page;
pub(in crate::report) mod tables;
pub mod words;

pub use figure::sweep;
