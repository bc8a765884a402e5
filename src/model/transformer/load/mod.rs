//! Checkpoints → transformers: how frameworks name their tensors and settings.
//!
//! | layout | recognised by |
//! |---|---|
//! | `transformer-lens` | `blocks.{l}.attn.W_Q`, or the names of version 4's Bridge |
//! | `hugging-face`, `gpt2` | `model_type` in `config.json`, one row of [`family::FAMILIES`] each |
//! | `nanogpt` | GPT-2's names, linear layers `[out, in]` |
//! | `bimt-transformer` | `blocks.{l}.attn.l_attn.linear.weight` |
//!
//! What shapes cannot say (the number of fused heads, the activation, the mask)
//! comes from `config.json`, with each framework's own defaults where it has some.

mod bimt;
mod build;
mod family;
mod hf;
mod keys;
mod lens;
mod plan;
mod rope;
mod table;
mod tensors;

use std::collections::BTreeMap;

use super::{Matrix, Place, Transformer};
use crate::checkpoint::{Account, Dtype, KeyRule, Unknown};
use crate::model::mlp::load::Rewritten;
use crate::model::options::{Options, unknown_layout};
use crate::model::{Layout, Role};
use crate::numeric::{Activation, Scalar};
use crate::{ErrorKind, Result};
use family::{FAMILIES, Family};
use plan::Plan;
pub use table::{FamilyRow, families};
use tensors::Tensors;

/// What a loader found out about a file.
pub(in crate::model) struct Read {
    /// Names and options; none of the BIMT authors' own.
    plan: Option<Plan>,
    /// Where its activation is known from.
    source: &'static str,
    /// The family by its `model_type`, where it has one.
    family: Option<&'static str>,
    /// The keys it knows.
    rules: &'static [(&'static str, KeyRule)],
}

/// The transformer layout whose tensor names a checkpoint has.
///
/// # Errors
/// If the configuration names a model that is not computed, or none where names
/// alone do not tell.
pub(in crate::model) fn is_transformer(account: &Account<'_>) -> Result<Option<Layout>> {
    let has = |end: &str| account.names().any(|name| name.ends_with(end));
    if has("attn.W_Q") || is_of(account, &family::BRIDGE) {
        return Ok(Some(Layout::TransformerLens));
    }
    if has("blocks.0.attn.l_attn.linear.weight") {
        return Ok(Some(Layout::BimtTransformer));
    }
    let settings = account.settings();
    let said = settings.word("model_type")?;
    let alike: Vec<&str> = FAMILIES
        .iter()
        .filter(|(_, f)| is_of(account, f))
        .map(|(n, _)| *n)
        .collect();
    match said {
        Some(said) if FAMILIES.iter().any(|(name, _)| *name == said) => {
            if alike.contains(&said) {
                return Ok(Some(if said == "gpt2" {
                    Layout::Gpt2
                } else {
                    Layout::HuggingFace
                }));
            }
            let found = match alike.is_empty() {
                true => "no tensor is named as its blocks are".to_owned(),
                false => format!("the tensors are named as those of {}", alike.join(", ")),
            };
            Err(settings.disagrees("model_type", said, &found))
        }
        Some(said) => Err(settings.unsupported("model_type", &described(account, said))),
        None if alike.contains(&"gpt2") => Ok(Some(gpt2_or_nano(account))),
        None if alike.is_empty() => Ok(None),
        None => Err(settings.missing("model_type")),
    }
}

/// A model that is not computed, with what its tensors tell of the reason.
fn described(account: &Account<'_>, model: &str) -> String {
    let has = |part: &str| account.names().any(|name| name.contains(part));
    format!("{model}{}", reason(has))
}

