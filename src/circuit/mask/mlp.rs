//! Runs of an MLP whose weights carry shares of their messages.

use ndarray::Array2;

use super::{Loss, Maskable};
use crate::model::Trace;
use crate::numeric::{Scalar, matmul_into};
use crate::patch::{Engine, Patchable};

impl<T: Scalar> Maskable for Engine<'_, T> {
    fn mixed(&self, shares: &[f64], loss: &Loss<'_, T>) -> (f64, Vec<f64>) {
        let model = self.model();
        let shares: Vec<Array2<T>> = (model.layers.iter().enumerate())
            .map(|(layer, linear)| {
                let first = self.sites().edges_of_layer(layer).start;
                let (rows, columns) = linear.weight.dim();
                Array2::from_shape_fn((rows, columns), |(to, from)| {
                    T::from_f64(shares[first + to * columns + from])
                })
            })
            .collect();
        let fills: Vec<Array2<T>> = (0..model.layers.len())
            .map(|layer| {
                &self.fills().difference(self.clean(), layer) + &self.clean().values[layer]
            })
            .collect();
        let run = forward(self, &shares, &fills);
        let samples: Vec<usize> = (0..self.samples()).collect();
        let (value, mut at) = loss(run.values[model.layers.len()].view(), &samples);
        let mut gradient = Vec::with_capacity(self.edge_count());
        for (layer, linear) in model.layers.iter().enumerate().rev() {
            let message = &run.values[layer] - &fills[layer];
            let mut at_shares = Array2::zeros(linear.weight.raw_dim());
            matmul_into(at_shares.view_mut(), at.view(), message.t(), false);
            at_shares *= &linear.weight;
            gradient.push(at_shares);
            if layer > 0 {
                let live = &linear.weight * &shares[layer];
                let mut before = Array2::zeros(run.values[layer].raw_dim());
                matmul_into(before.view_mut(), live.t(), at.view(), false);
                let reads = &run.reads[layer - 1];
                model
                    .activation
                    .multiply_by_derivative(layer - 1, &mut before, reads);
                at = before;
            }
        }
        let gradient = gradient.iter().rev().flatten().map(|g| g.widen());
        (value, gradient.collect())
    }
}

/// The run with `shares` of the messages and the rest of the fills.
fn forward<T: Scalar>(
    engine: &Engine<'_, T>,
    shares: &[Array2<T>],
    fills: &[Array2<T>],
) -> Trace<T> {
    let model = engine.model();
    let mut trace = Trace {
        values: vec![engine.clean().values[0].clone()],
        reads: Vec::new(),
    };
    for (layer, linear) in model.layers.iter().enumerate() {
        let live = &linear.weight * &shares[layer];
        let mut read = Array2::zeros((linear.bias.len(), engine.samples()));
        read += &linear.bias.view().insert_axis(ndarray::Axis(1));
        matmul_into(
            read.view_mut(),
            live.view(),
            trace.values[layer].view(),
            true,
        );
        let filled = &linear.weight - &live;
        matmul_into(read.view_mut(), filled.view(), fills[layer].view(), true);
        if layer + 1 == model.layers.len() {
            trace.values.push(read);
        } else {
            trace.values.push(model.activation.written(layer, &read));
            trace.reads.push(read);
        }
    }
    trace
}
