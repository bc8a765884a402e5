//! Relocation: neurons change places after training until the wiring is as short as swaps make it.
//!
//! Only places change, never the network: a neuron takes its connections along.
//! Hidden neurons always move; inputs and outputs only where the network
//! remembers which of them stands where. Source of the idea: the swaps of
//! arXiv 2305.08746, section 2, there made while training.

use ndarray::Array2;

use super::{Layered, Place, PlaceCosts};
use crate::choice::RelocationMethod;
use crate::numeric::Rng;

/// A gain below this share of the whole cost is rounding, not a gain.
const SMALLEST_GAIN: f64 = 1e-12;

/// Swaps that annealing tries per neuron that may move.
const TRIES_PER_NEURON: usize = 2_000;

/// Annealing ends at this share of the temperature it began with.
const COLDEST: f64 = 1e-3;

/// Random swaps whose mean |change| is the first temperature.
const PROBES: usize = 200;

/// What may move, and how places are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moves {
    /// How places are searched.
    pub method: RelocationMethod,
    /// Whether inputs may change places.
    pub inputs: bool,
    /// Whether outputs may.
    pub outputs: bool,
    /// Copies of the row of input places; they move together.
    pub folds: usize,
    /// Of annealing.
    pub seed: u64,
}

/// Where everything stands after relocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Relocation {
    /// Per layer and position, the old position of the site that stands there now.
    pub orders: Vec<Vec<usize>>,
    /// Swaps that were made.
    pub swaps: usize,
}

/// Swaps sites of `network` until no swap within a layer makes its wiring shorter.
///
/// `places[l]` are the places of layer l, those of the inputs the same in every
/// fold. What is made small is Σ |w| · distance. Weights must not be NaN.
/// One visit of a layer of n costs O(n² · width of its neighbours) and O(n) per swap.
///
/// ```
/// use modscope::choice::RelocationMethod;
/// use modscope::graph::relocation::{Moves, relocate};
/// use modscope::graph::{Layered, places::places};
/// use modscope::result::Arrangement;
/// use ndarray::array;
///
/// // Two wires that cross: x0 → h1.1 → y0 and x1 → h1.0 → y1.
/// let cross = array![[0.0, 1.0], [1.0, 0.0]];
/// let network = Layered::new(vec![cross.clone(), cross]);
/// let places = places(&network.widths, &[Arrangement::Line; 3], 1);
/// let moves = Moves { method: RelocationMethod::Descent, inputs: false, outputs: false, folds: 1, seed: 0 };
/// assert_eq!(relocate(&network, &places, moves).orders, [[0, 1], [1, 0], [0, 1]]);
/// ```
#[must_use]
pub fn relocate(network: &Layered, places: &[Vec<Place>], moves: Moves) -> Relocation {
    let mut straight = State::new(network, places, moves);
    straight.descend();
    if moves.method == RelocationMethod::Descent {
        return straight.found;
    }
    let mut annealed = State::new(network, places, moves);
    annealed.anneal(moves.seed);
    annealed.descend();
    if annealed.cost() < straight.cost() {
        annealed.found
    } else {
        straight.found
    }
}

/// A network while its sites change places.
struct State<'a> {
    places: &'a [Vec<Place>],
    /// |w| at the present places, `[readers, writers]`.
    weights: Vec<Array2<f64>>,
    /// Distances between the places, in the same form; they stay.
    lengths: Vec<Array2<f64>>,
    /// The layers that move, and their number of neurons, folds counted once.
    layers: Vec<(usize, usize)>,
    smallest_gain: f64,
    found: Relocation,
}

impl<'a> State<'a> {
    fn new(network: &Layered, places: &'a [Vec<Place>], moves: Moves) -> Self {
        let widths = &network.widths;
        let last = widths.len().saturating_sub(1);
        let layers = widths.iter().enumerate().filter_map(|(layer, width)| {
            let stays = (layer == 0 && !moves.inputs) || (layer == last && !moves.outputs);
            let folds = if layer == 0 { moves.folds.max(1) } else { 1 };
            let neurons = width / folds;
            (!stays && neurons > 1).then_some((layer, neurons))
        });
        let lengths = places.windows(2).map(|ends| {
            Array2::from_shape_fn((ends[1].len(), ends[0].len()), |(reader, writer)| {
                ends[1][reader].distance(ends[0][writer])
            })
        });
        let mut state = Self {
            places,
            weights: network.weights.iter().map(|w| w.mapv(f64::abs)).collect(),
            lengths: lengths.collect(),
            layers: layers.collect(),
            smallest_gain: 0.0,
            found: Relocation {
                orders: widths.iter().map(|width| (0..*width).collect()).collect(),
                swaps: 0,
            },
        };
        state.smallest_gain = SMALLEST_GAIN * state.cost();
        state
    }

    /// Σ |w| · distance.
    fn cost(&self) -> f64 {
        let layers = self.weights.iter().zip(&self.lengths);
        layers
            .map(|(weights, lengths)| (weights * lengths).sum())
            .sum()
    }

