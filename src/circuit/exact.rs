//! Exact effects: every edge patched, one at a time.

use super::Goal;
use crate::numeric::Scalar;
use crate::patch::{Engine, State};

/// The effect of each of `edges` on each goal, `[goals][edges]`, when it is
/// patched besides those of `state`: `metric(state) − metric(patched)`.
///
/// One pass over the edges serves all goals. Complexity: `edges` incremental
/// runs, in parallel.
#[must_use]
pub fn effects<T: Scalar>(
    engine: &Engine<'_, T>,
    state: &State<T>,
    edges: &[usize],
    goals: &[Goal],
) -> Vec<Vec<f64>> {
    let before: Vec<f64> = goals
        .iter()
        .map(|goal| goal.mean(state.outputs()))
        .collect();
    let after: Vec<Vec<f64>> = engine.each(state, edges, |_, outputs| {
        goals.iter().map(|goal| goal.mean(outputs)).collect()
    });
    let of_goal = |(goal, before): (usize, &f64)| after.iter().map(|a| before - a[goal]).collect();
    before.iter().enumerate().map(of_goal).collect()
}

/// Edges with their effects, the largest |effect| first; equals by number.
#[must_use]
pub fn strongest_first(edges: &[usize], effects: &[f64]) -> Vec<(usize, f64)> {
    let mut all: Vec<(usize, f64)> = edges.iter().copied().zip(effects.iter().copied()).collect();
    all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    all
}
