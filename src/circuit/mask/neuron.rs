//! Runs of a transformer whose channels and hidden neurons carry shares of
//! their values.

use ndarray::{Array1, Array2};

use super::{Loss, Maskable, over_parts};
use crate::model::transformer::{Gradients, Hooks, Neurons};
use crate::numeric::Scalar;
use crate::patch::{NeuronEngine, NeuronPart, Patchable};

impl<T: Scalar> Maskable for NeuronEngine<'_, T> {
    fn mixed(&self, shares: &[f64], loss: &Loss<'_, T>) -> (f64, Vec<f64>) {
        over_parts(self, |part| mixed_part(self, part, shares, loss))
    }
}

fn mixed_part<T: Scalar>(
    engine: &NeuronEngine<'_, T>,
    part: &NeuronPart<T>,
    shares: &[f64],
    loss: &Loss<'_, T>,
) -> (f64, Vec<f64>) {
    let (model, neurons) = (engine.model(), engine.neurons());
    let of_layer = |layer| {
        neurons
            .of_layer(layer)
            .map(|n| T::from_f64(shares[n]))
            .collect()
    };
    let mut mixing = Mixing {
        part,
        neurons,
        shares: (0..neurons.layers()).map(of_layer).collect(),
        apart: vec![Array2::zeros((0, 0)); neurons.layers()],
        gradient: vec![0.0; engine.edge_count()],
    };
    let run = model.resume(&part.clean, 0, None, &mut mixing);
    let readings: Vec<usize> = part.readings.clone().collect();
    let (value, at_outputs) = loss(run.outputs(), &readings);
    model.backward(&run, at_outputs.t(), &mut mixing);
    (value, mixing.gradient)
}

/// A run of one part in which all values are mixed with their fills, and the way
/// back.
struct Mixing<'e, T> {
    part: &'e NeuronPart<T>,
    neurons: &'e Neurons,
    shares: Vec<Array1<T>>,
    /// Layer by layer, what the values are before they are mixed, less their fills.
    apart: Vec<Array2<T>>,
    gradient: Vec<f64>,
}

impl<T: Scalar> Mixing<'_, T> {
    fn mix(&mut self, layer: usize, values: &mut Array2<T>) {
        *values -= &self.part.fills[layer];
        self.apart[layer] = values.clone();
        *values *= &self.shares[layer];
        *values += &self.part.fills[layer];
    }

    fn take(&mut self, layer: usize, at: &mut Array2<T>) {
        for (row, apart) in at.rows().into_iter().zip(self.apart[layer].rows()) {
            let gradient = &mut self.gradient[self.neurons.of_layer(layer)];
            for ((sum, g), v) in gradient.iter_mut().zip(row).zip(apart) {
                *sum += g.widen() * v.widen();
            }
        }
        *at *= &self.shares[layer];
    }
}

impl<T: Scalar> Hooks<T> for Mixing<'_, T> {
    fn touches(&self, sublayer: usize) -> bool {
        !sublayer.is_multiple_of(2)
    }

    fn touches_stream(&self, sublayer: usize) -> bool {
        sublayer.is_multiple_of(2)
    }

    fn stream(&mut self, sublayer: usize, stream: &mut Array2<T>) {
        self.mix(sublayer, stream);
    }

    fn hidden(&mut self, layer: usize, hidden: &mut Array2<T>) {
        self.mix(2 * layer + 1, hidden);
    }
}

impl<T: Scalar> Gradients<T> for Mixing<'_, T> {
    fn stream(&mut self, sublayer: usize, gradient: &mut Array2<T>) {
        self.take(sublayer, gradient);
    }

    fn hidden(&mut self, layer: usize, gradient: &mut Array2<T>) {
        self.take(2 * layer + 1, gradient);
    }
}
