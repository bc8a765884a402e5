//! TransformerLens state dicts: one matrix per head and letter, `[heads, d, width]`.

use ndarray::{Array1, Array2, s};
use serde_json::Value;

use super::tensors::Tensors;
use crate::Result;
use crate::model::transformer::{
    Block, Embedding, Heads, Letter, Matrix, Norm, Order, Place, Transformer,
};
use crate::numeric::{Activation, Scalar};

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
    let normalisation = normalisation(tensors)?;
    if tensors
        .setting("parallel_attn_mlp")
        .and_then(Value::as_bool)
        == Some(true)
    {
        return Err(tensors.unsupported("parallel_attn_mlp", "true"));
    }
    let heads = Heads {
        count,
        width,
        scale: scale(tensors, width),
        causal: tensors.word("attention_dir") != Some("bidirectional"),
    };
    let blocks = tensors.blocks(|l| format!("blocks.{l}.attn.W_Q"));
    let block = |l: usize| block(tensors, l, d, heads, normalisation);
    let positions = if tensors.has("pos_embed.W_pos") {
        let (length, _) = tensors.shape2("pos_embed.W_pos")?;
        Some(tensors.matrix("pos_embed.W_pos", length, d)?)
    } else {
        None
    };
    Ok(Transformer {
        embedding: Embedding::Tokens(tensors.matrix("embed.W_E", tokens, d)?),
        positions,
        blocks: (0..blocks).map(block).collect::<Result<_>>()?,
        final_norm: norm(tensors, "ln_final", d, normalisation)?,
        unembedding: Some(tensors.matrix("unembed.W_U", d, outputs)?),
        output_bias: tensors.vector_or_zero("unembed.b_U", outputs)?,
        out_perm: (0..outputs).collect(),
        heads,
        activation,
    })
}

/// What the framework divides scores by, as a factor.
fn scale(tensors: Tensors<'_>, width: usize) -> f64 {
    if tensors.setting("use_attn_scale").and_then(Value::as_bool) == Some(false) {
        return 1.0;
    }
    let divisor = tensors.number("attn_scale").filter(|s| *s > 0.0);
    1.0 / divisor.unwrap_or((width as f64).sqrt())
}

fn normalisation(tensors: Tensors<'_>) -> Result<Normalisation> {
    let epsilon = tensors.number("eps").unwrap_or(1e-5);
    match tensors.word("normalization_type") {
        Some("LN") => Ok(Normalisation::Exact(epsilon)),
        Some("LNPre") => Ok(Normalisation::Folded(epsilon)),
        Some(other) => Err(tensors.unsupported("normalization_type", other)),
        None if tensors.has("blocks.0.ln1.w") => Ok(Normalisation::Exact(epsilon)),
        None => Ok(Normalisation::Absent),
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
        Normalisation::Folded(epsilon) => Ok(Some(Norm {
            weight: Array1::ones(d),
            bias: Array1::zeros(d),
            epsilon: T::from_f64(epsilon),
        })),
        Normalisation::Exact(epsilon) => tensors
            .norm(&format!("{name}.w"), &format!("{name}.b"), d, epsilon)
            .map(Some),
    }
}

fn block<T: Scalar>(
    tensors: Tensors<'_>,
    l: usize,
    d: usize,
    heads: Heads,
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
        norm1: norm(tensors, &at("ln1"), d, normalisation)?,
        qkv,
        qkv_bias,
        out,
        out_bias: tensors.vector_or_zero(&at("attn.b_O"), d)?,
        norm2: norm(tensors, &at("ln2"), d, normalisation)?,
        up: tensors.matrix(&at("mlp.W_in"), d, hidden)?,
        up_bias: tensors.vector_or_zero(&at("mlp.b_in"), hidden)?,
        down: tensors.matrix(&at("mlp.W_out"), hidden, d)?,
        down_bias: tensors.vector_or_zero(&at("mlp.b_out"), d)?,
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
