//! Circuits and the ablations behind them.

#[cfg(feature = "schema")]
use super::edges::Stored;
use super::{CircuitEdge, EdgeInclusion, Edges};
use serde::{Deserialize, Serialize};

use super::DomainFile;
use crate::choice::{
    Arithmetic, CertificateMethod, Direction, Equivalence, Fill, Level, LowerBound, MetricKind,
    Origin, Rest, Sign,
};

/// A circuit for one output, found by one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Circuit {
    /// Site of the output: `y0`; for a class, the site of its logit.
    pub output: String,
    /// The target's or class's own name.
    pub output_name: String,
    /// `exact`, `acdc`, ...
    pub method: Origin,
    /// Whether it is a circuit of `edge`s or of `node`s; an edge of a node's is
    /// from the node to `*`, all that reads it.
    #[serde(default)]
    pub level: Level,
    /// `zero`, `mean`, `corrupted`, `resample`.
    pub fill: Fill,
    /// The set a mean or resample is taken from, in words; `null` for zero.
    pub fill_reference: Option<String>,
    /// `logit-diff`, `mse`, `output`, ...
    pub metric: MetricKind,
    /// `higher-is-better` or `lower-is-better`.
    pub direction: Direction,
    /// Whether edges were chosen by `signed` or `absolute` effect.
    pub sign: Sign,
    /// How the circuit was chosen among sizes, in words.
    pub selection: String,
    /// The parameter that gave it: τ for ACDC, number of edges for top-n.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub parameter: f64,
    /// The samples it was discovered on: a split, or a half of one; empty in results that
    /// do not say.
    #[serde(default)]
    pub discovered_on: String,
    /// The samples it is judged on, by which all that follows was measured but `edges` and
    /// `sweep`; the same name where they are the same samples.
    #[serde(default)]
    pub judged_on: String,
    /// Samples the metric is a mean of: those it is judged on.
    pub samples: usize,
    /// Edges of the whole network.
    pub edges_total: usize,
    /// Edges of the circuit.
    pub edges_kept: usize,
    /// `1 - edges_kept / edges_total`.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub sparsity: f64,
    /// The metric with nothing patched.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_full: f64,
    /// The metric with everything but the circuit patched.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_circuit: f64,
    /// The metric with everything patched.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric_corrupted: f64,
    /// Full network and circuit as logit differences; `null` for regressors.
    pub logit_difference: Option<LogitDifference>,
    /// `(circuit - corrupted) / (full - corrupted)`; `null` where full = corrupted.
    pub faithfulness: Option<f64>,
    /// 1 - the faithfulness of the circuit's complement alone; `null` where that is.
    pub completeness: Option<f64>,
    /// Share of kept edges that matter more to the circuit than 95 % of the edges of random
    /// circuits of the same size do to theirs; `null` for an empty circuit.
    pub minimality: Option<f64>,
    /// 95 % interval of the faithfulness over samples; `null` where that is, and where
    /// intervals of so many samples of this metric were found not to hold the truth 95 % of
    /// the time.
    #[serde(default, deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
    /// How the interval was made, in words; empty where there is none.
    #[serde(default)]
    pub interval_method: String,
    /// The band of faithfulness that was asked for, around 1.
    #[serde(default, deserialize_with = "super::number")]
    pub band: Option<[f64; 2]>,
    /// Mean over samples of |circuit - full|, in units of the metric.
    #[serde(default)]
    pub gap: Option<f64>,
    /// Share of samples on which the circuit decides as the full network; `null` for
    /// metrics of numbers.
    #[serde(default)]
    pub decision_agreement: Option<f64>,
    /// What it was held against; `null` in results that do not have it.
    #[serde(default)]
    pub controls: Option<CircuitControls>,
    /// Whether the interval lies within the band asked for and every control is beaten;
    /// `null` where it was judged on the samples it was discovered on, or has no interval.
    #[serde(default)]
    pub established: Option<bool>,
    /// The circuit's edges, strongest first.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "Stored<CircuitEdge>"))]
    pub edges: Edges<CircuitEdge>,
    /// Other sizes: from few edges to many.
    pub sweep: Vec<SweepPoint>,
    /// Faithfulness at MIB's sizes; `null` where it was not asked for, and for
    /// methods that score no edges.
    #[serde(default)]
    pub curve: Option<FaithfulnessCurve>,
    /// Agreement with a known circuit; `null` where none was given.
    #[serde(default)]
    pub recovery: Option<Recovery>,
    /// Whether other samples would have given it; `null` for methods whose scores are no
    /// means over samples, and where the effects of all samples take too much memory.
    #[serde(default)]
    pub stability: Option<CircuitStability>,
    /// What it does under every fill that the data allow, its own first; empty where that
    /// was not asked for.
    #[serde(default)]
    pub fills: Vec<UnderFill>,
    /// How many edges were settled by what; `null` for methods that do not screen.
    #[serde(default)]
    pub screening: Option<Screening>,
    /// What is proved of it; `null` for all methods but `proved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<ProvedCircuit>,
    /// Patched runs that discovery took, or proofs that were tried.
    pub evaluations: u64,
    /// Seconds that discovery took.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub seconds: f64,
}

