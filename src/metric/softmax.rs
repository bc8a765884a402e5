//! Log-probabilities without overflow.

use ndarray::{Array2, ArrayView1};

use crate::numeric::Scalar;

/// `log softmax` of every column, `[outputs, samples]`.
pub fn log_softmax(outputs: &Array2<f64>) -> Array2<f64> {
    let mut result = outputs.clone();
    for mut column in result.columns_mut() {
        let normaliser = log_sum_exp(column.iter().copied());
        column.mapv_inplace(|x| x - normaliser);
    }
    result
}

/// `log softmax` of one sample's outputs.
pub fn log_softmax_of<T: Scalar>(outputs: ArrayView1<'_, T>) -> Vec<f64> {
    let normaliser = log_sum_exp(outputs.iter().map(|x| x.widen()));
    outputs.iter().map(|x| x.widen() - normaliser).collect()
}

fn log_sum_exp(xs: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = xs.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_finite() {
        largest + xs.map(|x| (x - largest).exp()).sum::<f64>().ln()
    } else {
        largest
    }
}
