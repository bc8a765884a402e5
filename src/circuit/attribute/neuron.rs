//! Attribution on a transformer's channels and hidden neurons.

use ndarray::{Array2, Zip, s};

use super::{Attributable, Attribution, Blocks, Runs, Share, Taking, over_parts};
use crate::metric::Metric;
use crate::model::Rules;
use crate::model::transformer::{Gradients, SequenceTrace};
use crate::numeric::Scalar;
use crate::patch::{NeuronEngine, NeuronPart};

impl<T: Scalar> Attributable for NeuronEngine<'_, T> {
    fn groups(&self) -> usize {
        self.neurons().layers()
    }

    /// Parts run in parallel.
    fn attribute_by(&self, metric: &Metric, method: Attribution, blocks: Blocks) -> Array2<f64> {
        let samples = |part: &NeuronPart<T>| part.clean.everywhere.samples();
        over_parts(self, metric, (method, blocks), samples, |part, metric| {
            PartRuns {
                engine: self,
                part,
                metric,
            }
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
        self.part.between(self.engine.model(), group, at)
    }

    fn add(&self, run: &SequenceTrace<T>, taking: Taking, by: &mut Share<'_>) {
        let at_outputs = self.metric.gradient(run.outputs());
        let mut hooks = AtNeurons {
            runs: self,
            taking,
            by,
        };
        let model = self.engine.model();
        model.backward(run, at_outputs.t(), &mut hooks);
    }
}

/// First-order effects at the gradients of channels and hidden neurons.
struct AtNeurons<'r, 'e, 'm, 's, 'b, T> {
    runs: &'r PartRuns<'e, 'm, T>,
    taking: Taking,
    by: &'s mut Share<'b>,
}

impl<T: Scalar> Gradients<T> for AtNeurons<'_, '_, '_, '_, '_, T> {
    fn rules(&self) -> Rules {
        self.taking.rules
    }

    /// What is fixed in the stream leaves no way around it.
    fn first(&self) -> usize {
        let Taking { fixed, heeding, .. } = self.taking;
        heeding.unwrap_or(match fixed % 2 {
            0 => fixed,
            _ => 0,
        })
    }

    fn stream(&mut self, sublayer: usize, gradient: &mut Array2<T>) {
        self.layer(sublayer, gradient);
    }

    fn hidden(&mut self, layer: usize, gradient: &mut Array2<T>) {
        self.layer(2 * layer + 1, gradient);
    }
}

impl<T: Scalar> AtNeurons<'_, '_, '_, '_, '_, T> {
    fn layer(&mut self, layer: usize, gradient: &mut Array2<T>) {
        let heeds = self.taking.heeding.is_none_or(|group| group == layer);
        if heeds && layer >= self.first() {
            self.runs.take(layer, gradient, self.by);
        }
        if layer == self.taking.fixed {
            gradient.fill(T::zero());
        }
    }
}

impl<T: Scalar> PartRuns<'_, '_, T> {
    fn take(&self, layer: usize, gradient: &Array2<T>, by: &mut Share<'_>) {
        let difference = self.part.difference(layer);
        let neurons = self.engine.neurons().of_layer(layer);
        for (block, samples) in by.blocks(gradient.nrows()) {
            let of_block = s![samples, ..];
            let (gradient, difference) = (gradient.slice(of_block), difference.slice(of_block));
            let columns = gradient.columns().into_iter().zip(difference.columns());
            for (neuron, (gradient, difference)) in neurons.clone().zip(columns) {
                let mut product = 0.0;
                Zip::from(&gradient)
                    .and(&difference)
                    .for_each(|g, d| product += g.widen() * d.widen());
                by.moved(block, neuron, product);
            }
        }
    }
}
