//! How modules are found, what they are held against, and which they are.

/// How modules are found. Each is one arm of [`crate::modules::detect::detect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// Communities of the highest modularity, always connected.
    #[default]
    Leiden,
    /// Communities of the highest modularity by the older Louvain algorithm.
    Louvain,
    /// Small normalised cut, by eigenvectors.
    Spectral,
    /// Communities in which a random walk stays long.
    Infomap,
    /// Every node takes the label that is strongest around it.
    LabelPropagation,
    /// Connected components: parts that share no edge.
    Components,
    /// Groups by which the wiring has the shortest description; one where there are none.
    Sbm,
}

/// Where the groups of a block model lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlockForm {
    /// Each within one layer; they exchange edges in any pattern.
    #[default]
    WithinLayers,
    /// Across the layers; edges are mostly inside.
    AcrossLayers,
}

/// What Leiden makes large, of the qualities that are sums over pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quality {
    /// Newman's modularity: more weight inside than strengths lead one to expect.
    #[default]
    Modularity,
    /// Constant Potts model: more weight per pair of nodes than the resolution.
    Cpm,
}

/// What an edge weighs in the graph of the modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EdgeWeight {
    /// |w|
    #[default]
    AbsWeight,
    /// |w| · the standard deviation of what the writer writes, over the data.
    Spread,
    /// |effect of patching the edge|, exactly.
    Effect,
    /// |effect of patching the edge|, estimated to first order.
    Attribution,
}

/// What a shuffle keeps; all but the untrained networks keep the weights of every layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NullKind {
    /// Keeps which edges there are: non-zero weights permuted among the non-zero places.
    LayerNonzero,
    /// Keeps the number of edges per layer: all entries permuted.
    Layer,
    /// Keeps how many edges each node writes to and reads from per layer, and nearly how
    /// much they weigh: swaps of edges of similar weight.
    #[default]
    Degree,
    /// Keeps the number of edges per layer: the largest weights of an untrained network.
    Untrained,
}

/// What a statistic of modules is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Null {
    /// Other networks, searched in the same way.
    Network(NullKind),
    /// The modules handed out anew among the sites of each layer.
    Places,
}

/// A number that says how good a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasureKind {
    /// Newman's modularity.
    Modularity,
    /// Barber's modularity between neighbouring layers.
    LayeredModularity,
    /// Normalised cut; grows with the number of modules.
    NCut,
    /// Normalised cut over the number of modules.
    NCutPerModule,
    /// The lowest conductance of a module.
    LowestConductance,
}

/// The partition that a module belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// That of all sites.
    All,
    /// That of all but the outputs, which modules may share.
    WithoutOutputs,
}

/// A small circuit that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MotifKind {
    /// A diamond whose branches begin with weights of opposite signs and end with weights of
    /// the same sign, each two of one size: what an even function of one input takes.
    Square,
    /// One site that two read, which one reads in turn.
    Diamond,
    /// Two sites that the same two read.
    Bifan,
}

/// Why no module was put in another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// No two have as many inputs and outputs and edges between the same layers.
    Shapes,
    /// More edges are left than are matched against shuffled ones.
    Edges,
    /// Sites are joined by kernels, norms or gates, not by single weights.
    Kernels,
    /// Sites are joined by attention.
    Attention,
}

impl Unmatched {
    /// Modules are matched in networks of which at most so many edges are left.
    pub const MOST_EDGES: usize = 10_000;
}

/// What stages of modules follow each other along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoursePath {
    /// The pruning threshold.
    Threshold,
    /// The steps of a training.
    Steps,
}

/// How a module comes or goes from one stage to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It takes sites from a module that was there.
    Splits,
    /// Its sites were in no module.
    Appears,
    /// Its sites go to a module that is there.
    Merges,
    /// Its sites are in no module.
    Disappears,
}

/// How places of shorter wiring are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RelocationMethod {
    /// The best swap of a layer, again and again, layer after layer, until none helps.
    #[default]
    Descent,
    /// Random swaps at a falling temperature, then descent; never worse than descent alone.
    Annealing,
}

named! {
    Algorithm: "algorithm" {
        Leiden = "leiden",
        Louvain = "louvain",
        Spectral = "spectral",
        Infomap = "infomap",
        LabelPropagation = "label-propagation",
        Components = "components",
        Sbm = "sbm",
    }
    BlockForm: "form of blocks" { WithinLayers = "within-layers", AcrossLayers = "across-layers" }
    Quality: "quality" { Modularity = "modularity", Cpm = "cpm" }
    EdgeWeight: "edge weight" {
        AbsWeight = "abs-weight",
        Spread = "spread",
        Effect = "effect",
        Attribution = "attribution",
    }
    NullKind: "null model" {
        LayerNonzero = "layer-nonzero",
        Layer = "layer",
        Degree = "degree",
        Untrained = "untrained",
    }
    MeasureKind: "measure of modularity" {
        Modularity = "modularity",
        LayeredModularity = "layered-modularity",
        NCut = "n-cut",
        NCutPerModule = "n-cut-per-module",
        LowestConductance = "lowest-conductance",
    }
    MotifKind: "motif" { Square = "square", Diamond = "diamond", Bifan = "bifan" }
    CoursePath: "path" { Threshold = "threshold", Steps = "steps" }
    Turn: "turn of a module" {
        Splits = "splits",
        Appears = "appears",
        Merges = "merges",
        Disappears = "disappears",
    }
    Unmatched: "reason not to match modules" {
        Shapes = "shapes",
        Edges = "edges",
        Kernels = "kernels",
        Attention = "attention",
    }
    Scope: "scope" { All = "all", WithoutOutputs = "without-outputs" }
    RelocationMethod: "way to search places" { Descent = "descent", Annealing = "annealing" }
}

named_beside! {
    Null { Network(NullKind), Places = "places" }
}

impl MeasureKind {
    /// Whether more of it is more modular.
    #[must_use]
    pub const fn higher_is_better(self) -> bool {
        match self {
            Self::Modularity | Self::LayeredModularity => true,
            Self::NCut | Self::NCutPerModule | Self::LowestConductance => false,
        }
    }
}
