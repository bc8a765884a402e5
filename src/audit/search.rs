//! The circuits of all answers of a network, by every method that was asked for.
//!
//! The same for every network that can be patched: an MLP's weights and a
//! transformer's components are searched by one piece of code.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::findings;
use super::journal::Journal;
use super::methods::{CircuitsConfig, ENSEMBLE, Level, Method, Reference, Selection};
use super::proved::{self, Prover};
use super::task::{TaskControls, tested};
use crate::choice::Origin;
use crate::circuit::{
    Acdc, Attributable, Attribution, Blocks, Cut, Goal, MaskConfig, Maskable, Sign, Try, acdc,
    acdc_in_order, connected, effects, greedy, learned_mask, mean_rank, minimal, random_scores,
    screened, strongest_first, to_graph,
};
use crate::evaluate::hypotheses::random_errors;
use crate::evaluate::stability::{CORE, POSSIBLE, RESAMPLES, stability, wilson_interval};
use crate::evaluate::transfer::Done;
use crate::evaluate::{
    Choice, INTERVAL, Judge, Judgement, Nested, choose, choose_nested, faithfulness_curve,
    fewest_judged, minimality, recovery, roc_area, roc_curve, thresholds,
};
use crate::metric::{Direction, Metric, MetricKind, decision};
use crate::numeric::statistics::mean;
use crate::numeric::{Rng, Scalar};
use crate::patch::{EdgeSet, Fill, Nodes, Patchable, PatchableExt as _};
use crate::result::{
    Circuit, CircuitControls, CircuitEdge, CircuitStability, EdgeInclusion, FaithfulnessCurve,
    Finding, GraphConfig, GraphJson, LogitDifference, NodeAblation, NodeEffect, OutputEffect,
    Screening, SweepPoint,
};
use crate::{Error, Result, result};

/// Blocks of edges between which progress is told, and the fewest edges of one.
const BLOCKS: usize = 20;
const SMALLEST_BLOCK: usize = 256;

/// Effects sample by sample that are kept for resamples: of gradients, which cost next to
/// nothing, up to 160 MB; of patches, each of which is a run, far fewer.
const MOST_ATTRIBUTED: usize = 20_000_000;
const MOST_PATCHED: usize = 1_000_000;

/// Edges at least whose rank is settled by screening unasked.
const SCREENED: usize = 100;

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
pub struct Search<'s, T> {
    /// The network on all samples.
    pub network: &'s dyn Searchable<Number = T>,
    /// The data's file, for errors.
    pub data: &'s Path,
    /// The edges that circuits are made of; all others stay as they are.
    pub candidates: EdgeSet,
    pub answers: Vec<Answer<'s, T>>,
    /// The same answers on the samples that circuits are judged on; `None` where those
    /// are the samples of the discovery.
    pub judges: Vec<Option<Answer<'s, T>>>,
    /// The names of the samples of the discovery and of the judgement.
    pub sets: [String; 2],
    /// What every answer's circuit is held against besides random ones.
    pub controls: Vec<TaskControls>,
    pub config: &'s CircuitsConfig,
    /// What stands in for a patched message.
    pub fill: Fill,
    pub seed: u64,
    /// Scores are pieces of it, and so is what ACDC finds at a threshold.
    pub journal: &'s Journal,
    /// Is told how far a long search has come.
    pub progress: &'s dyn Fn(&str),
    /// The set that a fill is taken from, in words.
    pub fill_reference: Option<String>,
    /// The order of ACDC's published code, where that is asked for.
    pub published_order: Option<Vec<Try>>,
    /// What a graph file says of a transformer.
    pub cfg: Option<GraphConfig>,
    /// Who proves that edges can go, where that can be proved.
    pub prover: Option<&'s dyn Prover>,
}

/// A network whose circuits can be sought by every method.
pub trait Searchable: Attributable + Maskable {}

impl<P: Attributable + Maskable + ?Sized> Searchable for P {}

/// A network on the samples of an answer.
pub enum Part<'s, T> {
    /// Those are all samples.
    All(&'s dyn Searchable<Number = T>),
    /// Those are some of them.
    Some(Box<dyn Searchable<Number = T> + 's>),
}

impl<T: Scalar> Part<'_, T> {
    fn as_ref(&self) -> &dyn Searchable<Number = T> {
        match self {
            Self::All(network) => *network,
            Self::Some(network) => network.as_ref(),
        }
    }

    /// How many samples those are.
    pub fn samples(&self) -> usize {
        self.as_ref().samples()
    }
}

