//! Attribution on a transformer's channels and hidden neurons.

use ndarray::{Array2, Zip};

use super::{Attributable, Attribution, Runs, Share, over_parts};
use crate::metric::Metric;
use crate::model::transformer::SequenceTrace;
use crate::numeric::Scalar;
use crate::patch::{NeuronEngine, NeuronPart};

impl<T: Scalar> Attributable for NeuronEngine<'_, T> {
    fn groups(&self) -> usize {
        self.neurons().layers()
    }

    /// Parts run in parallel.
    fn attribute(&self, metric: &Metric, method: Attribution) -> Vec<f64> {
        over_parts(self, metric, method, |part, metric| PartRuns {
            engine: self,
            part,
            metric,
        })
    }
}

/// The runs of one part; a group is a layer.
struct PartRuns<'e, 'm, T> {
    engine: &'e NeuronEngine<'m, T>,
    part: &'e NeuronPart<T>,
    metric: Metric,
}

impl<T: Scalar> Runs for PartRuns<'_, '_, T> {
    type Run = SequenceTrace<T>;

    fn groups(&self) -> usize {
        self.engine.groups()
    }

    fn clean(&self) -> &SequenceTrace<T> {
        &self.part.clean
    }

    fn between(&self, group: usize, at: f64) -> SequenceTrace<T> {
        let change = self.part.difference(group) * T::from_f64(1.0 - at);
        let columns: Vec<usize> = (0..change.ncols()).collect();
        let model = self.engine.model();
        self.part
            .run_from(model, group, &columns, &change, &mut |_, _| ())
    }

    fn add(
        &self,
        run: &SequenceTrace<T>,
        fixed: usize,
        heeding: Option<usize>,
        by: &mut Share<'_>,
    ) {
        let at_outputs = self.metric.gradient(run.outputs());
        // What is fixed in the stream leaves no way around it.
        let first = heeding.unwrap_or(match fixed % 2 {
            0 => fixed,
            _ => 0,
        });
        let mut visit = |layer: usize, gradient: &mut Array2<T>| {
            if heeding.is_none_or(|group| group == layer) {
                self.take(layer, gradient, by);
            }
            if layer == fixed {
                gradient.fill(T::zero());
            }
        };
        let model = self.engine.model();
        model.backward_neurons(run, at_outputs.t(), first, &mut visit);
    }
}

impl<T: Scalar> PartRuns<'_, '_, T> {
    fn take(&self, layer: usize, gradient: &Array2<T>, by: &mut Share<'_>) {
        let difference = self.part.difference(layer);
        let neurons = self.engine.neurons().of_layer(layer);
        let columns = gradient.columns().into_iter().zip(difference.columns());
        for (effect, (gradient, difference)) in by.effects[neurons].iter_mut().zip(columns) {
            let mut product = 0.0;
            Zip::from(&gradient)
                .and(&difference)
                .for_each(|g, d| product += g.widen() * d.widen());
            // Patching moves the metric by the product: the effect is its negative.
            *effect -= product * by.weight;
        }
    }
}
