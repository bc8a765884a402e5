//! Symbolic formulas of numbers uniform in [−1, 1], 100 samples each to train and to test.
//!
//! Source: arXiv 2305.08746, section 3.1.

use ndarray::{Array2, Axis};

use super::{Problem, Samples, Task, published};
use crate::data::{Inputs, Labels};
use crate::numeric::Rng;

const SAMPLES: usize = 100;

/// ((x1 + x3)³, x2² + sin πx4)
pub fn independence(x: &[f64]) -> Vec<f64> {
    let sine = libm::sin(std::f64::consts::PI * x[3]);
    vec![(x[0] + x[2]).powi(3), x[1] * x[1] + sine]
}

/// (x1², x1² + x2², x1² + x2² + x3²)
pub fn feature_sharing(x: &[f64]) -> Vec<f64> {
    let one = x[0] * x[0];
    let two = one + x[1] * x[1];
    vec![one, two, two + x[2] * x[2]]
}

/// √((x1 − x2)² + (x3 − x4)²)
pub fn compositionality(x: &[f64]) -> Vec<f64> {
    vec![((x[0] - x[1]).powi(2) + (x[2] - x[3]).powi(2)).sqrt()]
}

/// Samples of a formula.
pub fn problem(task: Task, formula: fn(&[f64]) -> Vec<f64>, rng: &mut Rng) -> Problem {
    let about = published(task);
    let (inputs, outputs) = (about.inputs.len(), about.outputs.len());
    let mut samples = || {
        let x = Array2::from_shape_simple_fn((SAMPLES, inputs), || 2.0 * rng.uniform() - 1.0);
        let rows = x.axis_iter(Axis(0));
        let y: Vec<f64> = rows.flat_map(|row| formula(&row.to_vec())).collect();
        Samples {
            inputs: Inputs::Values(x),
            labels: Labels::Targets(Array2::from_shape_fn((SAMPLES, outputs), |(s, t)| {
                y[s * outputs + t]
            })),
        }
    };
    Problem {
        name: task.to_string(),
        train: samples(),
        test: samples(),
        inputs: about.inputs,
        outputs: about.outputs,
        tokens: None,
        domain: about.domain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_worked_out_by_hand() {
        let x = [0.5, -0.5, 0.25, 0.5];
        assert_eq!(independence(&x), [0.421_875, 1.25]);
        assert_eq!(feature_sharing(&x), [0.25, 0.5, 0.5625]);
        assert!((compositionality(&x)[0] - 1.0625_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn samples_repeat_and_fill_the_box() {
        let problem = Task::Independence.problem(3);
        assert_eq!(problem, Task::Independence.problem(3));
        assert_ne!(problem.train, problem.test);
        let Inputs::Values(x) = &problem.train.inputs else {
            panic!("values")
        };
        assert_eq!(x.dim(), (100, 4));
        let (lo, hi) = x
            .iter()
            .fold((0.0_f64, 0.0_f64), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        assert!((-1.0..-0.9).contains(&lo) && (0.9..1.0).contains(&hi));
    }
}
