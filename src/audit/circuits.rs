//! Node ablation under every fill, and the circuit of every answer by every method.

use std::time::Instant;

use super::subject::Subject;
use super::{CircuitsConfig, Config, Method};
use crate::circuit::{Acdc, Goal, Sign, acdc, effects, node_effects, strongest_first};
use crate::evaluate::{Choice, Judge, choose, sizes, thresholds};
use crate::metric::MetricKind;
use crate::model::{Mlp, Trace};
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Engine, Fill, Fills};
use crate::result::{
    Circuit, CircuitEdge, LogitDifference, NodeAblation, NodeEffect, OutputEffect,
};
use crate::{Error, Result};

/// The circuits of the pruned network.
pub fn circuits<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    config: &Config,
) -> Result<(Vec<NodeAblation>, Vec<Circuit>)> {
    let goals = subject.goals(&config.circuits)?;
    let engine = engine(subject, pruned, config.circuits.fill, config.seed)?;
    let search = Search {
        subject,
        config: &config.circuits,
        seed: config.seed,
        candidates: surviving(&engine),
        engine,
        goals,
    };
    let mut found = Vec::new();
    for method in &config.circuits.methods {
        found.extend(match method {
            Method::Exact => search.by_exact_effects(),
            Method::Acdc => search.by_acdc(),
        });
    }
    // Both methods of one answer stand side by side.
    found.sort_by_key(|(output, _)| *output);
    let nodes = nodes(subject, pruned, &search.goals, config)?;
    Ok((
        nodes,
        found.into_iter().map(|(_, circuit)| circuit).collect(),
    ))
}

/// An engine on the whole batch with a fill.
pub fn engine<'m, T: Scalar>(
    subject: &Subject<'_, T>,
    model: &'m Mlp<T>,
    fill: Fill,
    seed: u64,
) -> Result<Engine<'m, T>> {
    let inputs = subject.batch.inputs.clone();
    let clean: Trace<T> = model.forward(inputs.clone());
    let fills = match fill {
        Fill::Zero => Fills::zero(),
        Fill::Mean => Fills::mean(&clean),
        Fill::Resample => Fills::resample(&clean, seed),
        Fill::Corrupted => match &subject.batch.corrupted {
            Some(corrupted) => Fills::corrupted(model.forward(corrupted.clone())),
            None => {
                return Err(Error::NoCorruptedInputs {
                    path: subject.data.path.clone(),
                });
            }
        },
    };
    Ok(Engine::new(model, inputs, fills))
}

/// The set a fill is taken from, in words.
fn fill_reference<T: Scalar>(subject: &Subject<'_, T>, fill: Fill) -> Option<String> {
    let set = format!(
        "the {} samples of split `{}`",
        subject.batch.len(),
        subject.data.split
    );
    match fill {
        Fill::Zero => None,
        Fill::Mean | Fill::Resample => Some(set),
        Fill::Corrupted => Some("each sample's own pair".to_owned()),
    }
}

/// The edges whose weights are not zero.
pub fn surviving<T: Scalar>(engine: &Engine<'_, T>) -> EdgeSet {
    let weights = engine.model().layers.iter().flat_map(|l| &l.weight);
    engine.edges(
        weights
            .enumerate()
            .filter(|(_, w)| !w.is_zero())
            .map(|(number, _)| number),
    )
}

/// Node ablation under every fill that the data allow.
fn nodes<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    goals: &[Goal],
    config: &Config,
) -> Result<Vec<NodeAblation>> {
    let allowed = |fill: &Fill| *fill != Fill::Corrupted || subject.batch.corrupted.is_some();
    let names = subject.sites.names();
    let ablation = |fill: Fill| {
        let engine = engine(subject, pruned, fill, config.seed)?;
        let effects = node_effects(&engine, goals);
        let entry = |(site, effects): (&String, &Vec<f64>)| NodeEffect {
            site: site.clone(),
            outputs: goals
                .iter()
                .zip(effects)
                .map(|(goal, effect)| OutputEffect {
                    output: subject.outputs[goal.output].0.clone(),
                    effect: *effect,
                })
                .collect(),
        };
        Ok(NodeAblation {
            fill: fill.to_string(),
            fill_reference: fill_reference(subject, fill),
            metric: goals
                .first()
                .map_or_else(String::new, |g| g.metric.kind().to_string()),
            effects: names.iter().zip(&effects).map(entry).collect(),
        })
    };
    Fill::ALL
        .iter()
        .map(|(fill, _)| *fill)
        .filter(allowed)
        .map(ablation)
        .collect()
}

/// The search for the circuits of all answers.
struct Search<'s, 'm, T> {
    subject: &'s Subject<'s, T>,
    config: &'s CircuitsConfig,
    seed: u64,
    candidates: EdgeSet,
    engine: Engine<'m, T>,
    goals: Vec<Goal>,
}

/// A circuit that a method proposes, with the parameter that gave it.
struct Proposal {
    parameter: f64,
    edges: Vec<(usize, f64)>,
    evaluations: u64,
}

