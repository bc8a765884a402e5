//! Random scores: what any method must beat.

use crate::numeric::{Rng, Scalar};
use crate::patch::Patchable;

/// A score in [0, 1) for every edge, by edge number; it says nothing, and the
/// circuits it gives are the control for those that other methods find.
#[must_use]
pub fn random_scores<T: Scalar>(network: &dyn Patchable<Number = T>, seed: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed, 2);
    (0..network.edge_count()).map(|_| rng.uniform()).collect()
}
