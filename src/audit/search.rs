//! The circuits of all answers of a network, by every method that was asked for.
//!
//! The same for every network that can be patched: an MLP's weights and a
//! transformer's components are searched by one piece of code.

use std::borrow::Cow;
use std::path::Path;
use std::time::Instant;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::findings;
use super::methods::{CircuitsConfig, Level, Method, Reference, Selection};
use super::task::{TaskControls, tested};
use crate::choice::Origin;
use crate::circuit::{
    Acdc, Attributable, Goal, MaskConfig, Maskable, Sign, Try, acdc, acdc_in_order, connected,
    effects, greedy, learned_mask, random_scores, strongest_first, to_graph,
};
use crate::evaluate::hypotheses::random_errors;
use crate::evaluate::{
    Choice, INTERVAL, Judge, choose, faithfulness_curve, recovery, roc_area, roc_curve, sizes,
    smallest, thresholds,
};
use crate::metric::{Direction, MetricKind, decision};
use crate::numeric::statistics::mean;
use crate::numeric::{Rng, Scalar};
use crate::patch::{EdgeSet, Fill, Nodes, Patchable};
use crate::result::{
    Circuit, CircuitControls, CircuitEdge, FaithfulnessCurve, Finding, GraphConfig, GraphJson,
    LogitDifference, NodeAblation, NodeEffect, OutputEffect,
};
use crate::{Error, Result, result};

/// Blocks of edges between which progress is told, and the fewest edges of one.
const BLOCKS: usize = 50;
const SMALLEST_BLOCK: usize = 256;

/// Seconds left that are worth telling.
const WORTH_TELLING: f64 = 2.0;

/// Where a circuit was discovered that came in a file.
const ELSEWHERE: &str = "elsewhere";

/// Random circuits that each circuit is held against, and the stream they come from.
const RANDOM_CIRCUITS: usize = 39;
const RANDOM_STREAM: u64 = 42;

/// Whether nothing had an effect.
fn silent(effects: &[f64]) -> bool {
    !effects.is_empty() && effects.iter().all(|effect| *effect == 0.0)
}

/// A search for circuits.
pub struct Search<'s, P: Clone> {
    /// The network on all samples.
    pub network: &'s P,
    /// The data's file, for errors.
    pub data: &'s Path,
    /// The edges that circuits are made of; all others stay as they are.
    pub candidates: EdgeSet,
    pub answers: Vec<Answer<'s, P>>,
    /// The same answers on the samples that circuits are judged on; `None` where those
    /// are the samples of the discovery.
    pub judges: Vec<Option<Answer<'s, P>>>,
    /// The names of the samples of the discovery and of the judgement.
    pub sets: [String; 2],
    /// What every answer's circuit is held against besides random ones.
    pub controls: Vec<TaskControls>,
    pub config: &'s CircuitsConfig,
    /// What stands in for a patched message.
    pub fill: Fill,
    pub seed: u64,
    /// Is told how far a long search has come.
    pub progress: &'s dyn Fn(&str),
    /// The set that a fill is taken from, in words.
    pub fill_reference: Option<String>,
    /// The order of ACDC's published code, where that is asked for.
    pub published_order: Option<Vec<Try>>,
    /// What a graph file says of a transformer.
    pub cfg: Option<GraphConfig>,
}

/// An answer whose circuit is sought.
pub struct Answer<'s, P: Clone> {
    pub goal: Goal,
    /// The network on the samples that count.
    pub network: Cow<'s, P>,
    /// The site it is read at.
    pub site: String,
    /// Its own name.
    pub name: String,
}

/// A circuit, or why a method gave none.
#[derive(Default)]
pub struct Found {
    pub circuit: Option<Circuit>,
    /// The scores of all edges, where they were asked for.
    pub graph: Option<GraphJson>,
    /// That every score is exactly 0, where it is so.
    pub silent: Option<Finding>,
}

