//! The pipeline for transformers: parity, pruning, modules, ablation, circuits.

mod circuits;
mod modules;
mod network;
mod prune;
mod shape;
mod strongest;

use std::time::Instant;

use ndarray::Array2;

use super::truth::Truth;
use super::{Clock, Config, Outcome, agreement, describe, finite, memory, search, written};
use crate::checkpoint::Checkpoint;
use crate::choice::LossKind;
use crate::data::Dataset;
use crate::metric::{Metric, decision};
use crate::model::{Loaded, Sequences, Transformer};
use crate::numeric::Scalar;
use crate::{Result, result};

/// A transformer under audit, with its data.
struct Subject<'a, T> {
    checkpoint: &'a Checkpoint,
    data: &'a Dataset,
    loaded: &'a Loaded,
    model: &'a Transformer<T>,
    batch: Sequences<T>,
    /// Outputs `[outputs, readings]`.
    clean: Array2<T>,
    /// Per reading, the largest output: the answer where the data name none.
    decisions: Vec<usize>,
    loss: Option<Metric>,
    loss_name: LossKind,
}

/// Answers what `config.stages` asks of a transformer.
pub fn run<T: Scalar>(
    checkpoint: &Checkpoint,
    data: &Dataset,
    loaded: &Loaded,
    model: &Transformer<T>,
    config: &Config,
    progress: &dyn Fn(&str),
    started: Instant,
) -> Result<Outcome> {
    let subject = Subject::new(checkpoint, data, loaded, model, config)?;
    let mut clock = Clock::new(started);
    let mut seconds = result::Seconds::default();
    let parity = subject.truth().parity(data.told.outputs_dtype);
    let not_finite = finite::not_finite(checkpoint, loaded, &subject.clean);
    if !not_finite.is_empty() {
        let info = describe::checkpoint(checkpoint, loaded);
        let data_info = describe::data(data, subject.loss_name);
        let drawn = (subject.network(model).0, parity);
        return Ok(finite::stopped(
            info,
            (data, data_info),
            drawn,
            not_finite,
            config,
            &clock,
        ));
    }
    let task = subject.judged();
    seconds.load = clock.lap();
    let fill = config.circuits.fill(subject.batch.corrupted.is_some());
    let split_input = subject.split_input(config, fill)?;
    progress("pruning and verifying");
    let (pruned, prune) = subject.prune(config);
    seconds.prune = clock.lap();
    let mut modules = None;
    if config.stages.modules {
        progress("finding modules");
        modules = Some(subject.modules(&pruned, prune.as_ref(), config)?);
    }
    seconds.modules = clock.lap();
    let (nodes, found) = match config.stages.circuits {
        true => subject.circuits(&pruned, config, progress)?,
        false => Default::default(),
    };
    let found = search::gathered(found);
    if let Some(modules) = &mut modules {
        modules.agreement = agreement::agreement(modules, &found.circuits);
    }
    seconds.circuits = clock.lap();
    seconds.total = clock.total();
    let (network, channels) = subject.network(&pruned);
    // Components are drawn where there are circuits of them.
    let is_drawn = config.stages.circuits || !channels.is_empty();
    let strongest = is_drawn.then(|| subject.strongest(&pruned, channels, split_input));
    let result = result::Audit {
        task,
        parity,
        prune,
        modules,
        nodes,
        circuits: found.circuits,
        strongest,
        transformer: Some(subject.shape(split_input)),
        prompts: data.prompts.clone(),
        attention: subject.attention(&pruned),
        findings: [subject.findings(config), found.silent].concat(),
        costs: result::Costs {
            seconds,
            inference: None,
            peak_memory_bytes: memory::peak_bytes(),
        },
        ..describe::audit(
            describe::checkpoint(checkpoint, loaded),
            describe::data(data, subject.loss_name),
            network,
            config,
        )
    };
    let changed = result.prune.is_some();
    let written_as = changed.then(|| written::pruned_transformer(checkpoint, loaded, &pruned));
    Ok(Outcome {
        result,
        graphs: found.graphs,
        pruned: written_as,
        compacted: None,
        relocated: None,
    })
}

impl<'a, T: Scalar> Subject<'a, T> {
    fn new(
        checkpoint: &'a Checkpoint,
        data: &'a Dataset,
        loaded: &'a Loaded,
        model: &'a Transformer<T>,
        config: &Config,
    ) -> Result<Self> {
        let batch = Sequences::new(model, data, config.read.as_ref())?;
        let clean = model.outputs_of(&batch);
        let (mut loss, loss_name) = truth(&batch, &clean).loss(data.task.loss)?;
        // Of numbers, only outputs that were trained can be wrong.
        if let (Some(Metric::Mse { output, .. }), [only]) = (&mut loss, &trained(model, data)[..])
            && batch.correct.is_none()
        {
            *output = Some(*only);
        }
        Ok(Self {
            checkpoint,
            data,
            loaded,
            model,
            batch,
            decisions: clean.columns().into_iter().map(decision).collect(),
            clean,
            loss,
            loss_name,
        })
    }

    /// Its metric on the data, beside that of knowing nothing.
    fn judged(&self) -> Option<result::Task> {
        let only = match &self.loss {
            Some(Metric::Mse { output, .. }) => *output,
            _ => None,
        };
        // Answers of the network's own are no task.
        truth(&self.batch, &self.clean).task(only)
    }

    fn truth(&self) -> Truth<'_, T> {
        Truth {
            answers: Some(&self.decisions).filter(|_| self.batch.correct.is_none()),
            ..truth(&self.batch, &self.clean)
        }
    }
}

/// What data say of the outputs `[outputs, readings]`.
fn truth<'b, T: Scalar>(batch: &'b Sequences<T>, clean: &'b Array2<T>) -> Truth<'b, T> {
    Truth {
        path: &batch.path,
        clean,
        classes: batch.correct.as_ref(),
        answers: None,
        foils: batch.foils.as_ref(),
        targets: batch.targets.as_ref(),
        framework: batch.outputs.as_ref(),
    }
}

/// The physical positions of the outputs that were trained.
fn trained<T: Scalar>(model: &Transformer<T>, data: &Dataset) -> Vec<usize> {
    let all = 0..model.outputs();
    match &data.task.trained {
        Some(targets) => all
            .filter(|output| targets.contains(&model.out_perm[*output]))
            .collect(),
        None => all.collect(),
    }
}
