//! A finished training as files: network, samples, configuration and curve.
//!
//! Tensors and configuration have the names that the published networks have, so
//! that PyTorch users can load them and every reader of those reads these. The
//! functions here make contents and touch no files.

use ndarray::Array2;
use serde_json::{Map, Value, json};

use super::blocks::blocks;
use super::parameters::Parameters;
use super::pass::{Pass, Tables};
use super::recipe::Recipe;
use super::task::{Problem, Samples};
use super::trainer::{Measure, Trainer};
use crate::checkpoint::{Dtype, Tensor};
use crate::data::{Inputs, Labels};
pub use crate::model::mlp::stored::Tensors;
use crate::model::mlp::stored::matrix;
use crate::numeric::Scalar;

/// The samples, and the network's own outputs on the test samples by target.
#[must_use]
pub fn data<T: Scalar>(trainer: &Trainer<'_, T>, problem: &Problem, recipe: &Recipe) -> Tensors {
    let mut tensors = Tensors::new();
    for (split, samples) in [("train", &problem.train), ("test", &problem.test)] {
        let (name, inputs) = match &samples.inputs {
            Inputs::Values(values) => ("inputs", matrix(&values.mapv(T::from_f64))),
            Inputs::Tokens(tokens) => {
                let ids: Vec<usize> = tokens.iter().copied().collect();
                (
                    "tokens",
                    Tensor::of_integers(&[tokens.nrows(), tokens.ncols()], &ids),
                )
            }
        };
        let labels = match &samples.labels {
            Labels::Classes(classes) => Tensor::of_integers(&[classes.len()], classes),
            Labels::Targets(targets) => matrix(&targets.mapv(T::from_f64)),
        };
        tensors.insert(format!("{split}_{name}"), inputs);
        tensors.insert(format!("{split}_labels"), labels);
    }
    let outputs = outputs(trainer.state().0, &problem.test, recipe);
    tensors.insert("test_outputs".into(), matrix(&outputs));
    tensors
}

/// What a network answers, `[samples, targets]`.
#[must_use]
pub fn outputs<T: Scalar>(
    parameters: &Parameters<T>,
    samples: &Samples,
    recipe: &Recipe,
) -> Array2<T> {
    let all: Vec<usize> = (0..samples.len()).collect();
    let mut tables = Tables::new(parameters);
    tables.fill(parameters);
    let mut result = Array2::zeros((samples.len(), parameters.out_perm.len()));
    let mut start = 0;
    for block in blocks(samples, &all, parameters) {
        let mut pass = Pass::new(parameters, block.len());
        let outputs = pass.forward(parameters, &tables, &block, recipe.activation);
        for (row, target) in outputs.rows().into_iter().zip(&parameters.out_perm) {
            for (sample, value) in row.iter().enumerate() {
                result[[start + sample, *target]] = *value;
            }
        }
        start += block.len();
    }
    result
}

/// What a training cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Seconds in updates and swaps.
    pub training: f64,
    /// Seconds in swaps alone.
    pub relocating: f64,
    /// Seconds in all.
    pub total: f64,
    /// Largest resident memory of the process in bytes.
    pub peak_memory_bytes: u64,
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
    let mlp = trainer.network();
    let tensors = mlp.to_bimt();
    let dtypes: Map<String, Value> = tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), json!(described(tensor))))
        .collect();
    let permuted = mlp.in_perm.len() + mlp.out_perm.len();
    let mut config = object(json!({
        "task": problem.name,
        "regime": recipe.regime.to_string(),
        "seed": seed,
        "shape": mlp.widths(),
        "activation": recipe.activation.to_string(),
        "in_fold": mlp.folds,
        "dtype": recipe.precision.to_string(),
        "tensor_dtypes": dtypes,
    }));
    config.extend(hyper_parameters(recipe));
    config.extend(object(json!({
        "final": trainer.curve().last().map(results),
        "wall_seconds": rounded(spent.training),
        "relocate_seconds": rounded(spent.relocating),
        "total_seconds": rounded(spent.total),
        "peak_rss_mb": rounded(spent.peak_memory_bytes as f64 / 1e6),
        "n_parameters": mlp.parameter_count() + permuted,
        "n_parameters_without_perms": mlp.parameter_count(),
        "in_perm": mlp.in_perm,
        "out_perm": mlp.out_perm,
        "coordinates": recipe.space.to_string(),
        "input_names": problem.inputs,
        "output_names": problem.outputs,
        "modscope_version": env!("CARGO_PKG_VERSION"),
    })));
    config
}