/// An answer whose circuit is sought.
pub struct Answer<'s, T> {
    pub goal: Goal,
    /// The network on the samples that count.
    pub network: Part<'s, T>,
    /// The site it is read at.
    pub site: String,
    /// Its own name.
    pub name: String,
}

/// The answers of goals of single outputs, whose sites and own names are `outputs`;
/// `select` gives the network on some samples.
pub fn answers<'s, T: Scalar>(
    network: &'s dyn Searchable<Number = T>,
    goals: Vec<Goal>,
    outputs: &[(String, String)],
    select: impl Fn(&[usize]) -> Box<dyn Searchable<Number = T> + 's>,
) -> Vec<Answer<'s, T>> {
    let answer = |goal: Goal| {
        let (site, name) = outputs[goal.output].clone();
        Answer {
            // Goals of targets count every sample, those of classes their own.
            network: match goal.rows.len() == network.samples() {
                true => Part::All(network),
                false => Part::Some(select(&goal.rows)),
            },
            goal,
            site,
            name,
        }
    };
    goals.into_iter().map(answer).collect()
}

/// A circuit, or why a method gave none.
#[derive(Default)]
pub struct Found {
    pub circuit: Option<Circuit>,
    /// The scores of all edges, where they were asked for.
    pub graph: Option<GraphJson>,
    /// The scores sample by sample, where they were asked for.
    pub each: Option<ScoredBySample>,
    /// That every score is exactly 0, where it is so.
    pub silent: Option<Finding>,
}

/// Effects of edges sample by sample.
#[derive(Debug, Clone)]
pub struct ScoredBySample {
    /// How they were scored.
    pub method: Method,
    /// Site of the output, and its own name.
    pub output: (String, String),
    /// The metric.
    pub metric: MetricKind,
    /// Writer and reader of every edge that circuits are made of.
    pub edges: Vec<(String, String)>,
    /// `[samples, edges]`; their mean or their sum are the effects.
    pub effects: Array2<f64>,
    /// What circuits do that were to be run.
    pub measured: Option<Measured>,
}

/// What circuits do, sample by sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// With nothing patched.
    pub full: Done,
    /// With everything patched.
    pub patched: Done,
    /// With everything patched but each circuit.
    pub circuits: Vec<Done>,
}

/// What searches found, as a result holds it.
#[derive(Default)]
pub struct Gathered {
    pub circuits: Vec<Circuit>,
    /// The scores of all edges, where they were asked for.
    pub graphs: Vec<GraphJson>,
    /// The scores sample by sample, where they were asked for.
    pub each: Vec<ScoredBySample>,
    /// Searches in which no patch changed anything: their zeros are no scores.
    pub silent: Vec<Finding>,
}

/// Sorts what was found into what a result holds.
pub fn gathered(found: Vec<Found>) -> Gathered {
    let mut all = Gathered::default();
    for Found {
        circuit,
        graph,
        each,
        silent,
    } in found
    {
        all.each.extend(each);
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
    /// The same sample by sample, `[samples, edges]`; their mean or their sum.
    each: Option<Array2<f64>>,
    /// How they were settled, where they were screened.
    screening: Option<Screening>,
    evaluations: u64,
    seconds: f64,
}

impl Scores {
    /// Of all edges, after so many runs.
    fn new(effects: Vec<f64>, evaluations: u64) -> Self {
        Self {
            effects,
            each: None,
            screening: None,
            evaluations,
            seconds: 0.0,
        }
    }
}

/// The circuit that a method gives, with the parameter that gave it.
struct Chosen {
    parameter: f64,
    /// How many edges of a ranking were taken, where it is of a ranking.
    ranked: Option<usize>,
    edges: EdgeSet,
    how: How,
    /// Others that were tried, from few edges to many.
    sweep: Vec<SweepPoint>,
}

/// How edges are taken from scores.
struct Rule<'r, T> {
    network: &'r dyn Patchable<Number = T>,
    candidates: &'r EdgeSet,
    selection: Selection,
    connected: bool,
}

impl<T: Scalar> Rule<'_, T> {
    /// The candidates, the strongest first or as a greedy circuit grows.
    fn ranked(&self, effects: &[f64]) -> Vec<usize> {
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let of_candidates: Vec<f64> = candidates.iter().map(|edge| effects[*edge]).collect();
        match self.selection {
            Selection::Top => strongest_first(&candidates, &of_candidates)
                .into_iter()
                .map(|(edge, _)| edge)
                .collect(),
            Selection::Greedy => greedy(self.network, effects, self.candidates),
        }
    }

    /// These edges, without those on no path from an input to an output.
    fn kept(&self, edges: impl IntoIterator<Item = usize>) -> EdgeSet {
        let set = self.network.edges(edges);
        match self.connected {
            true => connected(self.network, &set),
            false => set,
        }
    }
}

