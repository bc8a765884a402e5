//! The stages of an audit, of a layered network.

use std::borrow::Cow;

use ndarray::Array2;

use super::certify::{Sampled, Subjected};
use super::circuits::set_names;
use super::files::Files;
use super::finite::not_finite;
use super::function::{Function, function};
use super::held::{Held, held, of_both};
use super::methods::{Granularity, no_positions};
use super::pipeline::{Audited, Pruned};
use super::search::{Answer, Found, Search, Searchable, ablation};
use super::subject::{final_outputs, task_of, truth};
use super::task::{self, TaskControls};
use super::truth::Truth;
use super::weighing::{by_attribution, by_site, graph};
use super::{Config, bounded, channels, describe, findings, memory, search, written};
use crate::checkpoint::{Checkpoint, Tensor};
use crate::choice::{LossKind, Unmatched};
use crate::circuit::Goal;
use crate::metric::{Metric, MetricKind};
use crate::model::layered::LayeredSites;
use crate::model::{Batch, Layered, Ports};
use crate::modules::EdgeWeight;
use crate::modules::lesions::Measured;
use crate::numeric::Scalar;
use crate::patch::{Fill, LayeredEngine, Patchable};
use crate::prune::{self, Reference, Setting, Tolerance};
use crate::result::{Finding, Modules, NodeAblation, Prune, Status};
use crate::{ErrorKind, Result, result};

/// A layered network under audit, with its data.
pub struct Subject<'a, T> {
    files: Files<'a>,
    model: &'a Layered<T>,
    batch: Batch<T>,
    /// Site and own name of each output.
    outputs: Vec<(String, String)>,
    /// `[outputs, samples]`
    pub clean: Array2<T>,
    loss: Option<Metric>,
    loss_name: LossKind,
}

