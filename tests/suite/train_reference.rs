//! Loss, cost, gradient, updates and swaps of the trainer against PyTorch's on stored cases.

#![allow(clippy::unwrap_used, clippy::panic)] // A broken reference file should fail loudly.

use modscope::data::{Inputs, Labels};
use modscope::model::{Linear, Mlp};
use modscope::numeric::adamw::Moments;
use modscope::numeric::{Activation, Scalar};
use modscope::train::recipe::{Recipe, Schedule, SwapRecipe};
use modscope::train::task::Samples;
use modscope::train::{Parameters, Problem, Regime, Trainer};
use ndarray::Array2;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;

/// A stored case.
struct Case {
    bytes: Vec<u8>,
    metadata: HashMap<String, String>,
}

impl Case {
    fn read(name: &str) -> Self {
        let path = format!(
            "{}/fixtures/train/{name}.safetensors",
            env!("CARGO_MANIFEST_DIR")
        );
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap();
        Self { bytes, metadata }
    }

    fn number(&self, key: &str) -> f64 {
        self.metadata[key].parse().unwrap()
    }

    /// A tensor as `[rows, columns]`; vectors have one column.
    fn tensor(&self, name: &str) -> Array2<f64> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = file.tensor(name).unwrap();
        let data = view.data();
        let numbers: Vec<f64> = match view.dtype() {
            Dtype::F32 => data
                .chunks(4)
                .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
                .collect(),
            Dtype::F64 => data
                .chunks(8)
                .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
                .collect(),
            Dtype::I64 => data
                .chunks(8)
                .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64)
                .collect(),
            other => panic!("{other:?}"),
        };
        let columns = view.shape().get(1).copied().unwrap_or(1);
        Array2::from_shape_vec((numbers.len() / columns, columns), numbers).unwrap()
    }

    fn indices(&self, name: &str) -> Vec<usize> {
        self.tensor(name).iter().map(|x| *x as usize).collect()
    }

    /// The numbers under a prefix, in the order of the trainer's.
    fn numbers<T: Scalar>(&self, prefix: &str, folds: usize) -> Vec<T> {
        Parameters::from_mlp(&self.mlp::<T>(prefix, folds)).values
    }

    fn mlp<T: Scalar>(&self, prefix: &str, folds: usize) -> Mlp<T> {
        let tensor = |name: String| self.tensor(&name).mapv(T::from_f64);
        let widths: Vec<usize> = serde_json::from_str(&self.metadata["widths"]).unwrap();
        let linear = |i: usize| Linear {
            weight: tensor(format!("{prefix}.linears.{i}.linear.weight")),
            bias: tensor(format!("{prefix}.linears.{i}.linear.bias"))
                .column(0)
                .to_owned(),
        };
        Mlp {
            embedding: (folds > 1).then(|| tensor(format!("{prefix}.embedding"))),
            in_perm: (0..widths[0] / folds).collect(),
            folds,
            layers: (0..widths.len() - 1).map(linear).collect(),
            activation: Activation::Silu.into(),
            out_perm: (0..widths[widths.len() - 1]).collect(),
        }
    }

    fn problem(&self, folds: usize) -> Problem {
        let (inputs, labels) = (self.tensor("inputs"), self.tensor("labels"));
        let widths: Vec<usize> = serde_json::from_str(&self.metadata["widths"]).unwrap();
        let samples = Samples {
            inputs: if folds > 1 {
                Inputs::Tokens(inputs.mapv(|x| x as usize))
            } else {
                Inputs::Values(inputs)
            },
            labels: if labels.ncols() == 1 {
                Labels::Classes(labels.iter().map(|x| *x as usize).collect())
            } else {
                Labels::Targets(labels)
            },
        };
        Problem {
            name: "reference".into(),
            train: samples.clone(),
            test: samples,
            inputs: Vec::new(),
            outputs: (0..widths[widths.len() - 1])
                .map(|i| i.to_string())
                .collect(),
            domain: None,
            tokens: (folds > 1).then(|| self.tensor("before.embedding").nrows()),
        }
    }
}

/// The largest difference relative to the larger of 1 and the value.
fn largest<T: Scalar>(ours: &[T], theirs: &[T]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let off = |(a, b): (&T, &T)| (a.widen() - b.widen()).abs() / b.widen().abs().max(1.0);
    ours.iter().zip(theirs).map(off).fold(0.0, f64::max)
}

fn compare<T: Scalar>(
    name: &str,
    folds: usize,
    mut recipe: Recipe,
    lambda: f64,
    top_k: usize,
    tolerance: f64,
) {
    let case = Case::read(name);
    recipe.cost.lambda = Schedule(vec![(0, lambda)]);
    recipe.cost.biases_from = 0;
    recipe.batch = None;
    recipe.swaps = recipe.swaps.map(|s| SwapRecipe {
        every: 3,
        top_k,
        ..s
    });
    let problem = case.problem(folds);
    let start = Parameters::from_mlp(&case.mlp::<T>("before", folds));
    let moments = Moments::new(start.values.len());
    let check = |what: &str, difference: f64| {
        println!("{name}, {what}: largest difference {difference:.1e}");
        assert!(difference <= tolerance, "{name}, {what}: {difference:e}");
    };

    let mut trainer = Trainer::resumed(&problem, &recipe, 0, 0, start, moments, Vec::new());
    let measure = trainer.measure();
    check("loss", (measure.train_loss - case.number("loss")).abs());
    check("cost", (measure.cost / case.number("cost") - 1.0).abs());
    check(
        "gradient",
        largest(&trainer.gradient(), &case.numbers::<T>("gradient", folds)),
    );
    trainer.advance(1);
    check(
        "one step",
        largest(&trainer.state().0.values, &case.numbers::<T>("one", folds)),
    );
    trainer.advance(3);
    let relocated = trainer.state().0.clone();
    check(
        "three steps and swaps",
        largest(&relocated.values, &case.numbers::<T>("relocated", folds)),
    );
    assert_eq!(relocated.in_perm, case.indices("relocated.in_perm"));
    assert_eq!(relocated.out_perm, case.indices("relocated.out_perm"));
    assert_eq!(trainer.swaps(), case.tensor("relocated.moves").nrows());
    check(
        "loss after",
        (trainer.measure().train_loss - case.number("after_loss")).abs(),
    );
    check(
        "gradient after",
        largest(&trainer.gradient(), &case.numbers::<T>("after", folds)),
    );
}

#[test]
fn formulas_train_as_in_pytorch() {
    compare::<f32>("formula", 1, Recipe::formula(Regime::Bimt), 0.01, 5, 1e-6);
}

#[test]
fn tokens_train_as_in_pytorch() {
    compare::<f64>(
        "tokens",
        2,
        Recipe::modular_addition(Regime::Bimt),
        1.0,
        4,
        1e-12,
    );
}

#[test]
fn images_train_as_in_pytorch() {
    compare::<f32>("images", 1, Recipe::images(Regime::Bimt), 1.0, 6, 1e-6);
}
