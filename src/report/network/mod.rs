//! The network itself, drawn.

pub mod component_graph;
pub mod components;
pub(in crate::report) mod definitions;
pub mod edges;
pub mod figure;
pub mod labels;
pub mod links;
pub mod nodes;
pub(in crate::report) mod page;
pub mod scene;
