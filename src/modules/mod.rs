//! Modules: communities of a network's graph, how good they are, and whether chance would do as well.
//!
//! It sees graphs only: what a module *does* is measured where models are known.

pub mod coalitions;
pub mod communities;
pub mod components;
pub mod embeddings;
pub mod find;
pub mod formula;
pub mod hierarchy;
pub mod independence;
pub mod infomap;
pub mod label_propagation;
pub mod leiden;
pub mod lesions;
pub mod local;
pub mod louvain;
pub mod null;
pub mod quality;
pub mod scan;
pub mod spectral;
pub mod stability;

pub use communities::Communities;
pub use find::{Algorithm, EdgeWeight, ModulesConfig, find, find_in};
pub use independence::{Change, independence};
pub use leiden::{LeidenConfig, leiden};
pub use local::Quality;
pub use null::NullKind;
