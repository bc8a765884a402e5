//! The plain results that are saved as JSON and drawn as reports.
//!
//! Section 5 of the design as types, in one place: field names here are the
//! contract with every reader of `audit.json`. Nothing in this module computes;
//! it deliberately knows no models, no graphs and no drawing.

mod check;
mod circuits;
mod compare;
mod course;
mod diff;
mod edges;
mod fronts;
mod graph;
mod insight;
mod intervene;
pub mod json;
mod lens;
mod lesions;
mod modules;
mod multiverse;
mod network;
mod prune;
mod ranking;
mod replay;
mod run;
mod saved;
#[cfg(feature = "schema")]
mod schema;
mod status;
mod strongest;
mod subgroups;
mod training;
mod transformer;
mod transplant;

pub use check::check;
pub use circuits::{
    Circuit, CircuitControls, CircuitStability, ControlTest, FaithfulnessCurve, LogitDifference,
    NodeAblation, NodeEffect, OutputEffect, ProvedCircuit, Recovery, Screening, SweepPoint,
    UnderFill,
};
pub use compare::{
    Better, CompareSettings, ComparedCircuit, ComparedGroup, ComparedMeasure, ComparedNetwork,
    Comparison, Control, FrontPoint, GroupOverlap, GroupSummary, Hypothesis, MeasureInfo, Overlap,
    OverlapPair, Picture, PlacedLayer, Test, UniversalShare,
};
pub use course::{Course, Stage, TurningPoint};
pub use diff::{
    ChangedCircuit, ChangedDecision, ChangedDecisions, ChangedEdges, ChangedModules, ChangedOutput,
    ChangedPruning, ChangedTensor, Diff, DiffLimits, MatchedModules, Versions,
};
pub use edges::{CircuitEdge, EdgeInclusion, Edges, Packed};
pub use fronts::{Fronts, OnFronts};
pub use graph::{GraphConfig, GraphEdge, GraphJson, GraphNode};
pub use insight::{
    Addition, Embedding, Formula, Insight, Polysemanticity, Represented, SignDimension, Surface,
    Unit,
};
pub use intervene::{EditMade, Intervention, Moved, MovedDecisions, MovedOutput, Swept, SweptRow};
pub use lens::{
    Attributed, Attribution, HeadWeights, LayerCosines, Lens, LensPoint, LensSample, NeuronWeights,
    Read, Scored,
};
pub use lesions::{
    Agreement, Coalitions, Enrichment, Lesion, Margins, MeanMargins, Need, Selectivity, Share,
    Subset,
};
pub use modules::{
    Assignment, AtThreshold, BlockCount, BlockPosterior, Blocks, Bootstrap, Bridge, Component,
    Conductance, Exchange, HeadlineTest, Independence, Measure, Membership, Modules, Motif,
    Neighbours, NullModel, Partition, Placement, Plateau, Relocation, Resample, Scan, ScanPoint,
    Split, Spread, Wiring,
};
pub use multiverse::{
    Along, Analysed, Axes, Certified, CertifiedEdge, Claim, Multiverse, Nonsense, OfSize,
    Specified, SupportedEdge, Transfer,
};
pub use network::{Arrangement, Layer, Link, LinkKind, Network, Site, Skip};
pub use prune::{
    Certificate, CertifiedDecisions, Compaction, ConstantOutput, Counterexample, CurvePoint,
    DomainFile, LayerCount, ModuleNetwork, ModulesApart, NetworkEquivalence, OutputBound,
    OutputChange, ProofLog, Prune, WeightNeed, WeightShare,
};
pub use ranking::{Picked, RankedBy, RankedNetwork, Ranking};
pub use replay::Replay;
pub use run::{
    Audit, CheckpointInfo, Costs, DataInfo, Finding, Inference, Parity, PassedOver, Seconds,
    Settings, Task, TensorInfo, Tensors, Tool, UsedArray,
};
pub use saved::Saved;
#[cfg(feature = "schema")]
pub use schema::schemas;
pub use status::{Sentence, Status, fails};
pub use strongest::{Extreme, Extremes, Sample, Strongest};
pub use subgroups::{Subgroup, Subgroups};
pub use training::{Film, FilmFrame, Training, TrainingPoint};
pub use transformer::{Attention, Prompt, Transformer};
pub use transplant::Transplant;

/// The value of `schema` in every result this version writes.
pub const SCHEMA: &str = "modscope/2";

/// Other values of `schema` that this version reads: what they lack is empty.
pub const READABLE: [&str; 2] = ["modscope/1", SCHEMA];

/// A number, or numbers in a list; JSON has neither NaN nor infinity, so that both are
/// written as `null`, and `null` is read as NaN.
fn number<'de, D: serde::Deserializer<'de>, N: Numbers>(from: D) -> Result<N, D::Error> {
    <N::Written as serde::Deserialize>::deserialize(from).map(N::read)
}

/// Numbers as they stand in JSON.
trait Numbers {
    /// With `None` where a number was none.
    type Written: serde::de::DeserializeOwned;

    fn read(written: Self::Written) -> Self;
}

impl Numbers for f64 {
    type Written = Option<f64>;

    fn read(written: Option<f64>) -> Self {
        written.unwrap_or(f64::NAN)
    }
}

impl Numbers for [f64; 2] {
    type Written = [Option<f64>; 2];

    fn read(written: Self::Written) -> Self {
        written.map(f64::read)
    }
}

impl<N: Numbers> Numbers for Vec<N> {
    type Written = Vec<N::Written>;

    fn read(written: Self::Written) -> Self {
        written.into_iter().map(N::read).collect()
    }
}

impl<N: Numbers> Numbers for Option<N> {
    type Written = Option<N::Written>;

    fn read(written: Self::Written) -> Self {
        written.map(N::read)
    }
}
