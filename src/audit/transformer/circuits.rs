//! The circuits of a transformer: of its components, or of its weights.

use std::borrow::Cow;

use super::Subject;
use crate::audit::search::{Answer, Found, Search, ablation};
use crate::audit::subject::output_name;
use crate::audit::{Config, Granularity};
use crate::circuit::{Attributable, Goal, Maskable};
use crate::metric::{Metric, MetricKind};
use crate::model::Transformer;
use crate::numeric::Scalar;
use crate::patch::{ComponentEngine, EdgeSet, Fill, Patchable, Setup, WeightEngine};
use crate::result::{GraphConfig, NodeAblation};
use crate::{Error, Result};

/// Where an answer is read that more than one output takes part in.
const ANSWER: &str = "logits";

impl<T: Scalar> Subject<'_, T> {
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

    /// Ablation of every node, and the circuits, at the granularity asked for.
    pub fn circuits(
        &self,
        pruned: &Transformer<T>,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        let fill = config.circuits.fill(self.batch.corrupted.is_some());
        let setup = Setup {
            fill,
            seed: config.seed,
            split_input: self.split_input(config, fill)?,
        };
        if config.circuits.granularity == Some(Granularity::Weight) {
            progress("running the clean and the filled network");
            let engine = WeightEngine::new(pruned, &self.batch, setup)?;
            let site = |goal: &Goal| match goal.metric {
                Metric::Mse {
                    output: Some(q), ..
                }
                | Metric::Output { output: q } => format!("y{q}"),
                _ => ANSWER.to_owned(),
            };
            return self.search(&engine, engine.surviving(), site, None, config, progress);
        }
        let needed = ComponentEngine::bytes(pruned, &self.batch, setup);
        if let Some(limit) = config.circuits.max_memory.filter(|limit| needed > *limit) {
            return Err(Error::TooMuchMemory {
                path: self.data.path.clone(),
                needed: needed.div_ceil(1_000_000),
                limit: limit / 1_000_000,
            });
        }
        progress(&format!(
            "running the clean and the filled network, in about {} MB",
            needed.div_ceil(1_000_000)
        ));
        let engine = ComponentEngine::new(pruned, &self.batch, setup)?;
        let cfg = GraphConfig {
            n_layers: self.model.blocks.len(),
            n_heads: self.model.heads.count,
            parallel_attn_mlp: false,
            d_model: self.model.width(),
        };
        let site = |_: &Goal| ANSWER.to_owned();
        self.search(&engine, engine.all(), site, Some(cfg), config, progress)
    }

    /// Ablation and circuits in a network; circuits are made of `candidates`,
    /// `site` says where an answer is read.
    fn search<P: Attributable + Maskable + Clone>(
        &self,
        network: &P,
        candidates: EdgeSet,
        site: impl Fn(&Goal) -> String,
        cfg: Option<GraphConfig>,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        let fill = config.circuits.fill(self.batch.corrupted.is_some());
        let goals = self.goals(config)?;
        progress("ablating nodes");
        let only: Vec<Goal> = goals.iter().map(|(goal, _)| goal.clone()).collect();
        let sites: Vec<String> = only.iter().map(&site).collect();
        let nodes = ablation(network, &only, &sites, fill, self.fill_reference(fill));
        progress("discovering circuits");
        let answer = |((goal, name), site): ((Goal, String), String)| Answer {
            goal,
            network: Cow::Borrowed(network),
            site,
            name,
        };
        let search = Search {
            network,
            data: &self.data.path,
            candidates,
            answers: goals.into_iter().zip(sites).map(answer).collect(),
            config: &config.circuits,
            fill,
            seed: config.seed,
            progress,
            fill_reference: self.fill_reference(fill),
            cfg,
        };
        Ok((vec![nodes], search.at_its_level()?))
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
            self.data.split
        );
        match fill {
            Fill::Zero => None,
            Fill::Mean | Fill::Resample => Some(samples),
            Fill::Corrupted => Some("each sample's own pair".to_owned()),
        }
    }
}
