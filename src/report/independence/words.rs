//! Into which parts the network falls, and whether it is the same when it has.

use crate::report::english::{counted, joined, plural};
use crate::report::format::{count_words, short, times, typed};
use crate::report::network::figure::bridge_count;
use crate::report::sites::Sites;
use crate::result::{Audit, Component, Modules, Split};
use crate::result::{Sentence, Status};

const TOPIC: &str = "Independence";

const EVIDENCE: [&str; 2] = ["/modules/independence/components", "/prune/verified"];

const SPLITS: [&str; 1] = ["/modules/independence/splits"];

/// Most names that a part lists on each side.
const MOST_NAMES: usize = 6;

/// Most parts that a sentence lists.
const MOST_PARTS: usize = 4;

pub(in crate::report) fn sentences(audit: &Audit, sites: &Sites<'_>) -> Vec<Sentence> {
    let Some(modules) = &audit.modules else {
        return Vec::new();
    };
    let is_verified = audit.prune.as_ref().is_some_and(|prune| prune.verified);
    let parts = &modules.independence.components;
    let mut said = Vec::new();
    if parts.len() > 1 {
        said.push(already_apart(modules, is_verified, sites));
    }
    let beyond = |split: &&Split| split.threshold > modules.threshold && split.components.len() > 1;
    let later: Vec<&Split> = modules.independence.splits.iter().filter(beyond).collect();
    if let Some(first) = later.first() {
        said.push(falls_apart(first, !said.is_empty(), sites));
        said.extend(bridges(first, modules, is_verified));
    }
    said.extend(further(&later));
    if said.is_empty() {
        said.push(Sentence::new(TOPIC, Status::Note, no_split(audit)).from(SPLITS));
    }
    said
}

/// One part as what flows through it: `x1, x3 → (x1 + x3)³`.
#[must_use]
pub fn part(component: &Component, sites: &Sites<'_>) -> String {
    let side = |names: &[String], none: &str| {
        if names.is_empty() {
            none.to_owned()
        } else {
            sites.list(names, MOST_NAMES)
        }
    };
    format!(
        "{} → {}",
        side(&component.inputs, "no input"),
        side(&component.outputs, "no output")
    )
}

/// Parts in a row, numbered where they would be hard to tell apart.
fn parts(components: &[Component], sites: &Sites<'_>) -> String {
    let listed: Vec<String> = components
        .iter()
        .take(MOST_PARTS)
        .map(|c| part(c, sites))
        .collect();
    if components.len() < 3 && components.iter().all(|c| c.outputs.len() < 2) {
        return joined(&listed);
    }
    let numbered = listed
        .iter()
        .enumerate()
        .map(|(k, part)| format!("({}) {part}", k + 1));
    let more = components.len().saturating_sub(MOST_PARTS);
    let rest = (more > 0).then(|| format!("and {} more", count_words(more)));
    numbered.chain(rest).collect::<Vec<_>>().join("; ")
}

fn already_apart(modules: &Modules, is_verified: bool, sites: &Sites<'_>) -> Sentence {
    let components = &modules.independence.components;
    let fact = format!(
        "At the threshold {} the network falls into {} parts that share no connection: {}.",
        typed(modules.threshold),
        count_words(components.len()),
        parts(components, sites)
    );
    if is_verified {
        let text = format!(
            "{fact} There the outputs are unchanged on the samples, so these parts are independent, on these samples."
        );
        Sentence::new(TOPIC, Status::Holds, text).from(EVIDENCE)
    } else {
        let text = format!("{fact} That the outputs are unchanged there was not verified.");
        Sentence::new(TOPIC, Status::Note, text).from(EVIDENCE)
    }
}

fn falls_apart(split: &Split, again: bool, sites: &Sites<'_>) -> Sentence {
    let opening = if again {
        "At {t} it falls further, into"
    } else {
        "At {t} the network falls into"
    };
    let opening = opening.replace("{t}", &typed(split.threshold));
    let fact = format!(
        "{opening} {} parts that share no connection: {}.",
        count_words(split.components.len()),
        parts(&split.components, sites)
    );
    let status = if split.verified {
        Status::Holds
    } else {
        Status::Note
    };
    Sentence::new(TOPIC, status, format!("{fact} {}", moved(split))).from(SPLITS)
}

fn moved(split: &Split) -> String {
    let change = short(split.max_abs_change);
    if split.verified {
        return format!(
            "There no output moves by more than {change}, within tolerance: unchanged, on these samples."
        );
    }
    if split.change_over_tolerance <= 1.0 {
        return format!(
            "There no output moves by more than {change}, within tolerance, but decisions differ: the network is not unchanged when cut there."
        );
    }
    let ratio = times(split.change_over_tolerance);
    format!(
        "There the outputs move by up to {change}, {ratio} the tolerance: the network is not unchanged when cut there."
    )
}

/// The caption of a split's picture: what the outputs do there.
#[must_use]
pub fn caption(split: &Split) -> String {
    let change = short(split.max_abs_change);
    let verdict = if split.verified {
        format!(
            "outputs move by up to {change} here, within tolerance: unchanged, on these samples"
        )
    } else if split.change_over_tolerance <= 1.0 {
        format!("outputs move by up to {change} here, and decisions differ: not unchanged")
    } else {
        format!("outputs move by up to {change} here: not unchanged")
    };
    format!(
        "Cut at {}: {} left in {} {}; {verdict}.",
        typed(split.threshold),
        counted(split.edges_kept, "edge", "edges"),
        count_words(split.components.len()),
        plural(split.components.len(), "part", "parts")
    )
}