/// What is proved of a circuit, for every input of its domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProvedCircuit {
    /// What it keeps: `epsilon`, `top1` or `delta-top1`.
    pub equivalence: Equivalence,
    /// The least softmax of the network's class at which decisions count; `null` but for
    /// `delta-top1`.
    pub confidence: Option<f64>,
    /// The smallest of the outputs' tolerances; `null` but for `epsilon`.
    pub tolerance: Option<f64>,
    /// What stands in for the rest: the `fill`'s fixed value, or `any` value that it can take
    /// over the domain, message by message.
    pub rest: Rest,
    /// The domain in words: `box:-1,1`, `tokens`.
    pub domain: String,
    /// The file that names the domain, where one does.
    #[serde(default)]
    pub domain_file: Option<DomainFile>,
    /// Half the width of the balls around samples; `null` where it is the whole domain.
    pub radius: Option<f64>,
    /// By `enumeration` of every input, or by bounds.
    pub method: CertificateMethod,
    /// What was compared: the networks as functions of `real` numbers, or runs in a type.
    pub arithmetic: Arithmetic,
    /// Inputs, balls or boxes of the domain for which it is proved.
    pub regions: u64,
    /// Balls or boxes in which the same is not proved of the network itself, as where it has
    /// a border between classes: nothing is claimed of them.
    pub left_out: u64,
    /// Whether no single further edge can go under the same proof: each was tried.
    pub minimal: bool,
    /// Edges of it without which the claim is refuted by an input that was run.
    pub refuted: usize,
    /// Edges of it without which the claim could be neither proved nor refuted.
    pub undecided: usize,
    /// No circuit of which the same is true has fewer edges.
    pub lower_bound: usize,
    /// Why: by `indispensable edges`, `smaller sets`, `paths`, or `unknown`.
    pub lower_bound_by: LowerBound,
}

fn one() -> usize {
    1
}

/// What a circuit does under a fill, on the samples it is judged on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnderFill {
    /// What stands in for all but the circuit.
    pub fill: Fill,
    /// Of how many draws of the fill the worst counts, sample by sample: the one that takes
    /// the metric furthest from the full network's. 1: as it falls.
    #[serde(default = "one")]
    pub draws: usize,
    /// `(circuit - patched) / (full - patched)`; `null` where full = patched.
    pub faithfulness: Option<f64>,
    /// Mean over samples of |circuit - full|, in units of the metric.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub gap: f64,
    /// Share of samples on which it decides as the full network; `null` for metrics of
    /// numbers.
    pub decision_agreement: Option<f64>,
}

/// How the sides of edges were settled on which they lie of the cut between those wanted
/// and the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Screening {
    /// By their estimate: its interval lies on one side of the cut.
    pub estimated: usize,
    /// By a patch: their effects are exact.
    pub patched: usize,
    /// Of these, drawn at random to hold estimates against.
    pub drawn: usize,
    /// Estimates that may be off by more than a fifth.
    pub flagged: usize,
    /// Curvatures that an interval is wide on either side: the largest error of a drawn edge.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub factor: f64,
    /// Probability at most that an edge drawn like them lies outside: 1 / (drawn + 1).
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub risk: f64,
}

/// How a circuit's discovery comes out over bootstrap resamples of its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CircuitStability {
    /// Resamples.
    pub resamples: usize,
    /// Samples of the discovery.
    pub samples: usize,
    /// Mean over pairs of resampled circuits of the share of edges of either that are in both.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub jaccard: f64,
    /// Edges that are there in at least 95 % of the resamples.
    pub core: usize,
    /// Edges that are there in at least 5 %.
    pub possible: usize,
    /// The possible edges, the most frequent first.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "Stored<EdgeInclusion>"))]
    pub edges: Edges<EdgeInclusion>,
}

