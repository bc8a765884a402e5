//! One training from beginning to end: a job → the contents of its files.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;

use super::course::{Course, fault, follow};
pub use super::course::{Finished, Job, Moment, Observer};
use super::film::{self, Frame};
use super::output::{self, Spent, Tensors};
use super::recipe::{Precision, Recipe};
use super::snapshot;
use super::summary::{Summary, summary};
use super::task::Problem;
use super::trainer::Trainer;
use super::transformer;
use crate::Result;
use crate::data::Domain;
use crate::numeric::Scalar;

/// Runs a job in the precision of its recipe.
///
/// # Errors
/// If the snapshot to go on from is of another training, if weights or loss stop being
/// numbers, or if it is interrupted.
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
    let (frames, training) = follow(&mut trainer, job, observer)?;
    let spent = Spent {
        training,
        relocating: trainer.swapping().as_secs_f64(),
        total: started.elapsed().as_secs_f64(),
        peak_memory_bytes: (observer.peak_memory)(),
    };
    Ok(finish(job, &trainer, frames, spent))
}

impl<T: Scalar> Course for Trainer<'_, T> {
    fn step(&self) -> usize {
        self.step()
    }

    fn advance(&mut self, step: usize) {
        self.advance(step);
    }

    fn frame(&self) -> Frame {
        film::frame(self.state().0, &self.measure())
    }

    fn snapshot(&self) -> Tensors {
        snapshot::snapshot(self)
    }

    fn fault(&self) -> Option<&'static str> {
        fault(&self.state().0.values, self.curve().last())
    }
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
        model: trainer.network().to_bimt(),
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
        Domain::Boxes(boxes) => json!({ "boxes": boxes }),
        Domain::Tokens => json!("tokens"),
    });
    metadata.extend(domain.map(|domain| ("domain".to_owned(), domain.to_string())));
    metadata
}
