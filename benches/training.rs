//! Speed of a training step: a symbolic formula, modular addition, and a transformer.
//!
//! `benches/training.py` times the same steps beside PyTorch's.
#![allow(clippy::expect_used, reason = "a bench may stop")]
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use modscope::train::recipe::Recipe;
use modscope::train::{Problem, Regime, Task, Trainer, transformer};

/// A task whose recipe neither ends nor measures while it is timed.
fn endless(task: Task) -> (Problem, Recipe) {
    let mut recipe = task.recipe(Regime::Bimt);
    (recipe.steps, recipe.log_every) = (usize::MAX, usize::MAX);
    (task.problem(0), recipe)
}

fn steps(criterion: &mut Criterion) {
    let (problem, recipe) = endless(Task::Independence);
    let mut trainer = Trainer::<f32>::new(&problem, &recipe, 0);
    criterion.bench_function("independence, 100 samples, f32", |b| {
        b.iter(|| trainer.advance(trainer.step() + 1));
    });
    let (problem, recipe) = endless(Task::ModularAddition { modulus: 59 });
    let mut trainer = Trainer::<f64>::new(&problem, &recipe, 0);
    criterion.bench_function("modular addition of 59, 2784 samples, f64", |b| {
        b.iter(|| trainer.advance(trainer.step() + 1));
    });
    let (problem, recipe) = endless(Task::InContext);
    let shape = recipe.attention.expect("it is a transformer's recipe");
    let mut trainer = transformer::Trainer::<f64>::new(&problem, &recipe, shape, 0);
    criterion.bench_function("in-context regression, 64 sequences, f64", |b| {
        b.iter(|| trainer.advance(trainer.step() + 1));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = steps
}
criterion_main!(benches);
