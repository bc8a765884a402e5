//! Whether modules and circuits are the same parts of the network.

use std::collections::{BTreeMap, BTreeSet};

use crate::choice::Origin;
use crate::modules::Communities;
use crate::modules::stability::normalised_mutual_information;
use crate::numeric::statistics::{holm, hypergeometric_tail};
use crate::result::{Agreement, Circuit, Enrichment, Modules};

/// The agreement of the modules with the circuits of each method.
///
/// Sites count that are in a module; a site is in a circuit if one of its edges is.
pub fn agreement(modules: &Modules, circuits: &[Circuit]) -> Vec<Agreement> {
    let mut by_method: BTreeMap<Origin, Vec<&Circuit>> = BTreeMap::new();
    for circuit in circuits.iter().filter(|c| !c.edges.is_empty()) {
        by_method.entry(circuit.method).or_default().push(circuit);
    }
    if modules.partition.is_empty() {
        return Vec::new();
    }
    let of = |(method, circuits): (Origin, Vec<&Circuit>)| {
        let members: Vec<Vec<bool>> = circuits.iter().map(|c| members(modules, c)).collect();
        Agreement {
            method,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Audit, CircuitEdge};

    /// Two modules of four sites; two circuits that are these modules.
    #[test]
    fn circuits_that_are_the_modules_agree() {
        let json = include_str!("../../tests/suite/data/report.json");
        let sample: Audit = serde_json::from_str(json).unwrap();
        let mut modules = sample.modules.unwrap();
        modules.count = 2;
        modules.partition = (0..8)
            .map(|site| crate::result::Assignment {
                site: format!("h1.{site}"),
                module: site / 4,
            })
            .collect();
        let circuit = |output: &str, first: usize| {
            let edge = |k: usize| CircuitEdge {
                from: format!("h1.{k}"),
                to: format!("h1.{}", k + 1),
                ..sample.circuits[0].edges[0].clone()
            };
            Circuit {
                output: output.to_owned(),
                method: Origin::Found(crate::choice::Method::Exact),
                edges: (first..first + 3).map(edge).collect(),
                ..sample.circuits[0].clone()
            }
        };
        let circuits = [circuit("y0", 0), circuit("y1", 4)];
        let found = agreement(&modules, &circuits);
        assert_eq!((found.len(), found[0].nmi, found[0].sites), (1, 1.0, 8));
        let pairs = &found[0].pairs;
        assert_eq!(
            pairs.len(),
            2,
            "circuits and modules that share nothing are not listed"
        );
        // All four among four of eight: 1 in C(8, 4) = 70.
        assert!((pairs[0].p - 1.0 / 70.0).abs() < 1e-12);
        assert!((pairs[0].p_holm - 2.0 / 70.0).abs() < 1e-12);
        assert_eq!((pairs[0].both, pairs[0].expected), (4, 2.0));
        assert!(agreement(&modules, &[]).is_empty());
    }
}
