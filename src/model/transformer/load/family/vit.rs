//! Networks of images: patches by a convolution, learned positions, norms before.

use super::bert::BERT;
use super::{BlockNorms, Classifier, Family, Keys, Model, Qkv, Rule};

pub(super) const VIT: Family = Family {
    model: Model::Vit,
    classes: &["ViTForImageClassification"],
    base: "vit.",
    tokens: "embeddings.patch_embeddings.projection",
    summaries: &["embeddings.cls_token"],
    positions: Some(("embeddings.position_embeddings", 0)),
    embedding_norm: None,
    final_norm: Some("layernorm"),
    classifier: Some(Classifier {
        pooler: None,
        classes: "classifier",
        each: None,
    }),
    keys: Keys {
        length: None,
        ..BERT.keys
    },
    qkv: Qkv::Apart([
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
    ]),
    qkv_bias: Rule::Key("qkv_bias", true),
    norms: BlockNorms {
        before_attention: Some("layernorm_before"),
        attention_sum: None,
        before_mlp: Some("layernorm_after"),
        mlp_sum: None,
        ..BERT.norms
    },
    ..BERT
};

pub(super) const DEIT: Family = Family {
    classes: &["DeiTForImageClassification"],
    base: "deit.",
    summaries: &["embeddings.cls_token", "embeddings.distillation_token"],
    ..VIT
};
