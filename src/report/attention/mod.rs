//! Attention patterns.

pub mod figure;
pub(in crate::report) mod page;

pub use figure::draw_patterns;
pub(in crate::report) use page::CHOSEN;
