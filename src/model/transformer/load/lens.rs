//! TransformerLens state dicts: one matrix per head and letter, `[heads, d, width]`.

use super::tensors::Tensors;
use crate::Result;
use crate::model::transformer::{
    Attention, Block, Embedding, FeedForward, Heads, Letter, Logits, Mask, Matrix, Norm, NormKind,
    Norms, Order, Place, Transformer, Wiring,
};
use crate::numeric::{Activation, Scalar};
use ndarray::{Array1, Array2, s};

/// How a block is normalised.
#[derive(Clone, Copy, PartialEq)]
enum Normalisation {
    Absent,
    /// Weights folded into what follows.
    Folded(f64),
    Exact(f64),
}

pub(super) fn load<T: Scalar>(
    tensors: Tensors<'_>,
    activation: Activation,
) -> Result<Transformer<T>> {
    let (tokens, d) = tensors.shape2("embed.W_E")?;
    let (count, _, width) = tensors.shape3("blocks.0.attn.W_Q")?;
    let (_, outputs) = tensors.shape2("unembed.W_U")?;
    let settings = tensors.settings();
    let normalisation = normalisation(tensors)?;
    let blocks = tensors.blocks("blocks.");
    let (_, hidden) = tensors.shape2("blocks.0.mlp.W_in")?;
    for (key, found, at) in [
        ("n_layers", blocks, "the blocks in the file"),
        ("d_model", d, "columns of `embed.W_E`"),
        ("d_head", width, "the last dimension of `attn.W_Q`"),
        ("n_heads", count, "the first dimension of `attn.W_Q`"),
        ("d_mlp", hidden, "columns of `mlp.W_in`"),
        ("d_vocab", tokens, "rows of `embed.W_E`"),
    ] {
        settings.agrees(key, settings.count_or_null(key)?, found, at)?;
    }
    let out = settings
        .number_or_null("d_vocab_out")?
        .filter(|n| *n != -1.0);
    settings.agrees(
        "d_vocab_out",
        out.map(|n| n as usize),
        outputs,
        "columns of `unembed.W_U`",
    )?;
    buffers(tensors, blocks)?;
    let direction = settings.word("attention_dir")?.unwrap_or("causal");
    let mut heads = Heads::new(count, width);
    heads.scale = scale(tensors, width)?;
    heads.mask = match direction {
        "causal" => Mask::Causal,
        "bidirectional" => Mask::Full,
        other => return Err(settings.unsupported("attention_dir", other)),
    };
    let block = |l: usize| block(tensors, l, d, &heads, normalisation);
    match settings.word("positional_embedding_type")? {
        None | Some("standard") => {}
        Some(other) => return Err(settings.unsupported("positional_embedding_type", other)),
    }
    let positions = if tensors.has("pos_embed.W_pos") {
        let (length, _) = tensors.shape2("pos_embed.W_pos")?;
        let at = "rows of `pos_embed.W_pos`";
        settings.agrees("n_ctx", settings.count("n_ctx")?, length, at)?;
        Some(tensors.matrix("pos_embed.W_pos", length, d)?)
    } else {
        None
    };
    Ok(Transformer {
        embedding: Embedding::Tokens(tensors.matrix("embed.W_E", tokens, d)?),
        embedding_scale: T::one(),
        positions,
        embedding_norm: None,
        blocks: (0..blocks).map(block).collect::<Result<_>>()?,
        final_norm: norm(tensors, "ln_final", d, normalisation)?,
        head: None,
        unembedding: Some(tensors.matrix("unembed.W_U", d, outputs)?),
        output_bias: tensors.vector_or_zero("unembed.b_U", outputs)?,
        logits: Logits::default(),
        out_perm: (0..outputs).collect(),
        activation,
        reads: None,
    })
}

/// What the framework divides scores by, as a factor.
fn scale(tensors: Tensors<'_>, width: usize) -> Result<f64> {
    let settings = tensors.settings();
    let divisor = settings.number_or_null("attn_scale")?.filter(|s| *s > 0.0);
    if settings.flag("use_attn_scale")? == Some(false) {
        return Ok(1.0);
    }
    Ok(1.0 / divisor.unwrap_or((width as f64).sqrt()))
}

/// Masks and constants that the framework saves beside its weights.
fn buffers(tensors: Tensors<'_>, blocks: usize) -> Result<()> {
    for l in 0..blocks {
        tensors.causal_mask(&format!("blocks.{l}.attn.mask"))?;
        let ignore = format!("blocks.{l}.attn.IGNORE");
        tensors
            .account
            .harmless(&ignore, "what masked scores are set to");
    }
    Ok(())
}

