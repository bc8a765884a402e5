//! Recipes: every hyper-parameter of a training, with the published values as defaults.
//!
//! Source: arXiv 2305.08746 and the notebooks that came with it.

use std::fmt;
use std::str::FromStr;

pub use crate::choice::Regime;
use crate::numeric::Activation;
pub use crate::numeric::adamw::AdamW;

/// The number type a network is trained and saved in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// IEEE single.
    F32,
    /// IEEE double.
    F64,
}

/// What is minimised besides the connection cost, averaged over samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Mean over outputs of (output − target)².
    Mse,
    /// `−ln softmax(outputs)[class]`.
    CrossEntropy,
    /// Mean over outputs of (output − one-hot(class))².
    MseOnehot,
}

impl Loss {
    /// Whether the labels are classes.
    #[must_use]
    pub fn has_classes(self) -> bool {
        self != Self::Mse
    }
}

/// How the cost of a tensor's entries is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their mean, tensor by tensor.
    Mean,
}

/// The space in which neurons have places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Every layer on a line.
    Line,
    /// Inputs and hidden layers on grids, outputs on a ring.
    Sheet,
}

named! {
    Precision: "precision" { F32 = "float32", F64 = "float64" }
    Loss: "loss" { Mse = "mse", CrossEntropy = "cross_entropy", MseOnehot = "mse_onehot" }
    Reduction: "reduction" { Sum = "sum", Mean = "mean" }
    Space: "space" { Line = "1d", Sheet = "2d" }
}

/// A value that changes at given steps: `[(0, a), (5000, b)]` is a before step 5000 and b from it on.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule(pub Vec<(usize, f64)>);

impl Schedule {
    /// The value at a step; 0 before the first entry.
    ///
    /// ```
    /// use modscope::train::recipe::Schedule;
    /// let lambda: Schedule = "0:0.001,5000:0.01".parse().unwrap();
    /// assert_eq!((lambda.at(4999), lambda.at(5000)), (0.001, 0.01));
    /// ```
    #[must_use]
    pub fn at(&self, step: usize) -> f64 {
        let reached = self.0.iter().rev().find(|(from, _)| *from <= step);
        reached.map_or(0.0, |(_, value)| *value)
    }

    /// The largest value.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.0.iter().map(|(_, value)| *value).fold(0.0, f64::max)
    }

    /// The same course with another largest value; as it is where that is 0.
    ///
    /// ```
    /// use modscope::train::recipe::Schedule;
    /// let lambda: Schedule = "0:0.25,5000:1".parse().unwrap();
    /// assert_eq!(lambda.peaking_at(0.5).to_string(), "0:0.125,5000:0.5");
    /// ```
    #[must_use]
    pub fn peaking_at(&self, peak: f64) -> Self {
        let old = self.peak();
        let scaled = |(step, value): &(usize, f64)| match old > 0.0 {
            true => (*step, value / old * peak),
            false => (*step, *value),
        };
        Self(self.0.iter().map(scaled).collect())
    }

    /// The same values reached after steps in proportion.
    #[must_use]
    fn stretched(&self, from: usize, to: usize) -> Self {
        Self(
            self.0
                .iter()
                .map(|(s, v)| (stretch(*s, from, to), *v))
                .collect(),
        )
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entry = |part: &str| -> Option<(usize, f64)> {
            match part.split_once(':') {
                Some((step, value)) => {
                    Some((step.trim().parse().ok()?, value.trim().parse().ok()?))
                }
                None => Some((0, part.trim().parse().ok()?)),
            }
        };
        let entries: Option<Vec<_>> = text.split(',').map(entry).collect();
        match entries {
            Some(entries) if entries.is_sorted_by(|a, b| a.0 < b.0) => Ok(Self(entries)),
            _ => Err(format!(
                "`{text}` is not a schedule; write VALUE or STEP:VALUE,STEP:VALUE with growing steps"
            )),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<_> = self
            .0
            .iter()
            .map(|(step, value)| format!("{step}:{value}"))
            .collect();
        f.write_str(&entries.join(","))
    }
}

/// What connections cost: λ · Σ |w| (`weight_factor` · distance + `l0`).
#[derive(Debug, Clone, PartialEq)]
pub struct CostRecipe {
    /// λ by step.
    pub lambda: Schedule,
    /// Weight of the distance.
    pub weight_factor: f64,
    /// Cost of a connection of no length; also what biases and embeddings cost.
    pub l0: f64,
    /// Sum, or mean per tensor.
    pub reduction: Reduction,
    /// The step from which biases cost.
    pub biases_from: usize,
    /// Whether distance counts in the last linear layer.
    pub last_by_distance: bool,
}

