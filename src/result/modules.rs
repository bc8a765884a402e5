//! Modules: communities, their null models, and independence.

use serde::{Deserialize, Serialize};

use super::{Agreement, Coalitions, Lesion, Selectivity};
use crate::choice::{
    Algorithm, BlockForm, EdgeWeight, Granularity, MeasureKind, MotifKind, Null, RelocationMethod,
    Unmatched,
};

/// The modules of a (pruned) network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Modules {
    /// `leiden`, ...
    pub algorithm: Algorithm,
    /// What an edge weighs in the graph: `abs-weight`, ...
    pub edge_weight: EdgeWeight,
    /// Whether the weights of every layer were divided by their mean.
    #[serde(default)]
    pub per_layer: bool,
    /// What a weight that is an effect was measured in: metric and fill.
    #[serde(default)]
    pub measured_on: Option<String>,
    /// What the nodes are in a transformer: `component` or `neuron`.
    #[serde(default)]
    pub granularity: Option<Granularity>,
    /// Resolution of the quality function; 1 is Newman's modularity.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub resolution: f64,
    /// The pruning threshold of the graph.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub threshold: f64,
    /// Sites with at least one edge.
    pub nodes: usize,
    /// Edges of the graph.
    pub edges: usize,
    /// Sites without any edge: set aside, in no module.
    pub isolated: Vec<String>,
    /// Parts of the graph without an input or without an output, by site, the largest
    /// first: they compute nothing, and are in no module and not in `nodes` and `edges`.
    #[serde(default)]
    pub dead: Vec<Vec<String>>,
    /// Newman's modularity Q of the partition.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub modularity: f64,
    /// Number of modules.
    pub count: usize,
    /// The module of every site that has an edge; modules count from 0, largest first.
    pub partition: Vec<Assignment>,
    /// Modularity against shuffled networks.
    pub null: Option<NullModel>,
    /// The one test whose verdict is told, chosen beforehand; `null` where its null model was
    /// not asked for, and in results that do not have it.
    #[serde(default)]
    pub headline: Option<HeadlineTest>,
    /// How good the partition is by several measures, each against every null model.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// How far apart each module is from the rest.
    #[serde(default)]
    pub conductance: Vec<Conductance>,
    /// Mean adjusted Rand index between partitions of different seeds: 1 is perfect agreement.
    pub stability: Option<f64>,
    /// Mean normalised mutual information between the same partitions.
    #[serde(default)]
    pub stability_nmi: Option<f64>,
    /// Agreement with the partitions found on resamples of the samples; `null` where edge
    /// weights do not depend on samples.
    #[serde(default)]
    pub bootstrap: Option<Bootstrap>,
    /// The partition along the pruning threshold.
    #[serde(default)]
    pub along_threshold: Vec<AtThreshold>,
    /// Modules from stage to stage, where asked for: along the pruning threshold, over the
    /// snapshots of a training.
    #[serde(default)]
    pub courses: Vec<super::Course>,
    /// Modules along the resolution, where asked for.
    #[serde(default)]
    pub scan: Option<Scan>,
    /// Modules within modules, where asked for: each partition refines the one before it.
    #[serde(default)]
    pub hierarchy: Vec<Partition>,
    /// Wiring cost, where sites have places.
    pub wiring: Option<Wiring>,
    /// Whether modules keep together in place, where sites have places.
    #[serde(default)]
    pub placement: Option<Placement>,
    /// Ablation of each module.
    pub lesions: Vec<Lesion>,
    /// Whether each module serves one output more than the others; empty where outputs are
    /// not measured apart.
    #[serde(default)]
    pub selectivity: Vec<Selectivity>,
    /// Subsets of the modules, and each one's share.
    #[serde(default)]
    pub coalitions: Vec<Coalitions>,
    /// Agreement with the circuits, by method.
    #[serde(default)]
    pub agreement: Vec<Agreement>,
    /// What the modules say about the task.
    #[serde(default)]
    pub insight: Option<super::Insight>,
    /// The partition when the output sites, which all modules may share, are left out.
    pub without_outputs: Option<Partition>,
    /// Connected components along the threshold.
    pub independence: Independence,
    /// The groups by which the wiring has its shortest description; `null` where nobody
    /// looked: no edges, or more than are looked at unasked.
    #[serde(default)]
    pub blocks: Option<Blocks>,
    /// Small circuits against networks of the same degrees; empty where nobody asked, where
    /// edges are no weights, and where there are more than 2,000.
    #[serde(default)]
    pub motifs: Vec<Motif>,
    /// Modules in each other's place: of every two of an MLP of which one fits into the
    /// other's, two.
    #[serde(default)]
    pub transplants: Vec<super::Transplant>,
    /// Why there are no transplants, of a network: `shapes` (no two modules have as many
    /// inputs and outputs and edges between the same layers), `edges` (more than 10,000 are
    /// left), `kernels` (sites are joined by kernels, norms or gates, not by single weights),
    /// `attention`.
    #[serde(default)]
    pub unmatched: Option<Unmatched>,
}