    /// Visits the layers until none has a swap that helps.
    fn descend(&mut self) {
        let layers = self.layers.clone();
        let mut idle = 0;
        for (layer, neurons) in layers.iter().copied().cycle() {
            let before = self.found.swaps;
            self.descend_layer(layer, neurons);
            idle = if self.found.swaps == before {
                idle + 1
            } else {
                0
            };
            if idle == layers.len() {
                return;
            }
        }
    }

    /// The steepest swap of a layer, until none helps.
    fn descend_layer(&mut self, layer: usize, neurons: usize) {
        let mut costs = self.costs_by_place(layer, neurons);
        let mut partners: Vec<(usize, f64)> = (0..neurons).map(|n| costs.best_partner(n)).collect();
        while let Some((one, other)) = steepest(&partners, self.smallest_gain) {
            self.swap(layer, neurons, one, other);
            costs.swap(one, other);
            update_partners(&mut partners, &costs, one, other);
        }
    }

    fn costs_by_place(&self, layer: usize, neurons: usize) -> PlaceCosts {
        let mut costs = PlaceCosts::new(neurons);
        let here = &self.places[layer];
        if layer > 0 {
            let weights = self.weights[layer - 1].view();
            costs.charge(weights, here, &self.places[layer - 1], 1.0);
        }
        if let Some(weights) = self.weights.get(layer) {
            let weights = weights.view().reversed_axes();
            costs.charge(weights, here, &self.places[layer + 1], 1.0);
        }
        costs
    }

    /// Swaps two neurons of a layer, in every fold.
    fn swap(&mut self, layer: usize, neurons: usize, one: usize, other: usize) {
        let folds = self.found.orders[layer].len() / neurons;
        for fold in (0..folds).map(|fold| fold * neurons) {
            let (one, other) = (one + fold, other + fold);
            self.found.orders[layer].swap(one, other);
            if layer > 0 {
                for mut column in self.weights[layer - 1].columns_mut() {
                    column.swap(one, other);
                }
            }
            if let Some(weights) = self.weights.get_mut(layer) {
                for mut row in weights.rows_mut() {
                    row.swap(one, other);
                }
            }
        }
        self.found.swaps += 1;
    }

    /// The change of the cost if two neurons of a layer swap. O(width of its neighbours).
    fn change(&self, layer: usize, neurons: usize, one: usize, other: usize) -> f64 {
        let folds = self.found.orders[layer].len() / neurons;
        let of_fold = |fold: usize| {
            let (one, other) = (one + fold * neurons, other + fold * neurons);
            let below = layer.checked_sub(1).map(|l| {
                let (w, d) = (&self.weights[l], &self.lengths[l]);
                (0..w.ncols())
                    .map(|k| (w[[one, k]] - w[[other, k]]) * (d[[other, k]] - d[[one, k]]))
                    .sum::<f64>()
            });
            let above = self.weights.get(layer).map(|w| {
                let d = &self.lengths[layer];
                (0..w.nrows())
                    .map(|k| (w[[k, one]] - w[[k, other]]) * (d[[k, other]] - d[[k, one]]))
                    .sum::<f64>()
            });
            below.unwrap_or(0.0) + above.unwrap_or(0.0)
        };
        (0..folds).map(of_fold).sum()
    }

    /// Random swaps, taken where they help or with probability exp(−change / temperature).
    ///
    /// Source: Kirkpatrick, Gelatt & Vecchi (1983), with geometric cooling.
    fn anneal(&mut self, seed: u64) {
        let mut rng = Rng::new(seed, 0);
        let neurons: usize = self.layers.iter().map(|(_, neurons)| neurons).sum();
        if neurons == 0 {
            return;
        }
        let probes = (0..PROBES).map(|_| {
            let (layer, neurons, one, other) = self.propose(&mut rng);
            self.change(layer, neurons, one, other).abs()
        });
        let hot = probes.sum::<f64>() / PROBES as f64;
        let tries = neurons * TRIES_PER_NEURON;
        for step in 0..tries {
            let temperature = hot * COLDEST.powf(step as f64 / tries as f64);
            let (layer, neurons, one, other) = self.propose(&mut rng);
            let change = self.change(layer, neurons, one, other);
            if change < 0.0 || rng.uniform() < (-change / temperature).exp() {
                self.swap(layer, neurons, one, other);
            }
        }
    }

    /// A layer by its share of the neurons, and two of its places.
    fn propose(&self, rng: &mut Rng) -> (usize, usize, usize, usize) {
        let all: usize = self.layers.iter().map(|(_, neurons)| neurons).sum();
        let mut drawn = rng.below(all);
        for (layer, neurons) in &self.layers {
            if drawn < *neurons {
                return (*layer, *neurons, drawn, rng.below(*neurons));
            }
            drawn -= neurons;
        }
        unreachable!("the layers hold all neurons")
    }
}

/// The swap with the largest gain, the first of the best; `None` where all gains are rounding.
fn steepest(partners: &[(usize, f64)], smallest_gain: f64) -> Option<(usize, usize)> {
    let mut best = (None, -smallest_gain);
    for (one, (other, change)) in partners.iter().enumerate() {
        if *change < best.1 {
            best = (Some((one, *other)), *change);
        }
    }
    best.0
}

