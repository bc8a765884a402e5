//! Training of small transformers without norms, as BIMT trained one.
//!
//! All numbers stand in one flat array, linear map by linear map, so that
//! optimiser, cost and swaps need not know what a transformer is; the forward
//! and backward passes are [`crate::model::transformer`]'s.

pub mod form;
pub mod output;
pub mod parameters;
pub mod run;
pub mod snapshot;
pub mod swaps;
pub mod trainer;

pub use form::{Form, Row, Wire};
pub use parameters::Parameters;
pub use trainer::Trainer;
