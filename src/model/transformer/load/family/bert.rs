//! Encoders, which look both ways.

use super::llama::{BEFORE, LLAMA, MODERN};
use super::{
    BlockNorms, Classifier, Family, Keys, Mlp, Model, NormStyle, PlacesKind, Pooler, Qkv, Rule,
};
use crate::numeric::Activation;

pub(super) const BERT: Family = Family {
    model: Model::Bert,
    classes: &["BertForMaskedLM", "BertForPreTraining", "BertLMHeadModel"],
    base: "bert.",
    layer: "encoder.layer.",
    tokens: "embeddings.word_embeddings",
    positions: Some(("embeddings.position_embeddings", 0)),
    embedding_norm: Some("embeddings.LayerNorm"),
    final_norm: None,
    head: "cls.predictions.decoder",
    classifier: Some(Classifier {
        pooler: Some(Pooler {
            in_base: true,
            dense: "pooler.dense",
            activation: Some(Activation::Tanh),
            norm: None,
        }),
        classes: "classifier",
        each: Some("classifier"),
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

pub(super) const ROBERTA: Family = Family {
    model: Model::Roberta,
    classes: &["RobertaForMaskedLM", "RobertaForCausalLM"],
    base: "roberta.",
    head: "lm_head.decoder",
    classifier: Some(Classifier {
        pooler: Some(Pooler {
            in_base: false,
            dense: "classifier.dense",
            activation: Some(Activation::Tanh),
            norm: None,
        }),
        classes: "classifier.out_proj",
        each: Some("classifier"),
    }),
    ..BERT
};

pub(super) const XLM_ROBERTA: Family = Family {
    classes: &["XLMRobertaForMaskedLM", "XLMRobertaForCausalLM"],
    ..ROBERTA
};

pub(super) const CAMEMBERT: Family = Family {
    classes: &["CamembertForMaskedLM", "CamembertForCausalLM"],
    ..ROBERTA
};

pub(super) const DISTILBERT: Family = Family {
    model: Model::DistilBert,
    classes: &["DistilBertForMaskedLM"],
    base: "distilbert.",
    layer: "transformer.layer.",
    head: "vocab_projector",
    classifier: Some(Classifier {
        pooler: Some(Pooler {
            in_base: false,
            dense: "pre_classifier",
            activation: Some(Activation::Relu),
            norm: None,
        }),
        classes: "classifier",
        each: Some("classifier"),
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
};

pub(super) const ELECTRA: Family = Family {
    model: Model::Electra,
    classes: &["ElectraForMaskedLM"],
    base: "electra.",
    head: "generator_lm_head",
    head_bias: true,
    classifier: Some(Classifier {
        pooler: Some(Pooler {
            in_base: false,
            dense: "classifier.dense",
            activation: Some(Activation::Gelu),
            norm: None,
        }),
        classes: "classifier.out_proj",
        each: Some("classifier"),
    }),
    ..BERT
};

/// Blocks of a group have the same weights.
pub(super) const ALBERT: Family = Family {
    model: Model::Albert,
    classes: &["AlbertForMaskedLM", "AlbertForPreTraining"],
    base: "albert.",
    layer: "encoder.albert_layer_groups.",
    head: "predictions.decoder",
    classifier: Some(Classifier {
        pooler: Some(Pooler {
            in_base: true,
            dense: "pooler",
            activation: Some(Activation::Tanh),
            norm: None,
        }),
        classes: "classifier",
        each: Some("classifier"),
    }),
    qkv: Qkv::Apart([
        "albert_layers.0.attention.query",
        "albert_layers.0.attention.key",
        "albert_layers.0.attention.value",
    ]),
    out: "albert_layers.0.attention.dense",
    mlp: Mlp::Plain(["albert_layers.0.ffn", "albert_layers.0.ffn_output"]),
    norms: BlockNorms {
        attention_sum: Some("albert_layers.0.attention.LayerNorm"),
        mlp_sum: Some("albert_layers.0.full_layer_layer_norm"),
        ..BERT.norms
    },
    activation: "gelu_new",
    ..BERT
};
