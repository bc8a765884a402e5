//! The BIMT authors' transformer: linears `[out, in]`, queries, keys and values
//! fused in rows, inputs of numbers, no positions; its layer norms are stored
//! and never applied.

use std::sync::Arc;

use super::blocks;
use super::tensors::Tensors;
use crate::Result;
use crate::checkpoint::Account;
use crate::model::transformer::{
    Attention, Block, Embedding, FeedForward, Heads, Logits, Matrix, Norms, Order, Place,
    Transformer, Wiring,
};
use crate::numeric::{Activation, Scalar};

pub(super) fn load<T: Scalar>(
    tensors: Tensors<'_>,
    activation: Activation,
) -> Result<Transformer<T>> {
    let (d, features) = tensors.shape2("l_i.linear.weight")?;
    let (outputs, _) = tensors.shape2("l_f.linear.weight")?;
    let settings = tensors.settings();
    let heads = if settings.has("n_head") {
        tensors.heads("n_head", d)?
    } else {
        let told = "no `n_head` in config.json: one head, as the authors' code has by default";
        tensors.account.tell(told.to_owned());
        1
    };
    let blocks = blocks(tensors.account, "blocks.");
    settings.agrees(
        "n_layer",
        settings.count("n_layer")?,
        blocks,
        "the blocks in the file",
    )?;
    settings.agrees(
        "n_embed",
        settings.count("n_embed")?,
        d,
        "rows of `l_i.linear.weight`",
    )?;
    unused_norms(tensors, blocks);
    let heads = Heads::new(heads, d / heads);
    let in_perm = tensors.permutation("in_perm", features)?;
    Ok(Transformer {
        embedding: Embedding::Values {
            weight: tensors.transposed("l_i.linear.weight", features, d)?,
            bias: tensors.vector("l_i.linear.bias", d)?,
            in_perm,
            patches: None,
        },
        embedding_scale: T::one(),
        positions: None,
        embedding_norm: None,
        embedding_map: None,
        blocks: (0..blocks)
            .map(|l| block(tensors, l, d, heads.clone()).map(Arc::new))
            .collect::<Result<_>>()?,
        final_norm: None,
        head: None,
        unembedding: Some(tensors.transposed("l_f.linear.weight", d, outputs)?),
        output_bias: tensors.vector("l_f.linear.bias", outputs)?,
        logits: Logits::default(),
        out_perm: tensors.permutation("out_perm", outputs)?,
        activation,
        reads: None,
        headless: false,
        padding: None,
    })
}

/// The authors store layer norms and never apply them.
fn unused_norms(tensors: Tensors<'_>, blocks: usize) {
    let inside = (0..blocks).flat_map(|l| [format!("blocks.{l}.ln_1"), format!("blocks.{l}.ln_2")]);
    for norm in inside.chain(["ln_f".to_owned()]) {
        for part in ["weight", "bias"] {
            let why = "stored and never applied by this framework";
            tensors.account.harmless(&format!("{norm}.{part}"), why);
        }
    }
}

fn block<T: Scalar>(tensors: Tensors<'_>, l: usize, d: usize, heads: Heads) -> Result<Block<T>> {
    let at = |part: &str| format!("blocks.{l}.{part}");
    let (hidden, _) = tensors.shape2(&at("mlp.linears.0.linear.weight"))?;
    Ok(Block {
        attention: Attention {
            heads,
            norms: Norms::before(None),
            qkv: tensors.transposed(&at("attn.l_attn.linear.weight"), d, 3 * d)?,
            qkv_bias: tensors.vector(&at("attn.l_attn.linear.bias"), 3 * d)?,
            query_norm: None,
            key_norm: None,
            out: tensors.transposed(&at("attn.l_proj.linear.weight"), d, d)?,
            out_bias: tensors.vector(&at("attn.l_proj.linear.bias"), d)?,
        },
        mlp: Some(FeedForward {
            norms: Norms::before(None),
            up: tensors.transposed(&at("mlp.linears.0.linear.weight"), d, hidden)?,
            up_bias: tensors.vector(&at("mlp.linears.0.linear.bias"), hidden)?,
            gate: None,
            down: tensors.transposed(&at("mlp.linears.1.linear.weight"), hidden, d)?,
            down_bias: tensors.vector(&at("mlp.linears.1.linear.bias"), d)?,
            router: None,
        }),
        wiring: Wiring::Sequential,
    })
}

/// Where its linear layers are, in the order of [`Transformer::matrices`].
pub(super) fn places<T: Scalar>(model: &Transformer<T>, account: &Account<'_>) -> Vec<Place> {
    let heads = model
        .blocks
        .first()
        .map(|block| block.attention.heads.total());
    let place = |matrix| place(matrix, heads.unwrap_or(0), model.width());
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

/// Where a linear layer is; `total` is the width of all heads, `d` of the stream.
fn place(matrix: Matrix, total: usize, d: usize) -> Place {
    let (name, part) = match matrix {
        Matrix::Input => ("l_i".to_owned(), 0),
        Matrix::Projection { layer, letter } => {
            (format!("blocks.{layer}.attn.l_attn"), letter as usize)
        }
        Matrix::Out(layer) => (format!("blocks.{layer}.attn.l_proj"), 0),
        // There are no gates.
        Matrix::Up(layer) | Matrix::Gate(layer) => (format!("blocks.{layer}.mlp.linears.0"), 0),
        Matrix::Down(layer) => (format!("blocks.{layer}.mlp.linears.1"), 0),
        Matrix::Unembedding => ("l_f".to_owned(), 0),
    };
    Place {
        matrix,
        tensor: format!("{name}.linear.weight"),
        first: part * total * d,
        order: Order::OutIn,
        bias: (format!("{name}.linear.bias"), part * total),
        beyond: None,
    }
}