impl<T: Scalar> Search<'_, '_, T> {
    /// Edges of the largest exact effects, as many as it takes.
    fn by_exact_effects(&self) -> Vec<(usize, Circuit)> {
        let started = Instant::now();
        let state = self.engine.run(&self.engine.edges([]));
        let edges: Vec<usize> = self.candidates.ones().collect();
        let all = effects(&self.engine, &state, &edges, &self.goals);
        let seconds = started.elapsed().as_secs_f64() / self.goals.len().max(1) as f64;
        let of_goal = |(goal, effects): (&Goal, &Vec<f64>)| {
            let ranked = strongest_first(&edges, effects);
            let sizes = self
                .config
                .top
                .map_or_else(|| sizes(ranked.len()), |top| vec![top]);
            let proposal = |size: usize| Proposal {
                parameter: size as f64,
                edges: ranked.iter().take(size).copied().collect(),
                evaluations: edges.len() as u64,
            };
            let judge = self.judge(goal);
            let proposals: Vec<Proposal> = sizes.into_iter().map(proposal).collect();
            let circuit = self.circuit(goal, &judge, Method::Exact, &proposals, seconds)?;
            Some((goal.output, circuit))
        };
        self.goals.iter().zip(&all).filter_map(of_goal).collect()
    }

    /// ACDC along its threshold.
    fn by_acdc(&self) -> Vec<(usize, Circuit)> {
        use rayon::prelude::*;
        let of_goal = |goal: &Goal| {
            let started = Instant::now();
            let judge = self.judge(goal);
            let taus = self
                .config
                .threshold
                .map_or_else(|| thresholds(judge.scale()), |tau| vec![tau]);
            let proposal = |threshold: &f64| {
                let config = Acdc {
                    threshold: *threshold,
                    sign: self.config.sign,
                };
                let found = acdc(judge.engine(), judge.metric(), &self.candidates, config);
                let mut edges = found.kept;
                edges.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
                Proposal {
                    parameter: *threshold,
                    edges,
                    evaluations: found.evaluations,
                }
            };
            let proposals: Vec<Proposal> = taus.par_iter().map(proposal).collect();
            let seconds = started.elapsed().as_secs_f64();
            let circuit = self.circuit(goal, &judge, Method::Acdc, &proposals, seconds)?;
            Some((goal.output, circuit))
        };
        self.goals.iter().filter_map(of_goal).collect()
    }

    fn judge(&self, goal: &Goal) -> Judge<'_, T> {
        let engine = self.engine.select(&goal.rows);
        Judge::new(
            engine,
            goal.metric.select(&goal.rows),
            self.candidates.clone(),
        )
    }

    /// The circuit chosen among proposals, judged and named.
    fn circuit(
        &self,
        goal: &Goal,
        judge: &Judge<'_, T>,
        method: Method,
        proposals: &[Proposal],
        seconds: f64,
    ) -> Option<Circuit> {
        let set = |p: &Proposal| {
            (
                p.parameter,
                self.engine.edges(p.edges.iter().map(|(edge, _)| *edge)),
            )
        };
        let sets: Vec<(f64, EdgeSet)> = proposals.iter().map(set).collect();
        let choice = choose(judge, &sets, self.config.within)?;
        let (proposal, set) = (&proposals[choice.index], &sets[choice.index].1);
        let verdict = judge.judge(set, self.seed);
        let kind = goal.metric.kind();
        let edges_total = self.subject.sites.edge_count();
        let (output, output_name) = self.subject.outputs[goal.output].clone();
        Some(Circuit {
            output,
            output_name,
            method: method.name().to_owned(),
            fill: self.config.fill.to_string(),
            fill_reference: fill_reference(self.subject, self.config.fill),
            metric: kind.to_string(),
            direction: kind.direction().to_string(),
            sign: self.sign(method).to_string(),
            selection: self.selection(method, &choice),
            parameter: proposal.parameter,
            samples: goal.rows.len(),
            edges_total,
            edges_kept: proposal.edges.len(),
            sparsity: 1.0 - proposal.edges.len() as f64 / edges_total as f64,
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
            edges: proposal
                .edges
                .iter()
                .map(|edge| self.named(*edge))
                .collect(),
            sweep: choice.points,
            evaluations: proposals.iter().map(|p| p.evaluations).max().unwrap_or(0),
            seconds,
        })
    }

    /// Scores are ranked by size; ACDC does as it is told.
    fn sign(&self, method: Method) -> Sign {
        match method {
            Method::Exact => Sign::Absolute,
            Method::Acdc => self.config.sign,
        }
    }

    fn selection(&self, method: Method, choice: &Choice) -> String {
        let given = match method {
            Method::Exact => self.config.top.is_some(),
            Method::Acdc => self.config.threshold.is_some(),
        };
        let within = self.config.within;
        match (given, choice.faithful) {
            (true, _) => "as asked for".to_owned(),
            (false, true) => {
                format!("the smallest of the sweep with |1 − faithfulness| ≤ {within}")
            }
            (false, false) => {
                format!("the most faithful of the sweep; none had |1 − faithfulness| ≤ {within}")
            }
        }
    }

    fn named(&self, (edge, effect): (usize, f64)) -> CircuitEdge {
        let (from, to) = self.subject.sites.edge_names(edge);
        CircuitEdge { from, to, effect }
    }
}
