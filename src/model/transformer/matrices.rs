//! The linear layers of a transformer, one after the other.
//!
//! Their entries are the edges at the granularity of weights, and what pruning
//! prunes. Embeddings of tokens and positions, norms, and an unembedding that is
//! the embedding transposed are none of them.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, s};

use super::{Embedding, FeedForward, Letter, Transformer};
use crate::numeric::Scalar;

/// A linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matrix {
    /// From the numbers of a position into the stream.
    Input,
    /// From the stream to the queries, keys or values of all heads of a block.
    Projection {
        /// The block.
        layer: usize,
        /// Which of the three.
        letter: Letter,
    },
    /// From what a block's heads hold into the stream.
    Out(usize),
    /// From the stream to a block's hidden neurons.
    Up(usize),
    /// From the stream to a block's gates, where it has some.
    Gate(usize),
    /// From hidden neurons into the stream.
    Down(usize),
    /// From the stream to the outputs.
    Unembedding,
}

/// How a linear layer's `[in, out]` entries stand in a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `[in, out]`, rows so far apart: more than the layer is wide where
    /// several layers stand side by side.
    InOut {
        /// Entries from one row to the next.
        stride: usize,
    },
    /// `[out, in]`.
    OutIn,
    /// `[out, in]`, where the rows of `group` heads belong together, the first `share`
    /// of them this layer's.
    Groups {
        /// Width of one head.
        width: usize,
        /// Heads of this layer in a group.
        share: usize,
        /// Heads of all layers in a group.
        group: usize,
    },
    /// `[heads, in, width]`, the heads' outputs side by side.
    Heads {
        /// Width of one head.
        width: usize,
    },
    /// `[experts, out, width]`, the experts' inputs side by side.
    Experts {
        /// Inputs of one expert.
        width: usize,
        /// Outputs of each.
        outputs: usize,
    },
}

/// Where a linear layer is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The linear layer.
    pub matrix: Matrix,
    /// The tensor of its weights.
    pub tensor: String,
    /// The first of the tensor's entries that belong to it.
    pub first: usize,
    /// How they stand.
    pub order: Order,
    /// The tensor of its biases, and the first entry that belongs to it.
    pub bias: (String, usize),
    /// The tensor of hidden neurons from this one on, where they have their own: `[out, in]`.
    pub beyond: Option<(usize, String)>,
}

impl Place {
    /// The tensors that hold its weights.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        let beyond = self.beyond.iter().map(|(_, tensor)| tensor.as_str());
        std::iter::once(self.tensor.as_str()).chain(beyond)
    }

    /// The tensor that holds `[from, to]` of a layer with so many inputs, and the entry there.
    #[must_use]
    pub fn at(&self, inputs: usize, from: usize, to: usize) -> (&str, usize) {
        let Some((first, tensor)) = &self.beyond else {
            return (&self.tensor, self.entry(inputs, from, to));
        };
        match self.matrix {
            Matrix::Down(_) if from >= *first => (tensor, to * (inputs - first) + from - first),
            Matrix::Up(_) | Matrix::Gate(_) if to >= *first => {
                (tensor, (to - first) * inputs + from)
            }
            _ => (&self.tensor, self.entry(inputs, from, to)),
        }
    }

    /// The entry of its first tensor that holds `[from, to]` of a layer with so many inputs.
    #[must_use]
    pub fn entry(&self, inputs: usize, from: usize, to: usize) -> usize {
        self.first
            + match self.order {
                Order::InOut { stride } => from * stride + to,
                Order::OutIn => to * inputs + from,
                Order::Groups { .. } => self.row(to) * inputs + from,
                Order::Heads { width } => (to / width * inputs + from) * width + to % width,
                Order::Experts { width, outputs } => {
                    (from / width * outputs + to) * width + from % width
                }
            }
    }
}

impl Place {
    /// The entry of the tensor of biases that holds that of output `to`.
    #[must_use]
    pub fn bias_entry(&self, to: usize) -> usize {
        self.bias.1 + self.row(to)
    }

    /// The row of an output, counted from the layer's first.
    fn row(&self, to: usize) -> usize {
        match self.order {
            Order::Groups {
                width,
                share,
                group,
            } => {
                let head = to / width;
                (head / share * group + head % share) * width + to % width
            }
            Order::InOut { .. } | Order::OutIn | Order::Heads { .. } | Order::Experts { .. } => to,
        }
    }
}

impl Matrix {
    /// The sublayer that it belongs to; none for those at the ends.
    #[must_use]
    pub fn sublayer(self) -> Option<usize> {
        match self {
            Self::Projection { layer, .. } | Self::Out(layer) => Some(2 * layer),
            Self::Up(layer) | Self::Gate(layer) | Self::Down(layer) => Some(2 * layer + 1),
            Self::Input | Self::Unembedding => None,
        }
    }
}

impl<T: Scalar> Transformer<T> {
    /// All linear layers, in the order of computation; the unembedding only
    /// where it is not the embedding, transposed. A layer before the unembedding
    /// belongs to the end and is none of them.
    #[must_use]
    pub fn matrices(&self) -> Vec<Matrix> {
        let mut all = Vec::new();
        if matches!(self.embedding, Embedding::Values { .. }) {
            all.push(Matrix::Input);
        }
        for (layer, block) in self.blocks.iter().enumerate() {
            let projection = |letter| Matrix::Projection { layer, letter };
            all.extend(Letter::ALL.map(projection));
            all.push(Matrix::Out(layer));
            if let Some(mlp) = &block.mlp {
                all.push(Matrix::Up(layer));
                all.extend(mlp.gate.as_ref().map(|_| Matrix::Gate(layer)));
                all.push(Matrix::Down(layer));
            }
        }
        if self.unembedding.is_some() && !self.headless {
            all.push(Matrix::Unembedding);
        }
        all
    }

