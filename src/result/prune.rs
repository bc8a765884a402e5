//! Pruning, its verification and its certificate.

use serde::{Deserialize, Serialize};

use super::Component;
use crate::choice::{Arithmetic, CertificateMethod, Equivalence, Known, Requested};

/// What was pruned and whether the outputs stayed where they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Prune {
    /// Weights with |w| below this were set to zero.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub threshold: f64,
    /// `auto`, or the number as it was asked for.
    pub requested: Requested,
    /// The smallest of the outputs' tolerances, in units of the outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub tolerance: f64,
    /// How the tolerances came about, in words.
    pub tolerance_rule: String,
    /// Entries of the linear layers.
    pub edges_total: usize,
    /// Entries of the linear layers that survive.
    pub edges_kept: usize,
    /// `1 - edges_kept / edges_total`.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub sparsity: f64,
    /// Biases in the network, counted apart from edges.
    pub biases_total: usize,
    /// Biases left non-zero; all of them unless pruning them was asked for.
    pub biases_kept: usize,
    /// Counts per layer, inputs first.
    pub layers: Vec<LayerCount>,
    /// Largest |f - f_pruned| over samples and outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_change: f64,
    /// Mean |f - f_pruned| over samples and outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub mean_abs_change: f64,
    /// The largest change of each output, against that output's own tolerance.
    pub outputs: Vec<OutputChange>,
    /// Fraction of samples whose largest output is the same one; `null` for regressors.
    pub decision_agreement: Option<f64>,
    /// Loss of the network as it is; `null` without labels.
    pub loss_before: Option<f64>,
    /// Loss of the pruned network; `null` without labels.
    pub loss_after: Option<f64>,
    /// Whether every change is within tolerance and every decision the same, on the samples.
    pub verified: bool,
    /// A bound for every input of a domain; `null` where none was asked for.
    pub certificate: Option<Certificate>,
    /// Why there is no certificate although one was asked for; `null` otherwise.
    #[serde(default)]
    pub not_certified: Option<String>,
    /// Whether decisions are proved to stay, where that was asked for in place of a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equivalence: Option<NetworkEquivalence>,
    /// What is left without idle neurons; `null` where it was not computed.
    #[serde(default)]
    pub compaction: Option<Compaction>,
    /// The modules as networks of their own; `null` where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<ModulesApart>,
    /// What other thresholds would do, from small to large.
    pub curve: Vec<CurvePoint>,
}

/// Whether two networks are equivalent, for every input of a domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkEquivalence {
    /// In which sense: `epsilon`, `top1` or `delta-top1`.
    pub equivalence: Equivalence,
    /// The least softmax of the first network's class at which decisions count; `null` but
    /// for `delta-top1`.
    pub confidence: Option<f64>,
    /// The smallest of the outputs' tolerances; `null` but for `epsilon`.
    pub tolerance: Option<f64>,
    /// The domain in words: `box:-1,1`, `tokens`.
    pub domain: String,
    /// The file that names the domain, where one does.
    #[serde(default)]
    pub domain_file: Option<DomainFile>,
    /// Half the width of balls around the samples; `null` where it is the whole domain.
    pub radius: Option<f64>,
    /// What is compared: functions of `real` numbers, or what is computed in a type.
    pub arithmetic: Arithmetic,
    /// `proved`, `refuted` or `undecided`.
    pub known: Known,
    /// Boxes, balls or tuples of tokens.
    pub regions: u64,
    /// Of these, proved.
    pub proved: u64,
    /// Of these, refuted.
    pub refuted: u64,
    /// An input that refutes: a number per feature, or a token per position.
    #[serde(default, deserialize_with = "super::number")]
    pub example: Option<Vec<f64>>,
    /// Boxes examined.
    pub boxes: u64,
    /// Seconds it took.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub seconds: f64,
}

/// The pruned network without its idle neurons: constants folded into the biases
/// of their readers, unread neurons gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Compaction {
    /// Width of every layer, inputs first.
    pub layers: Vec<usize>,
    /// Trained numbers of the pruned network, zeros too.
    pub parameters_before: usize,
    /// Trained numbers of the compact network.
    pub parameters_after: usize,
    /// Largest difference of its outputs from the pruned network's, on the samples: rounding.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_difference: f64,
    /// Per layer of sites, inputs first, the old position of each site that is left.
    pub kept: Vec<Vec<usize>>,
}

