//! The hyper-parameters of a training, each a flag; defaults are the published ones.

use super::args::count;
use crate::numeric::Activation;
use crate::train::Recipe;
use crate::train::recipe::{Loss, Precision, Reduction, Schedule, Space, SwapRecipe};

/// What may differ from the published recipe of a task.
#[derive(Debug, Clone, clap::Args)]
#[command(
    next_help_heading = "Recipe (f: formulas, t: two_moon, a: modular_addition, p: permutation, i: images, r: incontext)"
)]
pub(super) struct RecipeArgs {
    /// Updates; schedules stretch with them [default: f 20000, t 10001, a p 20000, i 10000, r 20000]
    #[arg(long, value_name = "N", value_parser = count(0, 1_000_000_000))]
    steps: Option<usize>,
    /// Samples per update, 0 for all [default: all; i 100, r 64]
    #[arg(long, value_name = "N", value_parser = count(0, 1_000_000))]
    batch: Option<usize>,
    /// Widths of the hidden layers [default: f t 20,20; compositionality 20,20,20,20; a p 50,50; i 100,100; r 128]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = count(1, 1_000_000))]
    hidden: Option<Vec<usize>>,
    /// Numbers per token; width of a transformer's stream [default: a p r 32]
    #[arg(long, value_name = "N", value_parser = count(1, 1_000_000))]
    embedding: Option<usize>,
    /// Blocks of a transformer [default: r 2]
    #[arg(long, value_name = "N", value_parser = count(1, 1000))]
    blocks: Option<usize>,
    /// Heads of each block [default: r 1]
    #[arg(long, value_name = "N", value_parser = count(1, 1000))]
    heads: Option<usize>,
    /// Activation between linear layers [default: silu; r gelu_tanh]
    #[arg(long, value_name = "NAME")]
    activation: Option<Activation>,
    /// float32 or float64 [default: float32; a p r float64]
    #[arg(long, value_name = "NAME")]
    dtype: Option<Precision>,
    /// mse, cross_entropy or mse_onehot [default: f r mse, t a p cross_entropy, i mse_onehot]
    #[arg(long, value_name = "NAME")]
    loss: Option<Loss>,
    /// AdamW's step size [default: f t p 0.002, a i r 0.001]
    #[arg(allow_negative_numbers = true, long, value_name = "X", value_parser = sensible)]
    lr: Option<f64>,
    /// AdamW's decay of the mean gradient [default: 0.9]
    #[arg(allow_negative_numbers = true, long, value_name = "X", value_parser = decay)]
    beta1: Option<f64>,
    /// AdamW's decay of the mean squared gradient [default: 0.999]
    #[arg(allow_negative_numbers = true, long, value_name = "X", value_parser = decay)]
    beta2: Option<f64>,
    /// AdamW's ε [default: 1e-8]
    #[arg(allow_negative_numbers = true, long, value_name = "X", value_parser = sensible)]
    eps: Option<f64>,
    /// AdamW's weight decay [default: 0]
    #[arg(allow_negative_numbers = true, long, value_name = "X", value_parser = sensible)]
    weight_decay: Option<f64>,
    /// λ of the connection cost, VALUE or STEP:VALUE,... [default: f 0:0.001,5000:0.01,15000:0.001;
    /// compositionality 0:0.001,5000:0.003; t 0:0.001,5000:0.01; a 0:0.1,5000:1,15000:0.1; p 1;
    /// i 0:0.01,2500:0.1,5000:1; r 0:0.001,5000:0.01,15000:0.1; vanilla 0]; or A..B[:N], a sweep: the
    /// schedule above with N largest values [default: 5] from A to B in equal ratios, and the
    /// fronts of loss, edges and blocks in `fronts/`
    #[arg(allow_negative_numbers = true, long, value_name = "SCHEDULE|A..B[:N]", value_parser = lambda)]
    lambda: Option<Lambda>,
    /// Weight of the distance in the cost [default: f t p 1, a i r 2; without local 0]
    #[arg(allow_negative_numbers = true, long, value_name = "X", value_parser = sensible)]
    weight_factor: Option<f64>,
    /// Cost of a connection of no length [default: f 0.1, t 0.2, a p i r 0.5]
    #[arg(allow_negative_numbers = true, long, value_name = "X", value_parser = sensible)]
    l0: Option<f64>,
    /// Add costs up, or take each tensor's mean: sum or mean [default: f t sum, a p i r mean]
    #[arg(long, value_name = "NAME")]
    reduction: Option<Reduction>,
    /// The step from which biases cost [default: f 15000, else 0]
    #[arg(long, value_name = "STEP", value_parser = count(0, 1_000_000_000))]
    bias_from: Option<usize>,
    /// Whether distance costs in the last layer [default: true; i false]
    #[arg(long, value_name = "BOOL")]
    penalize_last: Option<bool>,
    /// Swap neurons after every so many steps [default: 200; i 500; r and without swaps never]
    #[arg(long, value_name = "STEPS", value_parser = count(1, 1_000_000_000))]
    swap_every: Option<usize>,
    /// How many neurons of a layer may move [default: f 5, t 10, a p i 30, r 20]
    #[arg(long, value_name = "N", value_parser = count(1, 1_000_000))]
    top_k: Option<usize>,
    /// Weight of the distance in the cost that swaps lower [default: f t 1, a i p r 2]
    #[arg(allow_negative_numbers = true, long, value_name = "X", value_parser = sensible)]
    relocate_weight_factor: Option<f64>,
    /// Whether inputs may be swapped [default: true; i false]
    #[arg(long, value_name = "BOOL")]
    swap_inputs: Option<bool>,
    /// Where neurons sit: 1d (lines) or 2d (grids, outputs on a ring) [default: 1d; i 2d]
    #[arg(long, value_name = "NAME")]
    space: Option<Space>,
    /// Steps from one row of the training curve to the next [default: 200; r 1000]
    #[arg(long, value_name = "STEPS", value_parser = count(1, 1_000_000_000))]
    log_every: Option<usize>,
}

