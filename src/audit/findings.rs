//! Remarks on the checkpoint that an auditor should see.

use super::subject::Subject;
use crate::Error;
use crate::checkpoint::Checkpoint;
use crate::model::{Loaded, Mlp};
use crate::numeric::Scalar;
use crate::result::{Circuit, Finding, Prune, Status};

/// NaN and infinite weights; and, after pruning, sites that are constant or unread.
pub fn findings<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    prune: Option<&Prune>,
) -> Vec<Finding> {
    let threshold = prune.map_or(0.0, |prune| prune.threshold);
    let mut all = of_the_file(subject.files.checkpoint, subject.files.loaded);
    let fates = fates(subject, pruned);
    let mut add = |kind: &str, fate: Fate, text: &str| {
        let subjects: Vec<String> = fates
            .iter()
            .filter(|(_, f)| *f == fate)
            .map(|(s, _)| s.clone())
            .collect();
        if !subjects.is_empty() {
            let text = format!(
                "{} {text} (weights below {threshold:.3e} pruned)",
                subjects.len()
            );
            all.push(finding(Status::Note, kind, subjects, text));
        }
    };
    add(
        "constant-outputs",
        Fate::ConstantOutput,
        "of the outputs read nothing: only their biases are left",
    );
    add(
        "constant-neurons",
        Fate::Constant,
        "hidden neurons are read but read nothing: constants",
    );
    add(
        "unused-neurons",
        Fate::Unread,
        "hidden neurons read something but are not read",
    );
    add(
        "isolated-neurons",
        Fate::Isolated,
        "hidden neurons have no connections left",
    );
    add(
        "unused-inputs",
        Fate::UnusedInput,
        "of the inputs are not read",
    );
    all
}

/// What pruning left of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Live,
    Constant,
    Unread,
    Isolated,
    UnusedInput,
    ConstantOutput,
}

fn fates<T: Scalar>(subject: &Subject<'_, T>, pruned: &Mlp<T>) -> Vec<(String, Fate)> {
    let sites = &subject.sites;
    let fate = |layer: usize, position: usize| {
        let reads = layer > 0
            && pruned.layers[layer - 1]
                .weight
                .row(position)
                .iter()
                .any(|w| !w.is_zero());
        let read = layer < sites.depth()
            && pruned.layers[layer]
                .weight
                .column(position)
                .iter()
                .any(|w| !w.is_zero());
        match (reads, read) {
            _ if layer == 0 => {
                if read {
                    Fate::Live
                } else {
                    Fate::UnusedInput
                }
            }
            _ if layer == sites.depth() => {
                if reads {
                    Fate::Live
                } else {
                    Fate::ConstantOutput
                }
            }
            (true, true) => Fate::Live,
            (false, true) => Fate::Constant,
            (true, false) => Fate::Unread,
            (false, false) => Fate::Isolated,
        }
    };
    (0..sites.site_count())
        .map(|site| {
            let (layer, position) = sites.place(site);
            (sites.name(layer, position), fate(layer, position))
        })
        .collect()
}

/// A search in which no patch changed anything.
pub fn silent(circuit: &Circuit) -> Finding {
    let text = format!(
        "`{}` gives every edge an effect of exactly 0 on `{}`: no patch under the fill `{}` changes it",
        circuit.method, circuit.metric, circuit.fill
    );
    let subjects = vec![circuit.output.clone()];
    finding(Status::NotShown, "patches-change-nothing", subjects, text)
}

/// A method that gave no circuit while others did, and what to do.
pub fn silent_method(error: &Error) -> Finding {
    let remedy = error
        .remedy()
        .map_or_else(String::new, |remedy| format!("; {remedy}"));
    let text = format!("{error}{remedy}");
    finding(Status::NotShown, "method-without-scores", Vec::new(), text)
}

/// Tensors with NaN or infinite values.
pub fn non_finite(checkpoint: &Checkpoint, loaded: &Loaded) -> Vec<Finding> {
    let used = |(name, _): &(&String, _)| loaded.account.used.contains_key(*name);
    let tensors = checkpoint.tensors.iter().filter(used);
    let bad = tensors.filter_map(|(name, tensor)| {
        let (nan, infinite) = tensor.non_finite();
        let text = format!("tensor `{name}` holds {nan} NaN and {infinite} infinite values");
        (nan + infinite > 0).then(|| finding(Status::Fails, "non-finite", vec![name.clone()], text))
    });
    bad.collect()
}

/// What a reader should know of the file and of how it was read.
pub fn of_the_file(checkpoint: &Checkpoint, loaded: &Loaded) -> Vec<Finding> {
    let account = &loaded.account;
    let mut all = Vec::new();
    if !account.keys_unknown.is_empty() {
        let keys = account.keys_unknown.clone();
        let text = format!(
            "`config.json` has keys that are not known and not used: {}",
            keys.join(", ")
        );
        all.push(finding(Status::Note, "unknown-settings", keys, text));
    }
    let told = account.told.iter();
    all.extend(told.map(|text| finding(Status::Note, "as-read", Vec::new(), text.clone())));
    all.extend(non_finite(checkpoint, loaded));
    all
}

/// A remark.
pub fn finding(status: Status, kind: &str, subjects: Vec<String>, text: String) -> Finding {
    Finding {
        status,
        kind: kind.to_owned(),
        subjects,
        text,
    }
}
