//! Does every edge of a circuit matter, more than edges of random circuits do?

use super::Judge;
use crate::circuit::{Goal, effects};
use crate::numeric::{Rng, Scalar, statistics};
use crate::patch::EdgeSet;

/// Random circuits that give the scale.
const RANDOM_CIRCUITS: usize = 10;

/// An edge counts as mattering when its removal moves the metric more than this
/// share of the edges of random circuits do.
const QUANTILE: f64 = 0.95;

/// The share of the circuit's edges whose removal from it moves the metric by
/// more than 95 % of the edges of random circuits of the same size, removed
/// from theirs. `None` for an empty circuit and for one of all candidates.
pub fn minimality<T: Scalar>(
    judge: &Judge<'_, T>,
    circuit: &EdgeSet,
    rng: &mut Rng,
) -> Option<f64> {
    let size = circuit.count_ones(..);
    let candidates: Vec<usize> = judge.candidates().ones().collect();
    if size == 0 || size >= candidates.len() {
        return None;
    }
    let mut random: Vec<f64> = Vec::with_capacity(RANDOM_CIRCUITS * size);
    for _ in 0..RANDOM_CIRCUITS {
        let mut drawn = candidates.clone();
        rng.shuffle(&mut drawn);
        random.extend(removal_effects(
            judge,
            &judge.engine().edges(drawn.into_iter().take(size)),
        ));
    }
    random.sort_by(f64::total_cmp);
    let bar = statistics::quantile(&random, QUANTILE)?;
    let mattering = removal_effects(judge, circuit)
        .iter()
        .filter(|e| **e > bar)
        .count();
    Some(mattering as f64 / size as f64)
}

/// |effect| of removing each edge of a circuit from it.
pub(super) fn removal_effects<T: Scalar>(judge: &Judge<'_, T>, circuit: &EdgeSet) -> Vec<f64> {
    let engine = judge.engine();
    let state = engine.run(&engine.all_but(circuit));
    let edges: Vec<usize> = circuit.ones().collect();
    let goal = Goal {
        output: 0,
        rows: (0..engine.samples()).collect(),
        metric: judge.metric().clone(),
    };
    let effects = effects(engine, &state, &edges, std::slice::from_ref(&goal));
    effects.into_iter().flatten().map(f64::abs).collect()
}
