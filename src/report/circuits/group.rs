//! Circuits as they are told: those of methods that found the same are one group.

use std::collections::BTreeSet;

use crate::choice::{Method, Origin};
use crate::report::english::joined;
use crate::report::format::{count, short};
use crate::result::{Circuit, Status};

/// Circuits of methods that found the same.
pub(in crate::report) struct Group<'a> {
    /// The methods.
    pub methods: Vec<Origin>,
    /// The circuits of the first of them.
    pub circuits: Vec<&'a Circuit>,
    /// Their places in the result.
    pub places: Vec<usize>,
}

/// The circuits of the first method.
pub(in crate::report) fn first(circuits: &[Circuit]) -> Option<Group<'_>> {
    groups(circuits).into_iter().next()
}

impl Group<'_> {
    /// The edges of every circuit.
    fn edges(&self) -> Vec<(&str, BTreeSet<(&str, &str)>)> {
        let mut all = Vec::with_capacity(self.circuits.len());
        for circuit in &self.circuits {
            let edges = circuit.edges.iter();
            let ends = edges.map(|e| (e.from.as_str(), e.to.as_str())).collect();
            all.push((circuit.output.as_str(), ends));
        }
        all
    }

    /// The number of edges of every circuit, which mostly tells circuits apart already.
    fn sizes(&self) -> Vec<usize> {
        self.circuits.iter().map(|c| c.edges.len()).collect()
    }

    /// Its methods, as the beginning of a sentence.
    pub fn name(&self) -> String {
        let names = self.methods.iter().map(|m| method_name(*m).to_owned());
        let names: Vec<String> = names.collect();
        joined(&names)
    }

    /// How many edges, or from how many to how many.
    pub fn size(&self) -> String {
        let edges = self.circuits.iter().map(|c| c.edges_kept);
        let (few, many) = (edges.clone().min().unwrap_or(0), edges.max().unwrap_or(0));
        match few == many {
            true => count(few),
            false => format!("{} to {}", count(few), count(many)),
        }
    }

    /// The faithfulness, or its range; `None` where none is known.
    pub fn kept(&self) -> Option<String> {
        let known = self.circuits.iter().filter_map(|c| c.faithfulness);
        let known = known.filter(|f| f.is_finite());
        known.clone().next()?;
        Some(range(known, short))
    }

    /// Whether they are established, in two words or three.
    pub fn standing(&self) -> (Status, String) {
        let told: Vec<bool> = self.circuits.iter().filter_map(|c| c.established).collect();
        let yes = told.iter().filter(|yes| **yes).count();
        match (told.len(), self.circuits.len()) {
            (0, _) if self.circuits.iter().any(|c| withheld(c)) => (
                Status::NotShown,
                "no interval that could be relied on".to_owned(),
            ),
            (0, _) => (Status::NotRun, "not judged on other samples".to_owned()),
            (_, n) if yes == n => (Status::Holds, "established on held-out samples".to_owned()),
            (_, 1) => (Status::NotShown, "not established".to_owned()),
            (_, n) => (
                Status::NotShown,
                format!("{} of {} established", count(yes), count(n)),
            ),
        }
    }

    /// Pointers to a field of every circuit.
    pub fn evidence(&self, fields: &[&str]) -> Vec<String> {
        let all = self.places.iter();
        all.flat_map(|place| {
            fields
                .iter()
                .map(move |field| format!("/circuits/{place}/{field}"))
        })
        .collect()
    }
}

/// The circuits by method; methods whose circuits are equal are one group.
pub(in crate::report) fn groups(circuits: &[Circuit]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut methods: Vec<Origin> = circuits.iter().map(|c| c.method).collect();
    let mut seen: Vec<Origin> = Vec::new();
    methods.retain(|method| {
        let first = !seen.contains(method);
        seen.push(*method);
        first
    });
    for method in methods {
        let mine = circuits
            .iter()
            .enumerate()
            .filter(|(_, c)| c.method == method);
        let (places, circuits): (Vec<usize>, Vec<&Circuit>) = mine.unzip();
        let group = Group {
            methods: vec![method],
            circuits,
            places,
        };
        match groups
            .iter_mut()
            .find(|other| other.sizes() == group.sizes() && other.edges() == group.edges())
        {
            Some(same) => same.methods.push(method),
            None => groups.push(group),
        }
    }
    groups
}

fn method_name(origin: Origin) -> &'static str {
    let Origin::Found(method) = origin else {
        return "The given circuit";
    };
    match method {
        Method::Exact => "Exact effects",
        Method::Acdc => "ACDC",
        Method::Eap => "EAP",
        Method::Relp => "RelP",
        Method::EapQk => "EAP with recomputed attention",
        Method::AtpStar => "AtP*",
        Method::EapIgInputs => "EAP-IG on inputs",
        Method::EapIgActivations => "EAP-IG on activations",
        Method::CleanCorrupted => "Clean-corrupted attribution",
        Method::Screened => "Screened effects",
        Method::Ensemble => "An ensemble of attributions",
        Method::Mask => "A learned mask",
        Method::Proved => "Proof",
        Method::Random => "Random scores (the control)",
    }
}

/// The smallest and the largest of some numbers, in words; of one, itself.
pub fn range(values: impl Iterator<Item = f64> + Clone, word: impl Fn(f64) -> String) -> String {
    let low = word(values.clone().fold(f64::INFINITY, f64::min));
    let high = word(values.fold(f64::NEG_INFINITY, f64::max));
    if low == high {
        low
    } else {
        format!("{low} to {high}")
    }
}

/// Whether it was judged on other samples, by a metric of which so many give no interval.
pub(in crate::report) fn withheld(circuit: &Circuit) -> bool {
    circuit.interval.is_none()
        && circuit.faithfulness.is_some()
        && circuit.discovered_on != circuit.judged_on
}
