//! A training in the middle, as tensors from which it goes on as if never stopped.
//!
//! The network stands in BIMT's layout, so that a snapshot can be opened like any
//! checkpoint; the optimiser's memory, the step and the curve stand beside it.
//! Samples and batches follow from the seed and are not stored.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2};
use serde_json::Value;

use super::output::{Tensors, hyper_parameters};
use super::parameters::Parameters;
use super::recipe::Recipe;
use super::task::Problem;
use super::trainer::{Measure, Trainer};
use crate::checkpoint::{Checkpoint, Tensor, sha256};
use crate::model::{Linear, Mlp};
use crate::numeric::adamw::Moments;
use crate::numeric::{Activation, Scalar};
use crate::{ErrorKind, Result};

/// Columns of the stored curve.
pub(super) const COLUMNS: usize = 8;

/// The snapshot.
#[must_use]
pub fn snapshot<T: Scalar>(trainer: &Trainer<'_, T>) -> Tensors {
    let (parameters, moments) = trainer.state();
    let mlp = trainer.network();
    let beside = |values: &[T]| {
        let mut other = parameters.clone();
        other.values.copy_from_slice(values);
        Mlp {
            activation: mlp.activation.clone(),
            ..other.to_mlp(Activation::Identity)
        }
    };
    let mut tensors = mlp.to_bimt();
    tensors.extend(beside(&moments.mean).weights("adamw.mean."));
    tensors.extend(beside(&moments.square).weights("adamw.square."));
    tensors.insert(
        "training.step".into(),
        Tensor::of_integers(&[1], &[trainer.step()]),
    );
    let rows: Vec<f64> = trainer.curve().iter().flat_map(row).collect();
    tensors.insert(
        "training.curve".into(),
        Tensor::of_floats(&[trainer.curve().len(), COLUMNS], &rows),
    );
    tensors
}

/// The identity of a training, stored in the snapshot's header: it may be
/// resumed only with the same task, seed and recipe.
#[must_use]
pub fn identity(problem: &Problem, recipe: &Recipe, seed: u64) -> String {
    let mut identity = hyper_parameters(recipe);
    identity.insert("task".into(), Value::from(problem.name.clone()));
    identity.insert("regime".into(), Value::from(recipe.regime.to_string()));
    identity.insert("seed".into(), Value::from(seed));
    identity.insert("shape".into(), Value::from(problem.form(recipe).widths));
    identity.insert(
        "activation".into(),
        Value::from(recipe.activation.to_string()),
    );
    identity.insert("dtype".into(), Value::from(recipe.precision.to_string()));
    identity.insert("coordinates".into(), Value::from(recipe.space.to_string()));
    if let Some(attention) = recipe.attention {
        identity.insert("n_head".into(), Value::from(attention.heads));
        identity.insert("n_layer".into(), Value::from(attention.blocks));
    }
    Value::Object(identity).to_string()
}

/// A training that goes on from a snapshot.
///
/// # Errors
/// If the snapshot is of another training or damaged, or a tensor is missing or of another
/// shape.
pub fn resume<'a, T: Scalar>(
    problem: &'a Problem,
    recipe: &'a Recipe,
    seed: u64,
    from: &Checkpoint,
) -> Result<Trainer<'a, T>> {
    check(&identity(problem, recipe, seed), from)?;
    let fresh = Trainer::<T>::new(problem, recipe, seed);
    let form = fresh.network();
    let values = |prefix| read(&form, from, prefix).map(|mlp| Parameters::from_mlp(&mlp));
    let mut parameters = values("")?;
    parameters.in_perm = permutation(from, "in_perm", form.in_perm.len())?;
    parameters.out_perm = permutation(from, "out_perm", form.out_perm.len())?;
    let moments = Moments {
        mean: values("adamw.mean.")?.values,
        square: values("adamw.square.")?.values,
    };
    let step = numbers(from, "training.step", &[1])?[0] as usize;
    let stored = tensor(from, "training.curve")?;
    let rows = stored.shape.first().copied().unwrap_or(0);
    let curve = numbers(from, "training.curve", &[rows, COLUMNS])?;
    let curve = curve.chunks_exact(COLUMNS).map(measure).collect();
    Ok(Trainer::resumed(
        problem, recipe, seed, step, parameters, moments, curve,
    ))
}

/// Keys of the header of a snapshot.
const IDENTITY: &str = "training";
const CHECKSUM: &str = "checksum";

/// What the header of a snapshot says: which training it is of, and the SHA-256 of that
/// and of every tensor.
#[must_use]
pub fn metadata(tensors: &Tensors, identity: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (IDENTITY.to_owned(), identity.to_owned()),
        (CHECKSUM.to_owned(), checksum(tensors, identity)),
    ])
}