/// A hyper-parameter: finite, not negative, and of a size that a training can bear.
fn sensible(text: &str) -> Result<f64, String> {
    const MOST: f64 = 1e6;
    match text.parse::<f64>() {
        Ok(x) if (0.0..=MOST).contains(&x) => Ok(x),
        _ => Err(format!("expected a number from 0 to {MOST}")),
    }
}

/// The share of a running mean that stays at each step.
fn decay(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (0.0..1.0).contains(&x) => Ok(x),
        _ => Err("expected a number from 0 to below 1".to_owned()),
    }
}

/// A schedule of hyper-parameters.
fn schedule(text: &str) -> Result<Schedule, String> {
    let schedule: Schedule = text.parse()?;
    for (_, value) in &schedule.0 {
        sensible(&value.to_string())?;
    }
    Ok(schedule)
}

/// What is said of λ.
#[derive(Debug, Clone)]
enum Lambda {
    /// By step.
    Schedule(Schedule),
    /// The largest values of a sweep.
    Sweep(Vec<f64>),
}

/// A schedule, or the ends of a sweep with the number of its values.
fn lambda(text: &str) -> Result<Lambda, String> {
    match text.split_once("..") {
        Some((from, rest)) => sweep(from, rest).map(Lambda::Sweep),
        None => schedule(text).map(Lambda::Schedule),
    }
}

/// Values in equal ratios, both ends among them, to three digits.
fn sweep(from: &str, rest: &str) -> Result<Vec<f64>, String> {
    const USUAL: usize = 5;
    const MOST: usize = 100;
    let (to, count) = match rest.split_once(':') {
        Some((to, count)) => (to, count.parse().ok()),
        None => (rest, Some(USUAL)),
    };
    let count = count.filter(|count| (2..=MOST).contains(count));
    let count =
        count.ok_or_else(|| format!("expected 2 to {MOST} values of λ, as in 1e-4..1e-2:7"))?;
    let (from, to) = (sensible(from)?, sensible(to)?);
    if from <= 0.0 || to <= from {
        return Err("expected A..B with 0 < A < B, as in 1e-4..1e-2".to_owned());
    }
    let at = |k: usize| from * (to / from).powf(k as f64 / (count - 1) as f64);
    let rounded = |value: f64| format!("{value:.2e}").parse().unwrap_or(value);
    let mut values: Vec<f64> = (0..count).map(at).map(rounded).collect();
    values.dedup();
    Ok(values)
}

