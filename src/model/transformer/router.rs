//! Experts: which hidden neurons of an MLP count at a position, and how much.
//!
//! All experts stand side by side in one MLP, and every hidden neuron is multiplied by the
//! share of its expert: a softmax over the experts, of which the largest few are kept. It
//! deliberately leaves the others' neurons in place, at zero: every neuron has one name.
//!
//! Source: Jiang et al. 2024, arXiv 2401.04088.

use ndarray::{Array2, ArrayView1, ArrayViewMut1, Axis, s};

use super::product;
use crate::numeric::Scalar;

/// What chooses experts.
#[derive(Debug, Clone, PartialEq)]
pub struct Router<T> {
    /// `[d, experts]`
    pub weight: Array2<T>,
    /// How many are kept at a position.
    pub chosen: usize,
    /// Whether the shares that are kept are made to sum to 1.
    pub normalised: bool,
}

/// What a router made of the rows it read.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed<T> {
    /// What the neurons of each expert are multiplied by, `[rows, experts]`; 0 where it is
    /// not kept.
    pub shares: Array2<T>,
    /// The softmax they come from: over those that are kept where shares sum to 1, else
    /// over all.
    softmax: Array2<T>,
}

impl<T: Scalar> Router<T> {
    /// The shares at rows `x: [rows, d]`.
    #[must_use]
    pub fn forward(&self, x: &Array2<T>) -> Routed<T> {
        let mut softmax = product(x.view(), self.weight.view());
        let mut shares = Array2::zeros(softmax.raw_dim());
        for (mut row, mut shares) in softmax.rows_mut().into_iter().zip(shares.rows_mut()) {
            let kept = largest(row.view(), self.chosen);
            if self.normalised {
                let is_left = |expert: &usize| !kept.contains(expert);
                (0..row.len())
                    .filter(is_left)
                    .for_each(|expert| row[expert] = T::neg_infinity());
            }
            to_softmax(row.view_mut());
            kept.iter()
                .for_each(|expert| shares[*expert] = row[*expert]);
        }
        Routed { shares, softmax }
    }

    /// The gradient at rows that the router read, `[rows, d]`, given that at the shares.
    #[must_use]
    pub fn backward(&self, routed: &Routed<T>, at_shares: &Array2<T>) -> Array2<T> {
        let kept = routed.shares.mapv(|share| match share > T::zero() {
            true => T::one(),
            false => T::zero(),
        });
        let at = kept * at_shares;
        let means = (&at * &routed.softmax).sum_axis(Axis(1));
        let at_logits = (at - means.insert_axis(Axis(1))) * &routed.softmax;
        product(at_logits.view(), self.weight.t())
    }
}

impl<T: Scalar> Routed<T> {
    /// Hidden neurons `[rows, experts · width]`, each multiplied by its expert's share.
    pub fn weigh(&self, hidden: &mut Array2<T>) {
        let width = self.width(hidden);
        for (mut hidden, shares) in hidden.rows_mut().into_iter().zip(self.shares.rows()) {
            for (place, value) in hidden.iter_mut().enumerate() {
                *value *= shares[place / width];
            }
        }
    }

    /// The gradient at the shares, given that at hidden neurons `at` and those before they
    /// were multiplied.
    #[must_use]
    pub fn at_shares(&self, at: &Array2<T>, hidden: &Array2<T>) -> Array2<T> {
        let width = self.width(hidden);
        let products = at * hidden;
        Array2::from_shape_fn(self.shares.raw_dim(), |(row, expert)| {
            let own = expert * width..(expert + 1) * width;
            products.slice(s![row, own]).sum()
        })
    }

    /// Hidden neurons of one expert.
    fn width(&self, hidden: &Array2<T>) -> usize {
        hidden.ncols() / self.shares.ncols()
    }
}

/// The places of the largest values, of equal ones the first.
fn largest<T: Scalar>(values: ArrayView1<'_, T>, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    let falling = |a: &usize, b: &usize| values[*b].partial_cmp(&values[*a]);
    places.sort_by(|a, b| falling(a, b).unwrap_or(std::cmp::Ordering::Equal));
    places.truncate(count);
    places
}

fn to_softmax<T: Scalar>(mut row: ArrayViewMut1<'_, T>) {
    let most = row.iter().copied().fold(T::neg_infinity(), T::max);
    row.mapv_inplace(|x| (x - most).exp());
    let sum = row.sum();
    row.mapv_inplace(|x| x / sum);
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// Logits ln 1, ln 3, ln 6, of which two are kept: 6/10 and 3/10 of all, 2/3 and 1/3 of
    /// the two.
    #[test]
    fn shares_are_those_worked_out_by_hand() {
        let logits = [0.0, 3f64.ln(), 6f64.ln()];
        let router = |normalised| Router {
            weight: array![logits],
            chosen: 2,
            normalised,
        };
        let shares = |normalised| router(normalised).forward(&array![[1.0]]).shares;
        let near = |a: Array2<f64>, b: Array2<f64>| (a - b).iter().all(|x| x.abs() < 1e-12);
        assert!(near(shares(true), array![[0.0, 1.0 / 3.0, 2.0 / 3.0]]));
        assert!(near(shares(false), array![[0.0, 0.3, 0.6]]));
    }

    /// Each slope of Σ g · share is that of a difference of values.
    #[test]
    fn gradients_are_those_of_small_steps() {
        for normalised in [true, false] {
            let router = Router {
                weight: array![[0.3, -0.7, 0.9, 0.1], [1.1, 0.2, -0.4, 0.6]],
                chosen: 2,
                normalised,
            };
            let (x, at) = (array![[0.5, -0.8]], array![[0.2, -1.0, 0.7, 1.5]]);
            let value = |x: &Array2<f64>| (&router.forward(x).shares * &at).sum();
            let slopes = router.backward(&router.forward(&x), &at);
            for place in 0..2 {
                let [mut up, mut down] = [x.clone(), x.clone()];
                up[[0, place]] += 1e-5;
                down[[0, place]] -= 1e-5;
                let expected = (value(&up) - value(&down)) / 2e-5;
                assert!((slopes[[0, place]] - expected).abs() < 1e-9);
            }
        }
    }
}