/// How often a small circuit occurs, up to the order of its branches and the scale of weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Motif {
    /// `square`, `diamond`, `bifan`.
    pub kind: MotifKind,
    /// How often.
    pub count: usize,
    /// Against rewirings of the same degrees; p: as often or more often.
    pub null: NullModel,
    /// Its sites where the product of its weights is largest: from writers to readers.
    pub strongest: Vec<Vec<String>>,
}

/// A block model of the graph. Lengths are in nats: shorter is better, and e to the power of a
/// difference is how much likelier one description makes the graph than the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Blocks {
    /// `within-layers` or `across-layers`, whichever is shorter.
    pub form: BlockForm,
    /// Whether the ranks of |w| between each two layers are described too.
    pub weighted: bool,
    /// Length of the shortest description found.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub description_length: f64,
    /// Length with one block in every layer.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub null_description_length: f64,
    /// Length by the modules of `partition`, in the form that is shorter for them.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub modules_description_length: f64,
    /// Levels of the description: 1 where blocks are not grouped further.
    pub levels: usize,
    /// Level by level the group of every block, then of every group: `groups[0][block]`.
    #[serde(default)]
    pub groups: Vec<Vec<usize>>,
    /// How sure the number of blocks and their members are; `null` where nobody asked.
    #[serde(default)]
    pub posterior: Option<BlockPosterior>,
    /// Blocks supported: 0 where no description by blocks is shorter than that of one per layer.
    pub count: usize,
    /// Sets of blocks that exchange no edges with each other; 0 where there are no blocks.
    pub parts: usize,
    /// The block of every site that has an edge; blocks count from 0, largest first. Empty
    /// where there are none.
    pub partition: Vec<Assignment>,
    /// Edges between blocks, from writers to readers, most first.
    pub exchange: Vec<Exchange>,
}

/// What chains over partitions visited, whose stationary distribution is the posterior of the
/// block model that is not nested: probabilities only where they came to agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockPosterior {
    /// Chains, begun with the best blocks, with one per layer, and with blocks drawn by lot.
    pub chains: usize,
    /// Partitions of each chain that count.
    pub kept: usize,
    /// Split R̂ of the description length and of the number of blocks, the larger; `null`
    /// where chains differ that do not vary.
    pub r_hat: Option<f64>,
    /// Whether R̂ is at most 1.05.
    pub converged: bool,
    /// Mean number of blocks of each chain.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub chain_means: Vec<f64>,
    /// Probability of one block per layer (or of one in all): of no blocks.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub one_per_layer: f64,
    /// The probability of each number of blocks visited, from few to many.
    pub counts: Vec<BlockCount>,
    /// Sites whose probability of being in their block is below 0.9.
    pub in_doubt: usize,
    /// How sure each site of `partition` is in its block; empty where there are no blocks.
    pub membership: Vec<Membership>,
}

impl BlockPosterior {
    /// A site is in doubt if it is in its block less often than this.
    pub const SURE: f64 = 0.9;
}

/// The probability of a number of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockCount {
    /// Blocks.
    pub count: usize,
    /// Its probability.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub probability: f64,
}

/// How sure a site is in its block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Membership {
    /// Name of the site.
    pub site: String,
    /// Its block in the best description.
    pub block: usize,
    /// The share of the partitions visited that have it in the block that stands for this one.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub probability: f64,
}

/// The edges from one block to another, or within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exchange {
    /// The block that writes.
    pub from: usize,
    /// The block that reads.
    pub to: usize,
    /// Edges.
    pub edges: usize,
}

/// The module of one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Assignment {
    /// Name of the site.
    pub site: String,
    /// Its module, from 0.
    pub module: usize,
}

