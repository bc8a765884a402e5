//! A set of edges, or a share of the message on every edge, sorted out for a run.

use ndarray::Array2;

use crate::model::Transformer;
use crate::model::transformer::{Channels, Matrix, Span};
use crate::numeric::Scalar;
use crate::patch::EdgeSet;

/// Up to so many patched edges of a linear layer are replaced one by one.
const FEW: usize = 32;

/// How a linear layer is computed.
#[derive(Debug, Clone)]
pub enum Linear<T> {
    /// As it is.
    Whole,
    /// As it is, then the messages of these edges replaced: writer, reader, weight.
    Few(Vec<(usize, usize, T)>),
    /// Messages through one matrix, fills through another, both `[in, out]`.
    Split { live: Array2<T>, filled: Array2<T> },
}

/// What a run has to do, per linear layer.
#[derive(Debug, Clone)]
pub struct Plan<T> {
    linears: Vec<(Matrix, Linear<T>)>,
}

impl<T: Scalar> Plan<T> {
    /// The messages on `patched` replaced.
    pub fn new(model: &Transformer<T>, sites: &Channels, patched: &EdgeSet) -> Self {
        let linear = |span: &Span| (span.matrix, linear(model, *span, patched));
        Self {
            linears: sites.spans().iter().map(linear).collect(),
        }
    }

    /// On every edge a share of the message, by edge number, and the fill for the rest.
    pub fn mixed(model: &Transformer<T>, sites: &Channels, shares: &[f64]) -> Self {
        let linear = |span: &Span| {
            let mut live = model.weight(span.matrix).to_owned();
            let mut filled = live.clone();
            for ((from, to), weight) in live.indexed_iter_mut() {
                let share = T::from_f64(shares[span.first + to * span.inputs + from]);
                filled[[from, to]] = *weight * (T::one() - share);
                *weight *= share;
            }
            (span.matrix, Linear::Split { live, filled })
        };
        Self {
            linears: sites.spans().iter().map(linear).collect(),
        }
    }

    /// The first linear layer that is not as it is.
    pub fn first(&self) -> Option<Matrix> {
        let changed = |(_, linear): &&(Matrix, Linear<T>)| !matches!(linear, Linear::Whole);
        self.linears.iter().find(changed).map(|(matrix, _)| *matrix)
    }

    /// How a linear layer is computed.
    pub fn of(&self, matrix: Matrix) -> &Linear<T> {
        let found = self.linears.iter().find(|(m, _)| *m == matrix);
        found.map_or(&Linear::Whole, |(_, linear)| linear)
    }

    /// Whether a linear layer of a sublayer, or of the end, is not as it is.
    pub fn touches(&self, sublayer: usize, blocks: usize) -> bool {
        let is_there = |matrix: Matrix| match matrix.sublayer() {
            Some(of) => of == sublayer,
            None => matrix == Matrix::Unembedding && sublayer == 2 * blocks,
        };
        let changed = |(matrix, linear): &(Matrix, Linear<T>)| {
            is_there(*matrix) && !matches!(linear, Linear::Whole)
        };
        self.linears.iter().any(changed)
    }

    /// Whether a linear layer is as it is.
    pub fn leaves(&self, matrix: Matrix) -> bool {
        matches!(self.of(matrix), Linear::Whole)
    }

    /// The network with only the weights that carry messages.
    pub fn live_model(&self, model: &Transformer<T>) -> Transformer<T> {
        let mut live_model = model.clone();
        for (matrix, linear) in &self.linears {
            if let Linear::Split { live, .. } = linear {
                live_model.set_weight(*matrix, live);
            }
        }
        live_model
    }
}

fn linear<T: Scalar>(model: &Transformer<T>, span: Span, patched: &EdgeSet) -> Linear<T> {
    let weight = model.weight(span.matrix);
    let end = span.first + span.inputs * span.outputs;
    let mut few = Vec::new();
    let within = patched.ones().skip_while(|edge| *edge < span.first);
    for edge in within.take_while(|edge| *edge < end) {
        let (from, to) = (
            (edge - span.first) % span.inputs,
            (edge - span.first) / span.inputs,
        );
        let w = weight[[from, to]];
        // A message that is always zero is not changed by its fill of zero.
        if !w.is_zero() {
            few.push((from, to, w));
        }
    }
    match few.len() {
        0 => Linear::Whole,
        1..=FEW => Linear::Few(few),
        _ => {
            let (mut live, mut filled) = (weight.to_owned(), Array2::zeros(weight.raw_dim()));
            for (from, to, w) in few {
                live[[from, to]] = T::zero();
                filled[[from, to]] = w;
            }
            Linear::Split { live, filled }
        }
    }
}
