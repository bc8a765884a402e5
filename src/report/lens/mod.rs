//! What a transformer's stream says on the way, and what writes it.

mod figure;
pub(in crate::report) mod page;
pub(in crate::report) mod tables;
pub mod words;

pub use figure::all;
