//! What every quantity on the page means, with its sign and direction: each subject's
//! terms, where the result has the subject.

use crate::report::ablation::definitions as ablation;
use crate::report::circuits::definitions as circuits;
use crate::report::modules::definitions as modules;
use crate::report::network::definitions as network;
use crate::report::page::blocks::{Block, Fact, Section};

use crate::report::page::terms::Term;
use crate::report::pruning::definitions as pruning;
use crate::result::Audit;

fn definition(term: &Term) -> Fact {
    Fact::new(term.name, term.text)
}

/// The terms of some subjects that a result speaks of.
fn terms(audit: &Audit, subjects: &[&'static [Term]]) -> Vec<Fact> {
    let all = subjects.iter().flat_map(|subject| subject.iter());
    let used = all.filter(|term| (term.applies)(audit));
    used.map(definition).collect()
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
        title: "Definitions: how every number is computed",
        blocks: vec![Block::Facts(terms(audit, &used))],
    }
}
