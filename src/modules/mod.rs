//! Modules: communities of a network's graph, how good they are, and whether chance would do as well.
//!
//! It sees graphs only: what a module *does* is measured where models are known.

pub mod communities;
pub mod components;
pub mod find;
pub mod independence;
pub mod leiden;
pub mod lesions;
pub mod null;
pub mod quality;
pub mod stability;

pub use communities::Communities;
pub use find::{Algorithm, ModulesConfig, find};
pub use independence::{Change, independence};
pub use leiden::{LeidenConfig, Quality, leiden};
pub use null::NullKind;
