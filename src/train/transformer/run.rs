//! One training of a transformer from beginning to end.

use std::time::Instant;

use super::{Trainer, output, snapshot};
use crate::Result;
use crate::numeric::Scalar;
use crate::train::course::{Course, Finished, Job, Observer, fault, follow};
use crate::train::film::{self, Frame};
use crate::train::output::{Spent, Tensors};
use crate::train::recipe::Attention;
use crate::train::summary::{Summary, summary};

/// Runs a job.
///
/// # Errors
/// As [`run`](crate::train::run::run) does.
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
    let (mut frames, training) = follow(&mut trainer, job, observer)?;
    let spent = Spent {
        training,
        relocating: trainer.swaps().1.as_secs_f64(),
        total: started.elapsed().as_secs_f64(),
        peak_memory_bytes: (observer.peak_memory)(),
    };
    frames.push(Course::frame(&trainer));
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

impl<T: Scalar> Course for Trainer<'_, T> {
    fn step(&self) -> usize {
        self.step()
    }

    fn advance(&mut self, step: usize) {
        self.advance(step);
    }

    fn frame(&self) -> Frame {
        film::frame(&self.state().0.picture(), &self.measure().all)
    }

    fn snapshot(&self) -> Tensors {
        snapshot::snapshot(self)
    }

    fn fault(&self) -> Option<&'static str> {
        fault(&self.state().0.values, self.curve().last().map(|m| &m.all))
    }
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