/// What searches found, as a result holds it.
#[derive(Default)]
pub struct Gathered {
    pub circuits: Vec<Circuit>,
    /// The scores of all edges, where they were asked for.
    pub graphs: Vec<GraphJson>,
    /// Searches in which no patch changed anything: their zeros are no scores.
    pub silent: Vec<Finding>,
}

/// Sorts what was found into what a result holds.
pub fn gathered(found: Vec<Found>) -> Gathered {
    let mut all = Gathered::default();
    for Found {
        circuit,
        graph,
        silent,
    } in found
    {
        all.silent.extend(silent);
        all.graphs.extend(graph);
        all.circuits.extend(circuit);
    }
    all
}

/// Scores of all edges for one answer, or `None` where the method gives none.
struct Scores {
    /// By edge number.
    effects: Vec<f64>,
    evaluations: u64,
    seconds: f64,
}

/// A circuit that a method proposes, with the parameter that gave it.
struct Proposal {
    parameter: f64,
    edges: EdgeSet,
}

impl<P: Attributable + Maskable + Clone> Search<'_, P> {
    /// All circuits, of edges or of nodes.
    pub fn at_its_level(&self) -> Result<Vec<Found>> {
        if self.config.level == Level::Edge {
            return self.run();
        }
        let nodes = Nodes::new(self.network);
        let candidate = |node: &usize| !nodes.out()[*node].is_disjoint(&self.candidates);
        let answers: Vec<_> = self.answers.iter().map(Answer::of_nodes).collect();
        let judges = self.judges.iter();
        let search = Search {
            network: &nodes,
            data: self.data,
            candidates: nodes.edges((0..nodes.edge_count()).filter(candidate)),
            answers,
            judges: judges.map(|j| j.as_ref().map(Answer::of_nodes)).collect(),
            sets: self.sets.clone(),
            controls: self.controls.clone(),
            config: self.config,
            fill: self.fill,
            seed: self.seed,
            progress: self.progress,
            fill_reference: self.fill_reference.clone(),
            published_order: None,
            cfg: self.cfg,
        };
        search.run()
    }

    /// All circuits: the methods of one answer stand side by side. A method that
    /// cannot score is told, and leaves the others as they are.
    pub fn run(&self) -> Result<Vec<Found>> {
        let mut all: Vec<(usize, Found)> = Vec::new();
        if let Some(given) = &self.config.given {
            all.extend(self.given(given)?.into_iter().enumerate());
        }
        let mut silent = Vec::new();
        for method in &self.config.methods {
            let found = match method {
                Method::Acdc => self.by_acdc(),
                method => self.by_scores(*method),
            };
            match found {
                Ok(found) => all.extend(found.into_iter().enumerate()),
                Err(error @ (Error::PatchesChangeNothing { .. } | Error::NoSlope { .. })) => {
                    silent.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        if all.is_empty()
            && let Some(first) = silent.pop()
        {
            return Err(first);
        }
        let told = |error: Error| Found {
            silent: Some(findings::silent_method(&error)),
            ..Found::default()
        };
        all.extend(silent.into_iter().map(|error| (0, told(error))));
        all.sort_by_key(|(answer, _)| *answer);
        Ok(all.into_iter().map(|(_, found)| found).collect())
    }

    /// The circuits that scores give, as many edges as it takes.
    fn by_scores(&self, method: Method) -> Result<Vec<Found>> {
        let scores = self.scores(method);
        self.check(method, &scores)?;
        let found = scores.into_iter().enumerate().map(|(index, scores)| {
            let proposals = self.proposals(index, &scores.effects);
            self.found(index, Origin::Found(method), &proposals, &scores)
        });
        Ok(found
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// A circuit that was found elsewhere, as it is.
    fn given(&self, given: &Reference) -> Result<Vec<Found>> {
        let (edges, _) = given.sets(self.network, self.fill)?;
        let proposal = Proposal {
            parameter: edges.count_ones(..) as f64,
            edges,
        };
        let scores = Scores {
            effects: vec![0.0; self.network.edge_count()],
            evaluations: 0,
            seconds: 0.0,
        };
        let proposals = std::slice::from_ref(&proposal);
        let found = 0..self.answers.len();
        let found = found.map(|index| self.found(index, Origin::Given, proposals, &scores));
        Ok(found
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// The scores of all candidates, for every answer.
    fn scores(&self, method: Method) -> Vec<Scores> {
        if method == Method::Exact {
            return self.exact_scores();
        }
        let of_answer = |(index, answer): (usize, &Answer<'_, P>)| {
            let started = Instant::now();
            let network = answer.network.as_ref();
            let metric = answer.metric();
            let (effects, evaluations) =
                match method.attribution(self.config.ig_steps, self.config.conventions) {
                    Some(attribution) => {
                        let runs = attribution.runs(network.groups());
                        (network.attribute(&metric, attribution), runs as u64)
                    }
                    None if method == Method::Mask => {
                        let config = MaskConfig {
                            seed: self.seed,
                            ..self.config.mask
                        };
                        let open = learned_mask(network, &metric, config);
                        (open, config.steps as u64)
                    }
                    None => {
                        assert_eq!(method, Method::Random, "the other methods score elsewhere");
                        (random_scores(network, self.seed + index as u64), 0)
                    }
                };
            Scores {
                effects,
                evaluations,
                seconds: started.elapsed().as_secs_f64(),
            }
        };
        self.answers.iter().enumerate().map(of_answer).collect()
    }

    /// Exact effects: one pass over the edges serves all answers.
    fn exact_scores(&self) -> Vec<Scores> {
        let started = Instant::now();
        let edges: Vec<usize> = self.candidates.ones().collect();
        let goals: Vec<Goal> = self.answers.iter().map(|a| a.goal.clone()).collect();
        let mut all = vec![Vec::with_capacity(edges.len()); goals.len()];
        let block = edges.len().div_ceil(BLOCKS).max(SMALLEST_BLOCK);
        for (index, some) in edges.chunks(block).enumerate() {
            let found = effects(self.network, &self.network.edges([]), some, &goals);
            for (all, found) in all.iter_mut().zip(found) {
                all.extend(found);
            }
            let done = (index * block + some.len()) as f64 / edges.len() as f64;
            let left = started.elapsed().as_secs_f64() * (1.0 - done) / done;
            if left > WORTH_TELLING {
                let percent = 100.0 * done;
                let text = format!("exact effects: {percent:.0} % done, about {left:.0} s left");
                (self.progress)(&text);
            }
        }
        let seconds = started.elapsed().as_secs_f64() / goals.len().max(1) as f64;
        let of_goal = |values: Vec<f64>| {
            let mut effects = vec![0.0; self.network.edge_count()];
            for (edge, value) in edges.iter().zip(values) {
                effects[*edge] = value;
            }
            Scores {
                effects,
                evaluations: edges.len() as u64,
                seconds,
            }
        };
        all.into_iter().map(of_goal).collect()
    }

    /// A patch that changes nothing anywhere is a mistake, not a score of 0.
    fn check(&self, method: Method, scores: &[Scores]) -> Result<()> {
        if !self.config.strict {
            return Ok(());
        }
        let silent = |s: &Scores| silent(&s.effects);
        if !scores.is_empty() && scores.iter().all(silent) && self.candidates.count_ones(..) > 0 {
            let kind = self.answers[0].goal.metric.kind();
            let attributes = method.attribution(self.config.ig_steps, self.config.conventions);
            if attributes.is_some() && kind.is_flat_at_the_full_network() {
                return Err(Error::NoSlope {
                    path: self.data.to_owned(),
                    method: method.to_string(),
                    metric: kind.to_string(),
                });
            }
            return Err(Error::PatchesChangeNothing {
                path: self.data.to_owned(),
                method: method.to_string(),
                fill: self.fill.to_string(),
                metric: kind.to_string(),
            });
        }
        Ok(())
    }

    /// The circuits to choose from: of some sizes, and of the smallest of all sizes
    /// that is faithful.
    fn proposals(&self, index: usize, effects: &[f64]) -> Vec<Proposal> {
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let of_candidates: Vec<f64> = candidates.iter().map(|edge| effects[*edge]).collect();
        let ranked: Vec<usize> = match self.config.selection {
            Selection::Top => strongest_first(&candidates, &of_candidates)
                .into_iter()
                .map(|(edge, _)| edge)
                .collect(),
            Selection::Greedy => greedy(self.network, effects, &self.candidates),
        };
        let sizes = match (self.config.top, self.config.threshold) {
            (Some(top), _) => vec![top],
            (None, Some(tau)) => {
                vec![
                    ranked
                        .iter()
                        .filter(|edge| effects[**edge].abs() >= tau)
                        .count(),
                ]
            }
            (None, None) => sizes(ranked.len()),
        };
        let proposal = |size: usize| Proposal {
            parameter: match (self.config.top, self.config.threshold) {
                (None, Some(tau)) => tau,
                _ => size as f64,
            },
            edges: self.kept(ranked.iter().take(size).copied()),
        };
        let mut proposals: Vec<Proposal> = sizes.iter().copied().map(proposal).collect();
        if self.config.top.is_none() && self.config.threshold.is_none() {
            let judge = self.judge(&self.answers[index]);
            let first = self.choice(&judge, &proposals);
            let below = match first.filter(|choice| choice.faithful) {
                Some(choice) => proposals[choice.index].parameter as usize,
                None => ranked.len(),
            };
            let untried = |size: usize| {
                let is_tried = size == 0 || sizes.binary_search(&size).is_ok();
                (!is_tried).then(|| self.kept(ranked.iter().take(size).copied()))
            };
            let found = smallest(&judge, below, self.config.within, untried);
            proposals.extend(found.map(proposal));
        }
        proposals
    }

    /// These edges, without those on no path from an input to an output.
    fn kept(&self, edges: impl IntoIterator<Item = usize>) -> EdgeSet {
        let set = self.network.edges(edges);
        match self.config.connected {
            true => connected(self.network, &set),
            false => set,
        }
    }

    /// ACDC along its threshold.
    fn by_acdc(&self) -> Result<Vec<Found>> {
        let of_answer = |(index, answer): (usize, &Answer<'_, P>)| -> Result<Option<Found>> {
            let started = Instant::now();
            let (network, metric) = (answer.network.as_ref(), answer.metric());
            let judge = self.judge(answer);
            let taus = match self.config.threshold {
                Some(tau) => vec![tau],
                None => thresholds(judge.scale()),
            };
            let (candidates, sign) = (&self.candidates, self.config.sign);
            let order = &self.published_order;
            let search = |threshold: &f64| {
                let config = Acdc {
                    threshold: *threshold,
                    sign,
                };
                match order {
                    Some(order) => {
                        acdc_in_order(network, &metric, candidates, config, order.iter().cloned())
                    }
                    None => acdc(network, &metric, candidates, config),
                }
            };
            let found: Vec<_> = taus.par_iter().map(search).collect();
            let proposal = |(tau, found): (&f64, &crate::circuit::Found)| Proposal {
                parameter: *tau,
                edges: network.edges(found.kept.iter().map(|(edge, _)| *edge)),
            };
            let proposals: Vec<Proposal> = taus.iter().zip(&found).map(proposal).collect();
            let Some(choice) = self.choice(&judge, &proposals) else {
                return Ok(None);
            };
            let chosen = &found[choice.index];
            let mut effects = vec![0.0; network.edge_count()];
            for trial in &chosen.trials {
                if let Try::Edge(edge) = trial.tried {
                    effects[edge] = trial.effect;
                }
            }
            let scores = Scores {
                effects,
                evaluations: chosen.trials.len() as u64,
                seconds: started.elapsed().as_secs_f64(),
            };
            self.found(index, Origin::Found(Method::Acdc), &proposals, &scores)
        };
        let found: Result<Vec<_>> = self.answers.iter().enumerate().map(of_answer).collect();
        Ok(found?.into_iter().flatten().collect())
    }

    fn judge<'j>(&self, answer: &'j Answer<'_, P>) -> Judge<'j, P> {
        Judge::new(
            answer.network.as_ref(),
            answer.metric(),
            self.candidates.clone(),
        )
    }

    fn choice(&self, judge: &Judge<'_, P>, proposals: &[Proposal]) -> Option<Choice> {
        let sets: Vec<(f64, &EdgeSet)> =
            proposals.iter().map(|p| (p.parameter, &p.edges)).collect();
        choose(judge, &sets, self.config.within)
    }

    /// The circuit chosen among proposals, judged and named.
    fn found(
        &self,
        index: usize,
        method: Origin,
        proposals: &[Proposal],
        scores: &Scores,
    ) -> Result<Option<Found>> {
        let answer = &self.answers[index];
        let discovery = self.judge(answer);
        let Some(choice) = self.choice(&discovery, proposals) else {
            return Ok(None);
        };
        let Proposal { parameter, edges } = &proposals[choice.index];
        let judge = match &self.judges[index] {
            Some(held) => self.judge(held),
            None => discovery,
        };
        let verdict = judge.judge(edges, self.seed);
        let [discovered_on, judged_on] = self.set_names(index, method);
        let controls = self.controls(index, &judge, edges);
        let established = (discovered_on != judged_on)
            .then_some(verdict.interval)
            .flatten()
            .map(|interval| self.within_band(interval) && controls.run().all(|(_, c)| c.beaten));
        let kind = answer.goal.metric.kind();
        let (edges_total, edges_kept) = (self.network.edge_count(), edges.count_ones(..));
        let circuit = Circuit {
            output: answer.site.clone(),
            output_name: answer.name.clone(),
            method,
            level: self.config.level,
            fill: self.fill,
            fill_reference: self.fill_reference.clone(),
            metric: kind,
            direction: kind.direction(),
            sign: self.sign(method),
            selection: self.selection(&choice),
            parameter: *parameter,
            discovered_on,
            judged_on,
            samples: judge.network().samples(),
            edges_total,
            edges_kept,
            sparsity: 1.0 - edges_kept as f64 / edges_total as f64,
            metric_full: verdict.full,
            metric_circuit: verdict.circuit,
            metric_corrupted: verdict.corrupted,
            logit_difference: (kind == MetricKind::LogitDiff).then_some(LogitDifference {
                full: verdict.full,
                circuit: verdict.circuit,
                gap: verdict.gap,
            }),
            faithfulness: verdict.faithfulness,
            completeness: verdict.completeness,
            minimality: verdict.minimality,
            interval: verdict.interval,
            interval_method: match verdict.interval {
                Some(_) => INTERVAL.to_owned(),
                None => String::new(),
            },
            gap: Some(verdict.gap),
            band: Some([1.0 - self.config.within, 1.0 + self.config.within]),
            decision_agreement: verdict.decision_agreement,
            controls: Some(controls),
            established,
            edges: self.named(edges, &scores.effects),
            sweep: choice.points,
            curve: self.curve(&judge, method, scores),
            recovery: self.recovery(method, edges, scores)?,
            evaluations: scores.evaluations,
            seconds: scores.seconds,
        };
        let direction = kind.direction();
        let graph = (self.config.scores)
            .then(|| to_graph(self.network, self.cfg, &scores.effects, direction, edges));
        let is_silent = method != Origin::Given && silent(&scores.effects);
        Ok(Some(Found {
            silent: is_silent.then(|| findings::silent(&circuit)),
            circuit: Some(circuit),
            graph,
        }))
    }

    /// The names of the samples of the discovery and of the judgement: the same where
    /// they are the same samples.
    fn set_names(&self, index: usize, method: Origin) -> [String; 2] {
        let [discovery, judgement] = self.sets.clone();
        match (method == Origin::Given, &self.judges[index]) {
            (true, _) => [ELSEWHERE.to_owned(), judgement],
            (false, Some(_)) => [discovery, judgement],
            (false, None) => [judgement.clone(), judgement],
        }
    }

    /// What the circuit is held against, on the samples it is judged on.
    fn controls(&self, index: usize, judge: &Judge<'_, P>, circuit: &EdgeSet) -> CircuitControls {
        let mut rng = Rng::new(self.seed, RANDOM_STREAM);
        let own = judge.errors(std::slice::from_ref(circuit));
        let random = random_errors(judge, circuit, RANDOM_CIRCUITS, &mut rng);
        let random = random.zip(own.first());
        let task = &self.controls[index];
        CircuitControls {
            random: random.map(|(drawn, own)| tested(*own, &drawn, Direction::LowerIsBetter)),
            shuffled: task.shuffled,
            untrained: task.untrained,
            nonsense: task.nonsense,
        }
    }

    /// Whether an interval of the faithfulness lies within the band asked for.
    fn within_band(&self, [low, high]: [f64; 2]) -> bool {
        let within = self.config.within;
        1.0 - within <= low && high <= 1.0 + within
    }

    /// Faithfulness at MIB's sizes, where all edges have scores and it was asked for.
    fn curve(
        &self,
        judge: &Judge<'_, P>,
        method: Origin,
        scores: &Scores,
    ) -> Option<FaithfulnessCurve> {
        if !method.ranks() || !self.config.curve {
            return None;
        }
        let edges: Vec<usize> = self.candidates.ones().collect();
        let effects: Vec<f64> = edges.iter().map(|edge| scores.effects[*edge]).collect();
        let ranked = strongest_first(&edges, &effects);
        let curve = faithfulness_curve(ranked.len(), |size| {
            let set = self
                .network
                .edges(ranked[..size].iter().map(|(edge, _)| *edge));
            let values = judge.values(&set);
            judge.faithfulness(mean(&values))
        })?;
        Some(FaithfulnessCurve {
            cpr: curve.cpr,
            cmd: curve.cmd,
            points: curve.points.into_iter().map(<[f64; 2]>::from).collect(),
        })
    }

    /// Scores are ranked by size; ACDC does as it is told.
    fn sign(&self, method: Origin) -> Sign {
        match method == Origin::Found(Method::Acdc) {
            true => self.config.sign,
            false => Sign::Absolute,
        }
    }

    /// How circuit and scores agree with a known circuit, where one was given.
    fn recovery(
        &self,
        method: Origin,
        circuit: &EdgeSet,
        scores: &Scores,
    ) -> Result<Option<result::Recovery>> {
        let Some(known) = &self.config.known else {
            return Ok(None);
        };
        let (known, left_out) = known.sets(self.network, self.fill)?;
        let mut counted = self.candidates.clone();
        counted.difference_with(&left_out);
        let mut found = circuit.clone();
        found.difference_with(&left_out);
        let agreement = recovery(&found, &known);
        Ok(Some(result::Recovery {
            known: known.count_ones(..),
            left_out: left_out.count_ones(..),
            precision: agreement.precision,
            recall: agreement.recall,
            roc_area: roc_area(&scores.effects, &known, &counted).filter(|_| method.ranks()),
            roc: match method.ranks() {
                true => roc_curve(&scores.effects, &known, &counted),
                false => Vec::new(),
            },
        }))
    }

    fn selection(&self, choice: &Choice) -> String {
        let given = self.config.threshold.is_some() || self.config.top.is_some();
        let within = self.config.within;
        match (given, choice.faithful) {
            (true, _) => "as asked for".to_owned(),
            (false, true) => {
                format!("the smallest of those tried with |1 − faithfulness| ≤ {within}")
            }
            (false, false) => {
                format!("the most faithful of the sweep; none had |1 − faithfulness| ≤ {within}")
            }
        }
    }

    /// The edges of a circuit by name, the strongest first.
    fn named(&self, circuit: &EdgeSet, effects: &[f64]) -> Vec<CircuitEdge> {
        let edges: Vec<usize> = circuit.ones().collect();
        let values: Vec<f64> = edges.iter().map(|edge| effects[*edge]).collect();
        let named = |(edge, effect): (usize, f64)| {
            let (from, to) = self.network.edge_names(edge);
            CircuitEdge { from, to, effect }
        };
        strongest_first(&edges, &values)
            .into_iter()
            .map(named)
            .collect()
    }
}

impl<P: Patchable + Clone> Answer<'_, P> {
    /// The same answer of nodes.
    fn of_nodes<'n>(&'n self) -> Answer<'n, Nodes<'n, P>> {
        Answer {
            goal: self.goal.clone(),
            network: Cow::Owned(Nodes::new(self.network.as_ref())),
            site: self.site.clone(),
            name: self.name.clone(),
        }
    }

    /// The metric, over the samples that count.
    fn metric(&self) -> crate::metric::Metric {
        self.goal.metric.select(&self.goal.rows)
    }
}

/// The ablation of every node that writes something; `outputs` are the goals' sites.
pub fn ablation<P: Patchable>(
    network: &P,
    goals: &[Goal],
    outputs: &[String],
    fill: Fill,
    fill_reference: Option<String>,
) -> NodeAblation {
    let clean = network.outputs(&network.edges([]));
    let before: Vec<Before> = goals.iter().map(|g| Before::new(g, clean.view())).collect();
    let writers = network.edges_by_writer();
    let moved = network.each_set(&writers, |patched| -> Vec<Moved> {
        let pairs = goals.iter().zip(&before);
        pairs
            .map(|(goal, before)| before.moved(goal, patched))
            .collect()
    });
    let entry = |(node, moved): (usize, Vec<Moved>)| NodeEffect {
        site: network.node_name(node),
        decisions_changed: moved.iter().map(|m| m.decisions_changed).sum(),
        outputs: outputs
            .iter()
            .zip(moved)
            .map(|(output, moved)| OutputEffect {
                output: output.clone(),
                effect: moved.effect,
                mean_abs: Some(moved.mean_abs),
            })
            .collect(),
    };
    NodeAblation {
        fill,
        fill_reference,
        metric: goals.first().map(|goal| goal.metric.kind()),
        effects: moved
            .into_iter()
            .enumerate()
            .filter(|(node, _)| !writers[*node].is_clear())
            .map(entry)
            .collect(),
    }
}

/// What a network does for a goal with nothing patched, sample by sample.
struct Before {
    values: Vec<f64>,
    /// Where the metric is of decisions.
    decisions: Option<Vec<usize>>,
}

/// What ablating a node does to a goal.
struct Moved {
    effect: f64,
    mean_abs: f64,
    decisions_changed: Option<usize>,
}

impl Before {
    /// Of `outputs: [outputs, samples]`.
    fn new<T: Scalar>(goal: &Goal, outputs: ArrayView2<'_, T>) -> Self {
        let values = goal.rows.iter().map(|row| goal.metric.value(outputs, *row));
        let decides = goal.metric.kind().is_of_decisions();
        let decision = |row: &usize| decision(outputs.column(*row));
        Self {
            values: values.collect(),
            decisions: decides.then(|| goal.rows.iter().map(decision).collect()),
        }
    }

    fn moved<T: Scalar>(&self, goal: &Goal, patched: ArrayView2<'_, T>) -> Moved {
        let after = Self::new(goal, patched);
        let effects = self.values.iter().zip(&after.values).map(|(a, b)| a - b);
        let effects: Vec<f64> = effects.collect();
        let sizes: Vec<f64> = effects.iter().map(|effect| effect.abs()).collect();
        let both = self.decisions.as_ref().zip(after.decisions.as_ref());
        Moved {
            effect: mean(&effects),
            mean_abs: mean(&sizes),
            decisions_changed: both.map(|(a, b)| a.iter().zip(b).filter(|(a, b)| a != b).count()),
        }
    }
}