fn checksum(tensors: &Tensors, identity: &str) -> String {
    let mut bytes = identity.as_bytes().to_vec();
    for (name, tensor) in tensors {
        bytes.extend(format!("\n{name} {:?} {:?}\n", tensor.dtype, tensor.shape).bytes());
        bytes.extend_from_slice(&tensor.bytes);
    }
    sha256(&bytes)
}

/// Refuses a snapshot of another training, or one that is not as it was written.
///
/// # Errors
/// [`ErrorKind::OtherTraining`] or [`ErrorKind::SnapshotChecksum`].
pub fn check(ours: &str, from: &Checkpoint) -> Result<()> {
    check_identity(ours, from)?;
    let theirs = from.metadata.get(IDENTITY).map_or("", String::as_str);
    let found = from.metadata.get(CHECKSUM);
    let expected = checksum(&from.tensors, theirs);
    if found == Some(&expected) {
        return Ok(());
    }
    Err(ErrorKind::SnapshotChecksum {
        found: found.map_or_else(|| "none".to_owned(), Clone::clone),
        expected,
    }
    .at(&from.path))
}

/// Refuses a snapshot of another training, naming the first hyper-parameter that differs.
fn check_identity(ours: &str, from: &Checkpoint) -> Result<()> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (ours, theirs) = (
        parse(ours),
        parse(from.metadata.get(IDENTITY).map_or("", |t| t)),
    );
    let differs = ours
        .as_object()
        .into_iter()
        .flatten()
        .find(|(key, value)| theirs.get(key) != Some(value));
    match differs {
        None => Ok(()),
        Some((key, value)) => Err(ErrorKind::OtherTraining {
            key: key.clone(),
            found: theirs
                .get(key)
                .map_or_else(|| "nothing".into(), Value::to_string),
            expected: value.to_string(),
        }
        .at(&from.path)),
    }
}

/// A network of the form of `like`, from tensors with a prefix.
fn read<T: Scalar>(like: &Mlp<T>, from: &Checkpoint, prefix: &str) -> Result<Mlp<T>> {
    let matrix = |name: &str, like: &Array2<T>| -> Result<Array2<T>> {
        let numbers = numbers(from, name, like.shape())?;
        Ok(Array2::from_shape_fn(like.raw_dim(), |(r, c)| {
            T::from_f64(numbers[r * like.ncols() + c])
        }))
    };
    let mut mlp = like.clone();
    if let Some(embedding) = &mut mlp.embedding {
        *embedding = matrix(&format!("{prefix}embedding"), embedding)?;
    }
    for (index, Linear { weight, bias }) in mlp.layers.iter_mut().enumerate() {
        let name = format!("{prefix}linears.{index}.linear");
        *weight = matrix(&format!("{name}.weight"), weight)?;
        let numbers = numbers(from, &format!("{name}.bias"), &[bias.len()])?;
        *bias = Array1::from_iter(numbers.into_iter().map(T::from_f64));
    }
    Ok(mlp)
}

pub(super) fn permutation(from: &Checkpoint, name: &str, length: usize) -> Result<Vec<usize>> {
    let order: Vec<usize> = numbers(from, name, &[length])?
        .iter()
        .map(|x| *x as usize)
        .collect();
    let missing = (0..length).find(|place| !order.contains(place));
    match missing {
        None => Ok(order),
        Some(place) => Err(ErrorKind::NotAPermutation {
            tensor: name.into(),
            length,
            fault: format!("{place} is missing"),
        }
        .at(&from.path)),
    }
}

pub(super) fn tensor<'a>(from: &'a Checkpoint, name: &str) -> Result<&'a Tensor> {
    from.tensors.get(name).ok_or_else(|| {
        ErrorKind::MissingTensor {
            tensor: name.into(),
        }
        .at(&from.path)
    })
}

pub(super) fn numbers(from: &Checkpoint, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
    let tensor = tensor(from, name)?;
    if tensor.shape == shape {
        Ok(tensor.to_f64())
    } else {
        Err(ErrorKind::TensorShape {
            tensor: name.into(),
            shape: tensor.shape.clone(),
            expected: format!("expected {shape:?}"),
        }
        .at(&from.path))
    }
}

pub(super) fn row(m: &Measure) -> [f64; COLUMNS] {
    let optional = |x: Option<f64>| x.unwrap_or(f64::NAN);
    let (train, test) = (optional(m.train_accuracy), optional(m.test_accuracy));
    [
        m.step as f64,
        m.lambda,
        m.train_loss,
        m.test_loss,
        train,
        test,
        m.cost,
        m.edges as f64,
    ]
}

pub(super) fn measure(row: &[f64]) -> Measure {
    let optional = |x: f64| (!x.is_nan()).then_some(x);
    Measure {
        step: row[0] as usize,
        lambda: row[1],
        train_loss: row[2],
        test_loss: row[3],
        train_accuracy: optional(row[4]),
        test_accuracy: optional(row[5]),
        cost: row[6],
        edges: row[7] as usize,
    }
}
