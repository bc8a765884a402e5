//! The network under audit with its data, loss, goals and names.

use ndarray::Array2;

use super::CircuitsConfig;
use crate::checkpoint::Checkpoint;
use crate::circuit::Goal;
use crate::data::{Dataset, Labels};
use crate::metric::{Metric, MetricKind};
use crate::model::{Batch, Loaded, Mlp, Role, Sites};
use crate::numeric::Scalar;
use crate::prune::{Reference, Setting, Tolerance};
use crate::{Error, Result, result};

/// How many rounding units of the dtype a parity difference may be, per unit of
/// the outputs' scale: two frameworks add the same terms in another order.
const PARITY_UNITS: f64 = 32.0;

/// Everything the stages share.
pub struct Subject<'a, T> {
    pub checkpoint: &'a Checkpoint,
    pub data: &'a Dataset,
    pub loaded: &'a Loaded,
    pub model: &'a Mlp<T>,
    pub sites: Sites,
    pub batch: Batch<T>,
    pub loss: Option<Metric>,
    loss_name: &'static str,
    /// Name of each linear layer's weight tensor.
    tensors: Vec<String>,
    /// Site and own name of each output, by physical position.
    pub outputs: Vec<(String, String)>,
    /// The model's own outputs `[outputs, samples]`.
    pub clean: Array2<T>,
}

impl<'a, T: Scalar> Subject<'a, T> {
    /// Brings data and model together.
    pub fn new(
        checkpoint: &'a Checkpoint,
        data: &'a Dataset,
        loaded: &'a Loaded,
        model: &'a Mlp<T>,
    ) -> Result<Self> {
        let batch = Batch::new(model, data)?;
        let sites = model.sites();
        let tensor = |layer| {
            loaded
                .tensor_name(Role::Weight(layer))
                .unwrap_or("weight")
                .to_owned()
        };
        let last = sites.depth();
        let outputs = (0..model.out_perm.len())
            .map(|q| (sites.name(last, q), output_name(data, model.out_perm[q])))
            .collect();
        let (loss, loss_name) = loss(data, &batch, model.out_perm.len())?;
        Ok(Self {
            tensors: (0..model.layers.len()).map(tensor).collect(),
            clean: model.outputs(batch.inputs.view()),
            checkpoint,
            data,
            loaded,
            model,
            sites,
            batch,
            loss,
            loss_name,
            outputs,
        })
    }

    /// Whether outputs stand for classes.
    pub fn classifies(&self) -> bool {
        self.batch.classes.is_some()
    }

    /// The network as it is, to hold pruned ones against.
    pub fn reference(&self, tolerance: Tolerance) -> Reference<T> {
        Reference::new(
            self.model,
            self.batch.inputs.clone(),
            tolerance,
            self.classifies(),
        )
    }