/// When and how neurons are swapped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SwapRecipe {
    /// After every so many steps.
    pub every: usize,
    /// How many neurons of a layer may move: those with the largest sum of |w|.
    pub top_k: usize,
    /// Weight of the distance in the cost that swaps lower.
    pub weight_factor: f64,
    /// Whether inputs may move; pixels may not.
    pub inputs: bool,
}

impl SwapRecipe {
    /// Swaps of transformers, which the published training leaves out.
    #[must_use]
    pub fn of_transformers(every: usize) -> Self {
        Self {
            every,
            top_k: 20,
            weight_factor: 2.0,
            inputs: true,
        }
    }
}

/// The blocks of a transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attention {
    /// How many blocks.
    pub blocks: usize,
    /// Heads of each.
    pub heads: usize,
}

/// Every hyper-parameter of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The regime it was made for.
    pub regime: Regime,
    /// Widths of the hidden layers; of a transformer, that of its MLPs alone.
    pub hidden: Vec<usize>,
    /// The blocks, of a transformer.
    pub attention: Option<Attention>,
    /// Numbers per token, where inputs are tokens; width of a transformer's residual stream.
    pub embedding: usize,
    /// Between the linear layers.
    pub activation: Activation,
    /// Number type.
    pub precision: Precision,
    /// Loss.
    pub loss: Loss,
    /// Number of updates.
    pub steps: usize,
    /// Samples per update, drawn without repetition epoch by epoch; all of them where `None`.
    pub batch: Option<usize>,
    /// The optimiser.
    pub adamw: AdamW,
    /// The connection cost.
    pub cost: CostRecipe,
    /// The swaps, where there are any.
    pub swaps: Option<SwapRecipe>,
    /// Where neurons sit.
    pub space: Space,
    /// The training curve has a row every so many steps.
    pub log_every: usize,
}

impl Recipe {
    /// The same recipe in another number of steps, schedules in proportion.
    #[must_use]
    pub fn in_steps(mut self, steps: usize) -> Self {
        let from = self.steps;
        self.cost.lambda = self.cost.lambda.stretched(from, steps);
        self.cost.biases_from = stretch(self.cost.biases_from, from, steps);
        self.steps = steps;
        self
    }

    /// How often neurons are swapped in all.
    #[must_use]
    pub fn relocations(&self) -> usize {
        self.swaps
            .map_or(0, |swaps| self.steps / swaps.every.max(1))
    }

    /// Symbolic formulas: section 3.1 of the paper.
    #[must_use]
    pub fn formula(regime: Regime) -> Self {
        Self {
            regime,
            hidden: vec![20, 20],
            attention: None,
            embedding: 0,
            activation: Activation::Silu,
            precision: Precision::F32,
            loss: Loss::Mse,
            steps: 20_000,
            batch: None,
            adamw: AdamW::usual(0.002),
            cost: CostRecipe {
                lambda: lambda(regime, &[(0, 0.001), (5_000, 0.01), (15_000, 0.001)]),
                weight_factor: local(regime, 1.0),
                l0: 0.1,
                reduction: Reduction::Sum,
                biases_from: 15_000,
                last_by_distance: true,
            },
            swaps: swaps(regime, 200, 5, 1.0),
            space: Space::Line,
            log_every: 200,
        }
    }

    /// The deeper network for a composed formula, also section 3.1.
    #[must_use]
    pub fn composed_formula(regime: Regime) -> Self {
        let mut recipe = Self::formula(regime);
        recipe.hidden = vec![20; 4];
        recipe.cost.lambda = lambda(regime, &[(0, 0.001), (5_000, 0.003), (15_000, 0.003)]);
        recipe
    }

    /// Two-dimensional classification: section 3.2.
    #[must_use]
    pub fn two_moon(regime: Regime) -> Self {
        let mut recipe = Self::formula(regime);
        recipe.loss = Loss::CrossEntropy;
        recipe.steps = 10_001;
        recipe.cost.lambda = lambda(regime, &[(0, 0.001), (5_000, 0.01)]);
        recipe.cost.l0 = 0.2;
        recipe.cost.biases_from = 0;
        recipe.swaps = swaps(regime, 200, 10, 1.0);
        recipe
    }

    /// Modular addition: section 3.3.
    #[must_use]
    pub fn modular_addition(regime: Regime) -> Self {
        Self {
            hidden: vec![50, 50],
            embedding: 32,
            precision: Precision::F64,
            loss: Loss::CrossEntropy,
            adamw: AdamW::usual(0.001),
            cost: CostRecipe {
                lambda: lambda(regime, &[(0, 0.1), (5_000, 1.0), (15_000, 0.1)]),
                weight_factor: local(regime, 2.0),
                l0: 0.5,
                reduction: Reduction::Mean,
                biases_from: 0,
                last_by_distance: true,
            },
            swaps: swaps(regime, 200, 30, 2.0),
            ..Self::formula(regime)
        }
    }

