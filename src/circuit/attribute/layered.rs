//! Attribution on the edges of layered networks.

use ndarray::{Array2, s};

use super::{Attributable, Attribution, Blocks, Runs, Share, Taking, follow};
use crate::metric::Metric;
use crate::model::layered::{Record, Replaced};
use crate::numeric::Scalar;
use crate::patch::{LayeredEngine, Patchable};

impl<T: Scalar> Attributable for LayeredEngine<'_, T> {
    fn groups(&self) -> usize {
        groups(self).len()
    }

    /// Along activations an edge heeds only the runs of its own writer's value,
    /// whatever is asked for.
    fn attribute_by(&self, metric: &Metric, method: Attribution, blocks: Blocks) -> Array2<f64> {
        let method = match method {
            Attribution::IgActivations { steps, .. } => Attribution::IgActivations {
                steps,
                own_source: true,
            },
            other => other,
        };
        let runs = EngineRuns {
            engine: self,
            metric,
            groups: groups(self),
        };
        let mut effects = blocks.zeros(self.samples(), self.edge_count());
        follow(&runs, method, 1.0, &mut effects);
        effects
    }
}

/// The values that affine layers read, in the order of computation.
fn groups<T: Scalar>(engine: &LayeredEngine<'_, T>) -> Vec<usize> {
    let layers = engine.model().affine().flat_map(|(_, terms)| terms);
    let mut read: Vec<usize> = layers.map(|term| term.read).chain([0]).collect();
    read.sort_unstable();
    read.dedup();
    read
}

struct EngineRuns<'e, 'm, T> {
    engine: &'e LayeredEngine<'m, T>,
    metric: &'e Metric,
    groups: Vec<usize>,
}

impl<T: Scalar> Runs for EngineRuns<'_, '_, T> {
    type Run = Record<T>;

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn clean(&self) -> &Record<T> {
        self.engine.clean()
    }

    fn between(&self, group: usize, at: f64) -> Record<T> {
        let (clean, value) = (self.engine.clean(), self.groups[group]);
        let shift = self.engine.difference(clean, value) * T::from_f64(1.0 - at);
        let mut before = clean.clone();
        before.values[value] = (clean.values[value].as_ref() + &shift).into();
        self.engine.model().resume(&before, value, &Replaced::new())
    }

    fn add(&self, run: &Record<T>, taking: Taking, by: &mut Share<'_>) {
        let at_outputs = self.metric.gradient(run.outputs().view());
        let heeded = taking.heeding.map(|group| self.groups[group]);
        let engine = self.engine;
        let clean = engine.clean();
        let visit = &mut |layer: usize, at: ndarray::ArrayView2<'_, T>| {
            let sites = engine.sites().of_layer(layer);
            for (index, term) in engine.model().terms(layer).iter().enumerate() {
                if heeded.is_some_and(|value| value != term.read) {
                    continue;
                }
                let parameter = &engine.model().parameters[term.parameter];
                let difference = engine.difference(clean, term.read);
                for (block, samples) in by.blocks(at.ncols()) {
                    let of_block = s![.., samples];
                    let (read, at) = (difference.slice(of_block), at.slice(of_block));
                    let slopes = engine.model().weight_gradient(layer, term, read, at);
                    for ((to, column), slope) in slopes.indexed_iter() {
                        let edge = sites.edge(to, index, column / parameter.taps);
                        let moved = (*slope * parameter.weight[[to, column]]).widen();
                        by.moved(block, edge, moved);
                    }
                }
            }
        };
        let (model, replaced) = (engine.model(), Replaced::new());
        model.backward(taking.rules, run, &replaced, at_outputs, visit);
    }
}
