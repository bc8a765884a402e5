//! Swaps in a transformer: neurons, heads, and channels of the residual stream.
//!
//! Rows are visited outputs first, as the authors' code has it; the stream counts
//! once, and a channel moves wherever it is written and read. What heads hold is
//! visited twice: whole heads change places, then neurons within a head. As in
//! [`crate::train::swaps`] only the change of cost is computed: no two sites of a
//! row are connected. Source: arXiv 2305.08746, section 3.4.

use ndarray::ArrayView2;

use super::form::Row;
use super::parameters::Parameters;
use crate::graph::PlaceCosts;
use crate::numeric::Scalar;
use crate::train::recipe::{CostRecipe, Reduction, Space, SwapRecipe};
use crate::train::swaps::order_by;

/// One exchange of places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swap {
    /// The row of sites.
    pub row: Row,
    /// The position that was visited; of heads, their first.
    pub from: usize,
    /// The position it changed places with.
    pub with: usize,
    /// How many positions moved together.
    pub width: usize,
    /// The change of the cost; below 0.
    pub change: f64,
}

/// What swaps depend on besides the weights.
#[derive(Debug, Clone, Copy)]
pub struct Swapping<'a> {
    /// How swaps are made.
    pub recipe: SwapRecipe,
    /// What connections cost.
    pub cost: &'a CostRecipe,
    /// Where sites are.
    pub space: Space,
}

impl Swapping<'_> {
    /// Swaps in every row and returns the exchanges made, in order.
    pub fn relocate<T: Scalar>(&self, parameters: &mut Parameters<T>) -> Vec<Swap> {
        let attention = parameters.form.attention;
        let blocks = (0..attention.blocks).rev();
        let mut rows = vec![Row::Outputs];
        rows.extend(blocks.flat_map(|l| [Row::Hidden(l), Row::Held(l)]));
        rows.push(Row::Stream);
        rows.extend(self.recipe.inputs.then_some(Row::Inputs));
        let mut swaps = Vec::new();
        for row in rows {
            let size = parameters.form.size(row);
            let head = match row {
                Row::Held(_) => size / attention.heads.max(1),
                _ => size,
            };
            if head < size {
                swaps.extend(self.relocate_part(parameters, row, (0, size), head));
            }
            for first in (0..size).step_by(head.max(1)) {
                swaps.extend(self.relocate_part(parameters, row, (first, head), 1));
            }
        }
        swaps
    }

    /// Swaps stretches of `width` sites among the `count` sites from `first`.
    fn relocate_part<T: Scalar>(
        &self,
        parameters: &mut Parameters<T>,
        row: Row,
        (first, count): (usize, usize),
        width: usize,
    ) -> Vec<Swap> {
        let all = self.costs_by_place(parameters, row);
        let mut costs = all.stretches(first, count, width);
        let scores = scores(parameters, row);
        let stretches = scores[first..first + count].chunks(width.max(1));
        let order = order_by(&stretches.map(|s| s.iter().sum()).collect::<Vec<f64>>());
        let mut swaps = Vec::new();
        for visited in order.into_iter().take(self.recipe.top_k) {
            let (partner, change) = costs.best_partner(visited);
            if partner != visited {
                let (from, with) = (first + visited * width, first + partner * width);
                parameters.exchange(row, (from, with), width);
                costs.swap(visited, partner);
                swaps.push(Swap {
                    row,
                    from,
                    with,
                    width,
                    change,
                });
            }
        }
        swaps
    }

    /// What the sites of a row cost at every place.
    fn costs_by_place<T: Scalar>(&self, parameters: &Parameters<T>, row: Row) -> PlaceCosts {
        let here = parameters.form.places(row, self.space);
        let mut costs = PlaceCosts::new(here.len());
        for wire in &parameters.wires {
            let weights = parameters.weights(wire);
            let scale = match self.cost.reduction {
                Reduction::Sum => self.recipe.weight_factor,
                Reduction::Mean => self.recipe.weight_factor / weights.len() as f64,
            };
            let mut charge = |weights: ArrayView2<'_, T>, other: Row| {
                let there = parameters.form.places(other, self.space);
                let folded: Vec<_> = there
                    .iter()
                    .cycle()
                    .take(weights.ncols())
                    .copied()
                    .collect();
                costs.charge(weights, &here, &folded, scale);
            };
            if wire.to == row {
                charge(weights, wire.from);
            }
            if wire.from == row {
                charge(weights.reversed_axes(), wire.to);
            }
        }
        costs
    }
}

/// Σ |weight| in and out of every site of a row; folds count by their mean.
fn scores<T: Scalar>(parameters: &Parameters<T>, row: Row) -> Vec<f64> {
    let mut scores = vec![0.0; parameters.form.size(row)];
    for wire in &parameters.wires {
        let weights = parameters.weights(wire);
        for ((reader, writer), weight) in weights.indexed_iter() {
            let weight = weight.widen().abs();
            if wire.to == row {
                scores[reader % parameters.form.size(row)] += weight / wire.folds as f64;
            }
            if wire.from == row {
                scores[writer] += weight;
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Rng;
    use crate::train::cost::total;
    use crate::train::recipe::{Attention, Recipe};
    use crate::train::transformer::Form;
    use crate::train::transformer::trainer::forward;
    use crate::train::{Regime, Task};
    use ndarray::Array2;

    fn network() -> (Parameters<f64>, Recipe) {
        let form = Form {
            inputs: 2,
            width: 12,
            attention: Attention {
                blocks: 2,
                heads: 3,
            },
            hidden: 7,
            outputs: 2,
        };
        let mut recipe = Task::InContext.recipe(Regime::Bimt);
        recipe.swaps = Some(SwapRecipe::of_transformers(1));
        (Parameters::fresh(form, &mut Rng::new(5, 0)), recipe)
    }

    fn relocate(parameters: &mut Parameters<f64>, recipe: &Recipe) -> Vec<Swap> {
        let swapping = Swapping {
            recipe: recipe.swaps.unwrap(),
            cost: &recipe.cost,
            space: recipe.space,
        };
        swapping.relocate(parameters)
    }

    #[test]
    fn each_swap_changes_the_cost_by_what_it_says() {
        let (mut parameters, recipe) = network();
        let costs: Vec<f64> = parameters.form.costs(&recipe, true);
        let mut replayed = parameters.clone();
        let mut cost = total(&parameters.values, &costs);
        let swaps = relocate(&mut parameters, &recipe);
        for swap in &swaps {
            replayed.exchange(swap.row, (swap.from, swap.with), swap.width);
            let after = total(&replayed.values, &costs);
            let off = after - cost - swap.change;
            assert!(swap.change < 0.0 && off.abs() < 1e-12, "{swap:?}");
            cost = after;
        }
        assert_eq!(replayed, parameters);
        let has = |found: &dyn Fn(&Swap) -> bool| swaps.iter().any(found);
        assert!(has(&|s| s.row == Row::Stream) && has(&|s| s.width == 4));
        assert!(has(&|s| s.row == Row::Hidden(1)) && has(&|s| s.row == Row::Held(0)));
    }

    #[test]
    fn swaps_leave_the_function_as_it_is() {
        let (mut parameters, recipe) = network();
        let inputs = Array2::from_shape_fn((4, 6), |(s, i)| (s * 6 + i) as f64 * 0.1 - 1.0);
        let before = forward(&parameters, recipe.activation, &inputs);
        assert!(!relocate(&mut parameters, &recipe).is_empty());
        let change = &forward(&parameters, recipe.activation, &inputs) - &before;
        assert!(change.iter().all(|c| c.abs() < 1e-12), "{change}");
    }
}