    /// Composition of permutations: also section 3.3.
    #[must_use]
    pub fn permutation(regime: Regime) -> Self {
        let mut recipe = Self::modular_addition(regime);
        recipe.adamw = AdamW::usual(0.002);
        recipe.cost.lambda = lambda(regime, &[(0, 1.0)]);
        recipe.cost.weight_factor = local(regime, 1.0);
        recipe
    }

    /// Images: section 3.5, in a quarter of its 40,000 steps.
    #[must_use]
    pub fn images(regime: Regime) -> Self {
        Self {
            hidden: vec![100, 100],
            loss: Loss::MseOnehot,
            steps: 10_000,
            batch: Some(100),
            adamw: AdamW::usual(0.001),
            cost: CostRecipe {
                lambda: lambda(regime, &[(0, 0.01), (2_500, 0.1), (5_000, 1.0)]),
                weight_factor: local(regime, 2.0),
                l0: 0.5,
                reduction: Reduction::Mean,
                biases_from: 0,
                last_by_distance: false,
            },
            swaps: swaps(regime, 500, 30, 2.0).map(|s| SwapRecipe { inputs: false, ..s }),
            space: Space::Sheet,
            ..Self::formula(regime)
        }
    }
}

impl Recipe {
    /// In-context linear regression: section 3.4, in half of its 40,000 steps,
    /// with swaps left out as in the authors' code.
    #[must_use]
    pub fn in_context(regime: Regime) -> Self {
        Self {
            hidden: vec![128],
            attention: Some(Attention {
                blocks: 2,
                heads: 1,
            }),
            embedding: 32,
            activation: Activation::GeluTanh,
            precision: Precision::F64,
            batch: Some(64),
            adamw: AdamW::usual(0.001),
            cost: CostRecipe {
                lambda: lambda(regime, &[(0, 0.001), (5_000, 0.01), (15_000, 0.1)]),
                weight_factor: local(regime, 2.0),
                l0: 0.5,
                reduction: Reduction::Mean,
                biases_from: 0,
                last_by_distance: true,
            },
            swaps: None,
            log_every: 1_000,
            ..Self::formula(regime)
        }
    }
}

fn stretch(step: usize, from: usize, to: usize) -> usize {
    (step as u128 * to as u128 / from.max(1) as u128) as usize
}

fn lambda(regime: Regime, schedule: &[(usize, f64)]) -> Schedule {
    let value = |v: f64| if regime.penalises() { v } else { 0.0 };
    Schedule(
        schedule
            .iter()
            .map(|(step, v)| (*step, value(*v)))
            .collect(),
    )
}

fn local(regime: Regime, weight_factor: f64) -> f64 {
    if regime.is_local() {
        weight_factor
    } else {
        0.0
    }
}

fn swaps(regime: Regime, every: usize, top_k: usize, weight_factor: f64) -> Option<SwapRecipe> {
    regime.swaps().then_some(SwapRecipe {
        every,
        top_k,
        weight_factor,
        inputs: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regimes_switch_their_ingredients() {
        let of = |regime| {
            let recipe = Recipe::formula(regime);
            (
                recipe.cost.lambda.at(6_000),
                recipe.cost.weight_factor,
                recipe.swaps.is_some(),
            )
        };
        assert_eq!(of(Regime::Vanilla), (0.0, 0.0, false));
        assert_eq!(of(Regime::L1), (0.01, 0.0, false));
        assert_eq!(of(Regime::Local), (0.01, 1.0, false));
        assert_eq!(of(Regime::Swap), (0.01, 0.0, true));
        assert_eq!(of(Regime::Bimt), (0.01, 1.0, true));
    }

    #[test]
    fn schedules_are_read_printed_and_stretched() {
        let schedule: Schedule = "0:0.1, 10:1".parse().unwrap();
        assert_eq!(schedule.to_string(), "0:0.1,10:1");
        assert_eq!("0.5".parse(), Ok(Schedule(vec![(0, 0.5)])));
        assert!("10:1,5:2".parse::<Schedule>().is_err());
        assert!("a".parse::<Schedule>().is_err());
        let shorter = Recipe::formula(Regime::Bimt).in_steps(2_000);
        assert_eq!(
            shorter.cost.lambda.to_string(),
            "0:0.001,500:0.01,1500:0.001"
        );
        assert_eq!(
            (shorter.cost.biases_from, shorter.relocations()),
            (1_500, 10)
        );
    }

    #[test]
    fn names_round_trip() {
        for (regime, name) in Regime::ALL {
            assert_eq!(name.parse(), Ok(regime));
            assert_eq!(regime.to_string(), name);
        }
        assert!("BIMT".parse::<Regime>().is_err());
    }
}