/// After a swap only the gains of swaps with the two that moved are others.
fn update_partners(partners: &mut [(usize, f64)], costs: &PlaceCosts, one: usize, other: usize) {
    for (neuron, best) in partners.iter_mut().enumerate() {
        let moved = [one, other];
        if moved.contains(&neuron) || moved.contains(&best.0) {
            *best = costs.best_partner(neuron);
            continue;
        }
        for with in moved {
            let change = costs.change(neuron, with);
            if change < best.1 {
                *best = (with, change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::places::places;
    use crate::graph::wiring_cost;
    use crate::numeric::Rng;
    use crate::result::Arrangement;
    use proptest::prelude::*;

    fn random(widths: &[usize], seed: u64) -> (Layered, Vec<Vec<Place>>) {
        let mut rng = Rng::new(seed, 1);
        let layers = widths
            .windows(2)
            .map(|pair| Array2::from_shape_simple_fn((pair[1], pair[0]), || rng.normal()));
        let network = Layered::new(layers.collect());
        let places = places(widths, &vec![Arrangement::Line; widths.len()], 2);
        (network, places)
    }

    fn rearranged(network: &Layered, orders: &[Vec<usize>]) -> Layered {
        let layers = network.weights.iter().zip(orders.windows(2));
        let layers = layers.map(|(w, ends)| {
            w.select(ndarray::Axis(0), &ends[1])
                .select(ndarray::Axis(1), &ends[0])
        });
        Layered::new(layers.collect())
    }

    fn moves(method: RelocationMethod, ends: bool) -> Moves {
        Moves {
            method,
            inputs: ends,
            outputs: ends,
            folds: 2,
            seed: 3,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// The state's own cost is that of the network in the new order; no swap is left that helps.
        #[test]
        fn descent_ends_where_no_swap_helps(seed in any::<u64>(), ends in any::<bool>()) {
            let (network, places) = random(&[6, 7, 5, 4], seed);
            let mut state = State::new(&network, &places, moves(RelocationMethod::Descent, ends));
            state.descend();
            let found = rearranged(&network, &state.found.orders);
            prop_assert!((wiring_cost(&found, &places, 1.0, 0.0) - state.cost()).abs() < 1e-9);
            prop_assert!(state.cost() <= wiring_cost(&network, &places, 1.0, 0.0));
            for (layer, neurons) in state.layers.clone() {
                for one in 0..neurons {
                    for other in 0..neurons {
                        prop_assert!(state.change(layer, neurons, one, other) > -1e-9);
                    }
                }
            }
        }

        /// The two ways to the change of a swap agree with the change of the whole cost.
        #[test]
        fn the_change_of_a_swap(seed in any::<u64>(), one in 0..3_usize, other in 0..3_usize) {
            let (network, places) = random(&[6, 3, 3], seed);
            let mut state = State::new(&network, &places, moves(RelocationMethod::Descent, true));
            for (layer, neurons) in state.layers.clone() {
                let before = state.cost();
                let table = state.costs_by_place(layer, neurons).change(one, other);
                let change = state.change(layer, neurons, one, other);
                state.swap(layer, neurons, one, other);
                prop_assert!((table - change).abs() < 1e-9);
                prop_assert!((state.cost() - before - change).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn annealing_is_no_worse_and_seeded() {
        let mut better = 0;
        for seed in 0..5 {
            let (network, places) = random(&[8, 12, 12, 3], seed);
            let cost = |method| {
                let found = relocate(&network, &places, moves(method, false));
                let again = relocate(&network, &places, moves(method, false));
                assert_eq!(found, again);
                wiring_cost(&rearranged(&network, &found.orders), &places, 1.0, 0.0)
            };
            let (descent, annealed) = (
                cost(RelocationMethod::Descent),
                cost(RelocationMethod::Annealing),
            );
            assert!(annealed <= descent);
            better += usize::from(annealed < descent);
        }
        assert!(better > 0, "annealing finds more somewhere");
    }

    #[test]
    fn what_may_not_move_stays_and_folds_move_together() {
        let (network, places) = random(&[6, 7, 4], 5);
        let hidden = relocate(&network, &places, moves(RelocationMethod::Annealing, false));
        assert_eq!(hidden.orders[0], [0, 1, 2, 3, 4, 5]);
        assert_eq!(hidden.orders[2], [0, 1, 2, 3]);
        let all = relocate(&network, &places, moves(RelocationMethod::Annealing, true));
        let inputs = &all.orders[0];
        assert!((0..3).all(|k| inputs[k + 3] == inputs[k] + 3), "{inputs:?}");
    }

    #[test]
    fn networks_without_anything_to_move_stay() {
        for widths in [&[0_usize, 0][..], &[1, 1, 1]] {
            let (network, places) = random(widths, 1);
            for method in RelocationMethod::each() {
                assert_eq!(relocate(&network, &places, moves(method, true)).swaps, 0);
            }
        }
    }
}
