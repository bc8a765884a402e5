//! Swaps of neurons that make the wiring cheaper.
//!
//! Layer by layer, inputs first: the neurons with the largest sum of |weight| are
//! visited in turn, and each changes places with the one (maybe itself) for which
//! the cost falls most. A neuron takes its weights, in and out, and its bias along;
//! inputs and outputs are renumbered in the permutations, and folds move together.
//! Source: arXiv 2305.08746, section 2.
//!
//! Only the change of cost is computed, by [`PlaceCosts`].

use ndarray::ArrayView2;

use super::cost::places;
use super::parameters::Parameters;
use super::recipe::{CostRecipe, Reduction, Space, SwapRecipe};
use crate::graph::{Place, PlaceCosts};
use crate::numeric::Scalar;

/// One exchange of places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swap {
    /// The layer of sites, 0 for the inputs.
    pub layer: usize,
    /// The position that was visited.
    pub from: usize,
    /// The position it changed places with.
    pub with: usize,
    /// The change of the cost; never above 0.
    pub change: f64,
}

/// What the cost of a swap depends on besides the weights.
#[derive(Debug, Clone)]
pub struct Wiring {
    places: Vec<Vec<Place>>,
    recipe: SwapRecipe,
    reduction: Reduction,
}

impl Wiring {
    /// Places and costs of a network.
    #[must_use]
    pub fn new<T: Scalar>(
        parameters: &Parameters<T>,
        space: Space,
        cost: &CostRecipe,
        recipe: SwapRecipe,
    ) -> Self {
        Self {
            places: places(&parameters.form, space),
            recipe,
            reduction: cost.reduction,
        }
    }

    /// Swaps neurons in every layer and returns the exchanges made, in order.
    pub fn relocate<T: Scalar>(&self, parameters: &mut Parameters<T>) -> Vec<Swap> {
        let first = usize::from(!self.recipe.inputs);
        (first..=parameters.form.depth())
            .flat_map(|layer| self.relocate_layer(parameters, layer))
            .collect()
    }

    fn relocate_layer<T: Scalar>(&self, parameters: &mut Parameters<T>, layer: usize) -> Vec<Swap> {
        let mut costs = self.costs_by_place(parameters, layer);
        let mut swaps = Vec::new();
        for from in most_connected(parameters, layer, self.recipe.top_k) {
            let (with, change) = costs.best_partner(from);
            if with != from {
                exchange(parameters, layer, from, with);
                costs.swap(from, with);
                swaps.push(Swap {
                    layer,
                    from,
                    with,
                    change,
                });
            }
        }
        swaps
    }

    /// What the neurons of a layer cost at every place; folds count as one neuron.
    fn costs_by_place<T: Scalar>(&self, parameters: &Parameters<T>, layer: usize) -> PlaceCosts {
        let mut costs = PlaceCosts::new(neurons(parameters, layer));
        let mut charge = |weights: ArrayView2<'_, T>, other: usize| {
            let scale = match self.reduction {
                Reduction::Sum => self.recipe.weight_factor,
                Reduction::Mean => self.recipe.weight_factor / weights.len() as f64,
            };
            costs.charge(weights, &self.places[layer], &self.places[other], scale);
        };
        if layer > 0 {
            charge(parameters.weights(layer - 1), layer - 1);
        }
        if layer < parameters.form.depth() {
            charge(parameters.weights(layer).reversed_axes(), layer + 1);
        }
        costs
    }
}

/// Positions of a layer, folds counted once.
fn neurons<T: Scalar>(parameters: &Parameters<T>, layer: usize) -> usize {
    if layer == 0 {
        parameters.form.fold()
    } else {
        parameters.form.widths[layer]
    }
}

/// The `top_k` positions with the largest Σ |weight| in and out; the later one
/// first where two are equal, as a flipped ascending sort has it.
fn most_connected<T: Scalar>(parameters: &Parameters<T>, layer: usize, top_k: usize) -> Vec<usize> {
    let mut scores = vec![0.0_f64; neurons(parameters, layer)];
    let count = scores.len();
    let mut add = |weights: ArrayView2<'_, T>| {
        for (row, weights) in weights.rows().into_iter().enumerate() {
            scores[row % count] += weights.iter().map(|w| w.widen().abs()).sum::<f64>();
        }
    };
    if layer > 0 {
        add(parameters.weights(layer - 1));
    }
    if layer < parameters.form.depth() {
        add(parameters.weights(layer).reversed_axes());
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(b.cmp(a)));
    order.truncate(top_k);
    order
}

