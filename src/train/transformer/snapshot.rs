//! A training of a transformer in the middle, as tensors from which it goes on.

use super::form::Form;
use super::output::{network, weights};
use super::parameters::Parameters;
use super::trainer::{Measured, Trainer};
use crate::Result;
use crate::checkpoint::{Checkpoint, Tensor};
use crate::numeric::adamw::Moments;
use crate::numeric::{Rng, Scalar};
use crate::train::output::Tensors;
use crate::train::recipe::{Attention, Recipe};
use crate::train::snapshot::{
    COLUMNS, check, identity, measure, numbers, permutation, row, tensor,
};
use crate::train::task::Problem;

/// The snapshot.
#[must_use]
pub fn snapshot<T: Scalar>(trainer: &Trainer<'_, T>) -> Tensors {
    let (parameters, moments) = trainer.state();
    let mut tensors = network(parameters);
    tensors.extend(weights(parameters, &moments.mean, "adamw.mean."));
    tensors.extend(weights(parameters, &moments.square, "adamw.square."));
    tensors.insert(
        "training.step".into(),
        Tensor::of_integers(&[1], &[trainer.step()]),
    );
    let row = |m: &Measured| row(&m.all).into_iter().chain([m.train_last, m.test_last]);
    let rows: Vec<f64> = trainer.curve().iter().flat_map(row).collect();
    let shape = [trainer.curve().len(), COLUMNS + 2];
    tensors.insert("training.curve".into(), Tensor::of_floats(&shape, &rows));
    tensors
}

/// A training that goes on from a snapshot.
///
/// # Errors
/// If the snapshot is of another training, or a tensor is missing or of another shape.
pub fn resume<'a, T: Scalar>(
    problem: &'a Problem,
    recipe: &'a Recipe,
    shape: Attention,
    seed: u64,
    from: &Checkpoint,
) -> Result<Trainer<'a, T>> {
    check(&identity(problem, recipe, seed), from)?;
    let form = Form::new(problem, recipe, shape);
    let mut parameters = Parameters::fresh(form, &mut Rng::new(seed, 0));
    let moments = Moments {
        mean: read(&parameters, from, "adamw.mean.")?,
        square: read(&parameters, from, "adamw.square.")?,
    };
    parameters.values = read(&parameters, from, "")?;
    parameters.in_perm = permutation(from, "in_perm", form.inputs)?;
    parameters.out_perm = permutation(from, "out_perm", form.outputs)?;
    let step = numbers(from, "training.step", &[1])?[0] as usize;
    let stored = tensor(from, "training.curve")?;
    let rows = stored.shape.first().copied().unwrap_or(0);
    let curve = numbers(from, "training.curve", &[rows, COLUMNS + 2])?;
    let measured = |row: &[f64]| Measured {
        all: measure(row),
        train_last: row[COLUMNS],
        test_last: row[COLUMNS + 1],
    };
    let curve = curve.chunks_exact(COLUMNS + 2).map(measured).collect();
    Ok(Trainer::resumed(
        problem, recipe, seed, step, parameters, moments, curve,
    ))
}

/// Numbers in the order of the trained ones, from tensors with a prefix.
///
/// # Errors
/// If a tensor is missing or of another shape.
pub fn read<T: Scalar>(like: &Parameters<T>, from: &Checkpoint, prefix: &str) -> Result<Vec<T>> {
    let mut values = Vec::with_capacity(like.values.len());
    for wire in &like.wires {
        let name = format!("{prefix}{}", wire.name);
        let readers = wire.folds * like.form.size(wire.to);
        let writers = like.form.size(wire.from);
        let weight = numbers(from, &format!("{name}.weight"), &[readers, writers])?;
        let bias = numbers(from, &format!("{name}.bias"), &[readers])?;
        for (row, bias) in weight.chunks_exact(writers).zip(bias) {
            values.extend(row.iter().map(|w| T::from_f64(*w)));
            values.push(T::from_f64(bias));
        }
    }
    Ok(values)
}
