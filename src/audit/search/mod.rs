//! The circuits of all answers of a network, by every method that was asked for.
//!
//! The same for every network that can be patched: an MLP's weights and a
//! transformer's components are searched by one piece of code.

mod ablation;
mod acdc;
mod choose;
mod found;
mod proof;
mod samples;
mod scores;

use std::path::Path;
use std::time::Instant;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

pub use self::ablation::ablation;
use self::scores::Scores;
use super::journal::Journal;
use super::methods::{CircuitsConfig, Level, Method, Reference};
use super::proved::Prover;
use super::task::TaskControls;
use super::{Config, findings};
use crate::choice::Origin;
use crate::circuit::{Attributable, EdgeGraph, Goal, Maskable, Try};
use crate::data::Dataset;
use crate::evaluate::transfer::Done;
use crate::metric::{Metric, MetricKind};
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Fill, Nodes, Patchable, PatchableExt as _};
use crate::result::{Circuit, Finding, GraphConfig, GraphJson};
use crate::{Error, Result};

/// Seconds left that are worth telling.
const WORTH_TELLING: f64 = 2.0;

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
    /// How they lie, by their places.
    pub graph: EdgeGraph,
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

impl<'s, T: Scalar> Search<'s, T> {
    /// A search for no answer yet, over all edges that carry anything, on samples that are
    /// the whole of their split.
    pub fn new(
        network: &'s dyn Searchable<Number = T>,
        data: &'s Dataset,
        settings: &'s CircuitsConfig,
        (fill, config): (Fill, &'s Config),
        progress: &'s dyn Fn(&str),
    ) -> Self {
        Self {
            network,
            data: &data.path,
            candidates: network.surviving(),
            answers: Vec::new(),
            judges: Vec::new(),
            sets: [data.split.clone(), data.split.clone()],
            controls: Vec::new(),
            config: settings,
            fill,
            seed: config.seed,
            journal: &config.journal,
            progress,
            fill_reference: None,
            published_order: None,
            cfg: None,
            prover: None,
        }
    }

    /// The search for one answer, that is judged where it is found and held against nothing.
    pub fn of_one(self, answer: Answer<'s, T>) -> Self {
        Self {
            answers: vec![answer],
            judges: vec![None],
            controls: vec![TaskControls::default()],
            ..self
        }
    }
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
                Err(error) if error.kind.is_of_scores() => silent.push(error),
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
                let folds = scores
                    .each
                    .as_ref()
                    .map(|each| self.without_each_fold(each));
                scores.folds = folds.unwrap_or_default();
            }
            let judge = self.config.judge.then(|| self.judge(&self.answers[index]));
            if let Some(chosen) = self.of_ranking(judge.as_ref(), method, &scores)? {
                found.push(self.found(index, judge, Origin::Found(method), chosen, &scores)?);
            }
        }
        Ok(found)
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