impl<T: Scalar> Audited for Subject<'_, T> {
    type Network = Layered<T>;

    fn files(&self) -> Files<'_> {
        self.files
    }

    fn whole(&self) -> &Layered<T> {
        self.model
    }

    fn not_finite(&self) -> Option<Finding> {
        not_finite(&self.clean)
    }

    fn data_info(&self) -> result::DataInfo {
        describe::data(self.files.data, self.loss_name)
    }

    fn parity(&self) -> Option<result::Parity> {
        let outputs = final_outputs(self.files, &self.clean);
        truth(self.files, &self.batch, &outputs).parity(self.files.data.told.outputs_dtype, 1)
    }

    fn task(&self) -> Option<result::Task> {
        task_of(self.files, &self.batch, &self.clean)
    }

    fn expected_memory(&self, config: &Config) -> u64 {
        let tensors = self.files.checkpoint.tensors.values();
        let edges = tensors.map(Tensor::len).sum();
        let sizes = memory::Sizes {
            samples: self.batch.len(),
            sites: self.model.widths().iter().sum(),
            edges,
            heavy: edges,
            outputs: self.outputs.len(),
            number: size_of::<T>(),
        };
        memory::of_layers(sizes, config)
    }

    fn allows(&self, config: &Config) -> Result<()> {
        let path = &self.files.data.path;
        match config.circuits.granularity {
            Some(coarse @ Granularity::Component) => {
                Err(coarse.refused(path, "a network without components"))
            }
            _ if config.circuits.positions && !self.model.has_steps() => {
                Err(no_positions(path, "this network has no steps"))
            }
            _ => Ok(()),
        }
    }

    fn prune(&self, config: &Config, progress: &dyn Fn(&str)) -> Result<Pruned<'_, Layered<T>>> {
        let reference = self.reference(config.prune.tolerance);
        let tensors: Vec<String> = self
            .model
            .parameters
            .iter()
            .map(|p| p.tensor.clone())
            .collect();
        let setting = Setting {
            loss: self.loss.as_ref(),
            tensors: &tensors,
            outputs: &self.outputs,
        };
        let sampled = Sampled::new(self.files.data, &self.batch);
        let held = Subjected {
            network: self.model,
            sampled: &sampled,
            reference: &reference,
        };
        let mut settings = config.prune;
        settings.threshold = bounded::threshold(&held, settings, config, progress);
        let (pruned, mut prune) = prune::prune(self.model, &reference, setting, settings);
        bounded::certified(&held, &pruned, settings, config, &mut prune, progress);
        Ok(Pruned {
            network: Cow::Owned(pruned),
            told: Some(prune),
            inference: None,
            compacted: None,
            modules: Vec::new(),
            proof: None,
        })
    }

    fn modules(
        &self,
        pruned: &Layered<T>,
        prune: Option<&Prune>,
        config: &Config,
    ) -> Result<Modules> {
        let settings = config.modules_at(prune.map_or(0.0, |prune| prune.threshold));
        let fill = config.circuits.fill(self.batch.corrupted.is_some());
        let engine = self.engine(pruned, fill, config.seed, false)?;
        let goals = self.goals(config)?;
        let weights = match settings.edge_weight.unwrap_or_default() {
            EdgeWeight::AbsWeight => kernels(self.model),
            EdgeWeight::Attribution => {
                let edges: Vec<usize> = engine.surviving().ones().collect();
                by_attribution(&engine, &edges, &goals)
            }
            other @ (EdgeWeight::Spread | EdgeWeight::Effect) => {
                return Err(ErrorKind::EdgeWeight {
                    edge_weight: other.name().to_owned(),
                }
                .at(&self.files.checkpoint.path));
            }
        };
        let (mut found, graph) = graph(&engine, &[weights], &settings);
        // Links join what no weight joins: parts that share nothing are not told here.
        found.independence.components.clear();
        found.unmatched = Some(Unmatched::Kernels);
        let of = Function {
            graph: &graph,
            engines: vec![(fill, Box::new(engine))],
            metrics: self.metrics(),
        };
        function(&mut found, &of, config);
        if let Some((_, engine)) = of.engines.first() {
            by_site(&mut found, &graph, engine.as_ref());
        }
        Ok(found)
    }

    fn circuits(
        &self,
        pruned: &Layered<T>,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        let settings = config.circuits.at_its_granularity();
        let fill = config.circuits.fill(self.batch.corrupted.is_some());
        progress("ablating nodes");
        let apart = config.circuits.positions;
        let whole = self.engine(pruned, fill, config.seed, apart)?;
        let nodes = self.ablated(&whole, fill, config)?;
        let held = held(self.files.data, config, self.batch.classes.is_some())?;
        let on = |data| Subject::new(Files { data, ..self.files }, self.model);
        let other = of_both(held.as_ref(), on)?;
        let (discover, judge) = match &other {
            Some((discover, judge)) => (discover, judge),
            None => (self, self),
        };
        progress("discovering circuits");
        let seed = config.fill_seed();
        let network = discover.engine(pruned, fill, seed, apart)?;
        let judging = judge.engine(pruned, fill, seed, apart)?;
        let answers = discover.answers(&network, config)?;
        let judges = answers.iter().map(|answer| {
            let in_both = |held: &Held<'_>| held.in_both.contains(&answer.goal.output);
            match held.as_ref().is_none_or(in_both) {
                true => Ok(None),
                false => judge.answer(&judging, answer.goal.output, config),
            }
        });
        let judges = judges.collect::<Result<Vec<_>>>()?;
        let nonsense = |answer: &Answer<'_, _>| TaskControls {
            nonsense: judge
                .task_metric(answer.goal.output)
                .and_then(|metric| task::nonsense(&metric, &judge.clean, config.seed)),
            ..TaskControls::default()
        };
        let search = Search {
            controls: answers.iter().map(nonsense).collect(),
            answers,
            judges,
            sets: set_names(held.as_ref(), self.files.data),
            fill_reference: discover.fill_reference(fill),
            ..Search::new(
                &network,
                self.files.data,
                &settings,
                (fill, config),
                progress,
            )
        };
        Ok((vec![nodes], search.at_its_level()?))
    }

    fn remarks(&self, _: &Layered<T>, _: Option<&Prune>, config: &Config) -> Vec<Finding> {
        let mut all = findings::of_the_file(self.files.checkpoint, self.files.loaded);
        if config.prune.biases {
            let text =
                "biases were left as they are: only those of MLPs and transformers are pruned";
            all.push(findings::finding(
                Status::Note,
                "biases-kept",
                Vec::new(),
                text.to_owned(),
            ));
        }
        all
    }

    fn drawn(&self, pruned: &Layered<T>) -> result::Network {
        let record = pruned.forward(self.batch.inputs.clone());
        channels::network(self.model, &record, self.files.data, &self.outputs)
    }

    fn written(&self, pruned: &Layered<T>) -> Checkpoint {
        written::pruned_layers(self.files.checkpoint, pruned)
    }
}

impl<'a, T: Scalar> Subject<'a, T> {
    pub fn new(files: Files<'a>, model: &'a Layered<T>) -> Result<Self> {
        let data = files.data;
        let count = model.outputs_len();
        let batch = Batch::through(&Ports::plain(model.input.features(), count), data)?;
        let clean = model.outputs(batch.inputs.clone());
        let named = |output: usize| (format!("y{output}"), data.output_name(output, count));
        let (loss, loss_name) = truth(files, &batch, &clean).loss(data.task.loss)?;
        Ok(Self {
            files,
            model,
            outputs: (0..count).map(named).collect(),
            batch,
            clean,
            loss,
            loss_name,
        })
    }

    /// The network as it is, to hold others against.
    pub fn reference(&self, tolerance: Tolerance) -> Reference<Layered<T>> {
        Reference::new(
            self.model,
            self.batch.inputs.clone(),
            tolerance,
            self.batch.classes.is_some(),
        )
    }

    /// The samples alone.
    pub fn into_batch(self) -> Batch<T> {
        self.batch
    }

    /// The samples.
    pub fn batch(&self) -> &Batch<T> {
        &self.batch
    }

    /// Site and own name of each output.
    pub fn outputs(&self) -> &[(String, String)] {
        &self.outputs
    }