/// What a network has that is not computed, by parts of its tensors' names.
fn reason(has: impl Fn(&str) -> bool) -> &'static str {
    const REASONS: [(&str, &str); 6] = [
        (
            "kv_a_proj",
            ", whose keys and values come through a narrow layer and its norm",
        ),
        (
            "rel_embeddings",
            ", whose heads attend to relative positions through weights of their own",
        ),
        (
            "relative_attention_bias",
            ", whose heads add a learned number for each distance",
        ),
        ("A_log", ", with state-space layers"),
        ("cross_attn", ", with heads that attend to another sequence"),
        ("experts", ", a mixture of experts"),
    ];
    if has("encoder.") && has("decoder.") {
        return ", an encoder with a decoder";
    }
    let known = REASONS.iter().find(|(part, _)| has(part));
    known.map_or("", |(_, why)| why)
}

/// Whether the blocks are named as a family names them.
fn is_of(account: &Account<'_>, family: &Family) -> bool {
    family.base_in(account).is_some()
}

impl Family {
    /// What is before the blocks' names in a file: all that the family has there, or that
    /// without the network's own attribute, as bare networks are saved.
    fn base_in(&self, account: &Account<'_>) -> Option<&'static str> {
        let name = match self.qkv {
            family::Qkv::Apart([name, ..])
            | family::Qkv::Rows(name)
            | family::Qkv::Columns(name)
            | family::Qkv::ByHead(name)
            | family::Qkv::Quarters(name) => name,
        };
        let block = |base: &str, n: &str| {
            let rest = n.strip_prefix(base)?.strip_prefix(self.layer)?;
            let (number, rest) = rest.split_once('.')?;
            number.parse::<usize>().ok()?;
            Some(rest.strip_suffix(".weight")? == name)
        };
        let bare = self.base.split_once('.').map_or("", |(_, rest)| rest);
        [self.base, bare]
            .into_iter()
            .find(|base| account.names().any(|n| block(base, n) == Some(true)))
    }
}

/// Their names are the same; nanoGPT's linear layers are `[out, in]`.
fn gpt2_or_nano(account: &Account<'_>) -> Layout {
    let fused = account
        .names()
        .find(|n| n.ends_with("h.0.attn.c_attn.weight"));
    match fused
        .and_then(|name| account.look(name))
        .map(|t| t.shape.as_slice())
    {
        Some(&[out, inputs]) if out == 3 * inputs => Layout::NanoGpt,
        _ => Layout::Gpt2,
    }
}

/// Finds out what a file of a transformer layout says.
///
/// # Errors
/// If tensors and settings disagree, or ask for what this tool does not compute.
pub(in crate::model) fn read(
    account: &Account<'_>,
    layout: Layout,
    asked: Option<Activation>,
    options: &Options,
) -> Result<Read> {
    let (plan, source, family, rules) = match layout {
        Layout::TransformerLens if is_of(account, &family::BRIDGE) => {
            let said = account.settings().word("model_type")?.unwrap_or("gpt2");
            if said != "gpt2" {
                let bridge = format!(
                    "{said} in a TransformerLens Bridge; `save_pretrained` of the wrapped model is read"
                );
                return Err(account.settings().unsupported("model_type", &bridge));
            }
            let (plan, source) = hf::plan(account, "gpt2", &family::BRIDGE, asked, options)?;
            (plan, source, None, keys::rules())
        }
        Layout::TransformerLens => {
            let (plan, source) = lens::plan(account, asked)?;
            (plan, source, None, keys::LENS)
        }
        Layout::NanoGpt => {
            let (plan, source) = hf::plan(account, "nanogpt", &family::NANO, asked, options)?;
            (plan, source, None, keys::NANO)
        }
        Layout::Gpt2 | Layout::HuggingFace => {
            let said = account.settings().word("model_type")?.unwrap_or("gpt2");
            let row = FAMILIES.iter().find(|(name, _)| *name == said);
            let (name, family) =
                row.ok_or_else(|| account.settings().unsupported("model_type", said))?;
            let (plan, source) = hf::plan(account, name, family, asked, options)?;
            (plan, source, Some(*name), keys::rules())
        }
        Layout::BimtTransformer => {
            return Ok(Read {
                plan: None,
                source: "layout",
                family: None,
                rules: &[],
            });
        }
        Layout::BimtMlp | Layout::PlainMlp | Layout::Layered | Layout::Graph => {
            return Err(unknown_layout(account.checkpoint()));
        }
    };
    Ok(Read {
        plan: Some(plan),
        source,
        family,
        rules,
    })
}

impl Read {
    /// The network, and where its linear layers are in the file.
    ///
    /// # Errors
    /// If tensors are missing, or shapes disagree.
    pub fn build<T: Scalar>(
        &self,
        account: &Account<'_>,
        activation: Activation,
    ) -> Result<(Transformer<T>, Vec<Place>)> {
        match &self.plan {
            Some(plan) => Ok((plan.build(account)?, plan.places(account))),
            None => {
                let model = bimt::load(Tensors { account }, activation)?;
                let places = bimt::places(&model, account);
                Ok((model, places))
            }
        }
    }

