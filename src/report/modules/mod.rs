//! Modules, what they do and how good they are.

mod blocks;
mod cards;
pub(in crate::report) mod cell;
pub mod course;
pub(in crate::report) mod definitions;
pub(in crate::report) mod function;
pub mod lesions;
pub mod margins;
pub mod matrix;
mod motifs;
mod needs;
pub mod null;
pub(in crate::report) mod page;
pub(in crate::report) mod qualities;
pub mod scan;
pub(in crate::report) mod tables;
mod transplants;
pub(in crate::report) mod words;
