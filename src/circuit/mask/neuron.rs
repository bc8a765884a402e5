//! Runs of a transformer whose channels and hidden neurons carry shares of
//! their values.

use ndarray::{Array1, Array2};

use super::{Loss, Maskable, over_parts};
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
    let shares: Vec<Array1<T>> = (0..neurons.layers())
        .map(|layer| neurons.of_layer(layer).map(|n| T::from_f64(shares[n])))
        .map(Iterator::collect)
        .collect();
    // Layer by layer, what the values are before they are mixed, less their fills.
    let mut apart: Vec<Array2<T>> = Vec::with_capacity(neurons.layers());
    let begin = part.clean_values(0).clone();
    let run = model.resume_with(&part.clean, 0, begin, &mut |layer, values| {
        *values -= &part.fills[layer];
        apart.push(values.clone());
        *values *= &shares[layer];
        *values += &part.fills[layer];
    });
    let readings: Vec<usize> = part.readings.clone().collect();
    let (value, at_outputs) = loss(run.outputs(), &readings);
    let mut gradient = vec![0.0; engine.edge_count()];
    model.backward_neurons(&run, at_outputs.t(), 0, &mut |layer, at| {
        for (row, apart) in at.rows().into_iter().zip(apart[layer].rows()) {
            let gradient = &mut gradient[neurons.of_layer(layer)];
            for ((sum, g), v) in gradient.iter_mut().zip(row).zip(apart) {
                *sum += g.widen() * v.widen();
            }
        }
        *at *= &shares[layer];
    });
    (value, gradient)
}
