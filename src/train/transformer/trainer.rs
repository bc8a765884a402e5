//! The training loop of transformers: regression at every second position.

use std::time::{Duration, Instant};

use ndarray::{Array2, ArrayView2};

use super::form::Form;
use super::parameters::Parameters;
use super::swaps::Swapping;
use crate::data::{Inputs, Labels};
use crate::model::transformer::{Answers, SequenceInputs};
use crate::numeric::adamw::{self, Moments};
use crate::numeric::{Activation, Rng, Scalar, parallel};
use crate::train::cost;
use crate::train::recipe::{Attention, Recipe};
use crate::train::streams::{STREAM_EPOCHS, STREAM_WEIGHTS};
use crate::train::task::{Problem, Samples};
use crate::train::trainer::{Measure, is_edge};

/// The output that is trained; the others are free.
pub const TRAINED: usize = 0;

/// Positions from one that is asked to the next; the first is asked.
const STRIDE: usize = 2;

/// Samples of one forward pass of a measure.
const BLOCK: usize = 250;

/// One row of the training curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Over all positions that are trained.
    pub all: Measure,
    /// Mean training loss at the last position.
    pub train_last: f64,
    /// Mean test loss at the last position.
    pub test_last: f64,
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
    curve: Vec<Measured>,
    swaps: usize,
    swapping: Duration,
    costs: Vec<T>,
    gradient: Vec<T>,
}

