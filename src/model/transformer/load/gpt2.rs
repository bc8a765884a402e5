//! Hugging Face's GPT-2: linears stored `[in, out]`, queries, keys and values
//! fused, the unembedding tied unless `lm_head.weight` differs from the embedding.

use ndarray::Array1;

use super::keys;
use super::tensors::Tensors;
use crate::Result;
use crate::model::transformer::{
    Attention, Block, Embedding, FeedForward, Heads, Logits, Matrix, Norms, Order, Place,
    Transformer, Wiring,
};
use crate::numeric::{Activation, Scalar};

pub(super) fn load<T: Scalar>(
    tensors: Tensors<'_>,
    activation: Activation,
) -> Result<Transformer<T>> {
    let prefix = prefix(tensors);
    let settings = tensors.settings();
    keys::is_model(settings, "gpt2", &["GPT2LMHeadModel"])?;
    let named = |name: &str| format!("{prefix}{name}");
    let (tokens, d) = tensors.shape2(&named("wte.weight"))?;
    let (length, _) = tensors.shape2(&named("wpe.weight"))?;
    let heads = tensors.heads("n_head", d)?;
    let scaled = settings.flag("scale_attn_weights")?;
    let mut heads = Heads::new(heads, d / heads);
    if scaled == Some(false) {
        heads.scale = 1.0;
    }
    let epsilon = settings.positive("layer_norm_epsilon")?.unwrap_or(1e-5);
    let blocks = tensors.blocks(&named("h."));
    let (_, hidden) = tensors.shape2(&named("h.0.mlp.c_fc.weight"))?;
    let inner = settings.count_or_null("n_inner")?.unwrap_or(4 * d);
    for (key, found, at) in [
        ("n_layer", blocks, "the blocks in the file"),
        ("n_embd", d, "columns of the token embedding"),
        ("vocab_size", tokens, "rows of the token embedding"),
        ("n_positions", length, "rows of the position embedding"),
        ("n_ctx", length, "rows of the position embedding"),
    ] {
        settings.agrees(key, settings.count(key)?, found, at)?;
    }
    settings.agrees(
        "n_inner",
        Some(inner),
        hidden,
        "columns of `mlp.c_fc.weight`",
    )?;
    masks(tensors, prefix, blocks)?;
    let block = |l: usize| {
        let name = named(&format!("h.{l}"));
        block(tensors, &name, d, epsilon, heads.clone())
    };
    let untied = untied(tensors, &named("wte.weight"))?;
    Ok(Transformer {
        embedding: Embedding::Tokens(tensors.matrix(&named("wte.weight"), tokens, d)?),
        embedding_scale: T::one(),
        positions: Some(tensors.matrix(&named("wpe.weight"), length, d)?),
        embedding_norm: None,
        blocks: (0..blocks).map(block).collect::<Result<_>>()?,
        final_norm: Some(tensors.norm(&named("ln_f.weight"), &named("ln_f.bias"), d, epsilon)?),
        head: None,
        unembedding: untied
            .then(|| tensors.transposed("lm_head.weight", d, tokens))
            .transpose()?,
        output_bias: Array1::zeros(tokens),
        logits: Logits::default(),
        out_perm: (0..tokens).collect(),
        activation,
        reads: None,
    })
}

/// Whether the head is a matrix of its own, as the configuration and the tensors say alike.
fn untied(tensors: Tensors<'_>, embedding: &str) -> Result<bool> {
    let (account, settings) = (tensors.account, tensors.settings());
    let head = account.look("lm_head.weight");
    let copy = head.is_some() && head == account.look(embedding);
    match (settings.flag("tie_word_embeddings")?, head) {
        (Some(false), None) => tensors.tensor("lm_head.weight").map(|_| true),
        (Some(true), Some(_)) if !copy => Err(settings.disagrees(
            "tie_word_embeddings",
            "true",
            "`lm_head.weight` differs from the token embedding",
        )),
        _ if copy => {
            account.harmless(
                "lm_head.weight",
                "a copy of the token embedding, which it is tied to",
            );
            Ok(false)
        }
        (_, head) => Ok(head.is_some()),
    }
}

/// Older versions of the framework saved their causal masks.
fn masks(tensors: Tensors<'_>, prefix: &str, blocks: usize) -> Result<()> {
    for l in 0..blocks {
        tensors.causal_mask(&format!("{prefix}h.{l}.attn.bias"))?;
        let masked = format!("{prefix}h.{l}.attn.masked_bias");
        tensors
            .account
            .harmless(&masked, "what masked scores are set to");
    }
    Ok(())
}

/// What stands before the names of all tensors but `lm_head.weight`.
fn prefix(tensors: Tensors<'_>) -> &'static str {
    match tensors.has("transformer.wte.weight") {
        true => "transformer.",
        false => "",
    }
}

fn block<T: Scalar>(
    tensors: Tensors<'_>,
    name: &str,
    d: usize,
    epsilon: f64,
    heads: Heads,
) -> Result<Block<T>> {
    let at = |part: &str| format!("{name}.{part}");
    let (_, hidden) = tensors.shape2(&at("mlp.c_fc.weight"))?;
    let norm = |n: &str| {
        tensors.norm(
            &at(&format!("{n}.weight")),
            &at(&format!("{n}.bias")),
            d,
            epsilon,
        )
    };
    Ok(Block {
        attention: Attention {
            heads,
            norms: Norms::before(Some(norm("ln_1")?)),
            qkv: tensors.matrix(&at("attn.c_attn.weight"), d, 3 * d)?,
            qkv_bias: tensors.vector(&at("attn.c_attn.bias"), 3 * d)?,
            query_norm: None,
            key_norm: None,
            out: tensors.matrix(&at("attn.c_proj.weight"), d, d)?,
            out_bias: tensors.vector(&at("attn.c_proj.bias"), d)?,
        },
        mlp: Some(FeedForward {
            norms: Norms::before(Some(norm("ln_2")?)),
            up: tensors.matrix(&at("mlp.c_fc.weight"), d, hidden)?,
            up_bias: tensors.vector(&at("mlp.c_fc.bias"), hidden)?,
            gate: None,
            down: tensors.matrix(&at("mlp.c_proj.weight"), hidden, d)?,
            down_bias: tensors.vector(&at("mlp.c_proj.bias"), d)?,
        }),
        wiring: Wiring::Sequential,
    })
}

/// Where a linear layer, `width` wide, is; `total` is the width of all heads.
pub(super) fn place(tensors: Tensors<'_>, matrix: Matrix, width: usize, total: usize) -> Place {
    let prefix = prefix(tensors);
    let at = |layer: usize, part: &str| format!("{prefix}h.{layer}.{part}");
    let rows = Order::InOut { stride: width };
    let (name, part, order) = match matrix {
        Matrix::Projection { layer, letter } => {
            let stride = 3 * total;
            let order = Order::InOut { stride };
            (at(layer, "attn.c_attn"), letter as usize, order)
        }
        Matrix::Out(layer) => (at(layer, "attn.c_proj"), 0, rows),
        // There are no gates.
        Matrix::Up(layer) | Matrix::Gate(layer) => (at(layer, "mlp.c_fc"), 0, rows),
        Matrix::Down(layer) => (at(layer, "mlp.c_proj"), 0, rows),
        Matrix::Input | Matrix::Unembedding => ("lm_head".to_owned(), 0, Order::OutIn),
    };
    Place {
        matrix,
        tensor: format!("{name}.weight"),
        first: part * total,
        order,
        bias: (format!("{name}.bias"), part * total),
    }
}
