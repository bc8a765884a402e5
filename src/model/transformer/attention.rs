//! Attention, from queries, keys and values to what heads hold, and back.
//!
//! Queries may be fewer than positions: the last block's are wanted only where
//! answers are read. Several heads may read one key-value head.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use super::rotary::Turns;
use super::rows::{linear, normalise, row_mut, through_norm};
use super::{Answers, Attention, AttentionTrace, Heads, Letter, Places, Prepared};
use crate::model::Rules;
use crate::numeric::{Scalar, matmul_into};

/// Which rows ask, and what there is to be seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    /// Positions per sample that are there to be seen.
    pub length: usize,
    /// The positions that ask.
    pub queries: &'a Answers,
}

impl Sight<'_> {
    fn query_rows(&self, sample: usize) -> Range<usize> {
        let count = self.queries.per_sample();
        sample * count..(sample + 1) * count
    }

    fn key_rows(&self, sample: usize) -> Range<usize> {
        sample * self.length..(sample + 1) * self.length
    }

    fn pattern_rows(&self, heads: usize, sample: usize, head: usize) -> Range<usize> {
        let count = self.queries.per_sample();
        let from = (sample * heads + head) * count;
        from..from + count
    }

    /// The position of a row of queries.
    fn position(&self, row: usize) -> usize {
        let count = self.queries.per_sample();
        self.queries.position(row / count, row % count)
    }
}

impl<T: Scalar> Attention<T> {
    /// Queries, keys or values of one head or key-value head, `[rows, width]`,
    /// of what is read, `x: [rows, d]`.
    pub(super) fn read(&self, letter: Letter, head: usize, x: &Array2<T>) -> Array2<T> {
        let bias = self
            .qkv_bias
            .slice(s![self.heads.fused_columns(letter, head)]);
        linear(x, self.projection(letter, head), bias)
    }

    /// The heads that something else in one head's or key-value head's letter
    /// reaches: those that read it, or all where a norm spans the heads.
    pub(super) fn reached_by(&self, letter: Letter, head: usize) -> Range<usize> {
        match self.spans_heads(letter) {
            true => 0..self.heads.count,
            false => self.heads.readers_of(letter, head),
        }
    }

    /// Whether the queries or keys of all heads are normalised together.
    pub(super) fn spans_heads(&self, letter: Letter) -> bool {
        let norm = match letter {
            Letter::Q => &self.query_norm,
            Letter::K => &self.key_norm,
            Letter::V => return false,
        };
        let norm = norm.as_ref();
        norm.is_some_and(|norm| norm.stretches < self.heads.of_letter(letter))
    }

    /// Queries and keys as they are compared, and values as they are gathered, where that is
    /// not as they were projected: normalised, clipped and turned.
    pub(super) fn prepare(
        &self,
        sight: Sight<'_>,
        queries: &Array2<T>,
        keys_values: &Array2<T>,
    ) -> Option<Prepared<T>> {
        if !self.prepares() {
            return None;
        }
        let keys = keys_values
            .slice(s![.., ..self.heads.keys_total()])
            .to_owned();
        let (mut queries, query_normed) = normalise(self.query_norm.as_ref(), queries);
        let (mut keys, key_normed) = normalise(self.key_norm.as_ref(), &keys);
        let mut values = None;
        if let Some(clip) = self.heads.clip.map(T::from_f64) {
            let clipped = |x: T| x.max(-clip).min(clip);
            queries.mapv_inplace(clipped);
            keys.mapv_inplace(clipped);
            values = Some(self.values(keys_values).mapv(clipped));
        }
        self.turn(sight, &mut queries, keys.view_mut(), false);
        Some(Prepared {
            queries,
            keys,
            values,
            query_normed,
            key_normed,
        })
    }

