//! What is computed of each of Hugging Face's families, as a table for people.

use std::fmt;

use super::family::{FAMILIES, Family, Mlp, Model, NormStyle, PlacesKind, Qkv};
use crate::model::transformer::Pairs;

/// What one family is, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyRow {
    /// `model_type` of its configuration.
    pub model_type: &'static str,
    /// The class whose head is computed.
    pub class: &'static str,
    /// How positions are known.
    pub positions: String,
    /// Which norms there are, and where.
    pub norms: String,
    /// How heads attend.
    pub attention: String,
    /// The MLP and its usual activation.
    pub mlp: String,
    /// Whether the unembedding is the embedding where the configuration does not say.
    pub head: &'static str,
}

/// All families that are computed, in the order of the table in the code.
///
/// ```
/// let rows = modscope::model::transformer::families();
/// assert_eq!((rows[0].model_type, rows[0].positions.as_str()), ("gpt2", "learned"));
/// ```
#[must_use]
pub fn families() -> Vec<FamilyRow> {
    FAMILIES
        .iter()
        .map(|(name, family)| row(name, family))
        .collect()
}

fn row(model_type: &'static str, family: &Family) -> FamilyRow {
    FamilyRow {
        model_type,
        class: family.classes.first().copied().unwrap_or_default(),
        positions: positions(family),
        norms: norms(family),
        attention: attention(family),
        mlp: mlp(family),
        head: head(family),
    }
}

fn head(family: &Family) -> &'static str {
    if family.model == Model::Vit {
        return "classes";
    }
    let is_scaled = matches!(
        family.model,
        Model::Granite | Model::Cohere | Model::Cohere2
    );
    match (family.tied, is_scaled) {
        (true, false) => "tied",
        (true, true) => "tied, logits scaled",
        (false, false) => "its own",
        (false, true) => "its own, logits scaled",
    }
}

fn positions(family: &Family) -> String {
    match (family.positions, family.places) {
        (Some(_), _) if family.model == Model::Roberta => {
            "learned, after `pad_token_id`".to_owned()
        }
        (Some((_, 0)), _) => "learned".to_owned(),
        (Some((_, first)), _) => format!("learned, from row {first}"),
        (None, _) if family.model == Model::Xglm => "sines".to_owned(),
        (None, PlacesKind::Alibi) => "ALiBi".to_owned(),
        (None, PlacesKind::Rotary(pairs, share)) => {
            let pairs = match pairs {
                Pairs::Halves => "rotary",
                Pairs::Neighbours => "rotary of neighbours",
            };
            match (family.model, share < 1.0) {
                (Model::Cohere2 | Model::Exaone4, _) => {
                    format!("{pairs}, in blocks with a window")
                }
                (Model::SmolLm3, _) => format!("{pairs}, in some blocks"),
                (_, true) => format!("{pairs}, usually {share} of a head"),
                (_, false) => pairs.to_owned(),
            }
        }
        (None, PlacesKind::Stream) => "none".to_owned(),
    }
}

fn norms(family: &Family) -> String {
    let style = match family.norm {
        NormStyle::Layer => "LayerNorm",
        NormStyle::LayerNoBias => "LayerNorm without biases",
        NormStyle::LayerBare => "LayerNorm without weights",
        NormStyle::LayerPlusOne => "LayerNorm, weights 1 + w",
        NormStyle::Rms => "RMS",
        NormStyle::RmsPlusOne => "RMS, weights 1 + w",
    };
    let places = [
        (family.norms.before_attention.is_some(), "before"),
        (family.norms.after_attention.is_some(), "after"),
        (family.norms.attention_sum.is_some(), "on the sums"),
    ];
    let there: Vec<&str> = places
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, place)| *place)
        .collect();
    let opt = match family.model {
        Model::Opt => ", or on the sums",
        _ => "",
    };
    format!("{style}, {}{opt}", there.join(" and "))
}

fn attention(family: &Family) -> String {
    let grouped = family.keys.key_heads.is_some()
        || matches!(family.model, Model::Falcon | Model::GptBigCode);
    let windows = matches!(
        family.model,
        Model::GptNeo
            | Model::Mistral
            | Model::Phi3
            | Model::Starcoder2
            | Model::Qwen2
            | Model::Qwen3
            | Model::Gemma2
            | Model::Gemma3
            | Model::Cohere2
            | Model::SmolLm3
            | Model::Mixtral
            | Model::Qwen3Moe
            | Model::Qwen2Moe
            | Model::ModernBert
    );
    let stored = match family.qkv {
        Qkv::Apart(_) => "q, k, v apart",
        Qkv::Rows(_) | Qkv::Columns(_) => "q, k, v fused",
        Qkv::ByHead(_) => "q, k, v fused head by head",
        Qkv::Quarters(_) => "q, k, v fused in four parts",
    };
    let parts = [
        (true, stored),
        (grouped, "grouped keys"),
        (windows, "windows"),
        (family.head_norms.is_some(), "norms of q and k"),
        (matches!(family.model, Model::Gemma2), "soft caps"),
        (
            matches!(family.model, Model::Granite | Model::Mpt),
            "a scale that is told",
        ),
        (!family.causal, "both ways"),
    ];
    let there: Vec<&str> = parts
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, part)| *part)
        .collect();
    there.join(", ")
}

fn mlp(family: &Family) -> String {
    let form = match family.mlp {
        Mlp::Plain(_) | Mlp::Columns(_) => "plain",
        Mlp::Gated(_) => "gated",
        Mlp::FusedGate(_) => "gated, fused",
        Mlp::Experts(_) if family.model == Model::Qwen2Moe => "gated, experts, one of them shared",
        Mlp::Experts(_) => "gated, experts",
    };
    format!("{form}, {}", family.activation)
}

impl fmt::Display for FamilyRow {
    /// A line of Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            self.model_type,
            self.class,
            self.positions,
            self.norms,
            self.attention,
            self.mlp,
            self.head
        )
    }
}
