//! The pipeline for transformers: parity, ablation of components, circuits.

use std::borrow::Cow;
use std::time::Instant;

use ndarray::Array2;

use super::methods::{CircuitsConfig, Granularity, no_positions};
use super::search::{Answer, Found, Search, ablation};
use super::subject::output_name;
use super::truth::Truth;
use super::{Clock, Config, Conventions, Outcome, describe, findings, memory};
use crate::checkpoint::Checkpoint;
use crate::circuit::{Goal, authors_order};
use crate::data::Dataset;
use crate::metric::{Metric, MetricKind, decision};
use crate::model::transformer::{Embedding, SequenceTrace};
use crate::model::{Loaded, Sequences, Transformer};
use crate::numeric::Scalar;
use crate::patch::{ComponentEngine, Fill, NeuronEngine, Patchable, Setup};
use crate::result::{self, GraphConfig};
use crate::{Error, Result};

/// Samples whose attention is shown.
const SHOWN: usize = 3;

/// Sequences longer than this are not shown.
const LONGEST_SHOWN: usize = 64;

/// A transformer under audit, with its data.
struct Subject<'a, T> {
    data: &'a Dataset,
    model: &'a Transformer<T>,
    batch: Sequences<T>,
    /// Outputs `[outputs, readings]`.
    clean: Array2<T>,
    /// Per reading, the largest output: the answer where the data name none.
    decisions: Vec<usize>,
    loss: Option<Metric>,
    loss_name: &'static str,
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
    let subject = Subject::new(data, model, config)?;
    let mut clock = Clock::new(started);
    let mut seconds = result::Seconds::default();
    let parity = subject.truth().parity();
    seconds.load = clock.lap();
    let fill = config.circuits.fill(subject.batch.corrupted.is_some());
    let split_input = subject.split_input(config, fill)?;
    let (nodes, found) = match config.stages.circuits {
        true => subject.circuits(config, progress)?,
        false => Default::default(),
    };
    let silent = findings::silent(found.iter().filter(|f| f.silent).map(|f| &f.circuit));
    let graphs = found.iter().filter_map(|f| f.graph.clone()).collect();
    let circuits = found.into_iter().map(|f| f.circuit).collect();
    seconds.circuits = clock.lap();
    seconds.total = clock.total();
    let result = result::Audit {
        schema: result::SCHEMA.to_owned(),
        tool: result::Tool::this(),
        command: config.command.clone(),
        seed: config.seed,
        checkpoint: describe::checkpoint(checkpoint, loaded),
        data: Some(describe::data(data, subject.loss_name)),
        parity,
        prune: None,
        modules: None,
        nodes,
        circuits,
        network: result::Network {
            layers: Vec::new(),
            weights: Vec::new(),
        },
        transformer: Some(subject.shape(split_input)),
        prompts: data.prompts.clone(),
        attention: subject.attention(),
        findings: [findings::non_finite(checkpoint), silent].concat(),
        costs: result::Costs {
            seconds,
            inference: None,
            peak_memory_bytes: memory::peak_bytes(),
        },
        graph: None,
    };
    Ok(Outcome {
        result,
        graphs,
        pruned: None,
        compacted: None,
        relocated: None,
    })
}

impl<'a, T: Scalar> Subject<'a, T> {
    fn new(data: &'a Dataset, model: &'a Transformer<T>, config: &Config) -> Result<Self> {
        let batch = Sequences::new(model, data, config.read.as_ref())?;
        let trace = model.forward_sequences(&batch.inputs, &batch.answers, batch.length());
        let clean = trace.outputs().to_owned();
        let (loss, loss_name) = truth(&batch, &clean).loss(data.task.loss.as_deref())?;
        Ok(Self {
            data,
            model,
            batch,
            decisions: clean.columns().into_iter().map(decision).collect(),
            clean,
            loss,
            loss_name,
        })
    }

