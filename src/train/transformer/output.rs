//! A finished training of a transformer as contents of files, under the published names.

use ndarray::Array2;
use serde_json::{Map, Value, json};

use super::parameters::Parameters;
use super::trainer::{Measured, Trainer, forward};
use crate::checkpoint::Tensor;
use crate::data::{Inputs, Labels};
use crate::model::mlp::stored::permutation;
use crate::numeric::Scalar;
use crate::train::output::{
    self, Spent, Tensors, described, hyper_parameters, object, results, rounded,
};
use crate::train::recipe::Recipe;
use crate::train::task::Problem;

/// The network in BIMT's layout: with permutations, which are float32 there, and
/// layer norms, which are stored there and never applied.
#[must_use]
pub fn network<T: Scalar>(parameters: &Parameters<T>) -> Tensors {
    let mut tensors = weights(parameters, &parameters.values, "");
    let mut norm = |name: &str| {
        let numbers = |x: f64| vec![T::from_f64(x); parameters.form.width];
        for (part, x) in [("weight", 1.0), ("bias", 0.0)] {
            let tensor = Tensor::of_floats(&[parameters.form.width], &numbers(x));
            tensors.insert(format!("{name}.{part}"), tensor);
        }
    };
    for block in 0..parameters.form.attention.blocks {
        norm(&format!("blocks.{block}.ln_1"));
        norm(&format!("blocks.{block}.ln_2"));
    }
    norm("ln_f");
    tensors.insert("in_perm".into(), permutation(&parameters.in_perm));
    tensors.insert("out_perm".into(), permutation(&parameters.out_perm));
    tensors
}

/// Numbers in the order of the trained ones, under names with a prefix.
#[must_use]
pub fn weights<T: Scalar>(parameters: &Parameters<T>, values: &[T], prefix: &str) -> Tensors {
    let mut tensors = Tensors::new();
    for wire in &parameters.wires {
        let writers = parameters.form.size(wire.from);
        let rows = values[wire.slot.clone()].chunks_exact(writers + 1);
        let weight: Vec<T> = rows
            .clone()
            .flat_map(|row| &row[..writers])
            .copied()
            .collect();
        let bias: Vec<T> = rows.map(|row| row[writers]).collect();
        let name = format!("{prefix}{}", wire.name);
        let shape = [bias.len(), writers];
        tensors.insert(format!("{name}.weight"), Tensor::of_floats(&shape, &weight));
        tensors.insert(
            format!("{name}.bias"),
            Tensor::of_floats(&shape[..1], &bias),
        );
    }
    tensors
}

/// The samples, and the network's own outputs on the test samples by target, all
/// `[samples, length, numbers]`.
#[must_use]
pub fn data<T: Scalar>(trainer: &Trainer<'_, T>, problem: &Problem, recipe: &Recipe) -> Tensors {
    let parameters = trainer.state().0;
    let (features, outputs) = (parameters.form.inputs, parameters.form.outputs);
    let mut tensors = Tensors::new();
    for (split, samples) in [("train", &problem.train), ("test", &problem.test)] {
        if let (Inputs::Values(x), Labels::Targets(y)) = (&samples.inputs, &samples.labels) {
            let (inputs, labels) = (sequences::<T>(x, features), sequences::<T>(y, outputs));
            tensors.insert(format!("{split}_inputs"), inputs);
            tensors.insert(format!("{split}_labels"), labels);
        }
    }
    if let Inputs::Values(x) = &problem.test.inputs {
        let answers = forward(parameters, recipe.activation, x).mapv(Scalar::widen);
        tensors.insert("test_outputs".into(), sequences::<T>(&answers, outputs));
    }
    tensors
}

/// `[samples, length · numbers]` as `[samples, length, numbers]`.
fn sequences<T: Scalar>(values: &Array2<f64>, numbers: usize) -> Tensor {
    let flat: Vec<T> = values.iter().map(|x| T::from_f64(*x)).collect();
    let length = values.ncols() / numbers.max(1);
    Tensor::of_floats(&[values.nrows(), length, numbers], &flat)
}

/// `config.json`: form, recipe, results and costs, under the published names.
#[must_use]
pub fn config<T: Scalar>(
    trainer: &Trainer<'_, T>,
    problem: &Problem,
    recipe: &Recipe,
    seed: u64,
    spent: Spent,
) -> Map<String, Value> {
    let parameters = trainer.state().0;
    let (form, tensors) = (parameters.form, network(parameters));
    let dtypes: Map<String, Value> = tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), json!(described(tensor))))
        .collect();
    let norms = 2 * form.width * (2 * form.attention.blocks + 1);
    let count = parameters.values.len() + norms;
    let mut config = object(json!({
        "task": problem.name,
        "regime": recipe.regime.to_string(),
        "n_head": form.attention.heads,
        "n_embed": form.width,
        "n_layer": form.attention.blocks,
        "d": form.inputs - 1,
        "T": problem.train.width() / form.inputs / 2 + 1,
        "seed": seed,
        "shape": form.shape(),
        "activation": recipe.activation.to_string(),
        "in_fold": 1,
        "dtype": recipe.precision.to_string(),
        "tensor_dtypes": dtypes,
    }));
    config.extend(hyper_parameters(recipe));
    config.extend(object(json!({
        "final": trainer.curve().last().map(last),
        "wall_seconds": rounded(spent.training),
        "relocate_seconds": rounded(spent.relocating),
        "total_seconds": rounded(spent.total),
        "peak_rss_mb": rounded(spent.peak_memory_bytes as f64 / 1e6),
        "n_parameters": count + parameters.in_perm.len() + parameters.out_perm.len(),
        "n_parameters_without_perms": count,
        "in_perm": parameters.in_perm,
        "out_perm": parameters.out_perm,
        "coordinates": recipe.space.to_string(),
        "input_names": problem.inputs,
        "output_names": problem.outputs,
        "modscope_version": env!("CARGO_PKG_VERSION"),
    })));
    config
}

/// Results at the end, over all asked positions and at the last.
fn last(measured: &Measured) -> Value {
    let mut all = results(&measured.all);
    all["train_loss_last"] = json!(measured.train_last);
    all["test_loss_last"] = json!(measured.test_last);
    all
}

/// The training curve as CSV, with the losses at the last position behind each row.
#[must_use]
pub fn curve(measures: &[Measured]) -> String {
    let all: Vec<_> = measures.iter().map(|m| m.all).collect();
    let text = output::curve(&all);
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let mut text = format!("{head},train_loss_last,test_loss_last\n");
    for (line, m) in lines.zip(measures) {
        text += &format!("{line},{},{}\n", m.train_last, m.test_last);
    }
    text
}
