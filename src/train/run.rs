//! One training from beginning to end: a job → the contents of its files.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::film::{self, Frame};
use super::output::{self, Spent, Tensors};
use super::recipe::{Precision, Recipe};
use super::snapshot;
use super::summary::{Summary, summary};
use super::task::Problem;
use super::trainer::Trainer;
use super::transformer;
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::data::Domain;
use crate::numeric::Scalar;

/// What to train.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The task's samples.
    pub problem: &'a Problem,
    /// The hyper-parameters.
    pub recipe: &'a Recipe,
    /// Of everything that is drawn at random.
    pub seed: u64,
    /// A snapshot to go on from.
    pub resume: Option<&'a Checkpoint>,
    /// Steps from one snapshot to the next.
    pub snapshot_every: Option<usize>,
    /// Steps from one frame of the film to the next.
    pub film_every: Option<usize>,
}

/// Who is told while a training runs.
pub struct Observer<'a> {
    /// Gets the number of updates made, now and then.
    pub progress: &'a (dyn Fn(usize) + Sync),
    /// Gets each snapshot and the step it was taken at.
    pub snapshot: &'a (dyn Fn(usize, Tensors) -> Result<()> + Sync),
    /// The largest resident memory of the process so far, in bytes.
    pub peak_memory: fn() -> u64,
}

/// A finished training.
#[derive(Debug)]
pub struct Finished {
    /// Of `model.safetensors`.
    pub model: Tensors,
    /// Of `data.safetensors`.
    pub data: Tensors,
    /// Of `config.json`.
    pub config: Map<String, Value>,
    /// Of `curve.csv`.
    pub curve: String,
    /// Of `film.html`, where one was asked for.
    pub film: Option<String>,
    /// What a table shows.
    pub summary: Summary,
}

/// Runs a job in the precision of its recipe.
///
/// # Errors
/// If the snapshot to go on from is of another training, or one cannot be written.
pub fn run(job: &Job<'_>, observer: &Observer<'_>) -> Result<Finished> {
    match (job.recipe.attention, job.recipe.precision) {
        (None, Precision::F32) => train::<f32>(job, observer),
        (None, Precision::F64) => train::<f64>(job, observer),
        (Some(shape), Precision::F32) => transformer::run::train::<f32>(job, shape, observer),
        (Some(shape), Precision::F64) => transformer::run::train::<f64>(job, shape, observer),
    }
}

fn train<T: Scalar>(job: &Job<'_>, observer: &Observer<'_>) -> Result<Finished> {
    let started = Instant::now();
    let mut trainer: Trainer<'_, T> = match job.resume {
        Some(from) => snapshot::resume(job.problem, job.recipe, job.seed, from)?,
        None => Trainer::new(job.problem, job.recipe, job.seed),
    };
    let mut frames = Vec::new();
    let mut training = 0.0;
    while trainer.step() < job.recipe.steps {
        if due(job.film_every, trainer.step()) {
            frames.push(film::frame(trainer.state().0, &trainer.measure()));
        }
        let leg = Instant::now();
        trainer.advance(job.next_stop(trainer.step()));
        training += leg.elapsed().as_secs_f64();
        (observer.progress)(trainer.step());
        if due(job.snapshot_every, trainer.step()) {
            (observer.snapshot)(trainer.step(), snapshot::snapshot(&trainer))?;
        }
    }
    let spent = Spent {
        training,
        relocating: trainer.swapping().as_secs_f64(),
        total: started.elapsed().as_secs_f64(),
        peak_memory_bytes: (observer.peak_memory)(),
    };
    Ok(finish(job, &trainer, frames, spent))
}

fn finish<T: Scalar>(
    job: &Job<'_>,
    trainer: &Trainer<'_, T>,
    mut frames: Vec<Frame>,
    spent: Spent,
) -> Finished {
    let last = trainer.measure();
    let network = trainer.state().0;
    frames.push(film::frame(network, &last));
    let page = || film::page(job.problem, job.recipe, job.seed, &frames);
    Finished {
        model: output::network(&trainer.network()),
        data: output::data(trainer, job.problem, job.recipe),
        config: output::config(trainer, job.problem, job.recipe, job.seed, spent),
        curve: output::curve(trainer.curve()),
        film: job.film_every.map(|_| page()),
        summary: Summary {
            seconds: spent.training,
            peak_memory_bytes: spent.peak_memory_bytes,
            ..summary(network, job.problem, job.recipe, job.seed, last)
        },
    }
}

/// What the header of `data.safetensors` says of the task.
#[must_use]
pub fn data_metadata(problem: &Problem, recipe: &Recipe) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::from([
        ("name".to_owned(), problem.name.clone()),
        ("inputs".to_owned(), json!(problem.inputs).to_string()),
        ("outputs".to_owned(), json!(problem.outputs).to_string()),
        ("loss".to_owned(), recipe.loss.to_string()),
    ]);
    let domain = problem.domain.as_ref().map(|domain| match domain {
        Domain::Box(bounds) => json!({ "box": bounds }),
        Domain::Tokens => json!("tokens"),
    });
    metadata.extend(domain.map(|domain| ("domain".to_owned(), domain.to_string())));
    metadata
}

impl Job<'_> {
    /// The next step at which something is due; progress is told a hundred times.
    pub(super) fn next_stop(&self, step: usize) -> usize {
        let after = |every: usize| (step / every + 1) * every;
        let told = (self.recipe.steps / 100).max(1);
        [Some(told), self.snapshot_every, self.film_every]
            .into_iter()
            .flatten()
            .filter(|every| *every > 0)
            .map(after)
            .fold(self.recipe.steps, usize::min)
    }
}

pub(super) fn due(every: Option<usize>, step: usize) -> bool {
    every.is_some_and(|every| every > 0 && step.is_multiple_of(every))
}
