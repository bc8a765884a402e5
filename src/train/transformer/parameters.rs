//! A transformer's trained numbers in one flat array.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use super::form::{Form, Row, Wire};
use crate::model::transformer::{
    Attention, Block, Embedding, FeedForward, Heads, LinearGradient, Logits, Matrix, Norms,
    Transformer, Wiring,
};
use crate::numeric::{Activation, Rng, Scalar};
use crate::train::parameters::{self as mlp, matrix, matrix_mut};

/// A transformer in training.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters<T> {
    /// Its form.
    pub form: Form,
    /// Its linear maps.
    pub wires: Vec<Wire>,
    /// `[weights | bias]` of each linear map, in their order.
    pub values: Vec<T>,
    /// Physical input → feature.
    pub in_perm: Vec<usize>,
    /// Physical output → target.
    pub out_perm: Vec<usize>,
}

impl<T: Scalar> Parameters<T> {
    /// A fresh network, as PyTorch's `nn.Linear` starts it: weights and biases
    /// uniform in ±1/√inputs.
    #[must_use]
    pub fn fresh(form: Form, rng: &mut Rng) -> Self {
        let wires = form.wires();
        let mut values = Vec::new();
        for wire in &wires {
            let bound = 1.0 / (form.size(wire.from) as f64).sqrt();
            let draw = |_| T::from_f64((2.0 * rng.uniform() - 1.0) * bound);
            values.extend(wire.slot.clone().map(draw));
        }
        Self {
            in_perm: (0..form.inputs).collect(),
            out_perm: (0..form.outputs).collect(),
            form,
            wires,
            values,
        }
    }

