//! One training of a transformer from beginning to end.

use std::time::Instant;

use super::{Trainer, output, snapshot};
use crate::Result;
use crate::numeric::Scalar;
use crate::train::film::{self, Frame};
use crate::train::output::Spent;
use crate::train::recipe::Attention;
use crate::train::run::{Finished, Job, Observer, due};
use crate::train::summary::{Summary, summary};

/// Runs a job.
///
/// # Errors
/// If the snapshot to go on from is of another training, or one cannot be written.
pub fn train<T: Scalar>(
    job: &Job<'_>,
    shape: Attention,
    observer: &Observer<'_>,
) -> Result<Finished> {
    let started = Instant::now();
    let (problem, recipe, seed) = (job.problem, job.recipe, job.seed);
    let mut trainer: Trainer<'_, T> = match job.resume {
        Some(from) => snapshot::resume(problem, recipe, shape, seed, from)?,
        None => Trainer::new(problem, recipe, shape, seed),
    };
    let mut frames = Vec::new();
    let mut training = 0.0;
    while trainer.step() < recipe.steps {
        if due(job.film_every, trainer.step()) {
            frames.push(frame(&trainer));
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
        relocating: trainer.swaps().1.as_secs_f64(),
        total: started.elapsed().as_secs_f64(),
        peak_memory_bytes: (observer.peak_memory)(),
    };
    frames.push(frame(&trainer));
    let page = || film::page(problem, recipe, seed, &frames);
    Ok(Finished {
        model: output::network(trainer.state().0),
        data: output::data(&trainer, problem, recipe),
        config: output::config(&trainer, problem, recipe, seed, spent),
        curve: output::curve(trainer.curve()),
        film: job.film_every.map(|_| page()),
        summary: in_numbers(job, &trainer, spent),
    })
}

fn frame<T: Scalar>(trainer: &Trainer<'_, T>) -> Frame {
    film::frame(&trainer.state().0.picture(), &trainer.measure().all)
}

/// The summary: modules are those of the picture, edges and wiring those of all weights.
fn in_numbers<T: Scalar>(job: &Job<'_>, trainer: &Trainer<'_, T>, spent: Spent) -> Summary {
    let parameters = trainer.state().0;
    let last = trainer.measure().all;
    let weights = |wire| parameters.weights(wire).len();
    let edges_total = parameters.wires.iter().map(weights).sum::<usize>();
    Summary {
        edges_total,
        sparsity: 1.0 - last.edges as f64 / edges_total as f64,
        seconds: spent.training,
        peak_memory_bytes: spent.peak_memory_bytes,
        ..summary(
            &parameters.picture(),
            job.problem,
            job.recipe,
            job.seed,
            last,
        )
    }
}