/// Sets what was given.
fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
}

impl RecipeArgs {
    /// The largest values of λ of a sweep, if one was asked for.
    pub fn lambdas(&self) -> Option<&[f64]> {
        match &self.lambda {
            Some(Lambda::Sweep(values)) => Some(values),
            Some(Lambda::Schedule(_)) | None => None,
        }
    }

    /// The recipe with what was given on the command line.
    pub fn apply(&self, recipe: Recipe) -> Recipe {
        let mut recipe = match self.steps {
            Some(steps) => recipe.in_steps(steps),
            None => recipe,
        };
        let given = self.clone();
        set(&mut recipe.hidden, given.hidden);
        set(&mut recipe.embedding, given.embedding);
        set(&mut recipe.activation, given.activation);
        set(&mut recipe.precision, given.dtype);
        set(&mut recipe.loss, given.loss);
        set(&mut recipe.space, given.space);
        set(&mut recipe.log_every, given.log_every);
        set(
            &mut recipe.batch,
            given.batch.map(|size| (size > 0).then_some(size)),
        );
        if let Some(attention) = &mut recipe.attention {
            set(&mut attention.blocks, given.blocks);
            set(&mut attention.heads, given.heads);
        }
        self.apply_to_adamw(&mut recipe);
        self.apply_to_cost(&mut recipe);
        self.apply_to_swaps(&mut recipe);
        recipe
    }

    fn apply_to_adamw(&self, recipe: &mut Recipe) {
        set(&mut recipe.adamw.learning_rate, self.lr);
        set(&mut recipe.adamw.beta1, self.beta1);
        set(&mut recipe.adamw.beta2, self.beta2);
        set(&mut recipe.adamw.epsilon, self.eps);
        set(&mut recipe.adamw.weight_decay, self.weight_decay);
    }

    fn apply_to_cost(&self, recipe: &mut Recipe) {
        if let Some(Lambda::Schedule(schedule)) = &self.lambda {
            recipe.cost.lambda.clone_from(schedule);
        }
        set(&mut recipe.cost.weight_factor, self.weight_factor);
        set(&mut recipe.cost.l0, self.l0);
        set(&mut recipe.cost.reduction, self.reduction);
        set(&mut recipe.cost.biases_from, self.bias_from);
        set(&mut recipe.cost.last_by_distance, self.penalize_last);
    }

    fn apply_to_swaps(&self, recipe: &mut Recipe) {
        // Regimes with swaps have them, but for transformers: there they are turned on.
        if recipe.swaps.is_none() && recipe.regime.swaps() {
            recipe.swaps = self.swap_every.map(SwapRecipe::of_transformers);
        }
        if let Some(swaps) = &mut recipe.swaps {
            set(&mut swaps.every, self.swap_every);
            set(&mut swaps.top_k, self.top_k);
            set(&mut swaps.weight_factor, self.relocate_weight_factor);
            set(&mut swaps.inputs, self.swap_inputs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_has_both_ends_and_equal_ratios() {
        assert_eq!(sweep("1e-4", "1e-2:3").unwrap(), [1e-4, 1e-3, 1e-2]);
        assert_eq!(
            sweep("0.001", "0.01").unwrap(),
            [0.001, 0.00178, 0.00316, 0.00562, 0.01]
        );
        for (from, rest) in [
            ("0", "1"),
            ("1", "1"),
            ("x", "1"),
            ("1", "2:1"),
            ("1", "2:x"),
        ] {
            assert!(sweep(from, rest).is_err(), "{from}..{rest}");
        }
    }
}