/// Why it is this circuit.
enum How {
    /// Its size or threshold was asked for.
    Asked,
    /// The smallest of those tried that is faithful.
    Smallest,
    /// None was faithful; it is the one nearest to it.
    Nearest,
    /// No size was asked for, and none was to be judged.
    Unchosen,
    /// No further edge can go under the same proof.
    Minimal,
    /// Proofs were tried until the time was over.
    Unfinished,
}

impl<T: Scalar> Search<'_, T> {
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
            journal: self.journal,
            progress: self.progress,
            fill_reference: self.fill_reference.clone(),
            published_order: None,
            cfg: self.cfg,
            prover: None,
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
            (self.progress)(&format!("discovering circuits: {method}"));
            let found = match method {
                Method::Acdc => self.by_acdc(),
                Method::Proved => self.by_proof(),
                method => self.by_scores(*method),
            };
            match found {
                Ok(found) => all.extend(found.into_iter().enumerate()),
                Err(
                    error @ (Error::PatchesChangeNothing { .. }
                    | Error::NoSlope { .. }
                    | Error::NoQueries { .. }),
                ) => silent.push(error),
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
        let scores = self.scores(method)?;
        self.check(method, &scores)?;
        if self.config.judge {
            (self.progress)(&format!("judging circuits: {method}"));
        }
        let mut found = Vec::with_capacity(scores.len());
        let exact: Vec<usize> = match method {
            Method::Exact => self.candidates.ones().collect(),
            _ => Vec::new(),
        };
        for (index, mut scores) in scores.into_iter().enumerate() {
            if method == Method::Exact {
                // Of one answer at a time: together they are many times the network.
                scores.each = self.exact_by_sample(&self.answers[index], &exact);
            }
            let judge = self.config.judge.then(|| self.judge(&self.answers[index]));
            if let Some(chosen) = self.of_ranking(judge.as_ref(), &scores.effects) {
                found.push(self.found(index, judge, Origin::Found(method), chosen, &scores)?);
            }
        }
        Ok(found)
    }

    /// The circuit that proofs leave: of all answers together.
    fn by_proof(&self) -> Result<Vec<Found>> {
        let Some(prover) = self.prover else {
            return Err(proved::refused(
                self.data,
                "circuits of nodes, of neurons and of this architecture have no proofs here",
            ));
        };
        let started = Instant::now();
        let answer = &self.answers[0];
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let (effects, order) = prover.weakest_first(self.network, &answer.goal, &candidates);
        let seconds = self.config.proof.budget.seconds;
        let over = || started.elapsed().as_secs_f64() > seconds;
        let asked = std::cell::Cell::new(0_usize);
        let mut ask = |patched: &EdgeSet| {
            asked.set(asked.get() + 1);
            if asked.get().is_multiple_of(100) {
                let gone = patched.count_ones(..);
                (self.progress)(&format!("{} proofs tried, {gone} edges gone", asked.get()));
            }
            prover.ask(patched)
        };
        let found = minimal(self.network.edge_count(), &order, &mut ask, &over);
        let claimed = prover.told(&found);
        let kept = self.network.edges(found.kept.iter().map(|(edge, _)| *edge));
        let scores = Scores {
            seconds: started.elapsed().as_secs_f64(),
            ..Scores::new(effects, found.asked)
        };
        let chosen = Chosen {
            how: match found.is_minimal() {
                true => How::Minimal,
                false => How::Unfinished,
            },
            ..self.asked(None, kept.count_ones(..) as f64, kept)
        };
        let judge = self.config.judge.then(|| self.judge(answer));
        let mut told = self.found(0, judge, Origin::Found(Method::Proved), chosen, &scores)?;
        if let Some(circuit) = &mut told.circuit {
            circuit.proved = Some(claimed);
        }
        Ok(vec![told])
    }

    /// A circuit that was found elsewhere, as it is.
    fn given(&self, given: &Reference) -> Result<Vec<Found>> {
        let (edges, _) = given.sets(self.network, self.fill)?;
        let scores = Scores::new(vec![0.0; self.network.edge_count()], 0);
        let of_answer = |(index, answer): (usize, &Answer<'_, T>)| {
            let judge = self.config.judge.then(|| self.judge(answer));
            let parameter = edges.count_ones(..) as f64;
            let chosen = self.asked(judge.as_ref(), parameter, edges.clone());
            self.found(index, judge, Origin::Given, chosen, &scores)
        };
        self.answers.iter().enumerate().map(of_answer).collect()
    }

    /// The scores of all candidates, for every answer.
    fn scores(&self, method: Method) -> Result<Vec<Scores>> {
        if method == Method::Exact {
            return self.exact_scores();
        }
        let of_answer = |(index, answer): (usize, &Answer<'_, T>)| {
            let started = Instant::now();
            let scores = self.scores_of(index, answer, method)?;
            Ok(Scores {
                seconds: started.elapsed().as_secs_f64(),
                ..scores
            })
        };
        self.answers.iter().enumerate().map(of_answer).collect()
    }

    /// The scores of all edges for one answer, sample by sample where that is asked for.
    fn scores_of(&self, index: usize, answer: &Answer<'_, T>, method: Method) -> Result<Scores> {
        let network = answer.network.as_ref();
        let metric = answer.metric();
        if let Some(attribution) = method.attribution(self.config.ig_steps, self.config.conventions)
        {
            if attribution == Attribution::EapQk && !network.has_queries() {
                return Err(Error::NoQueries {
                    path: self.data.to_owned(),
                    method: method.to_string(),
                });
            }
            let each = self.attributed(network, &metric, attribution);
            let effects = match &each {
                Some(each) => each.sum_axis(Axis(0)).to_vec(),
                None => network.attribute(&metric, attribution),
            };
            let scores = Scores::new(effects, attribution.runs(network.groups()) as u64);
            return Ok(Scores { each, ..scores });
        }
        if method == Method::Screened {
            return self.screened(index, network, &metric);
        }
        if method == Method::Ensemble {
            let candidates: Vec<usize> = self.candidates.ones().collect();
            let of =
                |method: Method| method.attribution(self.config.ig_steps, self.config.conventions);
            let members: Vec<Attribution> = ENSEMBLE.into_iter().filter_map(of).collect();
            let scores = members
                .iter()
                .map(|member| network.attribute(&metric, *member));
            // A method without a slope ranks nothing.
            let scores: Vec<Vec<f64>> = scores.filter(|scores| !silent(scores)).collect();
            let scores = match scores.is_empty() {
                true => vec![0.0; network.edge_count()],
                false => mean_rank(&candidates, &scores),
            };
            let groups = network.groups();
            let runs: usize = members.iter().map(|member| member.runs(groups)).sum();
            return Ok(Scores::new(scores, runs as u64));
        }
        if method == Method::Mask {
            let config = MaskConfig {
                seed: self.seed,
                ..self.config.mask
            };
            let learn = || Ok(learned_mask(network, &metric, config));
            let open = self.journal.piece(&format!("{method}/{index}"), learn)?;
            return Ok(Scores::new(open, config.steps as u64));
        }
        assert_eq!(method, Method::Random, "the other methods score elsewhere");
        let scores = random_scores(network, self.seed + index as u64);
        Ok(Scores::new(scores, 0))
    }

    /// Effects that are exact wherever it matters on which side of the cut an edge lies: of
    /// the size or threshold asked for, else of a tenth of the edges, of 100 at least.
    fn screened(
        &self,
        index: usize,
        network: &dyn Searchable<Number = T>,
        metric: &Metric,
    ) -> Result<Scores> {
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let cut = match (self.config.top, self.config.threshold) {
            (Some(top), _) => Cut::Top(top),
            (None, Some(tau)) => Cut::At(tau),
            (None, None) => Cut::Top((candidates.len() / 10).max(SCREENED)),
        };
        let find = || Ok(screened(network, metric, &candidates, cut, self.seed));
        let piece = format!("{}/{index}", Method::Screened);
        let found = self.journal.piece(&piece, find)?;
        let runs = (found.patched + found.passes) as u64;
        let screening = Screening {
            estimated: candidates.len() - found.patched,
            patched: found.patched,
            drawn: found.drawn,
            flagged: found.flagged.len(),
            factor: found.factor,
            risk: 1.0 / (found.drawn + 1) as f64,
        };
        let scores = Scores::new(found.effects, runs);
        Ok(Scores {
            screening: Some(screening),
            ..scores
        })
    }

    /// Exact effects: one pass over the edges serves all answers.
    fn exact_scores(&self) -> Result<Vec<Scores>> {
        let started = Instant::now();
        let edges: Vec<usize> = self.candidates.ones().collect();
        let goals: Vec<Goal> = self.answers.iter().map(|a| a.goal.clone()).collect();
        let mut all = vec![Vec::with_capacity(edges.len()); goals.len()];
        let mut done = 0;
        for (number, some) in self.blocks(&edges).into_iter().enumerate() {
            let find = || Ok(effects(self.network, &self.network.edges([]), some, &goals));
            let piece = format!("{}/{number}", Method::Exact);
            let found: Vec<Vec<f64>> = self.journal.piece(&piece, find)?;
            for (all, found) in all.iter_mut().zip(found) {
                all.extend(found);
            }
            done += some.len();
            self.tell(Method::Exact, started, done as f64 / edges.len() as f64);
        }
        let seconds = started.elapsed().as_secs_f64() / goals.len().max(1) as f64;
        let of_goal = |values: Vec<f64>| {
            let mut effects = vec![0.0; self.network.edge_count()];
            for (edge, value) in edges.iter().zip(values) {
                effects[*edge] = value;
            }
            Scores {
                seconds,
                ..Scores::new(effects, edges.len() as u64)
            }
        };
        Ok(all.into_iter().map(of_goal).collect())
    }

    /// Estimated effects sample by sample, where they are asked for and are not too many.
    fn attributed(
        &self,
        network: &dyn Attributable<Number = T>,
        metric: &Metric,
        method: Attribution,
    ) -> Option<Array2<f64>> {
        let numbers = network.samples() * network.edge_count();
        (self.config.stability && numbers <= MOST_ATTRIBUTED)
            .then(|| network.attribute_by(metric, method, Blocks::Samples))
    }

    /// Exact effects of `edges` sample by sample, where they are asked for and are not
    /// too many; 0 for all other edges.
    fn exact_by_sample(&self, answer: &Answer<'_, T>, edges: &[usize]) -> Option<Array2<f64>> {
        let (network, metric) = (answer.network.as_ref(), answer.metric());
        let samples = network.samples();
        if !self.config.stability || samples * edges.len() > MOST_PATCHED {
            return None;
        }
        let none = network.edges([]);
        let before = metric.values(network.outputs(&none).view());
        let after = network.each_edge(&none, edges, |outputs| metric.values(outputs));
        let mut each = Array2::zeros((samples, network.edge_count()));
        for (edge, values) in edges.iter().zip(&after) {
            let effects = before
                .iter()
                .zip(values)
                .map(|(before, after)| before - after);
            each.column_mut(*edge)
                .assign(&effects.collect::<Array1<f64>>());
        }
        Some(each)
    }

    /// The scores of candidates sample by sample, where they were asked for.
    fn by_sample(&self, index: usize, method: Origin, scores: &Scores) -> Option<ScoredBySample> {
        let answer = &self.answers[index];
        let (Origin::Found(method), true) = (method, self.config.keep_samples) else {
            return None;
        };
        let each = scores.each.as_ref()?;
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let named = |edge: &usize| self.network.edge_names(*edge);
        Some(ScoredBySample {
            method,
            output: (answer.site.clone(), answer.name.clone()),
            metric: answer.goal.metric.kind(),
            edges: candidates.iter().map(named).collect(),
            effects: each.select(Axis(1), &candidates),
            measured: self.measured(index),
        })
    }

    /// What the circuits do that are to be run for an answer, on the samples it is judged on.
    fn measured(&self, index: usize) -> Option<Measured> {
        let own = &self.answers[index];
        let answer = self.judges[index].as_ref().unwrap_or(own);
        let circuits = self.config.measure.get(&answer.site)?;
        let network = answer.network.as_ref();
        let named = |edge: usize| (network.edge_names(edge), edge);
        let places: HashMap<(String, String), usize> = self.candidates.ones().map(named).collect();
        let set = |edges: &Vec<(String, String)>| {
            network.edges(edges.iter().filter_map(|edge| places.get(edge).copied()))
        };
        let ends = [network.all(), network.edges([])];
        let sets: Vec<EdgeSet> = ends.into_iter().chain(circuits.iter().map(set)).collect();
        let mut done = self.judge(answer).done_by(&sets);
        let circuits = done.split_off(2);
        let patched = done.pop()?;
        Some(Measured {
            full: done.pop()?,
            patched,
            circuits,
        })
    }

    /// How the discovery comes out over resamples of its samples.
    fn stability(&self, circuit: &Chosen, scores: &Scores) -> Option<CircuitStability> {
        let size = circuit.ranked?;
        let each = scores.each.as_ref()?;
        let rule = self.rule();
        let choose = |effects: &[f64]| rule.kept(rule.ranked(effects).into_iter().take(size));
        let found = stability(each.view(), RESAMPLES, self.seed, choose)?;
        let share = |edge: &usize| found.inclusion[*edge];
        let mut possible: Vec<usize> = self.candidates.ones().collect();
        possible.retain(|edge| share(edge) >= POSSIBLE);
        possible.sort_by(|a, b| share(b).total_cmp(&share(a)));
        let named = |edge: &usize| {
            let (from, to) = self.network.edge_names(*edge);
            EdgeInclusion {
                from,
                to,
                share: share(edge),
                interval: wilson_interval(share(edge), found.resamples),
            }
        };
        Some(CircuitStability {
            resamples: found.resamples,
            samples: each.nrows(),
            jaccard: found.jaccard,
            core: possible.iter().filter(|edge| share(edge) >= CORE).count(),
            possible: possible.len(),
            edges: possible.iter().map(named).collect(),
        })
    }

    /// Tells how much of a method is done, where a person waits for the rest.
    fn tell(&self, method: Method, started: Instant, share: f64) {
        let left = started.elapsed().as_secs_f64() * (1.0 - share) / share;
        if left > WORTH_TELLING {
            let percent = 100.0 * share;
            (self.progress)(&format!(
                "{method}: {percent:.0} % done, about {left:.0} s left"
            ));
        }
    }

    /// Edges in blocks between which progress is told; all into one reader are in one.
    fn blocks<'e>(&self, edges: &'e [usize]) -> Vec<&'e [usize]> {
        let least = edges.len().div_ceil(BLOCKS).max(SMALLEST_BLOCK);
        let reader = |edge: usize| self.network.ends(edge).1;
        let (mut blocks, mut first) = (Vec::new(), 0);
        for next in 1..=edges.len() {
            let is_end = next == edges.len();
            let is_full = !is_end && next - first >= least;
            if is_end || is_full && reader(edges[next]) != reader(edges[next - 1]) {
                blocks.push(&edges[first..next]);
                first = next;
            }
        }
        blocks
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

    /// The circuit of scores: of the size or threshold asked for, else the smallest faithful.
    /// `None` for no candidates.
    fn of_ranking(&self, judge: Option<&Judge<'_, T>>, effects: &[f64]) -> Option<Chosen> {
        let ranked = self.rule().ranked(effects);
        let above = |tau: f64| ranked.iter().filter(|e| effects[**e].abs() >= tau).count();
        let (parameter, size) = match (self.config.top, self.config.threshold, judge) {
            (Some(top), _, _) => (top as f64, top),
            (None, Some(tau), _) => (tau, above(tau)),
            (None, None, Some(judge)) => return self.smallest(judge, &ranked),
            (None, None, None) => {
                return Some(Chosen {
                    parameter: 0.0,
                    ranked: None,
                    edges: self.network.edges([]),
                    how: How::Unchosen,
                    sweep: Vec::new(),
                });
            }
        };
        let edges = self.rule().kept(ranked.iter().take(size).copied());
        Some(Chosen {
            ranked: Some(size),
            ..self.asked(judge, parameter, edges)
        })
    }

    /// The smallest faithful circuit of a ranking.
    fn smallest(&self, judge: &Judge<'_, T>, ranked: &[usize]) -> Option<Chosen> {
        let nested = Nested::new(self.network, ranked, self.config.connected);
        let choice = choose_nested(judge, &nested, self.config.within)?;
        Some(Chosen {
            parameter: choice.index as f64,
            ranked: Some(choice.index),
            edges: nested.circuit(self.network, choice.index),
            how: How::of(&choice),
            sweep: choice.points,
        })
    }

    /// A circuit that needs no choice.
    fn asked(&self, judge: Option<&Judge<'_, T>>, parameter: f64, edges: EdgeSet) -> Chosen {
        let tried = [(parameter, &edges)];
        let choice = judge.and_then(|judge| choose(judge, &tried, self.config.within));
        Chosen {
            sweep: choice.map_or_else(Vec::new, |choice| choice.points),
            how: How::Asked,
            parameter,
            ranked: None,
            edges,
        }
    }

    /// ACDC along its threshold.
    fn by_acdc(&self) -> Result<Vec<Found>> {
        let begun = Instant::now();
        let of_answer = |(index, answer): (usize, &Answer<'_, T>)| -> Result<Found> {
            if index > 0 {
                let share = index as f64 / self.answers.len() as f64;
                self.tell(Method::Acdc, begun, share);
            }
            let started = Instant::now();
            let (network, metric) = (answer.network.as_ref(), answer.metric());
            let judge = self.judge(answer);
            let taus = match self.config.threshold {
                Some(tau) => vec![tau],
                None => thresholds(judge.scale()),
            };
            let (candidates, sign) = (&self.candidates, self.config.sign);
            let order = &self.published_order;
            let search = |threshold: f64| {
                let config = Acdc { threshold, sign };
                match order {
                    Some(order) => {
                        acdc_in_order(network, &metric, candidates, config, order.iter().cloned())
                    }
                    None => acdc(network, &metric, candidates, config),
                }
            };
            let at = |(place, tau): (usize, &f64)| {
                let piece = format!("{}/{index}/{place}", Method::Acdc);
                self.journal.piece(&piece, || Ok(search(*tau)))
            };
            let found: Result<Vec<_>> = taus.par_iter().enumerate().map(at).collect();
            let found = found?;
            let kept =
                |found: &crate::circuit::Found| network.edges(found.kept().map(|(edge, _)| edge));
            let circuits: Vec<EdgeSet> = found.iter().map(kept).collect();
            let tried: Vec<(f64, &EdgeSet)> = taus.iter().copied().zip(&circuits).collect();
            // A threshold that was not asked for is chosen by judging.
            let judged = self.config.judge || self.config.threshold.is_none();
            let choice = judged.then(|| choose(&judge, &tried, self.config.within));
            let choice = choice.flatten();
            let place = choice.as_ref().map_or(0, |choice| choice.index);
            let how = match (self.config.threshold, &choice) {
                (None, Some(choice)) => How::of(choice),
                _ => How::Asked,
            };
            let chosen = &found[place];
            let mut effects = vec![0.0; network.edge_count()];
            for trial in &chosen.trials {
                if let Some(edge) = trial.tried.edge() {
                    effects[edge] = trial.effect;
                }
            }
            let scores = Scores {
                seconds: started.elapsed().as_secs_f64(),
                ..Scores::new(effects, chosen.trials.len() as u64)
            };
            let chosen = Chosen {
                parameter: taus[place],
                ranked: None,
                edges: circuits[place].clone(),
                how,
                sweep: choice.map_or_else(Vec::new, |choice| choice.points),
            };
            let judge = self.config.judge.then_some(judge);
            self.found(index, judge, Origin::Found(Method::Acdc), chosen, &scores)
        };
        self.answers.iter().enumerate().map(of_answer).collect()
    }

    fn rule(&self) -> Rule<'_, T> {
        Rule {
            network: self.network,
            candidates: &self.candidates,
            selection: self.config.selection,
            connected: self.config.connected,
        }
    }

    fn judge<'j>(&self, answer: &'j Answer<'_, T>) -> Judge<'j, T> {
        Judge::new(
            answer.network.as_ref(),
            answer.metric(),
            self.candidates.clone(),
        )
    }

    /// A circuit, judged and named; `discovery` judges on the samples of the discovery.
    fn found(
        &self,
        index: usize,
        discovery: Option<Judge<'_, T>>,
        method: Origin,
        chosen: Chosen,
        scores: &Scores,
    ) -> Result<Found> {
        let (answer, edges) = (&self.answers[index], &chosen.edges);
        let judge = discovery.map(|discovery| match &self.judges[index] {
            Some(held) => self.judge(held),
            None => discovery,
        });
        let judge = judge.as_ref();
        let fewest = |judge: &Judge<'_, T>| match self.config.all_intervals {
            true => Some(2),
            false => fewest_judged(judge.metric(), self.fill),
        };
        let verdict = judge.map(|judge| judge.judge(edges, fewest(judge)));
        let said = |of: fn(&Judgement) -> f64| verdict.as_ref().map_or(f64::NAN, of);
        let interval = verdict.as_ref().and_then(|v| v.interval);
        let [discovered_on, judged_on] = self.set_names(index, method);
        let controls = judge.map(|judge| self.controls(index, judge, edges));
        let beaten = |c: &CircuitControls| c.run().all(|(_, c)| c.beaten);
        let established = controls.as_ref().zip(interval);
        let established = established
            .filter(|_| discovered_on != judged_on)
            .map(|(controls, interval)| self.within_band(interval) && beaten(controls));
        let minimal = judge.filter(|_| self.config.minimality || self.network.steps_are_cheap());
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
            selection: self.selection(&chosen.how),
            parameter: chosen.parameter,
            discovered_on,
            judged_on,
            samples: judge.map_or(answer.network.samples(), |j| j.network().samples()),
            edges_total,
            edges_kept,
            sparsity: 1.0 - edges_kept as f64 / edges_total as f64,
            metric_full: said(|v| v.full),
            metric_circuit: said(|v| v.circuit),
            metric_corrupted: said(|v| v.corrupted),
            logit_difference: verdict
                .as_ref()
                .filter(|_| kind == MetricKind::LogitDiff)
                .map(|v| LogitDifference {
                    full: v.full,
                    circuit: v.circuit,
                    gap: v.gap,
                }),
            faithfulness: verdict.as_ref().and_then(|v| v.faithfulness),
            completeness: verdict.as_ref().and_then(|v| v.completeness),
            minimality: minimal.and_then(|judge| minimality(judge, edges, self.seed)),
            interval,
            interval_method: interval.map_or_else(String::new, |_| INTERVAL.to_owned()),
            gap: verdict.as_ref().map(|v| v.gap),
            band: Some([1.0 - self.config.within, 1.0 + self.config.within]),
            decision_agreement: verdict.as_ref().and_then(|v| v.decision_agreement),
            controls,
            established,
            edges: self.named(edges, &scores.effects),
            curve: judge.and_then(|judge| self.curve(judge, method, scores)),
            recovery: self.recovery(method, edges, scores)?,
            stability: self.stability(&chosen, scores),
            screening: scores.screening.clone(),
            proved: None,
            fills: Vec::new(),
            evaluations: scores.evaluations,
            seconds: scores.seconds,
            sweep: chosen.sweep,
        };
        let direction = kind.direction();
        let graph = (self.config.scores).then(|| {
            to_graph(
                self.network,
                self.cfg,
                &scores.effects,
                direction,
                &chosen.edges,
            )
        });
        let is_silent = method != Origin::Given && silent(&scores.effects);
        Ok(Found {
            silent: is_silent.then(|| findings::silent(&circuit)),
            circuit: Some(circuit),
            graph,
            each: self.by_sample(index, method, scores),
        })
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
    fn controls(&self, index: usize, judge: &Judge<'_, T>, circuit: &EdgeSet) -> CircuitControls {
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
            searched: Vec::new(),
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
        judge: &Judge<'_, T>,
        method: Origin,
        scores: &Scores,
    ) -> Option<FaithfulnessCurve> {
        if !method.ranks() || !self.config.curve {
            return None;
        }
        let edges: Vec<usize> = self.candidates.ones().collect();
        let effects: Vec<f64> = edges.iter().map(|edge| scores.effects[*edge]).collect();
        let ranked = strongest_first(&edges, &effects);
        let ranked: Vec<usize> = ranked.into_iter().map(|(edge, _)| edge).collect();
        let nested = Nested::new(self.network, &ranked, false);
        let curve = faithfulness_curve(ranked.len(), |sizes| {
            let values = nested.values(judge, sizes);
            let means = values.iter().map(|v| mean(v));
            means.map(|mean| judge.faithfulness(mean)).collect()
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

    fn selection(&self, how: &How) -> String {
        let within = self.config.within;
        match how {
            How::Asked => "as asked for".to_owned(),
            How::Smallest => {
                format!("the smallest of those tried with |1 − faithfulness| ≤ {within}")
            }
            How::Nearest => {
                format!("the most faithful of the sweep; none had |1 − faithfulness| ≤ {within}")
            }
            How::Unchosen => "none: scores alone, not judged".to_owned(),
            How::Minimal => "no further edge can go under the same proof".to_owned(),
            How::Unfinished => "what was left when the time for proofs was over".to_owned(),
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

impl How {
    fn of(choice: &Choice) -> Self {
        match choice.faithful {
            true => Self::Smallest,
            false => Self::Nearest,
        }
    }
}

impl<T: Scalar> Answer<'_, T> {
    /// The same answer of nodes.
    fn of_nodes(&self) -> Answer<'_, T> {
        Answer {
            goal: self.goal.clone(),
            network: Part::Some(Box::new(Nodes::new(self.network.as_ref()))),
            site: self.site.clone(),
            name: self.name.clone(),
        }
    }

    /// The metric, over the samples that count.
    fn metric(&self) -> Metric {
        self.goal.metric.select(&self.goal.rows)
    }
}

/// The ablation of every node that writes something; `outputs` are the goals' sites.
pub fn ablation<T: Scalar>(
    network: &dyn Patchable<Number = T>,
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
