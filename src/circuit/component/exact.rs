//! Exact effects: every edge patched, one at a time.

use crate::metric::Metric;
use crate::numeric::Scalar;
use crate::patch::{ComponentEngine, EdgeSet};

/// The effect of each of `edges` when it alone is patched:
/// `metric(as is) − metric(patched)`; `metric` is over all readings.
///
/// Complexity: one run per edge from its reader's block on, in parallel.
#[must_use]
pub fn component_effects<T: Scalar>(
    engine: &ComponentEngine<'_, T>,
    metric: &Metric,
    edges: &[usize],
) -> Vec<f64> {
    let before = metric.mean(engine.clean().view());
    let sets: Vec<EdgeSet> = edges.iter().map(|edge| engine.edges([*edge])).collect();
    engine.each(&sets, |_, outputs| before - metric.mean(outputs))
}

/// The effect of ablating each writer: all edges out of it patched at once, by
/// writer number; `metric(as is) − metric(ablated)`, `metric` over all readings.
#[must_use]
pub fn component_node_effects<T: Scalar>(
    engine: &ComponentEngine<'_, T>,
    metric: &Metric,
) -> Vec<f64> {
    let sites = engine.sites();
    let before = metric.mean(engine.clean().view());
    let out_of = |writer: usize| {
        let readers = 0..sites.reader_count();
        let after = readers.filter(|reader| writer < sites.writers_before(*reader));
        engine.edges(after.map(|reader| sites.edge(writer, reader)))
    };
    let sets: Vec<EdgeSet> = (0..sites.writer_count()).map(out_of).collect();
    engine.each(&sets, |_, outputs| before - metric.mean(outputs))
}