fn normalisation(tensors: Tensors<'_>) -> Result<Normalisation> {
    let settings = tensors.settings();
    let epsilon = settings.positive("eps")?.unwrap_or(1e-5);
    let said = settings.value("normalization_type");
    match settings.word("normalization_type")? {
        Some("LN") => Ok(Normalisation::Exact(epsilon)),
        Some("LNPre") => Ok(Normalisation::Folded(epsilon)),
        Some(other) => Err(settings.unsupported("normalization_type", other)),
        None if tensors.has("blocks.0.ln1.w") => Ok(Normalisation::Exact(epsilon)),
        // `null` says that there is none; a configuration that is silent does not.
        None if said.is_some() => Ok(Normalisation::Absent),
        None => Err(settings.missing("normalization_type")),
    }
}

fn norm<T: Scalar>(
    tensors: Tensors<'_>,
    name: &str,
    d: usize,
    normalisation: Normalisation,
) -> Result<Option<Norm<T>>> {
    match normalisation {
        Normalisation::Absent => Ok(None),
        Normalisation::Folded(epsilon) => Ok(Some(Norm::folded(NormKind::Layer, d, epsilon))),
        Normalisation::Exact(epsilon) => tensors
            .norm(&format!("{name}.w"), &format!("{name}.b"), d, epsilon)
            .map(Some),
    }
}

fn block<T: Scalar>(
    tensors: Tensors<'_>,
    l: usize,
    d: usize,
    heads: &Heads,
    normalisation: Normalisation,
) -> Result<Block<T>> {
    let at = |part: &str| format!("blocks.{l}.{part}");
    let (_, hidden) = tensors.shape2(&at("mlp.W_in"))?;
    let (count, width, total) = (heads.count, heads.width, heads.total());
    let mut qkv = Array2::zeros((d, 3 * total));
    let mut qkv_bias = Array1::zeros(3 * total);
    for letter in Letter::ALL {
        let place = place(Matrix::Projection { layer: l, letter }, total, width);
        let first = letter as usize * total;
        let weight: Vec<T> = tensors.numbers(&place.tensor, &[count, d, width])?;
        let mut columns = qkv.slice_mut(s![.., first..first + total]);
        for ((from, to), entry) in columns.indexed_iter_mut() {
            *entry = weight[place.entry(d, from, to)];
        }
        if tensors.has(&place.bias.0) {
            let bias: Vec<T> = tensors.numbers(&place.bias.0, &[count, width])?;
            for (column, b) in bias.into_iter().enumerate() {
                qkv_bias[first + column] = b;
            }
        }
    }
    let out: Vec<T> = tensors.numbers(&at("attn.W_O"), &[count, width, d])?;
    let out = Array2::from_shape_fn((total, d), |(row, column)| out[row * d + column]);
    Ok(Block {
        attention: Attention {
            heads: heads.clone(),
            norms: Norms::before(norm(tensors, &at("ln1"), d, normalisation)?),
            qkv,
            qkv_bias,
            query_norm: None,
            key_norm: None,
            out,
            out_bias: tensors.vector_or_zero(&at("attn.b_O"), d)?,
        },
        mlp: Some(FeedForward {
            norms: Norms::before(norm(tensors, &at("ln2"), d, normalisation)?),
            up: tensors.matrix(&at("mlp.W_in"), d, hidden)?,
            up_bias: tensors.vector_or_zero(&at("mlp.b_in"), hidden)?,
            gate: None,
            down: tensors.matrix(&at("mlp.W_out"), hidden, d)?,
            down_bias: tensors.vector_or_zero(&at("mlp.b_out"), d)?,
        }),
        wiring: Wiring::Sequential,
    })
}

/// Where a linear layer, `wide` wide, is; `width` is that of one head.
pub(super) fn place(matrix: Matrix, wide: usize, width: usize) -> Place {
    let rows = Order::InOut { stride: wide };
    let (layer, part, order) = match matrix {
        Matrix::Projection { layer, letter } => {
            let part = ["attn._Q", "attn._K", "attn._V"][letter as usize];
            (Some(layer), part, Order::Heads { width })
        }
        Matrix::Out(layer) => (Some(layer), "attn._O", rows),
        Matrix::Up(layer) => (Some(layer), "mlp._in", rows),
        Matrix::Gate(layer) => (Some(layer), "mlp._gate", rows),
        Matrix::Down(layer) => (Some(layer), "mlp._out", rows),
        Matrix::Input | Matrix::Unembedding => (None, "unembed._U", rows),
    };
    let named = |kind: &str| {
        let part = part.replace("._", &format!(".{kind}_"));
        layer.map_or_else(|| part.clone(), |layer| format!("blocks.{layer}.{part}"))
    };
    Place {
        matrix,
        tensor: named("W"),
        first: 0,
        order,
        bias: (named("b"), 0),
    }
}
