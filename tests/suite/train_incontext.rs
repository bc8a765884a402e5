//! The trainer of transformers against PyTorch, finite differences, itself and the command line.

#![allow(clippy::unwrap_used, clippy::panic)] // A training that fails should fail loudly.

use std::path::Path;

use assert_cmd::Command;
use modscope::checkpoint::Checkpoint;
use modscope::data::{Inputs, Labels};
use modscope::numeric::adamw::Moments;
use modscope::train::recipe::{Attention, Recipe, Schedule, SwapRecipe};
use modscope::train::task::Samples;
use modscope::train::transformer::output::{self, network};
use modscope::train::transformer::snapshot::{read, resume, snapshot};
use modscope::train::transformer::{Form, Parameters, Trainer};
use modscope::train::{Problem, Regime, Task, snapshot::identity, snapshot::metadata};
use ndarray::Array2;

const SMALL: Attention = Attention {
    blocks: 2,
    heads: 2,
};

/// A small transformer's recipe: all samples in every step.
fn recipe() -> Recipe {
    let mut recipe = Task::InContext.recipe(Regime::Bimt);
    (recipe.attention, recipe.embedding, recipe.hidden) = (Some(SMALL), 6, vec![10]);
    recipe.batch = None;
    recipe.cost.lambda = Schedule(vec![(0, 0.5)]);
    recipe
}

fn problem(inputs: Array2<f64>, labels: Array2<f64>) -> Problem {
    let samples = Samples {
        inputs: Inputs::Values(inputs),
        labels: Labels::Targets(labels),
    };
    Problem {
        train: samples.clone(),
        test: samples,
        ..Task::InContext.problem(0)
    }
}

/// `fixtures/train/incontext.safetensors`, which the script beside it makes.
struct Case(Checkpoint);

impl Case {
    fn open() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/train");
        Self(Checkpoint::open(&folder.join("incontext.safetensors")).unwrap())
    }

    fn flat(&self, name: &str) -> Array2<f64> {
        let numbers = self.0.tensors[name].to_f64();
        Array2::from_shape_vec((numbers.len() / 6, 6), numbers).unwrap()
    }

    fn number(&self, key: &str) -> f64 {
        self.0.metadata[key].parse().unwrap()
    }

    fn order(&self, name: &str) -> Vec<usize> {
        let numbers = self.0.tensors[name].to_f64();
        numbers.iter().map(|x| *x as usize).collect()
    }
}

fn largest(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let off = |(a, b): (&f64, &f64)| (a - b).abs() / b.abs().max(1.0);
    ours.iter().zip(theirs).map(off).fold(0.0, f64::max)
}

#[test]
fn transformers_train_as_in_pytorch() {
    let case = Case::open();
    let mut recipe = recipe();
    recipe.swaps = Some(SwapRecipe {
        top_k: 4,
        ..SwapRecipe::of_transformers(3)
    });
    let problem = problem(case.flat("inputs"), case.flat("labels"));
    let fresh = Trainer::<f64>::new(&problem, &recipe, SMALL, 0);
    let like = fresh.state().0.clone();
    let theirs = |prefix: &str| read::<f64>(&like, &case.0, &format!("{prefix}.")).unwrap();
    let start = Parameters {
        values: theirs("before"),
        ..like.clone()
    };
    let moments = Moments::new(start.values.len());
    let check = |what: &str, difference: f64| {
        println!("incontext, {what}: largest difference {difference:.1e}");
        assert!(difference <= 1e-12, "{what}: {difference:e}");
    };
    let mut trainer = Trainer::resumed(&problem, &recipe, 0, 0, start, moments, Vec::new());
    let measure = trainer.measure().all;
    check(
        "loss",
        (measure.train_loss / case.number("loss") - 1.0).abs(),
    );
    check("cost", (measure.cost / case.number("cost") - 1.0).abs());
    check(
        "gradient",
        largest(&trainer.gradient(), &theirs("gradient")),
    );
    trainer.advance(1);
    check(
        "one step",
        largest(&trainer.state().0.values, &theirs("one")),
    );
    trainer.advance(3);
    let after = trainer.state().0.clone();
    check(
        "three steps and swaps",
        largest(&after.values, &theirs("relocated")),
    );
    assert_eq!(after.in_perm, case.order("relocated.in_perm"));
    assert_eq!(after.out_perm, case.order("relocated.out_perm"));
    let moves = case.0.tensors["relocated.moves"].shape[0];
    assert_eq!(trainer.swaps().0, moves);
    let measure = trainer.measure().all;
    check(
        "loss after",
        (measure.train_loss / case.number("after_loss") - 1.0).abs(),
    );
    check(
        "cost after",
        (measure.cost / case.number("after_cost") - 1.0).abs(),
    );
    check(
        "gradient after",
        largest(&trainer.gradient(), &theirs("after")),
    );
}

