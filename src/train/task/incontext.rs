//! Linear regression in context: 8000 sequences to train and 2000 to test.
//!
//! A sequence holds pairs of one unknown line, y = w x: positions (0, x1), (y1, 0),
//! (0, x2), with w uniform in [−1, 1] and x in [1, 3]. What is asked at (0, x) is
//! (y, 0), the next position. The first y cannot be known.
//! Source: arXiv 2305.08746, section 3.4.

use ndarray::Array2;

use super::{Problem, Samples, Task};
use crate::data::{Inputs, Labels};
use crate::numeric::Rng;

const TRAIN: usize = 8000;
const TEST: usize = 2000;

/// Pairs per sequence.
const PAIRS: usize = 2;

/// The samples.
pub fn problem(task: Task, rng: &mut Rng) -> Problem {
    let names = || vec!["y".to_owned(), "x".to_owned()];
    Problem {
        name: task.to_string(),
        train: samples(TRAIN, rng),
        test: samples(TEST, rng),
        inputs: names(),
        outputs: names(),
        tokens: None,
        domain: None,
    }
}

fn samples(count: usize, rng: &mut Rng) -> Samples {
    let sequences: Vec<Vec<f64>> = (0..count).map(|_| sequence(rng)).collect();
    let width = 2 * (2 * PAIRS - 1);
    let from = |start: usize| {
        Array2::from_shape_fn((count, width), |(sample, at)| sequences[sample][start + at])
    };
    Samples {
        inputs: Inputs::Values(from(0)),
        labels: Labels::Targets(from(2)),
    }
}

/// 0, x1, y1, 0, 0, x2, y2, 0
fn sequence(rng: &mut Rng) -> Vec<f64> {
    let slope = 2.0 * rng.uniform() - 1.0;
    let pair = |x: f64| [0.0, x, slope * x, 0.0];
    (0..PAIRS)
        .flat_map(|_| pair(1.0 + 2.0 * rng.uniform()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_lie_on_one_line_and_labels_come_next() {
        let problem = problem(Task::InContext, &mut Rng::new(1, 0));
        let (Inputs::Values(x), Labels::Targets(y)) =
            (&problem.train.inputs, &problem.train.labels)
        else {
            panic!("numbers")
        };
        assert_eq!((x.dim(), y.dim()), ((8000, 6), (8000, 6)));
        for (x, y) in x.rows().into_iter().zip(y.rows()) {
            assert_eq!((x[0], x[3], x[4], y[1]), (0.0, 0.0, 0.0, 0.0));
            assert_eq!((y[0], y[3]), (x[2], x[5]));
            assert!((y[4] / x[5] - y[0] / x[1]).abs() < 1e-12);
            assert!((1.0..3.0).contains(&x[1]) && (y[0] / x[1]).abs() <= 1.0);
        }
    }
}
