//! The patching engine for transformers, at the granularity of weights.
//!
//! Edges are the entries of the linear layers; sites and their names are
//! [`Channels`](crate::model::transformer::Channels)'. With a norm before a
//! linear layer, messages are those after the norm. What a linear layer writes,
//! with the messages on some of its edges replaced, is
//!
//! ```text
//! written[j] = bias[j] + Σ live i w[i, j] · x[i] + Σ patched i w[i, j] · fill[i]
//! ```
//!
//! The residual stream and attention carry values on without edges
//! ([`Patchable::links`](super::Patchable::links)). A run begins at the first
//! linear layer with a patched edge; what comes before is the clean run's.

mod engine;
mod part;
mod plan;
mod run;
#[cfg(test)]
mod tests;
mod values;

pub use engine::WeightEngine;
pub use part::WeightPart;
pub use values::Values;
