//! The stages of an audit, of a transformer.

mod circuits;
mod modules;
mod network;
mod prune;
mod shape;
mod strongest;

use ndarray::Array2;

use super::files::Files;
use super::finite::not_finite;
use super::pipeline::{Audited, Pruned};
use super::search::Found;
use super::truth::Truth;
use super::{Config, describe, memory, written};
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::choice::LossKind;
use crate::data::{Dataset, ReadAt};
use crate::metric::{Metric, decision};
use crate::model::transformer::SequenceInputs;
use crate::model::{Sequences, Transformer};
use crate::numeric::Scalar;
use crate::patch::{Fill, Setup};
use crate::result::{self, Finding, Modules, NodeAblation, Prune};

/// A transformer under audit, with its data.
pub struct Subject<'a, T> {
    files: Files<'a>,
    model: &'a Transformer<T>,
    batch: Sequences<T>,
    /// Outputs `[outputs, readings]`.
    pub clean: Array2<T>,
    /// Per reading, the largest output: the answer where the data name none.
    decisions: Vec<usize>,
    loss: Option<Metric>,
    loss_name: LossKind,
}

impl<T: Scalar> Audited for Subject<'_, T> {
    type Network = Transformer<T>;

    fn files(&self) -> Files<'_> {
        self.files
    }

    fn whole(&self) -> &Transformer<T> {
        self.model
    }

    fn not_finite(&self) -> Option<Finding> {
        not_finite(&self.clean)
    }

    fn data_info(&self) -> result::DataInfo {
        describe::data(self.files.data, self.loss_name)
    }

    fn parity(&self) -> Option<result::Parity> {
        let blocks = self.model.blocks.len();
        self.truth()
            .parity(self.files.data.told.outputs_dtype, blocks)
    }

    fn task(&self) -> Option<result::Task> {
        let only = match &self.loss {
            Some(Metric::Mse { output, .. }) => *output,
            _ => None,
        };
        // Answers of the network's own are no task.
        truth(&self.batch, &self.clean).task(only)
    }

    fn expected_memory(&self, config: &Config) -> u64 {
        let setup = Setup {
            fill: self.fill(config),
            seed: config.seed,
            split_input: false,
        };
        let engine = match config.stages.circuits || config.stages.modules {
            true => self.engine_bytes(self.model, config, setup),
            false => 0,
        };
        memory::held_now().saturating_add(engine)
    }

    fn allows(&self, config: &Config) -> Result<()> {
        self.split_input(config, self.fill(config)).map(|_| ())
    }

    fn prune(&self, config: &Config, _: &dyn Fn(&str)) -> Result<Pruned<'_, Transformer<T>>> {
        let (network, told) = self.pruned(config);
        Ok(Pruned {
            network,
            told,
            inference: None,
            compacted: None,
            modules: Vec::new(),
            proof: None,
        })
    }

    fn modules(
        &self,
        pruned: &Transformer<T>,
        prune: Option<&Prune>,
        config: &Config,
    ) -> Result<Modules> {
        self.modules_of(pruned, prune, config)
    }

    fn circuits(
        &self,
        pruned: &Transformer<T>,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        self.circuits_of(pruned, config, progress)
    }

    fn remarks(&self, _: &Transformer<T>, _: Option<&Prune>, config: &Config) -> Vec<Finding> {
        self.findings(config)
    }

    fn drawn(&self, pruned: &Transformer<T>) -> result::Network {
        self.network(pruned).0
    }

    fn picture(
        &self,
        pruned: &Transformer<T>,
        config: &Config,
        result: &mut result::Audit,
    ) -> Result<()> {
        let split_input = self.split_input(config, self.fill(config))?;
        let (network, channels) = self.network(pruned);
        // Components are drawn where there are circuits of them.
        let is_drawn = config.stages.circuits || !channels.is_empty();
        result.network = network;
        result.strongest = is_drawn.then(|| self.strongest(pruned, channels, split_input));
        result.transformer = Some(self.shape(split_input));
        result.attention = self.attention(pruned);
        Ok(())
    }

    fn written(&self, pruned: &Transformer<T>) -> Checkpoint {
        written::pruned_transformer(self.files.checkpoint, self.files.loaded, pruned)
    }
}

impl<'a, T: Scalar> Subject<'a, T> {
    /// Brings data and model together; outputs are read at `read`, or where the data say.
    pub fn new(files: Files<'a>, model: &'a Transformer<T>, read: Option<&ReadAt>) -> Result<Self> {
        let data = files.data;
        let batch = Sequences::new(model, data, read)?;
        let clean = model.outputs_of(&batch);
        let (mut loss, loss_name) = truth(&batch, &clean).loss(data.task.loss)?;
        // Of numbers, only outputs that were trained can be wrong.
        if let (Some(Metric::Mse { output, .. }), [only]) = (&mut loss, &trained(model, data)[..])
            && batch.correct.is_none()
        {
            *output = Some(*only);
        }
        Ok(Self {
            files,
            model,
            batch,
            decisions: clean.columns().into_iter().map(decision).collect(),
            clean,
            loss,
            loss_name,
        })
    }

    /// The samples.
    pub fn batch(&self) -> &Sequences<T> {
        &self.batch
    }

    /// The prompts, where the data are text.
    pub fn prompts(&self) -> &[result::Prompt] {
        &self.files.data.prompts
    }

    /// The own name of an output; that of a token is its number where nothing names it.
    pub fn output_name(&self, output: usize) -> String {
        let (target, outputs) = (self.model.out_perm[output], self.model.outputs());
        let named = self.files.data.task.outputs.get(target).cloned();
        named.unwrap_or_else(|| match self.batch.inputs {
            SequenceInputs::Tokens(_) if outputs > 1 => format!("token {target}"),
            _ => self.files.data.output_name(target, outputs),
        })
    }

    /// What stands in for a patched message.
    fn fill(&self, config: &Config) -> Fill {
        config.circuits.fill(self.batch.corrupted.is_some())
    }

    /// What the data say of the outputs.
    pub fn truth(&self) -> Truth<'_, T> {
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
