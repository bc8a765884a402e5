//! Llama's lineage: rotary positions, RMS norms, gated MLPs, and what others changed of it.

use super::{
    BlockNorms, Experts, Family, HeadNorms, Keys, Mlp, Model, NormStyle, Over, PlacesKind, Qkv,
    Rule,
};
use crate::model::transformer::Pairs;

pub(super) const SPLIT: Qkv =
    Qkv::Apart(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]);

pub(super) const BEFORE: BlockNorms = BlockNorms {
    before_attention: Some("input_layernorm"),
    after_attention: None,
    attention_sum: None,
    before_mlp: Some("post_attention_layernorm"),
    after_mlp: None,
    mlp_sum: None,
};

pub(in super::super) const MODERN: Keys = Keys {
    width: "hidden_size",
    layers: "num_hidden_layers",
    heads: "num_attention_heads",
    key_heads: Some("num_key_value_heads"),
    hidden: Some("intermediate_size"),
    length: None,
    epsilon: Some("rms_norm_eps"),
    activation: Some("hidden_act"),
};

pub(in super::super) const LLAMA: Family = Family {
    model: Model::Llama,
    classes: &["LlamaForCausalLM"],
    base: "model.",
    layer: "layers.",
    tokens: "embed_tokens",
    summaries: &[],
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

pub(super) const MISTRAL: Family = Family {
    model: Model::Mistral,
    classes: &["MistralForCausalLM"],
    qkv_bias: Rule::Never,
    out_bias: Rule::Never,
    mlp_bias: Rule::Never,
    window: Some(4096),
    ..LLAMA
};

pub(super) const QWEN2: Family = Family {
    model: Model::Qwen2,
    classes: &["Qwen2ForCausalLM"],
    qkv_bias: Rule::Always,
    out_bias: Rule::Never,
    ..MISTRAL
};

pub(super) const QWEN3: Family = Family {
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
};

pub(super) const PHI: Family = Family {
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
};

pub(super) const PHI3: Family = Family {
    model: Model::Phi3,
    classes: &["Phi3ForCausalLM"],
    epsilon: 1e-5,
    qkv: Qkv::Rows("self_attn.qkv_proj"),
    qkv_bias: Rule::Never,
    out_bias: Rule::Never,
    mlp: Mlp::FusedGate(["mlp.gate_up_proj", "mlp.down_proj"]),
    mlp_bias: Rule::Never,
    ..LLAMA
};

pub(super) const STABLELM: Family = Family {
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
};

pub(super) const OLMO2: Family = Family {
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
};

pub(super) const STARCODER2: Family = Family {
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
};

pub(super) const GRANITE: Family = Family {
    model: Model::Granite,
    classes: &["GraniteForCausalLM"],
    ..LLAMA
};

pub(super) const OLMO: Family = Family {
    model: Model::Olmo,
    classes: &["OlmoForCausalLM"],
    keys: Keys {
        epsilon: None,
        ..MODERN
    },
    norm: NormStyle::LayerBare,
    epsilon: 1e-5,
    mlp_bias: Rule::Never,
    ..LLAMA
};

pub(super) const SMOLLM3: Family = Family {
    model: Model::SmolLm3,
    classes: &["SmolLM3ForCausalLM"],
    tied: true,
    ..LLAMA
};

pub(super) const NEMOTRON: Family = Family {
    model: Model::Nemotron,
    classes: &["NemotronForCausalLM"],
    keys: Keys {
        epsilon: Some("norm_eps"),
        ..MODERN
    },
    norm: NormStyle::LayerPlusOne,
    epsilon: 1e-5,
    mlp: Mlp::Plain(["mlp.up_proj", "mlp.down_proj"]),
    places: PlacesKind::Rotary(Pairs::Halves, 0.5),
    activation: "relu2",
    ..LLAMA
};

pub(super) const ARCEE: Family = Family {
    model: Model::Arcee,
    classes: &["ArceeForCausalLM"],
    epsilon: 1e-5,
    mlp: Mlp::Plain(["mlp.up_proj", "mlp.down_proj"]),
    activation: "relu2",
    ..LLAMA
};

/// Llama by another name.
pub(super) const INTERNLM3: Family = Family {
    epsilon: 1e-5,
    head_width: Some(128),
    ..LLAMA
};

pub(super) const GLM: Family = Family {
    model: Model::Glm,
    classes: &["GlmForCausalLM"],
    epsilon: 1.5625e-7,
    qkv_bias: Rule::Key("attention_bias", true),
    out_bias: Rule::Never,
    mlp: Mlp::FusedGate(["mlp.gate_up_proj", "mlp.down_proj"]),
    mlp_bias: Rule::Never,
    places: PlacesKind::Rotary(Pairs::Neighbours, 0.5),
    head_width: Some(128),
    ..LLAMA
};

pub(super) const GLM4: Family = Family {
    model: Model::Glm4,
    classes: &["Glm4ForCausalLM"],
    norms: BlockNorms {
        after_attention: Some("post_self_attn_layernorm"),
        after_mlp: Some("post_mlp_layernorm"),
        ..BEFORE
    },
    ..GLM
};

pub(super) const MIXTRAL: Family = Family {
    model: Model::Mixtral,
    classes: &["MixtralForCausalLM"],
    epsilon: 1e-5,
    mlp: Mlp::Experts(Experts {
        router: "block_sparse_moe.gate",
        each: "block_sparse_moe.experts.",
        names: ["w1", "w3", "w2"],
        normalised: Rule::Always,
    }),
    window: None,
    ..MISTRAL
};

const EXPERTS: Experts = Experts {
    router: "mlp.gate",
    each: "mlp.experts.",
    names: ["gate_proj", "up_proj", "down_proj"],
    normalised: Rule::Key("norm_topk_prob", false),
};

pub(super) const OLMOE: Family = Family {
    model: Model::Olmoe,
    classes: &["OlmoeForCausalLM"],
    epsilon: 1e-5,
    mlp: Mlp::Experts(EXPERTS),
    mlp_bias: Rule::Never,
    head_norms: OLMO2.head_norms,
    ..LLAMA
};

pub(super) const QWEN3_MOE: Family = Family {
    model: Model::Qwen3Moe,
    classes: &["Qwen3MoeForCausalLM"],
    keys: Keys {
        hidden: Some("moe_intermediate_size"),
        ..MODERN
    },
    head_width: None,
    mlp: Mlp::Experts(EXPERTS),
    ..QWEN3
};

/// With an expert that all positions share.
pub(super) const QWEN2_MOE: Family = Family {
    model: Model::Qwen2Moe,
    classes: &["Qwen2MoeForCausalLM"],
    qkv_bias: Rule::Key("qkv_bias", true),
    out_bias: Rule::Never,
    keys: QWEN3_MOE.keys,
    mlp: Mlp::Experts(EXPERTS),
    ..QWEN2
};

pub(super) const EXAONE4: Family = Family {
    model: Model::Exaone4,
    classes: &["Exaone4ForCausalLM"],
    epsilon: 1e-5,
    qkv_bias: Rule::Never,
    out_bias: Rule::Never,
    mlp_bias: Rule::Never,
    norms: OLMO2.norms,
    head_norms: QWEN3.head_norms,
    window: Some(4096),
    ..LLAMA
};
