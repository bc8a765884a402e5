//! The numbers of one network, with the names they go by in every table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Config;
use super::bench::{Controlled, exact};
use super::points::{self, mean};
use super::tests_of_circuits::gap;
use crate::audit::Method;
use crate::result::{Audit, Better, Circuit, ComparedCircuit, MeasureInfo, Prune};

/// Shares of |full − corrupted| at which ACDC is compared at an equal τ.
const TAUS: [f64; 2] = [0.01, 0.001];

/// Faithfulness errors at which circuits are compared.
const ERRORS: [f64; 3] = [0.1, 0.05, 0.01];

/// What the numbers are read from.
pub struct Source<'a> {
    pub audit: &'a Audit,
    /// Pruning at the threshold that is the same for all.
    pub equal: Option<&'a Prune>,
    pub circuits: &'a [ComparedCircuit],
    pub controls: &'a [Controlled],
    pub accuracy: Option<f64>,
    pub config: &'a Config,
    /// The network's own `config.json`.
    pub training: &'a Map<String, Value>,
}

/// Values by key, and what they are.
#[derive(Debug, Default)]
pub struct Numbers {
    pub infos: Vec<MeasureInfo>,
    pub values: BTreeMap<String, Option<f64>>,
}

impl Numbers {
    fn add(&mut self, key: &str, title: &str, point: &str, better: Better, value: Option<f64>) {
        self.infos.push(MeasureInfo {
            key: key.to_owned(),
            title: title.to_owned(),
            point: point.to_owned(),
            better,
        });
        let finite = value.filter(|x| x.is_finite());
        self.values.insert(key.to_owned(), finite);
    }
}

/// All numbers of a network.
pub fn numbers(source: &Source<'_>) -> Numbers {
    let mut numbers = Numbers::default();
    task(&mut numbers, source);
    pruning(&mut numbers, source);
    modules(&mut numbers, source);
    for method in &source.config.audit.circuits.methods {
        chosen_circuits(&mut numbers, source, *method);
    }
    equal_size(&mut numbers, source);
    equal_faithfulness(&mut numbers, source);
    equal_tau(&mut numbers, source);
    shared_parts(&mut numbers, source);
    controls(&mut numbers, source);
    hypotheses(&mut numbers, source);
    costs(&mut numbers, source);
    numbers
}

fn task(numbers: &mut Numbers, source: &Source<'_>) {
    let loss = source.audit.prune.as_ref().and_then(|p| p.loss_before);
    let point = "whole network";
    numbers.add("loss", "loss", point, Better::Lower, loss);
    if source.accuracy.is_some() {
        let accuracy = source.accuracy;
        numbers.add("accuracy", "accuracy", point, Better::Higher, accuracy);
    }
}

fn pruning(numbers: &mut Numbers, source: &Source<'_>) {
    let prune = source.audit.prune.as_ref();
    let point = "equal tolerance";
    let of = |f: fn(&Prune) -> f64| prune.map(f);
    let mut add = |key: &str, title: &str, better, value| {
        numbers.add(key, title, point, better, value);
    };
    add(
        "pruning_threshold",
        "pruning threshold",
        Better::Neither,
        of(|p| p.threshold),
    );
    add(
        "edges_at_tolerance",
        "edges kept",
        Better::Lower,
        of(|p| p.edges_kept as f64),
    );
    add(
        "sparsity_at_tolerance",
        "sparsity",
        Better::Higher,
        of(|p| p.sparsity),
    );
    let compact = prune.and_then(|p| p.compaction.as_ref());
    add(
        "parameters_compact",
        "parameters without idle neurons",
        Better::Lower,
        compact.map(|c| c.parameters_after as f64),
    );
    if source.config.audit.certify.is_some() {
        let certificate = prune.and_then(|p| p.certificate.as_ref());
        add(
            "certified_bound",
            "certified bound on the change",
            Better::Lower,
            certificate.map(|c| c.bound),
        );
        add(
            "certified",
            "certified within tolerance",
            Better::Higher,
            certificate.map(|c| f64::from(u8::from(c.holds))),
        );
    }
    let point = "equal threshold";
    let equal = |f: fn(&Prune) -> f64| source.equal.map(f);
    numbers.add(
        "edges_at_threshold",
        "edges kept",
        point,
        Better::Lower,
        equal(|p| p.edges_kept as f64),
    );
    numbers.add(
        "change_at_threshold",
        "largest change of an output over its tolerance",
        point,
        Better::Lower,
        source.equal.map(change_over_tolerance),
    );
    let loss = source.equal.and_then(|p| p.loss_after);
    numbers.add("loss_at_threshold", "loss", point, Better::Lower, loss);
}

