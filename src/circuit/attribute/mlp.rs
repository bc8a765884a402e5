//! Attribution on an MLP's weights.

use ndarray::{Array2, s};

use super::{Attributable, Attribution, Blocks, Runs, Share, Taking, follow};
use crate::metric::Metric;
use crate::model::Trace;
use crate::numeric::{Scalar, matmul_into};
use crate::patch::{Engine, Patchable};

impl<T: Scalar> Attributable for Engine<'_, T> {
    fn groups(&self) -> usize {
        self.sites().depth()
    }

    fn attribute_by(&self, metric: &Metric, method: Attribution, blocks: Blocks) -> Array2<f64> {
        let differences = (0..self.sites().depth())
            .map(|layer| self.fills().difference(self.clean(), layer))
            .collect();
        let runs = MlpRuns {
            engine: self,
            metric,
            differences,
        };
        let mut effects = blocks.zeros(self.samples(), self.edge_count());
        follow(&runs, method, 1.0, &mut effects);
        effects
    }
}

/// The runs of an MLP on its batch; a group is a layer of sites.
struct MlpRuns<'e, 'm, T> {
    engine: &'e Engine<'m, T>,
    metric: &'e Metric,
    /// *fill − clean* of every layer that writes, `[width, samples]`.
    differences: Vec<Array2<T>>,
}

impl<T: Scalar> Runs for MlpRuns<'_, '_, T> {
    type Run = Trace<T>;

    fn groups(&self) -> usize {
        self.differences.len()
    }

    fn clean(&self) -> &Trace<T> {
        self.engine.clean()
    }

    fn between(&self, group: usize, at: f64) -> Trace<T> {
        let clean = self.engine.clean();
        let shift = &self.differences[group] * T::from_f64(1.0 - at);
        let values = &clean.values[group] + &shift;
        self.engine.model().resume(clean, group, values)
    }

    fn add(&self, run: &Trace<T>, taking: Taking, by: &mut Share<'_>) {
        let (engine, depth) = (self.engine, self.differences.len());
        let outputs = run.values[depth].view();
        let at_outputs = self.metric.gradient(outputs);
        let gradients = engine.model().backward_by(taking.rules, run, at_outputs);
        // The layers before a fixed one are cut off: there is no way around it.
        for layer in taking.fixed..depth {
            if taking.heeding.is_some_and(|group| group != layer) {
                continue;
            }
            let weight = &engine.model().layers[layer].weight;
            let first = engine.sites().edges_of_layer(layer).start;
            let (reads, differences) = (&gradients.reads[layer], &self.differences[layer]);
            for (block, samples) in by.blocks(reads.ncols()) {
                let mut product = Array2::zeros(weight.raw_dim());
                let reads = reads.slice(s![.., samples.clone()]);
                let difference = differences.slice(s![.., samples]);
                matmul_into(product.view_mut(), reads, difference.t(), false);
                for (index, (product, weight)) in product.iter().zip(weight).enumerate() {
                    by.moved(block, first + index, (*product * *weight).widen());
                }
            }
        }
    }
}
