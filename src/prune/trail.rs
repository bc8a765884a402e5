//! One sample while pruned weights come back, and how far its outputs can have moved
//! before a later one does.
//!
//! Weights come back from the largest to the smallest. What the next few change of the
//! outputs is bounded: a reader's value moves by at most Σ |w| · (|v| + r) over those that
//! come back and Σ |w| · r over those that are there, with v what a writer writes now and r
//! how far that can have moved; behind an activation, by its steepest slope times that.
//! Where an output is further off than its bound, no threshold in between can verify.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::model::Mlp;
use crate::numeric::Scalar;
use crate::order;

/// Covers the roundings of a bound.
const UP: f64 = 1.0 + 1e-9;

/// A network's weights by size, and what it is run on.
#[derive(Debug, Clone)]
pub struct Steps {
    model: Mlp<f64>,
    /// The steepest slope behind every layer's readers.
    steepest: Vec<Vec<f64>>,
    /// Physical inputs `[width, samples]`.
    inputs: Array2<f64>,
    /// Layer, reader and writer, largest |w| first.
    order: Vec<[u32; 3]>,
    /// |w| in that order; a weight that is not a number is never pruned.
    sizes: Vec<f64>,
}

impl Steps {
    /// Those of a network; `None` where an activation can be arbitrarily steep.
    pub(super) fn new<T: Scalar>(model: &Mlp<T>, inputs: ArrayView2<'_, T>) -> Option<Self> {
        let model = model.widened();
        let last = model.layers.len().checked_sub(1)?;
        let slopes = |(layer, width): (usize, usize)| {
            let of = |neuron| match layer == last {
                true => Some(1.0),
                false => model.activation.of(layer, neuron).steepest(),
            };
            (0..width).map(of).collect::<Option<Vec<f64>>>()
        };
        let widths = model.layers.iter().map(|linear| linear.bias.len());
        let steepest = widths.enumerate().map(slopes).collect::<Option<_>>()?;
        let weights = model.layers.iter().enumerate().flat_map(|(layer, linear)| {
            let entries = linear.weight.indexed_iter();
            entries.map(move |((to, from), w)| ([layer as u32, to as u32, from as u32], size(*w)))
        });
        let (places, sizes): (Vec<_>, Vec<_>) = weights.unzip();
        let mut by_size: Vec<usize> = (0..sizes.len()).collect();
        order::descending(&mut by_size, |edge| sizes[*edge]);
        Some(Self {
            steepest,
            inputs: inputs.mapv(T::widen),
            order: by_size.iter().map(|edge| places[*edge]).collect(),
            sizes: by_size.iter().map(|edge| sizes[*edge]).collect(),
            model,
        })
    }

    /// How many weights a threshold leaves.
    pub(super) fn kept(&self, threshold: f64) -> usize {
        self.sizes.partition_point(|size| *size >= threshold)
    }

    /// A sample, everything being pruned.
    pub(super) fn trail(&self, sample: usize) -> Trail<'_> {
        let mut model = self.model.clone();
        model.layers.iter_mut().for_each(|l| l.weight.fill(0.0));
        let mut trail = Trail {
            steps: self,
            kept: 0,
            read: model
                .layers
                .first()
                .map(|l| l.bias.clone())
                .unwrap_or_default(),
            values: vec![self.inputs.column(sample).to_owned()],
            sizes: model.layers.iter().map(|l| l.weight.clone()).collect(),
            model,
        };
        trail.run();
        trail
    }
}

fn size(w: f64) -> f64 {
    if w.is_nan() { f64::INFINITY } else { w.abs() }
}

/// A sample on the network in which only the largest weights are left.
#[derive(Debug, Clone)]
pub(super) struct Trail<'s> {
    steps: &'s Steps,
    kept: usize,
    /// The network with those.
    model: Mlp<f64>,
    /// |w| of its weights.
    sizes: Vec<Array2<f64>>,
    /// What the first layer's readers read.
    read: Array1<f64>,
    /// What every layer of sites writes, inputs first.
    values: Vec<Array1<f64>>,
}