    /// The values `[rows, keys · width]` beside keys.
    fn values<'x>(&self, keys_values: &'x Array2<T>) -> ArrayView2<'x, T> {
        keys_values.slice(s![.., self.heads.keys_total()..])
    }

    fn prepares(&self) -> bool {
        self.query_norm.is_some()
            || self.key_norm.is_some()
            || self.heads.clip.is_some()
            || matches!(self.heads.places, Places::Rotary(_))
    }

    fn turn(
        &self,
        sight: Sight<'_>,
        queries: &mut Array2<T>,
        keys: ArrayViewMut2<'_, T>,
        back: bool,
    ) {
        if let Places::Rotary(rotary) = &self.heads.places {
            let (turns, width) = (Turns::new(rotary, sight.length), self.heads.width);
            turns.turn(queries.view_mut(), width, |row| sight.position(row), back);
            turns.turn(keys, width, |row| row % sight.length, back);
        }
    }

    /// What some heads see and gather, into their places in `half`.
    pub(super) fn attend(&self, sight: Sight<'_>, half: &mut AttentionTrace<T>, heads: &[usize]) {
        half.prepared = self.prepare(sight, &half.queries, &half.keys_values);
        let (mut pattern, mut held) = (
            std::mem::take(&mut half.pattern),
            std::mem::take(&mut half.held),
        );
        for head in heads {
            for sample in 0..sight.queries.samples() {
                let rows = sight.pattern_rows(self.heads.count, sample, *head);
                let mut scores = pattern.slice_mut(s![rows, ..]);
                let [query, keys, values] = self.of_head(sight, half, *head, sample);
                matmul_into(scores.view_mut(), query, keys.t(), false);
                self.softmax(sight, sample, *head, scores.view_mut());
                let columns = self.heads.head_columns(*head);
                let result = held.slice_mut(s![sight.query_rows(sample), columns]);
                matmul_into(result, scores.view(), values, false);
            }
        }
        (half.pattern, half.held) = (pattern, held);
    }

    /// Queries `[queries, width]`, keys and values `[length, width]` of one head
    /// in one sample.
    fn of_head<'x>(
        &self,
        sight: Sight<'_>,
        half: &'x AttentionTrace<T>,
        head: usize,
        sample: usize,
    ) -> [ArrayView2<'x, T>; 3] {
        let (asked, rows) = (sight.query_rows(sample), sight.key_rows(sample));
        let (own, shared) = (self.heads.head_columns(head), self.heads.key_of(head));
        let shared = self.heads.head_columns(shared);
        let keys = half
            .prepared
            .as_ref()
            .map_or(&half.keys_values, |p| &p.keys);
        let queries = half.prepared.as_ref().map_or(&half.queries, |p| &p.queries);
        let clipped = half.prepared.as_ref().and_then(|p| p.values.as_ref());
        let values = clipped.map_or_else(|| self.values(&half.keys_values), |v| v.view());
        [
            queries.slice(s![asked, own]),
            keys.slice(s![rows.clone(), shared.clone()]),
            values.slice_move(s![rows, shared]),
        ]
    }

    /// Scores before mask and softmax, scaled, capped and sloped,
    /// `[samples · heads · queries, length]`.
    pub(super) fn scores(&self, sight: Sight<'_>, half: &AttentionTrace<T>) -> Array2<T> {
        let (samples, count) = (sight.queries.samples(), self.heads.count);
        let rows = samples * count * sight.queries.per_sample();
        let mut result = Array2::zeros((rows, sight.length));
        for sample in 0..samples {
            for head in 0..count {
                let [query, keys, _] = self.of_head(sight, half, head, sample);
                let rows = sight.pattern_rows(count, sample, head);
                let mut scores = result.slice_mut(s![rows, ..]);
                matmul_into(scores.view_mut(), query, keys.t(), false);
                scores *= T::from_f64(self.heads.scale);
                self.cap_and_slope(sight, sample, head, scores);
            }
        }
        result
    }

    /// Caps scaled scores, and takes off what distance costs.
    fn cap_and_slope(
        &self,
        sight: Sight<'_>,
        sample: usize,
        head: usize,
        mut scores: ArrayViewMut2<'_, T>,
    ) {
        if let Some(cap) = self.heads.cap.map(T::from_f64) {
            scores.mapv_inplace(|x| cap * (x / cap).tanh());
        }
        if let Places::Alibi(alibi) = &self.heads.places {
            for ((query, key), score) in scores.indexed_iter_mut() {
                let own = alibi.at(head, sight.queries.position(sample, query));
                *score += T::from_f64(alibi.at(head, key) - own);
            }
        }
    }

    /// Products of queries and keys become shares of what is seen.
    fn softmax(
        &self,
        sight: Sight<'_>,
        sample: usize,
        head: usize,
        mut scores: ArrayViewMut2<'_, T>,
    ) {
        let plain = self.heads.cap.is_none() && !matches!(self.heads.places, Places::Alibi(_));
        let scale = T::from_f64(self.heads.scale);
        let scale = if plain {
            scale
        } else {
            scores *= scale;
            self.cap_and_slope(sight, sample, head, scores.view_mut());
            T::one()
        };
        for (query, row) in scores.rows_mut().into_iter().enumerate() {
            let position = sight.queries.position(sample, query);
            softmax_row(
                row_mut(row),
                scale,
                self.heads.visible(position, sight.length),
            );
        }
    }

    /// Gradients at queries and at keys and values as they were projected, given
    /// those at what heads hold; those at patterns go into `at_patterns`.
    pub(super) fn attend_backward(
        &self,
        rules: Rules,
        sight: Sight<'_>,
        half: &AttentionTrace<T>,
        at_held: &Array2<T>,
        mut at_patterns: Option<&mut Array2<T>>,
    ) -> (Array2<T>, Array2<T>) {
        let mut at_queries = Array2::zeros(half.queries.raw_dim());
        let mut at_keys_values = Array2::zeros(half.keys_values.raw_dim());
        let mut at_scores = Array2::zeros((sight.queries.per_sample(), sight.length));
        for sample in 0..sight.queries.samples() {
            for head in 0..self.heads.count {
                let (rows, columns) = (sight.query_rows(sample), self.heads.head_columns(head));
                let [query, keys, values] = self.of_head(sight, half, head, sample);
                let seen = sight.pattern_rows(self.heads.count, sample, head);
                let pattern = half.pattern.slice(s![seen.clone(), ..]);
                let given = at_held.slice(s![rows.clone(), columns.clone()]);
                matmul_into(at_scores.view_mut(), given, values.t(), false);
                if let Some(at_patterns) = &mut at_patterns {
                    at_patterns.slice_mut(s![seen, ..]).assign(&at_scores);
                }
                self.softmax_backward(&mut at_scores, pattern, query, keys);
                let at_query = at_queries.slice_mut(s![rows, columns]);
                matmul_into(at_query, at_scores.view(), keys, false);
                let first = self
                    .heads
                    .readers_of(Letter::K, self.heads.key_of(head))
                    .start;
                let (at_keys, at_values) =
                    self.split(sight, sample, head, at_keys_values.view_mut());
                matmul_into(at_keys, at_scores.t(), query, head > first);
                matmul_into(at_values, pattern.t(), given, head > first);
            }
        }
        self.prepare_backward(rules, sight, half, [&mut at_queries, &mut at_keys_values]);
        (at_queries, at_keys_values)
    }

    /// The keys and the values that a head reads in a sample.
    fn split<'x>(
        &self,
        sight: Sight<'_>,
        sample: usize,
        head: usize,
        keys_values: ArrayViewMut2<'x, T>,
    ) -> (ArrayViewMut2<'x, T>, ArrayViewMut2<'x, T>) {
        let from = self.heads.head_columns(self.heads.key_of(head));
        let total = self.heads.keys_total();
        let rows = sight.key_rows(sample);
        keys_values.multi_slice_move((
            s![rows.clone(), from.clone()],
            s![rows, total + from.start..total + from.end],
        ))
    }

    /// Gradients at queries and keys as they are compared become those as they
    /// were projected, in place.
    fn prepare_backward(
        &self,
        rules: Rules,
        sight: Sight<'_>,
        half: &AttentionTrace<T>,
        [at_queries, at_keys_values]: [&mut Array2<T>; 2],
    ) {
        let Some(prepared) = &half.prepared else {
            return;
        };
        let mut at_keys = at_keys_values
            .slice(s![.., ..self.heads.keys_total()])
            .to_owned();
        self.turn(sight, at_queries, at_keys.view_mut(), true);
        if let Some(clip) = self.heads.clip.map(T::from_f64) {
            let (queries, _) = normalise(self.query_norm.as_ref(), &half.queries);
            let total = self.heads.keys_total();
            let keys = half.keys_values.slice(s![.., ..total]).to_owned();
            let (keys, _) = normalise(self.key_norm.as_ref(), &keys);
            let at_values = at_keys_values.slice_mut(s![.., total..]);
            through_clip(clip, at_queries.view_mut(), queries.view());
            through_clip(clip, at_keys.view_mut(), keys.view());
            through_clip(clip, at_values, self.values(&half.keys_values));
        }
        through_norm(
            rules,
            self.query_norm.as_ref(),
            prepared.query_normed.as_ref(),
            at_queries,
        );
        through_norm(
            rules,
            self.key_norm.as_ref(),
            prepared.key_normed.as_ref(),
            &mut at_keys,
        );
        let mut place = at_keys_values.slice_mut(s![.., ..self.heads.keys_total()]);
        place.assign(&at_keys);
    }

    /// Turns gradients at patterns into gradients at products of queries and
    /// keys, in place.
    fn softmax_backward(
        &self,
        gradient: &mut Array2<T>,
        pattern: ArrayView2<'_, T>,
        query: ArrayView2<'_, T>,
        keys: ArrayView2<'_, T>,
    ) {
        let scale = T::from_f64(self.heads.scale);
        for (mut row, pattern) in gradient.rows_mut().into_iter().zip(pattern.rows()) {
            let mean: T = row.iter().zip(&pattern).map(|(g, p)| *g * *p).sum();
            row.zip_mut_with(&pattern, |g, p| *g = *p * (*g - mean) * scale);
        }
        if let Some(cap) = self.heads.cap.map(T::from_f64) {
            let mut scores = Array2::zeros(gradient.raw_dim());
            matmul_into(scores.view_mut(), query, keys.t(), false);
            gradient.zip_mut_with(&scores, |g, score| {
                let capped = (*score * scale / cap).tanh();
                *g *= T::one() - capped * capped;
            });
        }
    }
}

/// Gradients at clipped values as those at the values, in place.
fn through_clip<T: Scalar>(clip: T, mut at: ArrayViewMut2<'_, T>, values: ArrayView2<'_, T>) {
    at.zip_mut_with(&values, |at, x| {
        if x.abs() > clip {
            *at = T::zero();
        }
    });
}

/// Softmax of the visible scores of a row, times `scale`; zero elsewhere.
fn softmax_row<T: Scalar>(row: &mut [T], scale: T, visible: Range<usize>) {
    row[..visible.start].fill(T::zero());
    row[visible.end..].fill(T::zero());
    let seen = &mut row[visible];
    let largest = seen.iter().fold(T::neg_infinity(), |m, x| m.max(*x));
    seen.iter_mut().for_each(|x| *x = (*x - largest) * scale);
    T::exp_in_place(seen);
    let total: T = seen.iter().copied().sum();
    seen.iter_mut().for_each(|x| *x /= total);
}

/// All heads.
pub(super) fn all(heads: &Heads) -> Vec<usize> {
    (0..heads.count).collect()
}
