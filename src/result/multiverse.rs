//! Many analyses of one network, and what they agree on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CheckpointInfo, DataInfo, Sentence, Tool};
use crate::choice::{Fill, Granularity, Method, MetricKind, Selection, Sign};

/// A whole multiverse of analyses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Multiverse {
    /// Always `modscope/2`.
    pub schema: String,
    /// The program that wrote this.
    pub tool: Tool,
    /// The command line, one word per entry.
    pub command: Vec<String>,
    /// Seed of every random choice in this result.
    pub seed: u64,
    /// What the rest says, in sentences with their status.
    pub summary: Vec<Sentence>,
    /// What was recognised in the checkpoint.
    pub checkpoint: CheckpointInfo,
    /// What the network was run on.
    pub data: DataInfo,
    /// The choices along every axis.
    pub axes: Axes,
    /// What the analyses of each answer say.
    pub answers: Vec<Analysed>,
    /// The own names of sites that have one: of inputs and outputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Seconds of the whole.
    pub seconds: f64,
}

/// The choices along every axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Axes {
    /// How edges are scored.
    pub methods: Vec<Method>,
    /// What stands in for a patched message.
    pub fills: Vec<Fill>,
    /// What a circuit must keep.
    pub metrics: Vec<MetricKind>,
    /// How edges are taken: by the size of their effect, or only where the metric is worse
    /// without them; empty in results that do not say, which take them by size.
    #[serde(default)]
    pub selections: Vec<Sign>,
    /// In which order: the strongest first, or grown from the outputs backwards; empty in
    /// results that do not say, which take the strongest first.
    #[serde(default)]
    pub orders: Vec<Selection>,
    /// Draws of fills that are drawn.
    #[serde(default = "one")]
    pub seeds: usize,
    /// How fine the network is taken apart; empty: as it is unasked.
    #[serde(default)]
    pub granularities: Vec<Granularity>,
    /// Edges of a circuit.
    pub sizes: Vec<usize>,
    /// Levels of faithfulness, each of which gives the smallest circuit that reaches it on
    /// the samples of its own discovery.
    #[serde(default)]
    pub faithfulness: Vec<f64>,
    /// Sets of samples: the samples as they are, and bootstrap resamples of them.
    pub sample_sets: usize,
}

/// The analyses of one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Analysed {
    /// Site of the output.
    pub output: String,
    /// The target's or class's own name.
    pub output_name: String,
    /// How fine the network was taken apart; `null` as it is unasked.
    #[serde(default)]
    pub granularity: Option<Granularity>,
    /// How many there are: the product of the axes, without those that give no scores.
    pub specifications: usize,
    /// Matrices of effects sample by sample: the only runs of the network.
    pub scored: usize,
    /// Edges that circuits were made of.
    pub edges_total: usize,
    /// Samples.
    pub samples: usize,
    /// Of the analyses of each size.
    pub sizes: Vec<OfSize>,
    /// Mean Jaccard index of two analyses of one size that differ along one axis alone.
    pub along: Vec<Along>,
    /// The same analyses with the labels of other samples; `null` where there are none.
    pub nonsense: Option<Nonsense>,
    /// The same analyses with the weights of every layer in other places; `null` where
    /// there are none.
    #[serde(default)]
    pub shuffled: Option<Nonsense>,
    /// What circuits of two discoveries do on each other's samples; `null` where none were
    /// run, or none differ.
    #[serde(default)]
    pub transfer: Option<Transfer>,
    /// What was asked of the analyses.
    pub claims: Vec<Claim>,
    /// One entry per analysis: how much it shares with the modal circuit of its size.
    pub curve: Vec<Specified>,
}

/// The analyses that take the same number of edges, or reach the same faithfulness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OfSize {
    /// Edges of a circuit; the median, where a faithfulness decides.
    pub size: usize,
    /// The least faithfulness, whose smallest circuits they are; `null` where the number of
    /// edges decides.
    #[serde(default)]
    pub faithfulness: Option<f64>,
    /// Analyses.
    pub analyses: usize,
    /// Mean Jaccard index of two of them.
    pub jaccard: f64,
    /// The share of analyses that give the most frequent circuit.
    pub modal_share: f64,
    /// Edges in at least 95 % of them.
    pub core: usize,
    /// Edges in at least 5 %.
    pub possible: usize,
    /// What is certified of the circuit by the first choice along every axis; `null` for
    /// one sample, and in results that do not have it.
    #[serde(default)]
    pub certified: Option<Certified>,
    /// The possible edges, the most frequent first.
    pub edges: Vec<SupportedEdge>,
}

/// An edge and the share of analyses that have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SupportedEdge {
    /// Writer site.
    pub from: String,
    /// Reader site.
    pub to: String,
    /// Share of analyses.
    pub share: f64,
    /// Whether it is in the modal circuit.
    pub modal: bool,
}

