//! Patching the edges of layered networks: entries of linear layers, kernels of
//! convolutions.
//!
//! A run with patched edges is a run with other weights: those of patched edges
//! carry nothing of what is read, and what they carry of the fill is added.

mod engine;
#[cfg(test)]
pub(crate) mod tests;

pub use engine::LayeredEngine;
