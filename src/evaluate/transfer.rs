//! Do circuits that differ in edges do the same?
//!
//! Circuits are discovered on two sets of samples and run on both and on a third: the
//! *held-out* one, which no discovery has seen. Two of them do the same where, sample by
//! sample, they are nearly equally far from the network with everything patched.

use serde::{Deserialize, Serialize};

use crate::patch::EdgeSet;

use super::stability::jaccard;

/// Sets of samples: two of discoveries, and the one held out.
pub const SETS: usize = 3;
const HELD_OUT: usize = 2;

/// Two circuits do the same where they are on average this share of what the network gains
/// over everything patched from each other, at most.
pub const SAME: f64 = 0.1;

/// Two circuits are unlike that share fewer of their edges than this.
pub const UNLIKE: f64 = 0.5;

/// What a network does, sample by sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The metric.
    pub values: Vec<f64>,
    /// The decisions, where the metric is of decisions.
    pub decisions: Option<Vec<usize>>,
}

/// A circuit that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Its edges.
    pub edges: EdgeSet,
    /// The set of its discovery, 0 or 1.
    pub set: usize,
    /// What it does.
    pub done: Done,
}

/// What circuits of two discoveries do on each other's samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Transferred {
    /// Pairs of a circuit of either set that differ in edges.
    pub pairs: usize,
    /// Their mean Jaccard index.
    pub jaccard: f64,
    /// Mean faithfulness of circuits on the samples of their own discovery, on those of
    /// the other one, and on those held out; `None` where patching everything changes
    /// nothing.
    pub faithfulness: Option<[f64; 3]>,
    /// Mean over pairs of the share of held-out samples that both decide equally.
    pub agreement: Option<f64>,
    /// Mean over pairs of the mean |difference| on held-out samples, as a share of what
    /// the network gains there.
    pub gap: f64,
    /// Pairs that do the same.
    pub same: usize,
    /// Pairs that are unlike in edges.
    pub unlike: usize,
    /// Those of them that do the same.
    pub unlike_same: usize,
}

