//! Discovery: which edges carry an answer.
//!
//! Every method asks the patching engine what a metric does when edges are
//! patched, and returns edges with effects. The **effect** of an edge is
//! `metric(as is) − metric(edge patched)`. Judging what was found is
//! `evaluate`'s work.

mod acdc;
mod attribute;
mod ensemble;
mod exact;
mod graph;
mod known;
#[cfg(test)]
mod layered_tests;
mod mask;
mod proved;
mod random;
mod screened;
mod select;
#[cfg(test)]
mod tests;

pub use acdc::{Acdc, Found, Trial, Try, acdc, acdc_in_order, authors_order};
pub use attribute::{Attributable, Attribution, Blocks, Path};
pub use ensemble::mean_rank;
pub use exact::{effects, effects_on, node_effects, strongest_first};
pub use graph::{from_graph, to_graph};
pub use known::Known;
pub use mask::{Loss, MaskConfig, Maskable, learned_mask};
pub use proved::{Minimal, minimal};
pub use random::random_scores;
pub use screened::{Cut, Screened, screened};
pub use select::{
    Connection, EdgeGraph, connected, greedy, leading_to, strongest, strongest_by, strongest_of,
};

use ndarray::ArrayView2;

pub use crate::choice::Sign;
use crate::metric::Metric;
use crate::numeric::Scalar;
use crate::patch::Readout;

/// The answer whose circuit is sought.
#[derive(Debug, Clone)]
pub struct Goal {
    /// Physical position of the output (for a class: of its logit).
    pub output: usize,
    /// The samples that count.
    pub rows: Vec<usize>,
    /// The metric, over all samples of the batch.
    pub metric: Metric,
}

impl Goal {
    /// A metric over all of so many samples.
    #[must_use]
    pub fn of_all(metric: Metric, samples: usize) -> Self {
        Self {
            output: 0,
            rows: (0..samples).collect(),
            metric,
        }
    }

    /// The metric's mean over the samples that count, of `outputs: [outputs, samples]`.
    #[must_use]
    pub fn mean<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> f64 {
        self.readout().mean(outputs)
    }

    /// What is read of a run.
    #[must_use]
    pub fn readout(&self) -> Readout<'_> {
        Readout {
            metric: &self.metric,
            rows: &self.rows,
        }
    }
}
