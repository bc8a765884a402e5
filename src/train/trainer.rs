//! The training loop: step by step, from a fresh network or from where one stopped.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::blocks::{Block, blocks};
use super::cost;
use super::loss::Score;
use super::parameters::Parameters;
use super::pass::{Pass, Rules, Tables, add_up};
use super::recipe::Recipe;
use super::streams::{STREAM_EPOCHS, STREAM_WEIGHTS};
use super::swaps::Wiring;
use super::task::{Problem, Samples};
use crate::model::Mlp;
use crate::numeric::adamw::{self, Moments};
use crate::numeric::{Rng, Scalar, parallel};

/// One row of the training curve: the network before the update of a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Updates made so far.
    pub step: usize,
    /// λ of the next update.
    pub lambda: f64,
    /// Mean loss over the training samples.
    pub train_loss: f64,
    /// Mean loss over the test samples.
    pub test_loss: f64,
    /// Share of training samples that are right; `None` for targets.
    pub train_accuracy: Option<f64>,
    /// Share of test samples that are right; `None` for targets.
    pub test_accuracy: Option<f64>,
    /// The connection cost, without λ.
    pub cost: f64,
    /// Weights above 0.01 in magnitude.
    pub edges: usize,
}

/// Weights of at most this magnitude count as gone, as in the published figures.
pub const THRESHOLD: f64 = 0.01;

/// Whether a weight counts as an edge. One that is no number is not gone.
pub(super) fn is_edge<T: Scalar>(weight: T) -> bool {
    let size = weight.widen().abs();
    size.is_nan() || size > THRESHOLD
}

/// A training under way.
#[derive(Debug)]
pub struct Trainer<'a, T> {
    problem: &'a Problem,
    recipe: &'a Recipe,
    seed: u64,
    step: usize,
    parameters: Parameters<T>,
    moments: Moments<T>,
    curve: Vec<Measure>,
    swaps: usize,
    swapping: Duration,
    work: Work<T>,
}

/// Buffers and what follows from recipe and parameters.
#[derive(Debug)]
struct Work<T> {
    blocks: Vec<Block<T>>,
    passes: Vec<Pass<T>>,
    tables: Tables<T>,
    gradient: Vec<T>,
    costs: Vec<T>,
    wiring: Option<Wiring>,
    epoch: Option<(usize, Vec<usize>)>,
}

impl<'a, T: Scalar> Trainer<'a, T> {
    /// A fresh network.
    #[must_use]
    pub fn new(problem: &'a Problem, recipe: &'a Recipe, seed: u64) -> Self {
        let form = problem.form(recipe);
        let parameters = Parameters::fresh(form, &mut Rng::new(seed, STREAM_WEIGHTS));
        let moments = Moments::new(parameters.values.len());
        Self::resumed(problem, recipe, seed, 0, parameters, moments, Vec::new())
    }

    /// A training as it stood after `step` updates.
    #[must_use]
    pub fn resumed(
        problem: &'a Problem,
        recipe: &'a Recipe,
        seed: u64,
        step: usize,
        parameters: Parameters<T>,
        moments: Moments<T>,
        curve: Vec<Measure>,
    ) -> Self {
        let work = Work::new(problem, recipe, &parameters, step);
        Self {
            problem,
            recipe,
            seed,
            step,
            parameters,
            moments,
            curve,
            swaps: 0,
            swapping: Duration::ZERO,
            work,
        }
    }

    /// Updates made so far.
    #[must_use]
    pub fn step(&self) -> usize {
        self.step
    }

    /// The network as it stands, with the optimiser's memory.
    #[must_use]
    pub fn state(&self) -> (&Parameters<T>, &Moments<T>) {
        (&self.parameters, &self.moments)
    }

    /// The training curve so far.
    #[must_use]
    pub fn curve(&self) -> &[Measure] {
        &self.curve
    }

    /// Exchanges of neurons made since the start or the resumption.
    #[must_use]
    pub fn swaps(&self) -> usize {
        self.swaps
    }

