//! The samples of a network that is small enough to be run again by whoever reads the result.

use ndarray::Array2;

use super::subject::Subject;
use crate::numeric::Scalar;
use crate::result::Replay;

/// Networks of more weights are not run again.
const MOST_WEIGHTS: usize = 100_000;

/// More numbers of samples are not carried.
const MOST_NUMBERS: usize = 100_000;

/// The samples; `None` where network or samples are too large.
pub fn replay<T: Scalar>(subject: &Subject<'_, T>) -> Option<Replay> {
    let batch = &subject.batch;
    let weights: usize = subject.model.layers.iter().map(|l| l.weight.len()).sum();
    let numbers = batch.inputs.len() + batch.targets.as_ref().map_or(0, Array2::len);
    let is_small = weights <= MOST_WEIGHTS && numbers <= MOST_NUMBERS;
    is_small.then(|| Replay {
        inputs: by_sample(&batch.inputs),
        classes: batch.classes.clone(),
        targets: batch.targets.as_ref().map(by_sample),
    })
}

/// `[rows, samples]` sample by sample.
fn by_sample<T: Scalar>(values: &Array2<T>) -> Vec<Vec<f64>> {
    let columns = values.columns().into_iter();
    columns
        .map(|column| column.iter().map(|x| x.widen()).collect())
        .collect()
}
