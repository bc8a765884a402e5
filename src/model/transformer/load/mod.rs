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
mod lens;
mod tensors;

use std::collections::BTreeMap;

use super::{Place, Transformer};
use crate::checkpoint::{Checkpoint, Dtype};
use crate::model::{Layout, Role};
use crate::numeric::{Activation, Scalar};
use crate::{Error, Result};
use tensors::Tensors;

/// The transformer layout whose tensor names a checkpoint has.
#[must_use]
pub fn is_transformer(checkpoint: &Checkpoint) -> Option<Layout> {
    let has = |end: &str| checkpoint.tensors.keys().any(|name| name.ends_with(end));
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
pub fn load<T: Scalar>(
    checkpoint: &Checkpoint,
    layout: Layout,
    activation: Activation,
) -> Result<Transformer<T>> {
    let tensors = Tensors { checkpoint };
    match layout {
        Layout::TransformerLens => lens::load(tensors, activation),
        Layout::Gpt2 => gpt2::load(tensors, activation),
        Layout::BimtTransformer => bimt::load(tensors, activation),
        Layout::BimtMlp | Layout::PlainMlp => Err(Error::UnknownLayout {
            path: checkpoint.path.clone(),
            tensors: checkpoint.tensors.keys().cloned().collect(),
        }),
    }
}

/// Where each of a transformer's linear layers is in files of a layout, in the
/// order of [`Transformer::matrices`].
#[must_use]
pub fn places<T: Scalar>(
    model: &Transformer<T>,
    checkpoint: &Checkpoint,
    layout: Layout,
) -> Vec<Place> {
    let tensors = Tensors { checkpoint };
    let (total, width) = (model.heads.total(), model.heads.width);
    let place = |matrix| {
        let wide = model.bias(matrix).len();
        match layout {
            Layout::TransformerLens => lens::place(matrix, wide, width),
            Layout::Gpt2 => gpt2::place(tensors, matrix, wide, total),
            _ => bimt::place(matrix, total, model.width()),
        }
    };
    model.matrices().into_iter().map(place).collect()
}

/// The number type of the weights: f64 where every float of more than one
/// dimension is.
pub(in crate::model) fn dtype(checkpoint: &Checkpoint) -> Dtype {
    let mut weights = checkpoint
        .tensors
        .values()
        .filter(|t| t.shape.len() > 1 && !matches!(t.dtype, Dtype::Integer(_)));
    let first = weights.next().map_or(Dtype::F32, |t| t.dtype);
    if weights.all(|t| t.dtype == first) {
        first
    } else {
        Dtype::F32
    }
}

/// What every tensor is to the tool.
pub(in crate::model) fn roles(checkpoint: &Checkpoint, layout: Layout) -> BTreeMap<String, Role> {
    let role = |name: &str| {
        let number = |part: &str| part.parse::<usize>().ok();
        let layer = name.split('.').find_map(number).unwrap_or(0);
        let norm = name.contains(".ln") || name.starts_with("ln_");
        match layout {
            Layout::BimtTransformer if norm => Role::Unused,
            // Masks that older versions of the framework saved.
            Layout::Gpt2
                if [".attn.bias", ".masked_bias"]
                    .iter()
                    .any(|b| name.ends_with(b)) =>
            {
                Role::Unused
            }
            _ if norm => Role::Norm,
            _ if name.ends_with("_perm") => Role::Permutation,
            _ if ["wte", "wpe", "embed."].iter().any(|e| name.contains(e))
                && !name.starts_with("unembed") =>
            {
                Role::Embedding
            }
            _ if name.ends_with("bias") || name.contains(".b_") => Role::Bias(layer),
            _ if name.ends_with("weight") || name.contains(".W_") => Role::Weight(layer),
            _ => Role::Unused,
        }
    };
    checkpoint
        .tensors
        .keys()
        .map(|name| (name.clone(), role(name)))
        .collect()
}
