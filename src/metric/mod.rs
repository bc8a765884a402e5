//! Outputs → a number with a direction, and its gradient.
//!
//! Outputs are `[outputs, samples]` by physical position; a metric holds what
//! it needs of each sample and is a mean over samples. It deliberately does not
//! know where the outputs come from.
//!
//! A single output `z` that stands for classes is the logit of class 1, and that of
//! class 0 is 0: decisions are at 0, the softmax is the logistic function, and the
//! logit difference is `z`, signed by the label.

mod softmax;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

pub use crate::choice::{Direction, MetricKind};
use crate::numeric::Scalar;

/// A mean over samples of a number per sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Metric {
    /// logit(answer) − logit(foil), in units of the outputs; higher is better.
    LogitDiff {
        /// Per sample, the output that counts positive.
        answers: Vec<usize>,
        /// Per sample, the output that counts negative.
        foils: Vec<usize>,
    },
    /// p(answer) − p(foil) after a softmax, in [−1, 1]; higher is better.
    ProbDiff {
        /// Per sample, the output that counts positive.
        answers: Vec<usize>,
        /// Per sample, the output that counts negative.
        foils: Vec<usize>,
    },
    /// KL(reference ‖ softmax(outputs)) in nats, ≥ 0; lower is better.
    Kl {
        /// Log-probabilities of the reference, `[outputs, samples]`.
        reference: Array2<f64>,
    },
    /// −log p(class) after a softmax, in nats, ≥ 0; lower is better.
    CrossEntropy {
        /// Per sample, its class.
        classes: Vec<usize>,
    },
    /// 1 where the largest output is the class (the first of equals), else 0; higher is better.
    Accuracy {
        /// Per sample, its class.
        classes: Vec<usize>,
    },
    /// Squared error, mean over outputs, in squared units of the outputs; lower is better.
    Mse {
        /// `[outputs, samples]`
        targets: Array2<f64>,
        /// The only output that counts; all where there is none.
        output: Option<usize>,
    },
    /// One output as it is; higher is called better.
    Output {
        /// The output.
        output: usize,
    },
}

impl Metric {
    /// `answers` against the largest other logit of `outputs: [outputs, samples]`,
    /// which should be the full model's.
    #[must_use]
    pub fn logit_diff<T: Scalar>(answers: Vec<usize>, outputs: ArrayView2<'_, T>) -> Self {
        let foils = answers
            .iter()
            .zip(outputs.columns())
            .map(|(answer, column)| largest_other(column, *answer))
            .collect();
        Self::LogitDiff { answers, foils }
    }

    /// KL from the model whose outputs these are, `[outputs, samples]`.
    #[must_use]
    pub fn kl<T: Scalar>(outputs: ArrayView2<'_, T>) -> Self {
        let logits = outputs.mapv(Scalar::widen);
        let logits = match logits.nrows() {
            1 => ndarray::concatenate![Axis(0), Array2::zeros(logits.raw_dim()), logits],
            _ => logits,
        };
        let reference = softmax::log_softmax(&logits);
        Self::Kl { reference }
    }

    /// Squared error against one-hot classes, as BIMT's image classifiers are trained;
    /// of a single output against the class itself, 0 or 1.
    #[must_use]
    pub fn mse_onehot(classes: &[usize], outputs: usize) -> Self {
        let shape = (outputs, classes.len());
        let hot = |output: usize| if outputs == 1 { 1 } else { output };
        let is_hot = |(output, sample): (usize, usize)| classes[sample] == hot(output);
        let targets = Array2::from_shape_fn(shape, |place| f64::from(u8::from(is_hot(place))));
        Self::Mse {
            targets,
            output: None,
        }
    }

    /// Which metric it is.
    #[must_use]
    pub fn kind(&self) -> MetricKind {
        match self {
            Self::LogitDiff { .. } => MetricKind::LogitDiff,
            Self::ProbDiff { .. } => MetricKind::ProbDiff,
            Self::Kl { .. } => MetricKind::Kl,
            Self::CrossEntropy { .. } => MetricKind::CrossEntropy,
            Self::Accuracy { .. } => MetricKind::Accuracy,
            Self::Mse { .. } => MetricKind::Mse,
            Self::Output { .. } => MetricKind::Output,
        }
    }

