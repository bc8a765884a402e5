//! Trainings repeat: bit for bit, on any number of threads, and after an interruption.

#![allow(clippy::unwrap_used, clippy::panic)] // A training that fails should fail loudly.

use std::path::Path;
use std::process::Command;

use modscope::checkpoint::Checkpoint;
use modscope::train::output::{self, Tensors};
use modscope::train::recipe::{Recipe, SwapRecipe};
use modscope::train::run::{Job, Observer, data_metadata, run};
use modscope::train::{Problem, Regime, Task, Trainer, snapshot};

/// A recipe in a few steps, with swaps in between.
fn short(task: Task, steps: usize) -> (Problem, Recipe) {
    let mut recipe = task.recipe(Regime::Bimt).in_steps(steps);
    recipe.swaps = recipe.swaps.map(|s| SwapRecipe { every: 7, ..s });
    recipe.log_every = 5;
    (task.problem(3), recipe)
}

fn checkpoint(tensors: Tensors, training: String) -> Checkpoint {
    let metadata = snapshot::metadata(&tensors, &training);
    let blank = Checkpoint {
        path: "x".into(),
        sha256: String::new().into(),
        tensors,
        metadata,
        config: serde_json::Map::new(),
    };
    Checkpoint::from_bytes("x", &blank.to_bytes().unwrap(), None).unwrap()
}

/// The line in `fixtures/README.md`, on a machine with fused multiply-add (the
/// products' last bits are its own).
#[test]
fn the_embedded_example_repeats_bit_for_bit() {
    #[cfg(target_arch = "x86_64")]
    let fused = std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let fused = false;
    if !fused {
        println!("skipped: the fixture was made on x86-64 with fused multiply-add");
        return;
    }
    let (problem, recipe) = (
        Task::Independence.problem(1),
        Task::Independence.recipe(Regime::Bimt),
    );
    let mut trainer = Trainer::<f32>::new(&problem, &recipe, 1);
    trainer.advance(recipe.steps);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/independence-bimt");
    let model = Checkpoint::open(&folder.join("model.safetensors")).unwrap();
    assert_eq!(model.tensors, trainer.network().to_bimt());
    let data = Checkpoint::open(&folder.join("data.safetensors")).unwrap();
    assert_eq!(data.tensors, output::data(&trainer, &problem, &recipe));
    assert_eq!(data.metadata, data_metadata(&problem, &recipe));
    let curve = std::fs::read_to_string(folder.join("curve.csv")).unwrap();
    assert_eq!(curve, output::curve(trainer.curve()));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (problem, recipe) = short(Task::ModularAddition { modulus: 37 }, 30);
    let train = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut trainer = Trainer::<f64>::new(&problem, &recipe, 3);
            trainer.advance(30);
            assert!(trainer.swaps() > 0);
            (trainer.network().to_bimt(), trainer.curve().to_vec())
        })
    };
    let one = train(1);
    assert_eq!(train(2), one);
    assert_eq!(train(5), one);
}

/// Glyphs have batches, f32 and pixels that stay; modular addition tokens and f64.
#[test]
fn a_resumed_training_ends_as_if_never_interrupted() {
    resume::<f32>(Task::Glyphs);
    resume::<f64>(Task::ModularAddition { modulus: 11 });
}

fn resume<T: modscope::numeric::Scalar>(task: Task) {
    let (problem, recipe) = short(task, 40);
    let mut whole = Trainer::<T>::new(&problem, &recipe, 3);
    whole.advance(40);
    let mut first = Trainer::<T>::new(&problem, &recipe, 3);
    first.advance(17);
    let stored = checkpoint(
        snapshot::snapshot(&first),
        snapshot::identity(&problem, &recipe, 3),
    );
    let mut second: Trainer<'_, T> = snapshot::resume(&problem, &recipe, 3, &stored).unwrap();
    assert_eq!(second.step(), 17);
    second.advance(40);
    assert_eq!(second.state(), whole.state(), "{task}");
    assert_eq!(second.curve(), whole.curve(), "{task}");
}

#[test]
fn a_snapshot_of_another_training_is_refused() {
    let (problem, recipe) = short(Task::TwoMoon, 10);
    let trainer = Trainer::<f32>::new(&problem, &recipe, 3);
    let mut other = recipe.clone();
    other.adamw.learning_rate = 0.5;
    let identity = snapshot::identity(&problem, &other, 3);
    let stored = checkpoint(snapshot::snapshot(&trainer), identity);
    let refused = snapshot::resume::<f32>(&problem, &recipe, 3, &stored).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("lr = 0.5; this training has 0.002"), "{said}");
}

/// The published names and shapes, loaded by torch, give the outputs that are stored.
#[test]
fn torch_loads_what_is_written() {
    let python = |code: &str, folder: &Path| {
        Command::new("python3")
            .args(["-c", code])
            .arg(folder)
            .output()
    };
    let there = python("import torch, safetensors", Path::new("."));
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 with torch and safetensors is not installed");
        return;
    }
    let tasks = [
        Task::Independence,
        Task::ModularAddition { modulus: 11 },
        Task::InContext,
    ];
    for task in tasks {
        let folder = tempfile::tempdir().unwrap();
        let (problem, recipe) = short(task, 60);
        let job = Job {
            place: folder.path(),
            problem: &problem,
            recipe: &recipe,
            seed: 3,
            resume: None,
            snapshot_every: None,
            film_every: None,
        };
        let observer = Observer {
            progress: &|_| {},
            snapshot: &|_, _| Ok("x".into()),
            interrupted: || false,
            peak_memory: || 0,
        };
        let finished = run(&job, &observer).unwrap();
        for (name, tensors) in [("model", finished.model), ("data", finished.data)] {
            let path = folder.path().join(format!("{name}.safetensors"));
            checkpoint(tensors, String::new()).write(&path).unwrap();
        }
        let output = python(include_str!("common/bimt.py"), folder.path()).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("{task}: torch differs by {said}");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(said.trim().parse::<f64>().unwrap() < 1e-5);
    }
}
