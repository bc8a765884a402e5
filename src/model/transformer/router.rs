//! Experts: which hidden neurons of an MLP count at a position, and how much.
//!
//! All experts stand side by side in one MLP, and every hidden neuron is multiplied by the
//! share of its expert: a softmax over the experts, of which the largest few are kept. It
//! deliberately leaves the others' neurons in place, at zero: every neuron has one name.
//!
//! Source: Jiang et al. 2024, arXiv 2401.04088.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1, Axis, s};

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
    /// An expert that counts at every position, behind the others.
    pub shared: Option<SharedExpert<T>>,
}

/// An expert that is never left out. Its share is the logistic function of what it reads
/// times a weight.
///
/// Source: `Qwen2MoeSparseMoeBlock` of transformers.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedExpert<T> {
    /// How many of the hidden neurons, the last ones, are its own.
    pub neurons: usize,
    /// `[d]`
    pub gate: Array1<T>,
}

/// What a router made of the rows it read.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed<T> {
    /// What the neurons of each expert are multiplied by, `[rows, experts]`; 0 where it is
    /// not kept. The last column is of the shared expert, where there is one.
    pub shares: Array2<T>,
    /// Hidden neurons of the shared expert.
    shared: usize,
    /// The softmax they come from: over those that are kept where shares sum to 1, else
    /// over all.
    softmax: Array2<T>,
}

impl<T: Scalar> Router<T> {
    /// Trained numbers.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let shared = self.shared.as_ref();
        self.weight.len() + shared.map_or(0, |shared| shared.gate.len())
    }

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
        let mut shared = 0;
        if let Some(expert) = &self.shared {
            shared = expert.neurons;
            let logistic = |z: T| T::one() / (T::one() + (-z).exp());
            let share = x.dot(&expert.gate).mapv(logistic);
            shares
                .push_column(share.view())
                .unwrap_or_else(|_| unreachable!("one share a row"));
        }
        Routed {
            shares,
            shared,
            softmax,
        }
    }

    /// The gradient at rows that the router read, `[rows, d]`, given that at the shares.
    #[must_use]
    pub fn backward(&self, routed: &Routed<T>, at_shares: &Array2<T>) -> Array2<T> {
        let experts = routed.softmax.ncols();
        let shares = routed.shares.slice(s![.., ..experts]);
        let kept = shares.mapv(|share| match share > T::zero() {
            true => T::one(),
            false => T::zero(),
        });
        let at = kept * at_shares.slice(s![.., ..experts]);
        let means = (&at * &routed.softmax).sum_axis(Axis(1));
        let at_logits = (at - means.insert_axis(Axis(1))) * &routed.softmax;
        let mut read = product(at_logits.view(), self.weight.t());
        if let Some(shared) = &self.shared {
            let share = routed.shares.column(experts);
            let slope = share.mapv(|share| share * (T::one() - share));
            let at_gate = (&slope * &at_shares.column(experts)).insert_axis(Axis(1));
            read += &(at_gate * shared.gate.view().insert_axis(Axis(0)));
        }
        read
    }
}

impl<T: Scalar> Routed<T> {
    /// Hidden neurons `[rows, experts · width]`, with those of a shared expert behind, each
    /// multiplied by its expert's share.
    pub fn weigh(&self, hidden: &mut Array2<T>) {
        for expert in 0..self.shares.ncols() {
            let neurons = self.neurons(expert, hidden.ncols());
            let share = self.shares.column(expert).insert_axis(Axis(1));
            let mut own = hidden.slice_mut(s![.., neurons]);
            own *= &share;
        }
    }

    /// The gradient at the shares, given that at hidden neurons `at` and those before they
    /// were multiplied.
    #[must_use]
    pub fn at_shares(&self, at: &Array2<T>, hidden: &Array2<T>) -> Array2<T> {
        let products = at * hidden;
        Array2::from_shape_fn(self.shares.raw_dim(), |(row, expert)| {
            let own = self.neurons(expert, hidden.ncols());
            products.slice(s![row, own]).sum()
        })
    }

    /// An expert's among so many hidden neurons.
    fn neurons(&self, expert: usize, hidden: usize) -> Range<usize> {
        let (experts, routed) = (self.softmax.ncols(), hidden - self.shared);
        let width = routed / experts;
        match expert == experts {
            true => routed..hidden,
            false => expert * width..(expert + 1) * width,
        }
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
            shared: None,
        };
        let shares = |normalised| router(normalised).forward(&array![[1.0]]).shares;
        let near = |a: Array2<f64>, b: Array2<f64>| (a - b).iter().all(|x| x.abs() < 1e-12);
        assert!(near(shares(true), array![[0.0, 1.0 / 3.0, 2.0 / 3.0]]));
        assert!(near(shares(false), array![[0.0, 0.3, 0.6]]));
    }

    /// Two experts of one neuron and a shared one of two, whose share is 1/(1 + e^−ln 3) = 3/4.
    #[test]
    fn a_shared_expert_counts_at_every_position() {
        let router = Router {
            weight: array![[0.0, 1.0]],
            chosen: 1,
            normalised: true,
            shared: Some(SharedExpert {
                neurons: 2,
                gate: array![3f64.ln()],
            }),
        };
        let routed = router.forward(&array![[1.0]]);
        let mut hidden = array![[8.0, 8.0, 8.0, 4.0]];
        routed.weigh(&mut hidden);
        let off = hidden - array![[0.0, 8.0, 6.0, 3.0]];
        assert!(off.iter().all(|x: &f64| x.abs() < 1e-12));
        let at = routed.at_shares(&array![[1.0, 1.0, 1.0, 2.0]], &array![[5.0, 6.0, 7.0, 8.0]]);
        assert_eq!(at, array![[5.0, 6.0, 23.0]]);
    }

    /// Each slope of Σ g · share is that of a difference of values.
    #[test]
    fn gradients_are_those_of_small_steps() {
        for normalised in [true, false] {
            let shared = SharedExpert {
                neurons: 2,
                gate: array![0.4, -1.3],
            };
            let router = Router {
                weight: array![[0.3, -0.7, 0.9, 0.1], [1.1, 0.2, -0.4, 0.6]],
                chosen: 2,
                normalised,
                shared: Some(shared),
            };
            let (x, at) = (array![[0.5, -0.8]], array![[0.2, -1.0, 0.7, 1.5, -0.6]]);
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
