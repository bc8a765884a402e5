//! Checkpoints → transformers: how three frameworks name their tensors.
//!
//! | layout | recognised by |
//! |---|---|
//! | `transformer-lens` | `blocks.{l}.attn.W_Q` |
//! | `gpt2` | `h.{l}.attn.c_attn.weight`, with or without `transformer.` before it |
//! | `bimt-transformer` | `blocks.{l}.attn.l_attn.linear.weight` |
//!
//! What shapes cannot say (the number of fused heads, the activation, the mask)
//! comes from `config.json`, with each framework's own defaults where it has some.

mod bimt;
mod gpt2;
mod keys;
mod lens;
mod tensors;

use std::collections::BTreeMap;

use super::{Embedding, Matrix, Place, Transformer};
use crate::Result;
use crate::checkpoint::{Account, Dtype, Tally, Unknown};
use crate::model::layout::unknown_layout;
use crate::model::{Layout, Role};
use crate::numeric::{Activation, Scalar};
use tensors::Tensors;

/// The transformer layout whose tensor names a checkpoint has.
#[must_use]
pub(in crate::model) fn is_transformer(account: &Account<'_>) -> Option<Layout> {
    let has = |end: &str| account.names().any(|name| name.ends_with(end));
    if has(".0.attn.W_Q") {
        Some(Layout::TransformerLens)
    } else if has("h.0.attn.c_attn.weight") {
        Some(Layout::Gpt2)
    } else if has("blocks.0.attn.l_attn.linear.weight") {
        Some(Layout::BimtTransformer)
    } else {
        None
    }
}

/// Checks a checkpoint of a transformer layout into a transformer.
///
/// # Errors
/// If tensors are missing, shapes disagree, or `config.json` lacks what is
/// needed or asks for what this tool does not compute.
pub(in crate::model) fn load<T: Scalar>(
    account: &Account<'_>,
    layout: Layout,
    activation: Activation,
) -> Result<Transformer<T>> {
    let tensors = Tensors { account };
    match layout {
        Layout::TransformerLens => lens::load(tensors, activation),
        Layout::Gpt2 => gpt2::load(tensors, activation),
        Layout::BimtTransformer => bimt::load(tensors, activation),
        Layout::BimtMlp | Layout::PlainMlp => Err(unknown_layout(account.checkpoint())),
    }
}

/// Where each of a transformer's linear layers is in files of a layout, in the
/// order of [`Transformer::matrices`].
#[must_use]
pub(in crate::model) fn places<T: Scalar>(
    model: &Transformer<T>,
    account: &Account<'_>,
    layout: Layout,
) -> Vec<Place> {
    let tensors = Tensors { account };
    // These layouts have the same heads in every block.
    let heads = model.blocks.first().map(|block| &block.attention.heads);
    let (total, width) = heads.map_or((0, 0), |heads| (heads.total(), heads.width));
    let place = |matrix| {
        let wide = model.bias(matrix).len();
        match layout {
            Layout::TransformerLens => lens::place(matrix, wide, width),
            Layout::Gpt2 => gpt2::place(tensors, matrix, wide, total),
            _ => bimt::place(matrix, total, model.width()),
        }
    };
    let stored = |place: Place| Place {
        tensor: account.stored(&place.tensor),
        bias: (account.stored(&place.bias.0), place.bias.1),
        ..place
    };
    model
        .matrices()
        .into_iter()
        .map(place)
        .map(stored)
        .collect()
}

/// The number type of the weights: f64 where every float of more than one
/// dimension is.
pub(in crate::model) fn dtype(account: &Account<'_>) -> Dtype {
    let mut weights = account
        .names()
        .filter_map(|name| account.look(name))
        .filter(|t| t.shape.len() > 1 && !matches!(t.dtype, Dtype::Integer(_)));
    let first = weights.next().map_or(Dtype::F32, |t| t.dtype);
    if weights.all(|t| t.dtype == first) {
        first
    } else {
        Dtype::F32
    }
}

/// Closes the account of a transformer.
pub(in crate::model) fn settle(account: Account<'_>, layout: Layout) -> Result<Tally> {
    let (rules, unknown) = match layout {
        Layout::TransformerLens => (keys::LENS, Unknown::Refused),
        Layout::Gpt2 => (keys::GPT2, Unknown::Refused),
        _ => (&[][..], Unknown::Noted),
    };
    account.settle(rules, unknown)
}

/// What the tensors of linear layers and of the embedding are, by their names in the file.
pub(in crate::model) fn roles<T>(
    places: &[Place],
    model: &Transformer<T>,
    account: &Account<'_>,
) -> BTreeMap<String, Role> {
    let mut roles = BTreeMap::new();
    if matches!(model.embedding, Embedding::Tokens(_)) {
        let name = ["embed.W_E", "wte.weight", "transformer.wte.weight"];
        let there = name.into_iter().filter(|name| account.has(name));
        roles.extend(there.map(|name| (account.stored(name), Role::Embedding)));
    }
    for place in places {
        let layer = match place.matrix {
            Matrix::Input | Matrix::Unembedding => 0,
            Matrix::Projection { layer, .. } => layer,
            Matrix::Out(layer) => layer,
            Matrix::Up(layer) | Matrix::Gate(layer) | Matrix::Down(layer) => layer,
        };
        roles.insert(place.tensor.clone(), Role::Weight(layer));
        if account.checkpoint().tensors.contains_key(&place.bias.0) {
            roles.insert(place.bias.0.clone(), Role::Bias(layer));
        }
    }
    roles
}