    /// The value at one sample of `outputs: [outputs, samples]`.
    #[must_use]
    pub fn value<T: Scalar>(&self, outputs: ArrayView2<'_, T>, sample: usize) -> f64 {
        let at = |output: usize| outputs[[output, sample]].widen();
        let column = outputs.column(sample);
        match self {
            Self::LogitDiff { answers, foils } => {
                logit(column, answers[sample]) - logit(column, foils[sample])
            }
            Self::ProbDiff { answers, foils } => {
                let log_p = log_probabilities(column);
                log_p[answers[sample]].exp() - log_p[foils[sample]].exp()
            }
            Self::Kl { reference } => {
                let log_p = log_probabilities(column);
                let reference = reference.column(sample);
                reference
                    .iter()
                    .zip(&log_p)
                    .map(|(r, p)| r.exp() * (r - p))
                    .sum()
            }
            Self::CrossEntropy { classes } => -log_probabilities(column)[classes[sample]],
            Self::Accuracy { classes } => f64::from(u8::from(decision(column) == classes[sample])),
            Self::Mse { targets, output } => {
                let error = |o: usize| (at(o) - targets[[o, sample]]).powi(2);
                match output {
                    Some(output) => error(*output),
                    None => (0..outputs.nrows()).map(error).sum::<f64>() / outputs.nrows() as f64,
                }
            }
            Self::Output { output } => at(*output),
        }
    }

    /// The values at all samples.
    #[must_use]
    pub fn values<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> Vec<f64> {
        (0..outputs.ncols())
            .map(|sample| self.value(outputs, sample))
            .collect()
    }

    /// The mean over samples; 0 for none.
    #[must_use]
    pub fn mean<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> f64 {
        crate::numeric::statistics::mean(&self.values(outputs))
    }

    /// The gradient of the mean with respect to the outputs, `[outputs, samples]`;
    /// zero everywhere for accuracy.
    #[must_use]
    pub fn gradient<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> Array2<T> {
        let samples = outputs.ncols().max(1) as f64;
        let mut gradient = Array2::zeros(outputs.raw_dim());
        for (sample, mut column) in gradient.columns_mut().into_iter().enumerate() {
            let slopes = self.slopes(outputs, sample);
            for (slot, slope) in column.iter_mut().zip(slopes) {
                *slot = T::from_f64(slope / samples);
            }
        }
        gradient
    }

    /// The derivatives of one sample's value with respect to its outputs.
    fn slopes<T: Scalar>(&self, outputs: ArrayView2<'_, T>, sample: usize) -> Vec<f64> {
        let column = outputs.column(sample);
        let is_of_outputs = matches!(self, Self::Mse { .. } | Self::Output { .. });
        let width = match outputs.nrows() {
            1 if !is_of_outputs => 2,
            width => width,
        };
        let unit = |hot: usize| (0..width).map(move |o| f64::from(u8::from(o == hot)));
        let probabilities = || log_probabilities(column).into_iter().map(f64::exp);
        let mut slopes: Vec<f64> = match self {
            Self::LogitDiff { answers, foils } => unit(answers[sample])
                .zip(unit(foils[sample]))
                .map(|(a, f)| a - f)
                .collect(),
            Self::ProbDiff { answers, foils } => {
                let p: Vec<f64> = probabilities().collect();
                let (answer, foil) = (answers[sample], foils[sample]);
                let through =
                    |hot: usize, o: usize| p[hot] * (f64::from(u8::from(o == hot)) - p[o]);
                (0..width)
                    .map(|o| through(answer, o) - through(foil, o))
                    .collect()
            }
            Self::Kl { reference } => probabilities()
                .zip(reference.column(sample))
                .map(|(p, r)| p - r.exp())
                .collect(),
            Self::CrossEntropy { classes } => probabilities()
                .zip(unit(classes[sample]))
                .map(|(p, hot)| p - hot)
                .collect(),
            Self::Accuracy { .. } => vec![0.0; width],
            Self::Mse { targets, output } => {
                let slope = |o: usize| 2.0 * (column[o].widen() - targets[[o, sample]]);
                match output {
                    Some(only) => unit(*only)
                        .enumerate()
                        .map(|(o, hot)| hot * slope(o))
                        .collect(),
                    None => (0..width).map(|o| slope(o) / width as f64).collect(),
                }
            }
            Self::Output { output } => unit(*output).collect(),
        };
        // The logit of class 0 is no output.
        slopes.split_off(slopes.len() - outputs.nrows())
    }

