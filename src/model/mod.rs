//! Checkpoint → model: layouts, sites, forward and backward.
//!
//! A model is checked once, here; later code trusts its shapes. It deliberately
//! replaces no messages: that is `patch`'s work, and nobody else's.

pub mod backward;
pub mod batch;
mod entries;
pub mod hooks;
pub mod layered;
pub mod layout;
pub mod meaning;
pub mod mlp;
mod options;
pub mod readout;
mod rules;
pub mod sites;
pub mod transformer;

pub use backward::Gradients;
pub use batch::{Batch, Ports};
pub use entries::Entry;
pub use hooks::PassHooks;
pub use layered::Layered;
pub use layout::{Architecture, Layout, Loaded, Network};
pub use meaning::Meaning;
pub use mlp::{Activations, Linear, Mlp, OfLayer, Trace};
pub use options::{Options, Role};
pub use readout::Readout;
pub use rules::Rules;
pub use sites::{Edge, Sites};
pub use transformer::{Components, Sequences, Transformer};