    /// Time spent in swaps since then.
    #[must_use]
    pub fn swapping(&self) -> Duration {
        self.swapping
    }

    /// The network as it stands.
    #[must_use]
    pub fn network(&self) -> Mlp<T> {
        self.parameters.to_mlp(self.recipe.activation)
    }

    /// Trains until `step` updates are made, or all of the recipe's.
    pub fn advance(&mut self, step: usize) {
        while self.step < step.min(self.recipe.steps) {
            if self.step.is_multiple_of(self.recipe.log_every.max(1)) {
                self.log();
            }
            self.update();
            self.swap();
        }
        if self.step == self.recipe.steps {
            self.log();
        }
    }

    /// Adds a row to the curve, unless this step has one.
    fn log(&mut self) {
        if self.curve.last().is_none_or(|row| row.step < self.step) {
            let row = self.measure();
            self.curve.push(row);
        }
    }

    /// Loss, accuracy, cost and edges as they stand.
    #[must_use]
    pub fn measure(&self) -> Measure {
        let train = self.score(&self.problem.train);
        let test = self.score(&self.problem.test);
        let classes = self.recipe.loss.has_classes();
        let mean = |score: Score, of: &Samples| score.loss / of.len() as f64;
        let accuracy =
            |score: Score, of: &Samples| classes.then(|| score.hits as f64 / of.len() as f64);
        Measure {
            step: self.step,
            lambda: self.recipe.cost.lambda.at(self.step),
            train_loss: mean(train, &self.problem.train),
            test_loss: mean(test, &self.problem.test),
            train_accuracy: accuracy(train, &self.problem.train),
            test_accuracy: accuracy(test, &self.problem.test),
            cost: cost::total(&self.parameters.values, &self.work.costs),
            edges: self.edges(),
        }
    }

    fn edges(&self) -> usize {
        let large = |w: &&T| is_edge(**w);
        let layers = 0..self.parameters.form.depth();
        layers
            .map(|layer| self.parameters.weights(layer).iter().filter(large).count())
            .sum()
    }

    fn score(&self, samples: &Samples) -> Score {
        let all: Vec<usize> = (0..samples.len()).collect();
        let mut tables = Tables::new(&self.parameters);
        tables.fill(&self.parameters);
        let blocks = blocks(samples, &all, &self.parameters);
        let scores = parallel::map(&blocks, |block| {
            let mut pass = Pass::new(&self.parameters, block.len());
            pass.score(&self.parameters, &tables, block, rules(self.recipe))
        });
        scores.into_iter().fold(Score::default(), Score::plus)
    }

    /// The gradient of loss + λ cost at the next step, in the order of [`Parameters::values`].
    ///
    /// Where a value is 0, so is the gradient of its cost.
    #[must_use]
    pub fn gradient(&mut self) -> Vec<T> {
        self.differentiate();
        let lambda = T::from_f64(self.recipe.cost.lambda.at(self.step));
        let of_cost = |(value, cost): (&T, &T)| {
            if *value == T::zero() {
                T::zero()
            } else {
                lambda * *cost * value.signum()
            }
        };
        let of_costs = self
            .parameters
            .values
            .iter()
            .zip(&self.work.costs)
            .map(of_cost);
        self.work
            .gradient
            .iter()
            .zip(of_costs)
            .map(|(a, b)| *a + b)
            .collect()
    }

    /// Computes the gradient of the loss at the next step.
    fn differentiate(&mut self) {
        self.draw_batch();
        if self.step == self.recipe.cost.biases_from {
            self.work.costs = cost::costs(&self.parameters.form, self.recipe, true);
        }
        self.work
            .differentiate(&self.parameters, rules(self.recipe));
    }

    /// One update.
    fn update(&mut self) {
        self.differentiate();
        let lambda = self.recipe.cost.lambda.at(self.step);
        self.step += 1;
        adamw::update(
            &mut self.parameters.values,
            &mut self.moments,
            &self.work.gradient,
            (lambda, &self.work.costs),
            self.recipe.adamw,
            self.step,
        );
    }

