//! The network under audit with its data, loss, goals and names.

use ndarray::Array2;

use super::files::Files;
use super::truth::Truth;
use super::{CircuitsConfig, describe};
use crate::choice::LossKind;
use crate::circuit::Goal;
use crate::metric::{Metric, MetricKind};
use crate::model::{Batch, Mlp, Role, Sites};
use crate::numeric::Scalar;
use crate::prune::{Reference, Setting, Tolerance};
use crate::{Result, result};

/// Everything the stages share.
pub struct Subject<'a, T> {
    pub files: Files<'a>,
    pub model: &'a Mlp<T>,
    pub sites: Sites,
    pub batch: Batch<T>,
    pub loss: Option<Metric>,
    loss_name: LossKind,
    /// Name of each linear layer's weight tensor.
    tensors: Vec<String>,
    /// Site and own name of each output, by physical position.
    pub outputs: Vec<(String, String)>,
    /// The model's own outputs `[outputs, samples]`.
    pub clean: Array2<T>,
}

impl<'a, T: Scalar> Subject<'a, T> {
    /// Brings data and model together.
    pub fn new(files: Files<'a>, model: &'a Mlp<T>) -> Result<Self> {
        let Files { loaded, data, .. } = files;
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
            .map(|q| {
                let name = data.output_name(model.out_perm[q], model.out_perm.len());
                (sites.name(last, q), name)
            })
            .collect();
        let clean = model.outputs(batch.inputs.view());
        let (loss, loss_name) = truth(files, &batch, &clean).loss(data.task.loss)?;
        Ok(Self {
            tensors: (0..model.layers.len()).map(tensor).collect(),
            clean,
            files,
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

    /// Whether a single output stands for two classes.
    pub fn is_one_logit(&self) -> bool {
        self.classifies() && self.outputs.len() == 1
    }

    /// The name of a class, by what the batch calls it.
    pub fn class_name(&self, class: usize) -> String {
        match self.is_one_logit() {
            true => self.files.data.class_name(class, 1),
            false => self.outputs[class].1.clone(),
        }
    }

    /// The network as it is, to hold pruned ones against.
    pub fn reference(&self, tolerance: Tolerance) -> Reference<Mlp<T>> {
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
            let name = self.files.data.task.inputs.get(token).cloned();
            return format!(
                "{}[{feature}]",
                name.unwrap_or_else(|| format!("token {token}"))
            );
        }
        let index = position / fold * fold + feature;
        let name = self.files.data.task.inputs.get(index).cloned();
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
                // One logit answers for both classes, signed by the label.
                Some(classes) if !self.is_one_logit() => {
                    (0..samples).filter(|s| classes[*s] == output).collect()
                }
                _ => (0..samples).collect(),
            };
            let metric = self.truth().metric(kind, Some(output))?;
            Ok((!rows.is_empty()).then_some(Goal {
                output,
                rows,
                metric,
            }))
        };
        let goals: Result<Vec<Option<Goal>>> = (0..self.outputs.len()).map(goal).collect();
        Ok(goals?.into_iter().flatten().collect())
    }

    /// What the data say of the outputs.
    pub fn truth(&self) -> Truth<'_, T> {
        truth(self.files, &self.batch, &self.clean)
    }

    /// Outputs as the framework gives them, softmax and its like included.
    pub fn final_outputs(&self) -> Array2<T> {
        final_outputs(self.files, &self.clean)
    }

    /// What the data say of these outputs.
    pub fn truth_of<'b>(&'b self, outputs: &'b Array2<T>) -> Truth<'b, T> {
        truth(self.files, &self.batch, outputs)
    }

    /// What was recognised in the checkpoint.
    pub fn checkpoint_info(&self) -> result::CheckpointInfo {
        let info = describe::checkpoint(self.files.checkpoint, self.files.loaded);
        result::CheckpointInfo {
            folds: self.model.folds,
            task: info.task.or_else(|| self.files.data.task.name.clone()),
            ..info
        }
    }

    /// What the network was run on.
    pub fn data_info(&self) -> result::DataInfo {
        describe::data(self.files.data, self.loss_name)
    }
}

/// Outputs `[outputs, samples]` with what a network applies to them last.
pub(super) fn final_outputs<T: Scalar>(files: Files<'_>, outputs: &Array2<T>) -> Array2<T> {
    match files.loaded.readout {
        Some(readout) => readout.of(outputs),
        None => outputs.clone(),
    }
}

/// Whether the network does its task: targets are of its final outputs, classes are
/// decided by what is read before those.
pub(super) fn task_of<T: Scalar>(
    files: Files<'_>,
    batch: &Batch<T>,
    clean: &Array2<T>,
) -> Option<result::Task> {
    let finals = final_outputs(files, clean);
    let clean = match batch.targets {
        Some(_) => &finals,
        None => clean,
    };
    let targets = batch.targets.as_ref();
    Truth {
        targets,
        ..truth(files, batch, clean)
    }
    .task(None)
}

/// What data say of the outputs `[outputs, samples]` of a network. Targets are of its
/// final outputs: where something stands behind those that are read, none are known.
pub(super) fn truth<'b, T: Scalar>(
    files: Files<'b>,
    batch: &'b Batch<T>,
    clean: &'b Array2<T>,
) -> Truth<'b, T> {
    let is_last = files.loaded.readout.is_none();
    Truth {
        path: &files.data.path,
        clean,
        classes: batch.classes.as_ref(),
        answers: batch.answers.as_ref(),
        foils: batch.foils.as_ref(),
        targets: batch.targets.as_ref().filter(|_| is_last),
        framework: batch.outputs.as_ref(),
    }
}