/// Exchanges two positions of a layer of sites; the function stays the same.
pub fn exchange<T: Scalar>(parameters: &mut Parameters<T>, layer: usize, a: usize, b: usize) {
    let depth = parameters.form.depth();
    if layer > 0 {
        for mut column in parameters.layer_mut(layer - 1).columns_mut() {
            column.swap(a, b);
        }
    }
    if layer < depth {
        let (fold, folds) = match layer {
            0 => (parameters.form.fold(), parameters.form.folds),
            _ => (0, 1),
        };
        for mut row in parameters.layer_mut(layer).rows_mut() {
            (0..folds).for_each(|f| row.swap(a + f * fold, b + f * fold));
        }
    }
    match layer {
        0 => parameters.in_perm.swap(a, b),
        l if l == depth => parameters.out_perm.swap(a, b),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::{Activation, Rng};
    use crate::train::cost::{costs, total};
    use crate::train::parameters::Form;
    use crate::train::{Recipe, Regime};
    use ndarray::Array2;

    fn network(seed: u64) -> (Parameters<f64>, Recipe, Wiring) {
        let form = Form {
            widths: vec![6, 7, 5, 4],
            folds: 2,
            tokens: Some(9),
        };
        let parameters = Parameters::fresh(form, &mut Rng::new(seed, 0));
        let mut recipe = Recipe::modular_addition(Regime::Bimt);
        recipe.swaps = recipe.swaps.map(|s| SwapRecipe { top_k: 4, ..s });
        let wiring = Wiring::new(
            &parameters,
            recipe.space,
            &recipe.cost,
            recipe.swaps.unwrap(),
        );
        (parameters, recipe, wiring)
    }

    #[test]
    fn each_swap_changes_the_cost_by_what_it_says() {
        let (mut parameters, recipe, wiring) = network(1);
        let costs: Vec<f64> = costs(&parameters.form, &recipe, true);
        let before = total(&parameters.values, &costs);
        let mut replayed = parameters.clone();
        let swaps = wiring.relocate(&mut parameters);
        assert!(swaps.len() > 3);
        let mut cost = before;
        for swap in &swaps {
            exchange(&mut replayed, swap.layer, swap.from, swap.with);
            let after = total(&replayed.values, &costs);
            assert!(
                swap.change < 0.0 && (after - cost - swap.change).abs() < 1e-12,
                "{swap:?}"
            );
            cost = after;
        }
        assert_eq!(replayed, parameters);
    }

    #[test]
    fn swaps_leave_the_function_as_it_is() {
        let (mut parameters, _, wiring) = network(2);
        let outputs = |parameters: &Parameters<f64>| {
            let mlp = parameters.to_mlp(Activation::Silu);
            let embedding = mlp.embedding.clone().unwrap();
            let features =
                Array2::from_shape_fn((9, 6), |(s, q)| embedding[[(s + q / 3) % 9, q % 3]]);
            mlp.by_target(mlp.outputs(mlp.arrange(features.view()).view()).view())
        };
        let before = outputs(&parameters);
        assert!(!wiring.relocate(&mut parameters).is_empty());
        let change = &outputs(&parameters) - &before;
        assert!(change.iter().all(|c| c.abs() < 1e-12));
    }

    #[test]
    fn pixels_stay_where_they_are() {
        let (mut parameters, recipe, _) = network(3);
        let pixels = recipe
            .swaps
            .map(|s| SwapRecipe { inputs: false, ..s })
            .unwrap();
        let wiring = Wiring::new(&parameters, recipe.space, &recipe.cost, pixels);
        assert!(
            wiring
                .relocate(&mut parameters)
                .iter()
                .all(|swap| swap.layer > 0)
        );
        assert_eq!(parameters.in_perm, [0, 1, 2]);
    }
}