    /// The outputs that the metric depends on, of `width` many.
    #[must_use]
    pub fn outputs_read(&self, width: usize) -> Vec<usize> {
        match self {
            _ if width == 1 => vec![0],
            Self::LogitDiff { answers, foils } => {
                let mut read: Vec<usize> = answers.iter().chain(foils).copied().collect();
                read.sort_unstable();
                read.dedup();
                read
            }
            Self::Output { output }
            | Self::Mse {
                output: Some(output),
                ..
            } => vec![*output],
            _ => (0..width).collect(),
        }
    }

    /// This metric, of some of the samples.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let pick = |of: &[usize]| rows.iter().map(|row| of[*row]).collect();
        match self {
            Self::LogitDiff { answers, foils } => Self::LogitDiff {
                answers: pick(answers),
                foils: pick(foils),
            },
            Self::ProbDiff { answers, foils } => Self::ProbDiff {
                answers: pick(answers),
                foils: pick(foils),
            },
            Self::Kl { reference } => Self::Kl {
                reference: reference.select(Axis(1), rows),
            },
            Self::CrossEntropy { classes } => Self::CrossEntropy {
                classes: pick(classes),
            },
            Self::Accuracy { classes } => Self::Accuracy {
                classes: pick(classes),
            },
            Self::Mse { targets, output } => Self::Mse {
                targets: targets.select(Axis(1), rows),
                output: *output,
            },
            Self::Output { output } => Self::Output { output: *output },
        }
    }
}

/// The position of the largest output, the first of equals; of a single output
/// 1 where it is above 0, else 0.
///
/// ```
/// use modscope::metric::decision;
/// use ndarray::array;
/// assert_eq!(decision(array![0.5, 2.0, 2.0].view()), 1);
/// assert_eq!(decision(array![0.5].view()), 1);
/// assert_eq!(decision(array![-0.5].view()), 0);
/// ```
#[must_use]
pub fn decision<T: Scalar>(outputs: ArrayView1<'_, T>) -> usize {
    match outputs.len() {
        1 => usize::from(outputs[0] > T::zero()),
        _ => largest_where(outputs, |_| true),
    }
}

/// The logit of a class.
fn logit<T: Scalar>(outputs: ArrayView1<'_, T>, class: usize) -> f64 {
    match (outputs.len(), class) {
        (1, 0) => 0.0,
        (1, _) => outputs[0].widen(),
        _ => outputs[class].widen(),
    }
}

/// The log-probability of every class.
fn log_probabilities<T: Scalar>(outputs: ArrayView1<'_, T>) -> Vec<f64> {
    match outputs.len() {
        1 => softmax::log_softmax_of(ndarray::aview1(&[T::zero(), outputs[0]])),
        _ => softmax::log_softmax_of(outputs),
    }
}

fn largest_other<T: Scalar>(outputs: ArrayView1<'_, T>, not: usize) -> usize {
    match outputs.len() {
        1 => 1 - not.min(1),
        _ => largest_where(outputs, |o| o != not),
    }
}

