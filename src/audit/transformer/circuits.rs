//! The circuits of a transformer: of its components, or of its weights.

use std::borrow::Cow;

use super::Subject;
use crate::Result;
use crate::audit::Config;
use crate::audit::search::{Answer, Found, Search, ablation};
use crate::audit::subject::output_name;
use crate::circuit::Goal;
use crate::metric::MetricKind;
use crate::model::Transformer;
use crate::numeric::Scalar;
use crate::patch::{ComponentEngine, Fill, Patchable, Setup};
use crate::result::{GraphConfig, NodeAblation};

impl<T: Scalar> Subject<'_, T> {
    /// What is sought: one answer for classes, one per trained output for numbers.
    fn goals(&self, config: &Config) -> Result<Vec<(Goal, String)>> {
        let truth = self.truth();
        let classes = truth.classes.is_some();
        let usual = match (classes, truth.targets) {
            (true, _) => MetricKind::LogitDiff,
            (false, Some(_)) => MetricKind::Mse,
            (false, None) => MetricKind::Kl,
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
            split_input: config.circuits.split_input,
        };
        let goals = self.goals(config)?;
        progress("running the clean and the filled network");
        let engine = ComponentEngine::new(pruned, &self.batch, setup)?;
        progress("ablating components");
        let only: Vec<Goal> = goals.iter().map(|(goal, _)| goal.clone()).collect();
        let sites = vec!["logits".to_owned(); only.len()];
        let nodes = ablation(&engine, &only, &sites, fill, self.fill_reference(fill));
        progress("discovering circuits");
        let answer = |(goal, name): (Goal, String)| Answer {
            goal,
            network: Cow::Borrowed(&engine),
            site: "logits".to_owned(),
            name,
        };
        let search = Search {
            network: &engine,
            candidates: engine.all(),
            answers: goals.into_iter().map(answer).collect(),
            config: &config.circuits,
            fill,
            seed: config.seed,
            fill_reference: self.fill_reference(fill),
            cfg: Some(GraphConfig {
                n_layers: self.model.blocks.len(),
                n_heads: self.model.heads.count,
                parallel_attn_mlp: false,
                d_model: self.model.width(),
            }),
        };
        Ok((vec![nodes], search.run()?))
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