    /// The file as it is computed, where anything was folded on the way in.
    pub fn rewritten<T: Scalar>(
        &self,
        account: &Account<'_>,
        model: &Transformer<T>,
    ) -> Option<Rewritten> {
        self.plan.as_ref()?.rewritten(account, model)
    }

    /// What its tensors are, by their names in the file.
    pub fn roles(&self, places: &[Place], account: &Account<'_>) -> BTreeMap<String, Role> {
        let mut roles = BTreeMap::new();
        if let Some(plan) = &self.plan {
            roles.insert(account.stored(&plan.tokens), Role::Embedding);
        }
        for place in places {
            let layer = match place.matrix {
                Matrix::Input | Matrix::Unembedding => 0,
                Matrix::Projection { layer, .. } => layer,
                Matrix::Out(layer)
                | Matrix::Up(layer)
                | Matrix::Gate(layer)
                | Matrix::Down(layer) => layer,
            };
            for tensor in place.tensors() {
                roles.insert(tensor.to_owned(), Role::Weight(layer));
            }
            if account.checkpoint().tensors.contains_key(&place.bias.0) {
                roles.insert(place.bias.0.clone(), Role::Bias(layer));
            }
        }
        roles
    }

    /// The keys that this layout knows, and what becomes of others.
    pub fn rules(&self) -> (&'static [(&'static str, KeyRule)], Unknown) {
        match self.plan {
            Some(_) => (self.rules, Unknown::Refused),
            None => (self.rules, Unknown::Noted),
        }
    }

    /// The activation and where it is known from, where the plan says it.
    pub fn activation(&self) -> Option<(Activation, &'static str)> {
        Some((self.plan.as_ref()?.activation, self.source))
    }

    /// The family by its `model_type`.
    pub fn family(&self) -> Option<&'static str> {
        self.family
    }
}

/// The number type of the weights: f64 where every float of more than one
/// dimension is.
pub(in crate::model) fn dtype(account: &Account<'_>) -> Dtype {
    let mut weights = account
        .names()
        .filter_map(|name| account.look(name))
        .filter(|t| t.shape.len() > 1 && !t.is_empty() && !matches!(t.dtype, Dtype::Integer(_)));
    let first = weights.next().map_or(Dtype::F32, |t| t.dtype);
    if weights.all(|t| t.dtype == first) {
        first
    } else {
        Dtype::F32
    }
}

/// The number of blocks: one more than the largest number that stands between `before`
/// and a dot. That none is missing in between, the blocks' own tensors tell.
fn blocks(account: &Account<'_>, before: &str) -> usize {
    let number = |name: &str| {
        let (number, _) = name.strip_prefix(before)?.split_once('.')?;
        number
            .parse::<usize>()
            .ok()
            .filter(|n| n.to_string() == number)
    };
    let largest = account.names().filter_map(number).max();
    // A number beyond the count of tensors leaves a gap in any case.
    largest.map_or(0, |l| 1 + l.min(account.names().count()))
}

