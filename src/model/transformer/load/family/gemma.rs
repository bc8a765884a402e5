//! Gemma's three: scaled embeddings, norms that multiply by 1 + w.

use super::llama::{BEFORE, LLAMA, MODERN};
use super::{BlockNorms, Family, HeadNorms, Keys, Model, NormStyle, Over, Rule};

pub(super) const GEMMA: Family = Family {
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

pub(super) const GEMMA2: Family = Family {
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

pub(super) const GEMMA3: Family = Family {
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
};
