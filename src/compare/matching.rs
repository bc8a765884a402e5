//! Which neuron of one network is which of another: a one-to-one matching of every
//! hidden layer.

use ndarray::{Array2, ArrayRef2, ArrayView1, Axis};

pub use crate::choice::Matching;
use crate::numeric::assign;

impl Matching {
    /// How neurons are matched, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Activations => {
                "one to one within each hidden layer, by the |correlation| of activations over \
                 the samples"
            }
            Self::Weights => {
                "one to one within each hidden layer, by the products of the weights into and out \
                 of them, layer by layer until no layer changes"
            }
        }
    }

    /// What the likeness of two neurons is, in words.
    #[must_use]
    pub fn likeness(self) -> &'static str {
        match self {
            Self::Activations => "|correlation|",
            Self::Weights => "cosine of weights",
        }
    }
}

/// A matching and how alike matched neurons are.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// Per hidden layer, the other network's neuron for each of one's.
    pub to: Vec<Vec<usize>>,
    /// Per hidden layer, how alike the two are, at most 1.
    pub likeness: Vec<Vec<f64>>,
}

/// Matches by the |correlations| of activations, per hidden layer `[width, samples]`,
/// every row of mean 0 and length 1 (or all 0).
///
/// ```
/// use modscope::compare::matching::by_activations;
/// use ndarray::array;
/// let one = [array![[0.6, -0.6, 0.0], [0.0, 0.6, -0.6]]];
/// let other = [array![[0.0, -0.6, 0.6], [0.6, -0.6, 0.0]]];
/// assert_eq!(by_activations(&one, &other).to, [[1, 0]]);
/// ```
#[must_use]
pub fn by_activations(one: &[Array2<f64>], other: &[Array2<f64>]) -> Matched {
    let likeness: Vec<Array2<f64>> = one
        .iter()
        .zip(other)
        .map(|(a, b)| a.dot(&b.t()).mapv(f64::abs))
        .collect();
    let to = likeness.iter().map(|l| assign(l.view())).collect();
    picked(to, &likeness)
}

/// Matches by the weights `[readers, writers]` of every layer, inputs and outputs
/// in the same order in both: the matching of a layer that makes the products of
/// matched weights into and out of it add up to the most, given those of its
/// neighbours, again and again until none changes. The sum grows each time, so it ends.
///
/// ```
/// use modscope::compare::matching::by_weights;
/// use ndarray::array;
/// let one = [array![[2.0, 0.0], [0.0, 1.0]], array![[1.0, -1.0]]];
/// let other = [array![[0.0, 1.0], [2.0, 0.0]], array![[-1.0, 1.0]]];
/// let matched = by_weights(&one, &other);
/// assert_eq!(matched.to, [[1, 0]]);
/// assert!(matched.likeness[0].iter().all(|cosine| (cosine - 1.0).abs() < 1e-12));
/// ```
#[must_use]
pub fn by_weights(one: &[Array2<f64>], other: &[Array2<f64>]) -> Matched {
    let hidden = one.len().saturating_sub(1);
    let mut to: Vec<Option<Vec<usize>>> = vec![None; hidden];
    let around = |layer: usize, to: &[Option<Vec<usize>>]| -> Array2<f64> {
        let before = layer.checked_sub(1).map(|before| &to[before]);
        let (mine, theirs) = (one[layer + 1].t(), other[layer + 1].t());
        products(&one[layer], &other[layer], before) + products(&mine, &theirs, to.get(layer + 1))
    };
    loop {
        let mut changed = false;
        for layer in 0..hidden {
            let found = assign(around(layer, &to).view());
            if to[layer].as_ref() != Some(&found) {
                to[layer] = Some(found);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let cosines: Vec<Array2<f64>> = (0..hidden)
        .map(|layer| {
            let mut cosines = around(layer, &to);
            let (a, b) = (lengths(one, layer), lengths(other, layer));
            for ((i, j), value) in cosines.indexed_iter_mut() {
                let length = a[i] * b[j];
                *value = if length > 0.0 { *value / length } else { 0.0 };
            }
            cosines
        })
        .collect();
    picked(to.into_iter().flatten().collect(), &cosines)
}

/// Products of the rows of `a` with those of `b`, whose columns are matched to those of
/// `a`: as they are (`None`), or as a hidden layer is; 0 while that is not matched.
fn products(
    a: &ArrayRef2<f64>,
    b: &ArrayRef2<f64>,
    columns: Option<&Option<Vec<usize>>>,
) -> Array2<f64> {
    match columns {
        None => a.dot(&b.t()),
        Some(Some(columns)) => a.dot(&b.select(Axis(1), columns).t()),
        Some(None) => Array2::zeros((a.nrows(), b.nrows())),
    }
}

/// Length of the weights into and out of every neuron of a hidden layer.
fn lengths(weights: &[Array2<f64>], layer: usize) -> Vec<f64> {
    let squares = |row: ArrayView1<'_, f64>| row.dot(&row);
    let read = weights[layer].rows().into_iter().map(squares);
    let written = weights[layer + 1].columns().into_iter().map(squares);
    read.zip(written).map(|(a, b)| (a + b).sqrt()).collect()
}

fn picked(to: Vec<Vec<usize>>, likeness: &[Array2<f64>]) -> Matched {
    let of = |(to, likeness): (&Vec<usize>, &Array2<f64>)| -> Vec<f64> {
        let one = |(neuron, other): (usize, &usize)| likeness[[neuron, *other]];
        to.iter().enumerate().map(one).collect()
    };
    Matched {
        likeness: to.iter().zip(likeness).map(of).collect(),
        to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Rng;

    fn permuted(weights: &[Array2<f64>], orders: &[Vec<usize>]) -> Vec<Array2<f64>> {
        let mut out = weights.to_vec();
        for (layer, order) in orders.iter().enumerate() {
            out[layer] = out[layer].select(Axis(0), order);
            out[layer + 1] = out[layer + 1].select(Axis(1), order);
        }
        out
    }

    /// Coordinate descent need not find the best matching of any two networks; of a
    /// network and itself permuted, where the first layer alone tells neurons apart, it does.
    #[test]
    fn a_permuted_network_is_matched_to_itself() {
        for seed in 0..20 {
            let mut rng = Rng::new(seed, 0);
            let mut matrix = |rows, columns| {
                Array2::from_shape_simple_fn((rows, columns), || rng.uniform() - 0.5)
            };
            let weights = [matrix(9, 40), matrix(8, 9), matrix(3, 8)];
            let orders = [rng.permutation(9), rng.permutation(8)];
            let other = permuted(&weights, &orders);
            let matched = by_weights(&weights, &other);
            for (to, order) in matched.to.iter().zip(&orders) {
                for (neuron, other) in to.iter().enumerate() {
                    assert_eq!(order[*other], neuron);
                }
            }
            assert!(
                matched
                    .likeness
                    .iter()
                    .flatten()
                    .all(|l| (l - 1.0).abs() < 1e-9)
            );
        }
    }

    #[test]
    fn a_neuron_without_weights_is_like_none() {
        let one = [Array2::zeros((1, 2)), Array2::zeros((1, 1))];
        assert_eq!(by_weights(&one, &one).likeness, [[0.0]]);
    }
}