#[test]
fn gradients_are_the_finite_differences() {
    let case = Case::open();
    let problem = problem(case.flat("inputs"), case.flat("labels"));
    let recipe = recipe();
    let mut trainer = Trainer::<f64>::new(&problem, &recipe, SMALL, 7);
    let start = trainer.state().0.clone();
    let gradient = trainer.gradient();
    let value_at = |index: usize, by: f64| {
        let mut moved = start.clone();
        moved.values[index] += by;
        let moments = Moments::new(moved.values.len());
        let at = Trainer::resumed(&problem, &recipe, 7, 0, moved, moments, Vec::new()).measure();
        at.all.train_loss + 0.5 * at.all.cost
    };
    let mut worst = 0.0_f64;
    for (index, slope) in gradient.iter().enumerate() {
        let numeric = (value_at(index, 1e-6) - value_at(index, -1e-6)) / 2e-6;
        worst = worst.max((numeric - slope).abs());
    }
    println!("gradient against finite differences: {worst:.1e}");
    assert!(
        gradient.iter().all(|g| *g != 0.0) && worst < 1e-8,
        "{worst:e}"
    );
}

/// The published form in a few steps, with swaps.
fn short(steps: usize) -> (Problem, Recipe) {
    let mut recipe = Task::InContext.recipe(Regime::Bimt).in_steps(steps);
    recipe.attention = Some(SMALL);
    recipe.swaps = Some(SwapRecipe::of_transformers(7));
    recipe.log_every = 10;
    (Task::InContext.problem(3), recipe)
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (problem, recipe) = short(20);
    let train = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mut trainer = Trainer::<f64>::new(&problem, &recipe, SMALL, 3);
            trainer.advance(20);
            assert!(trainer.swaps().0 > 0);
            (network(trainer.state().0), trainer.curve().to_vec())
        })
    };
    assert_eq!(train(1), train(3));
}

#[test]
fn a_resumed_training_ends_as_if_never_interrupted() {
    let (problem, recipe) = short(20);
    let mut whole = Trainer::<f64>::new(&problem, &recipe, SMALL, 3);
    whole.advance(20);
    let mut first = Trainer::<f64>::new(&problem, &recipe, SMALL, 3);
    first.advance(11);
    let stored = Checkpoint {
        path: "x".into(),
        sha256: String::new().into(),
        metadata: metadata(&snapshot(&first), &identity(&problem, &recipe, 3)),
        tensors: snapshot(&first),
        config: serde_json::Map::new(),
    };
    let mut second: Trainer<'_, f64> = resume(&problem, &recipe, SMALL, 3, &stored).unwrap();
    assert_eq!(second.step(), 11);
    second.advance(20);
    assert_eq!(second.state(), whole.state());
    assert_eq!(second.curve(), whole.curve());
    assert_eq!(output::curve(whole.curve()).lines().count(), 4);
}

/// Trained from the command line, opened by the tool, whose outputs are those stored.
#[test]
fn a_transformer_is_trained_and_opened() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| {
        let mut command = Command::cargo_bin("modscope").unwrap();
        command
            .current_dir(folder.path())
            .args(line.split_whitespace());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap();
        (code, text(&output.stdout) + &text(&output.stderr))
    };
    let line =
        "train incontext --steps 6 --swap-every 2 --heads 2 --film --snapshot-every 3 --out t";
    let (code, said) = run(line);
    assert_eq!(code, 0, "{said}");
    assert!(folder.path().join("t/film.html").is_file());
    assert!(
        folder
            .path()
            .join("t.snapshots/000003.safetensors")
            .is_file()
    );
    let model = Checkpoint::open(&folder.path().join("t")).unwrap();
    assert_eq!(
        model.tensors["blocks.1.attn.l_attn.linear.weight"].shape,
        [96, 32]
    );
    assert_eq!(model.tensors["ln_f.weight"].shape, [32]);
    assert_eq!(model.config["n_head"], 2);
    assert_eq!(model.config["swap_every"], 2);
    assert_eq!(model.config["n_parameters"], 25_638);
    let (code, said) = run("inspect t");
    assert!(code == 0 && said.contains("bimt-transformer"), "{said}");

    let (code, said) = run("train incontext --heads 3 --out u");
    assert!(code == 2 && said.contains("--heads"), "{said}");
    let (code, said) = run("train incontext --loss cross_entropy --out u");
    assert!(code == 2 && said.contains("mse"), "{said}");
}

/// The form has the published configuration's widths and number of parameters.
#[test]
fn the_form_is_the_published_one() {
    let (problem, recipe) = (
        Task::InContext.problem(0),
        Task::InContext.recipe(Regime::Bimt),
    );
    let form = Form::new(&problem, &recipe, recipe.attention.unwrap());
    assert_eq!(form.shape(), [2, 32, 32, 32, 128, 32, 32, 32, 128, 32, 2]);
    let numbers = form.wires().last().unwrap().slot.end;
    assert_eq!(numbers, 25_634 - 10 * 32);
}

/// The variance of y is 1.48; guessing well at the last position takes the context.
#[test]
fn a_short_training_learns_from_the_context() {
    let problem = Task::InContext.problem(0);
    let recipe = Task::InContext.recipe(Regime::Vanilla).in_steps(1000);
    let shape = recipe.attention.unwrap();
    let mut trainer = Trainer::<f64>::new(&problem, &recipe, shape, 0);
    trainer.advance(1000);
    let curve = trainer.curve();
    let (first, last) = (curve[0], curve[curve.len() - 1]);
    println!(
        "test loss at the last position: {:.3} to {:.2e}",
        first.test_last, last.test_last
    );
    assert!(first.test_last > 1.0 && last.test_last < 0.1, "{last:?}");
    assert!((last.all.test_loss - 0.74).abs() < 0.1, "{last:?}");
}
