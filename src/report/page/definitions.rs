//! What every quantity on the page means, with its sign and direction: each subject's
//! terms, where the result has the subject.

use crate::report::ablation::definitions as ablation;
use crate::report::circuits::definitions as circuits;
use crate::report::modules::definitions as modules;
use crate::report::network::definitions as network;
use crate::report::page::blocks::{Block, Fact, Section};
use crate::report::page::facts::{self, fact};
use crate::report::page::terms::Term;
use crate::report::pruning::definitions as pruning;
use crate::result::Audit;

fn definition(term: &Term) -> Fact {
    fact(term.name, term.text)
}

/// The terms of some subjects that a result speaks of.
fn terms(audit: &Audit, subjects: &[&'static [Term]]) -> Vec<Fact> {
    let all = subjects.iter().flat_map(|subject| subject.iter());
    let used = all.filter(|term| (term.applies)(audit));
    used.map(definition).collect()
}

/// How the numbers of a section came about: what they mean, and what they were
/// computed from. `None` for sections without numbers of their own.
pub(in crate::report) fn how(audit: &Audit, section: &str) -> Option<Block> {
    let subjects: &[&'static [Term]] = match section {
        "network" => &[network::TERMS, pruning::TERMS],
        "pruning" | "certificate" | "compaction" => &[pruning::TERMS],
        "independence" => &[pruning::TERMS, modules::TERMS],
        "modules" => &[modules::TERMS],
        "circuits" | "attention" => &[network::TERMS, circuits::TERMS],
        "nodes" => &[ablation::TERMS, network::TERMS],
        _ => return None,
    };
    let mut facts = terms(audit, subjects);
    facts.extend(facts::run(audit));
    let summary = "How these numbers are computed".to_owned();
    Some(Block::Folded(summary, vec![Block::Facts(facts)]))
}

pub(in crate::report) fn section(audit: &Audit) -> Section {
    let subjects = [
        (true, network::TERMS),
        (audit.prune.is_some(), pruning::TERMS),
        (audit.modules.is_some(), modules::TERMS),
        (!audit.circuits.is_empty(), circuits::TERMS),
        (!audit.nodes.is_empty(), ablation::TERMS),
    ];
    let used = subjects.into_iter().filter(|(is_used, _)| *is_used);
    let used: Vec<&'static [Term]> = used.map(|(_, terms)| terms).collect();
    Section {
        id: "definitions",
        title: "Definitions",
        blocks: vec![Block::Facts(terms(audit, &used))],
    }
}
