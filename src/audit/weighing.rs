//! What an edge weighs in the graph of the modules.

use super::network::layered;
use super::subject::Subject;
use crate::circuit::{Goal, effects};
use crate::graph::Layered;
use crate::metric::Metric;
use crate::model::Mlp;
use crate::modules::{EdgeWeight, ModulesConfig};
use crate::numeric::{Scalar, statistics};
use crate::patch::{Engine, Fills, Patchable as _};

/// The surviving edges with the weights that `config` asks for.
///
/// *Spread* is |w| times the population standard deviation of what the writer writes
/// over the samples. *Effect* is |loss − loss with the edge patched by its mean| over
/// the samples; where there are no labels the loss is the squared distance from the
/// network's own outputs. Per layer: divided by the mean weight of its layer's edges.
pub fn weighed<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    config: &ModulesConfig,
) -> Layered {
    let mut graph = layered(pruned).pruned(0.0);
    match config.edge_weight {
        EdgeWeight::AbsWeight => {}
        EdgeWeight::Spread => by_spread(&mut graph, subject, pruned),
        EdgeWeight::Effect => by_effect(&mut graph, subject, pruned),
    }
    if config.per_layer {
        graph.weights.iter_mut().for_each(by_mean);
    }
    graph
}

fn by_spread<T: Scalar>(graph: &mut Layered, subject: &Subject<'_, T>, pruned: &Mlp<T>) {
    let trace = pruned.forward(subject.batch.inputs.clone());
    for (weights, values) in graph.weights.iter_mut().zip(&trace.values) {
        let columns = weights.columns_mut().into_iter();
        for (mut column, writes) in columns.zip(values.rows()) {
            let writes: Vec<f64> = writes.iter().map(|x| x.widen()).collect();
            let spread = statistics::population_sd(&writes);
            column.mapv_inplace(|weight| weight * spread);
        }
    }
}

fn by_effect<T: Scalar>(graph: &mut Layered, subject: &Subject<'_, T>, pruned: &Mlp<T>) {
    let inputs = subject.batch.inputs.clone();
    let clean = pruned.forward(inputs.clone());
    let engine = Engine::new(pruned, inputs, Fills::mean(&clean));
    let own = || Metric::Mse {
        targets: subject.truth().squared_error_targets(),
        output: None,
    };
    let loss = subject.loss.clone().unwrap_or_else(own);
    let goal = Goal::of_all(loss, subject.batch.len());
    let edges: Vec<usize> = graph
        .weights
        .iter()
        .flatten()
        .enumerate()
        .filter(|(_, weight)| **weight != 0.0)
        .map(|(number, _)| number)
        .collect();
    let found = effects(&engine, &engine.edges([]), &edges, &[goal]);
    let mut found = found.into_iter().flatten();
    for weight in graph.weights.iter_mut().flatten().filter(|w| **w != 0.0) {
        *weight = found.next().unwrap_or(0.0).abs();
    }
}

/// Divides a layer's weights by the mean |weight| of its edges.
fn by_mean(weights: &mut ndarray::Array2<f64>) {
    let sizes: Vec<f64> = weights
        .iter()
        .filter(|w| **w != 0.0)
        .map(|w| w.abs())
        .collect();
    let mean = statistics::mean(&sizes);
    if mean > 0.0 {
        weights.mapv_inplace(|weight| weight / mean);
    }
}
