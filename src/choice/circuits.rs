//! How circuits are found and what they are made of.

/// A way to find a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// The edges of the largest exact effects.
    Exact,
    /// Recursive activation patching.
    Acdc,
    /// Attribution patching.
    Eap,
    /// Relevance patching.
    Relp,
    /// Attribution patching with the patterns that patched queries and keys make.
    EapQk,
    /// The same with the gradient through every sublayer dropped in turn.
    AtpStar,
    /// Integrated gradients along the inputs.
    EapIgInputs,
    /// Integrated gradients along every group of writers' own activations.
    EapIgActivations,
    /// The mean of the gradients at the clean and at the filled run.
    CleanCorrupted,
    /// Attribution patching, and exact effects of the edges about which it leaves a doubt.
    Screened,
    /// The mean of the ranks that methods by gradients give.
    Ensemble,
    /// Learned gates.
    Mask,
    /// Deletions each of which is proved before it is made.
    Proved,
    /// Random scores: a control.
    Random,
}

/// Where a circuit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A method found it.
    Found(Method),
    /// It was given in a file, to be judged.
    Given,
}

/// What is done where this tool and the published code differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conventions {
    /// Paths of integrated gradients at midpoints, along activations each edge
    /// heeding its own writer; ACDC edge by edge in reverse order of computation.
    Own,
    /// Paths with the filled end and without the clean one, along activations
    /// every edge heeding all writers' runs, as the EAP-IG library has it; ACDC
    /// in the order of its authors' code, which tries whole readers first.
    Published,
}

/// What circuits are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// Edges.
    #[default]
    Edge,
    /// Nodes, each with all edges out of it.
    Node,
}

/// How fine a network is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// Weights.
    Weight,
    /// Neurons and, in a transformer, channels of the residual stream.
    Neuron,
    /// Heads and MLPs.
    Component,
}

/// How edges are taken from scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The largest |scores|.
    Top,
    /// Grown from the outputs backwards.
    Greedy,
}

/// What stands in for all that is not in a proved circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rest {
    /// The fill's fixed value.
    #[default]
    Fill,
    /// Any value that it can take over the domain, message by message.
    Any,
}

/// Why no circuit of which the same is proved can be smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LowerBound {
    /// So many edges cannot go even with all others in place, and what is true of a circuit
    /// is true of every larger one.
    Indispensable,
    /// Every smaller set was run and refuted, or leaves no path from the input to the outputs.
    SmallerSets,
    /// Outputs that must differ ask for paths.
    Paths,
    /// Nothing is known.
    Unknown,
}

/// Whether an effect counts by its sign or by its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Only a worsening counts.
    Signed,
    /// Any change counts.
    Absolute,
}

/// What stands in for the message on a patched edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fill {
    /// No message at all.
    Zero,
    /// The message's mean over a reference set.
    Mean,
    /// The edge's message in the paired corrupted input.
    Corrupted,
    /// The edge's message in another sample, seeded.
    Resample,
}

named! {
    Method: "method" {
        Exact = "exact",
        Acdc = "acdc",
        Eap = "eap",
        Relp = "relp",
        EapQk = "eap-qk",
        AtpStar = "atp-star",
        EapIgInputs = "eap-ig-inputs",
        EapIgActivations = "eap-ig-activations",
        CleanCorrupted = "clean-corrupted",
        Screened = "screened",
        Ensemble = "ensemble",
        Mask = "mask",
        Proved = "proved",
        Random = "random",
    }
    Conventions: "set of conventions" { Own = "own", Published = "published" }
    Level: "level" { Edge = "edge", Node = "node" }
    Granularity: "granularity" {
        Weight = "weight",
        Neuron = "neuron",
        Component = "component",
    }
    Selection: "selection" { Top = "top", Greedy = "greedy" }
    Rest: "way to fill the rest" { Fill = "fill", Any = "any" }
    LowerBound: "lower bound" {
        Indispensable = "indispensable edges",
        SmallerSets = "smaller sets",
        Paths = "paths",
        Unknown = "unknown",
    }
    Sign: "sign" { Signed = "signed", Absolute = "absolute" }
    Fill: "fill" {
        Zero = "zero",
        Mean = "mean",
        Corrupted = "corrupted",
        Resample = "resample",
    }
}

named_beside! {
    Origin { Found(Method), Given = "given" }
}

impl Fill {
    /// Whether it draws what stands in for a message: another seed is another fill.
    #[must_use]
    pub const fn is_drawn(self) -> bool {
        match self {
            Self::Resample => true,
            Self::Zero | Self::Mean | Self::Corrupted => false,
        }
    }
}

impl Method {
    /// Whether its scores rank all edges; those of a search say only which were tried.
    #[must_use]
    pub const fn ranks(self) -> bool {
        match self {
            Self::Acdc | Self::Proved => false,
            Self::Exact
            | Self::Eap
            | Self::Relp
            | Self::EapQk
            | Self::AtpStar
            | Self::EapIgInputs
            | Self::EapIgActivations
            | Self::CleanCorrupted
            | Self::Screened
            | Self::Ensemble
            | Self::Mask
            | Self::Random => true,
        }
    }
}

impl Origin {
    /// Whether every edge has a score and scores rank them.
    #[must_use]
    pub const fn ranks(self) -> bool {
        match self {
            Self::Found(method) => method.ranks(),
            Self::Given => false,
        }
    }
}
