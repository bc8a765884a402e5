//! What a transformer's stream says on the way, and what writes it.

use serde::{Deserialize, Serialize};

use super::{Attention, CheckpointInfo, DataInfo, Prompt, Sentence, Task, Tool, Transformer};

/// The lenses on one transformer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lens {
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
    /// The network's metric on the data, beside that of knowing nothing.
    pub task: Option<Task>,
    /// Its shape, and where its answers are read.
    pub transformer: Transformer,
    /// The logit lens over all readings: an entry for every point of the stream.
    pub logit_lens: Vec<LensPoint>,
    /// The logit lens on the samples that are shown, at every position.
    pub samples: Vec<LensSample>,
    /// Direct logit attribution.
    pub attribution: Attribution,
    /// The weights of every head.
    pub heads: Vec<HeadWeights>,
    /// The neurons of the largest direct attribution, the largest first.
    pub neurons: Vec<NeuronWeights>,
    /// What the neurons of every block read beside what they write.
    pub cosines: Vec<LayerCosines>,
    /// Attention patterns of the samples that are shown.
    pub attention: Vec<Attention>,
    /// The prompts, where the data are text.
    pub prompts: Vec<Prompt>,
    /// Seconds of the whole.
    pub seconds: f64,
}

/// What the stream says at one point, read as if it were the last: means over readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LensPoint {
    /// `r0` before block 0, `r1` between its heads and its MLP, …
    pub point: String,
    /// What has written last: `input`, `a0`, `m0`, …
    pub after: String,
    /// Share of readings at which the largest logit is that of the outputs.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub agreement: f64,
    /// Kullback–Leibler divergence of the outputs from what is read here, in nats.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub divergence: f64,
    /// Logit difference of the answer.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub logit_difference: f64,
    /// 95 % bootstrap interval over samples; `null` below ten.
    #[serde(deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
    /// Probability of the answer.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub probability: f64,
}

/// The logit lens at every position of a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LensSample {
    /// The sample, from 0.
    pub sample: usize,
    /// Its tokens, or its positions where they are no tokens.
    pub tokens: Vec<String>,
    /// By point, then by position.
    pub points: Vec<Vec<Read>>,
}

/// What is read at one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Read {
    /// The output of the largest logit.
    pub output: String,
    /// Its probability.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub probability: f64,
    /// Divergence of the network's own distribution there, in nats.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub divergence: f64,
}

/// What every writer adds to the logit difference by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attribution {
    /// Why there is none, where that is so.
    pub refused: Option<String>,
    /// Mean logit difference before any cap.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub total: f64,
    /// The largest |sum of parts − logit difference| of a reading.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub residual: f64,
    /// What rounding allows of that.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub allowed: f64,
    /// The parts, in the order of computation; biases are parts.
    pub parts: Vec<Attributed>,
}

/// One part of the logit difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attributed {
    /// `input`, `embed`, `pos_embed`, `a0.h1`, `m0`, `a0.bias`, `bias`, ….
    pub writer: String,
    /// Mean over readings.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub mean: f64,
    /// 95 % bootstrap interval over samples; `null` below ten.
    #[serde(deserialize_with = "super::number")]
    pub interval: Option<[f64; 2]>,
}

/// An output and a logit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scored {
    /// The output.
    pub output: String,
    /// The logit that the direction gives it.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub logit: f64,
}

/// What the weights of a head say by themselves, norms' weights multiplied in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeadWeights {
    /// `a0.h1`
    pub head: String,
    /// Frobenius norm of W_Q·W_Kᵀ, positions aside.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub qk: f64,
    /// Frobenius norm of W_V·W_O.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub ov: f64,
    /// Σλ / Σ|λ| over the eigenvalues of W_E·W_V·W_O·W_U, in [−1, 1]: 1 where it copies
    /// tokens; `null` without tokens for both ends.
    #[serde(deserialize_with = "super::number")]
    pub copying: Option<f64>,
    /// The share of W_V·W_O's square that its first direction has.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub first: f64,
    /// The outputs that this direction raises most.
    pub largest: Vec<Scored>,
    /// Those that it lowers most; the sign of a direction is arbitrary.
    pub smallest: Vec<Scored>,
}

/// What a neuron writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeuronWeights {
    /// `b0.h12`
    pub neuron: String,
    /// Its mean direct attribution.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub mean: f64,
    /// Cosine of what it reads (the gate, where there is one) and what it writes.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub cosine: f64,
    /// The outputs that it raises most where it is 1.
    pub largest: Vec<Scored>,
    /// Those that it lowers most.
    pub smallest: Vec<Scored>,
}

/// Cosines of what the neurons of a block read and write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LayerCosines {
    /// The block.
    pub layer: usize,
    /// `up` or `gate`: which of what it reads.
    pub reads: String,
    /// Neurons.
    pub neurons: usize,
    /// Mean cosine.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub mean: f64,
    /// Standard deviation; that of random directions is 1/√d.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub deviation: f64,
    /// Neurons that write what they read: cosine at least ½ (enrichment).
    pub enriched: usize,
    /// Neurons that take away what they read: cosine at most −½ (depletion).
    pub depleted: usize,
}
