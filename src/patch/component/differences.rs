//! What a fill writes less what the clean run writes, for every writer.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, CowArray, Ix2, s};

use crate::model::transformer::{SequenceInputs, SequenceTrace, Transformer, Writer, product};
use crate::model::{Components, Sequences};
use crate::numeric::{Scalar, matmul_into};
use crate::patch::recorded::Recorded;

/// What all writers of a run have written, most before the matrices they write through.
#[derive(Debug, Clone)]
pub(super) struct Written<T> {
    /// Token embedding, or what the norm makes of all embeddings, `[rows, d]`.
    pub tokens: Array2<T>,
    /// Position embedding, `[rows, d]`; zeros where there is none by itself.
    pub positions: Array2<T>,
    /// Per block, `[queries, heads · width]`; `[queries, d]` where all heads are one writer.
    pub held: Vec<Array2<T>>,
    /// Per block, `[queries, hidden]`; `[queries, d]` where what the MLP writes
    /// is normalised, no columns where there is none.
    pub hidden: Vec<Array2<T>>,
    /// Norms of the stream after sublayers, `[queries, d]` each.
    pub norms: Vec<Array2<T>>,
    /// Whether the MLPs' biases are written too.
    pub biases: bool,
}

/// *fill − clean* of every writer.
#[derive(Debug, Clone)]
pub struct Differences<T> {
    /// `[writers before the last attention, rows · d]`
    everywhere: Array2<T>,
    /// `[writers, readings · d]`
    readings: Array2<T>,
    d: usize,
}

/// Which rows a reader reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All positions of all samples.
    Everywhere,
    /// Only where answers are read.
    Readings,
}

impl<T: Scalar> Recorded<T> for Written<T> {
    fn of(model: &Transformer<T>, inputs: &SequenceInputs<T>, trace: &SequenceTrace<T>) -> Self {
        let tokens = model.embed(inputs);
        let (samples, length) = (trace.everywhere.samples(), trace.everywhere.per_sample());
        let apart = model.embeds_apart();
        let positions = model.position_rows(samples, length).filter(|_| apart);
        let zeros = Array2::zeros((tokens.nrows(), model.width()));
        let none = |layer: usize| Array2::zeros((trace.attention[layer].held.nrows(), 0));
        let message = |sublayer: usize| trace.normed_message(sublayer).cloned();
        let held = |layer: usize| {
            message(2 * layer).unwrap_or_else(|| trace.attention[layer].held.clone())
        };
        let hidden = |layer: usize| match &trace.mlp[layer] {
            Some(mlp) => message(2 * layer + 1).unwrap_or_else(|| mlp.hidden.clone()),
            None => none(layer),
        };
        let layers = 0..model.blocks.len();
        let sums = (0..2 * layers.end).filter(|sublayer| trace.is_normalised(*sublayer));
        Self {
            tokens: match apart {
                true => tokens,
                false => trace.stream_before(0).clone(),
            },
            positions: positions.unwrap_or(zeros),
            held: layers.clone().map(held).collect(),
            hidden: layers.map(hidden).collect(),
            norms: sums.map(|sublayer| trace.sum(model, sublayer)).collect(),
            biases: true,
        }
    }

    fn zero(&self) -> Self {
        let mut result = self.clone();
        let arrays = result.arrays_mut().into_iter();
        arrays.for_each(|array| array.fill(T::zero()));
        result.biases = false;
        result
    }

    fn arrays(&self) -> Vec<&Array2<T>> {
        let first = [&self.tokens, &self.positions];
        let rest = self.held.iter().chain(&self.hidden).chain(&self.norms);
        first.into_iter().chain(rest).collect()
    }

    fn arrays_mut(&mut self) -> Vec<&mut Array2<T>> {
        let first = [&mut self.tokens, &mut self.positions];
        let rest = self.held.iter_mut().chain(&mut self.hidden);
        first
            .into_iter()
            .chain(rest)
            .chain(&mut self.norms)
            .collect()
    }
}