fn bridges(split: &Split, modules: &Modules, is_verified: bool) -> Option<Sentence> {
    let strongest = split
        .bridges
        .iter()
        .map(|b| b.weight.abs())
        .fold(0.0, f64::max);
    let number = bridge_count(split);
    if number == 0 {
        return None;
    }
    let place = if is_verified {
        "At the verified threshold".to_owned()
    } else {
        format!("At the threshold {}", typed(modules.threshold))
    };
    let weaker = if strongest < split.threshold {
        "weaker "
    } else {
        ""
    };
    let edges = format!("{weaker}{}", plural(number, "edge", "edges"));
    let joins = plural(number, "joins", "join");
    let strength = if number == 1 {
        format!("of weight {}", short(strongest))
    } else {
        format!("the strongest of weight {}", short(strongest))
    };
    let text = format!(
        "{place} {} {edges}, {strength}, still {joins} these parts.",
        count_words(number)
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(SPLITS))
}

fn further(later: &[&Split]) -> Option<Sentence> {
    let last = later.last().filter(|_| later.len() > 1)?;
    let text = format!(
        "Above that it falls apart {} more {}, last at {} into {} parts: see the table of splits.",
        count_words(later.len() - 1),
        plural(later.len() - 1, "time", "times"),
        typed(last.threshold),
        count_words(last.components.len())
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(SPLITS))
}

/// Why there are no parts.
#[must_use]
pub fn no_split(audit: &Audit) -> &'static str {
    let outputs = audit
        .network
        .layers
        .last()
        .map_or(0, |layer| layer.sites.len());
    if audit.transformer.is_some() {
        "In transformers no parts are looked for: attention joins what no weight joins."
    } else if outputs == 1 {
        "With a single output there are no parts to separate."
    } else {
        "No threshold was found at which the outputs fall into parts that share no connection."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn splits(audit: &mut Audit) -> &mut Vec<Split> {
        &mut audit
            .modules
            .as_mut()
            .expect("the sample has modules")
            .independence
            .splits
    }

    #[test]
    fn parts_that_are_not_the_same_network_are_told_apart() {
        assert_eq!(
            said(|_| ()),
            [
                "• Independence: At 0.0098 the network falls into two parts that share no connection: x1, x3 → (x1 + x3)³ and x2, x4 → x2² + sin(πx4). There the outputs move by up to 0.064, 8.2 times the tolerance: the network is not unchanged when cut there.",
                "• Independence: At the verified threshold one weaker edge, of weight 0.0093, still joins these parts.",
            ]
        );
    }

    #[test]
    fn several_bridges_name_the_strongest() {
        let text = said(|audit| {
            let first = &mut splits(audit)[0];
            let bridge = first.bridges[0].clone();
            first.bridges.extend([bridge.clone(), bridge]);
        });
        assert_eq!(
            text[1],
            "• Independence: At the verified threshold three weaker edges, the strongest of weight 0.0093, still join these parts."
        );
    }

    #[test]
    fn a_verified_split_holds_on_these_samples() {
        let text = said(|audit| {
            let first = &mut splits(audit)[0];
            (
                first.verified,
                first.max_abs_change,
                first.change_over_tolerance,
            ) = (true, 0.005, 0.64);
        });
        assert!(text[0].starts_with("✓"), "{}", text[0]);
        assert!(text[0].ends_with("There no output moves by more than 0.005, within tolerance: unchanged, on these samples."));
    }

    #[test]
    fn parts_at_the_verified_threshold_are_independent_on_these_samples() {
        let text = said(|audit| {
            let apart = splits(audit).remove(0).components;
            audit
                .modules
                .as_mut()
                .expect("modules")
                .independence
                .components = apart;
        });
        assert_eq!(
            text,
            [
                "✓ Independence: At the threshold 0.0015 the network falls into two parts that share no connection: x1, x3 → (x1 + x3)³ and x2, x4 → x2² + sin(πx4). There the outputs are unchanged on the samples, so these parts are independent, on these samples."
            ]
        );
    }

    #[test]
    fn many_parts_are_numbered_and_cut() {
        let text = said(|audit| {
            let first = &mut splits(audit)[0];
            first.components[0].outputs.push("y0".to_owned());
            let again = first.components[1].clone();
            first.components.extend(vec![again; 4]);
        });
        assert!(
            text[0].contains("six parts that share no connection: (1) x1, x3 → (x1 + x3)³, x2² + sin(πx4); (2) x2, x4 → x2² + sin(πx4); (3) "),
            "{}",
            text[0]
        );
        assert!(text[0].contains("; and two more. There"), "{}", text[0]);
    }

    #[test]
    fn no_parts_is_no_failure() {
        let text = said(|audit| splits(audit).clear());
        assert_eq!(
            text,
            [
                "• Independence: No threshold was found at which the outputs fall into parts that share no connection."
            ]
        );
    }

    #[test]
    fn captions_say_whether_it_is_the_same_network() {
        let mut audit = sample::audit();
        let split = &splits(&mut audit)[0];
        assert_eq!(
            caption(split),
            "Cut at 0.0098: 8 edges left in two parts; outputs move by up to 0.064 here: not unchanged."
        );
    }
}