    /// What pruning reports by.
    pub fn prune_setting(&self) -> Setting<'_> {
        Setting {
            loss: self.loss.as_ref(),
            tensors: &self.tensors,
            outputs: &self.outputs,
        }
    }

    /// The own name of an input: a feature's, or a token position's with the
    /// number of the embedding dimension.
    pub fn input_name(&self, position: usize) -> String {
        let fold = self.model.in_perm.len();
        let feature = self.model.in_perm[position % fold];
        if self.model.embedding.is_some() {
            let token = position / fold;
            let name = self.data.task.inputs.get(token).cloned();
            return format!(
                "{}[{feature}]",
                name.unwrap_or_else(|| format!("token {token}"))
            );
        }
        let index = position / fold * fold + feature;
        let name = self.data.task.inputs.get(index).cloned();
        name.unwrap_or_else(|| format!("feature {index}"))
    }

    /// One answer per class that occurs, or per output.
    pub fn goals(&self, config: &CircuitsConfig) -> Result<Vec<Goal>> {
        let samples = self.batch.len();
        let kind = config.metric.unwrap_or(if self.classifies() {
            MetricKind::LogitDiff
        } else {
            MetricKind::Mse
        });
        let goal = |output: usize| {
            let rows: Vec<usize> = match &self.batch.classes {
                Some(classes) => (0..samples).filter(|s| classes[*s] == output).collect(),
                None => (0..samples).collect(),
            };
            let metric = self.metric(kind, output)?;
            Ok((!rows.is_empty()).then_some(Goal {
                output,
                rows,
                metric,
            }))
        };
        let goals: Result<Vec<Option<Goal>>> = (0..self.outputs.len()).map(goal).collect();
        Ok(goals?.into_iter().flatten().collect())
    }

    /// A metric of this kind for the answer at `output`.
    fn metric(&self, kind: MetricKind, output: usize) -> Result<Metric> {
        let classes = || {
            let labels = self.batch.answers.as_ref().or(self.batch.classes.as_ref());
            labels.cloned().ok_or_else(|| Error::MetricNeedsClasses {
                path: self.data.path.clone(),
                metric: kind.to_string(),
            })
        };
        let pair = || -> Result<(Vec<usize>, Vec<usize>)> {
            match Metric::logit_diff(classes()?, self.clean.view()) {
                Metric::LogitDiff { answers, foils } => {
                    Ok((answers, self.batch.foils.clone().unwrap_or(foils)))
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
                output: (!self.classifies()).then_some(output),
            },
            MetricKind::Output => Metric::Output { output },
        })
    }

    /// Targets, one-hot classes, or, where there are no labels, the model's own outputs.
    pub fn squared_error_targets(&self) -> Array2<f64> {
        match (&self.batch.targets, &self.batch.classes) {
            (Some(targets), _) => targets.clone(),
            (None, Some(classes)) => match Metric::mse_onehot(classes, self.outputs.len()) {
                Metric::Mse { targets, .. } => targets,
                _ => self.clean.mapv(Scalar::widen),
            },
            (None, None) => self.clean.mapv(Scalar::widen),
        }
    }

    /// Agreement with the source framework's own outputs, where the data hold them.
    pub fn parity(&self) -> Option<result::Parity> {
        let theirs = self.batch.outputs.as_ref()?;
        let ours = self.clean.iter().map(|x| x.widen());
        let (max_abs_difference, allowed) = self.difference(ours, theirs.iter().copied());
        Some(result::Parity {
            max_abs_difference,
            output_scale: largest(theirs.iter().map(|b| b.abs())),
            allowed,
            holds: max_abs_difference <= allowed,
            samples: self.batch.len(),
        })
    }

    /// The largest difference of outputs computed in two ways, and what rounding explains.
    pub fn difference(
        &self,
        ours: impl Iterator<Item = f64>,
        theirs: impl Iterator<Item = f64> + Clone,
    ) -> (f64, f64) {
        let scale = largest(theirs.clone().map(f64::abs));
        let differences = ours.zip(theirs).map(|(a, b)| (a - b).abs());
        let allowed = PARITY_UNITS * T::epsilon().widen() * scale.max(1.0);
        (largest(differences), allowed)
    }

    /// What was recognised in the checkpoint.
    pub fn checkpoint_info(&self) -> result::CheckpointInfo {
        let config = &self.checkpoint.config;
        let text = |key: &str| config.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        let tensor = |(name, tensor): (&String, &crate::checkpoint::Tensor)| result::TensorInfo {
            name: name.clone(),
            dtype: tensor.dtype.name().to_owned(),
            shape: tensor.shape.clone(),
            role: self
                .loaded
                .roles
                .get(name)
                .map_or_else(String::new, ToString::to_string),
        };
        result::CheckpointInfo {
            path: self.checkpoint.path.display().to_string(),
            sha256: self.checkpoint.sha256.clone(),
            layout: self.loaded.layout.to_string(),
            dtype: self.loaded.dtype.name().to_owned(),
            parameters: self.model.parameter_count(),
            activation: self.model.activation.to_string(),
            activation_source: self.loaded.activation_source.to_owned(),
            layers: self.sites.widths().to_vec(),
            folds: self.model.folds,
            task: text("task").or_else(|| self.data.task.name.clone()),
            regime: text("regime"),
            training_seed: config.get("seed").and_then(serde_json::Value::as_u64),
            tensors: self.checkpoint.tensors.iter().map(tensor).collect(),
        }
    }

    /// What the network was run on.
    pub fn data_info(&self) -> result::DataInfo {
        result::DataInfo {
            path: self.data.path.display().to_string(),
            sha256: self.data.sha256.clone(),
            samples: self.batch.len(),
            split: self.data.split.clone(),
            labels: self.data.labels.as_ref().map(|labels| {
                match labels {
                    Labels::Classes(_) => "classes",
                    Labels::Targets(_) => "targets",
                }
                .to_owned()
            }),
            loss: self.loss_name.to_owned(),
        }
    }
}

/// The largest of values that are not negative; infinite where one is NaN.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(
        0.0,
        |m, d| if d.is_nan() { f64::INFINITY } else { m.max(d) },
    )
}

/// The own name of a target or class.
fn output_name(data: &Dataset, target: usize) -> String {
    data.task
        .outputs
        .get(target)
        .cloned()
        .unwrap_or_else(|| match data.labels {
            Some(Labels::Classes(_)) => format!("class {target}"),
            _ => format!("target {target}"),
        })
}

/// The loss that the data name, or the usual one for their labels.
fn loss<T: Scalar>(
    data: &Dataset,
    batch: &Batch<T>,
    outputs: usize,
) -> Result<(Option<Metric>, &'static str)> {
    let named = data.task.loss.as_deref();
    Ok(match (&batch.classes, &batch.targets, named) {
        (Some(classes), _, Some("mse" | "mse-onehot")) => {
            (Some(Metric::mse_onehot(classes, outputs)), "mse-onehot")
        }
        (Some(classes), _, _) => {
            let classes = classes.clone();
            (Some(Metric::CrossEntropy { classes }), "cross-entropy")
        }
        (None, Some(_), Some("cross-entropy")) => {
            return Err(Error::MetricNeedsClasses {
                path: data.path.clone(),
                metric: "cross-entropy".to_owned(),
            });
        }
        (None, Some(targets), _) => {
            let targets = targets.clone();
            (
                Some(Metric::Mse {
                    targets,
                    output: None,
                }),
                "mse",
            )
        }
        (None, None, _) => (None, "none"),
    })
}