    fn truth(&self) -> Truth<'_, T> {
        Truth {
            answers: Some(&self.decisions).filter(|_| self.batch.correct.is_none()),
            ..truth(&self.batch, &self.clean)
        }
    }

    /// What is sought: one answer for classes, one per trained output for numbers.
    fn goals(&self, config: &Config) -> Result<Vec<(Goal, String)>> {
        let truth = self.truth();
        let classes = truth.classes.is_some();
        let usual = match (classes, truth.targets) {
            (false, Some(_)) => MetricKind::Mse,
            (false, None) if self.model.outputs() == 1 => MetricKind::Output,
            _ => MetricKind::LogitDiff,
        };
        let kind = config.circuits.metric.unwrap_or(usual);
        let single = matches!(kind, MetricKind::Mse | MetricKind::Output) && !classes;
        let goal = |output: Option<usize>| -> Result<(Goal, String)> {
            let goal = Goal {
                output: output.unwrap_or(0),
                rows: (0..self.batch.answers.len()).collect(),
                metric: truth.metric(kind, output)?,
            };
            let name = output.map(|o| output_name(self.data, self.model.out_perm[o]));
            Ok((goal, name.unwrap_or_else(|| "the answer".to_owned())))
        };
        if !single || truth.targets.is_none() {
            return Ok(vec![goal(None)?]);
        }
        let trained = self.data.task.trained.clone();
        let targets = trained.unwrap_or_else(|| (0..self.model.outputs()).collect());
        let place = |target: &usize| self.model.out_perm.iter().position(|t| t == target);
        targets
            .iter()
            .filter_map(place)
            .map(|o| goal(Some(o)))
            .collect()
    }

    /// Ablation of every component, and the circuits.
    fn circuits(
        &self,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<result::NodeAblation>, Vec<Found>)> {
        let fill = config.circuits.fill(self.batch.corrupted.is_some());
        let setup = Setup {
            fill,
            seed: config.seed,
            split_input: self.split_input(config, fill)?,
        };
        let goals = self.goals(config)?;
        let needed = self.bounded(config, setup)?;
        progress(&format!(
            "running the clean and the filled network, in about {needed} MB"
        ));
        let engine = ComponentEngine::new(self.model, &self.batch, setup)?;
        progress("ablating components");
        let only: Vec<Goal> = goals.iter().map(|(goal, _)| goal.clone()).collect();
        let sites = vec!["logits".to_owned(); only.len()];
        let nodes = ablation(&engine, &only, &sites, fill, self.fill_reference(fill));
        let found = self.found(engine, goals, setup, config, progress)?;
        Ok((vec![nodes], found))
    }

    /// The megabytes that runs take.
    ///
    /// # Errors
    /// If they are more than allowed.
    fn bounded(&self, config: &Config, setup: Setup) -> Result<u64> {
        let (model, batch) = (self.model, &self.batch);
        let mut needed = ComponentEngine::bytes(model, batch, setup);
        if config.circuits.granularity == Some(Granularity::Neuron) {
            needed = needed.max(NeuronEngine::bytes(model, batch));
        }
        match config.circuits.max_memory.filter(|limit| needed > *limit) {
            None => Ok(needed.div_ceil(1_000_000)),
            Some(limit) => Err(Error::TooMuchMemory {
                path: self.data.path.clone(),
                needed: needed.div_ceil(1_000_000),
                limit: limit / 1_000_000,
            }),
        }
    }

    /// The circuits, at the granularity that was asked for.
    fn found(
        &self,
        engine: ComponentEngine<'_, T>,
        goals: Vec<(Goal, String)>,
        setup: Setup,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<Vec<Found>> {
        let (settings, path) = (&config.circuits, &self.data.path);
        let engine = match settings.positions {
            true => engine.at_positions(&self.batch)?,
            false => engine,
        };
        progress("discovering circuits");
        match settings.granularity {
            None | Some(Granularity::Component) => {
                let mut search = self.search(&engine, goals, settings, setup, progress);
                let published = settings.conventions == Conventions::Published;
                if published && !settings.positions {
                    search.published_order = Some(authors_order(engine.sites()));
                }
                search.at_its_level()
            }
            Some(Granularity::Neuron) if settings.positions => {
                let detail = "channels and neurons are patched at all positions";
                Err(no_positions(path, detail))
            }
            Some(Granularity::Neuron) => {
                drop(engine);
                let neurons = NeuronEngine::new(self.model, &self.batch, setup.fill, setup.seed)?;
                // Each is a node already.
                let settings = settings.of_nodes();
                let search = self.search(&neurons, goals, &settings, setup, progress);
                search.run()
            }
            Some(other) => Err(other.refused(path, "a transformer")),
        }
    }

    /// A search for the circuits of these goals in all of a network.
    fn search<'s, P: Patchable + Clone>(
        &self,
        network: &'s P,
        goals: Vec<(Goal, String)>,
        settings: &'s CircuitsConfig,
        setup: Setup,
        progress: &'s dyn Fn(&str),
    ) -> Search<'s, P>
    where
        'a: 's,
    {
        let answer = |(goal, name): (Goal, String)| Answer {
            goal,
            network: Cow::Borrowed(network),
            site: "logits".to_owned(),
            name,
        };
        let (data, model) = (self.data, self.model);
        Search {
            network,
            data: &data.path,
            candidates: network.all(),
            answers: goals.into_iter().map(answer).collect(),
            config: settings,
            fill: setup.fill,
            seed: setup.seed,
            progress,
            fill_reference: self.fill_reference(setup.fill),
            published_order: None,
            cfg: Some(GraphConfig {
                n_layers: model.blocks.len(),
                n_heads: model.heads.count,
                parallel_attn_mlp: false,
                d_model: model.width(),
            }),
        }
    }

    /// Whether token and position embedding are told apart: where that was
    /// asked for, or where a circuit that was given does.
    fn split_input(&self, config: &Config, fill: Fill) -> Result<bool> {
        let circuits = [&config.circuits.known, &config.circuits.given];
        let mut split = config.circuits.split_input;
        for circuit in circuits.into_iter().flatten() {
            split |= circuit.known(fill)?.splits_input();
        }
        Ok(split)
    }

    /// The set a fill is taken from, in words.
    fn fill_reference(&self, fill: Fill) -> Option<String> {
        let samples = format!(
            "the {} samples of split `{}`, position by position",
            self.batch.samples(),
            self.data.split
        );
        match fill {
            Fill::Zero => None,
            Fill::Mean | Fill::Resample => Some(samples),
            Fill::Corrupted => Some("each sample's own pair".to_owned()),
        }
    }

    fn shape(&self, split_input: bool) -> result::Transformer {
        let model = self.model;
        result::Transformer {
            layers: model.blocks.len(),
            heads: model.heads.count,
            width: model.width(),
            hidden: model.blocks.first().map_or(0, |b| b.up_bias.len()),
            inputs: match &model.embedding {
                Embedding::Tokens(table) => table.nrows(),
                Embedding::Values { weight, .. } => weight.nrows(),
            },
            outputs: model.outputs(),
            causal: model.heads.causal,
            norms: model.blocks.iter().any(|b| b.norm1.is_some()),
            split_input,
            length: self.batch.length(),
            read: self.read(),
            loss: self.loss.as_ref().map(|loss| loss.mean(self.clean.view())),
        }
    }

    /// Where answers are read, in words.
    fn read(&self) -> String {
        let answers = &self.batch.answers;
        let row = |sample: usize| -> Vec<usize> {
            (0..answers.per_sample())
                .map(|wanted| answers.position(sample, wanted))
                .collect()
        };
        let same = (1..answers.samples()).all(|sample| row(sample) == row(0));
        let length = self.batch.length();
        match (same, answers.per_sample()) {
            (_, wanted) if wanted == length => "every position".to_owned(),
            (true, 1) if answers.position(0, 0) + 1 == length => "the last position".to_owned(),
            (true, _) => {
                let positions: Vec<String> = row(0).iter().map(ToString::to_string).collect();
                format!("positions {} of {length}", positions.join(", "))
            }
            (false, 1) => "one position, each sample its own".to_owned(),
            (false, wanted) => format!("{wanted} positions, each sample its own"),
        }
    }

    /// Attention patterns of the first samples.
    fn attention(&self) -> Vec<result::Attention> {
        let length = self.batch.length();
        if length > LONGEST_SHOWN {
            return Vec::new();
        }
        let part = self.batch.part(0..self.batch.samples().min(SHOWN));
        let trace = self
            .model
            .forward_sequences(&part.inputs, &part.answers, length);
        let layers = 0..self.model.blocks.len();
        layers
            .flat_map(|layer| self.patterns(&trace, layer))
            .collect()
    }

    /// The patterns of one block.
    fn patterns(&self, trace: &SequenceTrace<T>, layer: usize) -> Vec<result::Attention> {
        let queries = trace.queries(layer, self.model.blocks.len());
        let (asked, heads) = (queries.per_sample(), self.model.heads.count);
        let pattern = &trace.attention[layer].pattern;
        let of = |sample: usize, head: usize| {
            let first = (sample * heads + head) * asked;
            let rows = pattern.slice(ndarray::s![first..first + asked, ..]);
            result::Attention {
                sample,
                layer,
                head,
                queries: (0..asked).map(|q| queries.position(sample, q)).collect(),
                pattern: rows.iter().map(|share| share.widen()).collect(),
            }
        };
        (0..queries.samples())
            .flat_map(|sample| (0..heads).map(move |head| (sample, head)))
            .map(|(sample, head)| of(sample, head))
            .collect()
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
