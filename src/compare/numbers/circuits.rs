//! The circuits of one network: what they are, share, beat and stand.

use std::collections::BTreeSet;

use super::{Numbers, Source, row};
use crate::audit::Method;
use crate::audit::searched::exact;
use crate::choice::{Against, HypothesisKind, Origin};
use crate::compare::points::{self as at, mean};
use crate::compare::tests_of_circuits::gap;
use crate::evaluate::Curve;
use crate::result::Better::{Higher, Lower, Neither};
use crate::result::{Circuit, Control};

/// Where circuits stand beside their controls.
const CONTROLS: &str = "controls, at the circuits' own sizes";

/// The smallest faithful circuit of every output.
pub fn chosen(numbers: &mut Numbers, source: &Source<'_>, method: Method) {
    let name = method.name();
    let all: Vec<&Circuit> = source
        .audit
        .circuits
        .iter()
        .filter(|c| c.method == Origin::Found(method))
        .collect();
    let point = format!("smallest faithful circuits, {name}");
    let of = |f: fn(&Circuit) -> Option<f64>| mean(all.iter().map(|c| f(c)));
    let sum = |f: fn(&Circuit) -> f64| {
        let sum: f64 = all.iter().map(|c| f(c)).sum();
        (!all.is_empty()).then_some(sum)
    };
    let mut add = |what: &str, title: &str, better, value| {
        numbers.add(&format!("{name}_{what}"), title, &point, better, value);
    };
    let edges = of(|c| Some(c.edges_kept as f64));
    add("edges", "edges per circuit", Lower, edges);
    add("sparsity", "sparsity", Higher, of(|c| Some(c.sparsity)));
    if all.iter().any(|c| c.logit_difference.is_some()) {
        let (full, circuit) = (of(|c| Some(c.metric_full)), of(|c| Some(c.metric_circuit)));
        let [network, kept] = ["network", "circuit"].map(|of| format!("logit difference, {of}"));
        add("logit_difference_full", &network, Neither, full);
        add("logit_difference_circuit", &kept, Neither, circuit);
    }
    let gap = of(|c| at::relative(c, gap(c)));
    add("gap", "relative gap", Lower, gap);
    let faithful = of(|c| c.faithfulness);
    add("faithfulness", "faithfulness", Neither, faithful);
    let complete = of(|c| c.completeness);
    add("completeness", "completeness", Neither, complete);
    let minimal = of(|c| c.minimality);
    add("minimality", "minimality (share)", Higher, minimal);
    let (seconds, runs) = (sum(|c| c.seconds), sum(|c| c.evaluations as f64));
    add("seconds", "discovery time, s, all outputs", Lower, seconds);
    add("evaluations", "patched runs, all outputs", Lower, runs);
    if method == Method::Exact {
        let curve = |f: fn(Curve) -> f64| mean(all.iter().map(|c| at::curve(c).map(f)));
        add("cpr", "CPR", Higher, curve(|c| c.cpr));
        add("cmd", "CMD", Lower, curve(|c| c.cmd));
    }
}

/// Polysemanticity, and what the circuits of different outputs share.
pub fn shared_parts(numbers: &mut Numbers, source: &Source<'_>) {
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
        Lower,
        per_neuron,
    );
    numbers.add(
        "shared_edges",
        "edge Jaccard of two outputs' circuits",
        point,
        Lower,
        mean_jaccard(&edges),
    );
    numbers.add(
        "shared_nodes",
        "hidden-node Jaccard of two outputs' circuits",
        point,
        Lower,
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

pub fn controls(numbers: &mut Numbers, source: &Source<'_>) {
    let circuits = source.circuits;
    let share = |called: bool| Some(f64::from(u8::from(called)));
    let called = mean(circuits.iter().map(|c| share(c.is_circuit)));
    let own = mean(circuits.iter().map(|c| Some((1.0 - c.faithfulness?).abs())));
    let words = "share of circuits that are faithful and beat every control";
    let rows = [
        row("circuits_called", words, Higher, called),
        row("circuit_error", "|1 − faithfulness|, circuits", Lower, own),
    ];
    numbers.add_all(CONTROLS, rows);
    let kinds = source.controls.iter().map(|c| Against::Control(c.kind));
    for name in std::iter::once(Against::Random).chain(kinds) {
        control(numbers, source, name);
    }
}

fn control(numbers: &mut Numbers, source: &Source<'_>, name: Against) {
    let of_name = || {
        let circuits = source.circuits.iter();
        circuits.filter_map(|c| c.controls.iter().find(|k| k.name == name))
    };
    // Of random circuits the median stands first; the best one is not typical.
    let typical = |k: &Control| match k.name {
        Against::Random => k.errors.first().copied().flatten(),
        Against::Control(_) => mean(k.errors.iter().copied()),
    };
    let beaten = |k: &Control| k.beaten.map(|b| f64::from(u8::from(b)));
    let needed = |k: &Control| mean(k.edges_needed.iter().map(|n| n.map(|n| n as f64)));
    let error = (
        format!("control_{name}_error"),
        format!("|1 − faithfulness|, {name}"),
    );
    let beats = (
        format!("beats_{name}"),
        format!("share of circuits that beat {name}"),
    );
    let rows = [
        row(&error.0, &error.1, Neither, mean(of_name().map(typical))),
        row(&beats.0, &beats.1, Higher, mean(of_name().map(beaten))),
    ];
    numbers.add_all(CONTROLS, rows);
    if name != Against::Random {
        let key = format!("control_{name}_edges");
        let words = format!("edges per circuit, {name}");
        let edges = mean(of_name().map(needed));
        numbers.add_all(CONTROLS, [row(&key, &words, Neither, edges)]);
    }
}

pub fn hypotheses(numbers: &mut Numbers, source: &Source<'_>) {
    let point = "hypothesis tests, share of circuits that stand";
    for claim in HypothesisKind::each() {
        let stands = source.circuits.iter().map(|c| {
            let test = c.hypotheses.iter().find(|h| h.name == claim)?;
            test.stands.map(|s| f64::from(u8::from(s)))
        });
        let key = format!("stands_{}", claim.name().replace('-', "_"));
        numbers.add(&key, claim.name(), point, Higher, mean(stands));
    }
}
