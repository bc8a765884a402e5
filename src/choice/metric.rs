//! What is measured of outputs.

/// A number per sample that is made of the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// logit(answer) − logit(foil).
    LogitDiff,
    /// p(answer) − p(foil).
    ProbDiff,
    /// Kullback–Leibler divergence from the network as it is.
    Kl,
    /// −log p(class).
    CrossEntropy,
    /// Whether the largest output is the class.
    Accuracy,
    /// Squared error.
    Mse,
    /// One output as it is.
    Output,
}

/// Whether more of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Accuracy, logit difference, ...
    HigherIsBetter,
    /// Losses and divergences.
    LowerIsBetter,
}

/// The loss that stands beside results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossKind {
    /// Squared error against targets.
    Mse,
    /// Squared error against one-hot classes.
    MseOnehot,
    /// −log p(class).
    CrossEntropy,
    /// The data have no labels.
    None,
}

/// What a site is ranked by over the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SiteMeasure {
    /// Its value.
    #[default]
    Activation,
    /// The Euclidean norm of what a component writes into the stream at one position.
    OutputNorm,
}

named! {
    SiteMeasure: "measure of sites" { Activation = "activation", OutputNorm = "output norm" }
    MetricKind: "metric" {
        LogitDiff = "logit-diff",
        ProbDiff = "prob-diff",
        Kl = "kl",
        CrossEntropy = "cross-entropy",
        Accuracy = "accuracy",
        Mse = "mse",
        Output = "output",
    }
    Direction: "direction" {
        HigherIsBetter = "higher-is-better",
        LowerIsBetter = "lower-is-better",
    }
    LossKind: "loss" {
        Mse = "mse",
        MseOnehot = "mse-onehot",
        CrossEntropy = "cross-entropy",
        None = "none",
    }
}

impl MetricKind {
    /// What it is called in a sentence.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::LogitDiff => "logit difference",
            Self::ProbDiff => "probability difference",
            Self::Kl => "KL divergence",
            Self::CrossEntropy => "cross-entropy",
            Self::Accuracy => "accuracy",
            Self::Mse => "mean squared error",
            Self::Output => "output",
        }
    }

    /// Whether its gradient is zero at the outputs of the network as it is: the
    /// divergence has its least value there, and accuracy moves in steps.
    #[must_use]
    pub const fn is_flat_at_the_full_network(self) -> bool {
        match self {
            Self::Kl | Self::Accuracy => true,
            Self::LogitDiff | Self::ProbDiff | Self::CrossEntropy | Self::Mse | Self::Output => {
                false
            }
        }
    }

    /// Whether it judges decisions, the largest of several outputs; the others judge numbers.
    #[must_use]
    pub const fn is_of_decisions(self) -> bool {
        match self {
            Self::LogitDiff | Self::ProbDiff | Self::Kl | Self::CrossEntropy | Self::Accuracy => {
                true
            }
            Self::Mse | Self::Output => false,
        }
    }

    /// Whether more of it is better.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Self::Kl | Self::CrossEntropy | Self::Mse => Direction::LowerIsBetter,
            Self::LogitDiff | Self::ProbDiff | Self::Accuracy | Self::Output => {
                Direction::HigherIsBetter
            }
        }
    }

    /// Whether it sets an answer against a foil: 0 then means no preference, and a gap
    /// is a share of the metric itself.
    #[must_use]
    pub const fn is_difference(self) -> bool {
        match self {
            Self::LogitDiff | Self::ProbDiff => true,
            Self::Kl | Self::CrossEntropy | Self::Accuracy | Self::Mse | Self::Output => false,
        }
    }
}