    /// What the data say of the outputs.
    pub fn truth(&self) -> Truth<'_, T> {
        truth(self.files, &self.batch, &self.clean)
    }

    fn engine<'m>(
        &self,
        model: &'m Layered<T>,
        fill: Fill,
        seed: u64,
        steps_apart: bool,
    ) -> Result<LayeredEngine<'m, T>> {
        let (inputs, pairs) = (&self.batch.inputs, self.batch.corrupted.as_ref());
        let sites = LayeredSites::at(model, steps_apart);
        let path = &self.files.data.path;
        LayeredEngine::new(model, sites, (inputs, pairs), fill, seed, path)
    }

    /// One answer per class that occurs, or per output.
    fn goals(&self, config: &Config) -> Result<Vec<Goal>> {
        let classes = self.batch.classes.as_ref();
        let usual = match classes {
            Some(_) => MetricKind::LogitDiff,
            None => MetricKind::Mse,
        };
        let kind = config.circuits.metric.unwrap_or(usual);
        let goal = |output: usize| -> Result<Goal> {
            // One logit answers for both classes, signed by the label.
            let classes = classes.filter(|_| self.outputs.len() > 1);
            let is_of = |sample: &usize| classes.is_none_or(|classes| classes[*sample] == output);
            Ok(Goal {
                output,
                rows: (0..self.batch.len()).filter(is_of).collect(),
                metric: self.truth().metric(kind, Some(output))?,
            })
        };
        let goals: Result<Vec<Goal>> = (0..self.outputs.len()).map(goal).collect();
        Ok(goals?
            .into_iter()
            .filter(|goal| !goal.rows.is_empty())
            .collect())
    }

    /// The metrics that lesions are measured in.
    fn metrics(&self) -> Vec<Measured> {
        let accuracy = self.batch.classes.clone();
        let accuracy = accuracy.map(|classes| Metric::Accuracy { classes });
        let named = |name: &str, metric: Metric| Measured {
            name: name.to_owned(),
            metric,
            rows: None,
            output: None,
        };
        let loss = self.loss.clone().map(|loss| named("loss", loss));
        accuracy
            .map(|metric| named("accuracy", metric))
            .into_iter()
            .chain(loss)
            .collect()
    }

    /// What the task asks of an answer: right decisions over all classes, or its own
    /// targets; `None` without labels.
    fn task_metric(&self, output: usize) -> Option<Metric> {
        let (classes, targets) = (self.batch.classes.clone(), self.truth().targets.cloned());
        let mse = |targets| Metric::Mse {
            targets,
            output: Some(output),
        };
        let accuracy = classes.map(|classes| Metric::Accuracy { classes });
        accuracy.or_else(|| targets.map(mse))
    }

    /// The ablation of every node, on all samples.
    fn ablated(
        &self,
        engine: &LayeredEngine<'_, T>,
        fill: Fill,
        config: &Config,
    ) -> Result<NodeAblation> {
        let goals = self.goals(config)?;
        let site = |goal: &Goal| self.outputs[goal.output].0.clone();
        let sites: Vec<String> = goals.iter().map(site).collect();
        let reference = self.fill_reference(fill);
        Ok(ablation(engine, &goals, &sites, fill, reference))
    }

    /// The answers that are sought, on the samples of this subject.
    fn answers<'e, 'm: 'e>(
        &self,
        engine: &'e LayeredEngine<'m, T>,
        config: &Config,
    ) -> Result<Vec<Answer<'e, T>>> {
        let goals = self.goals(config)?;
        let select = |rows: &[usize]| -> Box<dyn Searchable<Number = T> + 'e> {
            Box::new(engine.select(rows))
        };
        Ok(search::answers(engine, goals, &self.outputs, select))
    }

    /// The answer at one output.
    fn answer<'e, 'm: 'e>(
        &self,
        engine: &'e LayeredEngine<'m, T>,
        output: usize,
        config: &Config,
    ) -> Result<Option<Answer<'e, T>>> {
        let mut answers = self.answers(engine, config)?.into_iter();
        Ok(answers.find(|answer| answer.goal.output == output))
    }

    /// The set a fill is taken from, in words.
    fn fill_reference(&self, fill: Fill) -> Option<String> {
        match fill {
            Fill::Zero => None,
            Fill::Corrupted => Some("each sample's own pair".to_owned()),
            Fill::Mean | Fill::Resample => Some(format!(
                "the {} samples of split `{}`",
                self.batch.len(),
                self.files.data.split
            )),
        }
    }
}

/// The size of every edge's kernel, √Σw²; |w| of a linear layer.
fn kernels<T: Scalar>(model: &Layered<T>) -> Vec<f64> {
    let sites = LayeredSites::new(model);
    let size = |edge: usize| {
        let weights = sites.weight_of(model, edge).into_iter();
        let squares = weights.map(|w| w.widen() * w.widen());
        squares.sum::<f64>().sqrt()
    };
    (0..sites.edge_count()).map(size).collect()
}
