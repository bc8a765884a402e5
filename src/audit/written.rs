//! The networks that a run writes back: pruned, and without idle neurons.

use std::time::Instant;

use ndarray::Array2;

use super::subject::Subject;
use crate::checkpoint::{Checkpoint, Tensor};
use crate::model::{Layered, Loaded, Mlp, Role, Transformer};
use crate::numeric::Scalar;
use crate::prune::compact::{Compacted, compact};
use crate::prune::sparse::Sparse;
use crate::result::{Compaction, Inference};

/// Runs of which the fastest counts.
const RUNS: usize = 5;

/// The checkpoint with zeros where the network has them; nothing else changes.
pub fn pruned<T: Scalar>(checkpoint: &Checkpoint, loaded: &Loaded, pruned: &Mlp<T>) -> Checkpoint {
    let mut written = loaded.editable(checkpoint);
    for (name, role) in &loaded.roles {
        let values: Vec<T> = match role {
            Role::Weight(layer) => pruned.layers[*layer].weight.iter().copied().collect(),
            Role::Bias(layer) => pruned.layers[*layer].bias.to_vec(),
            _ => continue,
        };
        if let Some(tensor) = written.tensors.get_mut(name) {
            for (index, value) in values.iter().enumerate() {
                if value.is_zero() {
                    tensor.set_zero(index);
                }
            }
        }
    }
    written
}

/// The checkpoint with zeros where a transformer's linear layers have them; nothing
/// else changes but what was folded on the way in.
pub fn pruned_transformer<T: Scalar>(
    checkpoint: &Checkpoint,
    loaded: &Loaded,
    pruned: &Transformer<T>,
) -> Checkpoint {
    let mut written = loaded.editable(checkpoint);
    for place in &loaded.places {
        let weight = pruned.weight(place.matrix);
        for name in place.tensors() {
            let Some(tensor) = written.tensors.get_mut(name) else {
                continue;
            };
            let zeros = weight.indexed_iter().filter(|(_, w)| w.is_zero());
            for ((from, to), _) in zeros {
                match place.at(weight.nrows(), from, to) {
                    (own, entry) if own == name => tensor.set_zero(entry),
                    _ => {}
                }
            }
        }
        let (name, _) = &place.bias;
        if let Some(tensor) = written.tensors.get_mut(name) {
            let biases = pruned.bias(place.matrix);
            let zeros = biases.iter().enumerate().filter(|(_, b)| b.is_zero());
            zeros.for_each(|(index, _)| tensor.set_zero(place.bias_entry(index)));
        }
    }
    written
}

/// The checkpoint with zeros where a layered network's weights have them; nothing
/// else changes.
pub fn pruned_layers<T: Scalar>(checkpoint: &Checkpoint, pruned: &Layered<T>) -> Checkpoint {
    let mut written = checkpoint.clone();
    for parameter in &pruned.parameters {
        let first = parameter.first_row * parameter.weight.ncols();
        if let Some(tensor) = written.tensors.get_mut(&parameter.tensor) {
            let entries = parameter.weight.iter().enumerate();
            let zeros = entries.filter(|(_, weight)| weight.is_zero());
            zeros.for_each(|(index, _)| tensor.set_zero(first + index));
        }
    }
    written
}

/// The checkpoint with its sites in another order; every number stays as it is.
pub fn relocated<T: Scalar>(
    checkpoint: &Checkpoint,
    loaded: &Loaded,
    model: &Mlp<T>,
    orders: &[Vec<usize>],
) -> Checkpoint {
    let mut written = loaded.editable(checkpoint);
    let inputs = orders.first().map(|order| {
        let fold = model.in_perm.len();
        order.iter().take(fold).map(|q| q % fold).collect()
    });
    let inputs: Vec<usize> = inputs.unwrap_or_default();
    for (name, role) in &loaded.roles {
        let (rows, columns) = match role {
            Role::Weight(layer) => (&orders[layer + 1], &orders[*layer][..]),
            Role::Bias(layer) | Role::Slopes(layer) => (&orders[layer + 1], &[0][..]),
            Role::Permutation if name == "in_perm" => (&inputs, &[0][..]),
            Role::Permutation => (&orders[orders.len() - 1], &[0][..]),
            _ => continue,
        };
        if let Some(tensor) = written.tensors.get_mut(name) {
            *tensor = tensor.reordered(rows, columns);
        }
    }
    written
}