/// Masks that older versions of frameworks saved beside their weights: harmless where
/// they are those that are computed, with a window or without.
fn masks(account: &Account<'_>, before: &str, blocks: usize, window: Option<usize>) -> Result<()> {
    for l in 0..blocks {
        for part in [
            "attn.bias",
            "attn.attention.bias",
            "attention.bias",
            "attn.mask",
            "attn.causal_mask",
        ] {
            causal_mask(account, &format!("{before}{l}.{part}"), window)?;
        }
        for part in [
            "attn.masked_bias",
            "attn.attention.masked_bias",
            "attention.masked_bias",
            "attn.IGNORE",
        ] {
            account.harmless(
                &format!("{before}{l}.{part}"),
                "what masked scores are set to",
            );
        }
    }
    Ok(())
}

/// That a buffer, where it is there, is a mask: ones on and below the diagonal, or within
/// the window, and zeros elsewhere.
fn causal_mask(account: &Account<'_>, name: &str, window: Option<usize>) -> Result<()> {
    let Some(tensor) = account.look(name) else {
        return Ok(());
    };
    let side = tensor.shape.last().copied().unwrap_or(0);
    let fits = |window: Option<usize>| {
        let sees = |query: usize, key: usize| {
            key <= query && window.is_none_or(|width| query < key + width)
        };
        let is_so = |(entry, x): (usize, f64)| (x != 0.0) == sees(entry / side, entry % side);
        tensor.len() == side * side && tensor.to_f64().into_iter().enumerate().all(is_so)
    };
    if fits(None) || (window.is_some() && fits(window)) {
        account.harmless(name, "a causal mask, as it is computed");
        return Ok(());
    }
    Err(ErrorKind::TensorShape {
        tensor: account.stored(name),
        shape: tensor.shape.clone(),
        expected: "a causal mask is expected, ones on and below the diagonal".to_owned(),
    }
    .at(account.checkpoint().path.clone()))
}

/// A buffer that a framework saved beside its weights, and that is computed here: harmless
/// where it is `expected`, to within `absolute` and what rounding to its type explains.
///
/// # Errors
/// If it is another, which the setting `key` would then have to say.
fn buffer(
    account: &Account<'_>,
    name: &str,
    expected: &[f64],
    absolute: f64,
    key: &str,
) -> Result<()> {
    let Some(tensor) = account.look(name) else {
        return Ok(());
    };
    let relative = match tensor.dtype {
        Dtype::F64 | Dtype::F32 => 1e-5,
        _ => 1.0 / 128.0,
    };
    let found = tensor.to_f64();
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= relative * b.abs() + absolute;
    if found.len() == expected.len() && found.iter().zip(expected).all(close) {
        account.harmless(name, "computed here, and the same");
        return Ok(());
    }
    let stored = account.stored(name);
    let settings = account.settings();
    let said = settings
        .value(key)
        .map_or("not there".to_owned(), ToString::to_string);
    Err(settings.disagrees(
        key,
        &said,
        &format!("`{stored}` was saved by a network that has another"),
    ))
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn what_is_not_computed_has_its_reason() {
        let of = |names: &[&str]| reason(|part| names.iter().any(|name| name.contains(part)));
        let latent = "model.layers.0.self_attn.kv_a_proj_with_mqa.weight";
        let expert = "model.layers.1.mlp.experts.0.up_proj.weight";
        assert!(of(&[latent, expert]).contains("a narrow layer"));
        assert!(of(&[expert]).contains("experts"));
        assert!(of(&["deberta.encoder.rel_embeddings.weight"]).contains("relative positions"));
        assert!(of(&["encoder.block.0.a", "decoder.block.0.a"]).contains("a decoder"));
        assert_eq!(of(&["model.layers.0.mlp.up_proj.weight"]), "");
    }
}
