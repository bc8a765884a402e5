//! How small the circuits are and how much of each output they keep.

use std::collections::BTreeSet;

use super::{Sentence, Status, joined, plural};
use crate::choice::{Level, Method, Origin};
use crate::report::format::{count, count_words, short};
use crate::report::sites::Sites;
use crate::result::{Audit, Circuit};

const TOPIC: &str = "Circuits";

pub(super) fn sentences(audit: &Audit, sites: &Sites<'_>) -> Vec<Sentence> {
    if audit.circuits.is_empty() {
        return vec![Sentence::new(
            TOPIC,
            Status::NotAsked,
            "No circuits were looked for.",
        )];
    }
    let mut said = Vec::new();
    for method in methods(&audit.circuits) {
        let mine: Vec<&Circuit> = audit
            .circuits
            .iter()
            .filter(|c| c.method == method)
            .collect();
        said.push(sizes(method, &mine));
        said.extend(decision(method, &mine, audit, sites));
    }
    said
}

fn methods(circuits: &[Circuit]) -> Vec<Origin> {
    let mut methods: Vec<Origin> = Vec::new();
    for circuit in circuits {
        if !methods.contains(&circuit.method) {
            methods.push(circuit.method);
        }
    }
    methods
}

/// The beginning of a sentence on what a method found: its name and the verb.
fn method_gives(origin: Origin) -> &'static str {
    let Origin::Found(method) = origin else {
        return "The given circuit is";
    };
    match method {
        Method::Exact => "Exact effects give",
        Method::Acdc => "ACDC gives",
        Method::Eap => "EAP gives",
        Method::EapIgInputs => "EAP-IG on inputs gives",
        Method::EapIgActivations => "EAP-IG on activations gives",
        Method::CleanCorrupted => "Clean-corrupted attribution gives",
        Method::Mask => "A learned mask gives",
        Method::Random => "Random scores (the control) give",
    }
}

/// What a circuit of a method is called: an `exact-effect` circuit.
fn method_word(origin: Origin) -> &'static str {
    let Origin::Found(method) = origin else {
        return "given";
    };
    match method {
        Method::Exact => "exact-effect",
        Method::Acdc => "ACDC",
        Method::Eap => "EAP",
        Method::EapIgInputs => "EAP-IG (inputs)",
        Method::EapIgActivations => "EAP-IG (activations)",
        Method::CleanCorrupted => "clean-corrupted",
        Method::Mask => "learned-mask",
        Method::Random => "random (control)",
    }
}

fn sizes(method: Origin, circuits: &[&Circuit]) -> Sentence {
    let edges = circuits.iter().map(|c| c.edges_kept);
    let (few, many) = (edges.clone().min().unwrap_or(0), edges.max().unwrap_or(0));
    let total = circuits.first().map_or(0, |c| c.edges_total);
    let size = if few == many {
        count(few)
    } else {
        format!("{} to {}", count(few), count(many))
    };
    let outputs = match circuits.len() {
        1 => "a circuit".to_owned(),
        n => format!("{} circuits, one per output,", count_words(n)),
    };
    let unit = match circuits.first().map_or(Level::Edge, |c| c.level) {
        Level::Node => "nodes",
        Level::Edge => "edges",
    };
    let text = format!(
        "{} {outputs} of {size} of {} {unit}{}{}.",
        method_gives(method),
        count(total),
        kept_share(circuits),
        recovered(circuits)
    );
    Sentence::new(TOPIC, Status::Note, text)
}

fn kept_share(circuits: &[&Circuit]) -> String {
    let known: Vec<f64> = circuits
        .iter()
        .filter_map(|c| c.faithfulness)
        .filter(|f| f.is_finite())
        .collect();
    let unknown = circuits.len() - known.len();
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = match known.len() {
        0 => String::new(),
        _ if short(low) == short(high) => format!(", with a faithfulness of {}", short(low)),
        1 | 2 => format!(", with a faithfulness of {} to {}", short(low), short(high)),
        _ => format!(
            ", with a median faithfulness of {} ({} to {})",
            short(median(known)),
            short(low),
            short(high)
        ),
    };
    if unknown == 0 {
        return range;
    }
    let has = plural(unknown, "has", "have");
    format!(
        "{range}; {} {has} none, because patching everything changes nothing there",
        count(unknown)
    )
}

/// How a single circuit agrees with a known one.
fn recovered(circuits: &[&Circuit]) -> String {
    let [circuit] = circuits else {
        return String::new();
    };
    let Some(recovery) = &circuit.recovery else {
        return String::new();
    };
    let area = recovery.roc_area.map_or_else(String::new, |area| {
        format!(", area under the ROC curve {}", short(area))
    });
    format!(
        "; of the known circuit's {} edges it has {} %, and {} % of its own are known{area}",
        count(recovery.known),
        short(100.0 * recovery.recall),
        short(100.0 * recovery.precision)
    )
}

/// The middle value; of an even number, the upper of the two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// For classifiers: the outputs at which all circuits of a method end, where these are not all.
fn decision(
    method: Origin,
    circuits: &[&Circuit],
    audit: &Audit,
    sites: &Sites<'_>,
) -> Option<Sentence> {
    let is_classifier = circuits.iter().all(|c| c.metric.is_difference());
    let outputs: Vec<&String> = audit
        .network
        .layers
        .last()?
        .sites
        .iter()
        .map(|s| &s.site)
        .collect();
    let read: BTreeSet<&String> = circuits
        .iter()
        .flat_map(|c| &c.edges)
        .map(|e| &e.to)
        .filter(|to| outputs.contains(to))
        .collect();
    let silent: Vec<String> = outputs
        .iter()
        .filter(|o| !read.contains(*o))
        .map(|o| sites.label(o))
        .collect();
    if !is_classifier || silent.is_empty() || read.is_empty() || silent.len() > 6 {
        return None;
    }
    let carrying: Vec<String> = read.iter().map(|o| sites.label(o)).collect();
    let text = format!(
        "No {} circuit has an edge into {}: within them the decision is carried by {} alone.",
        method_word(method),
        joined(&silent),
        joined(&carrying)
    );
    Some(Sentence::new(TOPIC, Status::Note, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::MetricKind;
    use crate::report::sample;

    fn said(change: impl FnOnce(&mut Audit)) -> Vec<String> {
        let mut audit = sample::audit();
        change(&mut audit);
        let sites = Sites::new(&audit.network);
        sentences(&audit, &sites)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn sizes_and_faithfulness_are_ranges_over_outputs() {
        assert_eq!(
            said(|_| ()),
            [
                "• Circuits: ACDC gives two circuits, one per output, of 3 to 4 of 24 edges, with a faithfulness of 0.98 to 1."
            ]
        );
    }

    #[test]
    fn faithfulness_that_cannot_be_had_is_told() {
        let text = said(|audit| audit.circuits[1].faithfulness = None);
        assert_eq!(
            text[0],
            "• Circuits: ACDC gives two circuits, one per output, of 3 to 4 of 24 edges, with a faithfulness of 0.98; 1 has none, because patching everything changes nothing there."
        );
    }

    #[test]
    fn one_logit_that_carries_the_decision_is_told() {
        let text = said(|audit| {
            for circuit in &mut audit.circuits {
                circuit.metric = MetricKind::LogitDiff;
                circuit.edges.retain(|edge| edge.to != "y0");
            }
        });
        assert_eq!(
            text[1],
            "• Circuits: No ACDC circuit has an edge into x2² + sin(πx4) (y0): within them the decision is carried by (x1 + x3)³ (y1) alone."
        );
    }
}
