//! Exact effects: every edge patched, one at a time.

use super::Goal;

use crate::numeric::{Scalar, parallel};
use crate::patch::{EdgeSet, Patchable, PatchableExt as _, Readout};

/// The effect of each of `edges` on each goal, `[goals][edges]`, when it is
/// patched besides `patched`: `metric(patched) − metric(patched and the edge)`.
///
/// One pass over the edges serves all goals. Complexity: at most one run per edge
/// from its reader on, in parallel.
#[must_use]
pub fn effects<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    patched: &EdgeSet,
    edges: &[usize],
    goals: &[Goal],
) -> Vec<Vec<f64>> {
    let before = network.outputs(patched);
    let readouts: Vec<Readout<'_>> = goals.iter().map(Goal::readout).collect();
    let after = network.each_edge_means(patched, edges, &readouts);
    differences(goals, &before.view(), &after)
}

/// The effect of each edge alone on one metric over all samples, by edge number.
#[must_use]
pub fn effects_on<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    metric: &crate::metric::Metric,
) -> Vec<f64> {
    let goal = Goal::of_all(metric.clone(), network.samples());
    let edges: Vec<usize> = (0..network.edge_count()).collect();
    effects(network, &network.edges([]), &edges, &[goal]).remove(0)
}

/// The effect of ablating every node, `[goals][nodes]`, nodes as the network
/// numbers them: all edges out of it are patched at once. 0 for outputs, which
/// write nothing.
#[must_use]
pub fn node_effects<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    goals: &[Goal],
) -> Vec<Vec<f64>> {
    let before = network.outputs(&network.edges([]));
    let one = |(node, edges): (usize, EdgeSet)| {
        let outputs = network.outputs_without(&[node], &|| edges.clone());
        goals.iter().map(|goal| goal.mean(outputs.view())).collect()
    };
    let writers = network.edges_by_writer().into_iter().enumerate();
    let after: Vec<Vec<f64>> = parallel::map(writers, one);
    differences(goals, &before.view(), &after)
}

/// `[goals][runs]` of what the goals are before and in each run, `[runs][goals]`.
fn differences<T: Scalar>(
    goals: &[Goal],
    before: &ndarray::ArrayView2<'_, T>,
    after: &[Vec<f64>],
) -> Vec<Vec<f64>> {
    let of_goal = |(index, goal): (usize, &Goal)| {
        let before = goal.mean(before.view());
        after.iter().map(|values| before - values[index]).collect()
    };
    goals.iter().enumerate().map(of_goal).collect()
}

/// Edges with their effects, the largest |effect| first; equals by number.
#[must_use]
pub fn strongest_first(edges: &[usize], effects: &[f64]) -> Vec<(usize, f64)> {
    let mut all: Vec<(usize, f64)> = edges.iter().copied().zip(effects.iter().copied()).collect();
    all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    all
}
