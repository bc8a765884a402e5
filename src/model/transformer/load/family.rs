//! Hugging Face's families: one row of names and options each.
//!
//! Adding one is a row of [`FAMILIES`], and an arm of [`special`](super::special)
//! where it does what no other does.

use crate::model::transformer::{NormKind, Pairs};
use crate::numeric::Activation;

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

/// A pooler and the layer of classes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Classifier {
    /// Whether the pooler is named as blocks are, behind the base.
    pub in_base: bool,
    pub pooler: &'static str,
    pub activation: Activation,
    pub classes: &'static str,
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
    Rms,
    /// Weights are stored without the 1 that is added to them.
    RmsPlusOne,
}

impl NormStyle {
    pub fn kind(self) -> NormKind {
        match self {
            Self::Layer | Self::LayerNoBias => NormKind::Layer,
            Self::Rms | Self::RmsPlusOne => NormKind::Rms,
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
    /// All heads at once.
    All,
}

const SPLIT: Qkv = Qkv::Apart(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]);
const BEFORE: BlockNorms = BlockNorms {
    before_attention: Some("input_layernorm"),
    after_attention: None,
    attention_sum: None,
    before_mlp: Some("post_attention_layernorm"),
    after_mlp: None,
    mlp_sum: None,
};

const MODERN: Keys = Keys {
    width: "hidden_size",
    layers: "num_hidden_layers",
    heads: "num_attention_heads",
    key_heads: Some("num_key_value_heads"),
    hidden: Some("intermediate_size"),
    length: None,
    epsilon: Some("rms_norm_eps"),
    activation: Some("hidden_act"),
};

const LLAMA: Family = Family {
    model: Model::Llama,
    classes: &["LlamaForCausalLM"],
    base: "model.",
    layer: "layers.",
    tokens: "embed_tokens",
    positions: None,
    embedding_norm: None,
    final_norm: Some("norm"),
    head: "lm_head",
    head_bias: false,
    classifier: None,
    tied: false,
    keys: MODERN,
    norm: NormStyle::Rms,
    epsilon: 1e-6,
    qkv: SPLIT,
    out: "self_attn.o_proj",
    qkv_bias: Rule::Key("attention_bias", false),
    out_bias: Rule::Key("attention_bias", false),
    mlp: Mlp::Gated(["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]),
    mlp_bias: Rule::Key("mlp_bias", false),
    norms: BEFORE,
    parallel: Rule::Never,
    places: PlacesKind::Rotary(Pairs::Halves, 1.0),
    head_norms: None,
    head_width: None,
    window: None,
    activation: "silu",
    causal: true,
};

const GPT2: Family = Family {
    model: Model::Gpt2,
    classes: &["GPT2LMHeadModel"],
    base: "transformer.",
    layer: "h.",
    tokens: "wte",
    positions: Some(("wpe", 0)),
    final_norm: Some("ln_f"),
    tied: true,
    keys: Keys {
        width: "n_embd",
        layers: "n_layer",
        heads: "n_head",
        key_heads: None,
        hidden: Some("n_inner"),
        length: Some("n_positions"),
        epsilon: Some("layer_norm_epsilon"),
        activation: Some("activation_function"),
    },
    norm: NormStyle::Layer,
    epsilon: 1e-5,
    qkv: Qkv::Columns("attn.c_attn"),
    out: "attn.c_proj",
    qkv_bias: Rule::Always,
    out_bias: Rule::Always,
    mlp: Mlp::Columns(["mlp.c_fc", "mlp.c_proj"]),
    mlp_bias: Rule::Always,
    norms: BlockNorms {
        before_attention: Some("ln_1"),
        before_mlp: Some("ln_2"),
        ..BEFORE
    },
    places: PlacesKind::Stream,
    activation: "gelu_new",
    ..LLAMA
};

const MISTRAL: Family = Family {
    model: Model::Mistral,
    classes: &["MistralForCausalLM"],
    qkv_bias: Rule::Never,
    out_bias: Rule::Never,
    mlp_bias: Rule::Never,
    window: Some(4096),
    ..LLAMA
};

const GEMMA: Family = Family {
    model: Model::Gemma,
    classes: &["GemmaForCausalLM"],
    norm: NormStyle::RmsPlusOne,
    mlp_bias: Rule::Never,
    tied: true,
    head_width: Some(256),
    activation: "gelu_pytorch_tanh",
    keys: Keys {
        activation: Some("hidden_activation"),
        ..MODERN
    },
    ..LLAMA
};

const GEMMA2: Family = Family {
    model: Model::Gemma2,
    classes: &["Gemma2ForCausalLM"],
    norms: BlockNorms {
        after_attention: Some("post_attention_layernorm"),
        before_mlp: Some("pre_feedforward_layernorm"),
        after_mlp: Some("post_feedforward_layernorm"),
        ..BEFORE
    },
    window: Some(4096),
    ..GEMMA
};

const BERT: Family = Family {
    model: Model::Bert,
    classes: &["BertForMaskedLM"],
    base: "bert.",
    layer: "encoder.layer.",
    tokens: "embeddings.word_embeddings",
    positions: Some(("embeddings.position_embeddings", 0)),
    embedding_norm: Some("embeddings.LayerNorm"),
    final_norm: None,
    head: "cls.predictions.decoder",
    classifier: Some(Classifier {
        in_base: true,
        pooler: "pooler.dense",
        activation: Activation::Tanh,
        classes: "classifier",
    }),
    tied: true,
    keys: Keys {
        key_heads: None,
        length: Some("max_position_embeddings"),
        epsilon: Some("layer_norm_eps"),
        ..MODERN
    },
    norm: NormStyle::Layer,
    epsilon: 1e-12,
    qkv: Qkv::Apart([
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ]),
    out: "attention.output.dense",
    qkv_bias: Rule::Always,
    out_bias: Rule::Always,
    mlp: Mlp::Plain(["intermediate.dense", "output.dense"]),
    mlp_bias: Rule::Always,
    norms: BlockNorms {
        before_attention: None,
        attention_sum: Some("attention.output.LayerNorm"),
        before_mlp: None,
        mlp_sum: Some("output.LayerNorm"),
        ..BEFORE
    },
    places: PlacesKind::Stream,
    activation: "gelu",
    causal: false,
    ..LLAMA
};

const NEOX: Family = Family {
    model: Model::GptNeoX,
    classes: &["GPTNeoXForCausalLM"],
    base: "gpt_neox.",
    tokens: "embed_in",
    final_norm: Some("final_layer_norm"),
    head: "embed_out",
    keys: Keys {
        key_heads: None,
        epsilon: Some("layer_norm_eps"),
        ..MODERN
    },
    norm: NormStyle::Layer,
    epsilon: 1e-5,
    qkv: Qkv::ByHead("attention.query_key_value"),
    out: "attention.dense",
    qkv_bias: Rule::Key("attention_bias", true),
    out_bias: Rule::Key("attention_bias", true),
    mlp: Mlp::Plain(["mlp.dense_h_to_4h", "mlp.dense_4h_to_h"]),
    mlp_bias: Rule::Always,
    parallel: Rule::Key("use_parallel_residual", true),
    places: PlacesKind::Rotary(Pairs::Halves, 0.25),
    activation: "gelu",
    ..LLAMA
};

/// All that are known.
pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("gpt2", GPT2),
    ("llama", LLAMA),
    ("mistral", MISTRAL),
    ("gemma", GEMMA),
    ("gemma2", GEMMA2),
    ("gpt_neox", NEOX),
    ("bert", BERT),
    (
        "gpt_neo",
        Family {
            model: Model::GptNeo,
            classes: &["GPTNeoForCausalLM"],
            keys: Keys {
                width: "hidden_size",
                layers: "num_layers",
                heads: "num_heads",
                hidden: Some("intermediate_size"),
                length: Some("max_position_embeddings"),
                ..GPT2.keys
            },
            qkv: Qkv::Apart([
                "attn.attention.q_proj",
                "attn.attention.k_proj",
                "attn.attention.v_proj",
            ]),
            out: "attn.attention.out_proj",
            qkv_bias: Rule::Never,
            mlp: Mlp::Plain(["mlp.c_fc", "mlp.c_proj"]),
            ..GPT2
        },
    ),
    (
        "gptj",
        Family {
            model: Model::GptJ,
            classes: &["GPTJForCausalLM"],
            positions: None,
            tied: false,
            head_bias: true,
            keys: Keys {
                length: None,
                ..GPT2.keys
            },
            qkv: Qkv::Apart(["attn.q_proj", "attn.k_proj", "attn.v_proj"]),
            out: "attn.out_proj",
            qkv_bias: Rule::Never,
            out_bias: Rule::Never,
            mlp: Mlp::Plain(["mlp.fc_in", "mlp.fc_out"]),
            norms: BlockNorms {
                before_attention: Some("ln_1"),
                before_mlp: Some("ln_1"),
                ..BEFORE
            },
            parallel: Rule::Always,
            places: PlacesKind::Rotary(Pairs::Neighbours, 1.0),
            ..GPT2
        },
    ),
    (
        "opt",
        Family {
            model: Model::Opt,
            classes: &["OPTForCausalLM"],
            base: "model.decoder.",
            layer: "layers.",
            tokens: "embed_tokens",
            positions: Some(("embed_positions", 2)),
            final_norm: Some("final_layer_norm"),
            keys: Keys {
                hidden: Some("ffn_dim"),
                length: Some("max_position_embeddings"),
                key_heads: None,
                epsilon: None,
                activation: Some("activation_function"),
                ..MODERN
            },
            qkv: SPLIT,
            out: "self_attn.out_proj",
            qkv_bias: Rule::Key("enable_bias", true),
            out_bias: Rule::Key("enable_bias", true),
            mlp: Mlp::Plain(["fc1", "fc2"]),
            mlp_bias: Rule::Key("enable_bias", true),
            norms: BlockNorms {
                before_attention: Some("self_attn_layer_norm"),
                before_mlp: Some("final_layer_norm"),
                ..BEFORE
            },
            activation: "relu",
            ..GPT2
        },
    ),
    (
        "qwen2",
        Family {
            model: Model::Qwen2,
            classes: &["Qwen2ForCausalLM"],
            qkv_bias: Rule::Always,
            out_bias: Rule::Never,
            ..MISTRAL
        },
    ),
    (
        "qwen3",
        Family {
            model: Model::Qwen3,
            classes: &["Qwen3ForCausalLM"],
            head_width: Some(128),
            mlp_bias: Rule::Never,
            head_norms: Some(HeadNorms {
                query: "self_attn.q_norm",
                key: "self_attn.k_norm",
                over: Over::EachHead,
                there: Rule::Always,
                style: NormStyle::Rms,
            }),
            window: Some(4096),
            ..LLAMA
        },
    ),
    (
        "gemma3_text",
        Family {
            model: Model::Gemma3,
            classes: &["Gemma3ForCausalLM"],
            head_norms: Some(HeadNorms {
                query: "self_attn.q_norm",
                key: "self_attn.k_norm",
                over: Over::EachHead,
                there: Rule::Always,
                style: NormStyle::RmsPlusOne,
            }),
            ..GEMMA2
        },
    ),
    (
        "phi",
        Family {
            model: Model::Phi,
            classes: &["PhiForCausalLM"],
            final_norm: Some("final_layernorm"),
            head_bias: true,
            keys: Keys {
                epsilon: Some("layer_norm_eps"),
                ..MODERN
            },
            norm: NormStyle::Layer,
            epsilon: 1e-5,
            out: "self_attn.dense",
            qkv_bias: Rule::Always,
            out_bias: Rule::Always,
            mlp: Mlp::Plain(["mlp.fc1", "mlp.fc2"]),
            mlp_bias: Rule::Always,
            norms: BlockNorms {
                before_mlp: Some("input_layernorm"),
                ..BEFORE
            },
            parallel: Rule::Always,
            places: PlacesKind::Rotary(Pairs::Halves, 0.5),
            head_norms: Some(HeadNorms {
                query: "self_attn.q_layernorm",
                key: "self_attn.k_layernorm",
                over: Over::EachHead,
                there: Rule::Key("qk_layernorm", false),
                style: NormStyle::Layer,
            }),
            activation: "gelu_new",
            ..LLAMA
        },
    ),
    (
        "phi3",
        Family {
            model: Model::Phi3,
            classes: &["Phi3ForCausalLM"],
            epsilon: 1e-5,
            qkv: Qkv::Rows("self_attn.qkv_proj"),
            qkv_bias: Rule::Never,
            out_bias: Rule::Never,
            mlp: Mlp::FusedGate(["mlp.gate_up_proj", "mlp.down_proj"]),
            mlp_bias: Rule::Never,
            ..LLAMA
        },
    ),
    (
        "stablelm",
        Family {
            model: Model::StableLm,
            classes: &["StableLmForCausalLM"],
            keys: Keys {
                epsilon: Some("layer_norm_eps"),
                ..MODERN
            },
            norm: NormStyle::Layer,
            epsilon: 1e-5,
            qkv_bias: Rule::Key("use_qkv_bias", false),
            out_bias: Rule::Never,
            mlp_bias: Rule::Never,
            parallel: Rule::Key("use_parallel_residual", false),
            places: PlacesKind::Rotary(Pairs::Halves, 0.25),
            head_norms: Some(HeadNorms {
                query: "self_attn.q_layernorm.norms",
                key: "self_attn.k_layernorm.norms",
                over: Over::OwnHead,
                there: Rule::Key("qk_layernorm", false),
                style: NormStyle::LayerNoBias,
            }),
            ..LLAMA
        },
    ),
    (
        "olmo2",
        Family {
            model: Model::Olmo2,
            classes: &["Olmo2ForCausalLM"],
            epsilon: 1e-5,
            mlp_bias: Rule::Never,
            norms: BlockNorms {
                before_attention: None,
                after_attention: Some("post_attention_layernorm"),
                before_mlp: None,
                after_mlp: Some("post_feedforward_layernorm"),
                ..BEFORE
            },
            head_norms: Some(HeadNorms {
                query: "self_attn.q_norm",
                key: "self_attn.k_norm",
                over: Over::All,
                there: Rule::Always,
                style: NormStyle::Rms,
            }),
            ..LLAMA
        },
    ),
    (
        "starcoder2",
        Family {
            model: Model::Starcoder2,
            classes: &["Starcoder2ForCausalLM"],
            tied: true,
            keys: Keys {
                epsilon: Some("norm_epsilon"),
                ..MODERN
            },
            norm: NormStyle::Layer,
            epsilon: 1e-5,
            qkv_bias: Rule::Key("use_bias", true),
            out_bias: Rule::Key("use_bias", true),
            mlp: Mlp::Plain(["mlp.c_fc", "mlp.c_proj"]),
            mlp_bias: Rule::Key("use_bias", true),
            activation: "gelu_pytorch_tanh",
            ..LLAMA
        },
    ),
    (
        "bloom",
        Family {
            model: Model::Bloom,
            classes: &["BloomForCausalLM"],
            base: "transformer.",
            layer: "h.",
            tokens: "word_embeddings",
            embedding_norm: Some("word_embeddings_layernorm"),
            final_norm: Some("ln_f"),
            head: "lm_head",
            tied: true,
            keys: Keys {
                layers: "n_layer",
                heads: "n_head",
                hidden: None,
                activation: None,
                epsilon: Some("layer_norm_epsilon"),
                ..NEOX.keys
            },
            qkv: Qkv::ByHead("self_attention.query_key_value"),
            out: "self_attention.dense",
            qkv_bias: Rule::Always,
            out_bias: Rule::Always,
            parallel: Rule::Never,
            places: PlacesKind::Alibi,
            activation: "gelu_tanh",
            ..NEOX
        },
    ),
    (
        "falcon",
        Family {
            model: Model::Falcon,
            classes: &["FalconForCausalLM"],
            base: "transformer.",
            layer: "h.",
            tokens: "word_embeddings",
            final_norm: Some("ln_f"),
            head: "lm_head",
            tied: true,
            keys: Keys {
                hidden: Some("ffn_hidden_size"),
                activation: Some("activation"),
                epsilon: Some("layer_norm_epsilon"),
                ..NEOX.keys
            },
            qkv: Qkv::ByHead("self_attention.query_key_value"),
            out: "self_attention.dense",
            qkv_bias: Rule::Key("bias", false),
            out_bias: Rule::Key("bias", false),
            mlp_bias: Rule::Key("bias", false),
            parallel: Rule::Key("parallel_attn", true),
            places: PlacesKind::Rotary(Pairs::Halves, 1.0),
            ..NEOX
        },
    ),
    (
        "roberta",
        Family {
            model: Model::Roberta,
            classes: &["RobertaForMaskedLM"],
            base: "roberta.",
            head: "lm_head.decoder",
            classifier: Some(Classifier {
                in_base: false,
                pooler: "classifier.dense",
                activation: Activation::Tanh,
                classes: "classifier.out_proj",
            }),
            ..BERT
        },
    ),
    (
        "distilbert",
        Family {
            model: Model::DistilBert,
            classes: &["DistilBertForMaskedLM"],
            base: "distilbert.",
            layer: "transformer.layer.",
            head: "vocab_projector",
            classifier: Some(Classifier {
                in_base: false,
                pooler: "pre_classifier",
                activation: Activation::Relu,
                classes: "classifier",
            }),
            keys: Keys {
                width: "dim",
                layers: "n_layers",
                heads: "n_heads",
                hidden: Some("hidden_dim"),
                epsilon: None,
                activation: Some("activation"),
                ..BERT.keys
            },
            qkv: Qkv::Apart(["attention.q_lin", "attention.k_lin", "attention.v_lin"]),
            out: "attention.out_lin",
            mlp: Mlp::Plain(["ffn.lin1", "ffn.lin2"]),
            norms: BlockNorms {
                attention_sum: Some("sa_layer_norm"),
                mlp_sum: Some("output_layer_norm"),
                ..BERT.norms
            },
            ..BERT
        },
    ),
];

/// TransformerLens's version 4 over GPT-2: queries, keys and values apart, the head always
/// in the file, with a bias.
pub(super) const BRIDGE: Family = Family {
    model: Model::Bridge,
    base: "",
    layer: "blocks.",
    tokens: "embed",
    positions: Some(("pos_embed", 0)),
    final_norm: Some("ln_final"),
    head: "unembed",
    head_bias: true,
    qkv: Qkv::Apart(["attn.q", "attn.k", "attn.v"]),
    out: "attn.o",
    mlp: Mlp::Columns(["mlp.in", "mlp.out"]),
    norms: BlockNorms {
        before_attention: Some("ln1"),
        before_mlp: Some("ln2"),
        ..BEFORE
    },
    ..GPT2
};

/// nanoGPT and minGPT: GPT-2's names, linear layers `[out, in]`, a head of its own.
pub(super) const NANO: Family = Family {
    model: Model::NanoGpt,
    classes: &[],
    keys: Keys {
        length: Some("block_size"),
        hidden: None,
        epsilon: None,
        ..GPT2.keys
    },
    qkv: Qkv::Rows("attn.c_attn"),
    mlp: Mlp::Plain(["mlp.c_fc", "mlp.c_proj"]),
    activation: "gelu",
    ..GPT2
};
