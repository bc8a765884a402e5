//! GPT-2 and those whose code began as its: learned positions, or GPT-J's turned ones.

use super::llama::{BEFORE, LLAMA, MODERN, SPLIT};
use super::{BlockNorms, Family, Keys, Mlp, Model, NormStyle, PlacesKind, Qkv, Rule};
use crate::model::transformer::Pairs;

pub(super) const GPT2: Family = Family {
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

pub(super) const GPT_NEO: Family = Family {
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
};

pub(super) const GPTJ: Family = Family {
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
};

pub(super) const OPT: Family = Family {
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
};

/// Its positions are sines and cosines, which no file holds.
pub(super) const XGLM: Family = Family {
    model: Model::Xglm,
    classes: &["XGLMForCausalLM"],
    base: "model.",
    positions: None,
    final_norm: Some("layer_norm"),
    keys: Keys {
        width: "d_model",
        layers: "num_layers",
        heads: "attention_heads",
        hidden: Some("ffn_dim"),
        length: None,
        ..OPT.keys
    },
    qkv_bias: Rule::Always,
    out_bias: Rule::Always,
    mlp_bias: Rule::Always,
    activation: "gelu",
    ..OPT
};

/// TransformerLens's version 4 over GPT-2: queries, keys and values apart, the head always
/// in the file, with a bias.
pub(in super::super) const BRIDGE: Family = Family {
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
pub(in super::super) const NANO: Family = Family {
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

pub(super) const GPT_BIGCODE: Family = Family {
    model: Model::GptBigCode,
    classes: &["GPTBigCodeForCausalLM"],
    qkv: Qkv::Rows("attn.c_attn"),
    mlp: Mlp::Plain(["mlp.c_fc", "mlp.c_proj"]),
    activation: "gelu_pytorch_tanh",
    ..GPT2
};

pub(super) const CODEGEN: Family = Family {
    model: Model::CodeGen,
    classes: &["CodeGenForCausalLM"],
    qkv: Qkv::Quarters("attn.qkv_proj"),
    ..GPTJ
};

pub(super) const MPT: Family = Family {
    model: Model::Mpt,
    classes: &["MptForCausalLM", "MPTForCausalLM"],
    layer: "blocks.",
    positions: None,
    final_norm: Some("norm_f"),
    keys: Keys {
        width: "d_model",
        layers: "n_layers",
        heads: "n_heads",
        hidden: None,
        length: None,
        activation: None,
        ..GPT2.keys
    },
    norm: NormStyle::LayerNoBias,
    qkv: Qkv::Rows("attn.Wqkv"),
    out: "attn.out_proj",
    qkv_bias: Rule::Never,
    out_bias: Rule::Never,
    mlp: Mlp::Plain(["ffn.up_proj", "ffn.down_proj"]),
    mlp_bias: Rule::Never,
    norms: BlockNorms {
        before_attention: Some("norm_1"),
        before_mlp: Some("norm_2"),
        ..BEFORE
    },
    places: PlacesKind::Alibi,
    activation: "gelu",
    ..GPT2
};