    /// `[weights | bias]` of a linear map, `[readers, writers + 1]`.
    #[must_use]
    pub fn wire(&self, wire: &Wire) -> ArrayView2<'_, T> {
        let readers = wire.folds * self.form.size(wire.to);
        matrix(&self.values[wire.slot.clone()], readers)
    }

    /// The matrix of a wire, to change.
    pub fn wire_mut(&mut self, wire: &Wire) -> ArrayViewMut2<'_, T> {
        let readers = wire.folds * self.form.size(wire.to);
        matrix_mut(&mut self.values[wire.slot.clone()], readers)
    }

    /// The weights alone, `[readers, writers]`.
    #[must_use]
    pub fn weights(&self, wire: &Wire) -> ArrayView2<'_, T> {
        let writers = self.form.size(wire.from);
        self.wire(wire).slice_move(s![.., ..writers])
    }

    /// A linear map as `[writers, readers]` and `[readers]`.
    fn linear(&self, wire: &Wire) -> LinearGradient<T> {
        let writers = self.form.size(wire.from);
        LinearGradient {
            weight: self.weights(wire).t().as_standard_layout().into_owned(),
            bias: self.wire(wire).column(writers).to_owned(),
        }
    }

    /// The network.
    #[must_use]
    pub fn to_model(&self, activation: Activation) -> Transformer<T> {
        let (input, blocks, output) = self.ends();
        let LinearGradient { weight, bias } = self.linear(input);
        let embedding = Embedding::Values {
            weight,
            bias,
            in_perm: self.in_perm.clone(),
            patches: None,
        };
        let output = self.linear(output);
        let heads = self.form.attention.heads;
        let heads = Heads::new(heads, self.form.width / heads.max(1));
        let block = |wires: &[Wire]| Arc::new(self.block(wires, heads.clone()));
        Transformer {
            embedding,
            embedding_scale: T::one(),
            positions: None,
            embedding_norm: None,
            embedding_map: None,
            blocks: blocks.chunks_exact(4).map(block).collect(),
            final_norm: None,
            head: None,
            unembedding: Some(output.weight),
            output_bias: output.bias,
            logits: Logits::default(),
            out_perm: self.out_perm.clone(),
            activation,
            reads: None,
            headless: false,
            padding: None,
        }
    }

    /// The first linear map, those of the blocks, and the last.
    fn ends(&self) -> (&Wire, &[Wire], &Wire) {
        match &self.wires[..] {
            [input, blocks @ .., output] => (input, blocks, output),
            _ => unreachable!("every form has both"),
        }
    }

    fn block(&self, wires: &[Wire], heads: Heads) -> Block<T> {
        let [qkv, out, up, down] = [0, 1, 2, 3].map(|i| self.linear(&wires[i]));
        Block {
            attention: Attention {
                heads,
                norms: Norms::default(),
                qkv: qkv.weight,
                qkv_bias: qkv.bias,
                query_norm: None,
                key_norm: None,
                out: out.weight,
                out_bias: out.bias,
            },
            mlp: Some(FeedForward {
                norms: Norms::default(),
                up: up.weight,
                up_bias: up.bias,
                gate: None,
                down: down.weight,
                down_bias: down.bias,
                router: None,
            }),
            wiring: Wiring::Sequential,
        }
    }

    /// Writes gradients at linear layers, in the order of the network's, into
    /// `flat`, in the order of `values`.
    pub fn flatten(&self, gradients: &[(Matrix, LinearGradient<T>)], flat: &mut [T]) {
        let mut gradients = gradients.iter();
        for wire in &self.wires {
            let (readers, writers) = (self.form.size(wire.to), self.form.size(wire.from));
            let mut place = matrix_mut(&mut flat[wire.slot.clone()], wire.folds * readers);
            // Queries, keys and values are one map here, and three layers there.
            for (fold, (_, linear)) in gradients.by_ref().take(wire.folds).enumerate() {
                let mut rows = place.slice_mut(s![fold * readers..(fold + 1) * readers, ..]);
                rows.slice_mut(s![.., ..writers]).assign(&linear.weight.t());
                rows.column_mut(writers).assign(&linear.bias);
            }
        }
    }

    /// The linear maps as the layers of an MLP, as the authors draw a transformer:
    /// of query, key and value the strongest stands for the three, and what the
    /// stream carries past a block is not drawn.
    #[must_use]
    pub fn picture(&self) -> mlp::Parameters<T> {
        let mut values = Vec::new();
        for wire in &self.wires {
            let (all, readers) = (self.wire(wire), self.form.size(wire.to));
            let strongest = |(reader, writer)| {
                let folds = (0..wire.folds).map(|f| all[[f * readers + reader, writer]]);
                folds.fold(T::zero(), |m, w| if w.abs() > m.abs() { w } else { m })
            };
            let shape = (readers, self.form.size(wire.from) + 1);
            values.extend(Array2::from_shape_fn(shape, strongest));
        }
        mlp::Parameters {
            form: mlp::Form {
                widths: self.form.shape(),
                folds: 1,
                tokens: None,
            },
            values,
            in_perm: self.in_perm.clone(),
            out_perm: self.out_perm.clone(),
        }
    }

    /// Exchanges two sites of a row, or two stretches of `width` sites that begin
    /// there; the function stays the same.
    pub fn exchange(&mut self, row: Row, (a, b): (usize, usize), width: usize) {
        for wire in self.wires.clone() {
            let (from, to) = (wire.from, wire.to);
            let (size, mut all) = (self.form.size(row), self.wire_mut(&wire));
            let pairs = (0..width).map(|i| (a + i, b + i));
            for (a, b) in pairs {
                if from == row {
                    all.rows_mut().into_iter().for_each(|mut r| r.swap(a, b));
                }
                if to == row {
                    for mut column in all.columns_mut() {
                        (0..wire.folds).for_each(|f| column.swap(f * size + a, f * size + b));
                    }
                }
            }
        }
        match row {
            Row::Inputs => self.in_perm.swap(a, b),
            Row::Outputs => self.out_perm.swap(a, b),
            _ => {}
        }
    }
}
