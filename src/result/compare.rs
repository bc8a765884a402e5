//! Networks set beside each other: what `compare.json` holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Arrangement, DataInfo, Ranking, Sentence, Tool};
use crate::choice::{Against, Fill, HypothesisKind, MetricKind};

/// A whole comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Comparison {
    /// Always `modscope/2`.
    pub schema: String,
    /// The program that wrote this.
    pub tool: Tool,
    /// The command line, one word per entry.
    pub command: Vec<String>,
    /// Seed of every random choice in this result.
    pub seed: u64,
    /// What the rest says, in sentences with their status.
    #[serde(default)]
    pub summary: Vec<Sentence>,
    /// The task, where the configurations name it.
    pub task: Option<String>,
    /// Width of every layer, the same for all networks.
    pub layers: Vec<usize>,
    /// What all networks were run on.
    pub data: DataInfo,
    /// What was held equal.
    pub settings: CompareSettings,
    /// The regimes, the reference first.
    pub groups: Vec<ComparedGroup>,
    /// The networks, by regime and seed.
    pub networks: Vec<ComparedNetwork>,
    /// Every number by regime, with its tests.
    pub measures: Vec<ComparedMeasure>,
    /// The networks ranked; `null` where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranking: Option<Ranking>,
    /// How much the circuits share.
    pub overlap: Option<Overlap>,
    /// What a reader must know of the comparison itself, in sentences.
    pub notes: Vec<String>,
    /// Places of the sites, for drawing: layer by layer.
    pub places: Vec<PlacedLayer>,
}

/// What was held equal for all networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompareSettings {
    /// Pruning threshold of each network: `auto`, or a number.
    pub threshold: String,
    /// How tolerances come about, in words.
    pub tolerance: String,
    /// The pruning threshold of the equal-threshold numbers.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub equal_threshold: f64,
    /// `zero`, `mean`, ...
    pub fill: Fill,
    /// `logit-diff`, `mse`, ...; `null` where there are no circuits.
    pub metric: Option<MetricKind>,
    /// What gaps are divided by, in words.
    pub scale: String,
    /// A circuit is faithful when |1 - faithfulness| is at most this.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub within: f64,
    /// Draws of every control but the random circuits.
    pub control_draws: usize,
    /// Level of all tests.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub level: f64,
}

/// A regime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ComparedGroup {
    /// Its name.
    pub name: String,
    /// Names of its networks.
    pub networks: Vec<String>,
}

/// One network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ComparedNetwork {
    /// What it is called: its folder or file.
    pub name: String,
    /// The path as it was given.
    pub path: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Its regime.
    pub group: String,
    /// Its training seed, where it is known.
    pub seed: Option<u64>,
    /// Does it do what the data ask of it; `null` where they do not say.
    #[serde(default)]
    pub task: Option<super::Task>,
    /// Its numbers by the key of the measure; `null` where there is none.
    pub values: BTreeMap<String, Option<f64>>,
    /// 95 % bootstrap intervals over the samples of those that are means over them, by key.
    #[serde(default)]
    pub intervals: BTreeMap<String, [f64; 2]>,
    /// Its circuits by exact effects, one per output.
    pub circuits: Vec<ComparedCircuit>,
    /// Circuits by exact effects along their size, means over outputs.
    pub front: Vec<FrontPoint>,
    /// What is drawn of it.
    pub picture: Picture,
}

/// Circuits of one size, means over outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrontPoint {
    /// Edges of each circuit, at most.
    pub edges: usize,
    /// Share of the network's edges.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub kept: f64,
    /// Gap over the full network's own metric.
    pub gap: Option<f64>,
    /// Faithfulness.
    pub faithfulness: Option<f64>,
}

/// The strongest surviving edges of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Picture {
    /// Edges that survive.
    pub surviving: usize,
    /// The strongest of them: layer of the writer, writer, reader, weight.
    pub edges: Vec<(usize, usize, usize, f64)>,
}

/// Places of one layer's sites, the same in all networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlacedLayer {
    /// How its sites are laid out.
    pub arrangement: Arrangement,
    /// Place across and in depth, in [0, 1].
    pub sites: Vec<(f64, f64)>,
}

/// One circuit beside its controls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ComparedCircuit {
    /// Site of the output.
    pub output: String,
    /// The target's or class's own name.
    pub output_name: String,
    /// Edges of the circuit.
    pub edges_kept: usize,
    /// Faithfulness; `null` where full = corrupted.
    pub faithfulness: Option<f64>,
    /// 95 % bootstrap interval of the faithfulness over samples.
    #[serde(default, deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
    /// Gap over the full network's own metric.
    pub gap: Option<f64>,
    /// |1 - faithfulness| and size under every control.
    pub controls: Vec<Control>,
    /// Whether it is faithful and beats every control: only then is it called a circuit.
    pub is_circuit: bool,
    /// What the hypothesis tests say.
    pub hypotheses: Vec<Hypothesis>,
    /// Numbers of its edges, layer by layer and row by row; left out of the final result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<usize>,
}

