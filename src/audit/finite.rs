//! Whether a network's numbers are numbers: of one that gives NaN nothing else can be said.

use ndarray::Array2;

use super::findings::{finding, non_finite};
use super::{Clock, Config, Outcome, describe, memory};
use crate::checkpoint::Checkpoint;
use crate::data::Dataset;
use crate::model::Loaded;
use crate::numeric::Scalar;
use crate::result::{self, Finding, Status};

/// Weights and outputs `[outputs, samples]` that are NaN or infinite, in sentences.
pub fn not_finite<T: Scalar>(
    checkpoint: &Checkpoint,
    loaded: &Loaded,
    clean: &Array2<T>,
) -> Vec<Finding> {
    let mut all: Vec<Finding> = of_outputs(clean).into_iter().collect();
    all.extend(non_finite(checkpoint, loaded));
    all
}

fn of_outputs<T: Scalar>(clean: &Array2<T>) -> Option<Finding> {
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

/// The result of a network whose numbers are none: what was found, and nothing else.
pub fn stopped(
    checkpoint: result::CheckpointInfo,
    (data, info): (&Dataset, result::DataInfo),
    (network, parity): (result::Network, Option<result::Parity>),
    findings: Vec<Finding>,
    config: &Config,
    clock: &Clock,
) -> Outcome {
    let seconds = result::Seconds {
        total: clock.total(),
        ..result::Seconds::default()
    };
    let result = result::Audit {
        parity,
        findings,
        prompts: data.prompts.clone(),
        costs: result::Costs {
            seconds,
            inference: None,
            peak_memory_bytes: memory::peak_bytes(),
        },
        ..describe::audit(checkpoint, info, network, config)
    };
    Outcome {
        result,
        graphs: Vec::new(),
        pruned: None,
        compacted: None,
        relocated: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn samples_and_numbers_are_counted() {
        let clean = array![[1.0, f64::NAN, 0.0], [f64::INFINITY, f64::NAN, 0.0]];
        let found = of_outputs(&clean).unwrap();
        assert!(
            found
                .text
                .contains("on 2 of 3 samples: 2 NaN and 1 infinite"),
            "{}",
            found.text
        );
        assert_eq!(of_outputs(&array![[1.0]]), None);
    }
}
