//! Discovery in transformers, at the granularity of components.
//!
//! As for MLPs, the **effect** of an edge is `metric(as is) − metric(edge
//! patched)`, and what `attribute` returns is the first-order estimate of it.

mod acdc;
mod attribute;
mod exact;
mod graph;
mod select;
#[cfg(test)]
mod tests;

pub use acdc::{ComponentAcdc, ComponentFound, Move, Order, Visit, component_acdc};
pub use attribute::{Attribution, Path, attribute};
pub use exact::{component_effects, component_node_effects};
pub use graph::{from_graph, to_graph};
pub use select::{connected, greedy, strongest};
