//! Attention, from queries, keys and values to what heads hold, and back.
//!
//! Queries may be fewer than positions: the last block's are wanted only where
//! answers are read.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use super::{Answers, Heads};
use crate::numeric::{Scalar, matmul_into};

/// Which rows ask: the positions of the queries of every sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    /// Positions per sample that are there to be seen.
    pub length: usize,
    pub queries: &'a Answers,
}

/// Attention patterns `[samples · heads · queries, length]` and what every head
/// holds, `[samples · queries, heads · width]`.
pub(super) fn attend<T: Scalar>(
    heads: Heads,
    asking: Asking<'_>,
    queries: &Array2<T>,
    keys_values: &Array2<T>,
) -> (Array2<T>, Array2<T>) {
    let samples = asking.queries.samples();
    let per_sample = asking.queries.per_sample();
    let mut pattern = Array2::zeros((samples * heads.count * per_sample, asking.length));
    let mut held = Array2::zeros((samples * per_sample, heads.total()));
    for head in 0..heads.count {
        attend_head(
            heads,
            asking,
            head,
            queries,
            keys_values,
            &mut pattern,
            &mut held,
        );
    }
    (pattern, held)
}

/// Attention of one head, into its places of `pattern` and `held`.
pub(super) fn attend_head<T: Scalar>(
    heads: Heads,
    asking: Asking<'_>,
    head: usize,
    queries: &Array2<T>,
    keys_values: &Array2<T>,
    pattern: &mut Array2<T>,
    held: &mut Array2<T>,
) {
    let place = Place {
        heads,
        asking,
        head,
    };
    for sample in 0..asking.queries.samples() {
        let mut scores = pattern.slice_mut(s![place.pattern_rows(sample), ..]);
        let (keys, values) = place.keys_values(sample, keys_values);
        let query = queries.slice(s![place.query_rows(sample), place.columns()]);
        matmul_into(scores.view_mut(), query, keys.t(), false);
        softmax_rows(scores.view_mut(), place.scale(), |query| {
            place.visible(sample, query)
        });
        let result = held.slice_mut(s![place.query_rows(sample), place.columns()]);
        matmul_into(result, scores.view(), values, false);
    }
}

/// Scores before the softmax, `[samples · heads · queries, length]`, unmasked.
pub(super) fn scores<T: Scalar>(
    heads: Heads,
    asking: Asking<'_>,
    queries: &Array2<T>,
    keys_values: &Array2<T>,
) -> Array2<T> {
    let samples = asking.queries.samples();
    let rows = samples * heads.count * asking.queries.per_sample();
    let mut result = Array2::zeros((rows, asking.length));
    for sample in 0..samples {
        for head in 0..heads.count {
            let place = Place {
                heads,
                asking,
                head,
            };
            let (keys, _) = place.keys_values(sample, keys_values);
            let query = queries.slice(s![place.query_rows(sample), place.columns()]);
            let scores = result.slice_mut(s![place.pattern_rows(sample), ..]);
            matmul_into(scores, query, keys.t(), false);
        }
    }
    result.mapv_inplace(|x| x * T::from_f64(heads.scale));
    result
}

/// Gradients at queries and at keys and values, given those at what heads hold.
pub(super) fn attend_backward<T: Scalar>(
    heads: Heads,
    asking: Asking<'_>,
    queries: &Array2<T>,
    keys_values: &Array2<T>,
    pattern: &Array2<T>,
    at_held: &Array2<T>,
) -> (Array2<T>, Array2<T>) {
    let mut at_queries = Array2::zeros(queries.raw_dim());
    let mut at_keys_values = Array2::zeros(keys_values.raw_dim());
    let mut at_scores = Array2::zeros((asking.queries.per_sample(), asking.length));
    for sample in 0..asking.queries.samples() {
        for head in 0..heads.count {
            let place = Place {
                heads,
                asking,
                head,
            };
            let (rows, columns) = (place.query_rows(sample), place.columns());
            let (keys, values) = place.keys_values(sample, keys_values);
            let pattern = pattern.slice(s![place.pattern_rows(sample), ..]);
            let given = at_held.slice(s![rows.clone(), columns.clone()]);
            matmul_into(at_scores.view_mut(), given, values.t(), false);
            softmax_backward(at_scores.view_mut(), pattern, place.scale());
            let query = queries.slice(s![rows.clone(), columns.clone()]);
            let at_query = at_queries.slice_mut(s![rows, columns]);
            matmul_into(at_query, at_scores.view(), keys, false);
            let (at_keys, at_values) = place.split(sample, at_keys_values.view_mut());
            matmul_into(at_keys, at_scores.t(), query, false);
            matmul_into(at_values, pattern.t(), given, false);
        }
    }
    (at_queries, at_keys_values)
}

