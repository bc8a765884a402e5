//! What the data say of a network's outputs: metrics, loss and parity from it.

use std::path::Path;

use ndarray::Array2;

use super::parity;
use crate::checkpoint::Dtype;
use crate::choice::LossKind;
use crate::metric::{Metric, MetricKind};
use crate::numeric::Scalar;
use crate::{ErrorKind, Result, result};

/// How much of the outputs' scale a parity difference may be, in f64 and in f32: two
/// frameworks add the same terms in another order, layer after layer.
const PARITY: [f64; 2] = [1e-12, 1e-5];

/// Outputs `[outputs, samples]` by physical position, and what is known of them.
pub struct Truth<'a, T> {
    /// The data's file, for errors.
    pub path: &'a Path,
    /// The network's own outputs.
    pub clean: &'a Array2<T>,
    /// Per sample, its class.
    pub classes: Option<&'a Vec<usize>>,
    /// Per sample, the output that counts positive, where the data name it.
    pub answers: Option<&'a Vec<usize>>,
    /// Per sample, the output that counts negative, where the data name it.
    pub foils: Option<&'a Vec<usize>>,
    /// What the outputs should be.
    pub targets: Option<&'a Array2<f64>>,
    /// The source framework's own outputs.
    pub framework: Option<&'a Array2<f64>>,
}

impl<T: Scalar> Truth<'_, T> {
    /// A metric of this kind; those of a single output are of `output`.
    pub fn metric(&self, kind: MetricKind, output: Option<usize>) -> Result<Metric> {
        let classes = || {
            let labels = self.answers.or(self.classes);
            labels.cloned().ok_or_else(|| {
                ErrorKind::MetricNeedsClasses {
                    metric: kind.to_string(),
                }
                .at(self.path)
            })
        };
        let pair = || -> Result<(Vec<usize>, Vec<usize>)> {
            match Metric::logit_diff(classes()?, self.clean.view()) {
                Metric::LogitDiff { answers, foils } => {
                    Ok((answers, self.foils.cloned().unwrap_or(foils)))
                }
                _ => Ok(Default::default()),
            }
        };
        Ok(match kind {
            MetricKind::LogitDiff => {
                let (answers, foils) = pair()?;
                Metric::LogitDiff { answers, foils }
            }
            MetricKind::ProbDiff => {
                let (answers, foils) = pair()?;
                Metric::ProbDiff { answers, foils }
            }
            MetricKind::Kl => Metric::kl(self.clean.view()),
            MetricKind::CrossEntropy => Metric::CrossEntropy {
                classes: classes()?,
            },
            MetricKind::Accuracy => Metric::Accuracy {
                classes: classes()?,
            },
            MetricKind::Mse => Metric::Mse {
                targets: self.squared_error_targets(),
                output: output.filter(|_| self.classes.is_none()),
            },
            MetricKind::Output => Metric::Output {
                output: output.unwrap_or(0),
            },
        })
    }

    /// Targets, one-hot classes, or, where there are no labels, the model's own outputs.
    pub fn squared_error_targets(&self) -> Array2<f64> {
        match (self.targets, self.classes) {
            (Some(targets), _) => targets.clone(),
            (None, Some(classes)) => match Metric::mse_onehot(classes, self.clean.nrows()) {
                Metric::Mse { targets, .. } => targets,
                _ => self.clean.mapv(Scalar::widen),
            },
            (None, None) => self.clean.mapv(Scalar::widen),
        }
    }

    /// The loss that the data name, or the usual one for their labels, and its name.
    pub fn loss(&self, named: Option<LossKind>) -> Result<(Option<Metric>, LossKind)> {
        Ok(match (self.classes, self.targets, named) {
            (Some(classes), _, Some(LossKind::Mse | LossKind::MseOnehot)) => {
                let loss = Metric::mse_onehot(classes, self.clean.nrows());
                (Some(loss), LossKind::MseOnehot)
            }
            (Some(classes), _, _) => {
                let classes = classes.clone();
                (
                    Some(Metric::CrossEntropy { classes }),
                    LossKind::CrossEntropy,
                )
            }
            (None, Some(_), Some(LossKind::CrossEntropy)) => {
                return Err(ErrorKind::MetricNeedsClasses {
                    metric: LossKind::CrossEntropy.to_string(),
                }
                .at(self.path));
            }
            (None, Some(targets), _) => {
                let (targets, output) = (targets.clone(), None);
                (Some(Metric::Mse { targets, output }), LossKind::Mse)
            }
            (None, None, _) => (None, LossKind::None),
        })
    }

    /// Agreement with the source framework's own outputs, where the data hold them,
    /// stored as `stored` where that is known, of a network of so many blocks.
    pub fn parity(&self, stored: Option<Dtype>, blocks: usize) -> Option<result::Parity> {
        let theirs = self.framework?;
        let own = self.agreement(theirs);
        match parity::narrow::<T>(theirs, stored) {
            Some(narrow) if !own.holds => {
                Some(parity::judged_by((narrow, blocks), self.clean, theirs, own))
            }
            _ => Some(own),
        }
    }

    /// Agreement with the same outputs computed in another way.
    pub fn agreement(&self, theirs: &Array2<f64>) -> result::Parity {
        let largest = |values: &mut dyn Iterator<Item = f64>| {
            values.fold(
                0.0_f64,
                |m, d| if d.is_nan() { f64::INFINITY } else { m.max(d) },
            )
        };
        let pairs = self.clean.iter().zip(theirs);
        let max_abs_difference = largest(&mut pairs.map(|(a, b)| (a.widen() - b).abs()));
        let output_scale = largest(&mut theirs.iter().map(|b| b.abs()));
        let relative = PARITY[usize::from(T::NAME != f64::NAME)];
        let allowed = relative * output_scale.max(1.0);
        result::Parity {
            max_abs_difference,
            output_scale,
            allowed,
            precision: T::NAME.to_owned(),
            units: None,
            rounded: false,
            holds: max_abs_difference <= allowed,
            samples: self.clean.ncols(),
        }
    }
}
