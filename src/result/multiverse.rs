//! Many analyses of one network, and what they agree on.

use serde::{Deserialize, Serialize};

use super::{CheckpointInfo, DataInfo, Sentence, Tool};
use crate::choice::{Fill, Method, MetricKind};

/// A whole multiverse of analyses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Multiverse {
    /// Always [`super::SCHEMA`].
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
    /// Seconds of the whole.
    pub seconds: f64,
}

/// The choices along every axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axes {
    /// How edges are scored.
    pub methods: Vec<Method>,
    /// What stands in for a patched message.
    pub fills: Vec<Fill>,
    /// What a circuit must keep.
    pub metrics: Vec<MetricKind>,
    /// Edges of a circuit.
    pub sizes: Vec<usize>,
    /// Sets of samples: the samples as they are, and bootstrap resamples of them.
    pub sample_sets: usize,
}

/// The analyses of one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysed {
    /// Site of the output.
    pub output: String,
    /// The target's or class's own name.
    pub output_name: String,
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
    /// What was asked of the analyses.
    pub claims: Vec<Claim>,
    /// One entry per analysis: how much it shares with the modal circuit of its size.
    pub curve: Vec<Specified>,
}

/// The analyses that take the same number of edges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfSize {
    /// Edges of a circuit.
    pub size: usize,
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
    /// The possible edges, the most frequent first.
    pub edges: Vec<SupportedEdge>,
}

/// An edge and the share of analyses that have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
pub struct Along {
    /// `method`, `fill`, `metric`, `samples`.
    pub axis: String,
    /// Mean Jaccard index; 1: none.
    pub jaccard: f64,
}

/// The same analyses with the labels of other samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nonsense {
    /// Mean Jaccard index of two analyses of one size.
    pub jaccard: f64,
    /// Core edges of each size.
    pub core: Vec<usize>,
}

/// A claim, and how many analyses support it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// `A->B`: the edge is in the circuit; `A`: an edge out of the site is.
    pub claim: String,
    /// Share of all analyses, in [0, 1].
    pub share: f64,
}

/// One analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Specified {
    /// How edges are scored.
    pub method: Method,
    /// What stands in for a patched message.
    pub fill: Fill,
    /// What a circuit must keep.
    pub metric: MetricKind,
    /// Edges of the circuit.
    pub size: usize,
    /// Which set of samples; 0: the samples as they are.
    pub samples: usize,
    /// Jaccard index with the modal circuit of its size.
    pub overlap: f64,
}