/// A partition of part of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Partition {
    /// Newman's modularity Q in that part.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub modularity: f64,
    /// Number of modules.
    pub count: usize,
    /// The module of every site in it.
    pub partition: Vec<Assignment>,
}

/// Modularity against networks with the same weights in other places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NullModel {
    /// `layer`, `layer-nonzero`, `degree`, `untrained`; `places` for places.
    pub model: Null,
    /// Shuffled networks drawn.
    pub samples: usize,
    /// Mean modularity of the shuffled networks.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub mean: f64,
    /// Standard deviation of the shuffled networks' modularity.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub sd: f64,
    /// `(Q - mean) / sd`; `null` where sd is 0.
    pub z: Option<f64>,
    /// `(r + 1) / (n + 1)`, r = shuffles with at least this modularity.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// p by Holm's correction for the measures of a partition; `null` elsewhere.
    #[serde(default)]
    pub p_holm: Option<f64>,
    /// The shuffled networks' modularities, sorted.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub draws: Vec<f64>,
}

/// One measure against one null model, chosen by its power before any network was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeadlineTest {
    /// The measure.
    pub measure: MeasureKind,
    /// The null model.
    pub null: Null,
    /// The measure of this network's partition.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub observed: f64,
    /// Its mean over the null networks.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub mean: f64,
    /// Its standard deviation over them.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub sd: f64,
    /// Null networks drawn.
    pub samples: usize,
    /// `(r + 1) / (n + 1)`, r = null networks at least as modular.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p: f64,
    /// How often the test tells two planted groups that share a tenth of the edges, of
    /// networks of about as many edges; `null` where that was not measured: of fewer than 40
    /// and of more than 360, and where modules were searched in another way.
    pub power: Option<f64>,
}

impl HeadlineTest {
    /// Whether every null network is as modular as this one to rounding, so that the test can
    /// tell nothing: a network of a few sites leaves nothing to shuffle.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        const ROUNDING: f64 = 1e-12;
        self.sd <= ROUNDING && (self.observed - self.mean).abs() <= ROUNDING
    }
}

/// A quality of the partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Measure {
    /// `modularity`, `layered-modularity`, `n-cut`, `n-cut-per-module`, `lowest-conductance`.
    pub name: MeasureKind,
    /// Its value.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub value: f64,
    /// Whether more of it is more modular.
    pub higher_is_better: bool,
    /// Against each null model, searched in the same way.
    pub nulls: Vec<NullModel>,
}

/// How far apart a module is from the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conductance {
    /// The module.
    pub module: usize,
    /// Weight that leaves it by the smaller of its strength and the rest's: 0 is apart.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub value: f64,
    /// `(r + 1) / (n + 1)`, r = draws of the first null model whose *lowest* conductance is
    /// as low: corrected for the number of modules.
    pub p: Option<f64>,
}

/// Partitions found on bootstrap resamples of the samples, beside the one reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bootstrap {
    /// Mean adjusted Rand index with the partition reported: 1 is perfect agreement.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub rand_index: f64,
    /// The middle 95 % of it.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "[Option<f64>; 2]"))]
    pub rand_index_interval: [f64; 2],
    /// Mean normalised mutual information with it.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub nmi: f64,
    /// The middle 95 % of it.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "[Option<f64>; 2]"))]
    pub nmi_interval: [f64; 2],
    /// By resample.
    pub draws: Vec<Resample>,
}

/// The partition found on one resample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resample {
    /// Modules.
    pub count: usize,
    /// Modularity.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub modularity: f64,
    /// Adjusted Rand index with the partition reported, over the sites in both.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub rand_index: f64,
    /// Normalised mutual information with it.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub nmi: f64,
}

/// The partition of the network pruned elsewhere, beside the one reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AtThreshold {
    /// The other threshold.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub threshold: f64,
    /// Modules there.
    pub count: usize,
    /// Modularity there.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub modularity: f64,
    /// Adjusted Rand index with the partition reported, over the sites in both.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub rand_index: f64,
    /// Normalised mutual information with it.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub nmi: f64,
}

/// Modules along the resolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scan {
    /// By resolution, from small to large.
    pub points: Vec<ScanPoint>,
    /// Ranges over which the partition stays the same, longest first.
    pub plateaus: Vec<Plateau>,
}

/// The modules at one resolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScanPoint {
    /// γ
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub resolution: f64,
    /// Number of modules.
    pub count: usize,
    /// Newman's modularity (γ = 1) of the partition.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub modularity: f64,
    /// Mean adjusted Rand index between seeds.
    pub stability: Option<f64>,
}

