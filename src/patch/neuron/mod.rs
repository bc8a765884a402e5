//! The patching engine for a transformer's single values: the channels of its
//! residual stream and the hidden neurons of its MLPs.
//!
//! A patched value is replaced by its fill wherever it is read: a channel before
//! a block by the block and by all that comes after it. Every value is one edge,
//! to everything that reads it. A run begins at the first layer with a patched
//! value.

mod engine;
mod part;
#[cfg(test)]
mod tests;

pub use engine::NeuronEngine;
pub use part::Part as NeuronPart;
