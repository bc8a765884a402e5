//! The patching engine: run a network while the messages on some edges are replaced.
//!
//! Every experiment of this tool is one operation. An edge carries the message
//! `w[to, from] · a[from]`; a *patch* replaces the messages on a set of edges by
//! a [`Fill`]; everything downstream is recomputed and nothing else. Pruning,
//! ablation, activation patching, ACDC and the evaluation of circuits differ in
//! the set and in the fill, and in nothing else.
//!
//! ```
//! use modscope::model::{Linear, Mlp};
//! use modscope::numeric::Activation;
//! use modscope::patch::{Engine, Fills, PatchableExt};
//! use ndarray::array;
//!
//! // y = 2 · relu(x0 + 3 x1), at (x0, x1) = (1, 1).
//! let model = Mlp {
//!     embedding: None,
//!     in_perm: vec![0, 1],
//!     folds: 1,
//!     layers: vec![
//!         Linear { weight: array![[1.0, 3.0]], bias: array![0.0] },
//!         Linear { weight: array![[2.0]], bias: array![0.0] },
//!     ],
//!     activation: Activation::Relu.into(),
//!     out_perm: vec![0],
//! };
//! let engine = Engine::new(&model, array![[1.0], [1.0]], Fills::zero());
//! assert_eq!(engine.clean().values[2], array![[8.0]]);
//! // Edge 1 carries x1's message, 3: without it the output is 2.
//! let patched = engine.run(&engine.edges([1]));
//! assert_eq!(patched.outputs(), array![[2.0]]);
//! ```

pub mod component;
pub mod edit;
mod engine;
mod fill;
mod kept;
pub(crate) mod layered;
mod neuron;
mod nodes;
mod parted;
mod patchable;
mod patched;
mod readings;
mod readout;
mod recorded;
mod ripple;
mod sets;
mod table;
#[cfg(test)]
mod tests;
mod walk;
pub mod weight;

pub use component::{ComponentEngine, Setup};
pub use engine::{EdgeSet, Engine, State};
pub use fill::{Fill, Fills};
pub use layered::LayeredEngine;
pub use neuron::{NeuronEngine, NeuronPart};
pub use nodes::Nodes;
pub use parted::Parted;
pub use patchable::{Patchable, PatchableExt, See, SetWalk, Walk};
pub use readout::Readout;
pub use weight::WeightEngine;
