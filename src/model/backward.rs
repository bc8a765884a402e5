//! The backward pass of an MLP, written out by hand.

use ndarray::{Array1, Array2, Axis};

use super::{Mlp, Rules, Trace};
use crate::numeric::{Scalar, matmul_into};

/// The gradient of a number with respect to everything in a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<T> {
    /// With respect to what each layer of sites writes, `[width, samples]`, as in [`Trace::values`].
    pub values: Vec<Array2<T>>,
    /// With respect to what each reading layer reads, `[width, samples]`: hidden layers, then outputs.
    pub reads: Vec<Array2<T>>,
}

impl<T: Scalar> Gradients<T> {
    /// With respect to the weights of linear layer `layer`, `[readers, writers]`,
    /// summed over samples.
    #[must_use]
    pub fn weight(&self, trace: &Trace<T>, layer: usize) -> Array2<T> {
        let (reads, values) = (&self.reads[layer], &trace.values[layer]);
        let mut gradient = Array2::zeros((reads.nrows(), values.nrows()));
        matmul_into(gradient.view_mut(), reads.view(), values.t(), false);
        gradient
    }

    /// With respect to the biases of linear layer `layer`, summed over samples.
    #[must_use]
    pub fn bias(&self, layer: usize) -> Array1<T> {
        self.reads[layer].sum_axis(Axis(1))
    }
}

impl<T: Scalar> Mlp<T> {
    /// Gradients everywhere, given those with respect to the physical outputs,
    /// `output_gradient: [outputs, samples]`.
    ///
    /// # Panics
    /// If the trace is another network's.
    #[must_use]
    pub fn backward(&self, trace: &Trace<T>, output_gradient: Array2<T>) -> Gradients<T> {
        self.backward_by(Rules::Derivatives, trace, output_gradient)
    }

    /// The same by `rules`.
    ///
    /// # Panics
    /// If the trace is another network's.
    #[must_use]
    pub fn backward_by(
        &self,
        rules: Rules,
        trace: &Trace<T>,
        output_gradient: Array2<T>,
    ) -> Gradients<T> {
        let mut values = vec![output_gradient.clone()];
        let mut reads = vec![output_gradient];
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let read = &reads[reads.len() - 1];
            let mut value = Array2::zeros(trace.values[index].raw_dim());
            matmul_into(value.view_mut(), layer.weight.t(), read.view(), false);
            if index > 0 {
                let mut before = value.clone();
                let at = &trace.reads[index - 1];
                self.activation.through(rules, index - 1, &mut before, at);
                reads.push(before);
            }
            values.push(value);
        }
        values.reverse();
        reads.reverse();
        Gradients { values, reads }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::{random_inputs, random_mlp};
    use crate::numeric::Activation;

    /// Σ of the outputs times fixed coefficients, whose gradient is the coefficients.
    fn scalar(model: &Mlp<f64>, inputs: &Array2<f64>, coefficients: &Array2<f64>) -> f64 {
        (model.outputs(inputs.view()) * coefficients).sum()
    }

    #[test]
    fn gradients_are_the_finite_differences() {
        for activation in [
            Activation::Silu,
            Activation::Tanh,
            Activation::Gelu,
            Activation::Identity,
        ] {
            let model = random_mlp(&[3, 5, 4, 2], 1, activation, 11);
            let inputs = random_inputs(&model, 6, 12);
            let coefficients = random_mlp(&[6, 2], 1, activation, 13).layers[0]
                .weight
                .clone();
            let trace = model.forward(inputs.clone());
            let gradients = model.backward(&trace, coefficients.clone());
            let step = 1e-6;
            for layer in 0..3 {
                let analytic = gradients.weight(&trace, layer);
                let bias = gradients.bias(layer);
                for (to, from) in [(0, 0), (1, 2)] {
                    let shifted = |by: f64| {
                        let mut other = model.clone();
                        other.layers[layer].weight[[to, from]] += by;
                        scalar(&other, &inputs, &coefficients)
                    };
                    let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
                    assert!((numeric - analytic[[to, from]]).abs() < 1e-7);
                    let shifted = |by: f64| {
                        let mut other = model.clone();
                        other.layers[layer].bias[to] += by;
                        scalar(&other, &inputs, &coefficients)
                    };
                    let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
                    assert!((numeric - bias[to]).abs() < 1e-7);
                }
            }
            let shifted = |by: f64| {
                let mut other = inputs.clone();
                other[[2, 3]] += by;
                scalar(&model, &other, &coefficients)
            };
            let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
            assert!((numeric - gradients.values[0][[2, 3]]).abs() < 1e-7);
        }
    }
}
