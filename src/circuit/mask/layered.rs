//! Shares of the messages on the edges of layered networks.

use ndarray::ArrayView2;

use super::{Loss, Maskable};
use crate::model::Rules;
use crate::numeric::Scalar;
use crate::patch::{LayeredEngine, Patchable};

impl<T: Scalar> Maskable for LayeredEngine<'_, T> {
    /// The gradient at a share: what is read less its fill, times the weight,
    /// times the gradient at the reader.
    fn mixed(&self, shares: &[f64], loss: &Loss<'_, T>) -> (f64, Vec<f64>) {
        let model = self.model();
        let all: Vec<usize> = (0..self.sites().affine().len()).collect();
        let replaced = self.sharing(&all, &|edge| T::from_f64(shares[edge]));
        let run = model.resume(self.clean(), 0, &replaced);
        let samples: Vec<usize> = (0..self.samples()).collect();
        let (value, at_outputs) = loss(run.outputs().view(), &samples);
        let mut gradient = vec![0.0; self.edge_count()];
        model.backward(
            Rules::Derivatives,
            &run,
            &replaced,
            at_outputs,
            &mut |layer, at: ArrayView2<'_, T>| {
                let sites = self.sites().of_layer(layer);
                for (index, term) in self.model().terms(layer).iter().enumerate() {
                    let parameter = &model.parameters[term.parameter];
                    let difference = self.difference(&run, term.read);
                    let slopes = model.weight_gradient(layer, term, difference.view(), at);
                    for ((to, column), slope) in slopes.indexed_iter() {
                        let edge = sites.edge(to, index, column / parameter.taps);
                        gradient[edge] -= (*slope * parameter.weight[[to, column]]).widen();
                    }
                }
            },
        );
        (value, gradient)
    }
}