/// How much difference one axis makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Along {
    /// `method`, `fill`, `metric`, `selection`, `order`, `seed`, `samples`; `granularity`,
    /// along which analyses are held together by the sites that their edges lead out of.
    pub axis: String,
    /// Mean Jaccard index; 1: none.
    pub jaccard: f64,
}

/// Edges that stay on their side whatever few samples are deleted or replaced: of the
/// smoothed circuit, whose edges more than half of all discoveries have from which every
/// sample is left out with a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Certified {
    /// How edges are scored.
    pub method: Method,
    /// What stands in for a patched message.
    pub fill: Fill,
    /// What a circuit must keep.
    pub metric: MetricKind,
    /// The probability with which a sample is left out.
    pub deletion: f64,
    /// Discoveries.
    pub draws: usize,
    /// Probability at least that all bounds hold.
    pub confidence: f64,
    /// Edges that are in.
    pub inside: usize,
    /// Edges that are out.
    pub outside: usize,
    /// Edges of which the bounds allow both.
    pub abstained: usize,
    /// Those that are in or abstained from, the most frequent first.
    pub edges: Vec<CertifiedEdge>,
}

/// What is certified of an edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CertifiedEdge {
    /// Writer site.
    pub from: String,
    /// Reader site.
    pub to: String,
    /// Share of the discoveries that have it.
    pub share: f64,
    /// Bounds on its probability (Clopper–Pearson, all edges together).
    pub interval: [f64; 2],
    /// Whether it is in; `null` where the bounds allow both.
    pub inside: Option<bool>,
    /// Samples that may be deleted, whichever, before it could change sides.
    pub deleted: usize,
    /// Samples that may be replaced by any others.
    pub replaced: usize,
}

/// Circuits of two discoveries, each on a third of the samples, run on both and on the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transfer {
    /// Edges of a circuit.
    pub size: usize,
    /// What stood in for a patched message in these runs.
    pub fill: Fill,
    /// What was measured.
    pub metric: MetricKind,
    /// Samples of either discovery, and those held out.
    pub samples: [usize; 3],
    /// Pairs of a circuit of either discovery that differ in edges.
    pub pairs: usize,
    /// Their mean Jaccard index.
    pub jaccard: f64,
    /// Mean faithfulness on the samples of the circuit's own discovery, on those of the
    /// other one, and on those held out.
    pub faithfulness: Option<[f64; 3]>,
    /// Mean share of held-out samples that both of a pair decide equally; `null` for
    /// metrics of numbers.
    pub agreement: Option<f64>,
    /// Mean |difference| of a pair on held-out samples, as a share of what the network
    /// gains there over everything patched.
    pub gap: f64,
    /// Pairs that do the same: whose gap is at most 0.1.
    pub same: usize,
    /// Pairs that share less than half of their edges.
    pub unlike: usize,
    /// Those of them that do the same.
    pub unlike_same: usize,
}

/// The same analyses where there is nothing to find: with the labels of other samples, or
/// with weights in other places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Nonsense {
    /// Mean Jaccard index of two analyses of one size.
    pub jaccard: f64,
    /// Mean Jaccard index of one of them with the most frequent circuit of the network as
    /// it is; `null` in results that do not have it.
    #[serde(default)]
    pub with_own: Option<f64>,
    /// Core edges of each size.
    pub core: Vec<usize>,
}

/// A claim, and how many analyses support it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Claim {
    /// `A->B`: the edge is in the circuit; `A`: an edge out of the site is.
    pub claim: String,
    /// Share of all analyses, in [0, 1].
    pub share: f64,
}

/// One analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Specified {
    /// How edges are scored.
    pub method: Method,
    /// What stands in for a patched message.
    pub fill: Fill,
    /// What a circuit must keep.
    pub metric: MetricKind,
    /// How edges were taken.
    #[serde(default = "by_size")]
    pub selection: Sign,
    /// In which order.
    #[serde(default = "strongest_first")]
    pub order: Selection,
    /// Which draw of the fill; 0: that of the run's seed.
    #[serde(default)]
    pub seed: usize,
    /// Edges of the circuit.
    pub size: usize,
    /// The faithfulness that it was to reach; `null` where its size was set.
    #[serde(default)]
    pub faithfulness: Option<f64>,
    /// Which set of samples; 0: the samples as they are.
    pub samples: usize,
    /// Jaccard index with the modal circuit of its size.
    pub overlap: f64,
}

/// How results take edges that do not say.
fn by_size() -> Sign {
    Sign::Absolute
}

fn strongest_first() -> Selection {
    Selection::Top
}

fn one() -> usize {
    1
}