fn change_over_tolerance(prune: &Prune) -> f64 {
    let ratio = |o: &crate::result::OutputChange| {
        if o.max_abs_change == 0.0 {
            0.0
        } else {
            o.max_abs_change / o.tolerance
        }
    };
    prune.outputs.iter().map(ratio).fold(0.0, f64::max)
}

fn modules(numbers: &mut Numbers, source: &Source<'_>) {
    let modules = source.audit.modules.as_ref();
    let null = modules.and_then(|m| m.null.as_ref());
    let wiring = modules.and_then(|m| m.wiring.as_ref());
    let point = "equal tolerance";
    let mut add = |key: &str, title: &str, better, value| {
        numbers.add(key, title, point, better, value);
    };
    add(
        "modularity",
        "modularity Q",
        Better::Higher,
        modules.map(|m| m.modularity),
    );
    add(
        "modularity_z",
        "z of Q against shuffled weights",
        Better::Higher,
        null.and_then(|n| n.z),
    );
    add("n_cut", "n-cut", Better::Lower, n_cut(source.audit));
    add(
        "modules",
        "modules",
        Better::Neither,
        modules.map(|m| m.count as f64),
    );
    add(
        "wiring_cost",
        "wiring cost",
        Better::Lower,
        wiring.map(|w| w.cost),
    );
    if let Some(after) = wiring.and_then(|w| w.cost_after_relocation) {
        add(
            "wiring_cost_after_relocation",
            "wiring cost after relocation",
            Better::Lower,
            Some(after),
        );
    }
}

/// n-cut of the modules: Σ over modules of the weight that leaves it over the
/// weight at its sites (Filan et al. 2021); from 0, where modules share nothing.
fn n_cut(audit: &Audit) -> Option<f64> {
    let modules = audit.modules.as_ref()?;
    let of: BTreeMap<&str, usize> = modules
        .partition
        .iter()
        .map(|a| (a.site.as_str(), a.module))
        .collect();
    let (mut cut, mut volume) = (vec![0.0; modules.count], vec![0.0; modules.count]);
    for (layer, weights) in audit.network.weights.iter().enumerate() {
        let (writers, readers) = (
            &audit.network.layers[layer].sites,
            &audit.network.layers[layer + 1].sites,
        );
        for (place, weight) in weights.iter().enumerate() {
            let weight = weight.unwrap_or(0.0).abs();
            let writer = of.get(writers[place % writers.len()].site.as_str());
            let reader = of.get(readers[place / writers.len()].site.as_str());
            let (Some(a), Some(b)) = (writer, reader) else {
                continue;
            };
            if weight < modules.threshold || *a >= cut.len() || *b >= cut.len() {
                continue;
            }
            volume[*a] += weight;
            volume[*b] += weight;
            if a != b {
                cut[*a] += weight;
                cut[*b] += weight;
            }
        }
    }
    let share = |(c, v): (&f64, &f64)| if *v > 0.0 { c / v } else { 0.0 };
    Some(cut.iter().zip(&volume).map(share).sum())
}

/// The smallest faithful circuit of every output.
fn chosen_circuits(numbers: &mut Numbers, source: &Source<'_>, method: Method) {
    let name = method.name();
    let all: Vec<&Circuit> = source
        .audit
        .circuits
        .iter()
        .filter(|c| c.method == name)
        .collect();
    let point = format!("smallest faithful circuits, {name}");
    let of = |f: fn(&Circuit) -> Option<f64>| mean(all.iter().map(|c| f(c)));
    let sum = |f: fn(&Circuit) -> f64| {
        let sum: f64 = all.iter().map(|c| f(c)).sum();
        (!all.is_empty()).then_some(sum)
    };
    let mut add = |key: &str, title: &str, better, value| {
        numbers.add(&format!("{name}_{key}"), title, &point, better, value);
    };
    use Better::{Higher, Lower};
    add(
        "edges",
        "edges per circuit",
        Lower,
        of(|c| Some(c.edges_kept as f64)),
    );
    add("sparsity", "sparsity", Higher, of(|c| Some(c.sparsity)));
    if all.iter().any(|c| c.logit_difference.is_some()) {
        let full = of(|c| Some(c.metric_full));
        let circuit = of(|c| Some(c.metric_circuit));
        add(
            "logit_difference_full",
            "logit difference, network",
            Better::Neither,
            full,
        );
        add(
            "logit_difference_circuit",
            "logit difference, circuit",
            Better::Neither,
            circuit,
        );
    }
    add(
        "gap",
        "relative gap",
        Lower,
        of(|c| points::relative(c, gap(c))),
    );
    add(
        "faithfulness",
        "faithfulness",
        Better::Neither,
        of(|c| c.faithfulness),
    );
    add(
        "completeness",
        "completeness",
        Better::Neither,
        of(|c| c.completeness),
    );
    add(
        "minimality",
        "minimality (share)",
        Higher,
        of(|c| c.minimality),
    );
    add(
        "seconds",
        "discovery time, s, all outputs",
        Lower,
        sum(|c| c.seconds),
    );
    add(
        "evaluations",
        "patched runs, all outputs",
        Lower,
        sum(|c| c.evaluations as f64),
    );
    if method == Method::Exact {
        let curve = |f: fn(crate::evaluate::Curve) -> f64| {
            mean(all.iter().map(|c| points::curve(c).map(f)))
        };
        add("cpr", "CPR", Higher, curve(|c| c.cpr));
        add("cmd", "CMD", Lower, curve(|c| c.cmd));
    }
}