impl<T: Scalar> Differences<T> {
    /// Of a fill and a clean run on the samples of `part`.
    pub(super) fn new(
        model: &Transformer<T>,
        sites: &Components,
        part: &Sequences<T>,
        fill: &Written<T>,
        clean: &Written<T>,
    ) -> Self {
        let (rows, d) = clean.tokens.dim();
        let writers = sites.writer_count();
        let early = (0..writers).filter(|writer| !sites.writes_answers_only(*writer));
        let mut result = Self {
            everywhere: Array2::zeros((early.count(), rows * d)),
            readings: Array2::zeros((writers, part.answers.len() * d)),
            d,
        };
        let mut norms = fill.norms.iter().zip(&clean.norms);
        for writer in 0..writers {
            let difference = match sites.writer_at(writer) {
                Writer::Input => {
                    &fill.tokens - &clean.tokens + &(&fill.positions - &clean.positions)
                }
                Writer::TokenEmbedding => &fill.tokens - &clean.tokens,
                Writer::PositionEmbedding => &fill.positions - &clean.positions,
                Writer::Head { layer, head } => {
                    let attention = &model.blocks[layer].attention;
                    let columns = attention.heads.head_columns(head);
                    let of = |run: &Written<T>| {
                        run.held[layer].slice(s![.., columns.clone()]).to_owned()
                    };
                    product((of(fill) - of(clean)).view(), attention.head_out(head))
                }
                Writer::Heads { layer } => &fill.held[layer] - &clean.held[layer],
                Writer::Mlp { layer } => of_mlp(model, layer, fill, clean),
                Writer::Norm { .. } => match norms.next() {
                    Some((fill, clean)) => fill - clean,
                    None => unreachable!("every norm in the stream is recorded"),
                },
            };
            result.set(part, writer, &difference);
        }
        result
    }

    /// The same shapes, all zero.
    pub(super) fn zeros(&self) -> Self {
        Self {
            everywhere: Array2::zeros(self.everywhere.raw_dim()),
            readings: Array2::zeros(self.readings.raw_dim()),
            d: self.d,
        }
    }

    /// Whether a writer writes at all positions: those of the last block write
    /// only where answers are read.
    pub(super) fn is_early(&self, writer: usize) -> bool {
        writer < self.everywhere.nrows()
    }

    /// Takes a writer's difference, `[rows, d]` or, in the last block, `[readings, d]`.
    pub(super) fn set(&mut self, part: &Sequences<T>, writer: usize, difference: &Array2<T>) {
        let into = |mut target: ArrayViewMut1<'_, T>, values: &Array2<T>| {
            target.iter_mut().zip(values).for_each(|(t, v)| *t = *v);
        };
        if self.is_early(writer) {
            into(self.everywhere.row_mut(writer), difference);
            into(
                self.readings.row_mut(writer),
                &part.answers.rows_of(difference),
            );
        } else {
            into(self.readings.row_mut(writer), difference);
        }
    }

    /// Of these writers, `[writers, rows · d]` or `[writers, readings · d]`.
    #[must_use]
    pub fn of_range(&self, writers: Range<usize>, rows: Rows) -> ArrayView2<'_, T> {
        match rows {
            Rows::Everywhere => self.everywhere.slice(s![writers, ..]),
            Rows::Readings => self.readings.slice(s![writers, ..]),
        }
    }

    /// The same, to be changed.
    pub(super) fn of_range_mut(
        &mut self,
        writers: Range<usize>,
        rows: Rows,
    ) -> ArrayViewMut2<'_, T> {
        match rows {
            Rows::Everywhere => self.everywhere.slice_mut(s![writers, ..]),
            Rows::Readings => self.readings.slice_mut(s![writers, ..]),
        }
    }

    /// Of one writer, `[rows, d]` or `[readings, d]`.
    #[must_use]
    pub fn of(&self, writer: usize, rows: Rows) -> ArrayView2<'_, T> {
        let source = match rows {
            Rows::Everywhere => &self.everywhere,
            Rows::Readings => &self.readings,
        };
        let shape = (source.ncols() / self.d, self.d);
        source
            .row(writer)
            .into_shape_with_order(shape)
            .unwrap_or_else(|_| unreachable!("a writer's rows stand one behind the other"))
    }

    /// Σ of those of a range of writers, `[rows, d]` or `[readings, d]`.
    #[must_use]
    pub fn sum(&self, writers: Range<usize>, rows: Rows) -> Array2<T> {
        let length = self.of_range(0..0, rows).ncols();
        let mut total = Array2::zeros((length / self.d, self.d));
        for writer in writers {
            total += &self.of(writer, rows);
        }
        total
    }
}