    /// The weights of a linear layer, `[in, out]`.
    ///
    /// # Panics
    /// If the network has no such layer.
    #[must_use]
    pub fn weight(&self, matrix: Matrix) -> ArrayView2<'_, T> {
        match matrix {
            Matrix::Input => match &self.embedding {
                Embedding::Values { weight, .. } => weight.view(),
                Embedding::Tokens(_) => absent(matrix),
            },
            Matrix::Projection { layer, letter } => {
                let attention = &self.blocks[layer].attention;
                let columns = attention.heads.letter_columns(letter);
                attention.qkv.slice(s![.., columns])
            }
            Matrix::Out(layer) => self.blocks[layer].attention.out.view(),
            Matrix::Up(layer) => self.feed(matrix, layer).up.view(),
            Matrix::Gate(layer) => match &self.feed(matrix, layer).gate {
                Some(gate) => gate.weight.view(),
                None => absent(matrix),
            },
            Matrix::Down(layer) => self.feed(matrix, layer).down.view(),
            Matrix::Unembedding => self.unembedding(),
        }
    }

    /// The biases of a linear layer, `[out]`.
    ///
    /// # Panics
    /// If the network has no such layer.
    #[must_use]
    pub fn bias(&self, matrix: Matrix) -> ArrayView1<'_, T> {
        match matrix {
            Matrix::Input => match &self.embedding {
                Embedding::Values { bias, .. } => bias.view(),
                Embedding::Tokens(_) => absent(matrix),
            },
            Matrix::Projection { layer, letter } => {
                let attention = &self.blocks[layer].attention;
                let columns = attention.heads.letter_columns(letter);
                attention.qkv_bias.slice(s![columns])
            }
            Matrix::Out(layer) => self.blocks[layer].attention.out_bias.view(),
            Matrix::Up(layer) => self.feed(matrix, layer).up_bias.view(),
            Matrix::Gate(layer) => match &self.feed(matrix, layer).gate {
                Some(gate) => gate.bias.view(),
                None => absent(matrix),
            },
            Matrix::Down(layer) => self.feed(matrix, layer).down_bias.view(),
            Matrix::Unembedding => self.output_bias.view(),
        }
    }

    fn feed(&self, matrix: Matrix, layer: usize) -> &FeedForward<T> {
        match &self.blocks[layer].mlp {
            Some(mlp) => mlp,
            None => absent(matrix),
        }
    }

    /// A linear layer's weights and biases, to be changed; of queries, keys and
    /// values those of all three.
    fn parts_mut(&mut self, matrix: Matrix) -> Option<(&mut Array2<T>, &mut Array1<T>)> {
        match matrix {
            Matrix::Input => match &mut self.embedding {
                Embedding::Values { weight, bias, .. } => Some((weight, bias)),
                Embedding::Tokens(_) => None,
            },
            Matrix::Projection { layer, .. } => {
                let attention = &mut Arc::make_mut(&mut self.blocks[layer]).attention;
                Some((&mut attention.qkv, &mut attention.qkv_bias))
            }
            Matrix::Out(layer) => {
                let attention = &mut Arc::make_mut(&mut self.blocks[layer]).attention;
                Some((&mut attention.out, &mut attention.out_bias))
            }
            Matrix::Up(layer) => {
                let mlp = Arc::make_mut(&mut self.blocks[layer]).mlp.as_mut()?;
                Some((&mut mlp.up, &mut mlp.up_bias))
            }
            Matrix::Gate(layer) => {
                let gate = Arc::make_mut(&mut self.blocks[layer])
                    .mlp
                    .as_mut()?
                    .gate
                    .as_mut()?;
                Some((&mut gate.weight, &mut gate.bias))
            }
            Matrix::Down(layer) => {
                let mlp = Arc::make_mut(&mut self.blocks[layer]).mlp.as_mut()?;
                Some((&mut mlp.down, &mut mlp.down_bias))
            }
            Matrix::Unembedding => Some((self.unembedding.as_mut()?, &mut self.output_bias)),
        }
    }

    /// Changes every weight of the linear layers, and their biases if `biases`.
    /// A bias that no linear layer of [`matrices`](Self::matrices) has stays.
    pub fn map_weights(&mut self, biases: bool, change: impl Fn(T) -> T) {
        for matrix in self.matrices() {
            // Queries stand for keys and values, which are in the same array.
            let again = matches!(matrix, Matrix::Projection { letter, .. } if letter != Letter::Q);
            if let Some((weight, bias)) = self.parts_mut(matrix).filter(|_| !again) {
                weight.mapv_inplace(&change);
                if biases {
                    bias.mapv_inplace(&change);
                }
            }
        }
    }

    /// Gives a linear layer other weights, `[in, out]`; an unembedding that was
    /// tied is tied no more.
    ///
    /// # Panics
    /// If the network has no such layer.
    pub fn set_weight(&mut self, matrix: Matrix, weight: &Array2<T>) {
        if matrix == Matrix::Unembedding {
            self.unembedding = Some(weight.clone());
            return;
        }
        let columns = match matrix {
            Matrix::Projection { layer, letter } => {
                self.blocks[layer].attention.heads.letter_columns(letter)
            }
            _ => 0..weight.ncols(),
        };
        match self.parts_mut(matrix) {
            Some((all, _)) => all.slice_mut(s![.., columns]).assign(weight),
            None => absent(matrix),
        }
    }
}

/// A linear layer that is asked for and that the network does not have.
fn absent<T>(matrix: Matrix) -> T {
    unreachable!("{matrix:?} is none of the network's linear layers")
}