fn equal_size(numbers: &mut Numbers, source: &Source<'_>) {
    let all = exact(source.audit);
    let total = source.audit.prune.as_ref().map_or(0, |p| p.edges_total);
    for size in points::sizes(total) {
        let point = format!("equal size: {size} edges per circuit");
        let gap = mean(
            all.iter()
                .map(|c| points::relative(c, points::at_size(c, size)?.gap)),
        );
        let error = mean(all.iter().map(|c| points::error_at_size(c, size)));
        let key = |what: &str| format!("{what}_at_{size}_edges");
        numbers.add(&key("gap"), "relative gap", &point, Better::Lower, gap);
        numbers.add(
            &key("error"),
            "|1 − faithfulness|",
            &point,
            Better::Lower,
            error,
        );
    }
}

fn equal_faithfulness(numbers: &mut Numbers, source: &Source<'_>) {
    let all = exact(source.audit);
    for error in ERRORS {
        let percent = (100.0 * error).round();
        let point = format!("equal faithfulness: within {percent} %");
        let key = |what: &str| format!("{what}_within_{percent}_percent");
        let edges = |c: &&Circuit| points::edges_for(c, error).map(|p| p.edges_kept as f64);
        let gap = |c: &&Circuit| points::relative(c, points::edges_for(c, error)?.gap);
        let edges = mean(all.iter().map(edges));
        let gap = mean(all.iter().map(gap));
        numbers.add(
            &key("edges"),
            "edges per circuit",
            &point,
            Better::Lower,
            edges,
        );
        numbers.add(&key("gap"), "relative gap", &point, Better::Lower, gap);
    }
}

/// ACDC at the same τ, as a share of each network's own |full − corrupted|.
fn equal_tau(numbers: &mut Numbers, source: &Source<'_>) {
    let circuits = &source.config.audit.circuits;
    if !circuits.methods.contains(&Method::Acdc) || circuits.threshold.is_some() {
        return;
    }
    let by_acdc = |c: &&Circuit| c.method == Method::Acdc.name();
    let all: Vec<&Circuit> = source.audit.circuits.iter().filter(by_acdc).collect();
    for tau in TAUS {
        let point = format!("equal ACDC threshold: τ = {tau} of the metric's range");
        let at = |f: fn(&Circuit, &crate::result::SweepPoint) -> Option<f64>| {
            mean(
                all.iter()
                    .map(|c| points::at_tau(c, tau).and_then(|p| f(c, p))),
            )
        };
        let key = |what: &str| format!("acdc_{what}_at_tau_{tau}");
        let edges = at(|_, p| Some(p.edges_kept as f64));
        let gap = at(|c, p| points::relative(c, p.gap));
        let error = at(|_, p| Some((1.0 - p.faithfulness?).abs()));
        numbers.add(
            &key("edges"),
            "edges per circuit",
            &point,
            Better::Lower,
            edges,
        );
        numbers.add(&key("gap"), "relative gap", &point, Better::Lower, gap);
        numbers.add(
            &key("error"),
            "|1 − faithfulness|",
            &point,
            Better::Lower,
            error,
        );
    }
}

/// Polysemanticity, and what the circuits of different outputs share.
fn shared_parts(numbers: &mut Numbers, source: &Source<'_>) {
    let all = exact(source.audit);
    let nodes: Vec<BTreeSet<&str>> = all.iter().map(|c| hidden(c)).collect();
    let edges: Vec<BTreeSet<(&str, &str)>> = all
        .iter()
        .map(|c| {
            let ends = c.edges.iter().map(|e| (e.from.as_str(), e.to.as_str()));
            ends.collect()
        })
        .collect();
    let union: BTreeSet<&str> = nodes.iter().flatten().copied().collect();
    let uses: usize = nodes.iter().map(BTreeSet::len).sum();
    let per_neuron = (!union.is_empty()).then(|| uses as f64 / union.len() as f64);
    let point = "smallest faithful circuits, exact";
    numbers.add(
        "outputs_per_neuron",
        "outputs that a circuit neuron serves",
        point,
        Better::Lower,
        per_neuron,
    );
    numbers.add(
        "shared_edges",
        "edge Jaccard of two outputs' circuits",
        point,
        Better::Lower,
        mean_jaccard(&edges),
    );
    numbers.add(
        "shared_nodes",
        "hidden-node Jaccard of two outputs' circuits",
        point,
        Better::Lower,
        mean_jaccard(&nodes),
    );
}

