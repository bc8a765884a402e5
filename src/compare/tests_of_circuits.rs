//! Every circuit of a network against its controls and under the hypothesis tests.

use std::collections::BTreeMap;

use super::Config;
use super::points;
use crate::Result;
use crate::audit::circuits::engine;
use crate::audit::searched::{Controlled, beside as beside_control, exact};
use crate::audit::subject::Subject;
use crate::choice::{Against, HypothesisKind};
use crate::evaluate::Judge;
use crate::evaluate::hypotheses::{Drawn, Hypotheses, LEVEL, QUANTILE, hypotheses};
use crate::model::{Edge, Mlp, Sites};
use crate::numeric::{Scalar, parallel, statistics};
use crate::patch::{Patchable as _, PatchableExt as _};
use crate::result::{Audit, Circuit, ComparedCircuit, Control, Hypothesis};

/// The circuits by exact effects of an audit, tested.
pub fn circuits<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    audited: &Audit,
    controls: &[Controlled],
    config: &Config,
) -> Result<Vec<ComparedCircuit>> {
    let goals = subject.goals(&config.audit.circuits)?;
    let fill = config
        .audit
        .circuits
        .fill(subject.batch.corrupted.is_some());
    let engine = engine(subject, pruned, fill, config.audit.seed)?;
    let candidates = engine.surviving();
    let places = places(&subject.sites);
    let within = config.audit.circuits.within;
    let tested = |circuit: &&Circuit| {
        let goal = goals
            .iter()
            .find(|goal| subject.outputs[goal.output].0 == circuit.output)?;
        let network = engine.select(&goal.rows);
        let metric = goal.metric.select(&goal.rows);
        let judge = Judge::new(&network, metric, candidates.clone());
        let edges = edges(circuit, &subject.sites, &places);
        let set = engine.edges(edges.iter().copied());
        let said = hypotheses(&judge, &set, config.audit.seed);
        let mut beside = vec![random(circuit, said.random.as_ref())];
        beside.extend(controls.iter().map(|c| beside_control(circuit, c, within)));
        Some(ComparedCircuit {
            output: circuit.output.clone(),
            output_name: circuit.output_name.clone(),
            edges_kept: circuit.edges_kept,
            faithfulness: circuit.faithfulness,
            interval: circuit.interval,
            gap: points::relative(circuit, gap(circuit)),
            is_circuit: circuit.established == Some(true),
            controls: beside,
            hypotheses: sentences(&said),
            edges,
        })
    };
    let tested: Vec<Option<ComparedCircuit>> = parallel::map(&exact(audited), tested);
    Ok(tested.into_iter().flatten().collect())
}

/// The gap of the circuit that was chosen.
pub fn gap(circuit: &Circuit) -> Option<f64> {
    circuit.gap
}

/// Layer and position of every site, by name.
fn places(sites: &Sites) -> BTreeMap<String, (usize, usize)> {
    let names = sites.names().into_iter().enumerate();
    names.map(|(n, name)| (name, sites.place(n))).collect()
}

/// The numbers of a circuit's edges.
fn edges(
    circuit: &Circuit,
    sites: &Sites,
    places: &BTreeMap<String, (usize, usize)>,
) -> Vec<usize> {
    let number = |edge: &crate::result::CircuitEdge| {
        let (layer, from) = *places.get(&edge.from)?;
        let (_, to) = *places.get(&edge.to)?;
        Some(sites.edge(Edge { layer, to, from }))
    };
    circuit.edges.iter().filter_map(number).collect()
}

/// Random circuits of the same size, made of paths.
fn random(circuit: &Circuit, drawn: Option<&Drawn>) -> Control {
    let range = (circuit.metric_full - circuit.metric_corrupted).abs();
    let mut errors: Vec<f64> = drawn
        .iter()
        .flat_map(|d| &d.random_errors)
        .map(|e| e / range)
        .collect();
    errors.sort_by(f64::total_cmp);
    let p = drawn.map(|d| {
        let as_good = d.random_errors.iter().filter(|e| **e <= d.error).count();
        (as_good + 1) as f64 / (d.draws + 1) as f64
    });
    Control {
        name: Against::Random,
        errors: vec![statistics::quantile(&errors, 0.5), errors.first().copied()],
        edges_needed: Vec::new(),
        p,
        beaten: p.map(|p| p <= LEVEL),
    }
}

