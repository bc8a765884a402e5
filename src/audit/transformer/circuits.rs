//! The circuits of a transformer: of its components, or of its weights.

use super::Subject;
use crate::Result;
use crate::audit::circuits::set_names;
use crate::audit::files::Files;
use crate::audit::held::{held, of_both};
use crate::audit::memory::{Budget, resident_bytes};
use crate::audit::methods::no_positions;
use crate::audit::proved::{self, Runs, every_input};
use crate::audit::search::{Answer, Found, Part, Search, Searchable, ablation};
use crate::audit::task::{self, TaskControls};
use crate::audit::{Config, Conventions, Granularity};
use crate::choice::Equivalence;
use crate::circuit::{Goal, Try, authors_order};
use crate::metric::{Metric, MetricKind};
use crate::model::Transformer;
use crate::model::transformer::Embedding;
use crate::numeric::Scalar;
use crate::patch::{ComponentEngine, Fill, NeuronEngine, Patchable, Setup, WeightEngine};
use crate::prune::Reference;
use crate::result::{GraphConfig, NodeAblation};

/// What goes with circuits of components alone.
struct OfComponents {
    /// What a graph file says.
    cfg: GraphConfig,
    /// The order of ACDC's published code, where that is asked for.
    order: Option<Vec<Try>>,
}

