//! What is read of a run: a metric, and the samples that it is the mean of.

use ndarray::ArrayView2;

use crate::metric::Metric;
use crate::numeric::Scalar;

/// A metric's mean over some of the samples.
#[derive(Debug, Clone, Copy)]
pub struct Readout<'r> {
    /// The metric, over all samples of the batch.
    pub metric: &'r Metric,
    /// The samples that count.
    pub rows: &'r [usize],
}

impl Readout<'_> {
    /// The mean, of `outputs: [outputs, samples]`; 0 for no samples.
    #[must_use]
    pub fn mean<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> f64 {
        let values = self.rows.iter().map(|row| self.metric.value(outputs, *row));
        values.sum::<f64>() / self.rows.len().max(1) as f64
    }
}
