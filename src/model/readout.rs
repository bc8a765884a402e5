//! What a network applies to its outputs last, set apart from it: decisions, losses
//! and circuits are of the logits that it reads.

use ndarray::{Array2, Axis};

use crate::numeric::{Activation, Scalar};

/// A function of all outputs of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readout {
    /// `e^y / Σ e^y`
    Softmax,
    /// `y − ln Σ e^y`
    LogSoftmax,
    /// `1 / (1 + e^{−y})` of every output.
    Sigmoid,
}

named! {
    Readout: "function of the outputs" {
        Softmax = "softmax",
        LogSoftmax = "log_softmax",
        Sigmoid = "sigmoid",
    }
}

impl Readout {
    /// What it makes of outputs `[outputs, samples]`.
    ///
    /// ```
    /// use modscope::model::Readout;
    /// use ndarray::array;
    /// let shares = Readout::Softmax.of(&array![[0.0_f64], [0.0]]);
    /// assert_eq!(shares, array![[0.5], [0.5]]);
    /// ```
    #[must_use]
    pub fn of<T: Scalar>(self, outputs: &Array2<T>) -> Array2<T> {
        let mut values = outputs.mapv(Scalar::widen);
        if self == Self::Sigmoid {
            values.mapv_inplace(|y| Activation::Sigmoid.at(y));
            return values.mapv(T::from_f64);
        }
        for mut sample in values.axis_iter_mut(Axis(1)) {
            let largest = sample.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = sample.iter().map(|y| (y - largest).exp()).sum();
            let log = largest + sum.ln();
            match self {
                Self::Softmax => sample.mapv_inplace(|y| (y - log).exp()),
                Self::LogSoftmax => sample.mapv_inplace(|y| y - log),
                Self::Sigmoid => {}
            }
        }
        values.mapv(T::from_f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn values_worked_out_by_hand() {
        let outputs = array![[0.0_f64, 1000.0], [3.0_f64.ln(), 1000.0]];
        let close =
            |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(
            &Readout::Softmax.of(&outputs),
            &array![[0.25, 0.5], [0.75, 0.5]]
        ));
        let log = Readout::LogSoftmax.of(&outputs);
        assert!((log[[0, 0]] - 0.25_f64.ln()).abs() < 1e-12);
        assert_eq!(Readout::Sigmoid.of(&array![[0.0_f64]]), array![[0.5]]);
        let damaged = Readout::Softmax.of(&array![[f64::NAN], [1.0]]);
        assert!(damaged.iter().all(|p| p.is_nan()));
    }
}