/// The pruned network as modules, each written as a network of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModulesApart {
    /// The modules, largest first.
    pub modules: Vec<ModuleNetwork>,
    /// Edges from one module to another.
    pub joining: usize,
    /// The file of these edges; `null` where modules read nothing of each other.
    pub joiner: Option<String>,
    /// Whether modules share outputs, which are then the sums of what they give.
    pub added: bool,
    /// Outputs that read nothing that varies, and are in no module.
    pub constants: Vec<ConstantOutput>,
    /// Largest difference between the pruned network's outputs and those of the modules
    /// as they are written, with their joiner, on the samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_difference: f64,
    /// The difference that rounding explains.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub allowed: f64,
    /// Whether the difference stays within `allowed`.
    pub holds: bool,
    /// Samples compared.
    pub samples: usize,
    /// The same difference without the joiner; `null` where there is none.
    pub alone: Option<f64>,
}

/// A module as a network of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModuleNetwork {
    /// Its file beside this result.
    pub path: String,
    /// Its inputs, neurons and outputs by their sites in the network, in its own order of
    /// layers and places, and its edges.
    pub sites: Component,
    /// Width of every layer, inputs first.
    pub layers: Vec<usize>,
    /// Its trained numbers.
    pub parameters: usize,
    /// Which columns of the data it reads, in its own order; of a network of tokens, which
    /// columns of the embedding it has.
    pub features: Vec<usize>,
    /// Which targets it gives, in its own order.
    pub targets: Vec<usize>,
}

/// An output of one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConstantOutput {
    /// Site of the output: `y0`.
    pub output: String,
    /// What it always is.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub value: f64,
}

/// How many edges of one layer survive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LayerCount {
    /// Name of the weight tensor.
    pub tensor: String,
    /// Entries of the tensor.
    pub edges_total: usize,
    /// Entries that survive.
    pub edges_kept: usize,
}

/// The change of one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputChange {
    /// Site of the output: `y0`.
    pub output: String,
    /// The target's own name.
    pub name: String,
    /// Standard deviation of the output over the samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub sd: f64,
    /// The tolerance for this output.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub tolerance: f64,
    /// Largest |f - f_pruned| over the samples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_change: f64,
}

/// A bound on |f - f_pruned| for every input of a domain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Certificate {
    /// The domain in words: `box:-1,1`, `tokens`.
    pub domain: String,
    /// `enumeration` or `differential branch and bound`.
    pub method: CertificateMethod,
    /// What it speaks of: the networks as functions of `real` numbers, or as computed in
    /// `f32` or `f64` in any order of summation; `null` in results that do not say.
    #[serde(default)]
    pub arithmetic: Option<Arithmetic>,
    /// Upper bound on the change, in units of the outputs, with what rounding may add.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub bound: f64,
    /// What the rounding of both evaluations may add, at most; 0 for real numbers.
    #[serde(default, deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub rounding: f64,
    /// Whether the bound is within tolerance.
    pub holds: bool,
    /// Whether the bound is sound in floating point.
    pub sound: bool,
    /// Cases or boxes examined.
    pub boxes: u64,
    /// Seconds it took.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub seconds: f64,
    /// `holds`, `counterexample`, or `undecided` and why the search ended.
    #[serde(default)]
    pub outcome: String,
    /// The largest change that was found by search, in units of the outputs.
    #[serde(default, deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub best_found: f64,
    /// The bound of each output, against that output's own tolerance.
    #[serde(default)]
    pub outputs: Vec<OutputBound>,
    /// An input that breaks a tolerance, where there is one.
    #[serde(default)]
    pub counterexample: Option<Counterexample>,
    /// What is proved of decisions; `null` for regressors.
    #[serde(default)]
    pub decisions: Option<CertifiedDecisions>,
    /// The pruned weights that change the outputs most where they change most,
    /// the largest first.
    #[serde(default)]
    pub attribution: Vec<WeightShare>,
    /// Single weights the other way, of those nearest the border between kept and pruned; the
    /// least kept ones first, then the largest pruned ones.
    #[serde(default)]
    pub weights: Vec<WeightNeed>,
    /// The file that names the domain, where one does.
    #[serde(default)]
    pub domain_file: Option<DomainFile>,
    /// The proof, written down for `modscope-check`; `null` where none is.
    #[serde(default)]
    pub log: Option<ProofLog>,
    /// Why no proof is written down, where one was asked for.
    #[serde(default)]
    pub not_logged: Option<String>,
}

