//! The patching engine for transformers, at the granularity of components.
//!
//! A reader's input is the sum of what the writers before it have written. A
//! patched run gives a reader, for each patched edge into it, the writer's fill
//! in place of what the writer writes in this run:
//!
//! ```text
//! input of v = stream + Σ over patched u → v of (fill of u − current u)
//! ```
//!
//! The engine keeps the clean run and, of every writer, the difference
//! *fill − clean*. A run begins at the first block with a patched reader;
//! there, only heads that read something patched are computed, and from the
//! first change on only what it changes is carried along. Samples are held in
//! parts that fit in cache, and parts are run in parallel.
//!
//! Where all samples are aligned, an edge can be one edge for every position at
//! which its reader reads: a patch then replaces only those rows of its input.

mod differences;
mod engine;
mod mixed;
mod part;
mod patched;
mod plan;
mod run;
#[cfg(test)]
pub(crate) mod tests;
mod walk;

pub use differences::{Differences, Rows, at_position, products};
pub use engine::{ComponentEngine, Setup};
pub use mixed::Mixed;
pub use part::{Part, rows_of};
