//! What swapping two neurons of a layer changes in the wiring cost.
//!
//! With c(j, p) the cost of neuron j's connections if it stood at place p, swapping
//! j and k changes the cost by c(j, k) + c(k, j) − c(j, j) − c(k, k): no two neurons
//! of a layer are connected, so that nothing else changes. Training and relocation
//! share this table. Source of the swaps: arXiv 2305.08746, section 2.

use ndarray::{Array2, ArrayView2};

use super::Place;
use crate::numeric::Scalar;

/// c(j, p) for one layer, `[neurons, places]`; row j belongs to the neuron that stands at j.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceCosts {
    costs: Array2<f64>,
}

impl PlaceCosts {
    /// A layer of neurons without connections.
    #[must_use]
    pub fn new(neurons: usize) -> Self {
        Self {
            costs: Array2::zeros((neurons, neurons)),
        }
    }

    /// Adds connections `weights: [this layer, other layer]` at `scale` per unit of |w| and distance.
    ///
    /// A layer with folds has more rows than neurons: the copies of a neuron stand
    /// at one place and move together. O(rows · neurons · width of the other layer).
    pub fn charge<T: Scalar>(
        &mut self,
        weights: ArrayView2<'_, T>,
        here: &[Place],
        there: &[Place],
        scale: f64,
    ) {
        let neurons = self.costs.nrows();
        for (place, mut column) in self.costs.columns_mut().into_iter().enumerate() {
            let lengths: Vec<f64> = there
                .iter()
                .map(|t| scale * here[place].distance(*t))
                .collect();
            for (row, weights) in weights.rows().into_iter().enumerate() {
                let terms = weights.iter().zip(&lengths);
                column[row % neurons] += terms.map(|(w, d)| w.widen().abs() * d).sum::<f64>();
            }
        }
    }

    /// The change of the cost if the neurons at two places swap.
    #[must_use]
    pub fn change(&self, one: usize, other: usize) -> f64 {
        let costs = &self.costs;
        (costs[[one, other]] - costs[[one, one]]) + (costs[[other, one]] - costs[[other, other]])
    }

    /// The place to swap with, the first of the best, and the change of the cost;
    /// `from` itself and 0 where no swap helps.
    #[must_use]
    pub fn best_partner(&self, from: usize) -> (usize, f64) {
        (0..self.costs.nrows()).fold((from, 0.0), |best, with| {
            let change = self.change(from, with);
            if change < best.1 {
                (with, change)
            } else {
                best
            }
        })
    }

    /// Swaps the neurons at two places.
    pub fn swap(&mut self, one: usize, other: usize) {
        for mut column in self.costs.columns_mut() {
            column.swap(one, other);
        }
    }
}