/// The recipe under the published names; what is ours alone comes last.
#[must_use]
pub fn hyper_parameters(recipe: &Recipe) -> Map<String, Value> {
    let (cost, adamw, swaps) = (&recipe.cost, &recipe.adamw, recipe.swaps);
    object(json!({
        "l0": cost.l0,
        "top_k": swaps.map(|s| s.top_k),
        "weight_factor": cost.weight_factor,
        "relocate_weight_factor": swaps.map(|s| s.weight_factor),
        "cc_reduction": cost.reduction.to_string(),
        "lambda_schedule": cost.lambda.0,
        "lr": adamw.learning_rate,
        "optimizer": format!("AdamW weight_decay={}", adamw.weight_decay),
        "steps": recipe.steps,
        "swap_every": swaps.map(|s| s.every),
        "n_relocates": recipe.relocations(),
        "loss": recipe.loss.to_string(),
        "batch_size": recipe.batch,
        "betas": [adamw.beta1, adamw.beta2],
        "eps": adamw.epsilon,
        "bias_penalty_from": cost.biases_from,
        "no_penalize_last": !cost.last_by_distance,
        "swap_inputs": swaps.map(|s| s.inputs),
    }))
}

/// The training curve as CSV, one row per measure.
#[must_use]
pub fn curve(measures: &[Measure]) -> String {
    let mut text = String::from(
        "step,lambda,train_loss,test_loss,train_accuracy,test_accuracy,connection_cost,weights_above_0.01\n",
    );
    let optional = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    for m in measures {
        let (train, test) = (optional(m.train_accuracy), optional(m.test_accuracy));
        text += &format!(
            "{},{},{},{},{train},{test},{},{}\n",
            m.step, m.lambda, m.train_loss, m.test_loss, m.cost, m.edges
        );
    }
    text
}

pub(super) fn results(measure: &Measure) -> Value {
    json!({
        "train_loss": measure.train_loss,
        "train_accuracy": measure.train_accuracy,
        "test_loss": measure.test_loss,
        "test_accuracy": measure.test_accuracy,
        "connection_cost": measure.cost,
        "weights_above_0.01": measure.edges,
    })
}

/// `float32 [20, 4]`
pub(super) fn described(tensor: &Tensor) -> String {
    let dtype = match tensor.dtype {
        Dtype::F64 => "float64",
        Dtype::F32 => "float32",
        _ => "int64",
    };
    format!("{dtype} {:?}", tensor.shape)
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// To hundredths.
pub(super) fn rounded(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Regime, Task};

    #[test]
    fn a_training_has_the_published_names() {
        let (task, recipe) = (
            Task::Independence,
            Task::Independence.recipe(Regime::Bimt).in_steps(3),
        );
        let problem = task.problem(0);
        let mut trainer = Trainer::<f32>::new(&problem, &recipe, 0);
        trainer.advance(3);
        let tensors = trainer.network().to_bimt();
        let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
        assert_eq!(
            names[..3],
            [
                "in_perm",
                "linears.0.linear.bias",
                "linears.0.linear.weight"
            ]
        );
        assert_eq!(tensors["linears.0.linear.weight"].shape, [20, 4]);
        assert_eq!(
            data(&trainer, &problem, &recipe)["test_outputs"].shape,
            [100, 2]
        );
        let config = config(&trainer, &problem, &recipe, 0, Spent::default());
        assert_eq!(
            config["lambda_schedule"],
            json!([[0, 0.001], [0, 0.01], [2, 0.001]])
        );
        assert_eq!(config["n_parameters"], 568);
        assert_eq!(config["tensor_dtypes"]["in_perm"], "float32 [4]");
        assert_eq!(curve(trainer.curve()).lines().count(), 3);
    }

    #[test]
    fn outputs_are_those_of_the_network() {
        let task = Task::ModularAddition { modulus: 7 };
        let (problem, recipe) = (task.problem(1), task.recipe(Regime::Bimt).in_steps(400));
        let mut trainer = Trainer::<f64>::new(&problem, &recipe, 1);
        trainer.advance(400);
        let mlp = trainer.network();
        let Inputs::Tokens(tokens) = &problem.test.inputs else {
            panic!("tokens")
        };
        let embedding = mlp.embedding.clone().unwrap();
        let features = Array2::from_shape_fn((tokens.nrows(), 64), |(s, q)| {
            embedding[[tokens[[s, q / 32]], q % 32]]
        });
        let expected = mlp.by_target(mlp.outputs(mlp.arrange(features.view()).view()).view());
        let ours = outputs(trainer.state().0, &problem.test, &recipe);
        let largest = (&ours - &expected)
            .iter()
            .fold(0.0_f64, |m, d| m.max(d.abs()));
        assert!(trainer.swaps() > 0 && largest < 1e-12, "{largest:e}");
    }
}
