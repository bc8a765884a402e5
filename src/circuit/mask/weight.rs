//! Shares of the messages on a transformer's weights.

use super::{Loss, Maskable, over_parts};
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
    let mut gradient = vec![0.0; engine.edge_count()];
    live.backward_linears(&run, at_outputs.t(), &mut |matrix, at| {
        let spans = engine.sites().spans();
        let Some(span) = spans.iter().find(|span| span.matrix == matrix) else {
            return;
        };
        let difference = &read.at(matrix) - &part.fill.at(matrix);
        let weight = engine.model().weight(matrix);
        for ((from, to), slope) in products(difference.t(), at.t()).indexed_iter() {
            let edge = span.first + to * span.inputs + from;
            gradient[edge] = slope * weight[[from, to]].widen();
        }
    });
    (value, gradient)
}
