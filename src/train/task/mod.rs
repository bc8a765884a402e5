//! Tasks: what a network is trained to do, as samples.

use std::fmt;

use ndarray::Array2;

mod formulas;
mod glyphs;
mod groups;
mod incontext;
mod moons;
pub mod own;

use super::parameters::Form;
use super::recipe::{Recipe, Regime};
use super::transformer;
use crate::data::{Domain, Inputs, Labels};
use crate::numeric::Rng;

/// A task that is generated in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// ((x1 + x3)³, x2² + sin πx4)
    Independence,
    /// (x1², x1² + x2², x1² + x2² + x3²)
    FeatureSharing,
    /// √((x1 − x2)² + (x3 − x4)²)
    Compositionality,
    /// Two interleaving half circles with noise.
    TwoMoon,
    /// (a + b) mod `modulus`
    ModularAddition {
        /// Number of different tokens.
        modulus: usize,
    },
    /// a ∘ b in the symmetric group of `degree` things.
    Permutation {
        /// Number of things permuted.
        degree: usize,
    },
    /// The next y of pairs (x, y) with y = w x, w unknown: for a transformer.
    InContext,
    /// Ten kinds of drawn glyphs, 8 × 8 pixels.
    Glyphs,
}

/// Samples for training and for testing, and what they mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Name of the task: `independence`, `permutation_S4`, ...
    pub name: String,
    /// To train on.
    pub train: Samples,
    /// To judge by.
    pub test: Samples,
    /// Names of the features, or of the token positions.
    pub inputs: Vec<String>,
    /// Names of the targets or classes.
    pub outputs: Vec<String>,
    /// Number of different tokens, where inputs are tokens.
    pub tokens: Option<usize>,
    /// All inputs for which a certificate may speak.
    pub domain: Option<Domain>,
}

/// Inputs and what they should give, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// `[samples, features]` or `[samples, tokens]`.
    pub inputs: Inputs,
    /// A class or `[targets]` per sample.
    pub labels: Labels,
}

impl Samples {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.inputs {
            Inputs::Values(values) => values.nrows(),
            Inputs::Tokens(tokens) => tokens.nrows(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Features or tokens per sample.
    #[must_use]
    pub fn width(&self) -> usize {
        match &self.inputs {
            Inputs::Values(values) => values.ncols(),
            Inputs::Tokens(tokens) => tokens.ncols(),
        }
    }
}

impl Task {
    /// Its samples; the same for the same seed.
    #[must_use]
    pub fn problem(self, seed: u64) -> Problem {
        let mut rng = Rng::new(seed, super::streams::STREAM_DATA);
        match self {
            Self::Independence => formulas::problem(self, formulas::independence, &mut rng),
            Self::FeatureSharing => formulas::problem(self, formulas::feature_sharing, &mut rng),
            Self::Compositionality => formulas::problem(self, formulas::compositionality, &mut rng),
            Self::TwoMoon => moons::problem(self, &mut rng),
            Self::ModularAddition { modulus } => groups::modular_addition(self, modulus, &mut rng),
            Self::Permutation { degree } => groups::permutation(self, degree, &mut rng),
            Self::InContext => incontext::problem(self, &mut rng),
            Self::Glyphs => glyphs::problem(self, &mut rng),
        }
    }

    /// Its published recipe.
    #[must_use]
    pub fn recipe(self, regime: Regime) -> Recipe {
        match self {
            Self::Independence | Self::FeatureSharing => Recipe::formula(regime),
            Self::Compositionality => Recipe::composed_formula(regime),
            Self::TwoMoon => Recipe::two_moon(regime),
            Self::ModularAddition { .. } => Recipe::modular_addition(regime),
            Self::Permutation { .. } => Recipe::permutation(regime),
            Self::InContext => Recipe::in_context(regime),
            Self::Glyphs => Recipe::images(regime),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Independence => f.pad("independence"),
            Self::FeatureSharing => f.pad("feature_sharing"),
            Self::Compositionality => f.pad("compositionality"),
            Self::TwoMoon => f.pad("two_moon"),
            Self::ModularAddition { .. } => f.pad("modular_addition"),
            Self::Permutation { degree } => f.pad(&format!("permutation_S{degree}")),
            Self::InContext => f.pad("incontext"),
            Self::Glyphs => f.pad("glyphs"),
        }
    }
}

/// What data of the same name say of their inputs, outputs and domain.
fn published(task: Task) -> crate::data::Task {
    crate::data::Task::published(&task.to_string()).unwrap_or_default()
}

impl Problem {
    /// The form of a network for it; of a transformer, that of its picture.
    #[must_use]
    pub fn form(&self, recipe: &Recipe) -> Form {
        if let Some(attention) = recipe.attention {
            return Form {
                widths: transformer::Form::new(self, recipe, attention).shape(),
                folds: 1,
                tokens: None,
            };
        }
        let (folds, inputs) = match self.tokens {
            Some(_) => (self.train.width(), self.train.width() * recipe.embedding),
            None => (1, self.train.width()),
        };
        let mut widths = vec![inputs];
        widths.extend(&recipe.hidden);
        widths.push(self.outputs.len());
        Form {
            widths,
            folds,
            tokens: self.tokens,
        }
    }
}

/// Splits all pairs into 4/5 to train on and the rest to test, in random order.
fn split_pairs(
    pairs: &[(usize, usize)],
    label: impl Fn(usize, usize) -> usize,
    rng: &mut Rng,
) -> (Samples, Samples) {
    let mut order = pairs.to_vec();
    rng.shuffle(&mut order);
    let (train, test) = order.split_at(pairs.len() * 4 / 5);
    let samples = |part: &[(usize, usize)]| Samples {
        inputs: Inputs::Tokens(Array2::from_shape_fn((part.len(), 2), |(row, column)| {
            if column == 0 {
                part[row].0
            } else {
                part[row].1
            }
        })),
        labels: Labels::Classes(part.iter().map(|(a, b)| label(*a, *b)).collect()),
    };
    (samples(train), samples(test))
}
