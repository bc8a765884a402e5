//! Hugging Face's families: one row of names and options each.
//!
//! Adding one is a row in the file of its lineage and its name in [`FAMILIES`], and arms by
//! its [`Model`] where it does what no other does.

mod bert;
mod cohere;
mod gemma;
mod gpt2;
mod llama;
mod modernbert;
mod neox;
mod vit;

use crate::model::transformer::{NormKind, Pairs};
use crate::numeric::Activation;
use bert::{ALBERT, BERT, CAMEMBERT, DISTILBERT, ELECTRA, ROBERTA, XLM_ROBERTA};
use cohere::{COHERE, COHERE2};
use gemma::{GEMMA, GEMMA2, GEMMA3};
pub(super) use gpt2::{BRIDGE, NANO};
use gpt2::{CODEGEN, GPT_BIGCODE, GPT_NEO, GPT2, GPTJ, MPT, OPT, XGLM};
use llama::{
    ARCEE, EXAONE4, GLM, GLM4, GRANITE, INTERNLM3, MISTRAL, MIXTRAL, NEMOTRON, OLMO, OLMO2, OLMOE,
    PHI, PHI3, QWEN2, QWEN2_MOE, QWEN3, QWEN3_MOE, SMOLLM3, STABLELM, STARCODER2,
};
pub(super) use llama::{LLAMA, MODERN};
use modernbert::MODERNBERT;
use neox::{BLOOM, FALCON, NEOX, PERSIMMON};
use vit::{DEIT, VIT};

/// How a family names its tensors and settings, and what it computes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    /// `model_type`
    pub model: Model,
    /// The classes whose head is computed.
    pub classes: &'static [&'static str],
    /// Before all names but the head's.
    pub base: &'static str,
    /// Before a block's number.
    pub layer: &'static str,
    pub tokens: &'static str,
    /// Learned rows before the patches, of networks of images.
    pub summaries: &'static [&'static str],
    /// The position embedding, and how many of its rows come before the first position.
    pub positions: Option<(&'static str, usize)>,
    pub embedding_norm: Option<&'static str>,
    pub final_norm: Option<&'static str>,
    /// The unembedding, where it is not tied.
    pub head: &'static str,
    pub head_bias: bool,
    /// The dense layer on the first position and the layer of classes behind it, of networks
    /// that look both ways.
    pub classifier: Option<Classifier>,
    /// Whether it is tied where `tie_word_embeddings` is not there.
    pub tied: bool,
    pub keys: Keys,
    pub norm: NormStyle,
    /// Where `config.json` has none.
    pub epsilon: f64,
    pub qkv: Qkv,
    pub out: &'static str,
    pub qkv_bias: Rule,
    pub out_bias: Rule,
    pub mlp: Mlp,
    pub mlp_bias: Rule,
    /// Before attention, after it; before the MLP, after it; on the sums.
    pub norms: BlockNorms,
    /// Whether attention and MLP read the same stream.
    pub parallel: Rule,
    pub places: PlacesKind,
    /// Norms of queries and keys, where the family has them.
    pub head_norms: Option<HeadNorms>,
    /// `head_dim` where `config.json` has none; else the width by the heads.
    pub head_width: Option<usize>,
    /// The sliding window where `config.json` has none.
    pub window: Option<usize>,
    /// The activation where `config.json` has none.
    pub activation: &'static str,
    pub causal: bool,
}

/// The layer of classes, with what comes before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Classifier {
    pub pooler: Option<Pooler>,
    pub classes: &'static str,
    /// The layer of classes of networks that class every position.
    pub each: Option<&'static str>,
}

/// A dense layer on the first position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pooler {
    /// Whether it is named as blocks are, behind the base.
    pub in_base: bool,
    pub dense: &'static str,
    /// `None` for that of the MLPs.
    pub activation: Option<Activation>,
    /// Behind the activation.
    pub norm: Option<&'static str>,
}

/// The families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    Gpt2,
    NanoGpt,
    GptNeo,
    GptNeoX,
    GptJ,
    Opt,
    Llama,
    Mistral,
    Qwen2,
    Qwen3,
    Gemma,
    Gemma2,
    Gemma3,
    Phi,
    Phi3,
    StableLm,
    Olmo2,
    Starcoder2,
    Bloom,
    Falcon,
    Bridge,
    Bert,
    Roberta,
    DistilBert,
    Electra,
    Granite,
    Cohere,
    Cohere2,
    Olmo,
    SmolLm3,
    Nemotron,
    Arcee,
    Glm,
    Glm4,
    GptBigCode,
    CodeGen,
    Mpt,
    Mixtral,
    Olmoe,
    Qwen3Moe,
    Vit,
    ModernBert,
    Xglm,
    Qwen2Moe,
    Albert,
    Exaone4,
    Persimmon,
}

/// The settings' names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    pub width: &'static str,
    pub layers: &'static str,
    pub heads: &'static str,
    pub key_heads: Option<&'static str>,
    pub hidden: Option<&'static str>,
    pub length: Option<&'static str>,
    pub epsilon: Option<&'static str>,
    pub activation: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NormStyle {
    Layer,
    LayerNoBias,
    /// Neither weights nor biases.
    LayerBare,
    /// Weights are stored without the 1 that is added to them, beside biases.
    LayerPlusOne,
    Rms,
    /// Weights are stored without the 1 that is added to them.
    RmsPlusOne,
}

