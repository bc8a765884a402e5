//! What other thresholds would do.

use num_traits::Zero;

use super::threshold::{apply, magnitudes};
use super::{Prunable, Reference};
use crate::metric::Metric;
use crate::numeric::parallel;
use crate::result::CurvePoint;

/// Thresholds drawn, spread evenly on a logarithmic axis.
const POINTS: usize = 60;

/// Smallest threshold drawn, as a share of the largest weight.
const SPAN: f64 = 1e-6;

/// Edges kept, change and loss along the threshold, from small to large;
/// `chosen` is among the points.
#[must_use]
pub fn curve<P: Prunable>(
    model: &P,
    reference: &Reference<P>,
    loss: Option<&Metric>,
    chosen: f64,
    biases: bool,
) -> Vec<CurvePoint> {
    let point = |threshold: &f64| {
        let pruned = apply(model, *threshold, biases);
        let change = reference.change(&pruned);
        let weights = pruned.weights();
        CurvePoint {
            threshold: *threshold,
            edges_kept: weights.iter().flatten().filter(|w| !w.is_zero()).count(),
            max_abs_change: change.largest(),
            change_over_tolerance: reference.change_over_tolerance(&change),
            loss: loss.map(|loss| loss.mean(change.outputs.view())),
            bound: None,
        }
    };
    parallel::map(&thresholds(&magnitudes(model, biases), chosen), point)
}

/// The thresholds drawn, given the magnitudes from large to small.
fn thresholds(magnitudes: &[f64], chosen: f64) -> Vec<f64> {
    let mut all = vec![chosen];
    if let (Some(largest), Some(smallest)) = (magnitudes.first(), magnitudes.last()) {
        let (low, high) = (smallest.max(largest * SPAN).ln(), largest.ln());
        let step = (high - low) / (POINTS - 1) as f64;
        all.extend((0..POINTS).map(|i| (low + step * i as f64).exp()));
    }
    all.retain(|t| t.is_finite());
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}
