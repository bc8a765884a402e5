//! What a loader says of a file, in one form for all frameworks.

use ndarray::Array2;

use crate::checkpoint::Account;
use crate::model::transformer::{
    Heads, Logits, Matrix, NormKind, Order, Patches, Place, Reads, Wiring,
};
use crate::numeric::{Activation, Scalar};

/// A transformer as names and options.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The token embedding `[tokens, d]`; `[tokens, e]` where it is projected.
    pub tokens: String,
    pub vocabulary: usize,
    /// Where the data are images: `tokens` is then the projection of patches.
    pub patches: Option<PatchesAt>,
    /// Width of the stream.
    pub width: usize,
    pub projections: Option<Projections>,
    pub embedding_scale: f64,
    /// On the tokens' embedding alone: folded into its rows.
    pub token_norm: Option<NormAt>,
    pub positions: Option<Positions>,
    /// Where positions are sines and cosines that no file holds.
    pub sines: Option<Sines>,
    pub embedding_norm: Option<NormAt>,
    pub embedding_map: Option<LinearAt>,
    pub blocks: Vec<BlockPlan>,
    pub final_norm: Option<NormAt>,
    pub head: Option<HeadAt>,
    /// `None` where it is the embedding, transposed.
    pub unembedding: Option<LinearAt>,
    /// A bias of the outputs where the unembedding is tied.
    pub output_bias: Option<String>,
    pub outputs: usize,
    pub logits: Logits,
    /// What sublayers write is multiplied by it: folded into their last layers.
    pub residual: f64,
    pub activation: Activation,
    pub reads: Option<Reads>,
    /// Whether outputs are the stream itself.
    pub headless: bool,
    /// The token of padding, where the network looks both ways.
    pub padding: Option<usize>,
}

/// Linear layers between an embedding of another width and the stream, which are
/// multiplied out: `[d, e]` and `[e, d]`.
#[derive(Debug, Clone)]
pub(super) struct Projections {
    pub into: String,
    pub back: String,
    /// The unembedding of the network that is left.
    pub head: String,
}

/// How an image becomes a sequence.
#[derive(Debug, Clone)]
pub(super) struct PatchesAt {
    pub patches: Patches,
    /// From the numbers of a patch into the stream.
    pub linear: LinearAt,
    /// `[d]`
    pub bias: String,
    /// `[1, 1, d]`, what rows before the patches begin with.
    pub summaries: Vec<String>,
    /// `[1, length, d]`
    pub positions: String,
}

/// Learned positions.
#[derive(Debug, Clone)]
pub(super) struct Positions {
    pub tensor: String,
    /// Rows before the first position.
    pub skipped: usize,
    /// A table whose row 0 is added to every position.
    pub token_types: Option<String>,
}

/// Sines of all frequencies, then cosines. Source: tensor2tensor's timing signals, after
/// Vaswani et al. 2017, arXiv 1706.03762.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sines {
    /// The longest sequence.
    pub length: usize,
    /// What the first position is counted as.
    pub first: usize,
    /// A position that has zeros.
    pub empty: Option<usize>,
}

impl Sines {
    /// `[length, d]`
    pub fn table<T: Scalar>(self, width: usize) -> Array2<T> {
        let half = width / 2;
        let fall = 1e4_f64.ln() / (half as f64 - 1.0);
        Array2::from_shape_fn((self.length, width), |(row, column)| {
            let angle = |pair: usize| {
                let frequency = (-(pair as f64) * fall).exp();
                (row + self.first) as f64 * frequency
            };
            T::from_f64(match column {
                _ if self.empty == Some(row) => 0.0,
                _ if column < half => angle(column).sin(),
                _ if column < 2 * half => angle(column - half).cos(),
                _ => 0.0,
            })
        })
    }
}

/// A layer before the unembedding.
#[derive(Debug, Clone)]
pub(super) struct HeadAt {
    pub dense: LinearAt,
    pub activation: Activation,
    pub norm: Option<NormAt>,
}

#[derive(Debug, Clone)]
pub(super) struct BlockPlan {
    pub heads: Heads,
    /// Queries, keys, values.
    pub letters: [LinearAt; 3],
    pub query_norm: Option<NormAt>,
    pub key_norm: Option<NormAt>,
    pub out: LinearAt,
    pub attention_norms: NormsAt,
    pub mlp: Option<MlpPlan>,
    pub wiring: Wiring,
}