impl NormStyle {
    pub fn kind(self) -> NormKind {
        match self {
            Self::Layer | Self::LayerNoBias | Self::LayerBare | Self::LayerPlusOne => {
                NormKind::Layer
            }
            Self::Rms | Self::RmsPlusOne => NormKind::Rms,
        }
    }

    /// Whether it has biases.
    pub fn is_biased(self) -> bool {
        match self {
            Self::Layer | Self::LayerPlusOne => true,
            Self::LayerNoBias | Self::LayerBare | Self::Rms | Self::RmsPlusOne => false,
        }
    }

    /// What is added to the weights that are stored.
    pub fn plus(self) -> f64 {
        match self {
            Self::LayerPlusOne | Self::RmsPlusOne => 1.0,
            Self::Layer | Self::LayerNoBias | Self::LayerBare | Self::Rms => 0.0,
        }
    }
}

/// Queries, keys and values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Qkv {
    /// A tensor each.
    Apart([&'static str; 3]),
    /// All queries, all keys, all values, `[out, in]`.
    Rows(&'static str),
    /// The same, `[in, out]`.
    Columns(&'static str),
    /// Head by head (key-value head by key-value head): its queries, its key, its value.
    ByHead(&'static str),
    /// Four parts, each a quarter of all queries, of all values, of all keys.
    Quarters(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Mlp {
    Plain([&'static str; 2]),
    /// The same, `[in, out]`.
    Columns([&'static str; 2]),
    /// Gate, up, down.
    Gated([&'static str; 3]),
    /// Gate and up in one tensor, down.
    FusedGate([&'static str; 2]),
    /// Several, gated, of which a router chooses.
    Experts(Experts),
}

/// How experts are named, and the settings about them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Experts {
    /// The layer that chooses.
    pub router: &'static str,
    /// Before an expert's number.
    pub each: &'static str,
    /// Gate, up, down of each.
    pub names: [&'static str; 3],
    /// Whether the shares of those that are chosen are made to sum to 1.
    pub normalised: Rule,
}

/// Whether something is there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Always,
    Never,
    /// As a setting says, else this.
    Key(&'static str, bool),
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BlockNorms {
    pub before_attention: Option<&'static str>,
    pub after_attention: Option<&'static str>,
    pub attention_sum: Option<&'static str>,
    pub before_mlp: Option<&'static str>,
    pub after_mlp: Option<&'static str>,
    pub mlp_sum: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum PlacesKind {
    Stream,
    /// The pairs, and the share of a head that is turned where no setting says.
    Rotary(Pairs, f64),
    Alibi,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct HeadNorms {
    pub query: &'static str,
    pub key: &'static str,
    pub over: Over,
    /// Whether there are any.
    pub there: Rule,
    pub style: NormStyle,
}

/// What a norm of queries or keys goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Each head, all with the same weights.
    EachHead,
    /// Each head, with weights of its own: `{name}.{head}`.
    OwnHead,
    /// Each head, with weights of its own in one tensor `[heads, width]`.
    OwnRow,
    /// All heads at once.
    All,
}

/// All that are known.
pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("gpt2", GPT2),
    ("llama", LLAMA),
    ("mistral", MISTRAL),
    ("gemma", GEMMA),
    ("gemma2", GEMMA2),
    ("gpt_neox", NEOX),
    ("bert", BERT),
    ("gpt_neo", GPT_NEO),
    ("gptj", GPTJ),
    ("opt", OPT),
    ("qwen2", QWEN2),
    ("qwen3", QWEN3),
    ("gemma3_text", GEMMA3),
    ("phi", PHI),
    ("phi3", PHI3),
    ("stablelm", STABLELM),
    ("olmo2", OLMO2),
    ("starcoder2", STARCODER2),
    ("bloom", BLOOM),
    ("falcon", FALCON),
    ("roberta", ROBERTA),
    ("xlm-roberta", XLM_ROBERTA),
    ("camembert", CAMEMBERT),
    ("distilbert", DISTILBERT),
    ("electra", ELECTRA),
    ("granite", GRANITE),
    ("cohere", COHERE),
    ("cohere2", COHERE2),
    ("olmo", OLMO),
    ("smollm3", SMOLLM3),
    ("nemotron", NEMOTRON),
    ("arcee", ARCEE),
    ("glm", GLM),
    ("glm4", GLM4),
    ("gpt_bigcode", GPT_BIGCODE),
    ("codegen", CODEGEN),
    ("mpt", MPT),
    ("mixtral", MIXTRAL),
    ("olmoe", OLMOE),
    ("qwen3_moe", QWEN3_MOE),
    ("qwen2_moe", QWEN2_MOE),
    ("vit", VIT),
    ("deit", DEIT),
    ("modernbert", MODERNBERT),
    ("xglm", XGLM),
    ("albert", ALBERT),
    ("exaone4", EXAONE4),
    ("persimmon", PERSIMMON),
    ("internlm3", INTERNLM3),
];
