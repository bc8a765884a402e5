//! Graphs of weights: a layered network as nodes and edges, as neighbour lists, and in space.
//!
//! Nothing here knows models or modules: a graph is widths, weights and places.

pub mod adjacency;
pub mod layered;
pub mod places;
mod reach;
pub mod read;
pub mod relocation;
pub mod swaps;

pub use adjacency::Adjacency;
pub use layered::{Join, Layered};
pub use places::{Place, wiring_cost};
pub use reach::spread;
pub use read::NamedGraph;
pub use relocation::{Relocation, relocate};
pub use swaps::PlaceCosts;