/// *fill − clean* of what an MLP writes, biases included where one of them has none.
fn of_mlp<T: Scalar>(
    model: &Transformer<T>,
    layer: usize,
    fill: &Written<T>,
    clean: &Written<T>,
) -> Array2<T> {
    let values = &fill.hidden[layer] - &clean.hidden[layer];
    let Some(mlp) = &model.blocks[layer].mlp else {
        unreachable!("a block without an MLP has no writer of one");
    };
    if mlp.norms.after.is_some() {
        return values;
    }
    let mut difference = product(values.view(), mlp.down.view());
    if fill.biases != clean.biases {
        let sign = if fill.biases { T::one() } else { -T::one() };
        difference += &(&mlp.down_bias * sign);
    }
    difference
}

/// The rows of one of `positions` positions, `[n, samples · d]`, of
/// `x: [n, samples · positions · d]`.
#[must_use]
pub fn at_position<T: Scalar>(
    x: ArrayView2<'_, T>,
    [position, positions, d]: [usize; 3],
) -> CowArray<'_, T, Ix2> {
    if positions <= 1 {
        return x.into();
    }
    let (n, columns) = x.dim();
    let samples = columns / (positions * d);
    let standard = "rows stand one behind the other";
    let x = x
        .into_shape_with_order((n, samples, positions, d))
        .unwrap_or_else(|_| unreachable!("{standard}"));
    let rows = x.slice_move(s![.., .., position, ..]).to_owned();
    rows.into_shape_with_order((n, samples * d))
        .unwrap_or_else(|_| unreachable!("{standard}"))
        .into()
}

/// `target += factor of the row's position · values`, both `[samples · positions · d]`.
pub(super) fn add_by_position<T: Scalar>(
    target: ArrayViewMut1<'_, T>,
    factors: &[T],
    values: ArrayView1<'_, T>,
    d: usize,
) {
    // One factor is that of all rows, as if they were one.
    let row = if factors.len() == 1 { target.len() } else { d };
    let (Some(target), Some(values)) = (target.into_slice(), values.to_slice()) else {
        unreachable!("a writer's rows stand one behind the other");
    };
    let rows = target.chunks_mut(row.max(1)).zip(values.chunks(row.max(1)));
    for ((target, values), factor) in rows.zip(factors.iter().cycle()) {
        let pairs = target.iter_mut().zip(values);
        pairs.for_each(|(t, v)| *t += *factor * *v);
    }
}

/// `a · bᵀ`, `[m, n]`, of `a: [m, k]` and `b: [n, k]` with a long k: blocks in
/// the networks' precision, their sum in f64.
#[must_use]
pub fn products<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Array2<f64> {
    const BLOCK: usize = 4096;
    let mut total = Array2::zeros((a.nrows(), b.nrows()));
    let mut block = Array2::zeros((a.nrows(), b.nrows()));
    for from in (0..a.ncols()).step_by(BLOCK) {
        let columns = from..(from + BLOCK).min(a.ncols());
        let (a, b) = (a.slice(s![.., columns.clone()]), b.slice(s![.., columns]));
        matmul_into(block.view_mut(), a, b.t(), false);
        total.zip_mut_with(&block, |t: &mut f64, x: &T| *t += x.widen());
    }
    total
}
