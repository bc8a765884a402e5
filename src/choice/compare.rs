//! What circuits of compared networks are held against, and what is claimed of them.

/// A network or a task in which there is nothing to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// The same weights in other places, layer by layer.
    Shuffled,
    /// Fresh weights, never trained.
    Untrained,
    /// The same network, its labels permuted.
    Nonsense,
}

/// What a circuit is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The circuit of a control.
    Control(ControlKind),
    /// Random circuits of its size in its own network.
    Random,
}

/// A claim about a circuit that a hypothesis test examines.
///
/// Source: Shi et al. 2024, "Hypothesis testing the circuit hypothesis in LLMs".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HypothesisKind {
    /// Circuit and network score better on each other's samples equally often.
    Equivalence,
    /// Without the circuit, the network's scores say nothing about its scores with it.
    Independence,
    /// Every edge matters more than edges added at random.
    Minimality,
    /// Alone it is closer to the network than random circuits.
    Sufficiency,
    /// Taking it away costs more than taking random circuits away.
    PartialNecessity,
}

/// What neurons of two networks are matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// The |correlation| of their activations over the same samples.
    Activations,
    /// What they read and write (Ainsworth et al. 2023, "Git Re-Basin", weight matching).
    Weights,
}

named! {
    ControlKind: "control" {
        Shuffled = "shuffled",
        Untrained = "untrained",
        Nonsense = "nonsense",
    }
    HypothesisKind: "hypothesis" {
        Equivalence = "equivalence",
        Independence = "independence",
        Minimality = "minimality",
        Sufficiency = "sufficiency",
        PartialNecessity = "partial-necessity",
    }
    Matching: "way to match neurons" { Activations = "activations", Weights = "weights" }
}

impl Against {
    /// Each of them, random circuits first.
    pub fn each() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Random).chain(ControlKind::each().map(Self::Control))
    }
}

named_beside! {
    Against { Control(ControlKind), Random = "random" }
}
