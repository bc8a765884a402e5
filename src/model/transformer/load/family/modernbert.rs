//! ModernBERT: both ways, with turned heads, gates, and windows in most blocks.

use super::bert::BERT;
use super::llama::{BEFORE, LLAMA, MODERN};
use super::{BlockNorms, Classifier, Family, Keys, Mlp, Model, NormStyle, PlacesKind, Pooler, Qkv};
use crate::model::transformer::Pairs;

pub(super) const MODERNBERT: Family = Family {
    model: Model::ModernBert,
    classes: &["ModernBertForMaskedLM"],
    base: "model.",
    tokens: "embeddings.tok_embeddings",
    embedding_norm: Some("embeddings.norm"),
    final_norm: Some("final_norm"),
    head: "decoder",
    head_bias: true,
    classifier: Some(Classifier {
        pooler: Some(Pooler {
            in_base: false,
            dense: "head.dense",
            activation: None,
            norm: Some("head.norm"),
        }),
        classes: "classifier",
        each: Some("classifier"),
    }),
    tied: true,
    keys: Keys {
        key_heads: None,
        epsilon: Some("norm_eps"),
        activation: Some("hidden_activation"),
        ..MODERN
    },
    norm: NormStyle::LayerNoBias,
    epsilon: 1e-5,
    qkv: Qkv::Rows("attn.Wqkv"),
    out: "attn.Wo",
    mlp: Mlp::FusedGate(["mlp.Wi", "mlp.Wo"]),
    norms: BlockNorms {
        before_attention: Some("attn_norm"),
        before_mlp: Some("mlp_norm"),
        ..BEFORE
    },
    places: PlacesKind::Rotary(Pairs::Halves, 1.0),
    activation: "gelu",
    causal: BERT.causal,
    ..LLAMA
};
