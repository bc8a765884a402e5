//! Networks side by side.

mod claims;
mod dots;
pub mod figures;
pub mod forest;
pub(in crate::report) mod page;
pub mod pareto;
mod shown;
mod small;
pub mod tables;
pub mod words;
