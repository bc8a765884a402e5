//! Modules: communities of a network's graph, how good they are, and whether chance would do as well.
//!
//! It sees graphs only, and patches what they were made of.

pub mod apart;
mod assigned;
pub mod blocks;
pub mod bootstrap;
pub mod coalitions;
pub mod communities;
pub mod components;
pub mod config;
pub mod copies;
pub mod course;
pub mod detect;
pub mod embeddings;
pub mod find;
pub mod formula;
pub mod graph;
pub mod headline;
pub mod hierarchy;
pub mod independence;
pub mod infomap;
pub mod label_propagation;
pub mod leiden;
pub mod lesions;
pub mod living;
pub mod local;
pub mod louvain;
pub mod margins;
mod measures;
mod motifs;
pub mod null;
pub mod pizza;
pub mod placement;
pub mod quality;
pub mod representations;
pub mod scan;
pub mod selectivity;
pub mod spectral;
pub mod stability;

pub use blocks::{Blocks, BlocksConfig, blocks};
pub use bootstrap::bootstrap;
pub use communities::Communities;
pub use config::{Algorithm, EdgeWeight, ModulesConfig};
pub use find::{find, find_graph, find_in};
pub use graph::Graph;
pub use independence::{Change, independence};
pub use leiden::{LeidenConfig, leiden};
pub use local::Quality;
pub use null::NullKind;
pub use placement::placement;
