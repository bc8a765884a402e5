//! Whether a network's numbers are numbers: of one that gives NaN nothing else can be said.

use ndarray::Array2;

use super::findings::finding;
use crate::numeric::Scalar;
use crate::result::{Finding, Status};

/// Outputs `[outputs, samples]` that are NaN or infinite, in a sentence.
pub fn not_finite<T: Scalar>(clean: &Array2<T>) -> Option<Finding> {
    let count = |wrong: fn(f64) -> bool| clean.iter().filter(|x| wrong(x.widen())).count();
    let (nan, infinite) = (count(f64::is_nan), count(f64::is_infinite));
    let is_wrong = |sample: &ndarray::ArrayView1<'_, T>| sample.iter().any(|x| !x.is_finite());
    let samples = clean.columns().into_iter().filter(is_wrong).count();
    let text = format!(
        "the network's outputs are not finite on {samples} of {} samples: {nan} NaN and {infinite} infinite values",
        clean.ncols()
    );
    (samples > 0).then(|| finding(Status::Fails, "non-finite-outputs", Vec::new(), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn samples_and_numbers_are_counted() {
        let clean = array![[1.0, f64::NAN, 0.0], [f64::INFINITY, f64::NAN, 0.0]];
        let found = not_finite(&clean).unwrap();
        assert!(
            found
                .text
                .contains("on 2 of 3 samples: 2 NaN and 1 infinite"),
            "{}",
            found.text
        );
        assert_eq!(not_finite(&array![[1.0]]), None);
    }
}
