//! Which of many networks is picked, and by what.

use super::Direction;

/// What is looked for where one of many networks is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// A network with modules that each serve an output, and that does its work.
    Modular,
}

/// A number that networks are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// Nats by which blocks shorten the description of the pruned network's edges.
    DescriptionLengthGained,
    /// How much more modules hurt the output that they serve than the others.
    Selectivity,
    /// The loss of the network as it is.
    Loss,
}

named! {
    Pick: "way to pick" { Modular = "modular" }
    Criterion: "criterion" {
        DescriptionLengthGained = "description_length_gained",
        Selectivity = "selectivity",
        Loss = "loss",
    }
}

impl Pick {
    /// What networks are ranked by.
    #[must_use]
    pub const fn criteria(self) -> &'static [Criterion] {
        match self {
            Self::Modular => &[
                Criterion::DescriptionLengthGained,
                Criterion::Selectivity,
                Criterion::Loss,
            ],
        }
    }
}

impl Criterion {
    /// Whether more of it is better.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Self::DescriptionLengthGained | Self::Selectivity => Direction::HigherIsBetter,
            Self::Loss => Direction::LowerIsBetter,
        }
    }

    /// As people call it.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::DescriptionLengthGained => "nats that blocks gain",
            Self::Selectivity => "selectivity of the modules",
            Self::Loss => "loss",
        }
    }
}