/// Puts circuits beside each other: `set_of` says in which set each sample is, `full` and
/// `patched` what the network does with nothing and everything patched. `None` without two
/// that differ, and where the network gains nothing.
#[must_use]
pub fn transferred(
    ran: &[Ran],
    set_of: &[usize],
    full: &Done,
    patched: &Done,
) -> Option<Transferred> {
    let rows = |set: usize| (0..set_of.len()).filter(move |row| set_of[*row] == set);
    let mean = |done: &Done, set: usize| {
        let values: Vec<f64> = rows(set).map(|row| done.values[row]).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    let gain = |set: usize| mean(full, set) - mean(patched, set);
    let gains: Vec<f64> = (0..SETS).map(gain).collect();
    if gains
        .iter()
        .any(|gain| gain.abs() < f64::from(f32::EPSILON))
    {
        return None;
    }
    let pairs = differing(ran);
    if pairs.is_empty() {
        return None;
    }
    let faithful = |done: &Done, set: usize| (mean(done, set) - mean(patched, set)) / gains[set];
    let over = |of: fn(&Ran) -> usize| {
        let all = ran.iter().map(|ran| faithful(&ran.done, of(ran)));
        all.sum::<f64>() / ran.len() as f64
    };
    let held: Vec<usize> = rows(HELD_OUT).collect();
    let apart: Vec<(f64, f64)> = pairs
        .iter()
        .map(|(a, b)| (jaccard(&a.edges, &b.edges), difference(a, b, &held)))
        .map(|(shared, far)| (shared, far / gains[HELD_OUT].abs()))
        .collect();
    let count = |of: &dyn Fn(&(f64, f64)) -> bool| apart.iter().filter(|pair| of(pair)).count();
    let n = pairs.len() as f64;
    let agreements: Option<Vec<f64>> = pairs.iter().map(|(a, b)| agreement(a, b, &held)).collect();
    Some(Transferred {
        pairs: pairs.len(),
        jaccard: apart.iter().map(|(shared, _)| shared).sum::<f64>() / n,
        faithfulness: Some([
            over(|ran| ran.set),
            over(|ran| 1 - ran.set),
            over(|_| HELD_OUT),
        ]),
        agreement: agreements.map(|all| all.iter().sum::<f64>() / n),
        gap: apart.iter().map(|(_, far)| far).sum::<f64>() / n,
        same: count(&|(_, far)| *far <= SAME),
        unlike: count(&|(shared, _)| *shared < UNLIKE),
        unlike_same: count(&|(shared, far)| *shared < UNLIKE && *far <= SAME),
    })
}

/// Pairs of circuits of the two discoveries that differ in edges.
fn differing(ran: &[Ran]) -> Vec<(&Ran, &Ran)> {
    let of = |set: usize| ran.iter().filter(move |ran| ran.set == set);
    of(0)
        .flat_map(|a| of(1).map(move |b| (a, b)))
        .filter(|(a, b)| jaccard(&a.edges, &b.edges) < 1.0)
        .collect()
}

/// Mean |difference| of what two circuits do on some samples.
fn difference(a: &Ran, b: &Ran, rows: &[usize]) -> f64 {
    let far = |row: &usize| (a.done.values[*row] - b.done.values[*row]).abs();
    rows.iter().map(far).sum::<f64>() / rows.len().max(1) as f64
}

/// The share of samples that two circuits decide equally.
fn agreement(a: &Ran, b: &Ran, rows: &[usize]) -> Option<f64> {
    let (a, b) = (a.done.decisions.as_ref()?, b.done.decisions.as_ref()?);
    let same = rows.iter().filter(|row| a[**row] == b[**row]).count();
    Some(same as f64 / rows.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(values: &[f64]) -> Done {
        Done {
            values: values.to_vec(),
            decisions: Some(
                values
                    .iter()
                    .map(|value| usize::from(*value > 5.0))
                    .collect(),
            ),
        }
    }

    fn ran(edges: &[usize], set: usize, values: &[f64]) -> Ran {
        Ran {
            edges: edges.iter().copied().collect(),
            set,
            done: done(values),
        }
    }

    /// One sample of either discovery, two held out; the network gains 10. Two circuits
    /// without a common edge that are 0.5 apart do the same; a third that does nothing on
    /// held-out samples does not.
    #[test]
    fn many_circuits_and_one_mechanism() {
        let (full, nothing) = (done(&[10.0; 4]), done(&[0.0; 4]));
        let set_of = [0, 1, 2, 2];
        let one = ran(&[0, 1], 0, &[10.0, 8.0, 9.0, 9.0]);
        let other = ran(&[2, 3], 1, &[6.0, 10.0, 9.5, 8.5]);
        let found = transferred(&[one.clone(), other], &set_of, &full, &nothing).unwrap();
        assert_eq!((found.pairs, found.jaccard, found.gap), (1, 0.0, 0.05));
        assert_eq!((found.same, found.unlike, found.unlike_same), (1, 1, 1));
        assert_eq!(found.agreement, Some(1.0));
        let [own, others, held] = found.faithfulness.unwrap();
        assert!((own - 1.0).abs() < 1e-12 && (others - 0.7).abs() < 1e-12);
        assert!((held - 0.9).abs() < 1e-12);

        let idle = ran(&[0, 2], 1, &[0.0, 10.0, 0.0, 0.0]);
        let found = transferred(&[one.clone(), idle], &set_of, &full, &nothing).unwrap();
        assert_eq!(
            (found.same, found.unlike, found.agreement),
            (0, 1, Some(0.0))
        );
        // Circuits of the same edges are no pair, and a network that gains nothing has none.
        let same = ran(&[0, 1], 1, &[1.0; 4]);
        assert_eq!(
            transferred(&[one.clone(), same.clone()], &set_of, &full, &nothing),
            None
        );
        assert_eq!(transferred(&[one, same], &set_of, &nothing, &nothing), None);
    }
}