/// What the five tests say.
fn sentences(said: &Hypotheses) -> Vec<Hypothesis> {
    let mut all = vec![equivalence(said), independence(said)];
    all.push(minimality(said));
    all.extend(against_random(said));
    all
}

fn equivalence(said: &Hypotheses) -> Hypothesis {
    let e = &said.equivalence;
    let stands = e.p > LEVEL;
    let losses = e.samples - e.wins - e.ties;
    let verdict = if stands {
        "which equal chances can explain"
    } else {
        "which equal chances do not explain"
    };
    Hypothesis {
        name: HypothesisKind::Equivalence,
        statistic: e.fraction,
        p: e.p,
        stands: Some(stands),
        sentence: format!(
            "Alone it scores better than the network on {} of {} samples, worse on {losses} and \
             the same on {}: {verdict} (to within 0.1; p = {}).",
            e.wins,
            e.samples,
            e.ties,
            p_words(e.p)
        ),
    }
}

fn independence(said: &Hypotheses) -> Hypothesis {
    let i = &said.independence;
    let stands = i.p > LEVEL;
    let verdict = if stands {
        "say nothing measurable about"
    } else {
        "still go with"
    };
    Hypothesis {
        name: HypothesisKind::Independence,
        statistic: i.statistic,
        p: i.p,
        stands: Some(stands),
        sentence: format!(
            "Without it, the network's scores {verdict} its scores with it (HSIC over {} samples, \
             p = {}).",
            i.samples,
            p_words(i.p)
        ),
    }
}

fn minimality(said: &Hypotheses) -> Hypothesis {
    let Some(m) = &said.minimality else {
        return untested(
            HypothesisKind::Minimality,
            "There is nothing to add to it at random.",
        );
    };
    Hypothesis {
        name: HypothesisKind::Minimality,
        statistic: m.needed as f64 / m.edges.max(1) as f64,
        p: m.p,
        stands: Some(m.needed == m.edges),
        sentence: format!(
            "{} of its {} edges matter more than {} % of edges added at random (Holm over its \
             edges).",
            m.needed,
            m.edges,
            QUANTILE * 100.0
        ),
    }
}

fn against_random(said: &Hypotheses) -> [Hypothesis; 2] {
    let Some(drawn) = &said.random else {
        let why = "There are no other circuits of its size.";
        return [
            untested(HypothesisKind::Sufficiency, why),
            untested(HypothesisKind::PartialNecessity, why),
        ];
    };
    let tested = |name: HypothesisKind, share: f64, words: &str| {
        let p = drawn.p(share);
        Hypothesis {
            name,
            statistic: share,
            p,
            stands: Some(p <= LEVEL),
            sentence: format!(
                "{words} {:.1} % of {} random circuits of its size (more than {} %: p = {}).",
                share * 100.0,
                drawn.draws,
                QUANTILE * 100.0,
                p_words(p)
            ),
        }
    };
    [
        tested(
            HypothesisKind::Sufficiency,
            drawn.sufficiency(),
            "Alone it is closer to the network than",
        ),
        tested(
            HypothesisKind::PartialNecessity,
            drawn.necessity(),
            "Taking it away costs more than taking away",
        ),
    ]
}

fn untested(name: HypothesisKind, why: &str) -> Hypothesis {
    Hypothesis {
        name,
        statistic: f64::NAN,
        p: f64::NAN,
        stands: None,
        sentence: why.to_owned(),
    }
}

/// A p-value that is never printed as 0.
fn p_words(p: f64) -> String {
    if p < 1e-4 {
        "under 0.0001".to_owned()
    } else if p < 0.01 {
        format!("{p:.4}")
    } else {
        format!("{p:.2}")
    }
}
