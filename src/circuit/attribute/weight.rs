//! Attribution on the weights of a transformer.

use ndarray::{Array2, ArrayView2};

use super::{Attributable, Attribution, Runs, Share, over_parts};
use crate::metric::Metric;
use crate::model::transformer::{Channel, Matrix, SequenceTrace};
use crate::numeric::{Scalar, matmul_into};
use crate::patch::component::products;
use crate::patch::weight::{WeightEngine, WeightPart};

impl<T: Scalar> Attributable for WeightEngine<'_, T> {
    fn groups(&self) -> usize {
        groups(self).len()
    }

    /// Parts run in parallel. Along activations an edge heeds only the runs of
    /// its own writer's layer, whatever is asked for.
    fn attribute(&self, metric: &Metric, method: Attribution) -> Vec<f64> {
        let method = match method {
            Attribution::IgActivations { steps, .. } => Attribution::IgActivations {
                steps,
                own_source: true,
            },
            other => other,
        };
        over_parts(self, metric, method, |part, metric| PartRuns {
            engine: self,
            part,
            metric,
            groups: groups(self),
        })
    }
}

/// The runs of one part; a group is a layer of channels.
struct PartRuns<'e, 'm, T> {
    engine: &'e WeightEngine<'m, T>,
    part: &'e WeightPart<T>,
    metric: Metric,
    groups: Vec<Channel>,
}

/// The layers of channels that write, in the order of computation.
fn groups<T: Scalar>(engine: &WeightEngine<'_, T>) -> Vec<Channel> {
    let blocks = engine.model().blocks.len();
    let read = engine.sites().spans().iter();
    let mut groups: Vec<Channel> = read.map(|span| span.matrix.between(blocks).0).collect();
    groups.dedup();
    groups
}

impl<T: Scalar> Runs for PartRuns<'_, '_, T> {
    type Run = SequenceTrace<T>;

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn clean(&self) -> &SequenceTrace<T> {
        &self.part.clean
    }

    fn between(&self, group: usize, at: f64) -> SequenceTrace<T> {
        let model = self.engine.model();
        let through = |matrix: Matrix| {
            let difference = self.difference(matrix);
            let weight = model.weight(matrix);
            let mut shift = Array2::zeros((difference.nrows(), weight.ncols()));
            matmul_into(shift.view_mut(), difference.view(), weight, false);
            shift
        };
        let (half, shift) = match self.groups[group] {
            Channel::Held(layer) => (2 * layer + 1, through(Matrix::Out(layer))),
            Channel::Hidden(layer) => (2 * layer + 2, through(Matrix::Down(layer))),
            Channel::Stream(half) => {
                let (fill, clean) = (&self.part.fill, &self.part.values);
                (half, &fill.stream(half) - &clean.stream(half))
            }
            _ => (0, through(Matrix::Input)),
        };
        let stream = &self.part.values.stream(half) + &(shift * T::from_f64(1.0 - at));
        model.resume(&self.part.clean, half, stream)
    }

    fn add(
        &self,
        run: &SequenceTrace<T>,
        _fixed: usize,
        heeding: Option<usize>,
        by: &mut Share<'_>,
    ) {
        let model = self.engine.model();
        let blocks = model.blocks.len();
        let at_outputs = self.metric.gradient(run.outputs());
        model.backward_linears(run, at_outputs.t(), &mut |matrix, gradient| {
            let heeds = |group: usize| self.groups[group] == matrix.between(blocks).0;
            if heeding.is_none_or(heeds) {
                self.take(matrix, gradient, by);
            }
        });
    }
}

impl<T: Scalar> PartRuns<'_, '_, T> {
    /// *fill − clean* of what a linear layer reads, `[rows, in]`.
    fn difference(&self, matrix: Matrix) -> Array2<T> {
        &self.part.fill.at(matrix) - &self.part.values.at(matrix)
    }

    fn take(&self, matrix: Matrix, gradient: ArrayView2<'_, T>, by: &mut Share<'_>) {
        let spans = self.engine.sites().spans();
        let Some(span) = spans.iter().find(|span| span.matrix == matrix) else {
            return;
        };
        let weight = self.engine.model().weight(matrix);
        let slopes = products(self.difference(matrix).t(), gradient.t());
        for ((from, to), slope) in slopes.indexed_iter() {
            let edge = span.first + to * span.inputs + from;
            // Patching moves the metric by the product: the effect is its negative.
            by.effects[edge] -= slope * weight[[from, to]].widen() * by.weight;
        }
    }
}
