//! Proofs of a transformer's circuits by running every input of the domain.
//!
//! What is proved is what this program computes: each input was run, in the network's own
//! type, with the network as it is and with the circuit.

use std::collections::BTreeSet;
use std::path::Path;

use ndarray::Array2;

use super::lower::{Bound, confidence};
use super::{Prover, refused};
use crate::audit::certify::DomainChoice;
use crate::audit::methods::ProofConfig;
use crate::choice::{Arithmetic, CertificateMethod, Equivalence, Known, LowerBound, Rest};
use crate::circuit::{Minimal, connected};
use crate::data::{Dataset, Inputs};
use crate::metric::decision;
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Patchable, PatchableExt as _};
use crate::result::ProvedCircuit;
use crate::{ErrorKind, Result};

/// Readings of the runs of sets of edges for a lower bound, at most, and sets looked at.
const READ: usize = 400_000;
const LOOKED_AT: usize = 50_000;

/// Proves by runs.
pub struct Runs<'n, T> {
    network: &'n dyn Patchable<Number = T>,
    clean: Array2<T>,
    decisions: Vec<usize>,
    tolerance: Vec<f64>,
    equivalence: Equivalence,
    confidence: f64,
    domain: String,
    inputs: u64,
    candidates: Vec<usize>,
}

impl<'n, T: Scalar> Runs<'n, T> {
    /// Of a network on all `inputs` of a domain; `tolerance` is that of each output.
    pub fn new(
        network: &'n dyn Patchable<Number = T>,
        asked: &ProofConfig,
        usual: Equivalence,
        tolerance: Vec<f64>,
        (domain, inputs): (String, u64),
    ) -> Self {
        let clean = network.outputs(&network.edges([]));
        Self {
            decisions: clean.columns().into_iter().map(decision).collect(),
            clean,
            tolerance,
            equivalence: asked.equivalence.unwrap_or(usual),
            confidence: asked.confidence,
            domain,
            inputs,
            candidates: network.surviving().ones().collect(),
            network,
        }
    }

    /// Whether the outputs `[outputs, readings]` keep what the claim says.
    fn keeps(&self, outputs: &Array2<T>) -> bool {
        let reading = |r: usize| match self.equivalence {
            Equivalence::Epsilon => (0..self.tolerance.len()).all(|k| {
                let change = (outputs[[k, r]].widen() - self.clean[[k, r]].widen()).abs();
                change <= self.tolerance[k]
            }),
            Equivalence::Top1 => self.same(outputs, r),
            Equivalence::DeltaTop1 => {
                let before: Vec<f64> = self.clean.column(r).iter().map(|x| x.widen()).collect();
                confidence(&before) < self.confidence || self.same(outputs, r)
            }
        };
        (0..outputs.ncols()).all(reading)
    }

    fn same(&self, outputs: &Array2<T>, reading: usize) -> bool {
        let column = outputs.column(reading);
        column.iter().all(|x| x.widen().is_finite()) && decision(column) == self.decisions[reading]
    }

    /// Below how many edges every set was run, or leaves the outputs as they are for all inputs.
    fn smaller_sets(&self, kept: usize) -> Bound {
        let of = |edges| Bound {
            edges,
            by: LowerBound::SmallerSets,
        };
        let most = READ / self.clean.ncols().max(1);
        let (mut runs, mut looked) = (0, 0);
        // With no path from the input the outputs are the same for every input.
        let constant = self.keeps(&self.network.outputs(&self.network.all()));
        for size in 0..kept {
            for set in subsets(&self.candidates, size) {
                looked += 1;
                let circuit = self.network.edges(set);
                let none = connected(self.network, &circuit).is_clear();
                runs += usize::from(!none);
                let over = runs > most || looked > LOOKED_AT;
                let known = match none {
                    true if !constant => Known::Refuted,
                    _ if over => Known::Undecided,
                    _ => self.ask(&self.network.all_but(&circuit)),
                };
                if over || known != Known::Refuted {
                    return of(size);
                }
            }
        }
        of(kept)
    }
}

/// All sets of so many of some numbers, one after another.
fn subsets(of: &[usize], size: usize) -> impl Iterator<Item = Vec<usize>> + '_ {
    let mut next = (size <= of.len()).then(|| (0..size).collect::<Vec<usize>>());
    std::iter::from_fn(move || {
        let now = next.take()?;
        let mut after = now.clone();
        // The last place that can go on does, and those behind it follow.
        if let Some(place) = (0..size).rev().find(|p| after[*p] < of.len() - size + *p) {
            after[place] += 1;
            for p in place + 1..size {
                after[p] = after[p - 1] + 1;
            }
            next = Some(after);
        }
        Some(now.into_iter().map(|place| of[place]).collect())
    })
}

