//! Queries, keys and values head by head in one tensor: GPT-NeoX, BLOOM, Falcon, Persimmon.

use super::llama::{LLAMA, MODERN, PHI};
use super::{Family, HeadNorms, Keys, Mlp, Model, NormStyle, PlacesKind, Qkv, Rule};
use crate::model::transformer::Pairs;

pub(super) const NEOX: Family = Family {
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

pub(super) const BLOOM: Family = Family {
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
};

pub(super) const FALCON: Family = Family {
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
};

pub(super) const PERSIMMON: Family = Family {
    model: Model::Persimmon,
    classes: &["PersimmonForCausalLM"],
    base: LLAMA.base,
    tokens: LLAMA.tokens,
    final_norm: PHI.final_norm,
    head: LLAMA.head,
    qkv: Qkv::ByHead("self_attn.query_key_value"),
    out: PHI.out,
    qkv_bias: Rule::Always,
    out_bias: Rule::Always,
    parallel: Rule::Never,
    places: PlacesKind::Rotary(Pairs::Halves, 0.5),
    head_norms: match PHI.head_norms {
        Some(norms) => Some(HeadNorms {
            there: Rule::Key("qk_layernorm", true),
            ..norms
        }),
        None => None,
    },
    activation: "relu2",
    ..NEOX
};
