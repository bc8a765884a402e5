//! Cohere's two: parallel blocks with one norm, logits that are scaled.

use super::llama::{BEFORE, LLAMA, MODERN};
use super::{BlockNorms, Family, HeadNorms, Keys, Model, NormStyle, Over, PlacesKind, Rule};
use crate::model::transformer::Pairs;

pub(super) const COHERE: Family = Family {
    model: Model::Cohere,
    classes: &["CohereForCausalLM"],
    tied: true,
    keys: Keys {
        epsilon: Some("layer_norm_eps"),
        ..MODERN
    },
    norm: NormStyle::LayerNoBias,
    epsilon: 1e-5,
    mlp_bias: Rule::Never,
    norms: BlockNorms {
        before_mlp: BEFORE.before_attention,
        ..BEFORE
    },
    parallel: Rule::Always,
    places: PlacesKind::Rotary(Pairs::Neighbours, 1.0),
    head_norms: Some(HeadNorms {
        query: "self_attn.q_norm",
        key: "self_attn.k_norm",
        over: Over::OwnRow,
        there: Rule::Key("use_qk_norm", false),
        style: NormStyle::LayerNoBias,
    }),
    ..LLAMA
};

pub(super) const COHERE2: Family = Family {
    model: Model::Cohere2,
    classes: &["Cohere2ForCausalLM"],
    head_norms: None,
    window: Some(4096),
    ..COHERE
};
