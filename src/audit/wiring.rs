//! Wiring cost, and relocation: how short the wiring becomes when neurons change places.

use ndarray::{Array2, Axis};

use super::Config;
use super::network::{arrangements, layered, wiring_places};
use super::subject::Subject;
use crate::choice::RelocationMethod;
use crate::graph::relocation::{Moves, relocate};
use crate::graph::wiring_cost;
use crate::model::{Layout, Mlp};
use crate::modules;
use crate::numeric::Scalar;
use crate::result::{Arrangement, Modules, Placement, Relocation, Wiring};

/// Wiring cost with the λ and l0 of the network's own training, where its
/// configuration names them, else 1 and 0.1, the published method's for regression;
/// with a method, also after relocation.
pub fn wiring<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    method: Option<RelocationMethod>,
    seed: u64,
) -> Wiring {
    let config = &subject.files.checkpoint.config;
    let number = |key: &str| config.get(key).and_then(serde_json::Value::as_f64);
    let lambda = number("relocate_weight_factor")
        .or_else(|| number("weight_factor"))
        .unwrap_or(1.0);
    let l0 = number("l0").unwrap_or(0.1);
    let places = wiring_places(subject);
    let cost = |model: &Mlp<T>| wiring_cost(&layered(model), &places, lambda, l0);
    let relocation = method.map(|method| relocation(subject, pruned, method, seed));
    Wiring {
        cost: cost(pruned),
        cost_after_relocation: relocation
            .as_ref()
            .map(|found| cost(&pruned.rearranged(&found.orders))),
        relocation,
        lambda,
        l0,
    }
}

/// Whether the modules keep together in the places that count for wiring.
pub fn placement<T: Scalar>(
    subject: &Subject<'_, T>,
    modules: &Modules,
    config: &Config,
) -> Option<Placement> {
    let (names, places) = (subject.sites.names(), wiring_places(subject));
    let samples = config.modules.null_samples;
    modules::placement(&modules.partition, &names, &places, samples, config.seed)
}

/// Places for the surviving edges, and what moving there does to the outputs of
/// the network as it was given.
///
/// Inputs and outputs move where the layout stores which one stands where, as
/// BIMT's does; pixels of an image do not, as in its recipe.
fn relocation<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    method: RelocationMethod,
    seed: u64,
) -> Relocation {
    let has_permutations = subject.files.loaded.layout == Layout::BimtMlp;
    let moves = Moves {
        method,
        inputs: has_permutations && arrangements(subject).first() == Some(&Arrangement::Line),
        outputs: has_permutations,
        folds: subject.model.folds,
        seed,
    };
    let edges = layered(pruned).pruned(0.0);
    let found = relocate(&edges, &wiring_places(subject), moves);
    let same = subject.truth().agreement(&outputs(subject, &found.orders));
    Relocation {
        method,
        swaps: found.swaps,
        inputs_move: moves.inputs,
        outputs_move: moves.outputs,
        max_abs_change: same.max_abs_difference,
        allowed: same.allowed,
        holds: same.holds,
        samples: same.samples,
        orders: found.orders,
    }
}

/// What the relocated network computes, by the old positions of its outputs.
fn outputs<T: Scalar>(subject: &Subject<'_, T>, orders: &[Vec<usize>]) -> Array2<f64> {
    let moved = subject.model.rearranged(orders);
    let inputs = match orders.first() {
        Some(order) => subject.batch.inputs.select(Axis(0), order),
        None => subject.batch.inputs.clone(),
    };
    let outputs = moved.outputs(inputs.view());
    let mut back = Array2::zeros(outputs.dim());
    for (row, old) in outputs
        .rows()
        .into_iter()
        .zip(orders.iter().last().into_iter().flatten())
    {
        back.row_mut(*old).assign(&row.mapv(Scalar::widen));
    }
    back
}