fn largest_where<T: Scalar>(outputs: ArrayView1<'_, T>, wanted: impl Fn(usize) -> bool) -> usize {
    let mut best: Option<usize> = None;
    for o in (0..outputs.len()).filter(|o| wanted(*o)) {
        if best.is_none_or(|b| outputs[o] > outputs[b]) {
            best = Some(o);
        }
    }
    best.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn outputs() -> Array2<f64> {
        array![[2.0, -1.0], [0.0, 0.5], [1.0, 0.5]]
    }

    fn all() -> Vec<Metric> {
        let (answers, foils) = (vec![0, 1], vec![2, 0]);
        let reference = softmax::log_softmax(&array![[0.3, 0.0], [0.0, 1.0], [-2.0, 0.2]]);
        let targets = array![[1.0, 0.0], [0.5, 0.0], [0.0, 2.0]];
        vec![
            Metric::LogitDiff {
                answers: answers.clone(),
                foils: foils.clone(),
            },
            Metric::ProbDiff {
                answers: answers.clone(),
                foils,
            },
            Metric::Kl { reference },
            Metric::CrossEntropy { classes: answers },
            Metric::Mse {
                targets: targets.clone(),
                output: None,
            },
            Metric::Mse {
                targets,
                output: Some(2),
            },
            Metric::Output { output: 1 },
        ]
    }

    #[test]
    fn values_worked_out_by_hand() {
        let outputs = outputs();
        let metric = Metric::logit_diff(vec![0, 1], outputs.view());
        assert_eq!(
            metric,
            Metric::LogitDiff {
                answers: vec![0, 1],
                foils: vec![2, 2]
            }
        );
        assert_eq!(metric.values(outputs.view()), [1.0, 0.0]);
        let accuracy = Metric::Accuracy {
            classes: vec![0, 2],
        };
        assert_eq!(
            accuracy.mean(outputs.view()),
            0.5,
            "the first of equals decides"
        );
        let mse = Metric::mse_onehot(&[0, 0], 3);
        assert_eq!(mse.values(outputs.view()), [2.0 / 3.0, 4.5 / 3.0]);
        let cross = Metric::CrossEntropy {
            classes: vec![0, 0],
        };
        let expected = (2_f64.exp() + 1.0 + 1_f64.exp()).ln() - 2.0;
        assert!((cross.value(outputs.view(), 0) - expected).abs() < 1e-12);
        assert!(Metric::kl(outputs.view()).mean(outputs.view()).abs() < 1e-12);
    }

    #[test]
    fn gradients_are_the_finite_differences() {
        for metric in all() {
            let gradient = metric.gradient(outputs().view());
            for o in 0..3 {
                for s in 0..2 {
                    let shifted = |by: f64| {
                        let mut other = outputs();
                        other[[o, s]] += by;
                        metric.mean(other.view())
                    };
                    let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                    let difference = (numeric - gradient[[o, s]]).abs();
                    assert!(difference < 1e-8, "{metric:?} at {o}, {s}: {difference:e}");
                }
            }
        }
    }

    #[test]
    fn one_output_is_the_logit_of_two_classes() {
        // z = 2 and −1, labels 1 and 1.
        let outputs = array![[2.0, -1.0]];
        let classes = vec![1, 1];
        let metric = Metric::logit_diff(classes.clone(), outputs.view());
        assert_eq!(metric.values(outputs.view()), [2.0, -1.0]);
        let other = Metric::logit_diff(vec![0, 0], outputs.view());
        let signed = other.values(outputs.view());
        assert_eq!(signed, [-2.0, 1.0], "signed by the label");
        let accuracy = Metric::Accuracy {
            classes: classes.clone(),
        };
        assert_eq!(accuracy.values(outputs.view()), [1.0, 0.0]);
        let logistic = |z: f64| (1.0 + (-z).exp()).ln();
        let cross = Metric::CrossEntropy { classes }.values(outputs.view());
        assert!((cross[0] - logistic(2.0)).abs() < 1e-15);
        assert!((cross[1] - logistic(-1.0)).abs() < 1e-15);
        let mse = Metric::mse_onehot(&[1, 0], 1);
        assert_eq!(mse.values(outputs.view()), [1.0, 1.0]);
        assert_eq!(metric.outputs_read(1), [0]);
    }

    #[test]
    fn the_gradient_of_one_logit_is_the_finite_difference() {
        let outputs = array![[2.0, -1.0, 0.25]];
        let (answers, foils) = (vec![1, 0, 1], vec![0, 1, 0]);
        let classes = answers.clone();
        let all = [
            Metric::kl(array![[1.0, 0.5, -3.0]].view()),
            Metric::CrossEntropy { classes },
            Metric::LogitDiff {
                answers: answers.clone(),
                foils: foils.clone(),
            },
            Metric::ProbDiff { answers, foils },
            Metric::mse_onehot(&[1, 0, 0], 1),
            Metric::Output { output: 0 },
        ];
        for metric in all {
            let gradient = metric.gradient(outputs.view());
            for s in 0..3 {
                let shifted = |by: f64| {
                    let mut other = outputs.clone();
                    other[[0, s]] += by;
                    metric.mean(other.view())
                };
                let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                let difference = (numeric - gradient[[0, s]]).abs();
                assert!(difference < 1e-8, "{metric:?} at {s}: {difference:e}");
            }
        }
    }

    #[test]
    fn a_selection_keeps_the_values_of_its_rows() {
        let outputs = outputs();
        for metric in all() {
            let selected = metric
                .select(&[1])
                .values(outputs.select(Axis(1), &[1]).view());
            assert_eq!(selected, [metric.value(outputs.view(), 1)]);
        }
    }

    #[test]
    fn names_round_trip() {
        for (kind, name) in MetricKind::ALL {
            assert_eq!((kind.to_string().as_str(), name.parse()), (name, Ok(kind)));
        }
    }
}
