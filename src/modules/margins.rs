//! Which samples need which modules: the margin of every sample's decision with every subset
//! of the modules.
//!
//! A *margin* is the logit of the sample's class less the largest other; of a single output,
//! the logit of class 1, the output itself or its negative. Above 0 the decision is right.

use ndarray::ArrayView1;

use super::Graph;
use super::lesions::outputs_without;
use crate::numeric::{Scalar, parallel};
use crate::patch::Patchable;

/// Margins by subset and sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Margins {
    /// `[subset][sample]`, bit k of the subset being module k.
    pub subsets: Vec<Vec<f64>>,
}

/// Runs the network once with every subset of `groups` (nodes of the graph, by number), the
/// messages out of the others patched. 2^groups runs, in parallel.
#[must_use]
pub fn margins<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    graph: &Graph,
    groups: &[Vec<usize>],
    classes: &[usize],
) -> Margins {
    let of_subset = |subset: usize| {
        let out = groups
            .iter()
            .enumerate()
            .filter(|(k, _)| subset >> k & 1 == 0);
        let out: Vec<usize> = out.flat_map(|(_, nodes)| nodes.iter().copied()).collect();
        let outputs = outputs_without(network, graph, &out);
        let samples = outputs.columns().into_iter().zip(classes);
        samples
            .map(|(column, class)| margin(column, *class))
            .collect()
    };
    Margins {
        subsets: parallel::map(0..1_usize << groups.len(), of_subset),
    }
}

fn margin<T: Scalar>(outputs: ArrayView1<'_, T>, class: usize) -> f64 {
    if outputs.len() == 1 {
        let logit = outputs[0].widen();
        return if class == 0 { -logit } else { logit };
    }
    let others = outputs.iter().enumerate().filter(|(k, _)| *k != class);
    let largest = others
        .map(|(_, x)| x.widen())
        .fold(f64::NEG_INFINITY, f64::max);
    outputs[class].widen() - largest
}

impl Margins {
    /// How far margins are sums over modules: `1 − Σ (g − Σ g_k)² / Σ g²` over samples, where g
    /// is what all modules add to the margin of none and g_k what module k alone adds. 1: they
    /// vote, each adding the same whatever the others do; at 0 and below they work together or
    /// against each other. `None` where all of them add nothing.
    #[must_use]
    pub fn additivity(&self) -> Option<f64> {
        let (none, all) = (self.subsets.first()?, self.subsets.last()?);
        let alone = (0..self.modules()).map(|k| &self.subsets[1 << k]);
        let (mut rest, mut square) = (0.0, 0.0);
        for sample in 0..all.len() {
            let gain = all[sample] - none[sample];
            let sum: f64 = alone
                .clone()
                .map(|alone| alone[sample] - none[sample])
                .sum();
            rest += (gain - sum).powi(2);
            square += gain * gain;
        }
        (square > 0.0).then(|| 1.0 - rest / square)
    }

    /// By sample the modules that its decision needs: it is right with all of them and wrong
    /// without that one; `None` where it is wrong with all.
    #[must_use]
    pub fn needs(&self) -> Vec<Option<Vec<usize>>> {
        let Some(all) = self.subsets.last() else {
            return Vec::new();
        };
        let whole = self.subsets.len() - 1;
        let of_sample = |(sample, margin): (usize, &f64)| {
            let needed = |k: &usize| self.subsets[whole & !(1 << k)][sample] <= 0.0;
            (*margin > 0.0).then(|| (0..self.modules()).filter(needed).collect())
        };
        all.iter().enumerate().map(of_sample).collect()
    }

    fn modules(&self) -> usize {
        self.subsets.len().trailing_zeros() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn margins_by_hand() {
        assert_eq!(margin(array![1.0, 4.0, 2.5].view(), 1), 1.5);
        assert_eq!(margin(array![1.0, 4.0, 2.5].view(), 0), -3.0);
        assert_eq!(
            (margin(array![2.0].view(), 1), margin(array![2.0].view(), 0)),
            (2.0, -2.0)
        );
    }

    /// Of two modules the first decides sample 0, both are needed by 1, either does for 2, and
    /// 3 is wrong whatever is there.
    #[test]
    fn needs_and_additivity_by_hand() {
        let subsets = vec![
            vec![-1.0, -1.0, -1.0, -1.0],
            vec![2.0, -1.0, 1.0, -1.0],
            vec![-1.0, -1.0, 1.0, -1.0],
            vec![2.0, 2.0, 3.0, -1.0],
        ];
        let margins = Margins { subsets };
        assert_eq!(
            margins.needs(),
            [Some(vec![0]), Some(vec![0, 1]), Some(vec![]), None]
        );
        // Gains 3, 3, 4, 0; sums of single gains 3, 0, 4, 0: 1 − 9 / 34.
        assert!((margins.additivity().unwrap() - (1.0 - 9.0 / 34.0)).abs() < 1e-12);
    }
}