/// The checkpoint with the tensors of a network of other widths, in f32 or f64.
/// A layer that had no bias in the file has one if constants were folded into it.
pub fn compacted<T: Scalar>(
    checkpoint: &Checkpoint,
    loaded: &Loaded,
    model: &Mlp<T>,
) -> Checkpoint {
    let mut written = loaded.editable(checkpoint);
    for (layer, linear) in model.layers.iter().enumerate() {
        let Some(weight) = loaded.tensor_name(Role::Weight(layer)) else {
            continue;
        };
        let shape = [linear.weight.nrows(), linear.weight.ncols()];
        let numbers: Vec<T> = linear.weight.iter().copied().collect();
        written
            .tensors
            .insert(weight.to_owned(), Tensor::of_floats(&shape, &numbers));
        let named = loaded.tensor_name(Role::Bias(layer)).map(str::to_owned);
        let bias = named.unwrap_or_else(|| weight.replace("weight", "bias"));
        let numbers = linear.bias.to_vec();
        written
            .tensors
            .insert(bias, Tensor::of_floats(&[numbers.len()], &numbers));
        if let Some(slopes) = loaded.tensor_name(Role::Slopes(layer)) {
            let slope = |neuron| model.activation.of(layer, neuron).parameter();
            let numbers: Vec<T> = (0..linear.bias.len())
                .filter_map(slope)
                .map(T::from_f64)
                .collect();
            let slopes = slopes.to_owned();
            written
                .tensors
                .insert(slopes, Tensor::of_floats(&[numbers.len()], &numbers));
        }
    }
    written
}

/// The network without its idle neurons: what is left, how far its outputs are
/// from the pruned network's, and how fast each form runs.
pub fn compaction<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
) -> (Mlp<T>, Compaction, Inference) {
    let Compacted { model, kept } = compact(pruned);
    let inputs = &subject.batch.inputs;
    let sparse = (Sparse::new(pruned), Sparse::new(&model));
    let (before, dense) = timed(|| pruned.outputs(inputs.view()));
    let (after, compact) = timed(|| model.outputs(inputs.view()));
    let (_, sparse_dense) = timed(|| sparse.0.outputs(inputs.view()));
    let (_, sparse_compact) = timed(|| sparse.1.outputs(inputs.view()));
    let moved = before
        .iter()
        .zip(&after)
        .map(|(a, b)| (a.widen() - b.widen()).abs());
    let compaction = Compaction {
        layers: model.widths(),
        parameters_before: pruned.parameter_count(),
        parameters_after: model.parameter_count(),
        max_abs_difference: moved.fold(0.0, f64::max),
        kept,
    };
    let inference = Inference {
        samples: subject.batch.len(),
        dense,
        sparse: sparse_dense,
        compact,
        compact_sparse: sparse_compact,
        modules: None,
        modules_parallel: None,
    };
    (model, compaction, inference)
}

/// What a forward pass gives, and the seconds of the fastest of several.
pub fn timed<T: Scalar>(run: impl Fn() -> Array2<T>) -> (Array2<T>, f64) {
    let mut fastest = f64::INFINITY;
    let mut outputs = Array2::zeros((0, 0));
    for _ in 0..RUNS {
        let started = Instant::now();
        outputs = run();
        fastest = fastest.min(started.elapsed().as_secs_f64());
    }
    (outputs, fastest)
}
