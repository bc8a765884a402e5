//! Brain-inspired modular training: a task, a recipe and a seed → a network.
//!
//! The method is BIMT (Liu, Gan & Tegmark 2023, arXiv 2305.08746): neurons have
//! places, every connection costs its length times its weight, and neurons are
//! swapped where that makes the wiring cheaper. The passes here are written for
//! training and reuse their buffers; what a trained network is remains
//! [`crate::model::Mlp`]'s business. It deliberately judges no networks.
//!
//! The same task, recipe and seed give the same bytes, whatever the number of
//! threads: samples are split into fixed blocks and added up in their order.

pub mod blocks;
pub mod cost;
pub mod course;
pub mod film;
pub mod loss;
pub mod memory;
pub mod output;
pub mod parameters;
pub mod pass;
pub mod recipe;
pub mod run;
pub mod snapshot;
mod streams;
pub mod summary;
pub mod swaps;
pub mod task;
pub mod trainer;
pub mod transformer;

pub use parameters::Parameters;
pub use recipe::{Precision, Recipe, Regime};
pub use task::{Problem, Task};
pub use trainer::{Measure, Trainer};
