//! Does the network do what the data ask of it: its metric beside that of knowing nothing.

use super::truth::Truth;
use crate::choice::{Direction, MetricKind};
use crate::metric::Metric;
use crate::numeric::{Scalar, statistics};
use crate::result::Task;

impl<T: Scalar> Truth<'_, T> {
    /// The network's own metric on the data, and the baseline; `None` where the data
    /// do not say what the network should give. `trained` is the only output that was
    /// trained, where that is so.
    pub fn task(&self, trained: Option<usize>) -> Option<Task> {
        match (self.answers.or(self.classes), self.foils, self.targets) {
            (Some(answers), Some(foils), _) => Some(self.pairs(answers, foils)),
            (None, _, Some(targets)) => {
                let metric = Metric::Mse {
                    targets: targets.clone(),
                    output: trained,
                };
                Some(self.judged(&metric, "the mean of the targets", spread(targets, trained)))
            }
            // Answers that nobody labelled are the network's own.
            (_, _, None) => self.accuracy(self.classes?),
            (Some(_), None, Some(_)) => None,
        }
    }

    /// Prompts with an answer and a foil: the logit difference, beside none.
    fn pairs(&self, answers: &[usize], foils: &[usize]) -> Task {
        let metric = Metric::LogitDiff {
            answers: answers.to_vec(),
            foils: foils.to_vec(),
        };
        self.judged(&metric, "no preference", 0.0)
    }

    /// Classes: the share of right decisions, beside that of the most frequent
    /// class, or of chance where there is but one.
    fn accuracy(&self, classes: &[usize]) -> Option<Task> {
        let mut counts = std::collections::BTreeMap::new();
        for class in classes {
            *counts.entry(*class).or_insert(0_usize) += 1;
        }
        let most = counts.values().max()?;
        let metric = Metric::Accuracy {
            classes: classes.to_vec(),
        };
        Some(match counts.len() {
            1 => {
                let chance = 1.0 / self.clean.nrows().max(2) as f64;
                self.judged(&metric, "chance", chance)
            }
            _ => {
                let share = *most as f64 / classes.len() as f64;
                self.judged(&metric, "always the most frequent class", share)
            }
        })
    }

    fn judged(&self, metric: &Metric, baseline_of: &str, baseline: f64) -> Task {
        let (kind, value) = (metric.kind(), metric.mean(self.clean.view()));
        Task {
            metric: kind,
            value,
            baseline,
            baseline_of: baseline_of.to_owned(),
            does_task: is_better(kind, value, baseline),
        }
    }
}

/// Whether a value is better than another; NaN never is.
fn is_better(kind: MetricKind, value: f64, baseline: f64) -> bool {
    match kind.direction() {
        Direction::HigherIsBetter => value > baseline,
        Direction::LowerIsBetter => value < baseline,
    }
}

/// The squared error of always giving the mean of each output, `targets: [outputs, samples]`.
fn spread(targets: &ndarray::Array2<f64>, only: Option<usize>) -> f64 {
    let variance =
        |row: ndarray::ArrayView1<'_, f64>| statistics::population_sd(&row.to_vec()).powi(2);
    match only {
        Some(output) => variance(targets.row(output)),
        None => {
            let each: Vec<f64> = targets.rows().into_iter().map(variance).collect();
            statistics::mean(&each)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use std::path::Path;

    fn truth(clean: &Array2<f64>) -> Truth<'_, f64> {
        Truth {
            path: Path::new("x"),
            clean,
            classes: None,
            answers: None,
            foils: None,
            targets: None,
            framework: None,
        }
    }

    #[test]
    fn classes_beside_the_most_frequent_one() {
        // Decisions 0, 1, 1, 0 of labels 0, 1, 1, 1.
        let clean = array![[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]];
        let classes = vec![0, 1, 1, 1];
        let task = Truth {
            classes: Some(&classes),
            ..truth(&clean)
        }
        .task(None)
        .unwrap();
        assert_eq!(
            (task.value, task.baseline, task.does_task),
            (0.75, 0.75, false)
        );
        let one = vec![1, 1, 1, 1];
        let task = Truth {
            classes: Some(&one),
            ..truth(&clean)
        };
        assert_eq!(
            task.task(None).unwrap().baseline,
            0.5,
            "of one class: chance"
        );
    }

    #[test]
    fn targets_beside_their_mean() {
        let clean = array![[1.0, 2.0, 3.0]];
        let targets = array![[1.0, 2.0, 6.0]];
        let task = Truth {
            targets: Some(&targets),
            ..truth(&clean)
        };
        let task = task.task(None).unwrap();
        // Errors 0, 0, 9; the targets are 2, 1 and 3 away from their mean.
        assert!((task.value - 3.0).abs() < 1e-12 && (task.baseline - 14.0 / 3.0).abs() < 1e-12);
        assert!(task.does_task);
    }

    #[test]
    fn prompts_need_a_positive_difference() {
        let clean = array![[1.0, 0.0], [2.0, 0.5]];
        let (answers, foils) = (vec![0, 0], vec![1, 1]);
        let task = Truth {
            answers: Some(&answers),
            foils: Some(&foils),
            ..truth(&clean)
        };
        let task = task.task(None).unwrap();
        assert_eq!(
            (task.value, task.baseline, task.does_task),
            (-0.75, 0.0, false)
        );
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        assert_eq!(truth(&array![[1.0]]).task(None), None);
        let nan = array![[f64::NAN]];
        let targets = array![[1.0]];
        let task = Truth {
            targets: Some(&targets),
            ..truth(&nan)
        };
        assert!(!task.task(None).unwrap().does_task);
    }
}