impl Trail<'_> {
    /// What the outputs are.
    pub(super) fn outputs(&self) -> ArrayView1<'_, f64> {
        self.values[self.values.len() - 1].view()
    }

    /// Goes on to where `kept` weights are left, as many as now or more.
    pub(super) fn advance(&mut self, kept: usize) {
        for [layer, to, from] in self.steps.order[self.kept..kept].iter() {
            let [layer, to, from] = [*layer, *to, *from].map(|i| i as usize);
            let weight = self.steps.model.layers[layer].weight[[to, from]];
            self.model.layers[layer].weight[[to, from]] = weight;
            self.sizes[layer][[to, from]] = weight.abs();
            if layer == 0 {
                self.read[to] += weight * self.values[0][from];
            }
        }
        self.kept = kept;
        self.run();
    }

    /// Runs what follows the first layer's reads.
    fn run(&mut self) {
        self.values.truncate(1);
        let mut read = self.read.clone();
        for (layer, linear) in self.model.layers.iter().enumerate() {
            if layer > 0 {
                read = linear.weight.dot(&self.values[layer]) + &linear.bias;
            }
            if layer + 1 < self.model.layers.len() {
                let mut column = read.insert_axis(Axis(1));
                self.model.activation.apply(layer, &mut column);
                read = column.remove_axis(Axis(1));
            }
            self.values.push(read);
            read = Array1::default(0);
        }
    }

    /// By how much each output can have moved before or when `kept` weights are left.
    pub(super) fn reach(&self, kept: usize) -> Array1<f64> {
        let back = &self.steps.order[self.kept..kept];
        let mut reach = Array1::zeros(self.values[0].len());
        for (layer, sizes) in self.sizes.iter().enumerate() {
            let mut moved = match layer {
                0 => Array1::zeros(sizes.nrows()),
                _ => sizes.dot(&reach),
            };
            for [_, to, from] in back.iter().filter(|edge| edge[0] as usize == layer) {
                let [to, from] = [*to as usize, *from as usize];
                let weight = self.steps.model.layers[layer].weight[[to, from]];
                moved[to] += weight.abs() * (self.values[layer][from].abs() + reach[from]);
            }
            let slopes = self.steps.steepest[layer].iter();
            moved
                .iter_mut()
                .zip(slopes)
                .for_each(|(m, slope)| *m *= slope);
            reach = moved;
        }
        reach * UP
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::{random_inputs, random_mlp};
    use crate::numeric::Activation;
    use crate::prune::apply;

    /// At every threshold the outputs are those of the pruned network, and between any two
    /// no output moves by more than was told beforehand.
    #[test]
    fn outputs_are_those_of_the_pruned_network_and_stay_within_reach() {
        for (activation, seed) in [(Activation::Silu, 1), (Activation::Relu, 2)] {
            let model = random_mlp(&[4, 7, 6, 3], 1, activation, seed);
            let inputs = random_inputs(&model, 3, seed);
            let steps = Steps::new(&model, inputs.view()).unwrap();
            let outputs = |kept: usize| {
                let threshold = steps.sizes.get(kept.wrapping_sub(1)).copied();
                let pruned = apply(&model, threshold.unwrap_or(f64::INFINITY), false);
                pruned.outputs(inputs.view()).column(1).to_owned()
            };
            let mut trail = steps.trail(1);
            let mut tightest = f64::INFINITY;
            for kept in 0..=steps.order.len() {
                trail.advance(kept);
                let here = outputs(kept);
                assert!((&trail.outputs() - &here).iter().all(|d| d.abs() < 1e-12));
                let reach = trail.reach(steps.order.len().min(kept + 9));
                for later in kept + 1..=steps.order.len().min(kept + 9) {
                    for (moved, reach) in (outputs(later) - &here).iter().zip(&reach) {
                        assert!(moved.abs() <= *reach, "{kept} {later} {moved} {reach}");
                        tightest = tightest.min(reach / moved.abs());
                    }
                }
            }
            assert!(tightest < 1.2, "{tightest}");
        }
    }

    #[test]
    fn a_square_has_no_steepest_slope() {
        let model = random_mlp(&[2, 3, 1], 1, Activation::SquaredRelu, 1);
        let inputs = random_inputs(&model, 1, 1);
        assert!(Steps::new(&model, inputs.view()).is_none());
    }
}
