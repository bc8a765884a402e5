//! Whether modules and circuits are the same parts of the network.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Communities;
use crate::modules::stability::normalised_mutual_information;
use crate::numeric::statistics::{holm, hypergeometric_tail};
use crate::result::{Agreement, Circuit, Enrichment, Modules};

/// The agreement of the modules with the circuits of each method.
///
/// Sites count that are in a module; a site is in a circuit if one of its edges is.
pub fn agreement(modules: &Modules, circuits: &[Circuit]) -> Vec<Agreement> {
    let mut by_method: BTreeMap<&str, Vec<&Circuit>> = BTreeMap::new();
    for circuit in circuits.iter().filter(|c| !c.edges.is_empty()) {
        by_method.entry(&circuit.method).or_default().push(circuit);
    }
    if modules.partition.is_empty() {
        return Vec::new();
    }
    let of = |(method, circuits): (&str, Vec<&Circuit>)| {
        let members: Vec<Vec<bool>> = circuits.iter().map(|c| members(modules, c)).collect();
        Agreement {
            method: method.to_owned(),
            nmi: nmi(modules, &members),
            sites: modules.partition.len(),
            pairs: pairs(modules, &circuits, &members),
        }
    };
    by_method.into_iter().map(of).collect()
}

/// Which sites of the partition are in a circuit.
fn members(modules: &Modules, circuit: &Circuit) -> Vec<bool> {
    let ends = circuit
        .edges
        .iter()
        .flat_map(|e| [e.from.as_str(), e.to.as_str()]);
    let sites: BTreeSet<&str> = ends.collect();
    let assigned = modules.partition.iter();
    assigned.map(|a| sites.contains(a.site.as_str())).collect()
}

/// Between the module of a site and the set of circuits that it is in.
fn nmi(modules: &Modules, members: &[Vec<bool>]) -> f64 {
    let mut numbers: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
    let sets = (0..modules.partition.len()).map(|site| {
        let set: Vec<bool> = members.iter().map(|circuit| circuit[site]).collect();
        let next = numbers.len();
        Some(*numbers.entry(set).or_insert(next))
    });
    let sets: Vec<Option<usize>> = sets.collect();
    let labels: Vec<Option<usize>> = modules.partition.iter().map(|a| Some(a.module)).collect();
    let [labels, sets] = [labels, sets].map(|of| Communities::from_labels(&of));
    normalised_mutual_information(&labels, &sets)
}

/// Circuits and modules that share sites, beside what chance would give.
fn pairs(modules: &Modules, circuits: &[&Circuit], members: &[Vec<bool>]) -> Vec<Enrichment> {
    let mut pairs = Vec::new();
    for (circuit, is_in) in circuits.iter().zip(members) {
        let in_circuit = is_in.iter().filter(|yes| **yes).count();
        for module in 0..modules.count {
            let sites = modules.partition.iter().zip(is_in);
            let mine: Vec<bool> = sites
                .filter(|(a, _)| a.module == module)
                .map(|(_, yes)| *yes)
                .collect();
            let both = mine.iter().filter(|yes| **yes).count();
            let of = (both, mine.len(), in_circuit, modules.partition.len());
            pairs.extend((both > 0).then(|| enrichment(&circuit.output, module, of)));
        }
    }
    let ps: Vec<f64> = pairs.iter().map(|pair| pair.p).collect();
    for (pair, p) in pairs.iter_mut().zip(holm(&ps)) {
        pair.p_holm = p;
    }
    pairs
}

/// Of `(both, module, circuit, all)` sites.
fn enrichment(output: &str, module: usize, of: (usize, usize, usize, usize)) -> Enrichment {
    let (both, in_module, in_circuit, all) = of;
    Enrichment {
        output: output.to_owned(),
        module,
        both,
        in_circuit,
        in_module,
        expected: in_circuit as f64 * in_module as f64 / all as f64,
        p: hypergeometric_tail(both, in_module, in_circuit, all),
        p_holm: 1.0,
    }
}
