//! One patched run of one part.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

use super::engine::WeightPart;
use super::plan::{Linear, Plan};
use crate::model::Transformer;
use crate::model::transformer::{
    AttentionTrace, End, Letter, Matrix, MlpTrace, Norm, Normed, SequenceTrace,
};
use crate::numeric::{Scalar, matmul_into};

/// A run under way.
pub(super) struct PatchedRun<'r, T> {
    pub model: &'r Transformer<T>,
    pub part: &'r WeightPart<T>,
    pub plan: &'r Plan<T>,
}

/// The stream between two halves, and whether it is the clean run's.
struct Stream<T> {
    values: Array2<T>,
    clean: bool,
}

impl<T: Scalar> PatchedRun<'_, T> {
    /// The whole run.
    pub fn trace(&self) -> SequenceTrace<T> {
        let clean = &self.part.clean;
        let Some(first) = self.plan.first() else {
            return clean.clone();
        };
        let layers = self.model.blocks.len();
        let begin = match first {
            Matrix::Input => 0,
            Matrix::Projection { layer, .. } => layer,
            Matrix::Out(layer) | Matrix::Up(layer) | Matrix::Down(layer) => layer,
            Matrix::Unembedding => layers,
        };
        let mut stream = self.begin(begin);
        let mut attention = clean.attention[..begin].to_vec();
        let mut mlp = clean.mlp[..begin].to_vec();
        for layer in begin..layers {
            let (half, after) = self.attention(layer, stream);
            attention.push(half);
            let (half, after) = self.mlp(layer, after);
            mlp.push(half);
            stream = after;
        }
        SequenceTrace {
            everywhere: clean.everywhere.clone(),
            answers: clean.answers.clone(),
            attention,
            mlp,
            end: self.end(stream),
        }
    }

    /// The stream before a block.
    fn begin(&self, block: usize) -> Stream<T> {
        let clean = &self.part.clean;
        if block == 0 && !self.plan.leaves(Matrix::Input) {
            let x = self.part.values.at(Matrix::Input);
            let mut values = self.read(Matrix::Input, x, None);
            let everywhere = &clean.everywhere;
            let (samples, length) = (everywhere.samples(), everywhere.per_sample());
            if let Some(positions) = self.model.position_rows(samples, length) {
                values += &positions;
            }
            return Stream {
                values,
                clean: false,
            };
        }
        let half = clean.attention.get(block);
        Stream {
            values: half.map_or(&clean.end.stream, |h| &h.stream).clone(),
            clean: true,
        }
    }

    fn attention(&self, layer: usize, stream: Stream<T>) -> (Arc<AttentionTrace<T>>, Stream<T>) {
        let clean = &self.part.clean.attention[layer];
        let matrix = |letter| Matrix::Projection { layer, letter };
        let left = Letter::ALL.into_iter().all(|l| self.plan.leaves(matrix(l)));
        let same = stream.clean && left;
        if same && self.plan.leaves(Matrix::Out(layer)) {
            let values = self.part.clean.mlp[layer].stream.clone();
            let clean_stream = Stream {
                values,
                clean: true,
            };
            return (Arc::clone(clean), clean_stream);
        }
        let half = match same {
            true => Arc::clone(clean),
            false => Arc::new(self.attend(layer, stream)),
        };
        let mut values = match layer + 1 == self.model.blocks.len() {
            true => self.part.clean.answers.rows_of(&half.stream),
            false => half.stream.clone(),
        };
        values += &self.read(Matrix::Out(layer), half.held.view(), None);
        let changed = Stream {
            values,
            clean: false,
        };
        (half, changed)
    }

    /// The heads of a block on a stream.
    fn attend(&self, layer: usize, stream: Stream<T>) -> AttentionTrace<T> {
        let clean = &self.part.clean.attention[layer];
        let (x, normed) = normalise(self.model.blocks[layer].norm1.as_ref(), &stream.values);
        let asked = match layer + 1 == self.model.blocks.len() {
            true => self.part.clean.answers.rows_of(&x),
            false => x.clone(),
        };
        let total = self.model.heads.total();
        let read = |letter, x: &Array2<T>, clean: ArrayView2<'_, T>| {
            let known = stream.clean.then_some(clean);
            self.read(Matrix::Projection { layer, letter }, x.view(), known)
        };
        let queries = read(Letter::Q, &asked, clean.queries.view());
        let keys = read(Letter::K, &x, clean.keys_values.slice(s![.., ..total]));
        let values = read(Letter::V, &x, clean.keys_values.slice(s![.., total..]));
        let keys_values = concatenate(Axis(1), &[keys.view(), values.view()])
            .unwrap_or_else(|_| clean.keys_values.clone());
        let keys_values = keys_values.as_standard_layout().into_owned();
        let attended = self
            .model
            .attend_all(&self.part.clean, layer, queries, keys_values);
        AttentionTrace {
            stream: stream.values,
            normed,
            queries: attended.queries,
            keys_values: attended.keys_values,
            pattern: attended.pattern,
            held: attended.held,
        }
    }

    fn mlp(&self, layer: usize, stream: Stream<T>) -> (Arc<MlpTrace<T>>, Stream<T>) {
        let clean = &self.part.clean;
        let same = stream.clean && self.plan.leaves(Matrix::Up(layer));
        if same && self.plan.leaves(Matrix::Down(layer)) {
            let after = clean.attention.get(layer + 1);
            let values = after.map_or(&clean.end.stream, |h| &h.stream).clone();
            let clean_stream = Stream {
                values,
                clean: true,
            };
            return (Arc::clone(&clean.mlp[layer]), clean_stream);
        }
        let half = match same {
            true => Arc::clone(&clean.mlp[layer]),
            false => Arc::new(self.hidden(layer, stream)),
        };
        let mut values = half.stream.clone();
        values += &self.read(Matrix::Down(layer), half.hidden.view(), None);
        let changed = Stream {
            values,
            clean: false,
        };
        (half, changed)
    }

    /// The hidden neurons of a block on a stream.
    fn hidden(&self, layer: usize, stream: Stream<T>) -> MlpTrace<T> {
        let (x, normed) = normalise(self.model.blocks[layer].norm2.as_ref(), &stream.values);
        let clean = self.part.clean.mlp[layer].before.view();
        let known = stream.clean.then_some(clean);
        let before = self.read(Matrix::Up(layer), x.view(), known);
        let mut hidden = before.clone();
        if let Some(slice) = hidden.as_slice_mut() {
            self.model.activation.apply(slice);
        }
        MlpTrace {
            stream: stream.values,
            normed,
            before,
            hidden,
        }
    }

    fn end(&self, stream: Stream<T>) -> End<T> {
        let clean = &self.part.clean.end;
        if stream.clean && self.plan.leaves(Matrix::Unembedding) {
            return clean.clone();
        }
        let (x, normed) = normalise(self.model.final_norm.as_ref(), &stream.values);
        let known = stream.clean.then(|| clean.outputs.view());
        End {
            outputs: self.read(Matrix::Unembedding, x.view(), known),
            stream: stream.values,
            normed,
        }
    }

    /// What a linear layer writes, `[rows, out]`, on `x: [rows, in]`; `known`
    /// is what it writes unpatched, where that is at hand.
    fn read(
        &self,
        matrix: Matrix,
        x: ArrayView2<'_, T>,
        known: Option<ArrayView2<'_, T>>,
    ) -> Array2<T> {
        let linear = self.plan.of(matrix);
        let fill = self.part.fill.at(matrix);
        if let (Some(known), Linear::Whole | Linear::Few(_)) = (known, linear) {
            let mut written = known.as_standard_layout().into_owned();
            replace(&mut written, linear, x, fill);
            return written;
        }
        let bias = self.model.bias(matrix);
        let mut written = Array2::zeros((x.nrows(), bias.len()));
        written += &bias;
        if let Linear::Split { live, filled } = linear {
            matmul_into(written.view_mut(), x, live.view(), true);
            matmul_into(written.view_mut(), fill, filled.view(), true);
            return written;
        }
        matmul_into(written.view_mut(), x, self.model.weight(matrix), true);
        replace(&mut written, linear, x, fill);
        written
    }
}

/// Replaces the messages of a few edges in what was written with them.
fn replace<T: Scalar>(
    written: &mut Array2<T>,
    linear: &Linear<T>,
    x: ArrayView2<'_, T>,
    fill: ArrayView2<'_, T>,
) {
    let Linear::Few(edges) = linear else {
        return;
    };
    for (from, to, weight) in edges {
        let pairs = fill.column(*from).into_iter().zip(x.column(*from));
        for (target, (fill, x)) in written.column_mut(*to).iter_mut().zip(pairs) {
            *target += *weight * (*fill - *x);
        }
    }
}

fn normalise<T: Scalar>(
    norm: Option<&Norm<T>>,
    stream: &Array2<T>,
) -> (Array2<T>, Option<Normed<T>>) {
    match norm.map(|norm| norm.forward(stream)) {
        Some((x, normed)) => (x, Some(normed)),
        None => (stream.clone(), None),
    }
}
