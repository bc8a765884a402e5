//! Node ablation: all messages out of a site patched at once.

use rayon::prelude::*;

use super::Goal;
use crate::numeric::Scalar;
use crate::patch::Engine;

/// The effect of ablating every site that writes something, `[sites][goals]`,
/// inputs first; outputs write nothing and are left out.
#[must_use]
pub fn node_effects<T: Scalar>(engine: &Engine<'_, T>, goals: &[Goal]) -> Vec<Vec<f64>> {
    let sites = engine.sites();
    let clean = &engine.clean().values[sites.depth()];
    let before: Vec<f64> = goals.iter().map(|goal| goal.mean(clean.view())).collect();
    let writers = sites.site_count() - sites.widths()[sites.depth()];
    (0..writers)
        .into_par_iter()
        .map(|site| {
            let (layer, position) = sites.place(site);
            let state = engine.run(&engine.edges(sites.edges_out_of(layer, position)));
            let effect = |(goal, before): (&Goal, &f64)| before - goal.mean(state.outputs());
            goals.iter().zip(&before).map(effect).collect()
        })
        .collect()
}