/// A file of a property (VNN-LIB) whose inputs are the domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DomainFile {
    /// Its path, as it was typed.
    pub path: String,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// The boxes of inputs that it allows.
    pub boxes: usize,
    /// Its assertions that speak of outputs: no part of what is proved.
    pub assertions_on_outputs: usize,
}

/// A proof that was written down.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProofLog {
    /// The file beside this result.
    pub path: String,
    /// Leaves of the tree of boxes, or cases.
    pub parts: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Seconds it took.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub seconds: f64,
}

/// What is proved of one output's change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputBound {
    /// Site of the output: `y0`.
    pub output: String,
    /// The tolerance for this output.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub tolerance: f64,
    /// Upper bound on |f - f_pruned| over the domain.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub bound: f64,
    /// The largest |f - f_pruned| that was found.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub found: f64,
    /// Where: a number per feature, or a token per position.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub at: Vec<f64>,
}

/// An input at which an output changes by more than its tolerance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counterexample {
    /// A number per feature, or a token per position.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<f64>>"))]
    pub input: Vec<f64>,
    /// Site of the output: `y0`.
    pub output: String,
    /// |f - f_pruned| there, rounding taken off.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub change: f64,
    /// The tolerance it breaks.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub tolerance: f64,
}

/// What is proved of a classifier's decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CertifiedDecisions {
    /// `every case`, `balls around samples` or `whole domain`.
    pub scope: String,
    /// Half the width of the balls in every input; `null` without balls.
    pub radius: Option<f64>,
    /// Cases, balls or boxes examined.
    pub cases: u64,
    /// Share of cases, balls or volume on which the decision is proved to stay.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub same: f64,
    /// Cases or balls with an input at which the decision is proved to change;
    /// for the whole domain 1 if there is one.
    pub changed: u64,
    /// Such an input.
    #[serde(default, deserialize_with = "super::number")]
    pub example: Option<Vec<f64>>,
}

/// What one pruned weight adds to an output's change at one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WeightShare {
    /// Site of the output: `y0`; the input is where its largest change was found.
    pub output: String,
    /// Site of the writer; `bias` for a bias.
    pub from: String,
    /// Site of the reader.
    pub to: String,
    /// The weight that was pruned.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub weight: f64,
    /// What it adds to f_pruned - f; all shares of an output add up to its change.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub change: f64,
}

/// How far the outputs move where one weight is the other way: a kept one pruned too, a pruned
/// one put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WeightNeed {
    /// Site of the writer.
    pub from: String,
    /// Site of the reader.
    pub to: String,
    /// The weight as it was.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub weight: f64,
    /// Whether the pruned network has it.
    pub kept: bool,
    /// The largest change found of an output as a multiple of its tolerance, rounding taken off:
    /// a kept weight with over 1 cannot be pruned too.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub found: f64,
    /// What is proved of all outputs, as a multiple of their tolerances, rounding added: a kept
    /// weight with at most 1 can be pruned too.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub bound: f64,
}

/// What one threshold does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CurvePoint {
    /// Weights with |w| below this are set to zero.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub threshold: f64,
    /// Edges that survive.
    pub edges_kept: usize,
    /// Largest |f - f_pruned| over samples and outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub max_abs_change: f64,
    /// Largest over outputs of change / tolerance: within tolerance up to 1.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub change_over_tolerance: f64,
    /// Loss of the pruned network; `null` without labels.
    pub loss: Option<f64>,
    /// Certified bound at this threshold; `null` where none was asked for.
    pub bound: Option<f64>,
}
