//! The plain results that are saved as JSON and drawn as reports.
//!
//! Section 5 of the design as types, in one place: field names here are the
//! contract with every reader of `audit.json`. Nothing in this module computes;
//! it deliberately knows no models, no graphs and no drawing.

mod check;
mod circuits;
mod compare;
mod graph;
mod insight;
mod modules;
mod network;
mod prune;
mod run;
mod status;
mod strongest;
mod training;
mod transformer;

pub use check::check;
pub use circuits::{
    Circuit, CircuitControls, CircuitEdge, CircuitStability, ControlTest, EdgeInclusion,
    FaithfulnessCurve, LogitDifference, NodeAblation, NodeEffect, OutputEffect, Recovery,
    SweepPoint,
};
pub use compare::{
    Better, CompareSettings, ComparedCircuit, ComparedGroup, ComparedMeasure, ComparedNetwork,
    Comparison, Control, FrontPoint, GroupOverlap, GroupSummary, Hypothesis, MeasureInfo, Overlap,
    OverlapPair, Picture, PlacedLayer, Test, UniversalShare,
};
pub use graph::{GraphConfig, GraphEdge, GraphJson, GraphNode};
pub use insight::{Embedding, Formula, Insight, Polysemanticity, SignDimension};
pub use modules::{
    Agreement, Assignment, AtThreshold, Bootstrap, Bridge, Coalitions, Component, Conductance,
    Enrichment, Independence, Lesion, Measure, Modules, Neighbours, NullModel, Partition,
    Placement, Plateau, Relocation, Resample, Scan, ScanPoint, Share, Split, Spread, Subset,
    Wiring,
};
pub use network::{Arrangement, Layer, Link, LinkKind, Network, Site};
pub use prune::{
    Certificate, CertifiedDecisions, Compaction, Counterexample, CurvePoint, LayerCount,
    OutputBound, OutputChange, Prune, WeightShare,
};
pub use run::{
    Audit, CheckpointInfo, Costs, DataInfo, Finding, Inference, Parity, PassedOver, Seconds,
    Settings, Task, TensorInfo, Tensors, Tool, UsedArray,
};
pub use status::{Sentence, Status, fails};
pub use strongest::{Extreme, Extremes, Sample, Strongest};
pub use training::{Film, FilmFrame, Training, TrainingPoint};
pub use transformer::{Attention, Prompt, Transformer};

/// The value of `schema` in every result this version writes.
pub const SCHEMA: &str = "modscope/2";

/// Other values of `schema` that this version reads: what they lack is empty.
pub const READABLE: [&str; 2] = ["modscope/1", SCHEMA];

/// A number; JSON has neither NaN nor infinity, so that both are written as
/// `null`, and `null` is read as NaN.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let number = <Option<f64> as serde::Deserialize>::deserialize(from)?;
    Ok(number.unwrap_or(f64::NAN))
}
