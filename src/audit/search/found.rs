//! A circuit that was found, judged, held against chance and named.

use super::choose::Chosen;
use super::scores::{Scores, silent};
use super::{Found, Search};
use crate::Result;
use crate::audit::findings;
use crate::audit::methods::Method;
use crate::audit::task::tested;
use crate::choice::Origin;
use crate::circuit::{Sign, strongest_first, to_graph};
use crate::evaluate::hypotheses::random_errors;
use crate::evaluate::{
    INTERVAL, Judge, Judgement, Nested, faithfulness_curve, fewest_judged, minimality, recovery,
    roc_area, roc_curve,
};
use crate::metric::{Direction, MetricKind};
use crate::numeric::statistics::mean;
use crate::numeric::{Rng, Scalar};
use crate::patch::EdgeSet;
use crate::result::{
    self, Circuit, CircuitControls, CircuitEdge, Edges, FaithfulnessCurve, GraphJson,
    LogitDifference,
};

/// Where a circuit was discovered that came in a file.
const ELSEWHERE: &str = "elsewhere";

/// Random circuits that each circuit is held against, and the stream they come from.
const RANDOM_CIRCUITS: usize = 39;
const RANDOM_STREAM: u64 = 42;

impl<T: Scalar> Search<'_, T> {
    /// A circuit, judged and named; `discovery` judges on the samples of the discovery.
    pub fn found(
        &self,
        index: usize,
        discovery: Option<Judge<'_, T>>,
        method: Origin,
        chosen: Chosen,
        scores: &Scores,
    ) -> Result<Found> {
        let edges = &chosen.edges;
        let judge = discovery.map(|discovery| match &self.judges[index] {
            Some(held) => self.judge(held),
            None => discovery,
        });
        let found = self.unjudged(index, method, &chosen, scores)?;
        let found = match &judge {
            Some(judge) => self.judged(index, judge, edges, found),
            None => found,
        };
        let circuit = Circuit {
            curve: judge
                .as_ref()
                .and_then(|judge| self.curve(judge, method, scores)),
            sweep: chosen.sweep,
            ..found
        };
        let is_silent = method != Origin::Given && silent(&scores.effects);
        Ok(Found {
            silent: is_silent.then(|| findings::silent(&circuit)),
            graph: self.graph(circuit.metric, &scores.effects, edges),
            each: self.by_sample(index, method, scores),
            circuit: Some(circuit),
        })
    }

    /// A circuit with its names, its edges and its scores, as no samples have judged it.
    fn unjudged(
        &self,
        index: usize,
        method: Origin,
        chosen: &Chosen,
        scores: &Scores,
    ) -> Result<Circuit> {
        let (answer, edges) = (&self.answers[index], &chosen.edges);
        let kind = answer.goal.metric.kind();
        let [discovered_on, judged_on] = self.set_names(index, method);
        let (edges_total, edges_kept) = (self.network.edge_count(), edges.count_ones(..));
        Ok(Circuit {
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
            samples: answer.network.samples(),
            edges_total,
            edges_kept,
            sparsity: 1.0 - edges_kept as f64 / edges_total as f64,
            metric_full: f64::NAN,
            metric_circuit: f64::NAN,
            metric_corrupted: f64::NAN,
            logit_difference: None,
            faithfulness: None,
            completeness: None,
            minimality: None,
            interval: None,
            interval_method: String::new(),
            gap: None,
            band: Some(self.band()),
            decision_agreement: None,
            controls: None,
            established: None,
            edges: self.named(edges, &scores.effects),
            curve: None,
            recovery: self.recovery(method, edges, scores)?,
            stability: self.stability(chosen, scores),
            screening: scores.screening.clone(),
            proved: None,
            fills: Vec::new(),
            evaluations: scores.evaluations,
            seconds: scores.seconds,
            sweep: Vec::new(),
        })
    }

    /// What the samples say that it is judged on.
    fn judged(
        &self,
        index: usize,
        judge: &Judge<'_, T>,
        edges: &EdgeSet,
        circuit: Circuit,
    ) -> Circuit {
        let verdict = judge.judge(edges, self.fewest(judge));
        let controls = self.controls(index, judge, edges);
        let established = match circuit.discovered_on == circuit.judged_on {
            true => None,
            false => self.established(&controls, verdict.interval),
        };
        let minimal = self.config.minimality || self.network.steps_are_cheap();
        Circuit {
            samples: judge.network().samples(),
            metric_full: verdict.full,
            metric_circuit: verdict.circuit,
            metric_corrupted: verdict.corrupted,
            logit_difference: logit_difference(circuit.metric, &verdict),
            faithfulness: verdict.faithfulness,
            completeness: verdict.completeness,
            minimality: match minimal {
                true => minimality(judge, edges, self.seed),
                false => None,
            },
            interval: verdict.interval,
            interval_method: verdict
                .interval
                .map_or_else(String::new, |_| INTERVAL.to_owned()),
            gap: Some(verdict.gap),
            decision_agreement: verdict.decision_agreement,
            controls: Some(controls),
            established,
            ..circuit
        }
    }

    /// Samples that an interval needs at least.
    fn fewest(&self, judge: &Judge<'_, T>) -> Option<usize> {
        match self.config.all_intervals {
            true => Some(2),
            false => fewest_judged(judge.metric(), self.fill),
        }
    }

    /// Whether a circuit judged on other samples than it was found on is established:
    /// `None` without an interval.
    fn established(&self, controls: &CircuitControls, interval: Option<[f64; 2]>) -> Option<bool> {
        let ([low, high], [least, most]) = (interval?, self.band());
        let beaten = controls.run().all(|(_, control)| control.beaten);
        Some(least <= low && high <= most && beaten)
    }

    /// The faithfulness that was asked for.
    fn band(&self) -> [f64; 2] {
        [1.0 - self.config.within, 1.0 + self.config.within]
    }

    /// The scores of all edges as a graph's file has them, where they were asked for.
    fn graph(&self, metric: MetricKind, effects: &[f64], circuit: &EdgeSet) -> Option<GraphJson> {
        let of = || to_graph(self.network, self.cfg, effects, metric.direction(), circuit);
        self.config.scores.then(of)
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

    /// The edges of a circuit by name, the strongest first.
    fn named(&self, circuit: &EdgeSet, effects: &[f64]) -> Edges<CircuitEdge> {
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

/// The logit differences of a verdict, where that is what was measured.
fn logit_difference(metric: MetricKind, verdict: &Judgement) -> Option<LogitDifference> {
    (metric == MetricKind::LogitDiff).then_some(LogitDifference {
        full: verdict.full,
        circuit: verdict.circuit,
        gap: verdict.gap,
    })
}