    /// Swaps neurons where the recipe has it due.
    fn swap(&mut self) {
        let Some(wiring) = &self.work.wiring else {
            return;
        };
        let due = |every: usize| self.step.is_multiple_of(every.max(1));
        if self.recipe.swaps.is_some_and(|swaps| due(swaps.every)) {
            let start = Instant::now();
            let made = wiring.relocate(&mut self.parameters).len();
            self.swaps += made;
            self.swapping += start.elapsed();
            if made > 0 && self.recipe.batch.is_none() {
                self.work.arrange(&self.problem.train, &self.parameters);
            }
        }
    }

    /// The samples of the next update, where they change from one to the next.
    fn draw_batch(&mut self) {
        let Some(size) = self.recipe.batch else {
            return;
        };
        let samples = self.problem.train.len();
        let per_epoch = samples.div_ceil(size.max(1));
        let (epoch, index) = (self.step / per_epoch, self.step % per_epoch);
        if self
            .work
            .epoch
            .as_ref()
            .is_none_or(|(drawn, _)| *drawn != epoch)
        {
            let mut rng = Rng::new(self.seed, STREAM_EPOCHS + epoch as u64);
            self.work.epoch = Some((epoch, rng.permutation(samples)));
        }
        if let Some((_, order)) = &self.work.epoch {
            let chosen = &order[index * size..samples.min((index + 1).saturating_mul(size))];
            self.work.blocks = blocks(&self.problem.train, chosen, &self.parameters);
            self.work.fit(&self.parameters);
        }
    }
}

impl<T: Scalar> Work<T> {
    fn new(problem: &Problem, recipe: &Recipe, parameters: &Parameters<T>, step: usize) -> Self {
        let swaps = recipe.swaps;
        let mut work = Self {
            blocks: Vec::new(),
            passes: Vec::new(),
            tables: Tables::new(parameters),
            gradient: vec![T::zero(); parameters.values.len()],
            costs: cost::costs(&parameters.form, recipe, step >= recipe.cost.biases_from),
            wiring: swaps.map(|swaps| Wiring::new(parameters, recipe.space, &recipe.cost, swaps)),
            epoch: None,
        };
        if recipe.batch.is_none() {
            work.arrange(&problem.train, parameters);
        }
        work
    }

    /// Puts all samples into the order of the network's permutations.
    fn arrange(&mut self, samples: &Samples, parameters: &Parameters<T>) {
        let all: Vec<usize> = (0..samples.len()).collect();
        self.blocks = blocks(samples, &all, parameters);
        self.fit(parameters);
    }

    /// Makes buffers where those there are do not fit the blocks.
    fn fit(&mut self, parameters: &Parameters<T>) {
        let fits = |(pass, block): (&Pass<T>, &Block<T>)| pass.samples() == block.len();
        let same = self.passes.len() == self.blocks.len();
        if !same || !self.passes.iter().zip(&self.blocks).all(fits) {
            self.passes = self
                .blocks
                .iter()
                .map(|b| Pass::new(parameters, b.len()))
                .collect();
        }
    }

    /// The gradient of the mean loss over the blocks.
    fn differentiate(&mut self, parameters: &Parameters<T>, rules: Rules) {
        let Self {
            blocks,
            passes,
            tables,
            gradient,
            ..
        } = self;
        let of = blocks.iter().map(Block::len).sum();
        tables.fill(parameters);
        let work = |(pass, block): (&mut Pass<T>, &Block<T>)| {
            pass.backward(parameters, tables, block, rules, of);
        };
        if let ([pass], [block]) = (&mut passes[..], &blocks[..]) {
            work((pass, block));
        } else {
            parallel::map(passes.iter_mut().zip(&*blocks), work);
        }
        add_up(passes, parameters, tables, gradient);
    }
}

fn rules(recipe: &Recipe) -> Rules {
    Rules {
        activation: recipe.activation,
        loss: recipe.loss,
    }
}
