//! Does every edge of a circuit matter, more than edges of random circuits do?

use super::Judge;
use crate::circuit::{Goal, effects, leading_to};
use crate::numeric::{Rng, Scalar, statistics};
use crate::patch::{EdgeSet, PatchableExt as _};

/// Random circuits that give the scale.
const RANDOM_CIRCUITS: usize = 10;

/// Edges that are removed, of a circuit and of all random ones together: of
/// larger circuits so many are drawn.
const MOST: usize = 300;

/// An edge counts as mattering when its removal moves the metric more than this
/// share of the edges of random circuits do.
const QUANTILE: f64 = 0.95;

/// The share of the circuit's edges whose removal from it moves the metric by
/// more than 95 % of the edges of random circuits of the same size, removed
/// from theirs; of large circuits a sample of the edges stands for all. `None`
/// for an empty circuit and for one of all candidates. `seed` draws both.
///
/// Takes up to 600 removals: where each is a run of the network, much longer
/// than to discover the circuit.
pub fn minimality<T: Scalar>(judge: &Judge<'_, T>, circuit: &EdgeSet, seed: u64) -> Option<f64> {
    let rng = &mut Rng::new(seed, 1);
    let size = circuit.count_ones(..);
    let candidates: Vec<usize> = judge.candidates().ones().collect();
    if size == 0 || size >= candidates.len() {
        return None;
    }
    let mut random: Vec<f64> = Vec::new();
    for _ in 0..RANDOM_CIRCUITS {
        let mut drawn = candidates.clone();
        rng.shuffle(&mut drawn);
        let circuit = judge.network().edges(drawn.into_iter().take(size));
        random.extend(removal_effects(
            judge,
            &circuit,
            MOST / RANDOM_CIRCUITS,
            rng,
        ));
    }
    random.sort_by(f64::total_cmp);
    let bar = statistics::quantile(&random, QUANTILE)?;
    let effects = removal_effects(judge, circuit, MOST, rng);
    let mattering = effects.iter().filter(|effect| **effect > bar).count();
    Some(mattering as f64 / effects.len() as f64)
}

/// |effect| of removing each edge of a circuit from it, of up to `most` edges
/// drawn at random. Edges from which nothing in the circuit leads to what the
/// metric reads have none and are not run.
pub(super) fn removal_effects<T: Scalar>(
    judge: &Judge<'_, T>,
    circuit: &EdgeSet,
    most: usize,
    rng: &mut Rng,
) -> Vec<f64> {
    let network = judge.network();
    let mut edges: Vec<usize> = circuit.ones().collect();
    if edges.len() > most {
        rng.shuffle(&mut edges);
        edges.truncate(most);
    }
    let goal = Goal::of_all(judge.metric().clone(), network.samples());
    let patched = network.all_but(circuit);
    let leads_on = leading_to(network, &network.nodes_read(judge.metric()), circuit);
    let idle = edges.len();
    edges.retain(|edge| leads_on[network.ends(*edge).1]);
    let idle = idle - edges.len();
    let effects = effects(network, &patched, &edges, std::slice::from_ref(&goal));
    let effects = effects.into_iter().flatten().map(f64::abs);
    effects.chain(std::iter::repeat_n(0.0, idle)).collect()
}