/// Where one head's numbers stand.
struct Place<'a> {
    heads: Heads,
    asking: Asking<'a>,
    head: usize,
}

impl Place<'_> {
    fn scale<T: Scalar>(&self) -> T {
        T::from_f64(self.heads.scale)
    }

    fn columns(&self) -> std::ops::Range<usize> {
        let from = self.head * self.heads.width;
        from..from + self.heads.width
    }

    fn query_rows(&self, sample: usize) -> std::ops::Range<usize> {
        let count = self.asking.queries.per_sample();
        sample * count..(sample + 1) * count
    }

    fn pattern_rows(&self, sample: usize) -> std::ops::Range<usize> {
        let count = self.asking.queries.per_sample();
        let from = (sample * self.heads.count + self.head) * count;
        from..from + count
    }

    fn key_rows(&self, sample: usize) -> std::ops::Range<usize> {
        sample * self.asking.length..(sample + 1) * self.asking.length
    }

    fn keys_values<'x, T>(
        &self,
        sample: usize,
        keys_values: &'x Array2<T>,
    ) -> (ArrayView2<'x, T>, ArrayView2<'x, T>) {
        let rows = self.key_rows(sample);
        let (from, total) = (self.columns(), self.heads.total());
        (
            keys_values.slice(s![rows.clone(), from.clone()]),
            keys_values.slice(s![rows, total + from.start..total + from.end]),
        )
    }

    fn split<'x, T>(
        &self,
        sample: usize,
        keys_values: ArrayViewMut2<'x, T>,
    ) -> (ArrayViewMut2<'x, T>, ArrayViewMut2<'x, T>) {
        let (from, total) = (self.columns(), self.heads.total());
        keys_values.multi_slice_move((
            s![self.key_rows(sample), from.clone()],
            s![self.key_rows(sample), total + from.start..total + from.end],
        ))
    }

    /// How many positions a query sees, from the first.
    fn visible(&self, sample: usize, query: usize) -> usize {
        if self.heads.causal {
            self.asking.queries.position(sample, query) + 1
        } else {
            self.asking.length
        }
    }
}

/// Softmax of the first `visible(row)` scores of each row, times `scale`; zero beyond.
fn softmax_rows<T: Scalar>(
    mut scores: ArrayViewMut2<'_, T>,
    scale: T,
    visible: impl Fn(usize) -> usize,
) {
    for (index, mut row) in scores.rows_mut().into_iter().enumerate() {
        let Some(row) = row.as_slice_mut() else {
            continue;
        };
        let (seen, hidden) = row.split_at_mut(visible(index));
        hidden.fill(T::zero());
        let largest = seen.iter().fold(T::neg_infinity(), |m, x| m.max(*x));
        seen.iter_mut().for_each(|x| *x = (*x - largest) * scale);
        T::exp_in_place(seen);
        let total: T = seen.iter().copied().sum();
        seen.iter_mut().for_each(|x| *x /= total);
    }
}

/// Turns gradients at patterns into gradients at unscaled scores, in place.
fn softmax_backward<T: Scalar>(
    mut gradient: ArrayViewMut2<'_, T>,
    pattern: ArrayView2<'_, T>,
    scale: T,
) {
    for (mut row, pattern) in gradient.rows_mut().into_iter().zip(pattern.rows()) {
        let mean: T = row.iter().zip(&pattern).map(|(g, p)| *g * *p).sum();
        row.zip_mut_with(&pattern, |g, p| *g = *p * (*g - mean) * scale);
    }
}
