//! The connection cost: what every number of a network costs per unit of |value|.
//!
//! Cost = Σ |w| (`weight_factor` · distance + `l0`) over weights, plus Σ |b| `l0`
//! over biases and embeddings; each tensor's sum is divided by its size where the
//! recipe takes means. Source: arXiv 2305.08746, equation 2.

use super::parameters::Form;
use super::recipe::{CostRecipe, Recipe, Reduction, Space};
use crate::graph::Place;
use crate::graph::places::layer_places;
use crate::numeric::Scalar;
use crate::result::Arrangement;

/// Where the neurons of every layer sit.
#[must_use]
pub fn places(form: &Form, space: Space) -> Vec<Vec<Place>> {
    let layers = form.widths.iter().enumerate();
    layers
        .map(|(layer, width)| {
            let folds = if layer == 0 { form.folds } else { 1 };
            layer_places(arrangement(space, layer == form.depth()), *width, folds)
        })
        .collect()
}

pub(super) fn arrangement(space: Space, is_output: bool) -> Arrangement {
    match (space, is_output) {
        (Space::Line, _) => Arrangement::Line,
        (Space::Sheet, false) => Arrangement::Grid,
        (Space::Sheet, true) => Arrangement::Ring,
    }
}

/// What each number costs, in the order of [`super::Parameters::values`].
///
/// It depends on places and recipe only, not on the numbers; with `biases`
/// biases cost, as they do late in some recipes.
#[must_use]
pub fn costs<T: Scalar>(form: &Form, recipe: &Recipe, biases: bool) -> Vec<T> {
    let places = places(form, recipe.space);
    let cost = &recipe.cost;
    let mut costs = vec![share(cost, cost.l0, form.embedding_len()); form.embedding_len()];
    for (layer, ends) in places.windows(2).enumerate() {
        let (writers, readers) = (&ends[0], &ends[1]);
        let factor = distance_factor(cost, layer + 1 == form.depth());
        let bias = if biases {
            share(cost, cost.l0, readers.len())
        } else {
            0.0
        };
        for reader in readers {
            costs.extend(writers.iter().map(|writer| {
                let length = factor * reader.distance(*writer) + cost.l0;
                share(cost, length, writers.len() * readers.len())
            }));
            costs.push(bias);
        }
    }
    costs.into_iter().map(T::from_f64).collect()
}

pub(super) fn distance_factor(cost: &CostRecipe, is_last: bool) -> f64 {
    if is_last && !cost.last_by_distance {
        0.0
    } else {
        cost.weight_factor
    }
}

/// One entry's part of a tensor's sum or mean.
pub(super) fn share(cost: &CostRecipe, value: f64, size: usize) -> f64 {
    match cost.reduction {
        Reduction::Sum => value,
        Reduction::Mean => value / size as f64,
    }
}

/// The cost of a whole network: Σ |value| · cost.
#[must_use]
pub fn total<T: Scalar>(values: &[T], costs: &[T]) -> f64 {
    let terms = values.iter().zip(costs);
    terms
        .map(|(value, cost)| value.widen().abs() * cost.widen())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Regime;

    fn form() -> Form {
        Form {
            widths: vec![2, 1, 1],
            folds: 1,
            tokens: None,
        }
    }

    /// Inputs at ¼ and ¾, hidden and output at ½: lengths ¼, ¼ and 0.
    #[test]
    fn costs_worked_out_by_hand() {
        let recipe = Recipe::formula(Regime::Bimt);
        let costs: Vec<f64> = costs(&form(), &recipe, true);
        let expected = [0.35, 0.35, 0.1, 0.1, 0.1];
        for (cost, expected) in costs.iter().zip(expected) {
            assert!((cost - expected).abs() < 1e-12, "{costs:?}");
        }
        assert!((total(&[1.0, -2.0, 0.0, 0.0, 3.0], &costs) - 1.35).abs() < 1e-12);
    }

    #[test]
    fn means_divide_by_the_size_of_each_tensor() {
        let recipe = Recipe::modular_addition(Regime::L1);
        let costs: Vec<f64> = costs(&form(), &recipe, false);
        assert_eq!(costs, [0.25, 0.25, 0.0, 0.5, 0.0]);
    }

    #[test]
    fn the_last_layer_of_images_costs_without_distance() {
        let form = Form {
            widths: vec![4, 4, 4],
            folds: 1,
            tokens: None,
        };
        let recipe = Recipe::images(Regime::Bimt);
        let costs: Vec<f64> = costs(&form, &recipe, true);
        assert!(costs[20..24].iter().all(|c| *c == 0.5 / 16.0));
        assert!(costs[1] > costs[0]);
    }
}
