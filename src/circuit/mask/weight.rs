//! Shares of the messages on a transformer's weights.

use ndarray::ArrayView2;

use super::{Loss, Maskable, over_parts};
use crate::model::transformer::{Gradients, Matrix};
use crate::numeric::Scalar;
use crate::patch::Patchable;
use crate::patch::component::products;
use crate::patch::weight::{Values, WeightEngine, WeightPart};

impl<T: Scalar> Maskable for WeightEngine<'_, T> {
    fn mixed(&self, shares: &[f64], loss: &Loss<'_, T>) -> (f64, Vec<f64>) {
        over_parts(self, |part| part_of(self, part, shares, loss))
    }
}

/// The loss of one part and its gradient at the shares: what a linear layer
/// reads less its fill, times the weight, times the gradient at what it writes.
fn part_of<T: Scalar>(
    engine: &WeightEngine<'_, T>,
    part: &WeightPart<T>,
    shares: &[f64],
    loss: &Loss<'_, T>,
) -> (f64, Vec<f64>) {
    let (live, run) = engine.mixed_run(part, shares);
    let readings: Vec<usize> = part.readings.clone().collect();
    let (value, at_outputs) = loss(run.outputs(), &readings);
    let read = Values::of(engine.model(), &part.batch.inputs, &run);
    let mut hooks = AtLinears {
        engine,
        part,
        read: &read,
        gradient: vec![0.0; engine.edge_count()],
    };
    live.backward(&run, at_outputs.t(), &mut hooks);
    (value, hooks.gradient)
}

/// The gradient at shares, at that of linear layers.
struct AtLinears<'e, 'm, T> {
    engine: &'e WeightEngine<'m, T>,
    part: &'e WeightPart<T>,
    read: &'e Values<T>,
    gradient: Vec<f64>,
}

impl<T: Scalar> Gradients<T> for AtLinears<'_, '_, T> {
    fn linear(&mut self, matrix: Matrix, at: ArrayView2<'_, T>) {
        let spans = self.engine.sites().spans();
        let Some(span) = spans.iter().find(|span| span.matrix == matrix) else {
            return;
        };
        let difference = &self.read.at(matrix) - &self.part.fill.at(matrix);
        let weight = self.engine.model().weight(matrix);
        for ((from, to), slope) in products(difference.t(), at.t()).indexed_iter() {
            let edge = span.first + to * span.inputs + from;
            self.gradient[edge] = slope * weight[[from, to]].widen();
        }
    }
}
