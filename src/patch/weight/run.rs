//! One patched run of one part.

use ndarray::{Array2, ArrayView2};

use super::part::WeightPart;
use super::plan::{Linear, Plan};
use crate::model::Transformer;
use crate::model::transformer::{Hooks, Matrix, SequenceTrace};
use crate::numeric::{Scalar, matmul_into};

/// The edits of a patched run.
pub(super) struct PatchedRun<'r, T> {
    pub model: &'r Transformer<T>,
    pub part: &'r WeightPart<T>,
    pub plan: &'r Plan<T>,
}

impl<T: Scalar> PatchedRun<'_, T> {
    /// The whole run.
    pub fn trace(mut self) -> SequenceTrace<T> {
        let clean = &self.part.clean;
        let Some(first) = self.plan.first() else {
            return clean.clone();
        };
        let begin = match first {
            Matrix::Input => 0,
            Matrix::Unembedding => self.model.blocks.len(),
            Matrix::Projection { layer, .. } => layer,
            Matrix::Out(layer) | Matrix::Up(layer) | Matrix::Gate(layer) | Matrix::Down(layer) => {
                layer
            }
        };
        let model = self.model;
        if first == Matrix::Input {
            let x = self.part.values.at(Matrix::Input);
            let embedded = model.scaled(self.written(Matrix::Input, x, None));
            return model.resume_embedded(clean, embedded, &mut self);
        }
        model.resume(clean, begin, None, &mut self)
    }

    /// What a linear layer writes, `[rows, out]`, on `x: [rows, in]`; `known`
    /// is what it writes unpatched, where that is at hand.
    fn written(
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

impl<T: Scalar> Hooks<T> for PatchedRun<'_, T> {
    fn touches_linears(&self, sublayer: usize) -> bool {
        self.plan.touches(sublayer, self.model.blocks.len())
    }

    fn linear(
        &mut self,
        matrix: Matrix,
        x: ArrayView2<'_, T>,
        known: Option<ArrayView2<'_, T>>,
    ) -> Option<Array2<T>> {
        (!self.plan.leaves(matrix)).then(|| self.written(matrix, x, known))
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