/// A range of resolutions with one partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Plateau {
    /// The first resolution.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub from: f64,
    /// The last.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub to: f64,
    /// Modules there.
    pub count: usize,
    /// The module of every site.
    pub partition: Vec<Assignment>,
}

/// Wiring cost as BIMT counts it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Wiring {
    /// Σ |w| (λ · distance + l0) over surviving edges.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub cost: f64,
    /// The wiring cost after neuron swaps; `null` where none were asked for.
    pub cost_after_relocation: Option<f64>,
    /// How neurons were swapped; `null` where nobody asked.
    #[serde(default)]
    pub relocation: Option<Relocation>,
    /// Weight of the distance.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub lambda: f64,
    /// Cost of a connection of length zero.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub l0: f64,
}

/// Swaps of neurons after training, which leave the function as it is.
///
/// Places are found for the surviving edges; the network that is renumbered, and
/// whose function is checked, is the one that was given, before pruning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relocation {
    /// `descent` or `annealing`.
    pub method: RelocationMethod,
    /// Swaps made.
    pub swaps: usize,
    /// Whether inputs could move: only where the network remembers which input stands where.
    pub inputs_move: bool,
    /// Whether outputs could.
    pub outputs_move: bool,
    /// Largest |f - f relocated| over samples and outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_change: f64,
    /// The change that rounding explains.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub allowed: f64,
    /// Whether the change stays within `allowed`.
    pub holds: bool,
    /// Samples compared.
    pub samples: usize,
    /// Per layer and position, the old position of the site that stands there now.
    pub orders: Vec<Vec<usize>>,
}

/// Where modules sit in their layers, against modules handed out anew among the sites
/// of each layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Placement {
    /// How far each module's sites are spread out.
    pub spreads: Vec<Spread>,
    /// How often neighbours share a module; `null` where no site has a neighbour.
    pub neighbours: Option<Neighbours>,
}

/// How far a module's sites are spread out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Spread {
    /// The module.
    pub module: usize,
    /// Mean distance |Δx| + |Δy| of its sites from the centre of those in their layer, of
    /// layers in which it has several; a layer is one unit wide.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub distance: f64,
    /// Against random sets of as many sites per layer; p: as close together or closer.
    pub null: NullModel,
    /// p by Holm's correction for the modules.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub p_holm: f64,
}

/// How often neighbours share a module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Neighbours {
    /// Mean over sites of the share of their nearest sites that are in their module.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub share: f64,
    /// Against modules handed out anew; p: as often or more often.
    pub null: NullModel,
}

/// The independence scan: connected components of the network along the threshold.
///
/// Components are of live edges, those on a path from an input to an output:
/// what no input reaches is constant and what reaches no output has no effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Independence {
    /// The components at the threshold of the graph, largest first.
    pub components: Vec<Component>,
    /// Every threshold from which outputs that were in one component are in several, from small to large.
    pub splits: Vec<Split>,
}

/// One connected component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Component {
    /// Input sites in it.
    pub inputs: Vec<String>,
    /// Hidden sites in it.
    pub hidden: Vec<String>,
    /// Output sites in it.
    pub outputs: Vec<String>,
    /// Live edges inside it.
    pub edges: usize,
}

/// A threshold at which the network falls apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Split {
    /// Weights with |w| below this are gone.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub threshold: f64,
    /// Edges left, live or not.
    pub edges_kept: usize,
    /// Largest |f - f_pruned| here, over samples and outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_change: f64,
    /// Largest over outputs of change / tolerance.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub change_over_tolerance: f64,
    /// Loss of the network pruned here; `null` without labels.
    pub loss: Option<f64>,
    /// Whether the outputs are unchanged within tolerance here.
    pub verified: bool,
    /// The components, largest first.
    pub components: Vec<Component>,
    /// Edges that survive at the threshold of the graph and join two of these components,
    /// the heaviest ones, heaviest first.
    pub bridges: Vec<Bridge>,
    /// Number of all such edges.
    #[serde(default)]
    pub bridges_total: usize,
}

/// An edge that joins two parts which a higher threshold would separate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bridge {
    /// Writer site.
    pub from: String,
    /// Reader site.
    pub to: String,
    /// Its weight.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub weight: f64,
}