#[derive(Debug, Clone)]
pub(super) struct MlpPlan {
    pub up: LinearAt,
    pub gate: Option<LinearAt>,
    pub down: LinearAt,
    pub norms: NormsAt,
    /// Added to hidden neurons behind their gate: folded into the bias of `down`.
    pub behind_gate: Option<String>,
    pub experts: Option<ExpertsAt>,
}

/// Experts that stand side by side in an MLP.
#[derive(Debug, Clone)]
pub(super) struct ExpertsAt {
    pub router: LinearAt,
    /// How many are chosen at a position.
    pub chosen: usize,
    /// Whether their shares are made to sum to 1.
    pub normalised: bool,
    /// Gate, up, down of each, where they are apart in the file; the MLP's own layers are
    /// where they are written back.
    pub apart: Vec<[LinearAt; 3]>,
    pub shared: Option<SharedAt>,
}

/// An expert behind the others, which counts at every position.
#[derive(Debug, Clone)]
pub(super) struct SharedAt {
    /// Gate, up, down.
    pub layers: [LinearAt; 3],
    /// What its share is made of.
    pub share: LinearAt,
}

impl MlpPlan {
    /// Where one of its layers is, gate 0, up 1, down 2, with that of a shared expert.
    pub fn place(&self, account: &Account<'_>, letter: usize, matrix: Matrix) -> Option<Place> {
        let at = [self.gate.as_ref(), Some(&self.up), Some(&self.down)][letter]?;
        let shared = self
            .experts
            .as_ref()
            .and_then(|experts| experts.shared.as_ref());
        let tensor = shared.map(|shared| account.stored(&shared.layers[letter].tensor));
        Some(Place {
            beyond: tensor.map(|tensor| (self.up.outputs, tensor)),
            ..at.place(account, matrix)
        })
    }
}

/// Where a sublayer's norms are.
#[derive(Debug, Clone, Default)]
pub(super) struct NormsAt {
    pub before: Option<NormAt>,
    pub after: Option<NormAt>,
    pub sum: Option<NormAt>,
}

/// Where a norm is.
#[derive(Debug, Clone)]
pub(super) struct NormAt {
    pub kind: NormKind,
    /// None where they are folded into what follows; of several heads one each.
    pub weights: Vec<String>,
    pub bias: Option<String>,
    /// What is added to the weights: 1 where they are stored without.
    pub plus: f64,
    pub epsilon: f64,
    /// Width of what it normalises.
    pub width: usize,
    /// Heads that are normalised each by itself; 0 for a row as a whole.
    pub heads: usize,
    /// Whether their weights stand in one tensor `[heads, width]`.
    pub in_rows: bool,
}

/// Where a linear layer is.
#[derive(Debug, Clone)]
pub(super) struct LinearAt {
    pub tensor: String,
    pub shape: Vec<usize>,
    pub first: usize,
    pub order: Order,
    pub inputs: usize,
    pub outputs: usize,
    pub bias: Option<BiasAt>,
}

#[derive(Debug, Clone)]
pub(super) struct BiasAt {
    pub tensor: String,
    pub shape: Vec<usize>,
    pub first: usize,
}

impl LinearAt {
    /// A layer alone in its tensor, `[out, in]`.
    pub fn rows(name: &str, inputs: usize, outputs: usize) -> Self {
        Self {
            tensor: format!("{name}.weight"),
            shape: vec![outputs, inputs],
            first: 0,
            order: Order::OutIn,
            inputs,
            outputs,
            bias: None,
        }
    }

    /// A layer alone in its tensor, `[in, out]`.
    pub fn columns(name: &str, inputs: usize, outputs: usize) -> Self {
        Self {
            shape: vec![inputs, outputs],
            order: Order::InOut { stride: outputs },
            ..Self::rows(name, inputs, outputs)
        }
    }

    /// With a bias of a name like its weights'.
    pub fn biased(mut self, name: &str, is_there: bool) -> Self {
        self.bias = is_there.then(|| BiasAt {
            tensor: format!("{name}.bias"),
            shape: vec![self.outputs],
            first: 0,
        });
        self
    }

    pub fn place(&self, account: &Account<'_>, matrix: Matrix) -> Place {
        let bias = self.bias.as_ref();
        Place {
            matrix,
            tensor: account.stored(&self.tensor),
            first: self.first,
            order: self.order,
            bias: bias.map_or_else(Default::default, |b| (account.stored(&b.tensor), b.first)),
            beyond: None,
        }
    }
}