/// A circuit of the same size where there is nothing to find.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Control {
    /// `random`, `shuffled`, `untrained` or `nonsense`.
    pub name: Against,
    /// |1 - faithfulness| at the circuit's size, one per draw (of random circuits: the
    /// median and the best).
    #[serde(deserialize_with = "super::number")]
    pub errors: Vec<Option<f64>>,
    /// Edges that the control needs to be as faithful; one per draw, `null` where none suffice.
    pub edges_needed: Vec<Option<usize>>,
    /// `(r + 1) / (n + 1)` over random circuits; `null` for the others.
    pub p: Option<f64>,
    /// Whether the circuit is more faithful than every draw (of random circuits: than 95 %).
    pub beaten: Option<bool>,
}

/// One test of one circuit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hypothesis {
    /// `equivalence`, `independence`, `minimality`, `sufficiency`, `partial-necessity`.
    pub name: HypothesisKind,
    /// What was measured, as the sentence says.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub statistic: f64,
    /// Its p-value; of minimality the largest over edges, corrected (Holm).
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// Whether the claim stands; `null` where it could not be tested.
    pub stands: Option<bool>,
    /// What it says.
    pub sentence: String,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MeasureInfo {
    /// Its key in `values`.
    pub key: String,
    /// Its name for readers.
    pub title: String,
    /// At which operating point: `equal tolerance`, `equal size`, ...
    pub point: String,
    /// Which direction is better, if one is.
    pub better: Better,
}

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Less is.
    Lower,
    /// More is.
    Higher,
    /// Neither.
    Neither,
}

/// One number over all regimes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ComparedMeasure {
    /// What it is.
    pub info: MeasureInfo,
    /// Each regime, in the order of the groups.
    pub groups: Vec<GroupSummary>,
    /// The reference against each other regime.
    pub tests: Vec<Test>,
}

/// One number in one regime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupSummary {
    /// The regime.
    pub group: String,
    /// Networks that have the number.
    pub networks: usize,
    /// Mean over them.
    pub mean: Option<f64>,
    /// Standard deviation over them (divisor n - 1); `null` for fewer than two.
    pub sd: Option<f64>,
    /// 95 % interval of the mean over seeds (Student's t); `null` for fewer than two.
    #[serde(default, deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
}

/// The reference against another regime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Test {
    /// The other regime.
    pub other: String,
    /// Whether networks of the same seed were paired.
    pub paired: bool,
    /// Pairs, or networks of both if there are no pairs.
    pub networks: usize,
    /// Mean of the reference less the other.
    pub difference: Option<f64>,
    /// 95 % interval of the difference (Student's t).
    #[serde(default, deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
    /// Permutation test, two-sided; `null` where there is no test.
    pub p: Option<f64>,
    /// p, corrected over the tests of this measure (Holm).
    pub corrected: Option<f64>,
    /// The smallest p that this many networks can give.
    pub smallest: Option<f64>,
    /// Mean difference over its standard deviation (pairs), or over the pooled one.
    pub cohen_d: Option<f64>,
    /// Cliff's delta: P(reference > other) - P(reference < other), in [-1, 1].
    pub cliff_delta: Option<f64>,
    /// Why there is no test.
    pub no_test: Option<String>,
}

/// How much circuits share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overlap {
    /// How neurons of two networks are matched, in words.
    pub matching: String,
    /// What the likeness of two neurons is, in words: `|correlation|`, `cosine of weights`.
    #[serde(default = "correlation")]
    pub likeness: String,
    /// From which likeness a match counts as the same neuron.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub universal_from: f64,
    /// Pairs of networks.
    pub pairs: Vec<OverlapPair>,
    /// Each regime among itself, in the order of the groups.
    pub groups: Vec<GroupOverlap>,
}

fn correlation() -> String {
    "|correlation|".to_owned()
}

/// Two networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OverlapPair {
    /// One network.
    pub one: String,
    /// The other.
    pub other: String,
    /// Mean likeness of matched hidden neurons, live in either: the |correlation| of their
    /// activations, or the cosine of their weights.
    pub correlation: Option<f64>,
    /// Edge Jaccard index of the circuits, mean over outputs.
    pub edges: Option<f64>,
    /// Node Jaccard index of the circuits, hidden nodes only.
    pub nodes: Option<f64>,
    /// Edge Jaccard index where neurons are matched at random.
    pub edges_by_chance: Option<f64>,
    /// Node Jaccard index where neurons are matched at random.
    pub nodes_by_chance: Option<f64>,
}

/// The networks of one regime among themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupOverlap {
    /// The regime.
    pub group: String,
    /// Pairs of networks.
    pub pairs: usize,
    /// Means over pairs, as in [`OverlapPair`].
    pub correlation: Option<f64>,
    /// Mean edge Jaccard index.
    pub edges: Option<f64>,
    /// Mean edge Jaccard index where neurons are matched at random.
    pub edges_by_chance: Option<f64>,
    /// Mean node Jaccard index.
    pub nodes: Option<f64>,
    /// Mean node Jaccard index where neurons are matched at random.
    pub nodes_by_chance: Option<f64>,
    /// Per network the share of its live hidden neurons with a match in every other network
    /// of the regime.
    pub universal: Vec<UniversalShare>,
}

/// The universal neurons of one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UniversalShare {
    /// The network.
    pub network: String,
    /// Hidden neurons that vary over the samples.
    pub live: usize,
    /// Those with a match in every other network of the regime.
    pub universal: Vec<String>,
}