/// What a circuit is held against; `null` where a control does not apply or was not run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CircuitControls {
    /// Random circuits of as many edges: by |1 - faithfulness|.
    pub random: Option<ControlTest>,
    /// The same weights in other places: does the network do the task better?
    pub shuffled: Option<ControlTest>,
    /// Fresh weights: does the network do the task better?
    pub untrained: Option<ControlTest>,
    /// Labels of other samples: does the network do the task better with its own?
    pub nonsense: Option<ControlTest>,
    /// Circuits of the same output and size that the same search finds in shuffled weights, in
    /// an untrained network and for permuted labels, where they were asked for. They are no
    /// part of what establishes a circuit: a network that does nothing has circuits of nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searched: Vec<super::Control>,
}

impl CircuitControls {
    /// The controls that were run, with their names.
    pub fn run(&self) -> impl Iterator<Item = (&'static str, &ControlTest)> {
        let all = [
            ("random circuits", &self.random),
            ("shuffled weights", &self.shuffled),
            ("untrained weights", &self.untrained),
            ("permuted labels", &self.nonsense),
        ];
        all.into_iter()
            .filter_map(|(name, test)| Some((name, test.as_ref()?)))
    }
}

/// A permutation test against draws of a control.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ControlTest {
    /// Draws.
    pub draws: usize,
    /// (draws at least as good + 1) / (draws + 1).
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// Whether p is at most 0.05.
    pub beaten: bool,
}

/// Mean logit differences of the full network and of a circuit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogitDifference {
    /// Mean logit(answer) - logit(foil) of the full network.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub full: f64,
    /// Mean logit(answer) - logit(foil) of the circuit.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub circuit: f64,
    /// Mean over samples of |circuit - full|.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub gap: f64,
}

/// One point of a sweep over ACDC's τ or over circuit sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweepPoint {
    /// τ, or the number of edges asked for.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub parameter: f64,
    /// Edges kept.
    pub edges_kept: usize,
    /// The metric of the circuit.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub metric: f64,
    /// Its faithfulness; `null` where full = corrupted.
    pub faithfulness: Option<f64>,
    /// Mean over samples of |circuit - full|; `null` in results that do not have it.
    #[serde(default)]
    pub gap: Option<f64>,
}

/// Agreement with a known circuit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recovery {
    /// Edges of the known circuit.
    pub known: usize,
    /// Edges that count neither way: without effect under this fill.
    pub left_out: usize,
    /// Share of the circuit's edges that are known.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub precision: f64,
    /// Share of the known edges that are in the circuit.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub recall: f64,
    /// Area under the receiver operating characteristic of |scores|, both end
    /// points in and ties counting half; `null` for methods that score no edges.
    pub roc_area: Option<f64>,
    /// Its corners `[share of other edges, share of known edges]` that score at least so high,
    /// from none to all; empty where there is no area.
    #[serde(default, deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<[Option<f64>; 2]>"))]
    pub roc: Vec<[f64; 2]>,
}

/// Faithfulness of the circuits of the strongest edges, at the kept fractions
/// of MIB (Mueller et al. 2025), without regard to whether edges are connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FaithfulnessCurve {
    /// Area under the faithfulness, higher is better.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub cpr: f64,
    /// Area of |1 - faithfulness|, lower is better.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub cmd: f64,
    /// `[kept fraction, faithfulness]`, from few edges to all.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<[Option<f64>; 2]>"))]
    pub points: Vec<[f64; 2]>,
}

/// Ablation of nodes under one fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeAblation {
    /// `zero`, `mean`, `corrupted`, `resample`.
    pub fill: Fill,
    /// The set a mean or resample is taken from, in words; `null` for zero.
    pub fill_reference: Option<String>,
    /// The metric of each output; `null` where there are no outputs.
    pub metric: Option<MetricKind>,
    /// One entry per site that writes something.
    pub effects: Vec<NodeEffect>,
}

/// The effect of ablating one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeEffect {
    /// Name of the site.
    pub site: String,
    /// One effect per output or class.
    pub outputs: Vec<OutputEffect>,
    /// Samples whose decision is another without it; `null` for metrics of numbers and in
    /// results that do not have it.
    #[serde(default)]
    pub decisions_changed: Option<usize>,
}

/// The effect on one output or class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputEffect {
    /// Site of the output.
    pub output: String,
    /// `metric(as is) - metric(site patched)`, mean over the samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub effect: f64,
    /// Mean over samples of |metric(as is) - metric(site patched)|: a site whose effects
    /// cancel matters nonetheless; `null` in results that do not have it.
    #[serde(default)]
    pub mean_abs: Option<f64>,
}