impl<T: Scalar> Prover for Runs<'_, T> {
    fn ask(&self, patched: &EdgeSet) -> Known {
        match self.keeps(&self.network.outputs(patched)) {
            true => Known::Proved,
            false => Known::Refuted,
        }
    }

    fn scales(&self) -> &[f64] {
        &self.tolerance
    }

    fn told(&self, found: &Minimal) -> ProvedCircuit {
        let bound = self.smaller_sets(found.kept.len());
        let count = |of: Known| found.kept.iter().filter(|(_, k)| *k == Some(of)).count();
        ProvedCircuit {
            equivalence: self.equivalence,
            confidence: (self.equivalence == Equivalence::DeltaTop1).then_some(self.confidence),
            tolerance: (self.equivalence == Equivalence::Epsilon)
                .then(|| self.tolerance.iter().copied().fold(f64::INFINITY, f64::min)),
            rest: Rest::Fill,
            domain: self.domain.clone(),
            domain_file: None,
            radius: None,
            method: CertificateMethod::Enumeration,
            arithmetic: match size_of::<T>() {
                4 => Arithmetic::F32,
                _ => Arithmetic::F64,
            },
            regions: self.inputs,
            left_out: 0,
            minimal: found.is_minimal(),
            refuted: count(Known::Refuted),
            undecided: count(Known::Undecided),
            lower_bound: bound.edges,
            lower_bound_by: bound.by,
        }
    }
}

/// Every input of the domain as data, and the domain in words: sequences as long as those of
/// `data`, read at `positions`; `vocabulary` is how many tokens the network knows.
///
/// # Errors
/// If the network does not read tokens, answers are read elsewhere in each sample, or there
/// are more inputs than the budget allows.
pub fn every_input(
    data: &Dataset,
    asked: &ProofConfig,
    vocabulary: usize,
    positions: Option<Vec<usize>>,
) -> Result<(Dataset, String)> {
    let path = &data.path;
    let Inputs::Tokens(tokens) = &data.inputs else {
        let detail = "this transformer reads numbers, which cannot all be run";
        return Err(refused(path, detail));
    };
    let Some(positions) = positions else {
        return Err(refused(
            path,
            "answers are read at other positions of each sample",
        ));
    };
    if asked.rest == Rest::Any || asked.radius.is_some() {
        return Err(ErrorKind::NotProvable {
            detail: "attention has no bounds here: of a transformer inputs are run one by one"
                .to_owned(),
            remedy: "`--rest fill`, without `--radius`",
        }
        .at(path));
    }
    let (sets, words) = token_sets(tokens, asked.domain.as_ref(), vocabulary, path)?;
    let count = runs(&sets, asked.budget.boxes, path)?;
    let token = |(input, position): (usize, usize)| {
        let later: usize = sets[position + 1..].iter().map(Vec::len).product();
        sets[position][input / later % sets[position].len()]
    };
    let inputs = Array2::from_shape_fn((count as usize, sets.len()), token);
    let positions = Array2::from_shape_vec((1, positions.len()), positions);
    Ok((
        Dataset {
            inputs: Inputs::Tokens(inputs),
            split: format!("every input of {words}"),
            labels: None,
            corrupted: None,
            answers: None,
            foils: None,
            outputs: None,
            positions: positions.ok(),
            prompts: Vec::new(),
            ..data.clone()
        },
        words.to_owned(),
    ))
}

/// The tokens that may stand at every position, and the domain in words.
fn token_sets(
    tokens: &Array2<usize>,
    domain: Option<&DomainChoice>,
    vocabulary: usize,
    path: &Path,
) -> Result<(Vec<Vec<usize>>, &'static str)> {
    let whole = crate::data::Domain::Tokens;
    match domain {
        None | Some(DomainChoice::OfTheData | DomainChoice::TokensOfTheData) => {
            let columns = tokens.columns().into_iter();
            let seen = columns.map(|column| column.iter().copied().collect::<BTreeSet<usize>>());
            let sets = seen.map(|set| set.into_iter().collect()).collect();
            Ok((sets, "tokens:data"))
        }
        Some(DomainChoice::Given(domain)) if *domain == whole => {
            let all: Vec<usize> = (0..vocabulary).collect();
            Ok((vec![all; tokens.ncols()], "tokens"))
        }
        Some(
            DomainChoice::Given(_)
            | DomainChoice::Property(_)
            | DomainChoice::Cube(_)
            | DomainChoice::AroundTheSamples,
        ) => {
            let detail = "the domain is a box, and this network reads tokens";
            Err(refused(path, detail))
        }
    }
}

/// How many sequences of these tokens there are, where so many may be run.
fn runs(sets: &[Vec<usize>], most: u64, path: &Path) -> Result<u64> {
    let times = |count: u64, set: &Vec<usize>| count.checked_mul(set.len() as u64);
    let count = sets.iter().try_fold(1_u64, times);
    count.filter(|count| *count <= most).ok_or_else(|| {
        ErrorKind::NotProvable {
            detail: format!(
                "the tokens at {} positions make more inputs than the {most} that may be run",
                sets.len(),
            ),
            remedy: "more `--boxes`, shorter sequences, or `--domain tokens:data`",
        }
        .at(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_subsets_are_there_once() {
        let all = |size| subsets(&[4, 7, 9, 11], size).collect::<Vec<_>>();
        assert_eq!(all(0), [Vec::<usize>::new()]);
        assert_eq!(all(1), [[4], [7], [9], [11]]);
        let pairs = [[4, 7], [4, 9], [4, 11], [7, 9], [7, 11], [9, 11]];
        assert_eq!(all(2), pairs);
        assert_eq!(all(4), [[4, 7, 9, 11]]);
        assert!(all(5).is_empty());
    }
}