/// The hidden sites that a circuit's edges touch.
fn hidden(circuit: &Circuit) -> BTreeSet<&str> {
    let ends = circuit
        .edges
        .iter()
        .flat_map(|e| [e.from.as_str(), e.to.as_str()]);
    ends.filter(|site| site.starts_with('h')).collect()
}

fn mean_jaccard<E: Ord>(sets: &[BTreeSet<E>]) -> Option<f64> {
    let pairs = (0..sets.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
    mean(pairs.map(|(a, b)| jaccard(&sets[a], &sets[b])))
}

/// |A ∩ B| / |A ∪ B|; `None` for two empty sets.
pub fn jaccard<E: Ord>(a: &BTreeSet<E>, b: &BTreeSet<E>) -> Option<f64> {
    let both = a.intersection(b).count();
    let either = a.len() + b.len() - both;
    (either > 0).then(|| both as f64 / either as f64)
}

fn controls(numbers: &mut Numbers, source: &Source<'_>) {
    let point = "controls, at the circuits' own sizes";
    let circuits = source.circuits;
    let called = mean(
        circuits
            .iter()
            .map(|c| Some(f64::from(u8::from(c.is_circuit)))),
    );
    let own = mean(circuits.iter().map(|c| Some((1.0 - c.faithfulness?).abs())));
    numbers.add(
        "circuits_called",
        "share of circuits that are faithful and beat every control",
        point,
        Better::Higher,
        called,
    );
    numbers.add(
        "circuit_error",
        "|1 − faithfulness|, circuits",
        point,
        Better::Lower,
        own,
    );
    let kinds = source.controls.iter().map(|c| c.kind.name());
    for name in std::iter::once("random").chain(kinds) {
        let of_name = circuits
            .iter()
            .filter_map(|c| c.controls.iter().find(|k| k.name == name));
        // Of random circuits the median stands first; the best one is not typical.
        let typical = of_name.clone().map(|k| match k.name.as_str() {
            "random" => k.errors.first().copied().flatten(),
            _ => mean(k.errors.iter().copied()),
        });
        let words = format!("|1 − faithfulness|, {name}");
        let key = format!("control_{name}_error");
        numbers.add(&key, &words, point, Better::Neither, mean(typical));
        let beaten = of_name
            .clone()
            .map(|k| k.beaten.map(|b| f64::from(u8::from(b))));
        let words = format!("share of circuits that beat {name}");
        let key = format!("beats_{name}");
        numbers.add(&key, &words, point, Better::Higher, mean(beaten));
        if name != "random" {
            let needed = of_name.map(|k| {
                let edges = k.edges_needed.iter();
                mean(edges.map(|n| n.map(|n| n as f64)))
            });
            let words = format!("edges per circuit, {name}");
            let key = format!("control_{name}_edges");
            numbers.add(&key, &words, point, Better::Neither, mean(needed));
        }
    }
}

fn hypotheses(numbers: &mut Numbers, source: &Source<'_>) {
    let point = "hypothesis tests, share of circuits that stand";
    for name in [
        "equivalence",
        "independence",
        "minimality",
        "sufficiency",
        "partial-necessity",
    ] {
        let stands = source.circuits.iter().map(|c| {
            let test = c.hypotheses.iter().find(|h| h.name == name)?;
            test.stands.map(|s| f64::from(u8::from(s)))
        });
        let key = format!("stands_{}", name.replace('-', "_"));
        numbers.add(&key, name, point, Better::Higher, mean(stands));
    }
}

fn costs(numbers: &mut Numbers, source: &Source<'_>) {
    let inference = source.audit.costs.inference.as_ref();
    let point = "costs";
    let per_sample = |seconds: f64| {
        let samples = inference.map_or(1, |i| i.samples).max(1);
        1e6 * seconds / samples as f64
    };
    let mut add = |key: &str, title: &str, value| {
        numbers.add(key, title, point, Better::Lower, value);
    };
    add(
        "microseconds_dense",
        "inference, dense, µs a sample",
        inference.map(|i| per_sample(i.dense)),
    );
    add(
        "microseconds_compact",
        "inference, pruned and compact, µs a sample",
        inference.map(|i| per_sample(i.compact.min(i.compact_sparse))),
    );
    let of_training = |keys: &[&str]| keys.iter().find_map(|k| source.training.get(*k)?.as_f64());
    add(
        "training_seconds",
        "training, s",
        of_training(&["total_seconds", "wall_seconds"]),
    );
    add(
        "training_memory",
        "training, peak memory, MB",
        of_training(&["peak_rss_mb"]),
    );
}
