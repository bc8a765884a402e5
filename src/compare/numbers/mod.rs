//! The numbers of one network, with the names they go by in every table.

mod circuits;
mod points;

pub use circuits::jaccard;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Config;
use crate::audit::rank::value;
use crate::audit::searched::Controlled;
use crate::choice::{Criterion, MeasureKind};
use crate::result::Better::{self, Higher, Lower, Neither};
use crate::result::{Audit, ComparedCircuit, MeasureInfo, Prune};

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

/// One number: its key, its name, which direction is better, and its value.
struct Row<'a> {
    key: &'a str,
    title: &'a str,
    better: Better,
    value: Option<f64>,
}

fn row<'a>(key: &'a str, title: &'a str, better: Better, value: Option<f64>) -> Row<'a> {
    Row {
        key,
        title,
        better,
        value,
    }
}

impl Numbers {
    fn add_all<'a>(&mut self, point: &str, rows: impl IntoIterator<Item = Row<'a>>) {
        for row in rows {
            self.add(row.key, row.title, point, row.better, row.value);
        }
    }

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
        circuits::chosen(&mut numbers, source, *method);
    }
    points::equal_size(&mut numbers, source);
    points::equal_faithfulness(&mut numbers, source);
    points::equal_tau(&mut numbers, source);
    circuits::shared_parts(&mut numbers, source);
    circuits::controls(&mut numbers, source);
    circuits::hypotheses(&mut numbers, source);
    costs(&mut numbers, source);
    numbers
}

fn task(numbers: &mut Numbers, source: &Source<'_>) {
    let loss = source.audit.prune.as_ref().and_then(|p| p.loss_before);
    numbers.add_all(
        "whole network",
        [row(Criterion::Loss.name(), "loss", Lower, loss)],
    );
    if source.accuracy.is_some() {
        let accuracy = row("accuracy", "accuracy", Higher, source.accuracy);
        numbers.add_all("whole network", [accuracy]);
    }
}

fn pruning(numbers: &mut Numbers, source: &Source<'_>) {
    let prune = source.audit.prune.as_ref();
    let of = |f: fn(&Prune) -> f64| prune.map(f);
    let compact = prune.and_then(|p| p.compaction.as_ref());
    let parameters = compact.map(|c| c.parameters_after as f64);
    let words = "parameters without idle neurons";
    let rows = [
        row(
            "pruning_threshold",
            "pruning threshold",
            Neither,
            of(|p| p.threshold),
        ),
        row(
            "edges_at_tolerance",
            "edges kept",
            Lower,
            of(|p| p.edges_kept as f64),
        ),
        row(
            "sparsity_at_tolerance",
            "sparsity",
            Higher,
            of(|p| p.sparsity),
        ),
        row("parameters_compact", words, Lower, parameters),
    ];
    numbers.add_all("equal tolerance", rows);
    if source.config.audit.certify.is_some() {
        let certificate = prune.and_then(|p| p.certificate.as_ref());
        let bound = certificate.map(|c| c.bound);
        let holds = certificate.map(|c| f64::from(u8::from(c.holds)));
        let rows = [
            row(
                "certified_bound",
                "certified bound on the change",
                Lower,
                bound,
            ),
            row("certified", "certified within tolerance", Higher, holds),
        ];
        numbers.add_all("equal tolerance", rows);
    }
    let equal = |f: fn(&Prune) -> f64| source.equal.map(f);
    let change = source.equal.map(change_over_tolerance);
    let loss = source.equal.and_then(|p| p.loss_after);
    let words = "largest change of an output over its tolerance";
    let rows = [
        row(
            "edges_at_threshold",
            "edges kept",
            Lower,
            equal(|p| p.edges_kept as f64),
        ),
        row("change_at_threshold", words, Lower, change),
        row("loss_at_threshold", "loss", Lower, loss),
    ];
    numbers.add_all("equal threshold", rows);
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
    let z = modules.and_then(|m| m.null.as_ref()?.z);
    let wiring = modules.and_then(|m| m.wiring.as_ref());
    let q = modules.map(|m| m.modularity);
    let count = modules.map(|m| m.count as f64);
    let after = wiring.and_then(|w| w.cost_after_relocation);
    let words = "wiring cost after relocation";
    let by = |criterion: Criterion| {
        let value = value(source.audit, criterion);
        row(criterion.name(), criterion.in_words(), Higher, value)
    };
    let rows = [
        row("modularity", "modularity Q", Higher, q),
        row("modularity_z", "z of Q against shuffled weights", Higher, z),
        row("n_cut", "n-cut", Lower, n_cut(source.audit)),
        row("modules", "modules", Neither, count),
        by(Criterion::DescriptionLengthGained),
        by(Criterion::Selectivity),
        row("wiring_cost", "wiring cost", Lower, wiring.map(|w| w.cost)),
        row("wiring_cost_after_relocation", words, Lower, after),
    ];
    numbers.add_all("equal tolerance", rows);
}

/// n-cut of the modules; from 0, where modules share nothing.
fn n_cut(audit: &Audit) -> Option<f64> {
    let measures = &audit.modules.as_ref()?.measures;
    let found = measures.iter().find(|m| m.name == MeasureKind::NCut)?;
    Some(found.value)
}

fn costs(numbers: &mut Numbers, source: &Source<'_>) {
    let inference = source.audit.costs.inference.as_ref();
    let point = "costs";
    let per_sample = |seconds: f64| {
        let samples = inference.map_or(1, |i| i.samples).max(1);
        1e6 * seconds / samples as f64
    };
    let of_training = |keys: &[&str]| keys.iter().find_map(|k| source.training.get(*k)?.as_f64());
    let dense = inference.map(|i| per_sample(i.dense));
    let compact = inference.map(|i| per_sample(i.compact.min(i.compact_sparse)));
    let seconds = of_training(&["total_seconds", "wall_seconds"]);
    let memory = of_training(&["peak_rss_mb"]);
    let words = "inference, pruned and compact, µs a sample";
    let rows = [
        row(
            "microseconds_dense",
            "inference, dense, µs a sample",
            Lower,
            dense,
        ),
        row("microseconds_compact", words, Lower, compact),
        row("training_seconds", "training, s", Lower, seconds),
        row(
            "training_memory",
            "training, peak memory, MB",
            Lower,
            memory,
        ),
    ];
    numbers.add_all(point, rows);
}
