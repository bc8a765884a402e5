//! What every training goes through from step to step, whatever the network is.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value};

use super::film::Frame;
use super::output::Tensors;
use super::recipe::Recipe;
use super::summary::Summary;
use super::task::Problem;
use super::trainer::Measure;
use crate::checkpoint::Checkpoint;
use crate::numeric::Scalar;
use crate::{ErrorKind, Result};

/// What to train.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Where the result will be: errors name it.
    pub place: &'a Path,
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
    /// Gets each snapshot and what it was taken for, and says where it is kept.
    pub snapshot: &'a (dyn Fn(Moment, Tensors) -> Result<PathBuf> + Sync),
    /// Says whether the training is to stop.
    pub interrupted: fn() -> bool,
    /// The largest resident memory of the process so far, in bytes.
    pub peak_memory: fn() -> u64,
}

/// What a snapshot is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It was asked for after so many updates.
    Due(usize),
    /// The training was interrupted.
    Interrupted,
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

/// A training that goes on step by step.
pub(super) trait Course {
    /// Updates made so far.
    fn step(&self) -> usize;
    /// Trains until so many updates are made.
    fn advance(&mut self, step: usize);
    /// The network as a film shows it.
    fn frame(&self) -> Frame;
    /// Everything that going on from here needs.
    fn snapshot(&self) -> Tensors;
    /// What is no finite number any more, if anything is.
    fn fault(&self) -> Option<&'static str>;
}

/// Which of a network's weights and its last losses is no finite number.
pub(super) fn fault<T: Scalar>(values: &[T], last: Option<&Measure>) -> Option<&'static str> {
    let finite = |m: &Measure| m.train_loss.is_finite() && m.test_loss.is_finite();
    if !values.iter().all(|w| w.widen().is_finite()) {
        Some("a weight")
    } else if !last.is_none_or(finite) {
        Some("the loss")
    } else {
        None
    }
}

/// Trains to the end, and gives the frames of the film and the seconds it took.
///
/// # Errors
/// If weights or loss stop being numbers, if it is interrupted, or a snapshot cannot be
/// written.
pub(super) fn follow(
    course: &mut impl Course,
    job: &Job<'_>,
    observer: &Observer<'_>,
) -> Result<(Vec<Frame>, f64)> {
    let mut frames = Vec::new();
    let mut training = 0.0;
    while course.step() < job.recipe.steps {
        if due(job.film_every, course.step()) {
            frames.push(course.frame());
        }
        let leg = Instant::now();
        course.advance(job.next_stop(course.step()));
        training += leg.elapsed().as_secs_f64();
        let step = course.step();
        if let Some(what) = course.fault() {
            return Err(ErrorKind::Diverged { what, step }.at(job.place));
        }
        (observer.progress)(step);
        if due(job.snapshot_every, step) {
            (observer.snapshot)(Moment::Due(step), course.snapshot())?;
        }
        if step < job.recipe.steps && (observer.interrupted)() {
            let path = (observer.snapshot)(Moment::Interrupted, course.snapshot())?;
            return Err(ErrorKind::Interrupted { step }.at(path));
        }
    }
    Ok((frames, training))
}

impl Job<'_> {
    /// The next step at which something is due; progress is told, and interruptions are
    /// heeded, a thousand times and at least every twenty steps.
    pub(super) fn next_stop(&self, step: usize) -> usize {
        let after = |every: usize| (step / every + 1).saturating_mul(every);
        let told = (self.recipe.steps / 1000).clamp(1, 20);
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