impl<'a, T: Scalar> Trainer<'a, T> {
    /// A fresh network.
    #[must_use]
    pub fn new(problem: &'a Problem, recipe: &'a Recipe, shape: Attention, seed: u64) -> Self {
        let form = Form::new(problem, recipe, shape);
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
        curve: Vec<Measured>,
    ) -> Self {
        Self {
            costs: parameters
                .form
                .costs(recipe, step >= recipe.cost.biases_from),
            gradient: vec![T::zero(); parameters.values.len()],
            problem,
            recipe,
            seed,
            step,
            parameters,
            moments,
            curve,
            swaps: 0,
            swapping: Duration::ZERO,
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
    pub fn curve(&self) -> &[Measured] {
        &self.curve
    }

    /// Exchanges made since the start or the resumption, and the time they took.
    #[must_use]
    pub fn swaps(&self) -> (usize, Duration) {
        (self.swaps, self.swapping)
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
        if self.curve.last().is_none_or(|row| row.all.step < self.step) {
            let row = self.measure();
            self.curve.push(row);
        }
    }

    /// Losses, cost and edges as they stand.
    #[must_use]
    pub fn measure(&self) -> Measured {
        let [train, test] = [&self.problem.train, &self.problem.test].map(|s| self.losses(s));
        let large = |w: &&T| is_edge(**w);
        let edges = |wire| self.parameters.weights(wire).iter().filter(large).count();
        let all = Measure {
            step: self.step,
            lambda: self.recipe.cost.lambda.at(self.step),
            train_loss: train.0,
            test_loss: test.0,
            train_accuracy: None,
            test_accuracy: None,
            cost: cost::total(&self.parameters.values, &self.costs),
            edges: self.parameters.wires.iter().map(edges).sum(),
        };
        Measured {
            all,
            train_last: train.1,
            test_last: test.1,
        }
    }

    /// Mean loss over asked positions, and at the last one.
    fn losses(&self, samples: &Samples) -> (f64, f64) {
        let all: Vec<usize> = (0..samples.len()).collect();
        let model = self.parameters.to_model(self.recipe.activation);
        let blocks: Vec<&[usize]> = all.chunks(BLOCK).collect();
        let of_block = |chosen: &&[usize]| {
            let batch = Batch::new(samples, chosen, &self.parameters);
            let trace = model.forward(&batch.inputs, &batch.answers, batch.length);
            batch.squares(trace.end.outputs.view())
        };
        let squares: Vec<(f64, f64)> = parallel::map(&blocks, of_block);
        let (sum, last) = squares
            .into_iter()
            .fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
        let asked = asked(length(samples, &self.parameters.form)).len();
        let count = samples.len().max(1) as f64;
        (sum / (count * asked as f64), last / count)
    }

    /// The gradient of loss + λ cost at the next step, in the order of
    /// [`Parameters::values`]; where a value is 0, that of its cost is 0.
    #[must_use]
    pub fn gradient(&mut self) -> Vec<T> {
        self.differentiate();
        let lambda = T::from_f64(self.recipe.cost.lambda.at(self.step));
        let numbers = self.parameters.values.iter().zip(&self.costs);
        let slopes = numbers.zip(&self.gradient);
        slopes
            .map(|((value, cost), slope)| match *value == T::zero() {
                true => *slope,
                false => *slope + lambda * *cost * value.signum(),
            })
            .collect()
    }

    /// Computes the gradient of the loss at the next step.
    fn differentiate(&mut self) {
        if self.step == self.recipe.cost.biases_from {
            self.costs = self.parameters.form.costs(self.recipe, true);
        }
        let batch = Batch::new(&self.problem.train, &self.chosen(), &self.parameters);
        let model = self.parameters.to_model(self.recipe.activation);
        let trace = model.forward(&batch.inputs, &batch.answers, batch.length);
        let at_outputs = batch.slopes(trace.end.outputs.view());
        let gradient = model.backward_weights(&batch.inputs, &trace, at_outputs.view());
        self.parameters.flatten(&gradient, &mut self.gradient);
    }

    /// The samples of the next update: drawn with repetition, as in the authors'
    /// code, or all.
    fn chosen(&self) -> Vec<usize> {
        let samples = self.problem.train.len();
        match self.recipe.batch {
            Some(size) => {
                let mut rng = Rng::new(self.seed, STREAM_EPOCHS + self.step as u64);
                (0..size).map(|_| rng.below(samples)).collect()
            }
            None => (0..samples).collect(),
        }
    }

    /// One update.
    fn update(&mut self) {
        self.differentiate();
        let lambda = self.recipe.cost.lambda.at(self.step);
        self.step += 1;
        adamw::update(
            &mut self.parameters.values,
            &mut self.moments,
            &self.gradient,
            (lambda, &self.costs),
            self.recipe.adamw,
            self.step,
        );
    }

    /// Swaps where the recipe has it due.
    fn swap(&mut self) {
        let due = |every: usize| self.step.is_multiple_of(every.max(1));
        let Some(recipe) = self.recipe.swaps.filter(|swaps| due(swaps.every)) else {
            return;
        };
        let start = Instant::now();
        let swapping = Swapping {
            recipe,
            cost: &self.recipe.cost,
            space: self.recipe.space,
        };
        self.swaps += swapping.relocate(&mut self.parameters).len();
        self.swapping += start.elapsed();
    }
}

/// What a network answers at every position, `[samples, length · outputs]` by target,
/// to `inputs: [samples, length · features]`.
#[must_use]
pub fn forward<T: Scalar>(
    parameters: &Parameters<T>,
    activation: Activation,
    inputs: &Array2<f64>,
) -> Array2<T> {
    let (features, outputs) = (parameters.form.inputs, parameters.form.outputs);
    let (samples, length) = (inputs.nrows(), inputs.ncols() / features.max(1));
    let all: Vec<usize> = (0..samples).collect();
    let rows = sequences(inputs, &all, length, &parameters.in_perm);
    let answers = Answers::everywhere(samples, length);
    let model = parameters.to_model(activation);
    let trace = model.forward(&rows, &answers, length);
    let mut result = Array2::zeros((samples, length * outputs));
    for ((row, place), value) in trace.end.outputs.indexed_iter() {
        let column = row % length * outputs + parameters.out_perm[place];
        result[[row / length, column]] = *value;
    }
    result
}

/// Some samples as a network sees them.
struct Batch<T> {
    inputs: SequenceInputs<T>,
    answers: Answers,
    length: usize,
    /// One per reading.
    targets: Vec<T>,
    /// The physical output that is trained.
    place: usize,
}

impl<T: Scalar> Batch<T> {
    fn new(samples: &Samples, chosen: &[usize], parameters: &Parameters<T>) -> Self {
        let (form, length) = (&parameters.form, length(samples, &parameters.form));
        let asked = asked(length);
        let inputs = match &samples.inputs {
            Inputs::Values(values) => sequences(values, chosen, length, &parameters.in_perm),
            Inputs::Tokens(ids) => sequences(
                &ids.mapv(|id| id as f64),
                chosen,
                length,
                &parameters.in_perm,
            ),
        };
        let target = |(sample, position): (usize, usize)| match &samples.labels {
            Labels::Targets(y) => T::from_f64(y[[sample, position * form.outputs + TRAINED]]),
            Labels::Classes(classes) => T::from_f64(classes[sample] as f64),
        };
        let readings = chosen.iter().flat_map(|s| asked.iter().map(|p| (*s, *p)));
        let positions = Array2::from_shape_fn((chosen.len(), asked.len()), |(_, p)| asked[p]);
        let is_trained = |target: &usize| *target == TRAINED;
        Self {
            inputs,
            answers: Answers::new(positions, length),
            length,
            targets: readings.map(target).collect(),
            place: parameters.out_perm.iter().position(is_trained).unwrap_or(0),
        }
    }

    /// The gradient of the mean squared error at `outputs: [readings, outputs]`.
    fn slopes(&self, outputs: ArrayView2<'_, T>) -> Array2<T> {
        let factor = T::from_f64(2.0 / self.targets.len().max(1) as f64);
        let mut slopes = Array2::zeros(outputs.raw_dim());
        for (reading, target) in self.targets.iter().enumerate() {
            let place = [reading, self.place];
            slopes[place] = (outputs[place] - *target) * factor;
        }
        slopes
    }

    /// The sum of squared errors over all readings, and over the last of each sample.
    fn squares(&self, outputs: ArrayView2<'_, T>) -> (f64, f64) {
        let per_sample = self.answers.per_sample();
        let readings = self.targets.iter().enumerate();
        readings.fold((0.0, 0.0), |(sum, last), (reading, target)| {
            let square = (outputs[[reading, self.place]] - *target).widen().powi(2);
            let is_last = (reading + 1).is_multiple_of(per_sample);
            (sum + square, if is_last { last + square } else { last })
        })
    }
}

/// Positions per sample.
fn length(samples: &Samples, form: &Form) -> usize {
    samples.width() / form.inputs.max(1)
}

/// The positions that are asked.
fn asked(length: usize) -> Vec<usize> {
    (0..length).step_by(STRIDE).collect()
}

/// Rows of `values: [samples, length · features]` as `[samples · length, features]` in physical order.
fn sequences<T: Scalar>(
    values: &Array2<f64>,
    chosen: &[usize],
    length: usize,
    in_perm: &[usize],
) -> SequenceInputs<T> {
    let features = in_perm.len();
    let shape = (chosen.len() * length, features);
    SequenceInputs::Values(Array2::from_shape_fn(shape, |(row, q)| {
        let column = row % length * features + in_perm[q];
        T::from_f64(values[[chosen[row / length], column]])
    }))
}