/// Runs the network on the samples of a subject.
type Build<'b, 'e, T> =
    dyn Fn(&Subject<'_, T>) -> Result<Box<dyn Searchable<Number = T> + 'e>> + 'b;

/// Where an answer is read that more than one output takes part in.
const ANSWER: &str = "logits";

/// The circuits of a search, of edges or of nodes; a neuron is a node already.
fn at_its_level<T: Scalar>(search: &Search<'_, T>) -> Result<Vec<Found>> {
    match search.config.granularity {
        Some(Granularity::Neuron) => search.run(),
        _ => search.at_its_level(),
    }
}

impl<T: Scalar> Subject<'_, T> {
    /// What is sought: one answer for classes, one per trained output for numbers.
    pub(super) fn goals(&self, config: &Config) -> Result<Vec<(Goal, String)>> {
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
                rows: (0..self.batch.answers.readings()).collect(),
                metric: truth.metric(kind, output)?,
            };
            let name = output.map(|o| self.output_name(o));
            Ok((goal, name.unwrap_or_else(|| "the answer".to_owned())))
        };
        if !single || truth.targets.is_none() {
            return Ok(vec![goal(None)?]);
        }
        let trained = self.files.data.task.trained.clone();
        let targets = trained.unwrap_or_else(|| (0..self.model.outputs()).collect());
        let place = |target: &usize| self.model.out_perm.iter().position(|t| t == target);
        targets
            .iter()
            .filter_map(place)
            .map(|o| goal(Some(o)))
            .collect()
    }

    /// Ablation of every node, and the circuits, at the granularity asked for.
    pub(super) fn circuits_of(
        &self,
        pruned: &Transformer<T>,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        let proved = proved::is_asked(&config.circuits, &self.files.data.path)?;
        let fill = match proved {
            true => config.circuits.fill.unwrap_or(Fill::Mean),
            false => self.fill(config),
        };
        let setup = Setup {
            fill,
            seed: config.fill_seed(),
            split_input: self.split_input(config, fill)?,
        };
        let needed = self.bounded(pruned, config, setup)?;
        progress(&format!(
            "running the clean and the filled network, in about {needed} MB"
        ));
        let (settings, path) = (&config.circuits, &self.files.data.path);
        match settings.granularity {
            None | Some(Granularity::Component) => {
                self.of_components(pruned, setup, config, progress)
            }
            Some(_) if settings.positions => {
                let detail = "weights, channels and neurons are patched at all positions";
                Err(no_positions(path, detail))
            }
            Some(Granularity::Weight) => self.of_weights(pruned, setup, config, progress),
            Some(Granularity::Neuron) => self.of_neurons(pruned, setup, config, progress),
        }
    }

    /// The circuits of weights, one for each output that the metric is of.
    fn of_weights(
        &self,
        pruned: &Transformer<T>,
        setup: Setup,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        let build = |subject: &Subject<'_, T>| {
            subject.bounded(pruned, config, setup)?;
            boxed(WeightEngine::new(pruned, &subject.batch, setup)?)
        };
        let site = |goal: &Goal| match goal.metric {
            Metric::Mse {
                output: Some(q), ..
            }
            | Metric::Output { output: q } => format!("y{q}"),
            _ => ANSWER.to_owned(),
        };
        self.search(&build, &site, None, config, progress)
    }

    /// The circuits of channels and neurons.
    fn of_neurons(
        &self,
        pruned: &Transformer<T>,
        setup: Setup,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        let build = |subject: &Subject<'_, T>| {
            subject.bounded(pruned, config, setup)?;
            let Setup { fill, seed, .. } = setup;
            boxed(NeuronEngine::new(pruned, &subject.batch, fill, seed)?)
        };
        let site = |_: &Goal| ANSWER.to_owned();
        // Each is a node already.
        let of_nodes = Config {
            circuits: config.circuits.of_nodes(),
            ..config.clone()
        };
        self.search(&build, &site, None, &of_nodes, progress)
    }

    /// The circuits of components, whole or position by position.
    fn of_components(
        &self,
        pruned: &Transformer<T>,
        setup: Setup,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        let ungrouped = config.circuits.ungroup.then(|| pruned.ungrouped());
        let pruned = ungrouped.as_ref().unwrap_or(pruned);
        let build = |subject: &Subject<'_, T>| {
            subject.bounded(pruned, config, setup)?;
            let engine = ComponentEngine::new(pruned, &subject.batch, setup)?;
            boxed(match config.circuits.positions {
                true => engine.at_positions(&subject.batch)?,
                false => engine,
            })
        };
        let cfg = GraphConfig {
            n_layers: self.model.blocks.len(),
            n_heads: self.model.head_count(),
            parallel_attn_mlp: self.model.blocks.iter().all(|b| b.is_parallel()),
            n_key_value_heads: key_heads(pruned),
            d_model: self.model.width(),
        };
        let published = config.circuits.conventions == Conventions::Published;
        let order = (published && !config.circuits.positions)
            .then(|| authors_order(&pruned.components(setup.split_input)));
        let site = |_: &Goal| ANSWER.to_owned();
        let of = OfComponents { cfg, order };
        self.search(&build, &site, Some(of), config, progress)
    }

    /// The megabytes that runs take.
    ///
    /// # Errors
    /// If they are more than allowed.
    pub(super) fn bounded(
        &self,
        pruned: &Transformer<T>,
        config: &Config,
        setup: Setup,
    ) -> Result<u64> {
        let needed = self.engine_bytes(pruned, config, setup);
        if let Some(limit) = config.circuits.max_memory {
            // The process holds weights and samples besides.
            let all = needed.saturating_add(resident_bytes());
            Budget::new(Some(limit)).check(all, &self.files.data.path)?;
        }
        Ok(needed.div_ceil(1_000_000))
    }

    /// What runs take beside the network, in bytes.
    pub(super) fn engine_bytes(
        &self,
        model: &Transformer<T>,
        config: &Config,
        setup: Setup,
    ) -> u64 {
        let components = ComponentEngine::bytes(model, &self.batch, setup);
        match config.circuits.granularity {
            Some(Granularity::Neuron) => components.max(NeuronEngine::bytes(model, &self.batch)),
            None | Some(Granularity::Component | Granularity::Weight) => components,
        }
    }

    /// Ablation and circuits; `build` runs the network on the samples of a subject,
    /// `site` says where an answer is read.
    fn search<'e>(
        &self,
        build: &Build<'_, 'e, T>,
        site: &dyn Fn(&Goal) -> String,
        components: Option<OfComponents>,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        if proved::is_asked(&config.circuits, &self.files.data.path)? {
            let cfg = components.map(|of| of.cfg);
            return self.by_proof(build, site, cfg, config, progress);
        }
        let fill = self.fill(config);
        let whole = build(self)?;
        let mut ablated = Vec::new();
        if config.circuits.nodes {
            progress("ablating nodes");
            ablated.push(self.ablated(whole.as_ref(), site, config)?);
        }
        let held = held(self.files.data, config, false)?;
        let on = |data| {
            let files = Files { data, ..self.files };
            Subject::new(files, self.model, config.read.as_ref())
        };
        let other = of_both(held.as_ref(), on)?;
        progress("discovering circuits");
        let (discover, network, judge) = match &other {
            Some((discover, judge)) => {
                drop(whole);
                (discover, build(discover)?, Some((judge, build(judge)?)))
            }
            None => (self, whole, None),
        };
        let answers = discover.sought(network.as_ref(), site, config)?;
        let judges: Vec<Option<Answer<'_, T>>> = match &judge {
            Some((judge, network)) => {
                let answers = judge.sought(network.as_ref(), site, config)?;
                answers.into_iter().map(Some).collect()
            }
            None => answers.iter().map(|_| None).collect(),
        };
        let judging = judge.as_ref().map_or(self, |(judge, _)| judge);
        let nonsense = |answer: &Answer<'_, T>| judging.nonsense(answer, config.seed);
        let (data, settings) = (self.files.data, &config.circuits);
        let search = Search {
            controls: match &judges[..] {
                [Some(_), ..] => judges.iter().flatten().map(nonsense).collect(),
                _ => answers.iter().map(nonsense).collect(),
            },
            answers,
            judges,
            sets: set_names(held.as_ref(), data),
            fill_reference: discover.fill_reference(fill),
            cfg: components.as_ref().map(|of| of.cfg),
            published_order: components.and_then(|of| of.order),
            ..Search::new(network.as_ref(), data, settings, (fill, config), progress)
        };
        Ok((ablated, at_its_level(&search)?))
    }

    /// What an answer's circuit is held against on these samples: labels of other samples.
    fn nonsense(&self, answer: &Answer<'_, T>, seed: u64) -> TaskControls {
        TaskControls {
            nonsense: task::nonsense(&answer.goal.metric, &self.clean, seed),
            ..TaskControls::default()
        }
    }

    /// The circuit that is left where every input of the domain is run.
    fn by_proof<'e>(
        &self,
        build: &Build<'_, 'e, T>,
        site: &dyn Fn(&Goal) -> String,
        cfg: Option<GraphConfig>,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        let asked = &config.circuits.proof;
        let path = &self.files.data.path;
        let fill = config.circuits.fill.unwrap_or(Fill::Mean);
        proved::fixed(fill, asked.rest, path)?;
        let positions = self.batch.answers.shared();
        let tokens = match &self.model.embedding {
            Embedding::Tokens(table) => table.nrows(),
            Embedding::Values { .. } => 0,
        };
        let (data, domain) = every_input(self.files.data, asked, tokens, positions)?;
        let files = Files {
            data: &data,
            ..self.files
        };
        let all = Subject::new(files, self.model, None)?;
        let network = build(&all)?;
        let numbers = self.batch.targets.is_some() || self.model.outputs() == 1;
        let (usual, kind) = match numbers {
            false => (Equivalence::Top1, MetricKind::LogitDiff),
            true if self.model.outputs() == 1 => (Equivalence::Epsilon, MetricKind::Output),
            true => (Equivalence::Epsilon, MetricKind::Mse),
        };
        let reference = Reference::new(self.model, all.batch.clone(), asked.tolerance, false);
        let tolerance = reference.tolerances().to_vec();
        let of = (domain, data.len() as u64);
        let prover = Runs::new(network.as_ref(), asked, usual, tolerance, of);
        let kind = config.circuits.metric.unwrap_or(kind);
        let goal = Goal::of_all(
            all.truth().metric(kind, None)?,
            all.batch.answers.readings(),
        );
        let answer = Answer {
            site: site(&goal),
            goal,
            network: Part::All(network.as_ref()),
            name: "the answer".to_owned(),
        };
        let settings = &config.circuits;
        let search = Search {
            data: path,
            fill_reference: all.fill_reference(fill),
            cfg,
            prover: Some(&prover),
            ..Search::new(network.as_ref(), &data, settings, (fill, config), progress)
                .of_one(answer)
        };
        Ok((Vec::new(), at_its_level(&search)?))
    }

    /// The answers that are sought, in the network on this subject's samples.
    fn sought<'e>(
        &self,
        network: &'e dyn Searchable<Number = T>,
        site: &dyn Fn(&Goal) -> String,
        config: &Config,
    ) -> Result<Vec<Answer<'e, T>>> {
        let answer = |(goal, name): (Goal, String)| Answer {
            site: site(&goal),
            goal,
            network: Part::All(network),
            name,
        };
        Ok(self.goals(config)?.into_iter().map(answer).collect())
    }

    /// The ablation of every node, on all samples.
    fn ablated(
        &self,
        network: &dyn Patchable<Number = T>,
        site: &dyn Fn(&Goal) -> String,
        config: &Config,
    ) -> Result<NodeAblation> {
        let fill = self.fill(config);
        let goals: Vec<Goal> = self
            .goals(config)?
            .into_iter()
            .map(|(goal, _)| goal)
            .collect();
        let sites: Vec<String> = goals.iter().map(site).collect();
        Ok(ablation(
            network,
            &goals,
            &sites,
            fill,
            self.fill_reference(fill),
        ))
    }

    /// Whether token and position embedding are told apart: where that was
    /// asked for, or where a circuit that was given does.
    pub fn split_input(&self, config: &Config, fill: Fill) -> Result<bool> {
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
            self.files.data.split
        );
        match fill {
            Fill::Zero => None,
            Fill::Mean | Fill::Resample => Some(samples),
            Fill::Corrupted => Some("each sample's own pair".to_owned()),
        }
    }
}

/// Any engine, as what is searched.
fn boxed<'e, P: Searchable + 'e>(
    engine: P,
) -> Result<Box<dyn Searchable<Number = P::Number> + 'e>> {
    Ok(Box::new(engine))
}

/// Key-value heads per block, where heads share some.
fn key_heads<T: Scalar>(model: &Transformer<T>) -> Option<usize> {
    let heads = model.blocks.iter().map(|block| &block.attention.heads);
    let shared = heads.filter(|heads| heads.keys < heads.count);
    shared.map(|heads| heads.keys).max()
}
