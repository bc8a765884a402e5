//! What a fill writes less what the clean run writes, for every writer.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, s};

use crate::model::transformer::{SequenceTrace, Transformer};
use crate::model::{Components, Sequences};
use crate::numeric::{Scalar, matmul_into};

/// What all writers of a run have written, before the matrices they write through.
#[derive(Debug, Clone)]
pub(super) struct Written<T> {
    /// Token embedding, `[rows, d]`.
    pub tokens: Array2<T>,
    /// Position embedding, `[rows, d]`; zeros where there is none.
    pub positions: Array2<T>,
    /// Per block, `[queries, heads · width]`.
    pub held: Vec<Array2<T>>,
    /// Per block, `[queries, hidden]`.
    pub hidden: Vec<Array2<T>>,
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

impl<T: Scalar> Written<T> {
    /// What a run has written.
    pub fn of(
        model: &Transformer<T>,
        inputs: &crate::model::transformer::SequenceInputs<T>,
        trace: &SequenceTrace<T>,
    ) -> Self {
        let tokens = model.embed(inputs);
        let everywhere = &trace.everywhere;
        Self {
            positions: model
                .position_rows(everywhere.samples(), everywhere.per_sample())
                .unwrap_or_else(|| Array2::zeros(tokens.raw_dim())),
            tokens,
            held: trace.attention.iter().map(|a| a.held.clone()).collect(),
            hidden: trace.mlp.iter().map(|m| m.hidden.clone()).collect(),
            biases: true,
        }
    }

    /// The same shapes, with every array made by `make`.
    pub fn map(&self, biases: bool, make: impl Fn(&Array2<T>) -> Array2<T>) -> Self {
        Self {
            tokens: make(&self.tokens),
            positions: make(&self.positions),
            held: self.held.iter().map(&make).collect(),
            hidden: self.hidden.iter().map(&make).collect(),
            biases,
        }
    }

    /// All arrays, in one fixed order.
    pub fn arrays(&self) -> Vec<&Array2<T>> {
        let first = [&self.tokens, &self.positions];
        first
            .into_iter()
            .chain(&self.held)
            .chain(&self.hidden)
            .collect()
    }

    /// The same with these arrays, in that order.
    pub fn with(&self, arrays: Vec<Array2<T>>) -> Self {
        let mut changed = self.clone();
        let first = [&mut changed.tokens, &mut changed.positions];
        let rest = changed.held.iter_mut().chain(&mut changed.hidden);
        for (old, new) in first.into_iter().chain(rest).zip(arrays) {
            *old = new;
        }
        changed
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
        let layers = sites.layers();
        let early = sites.first_head(layers - 1);
        let mut result = Self {
            everywhere: Array2::zeros((early, rows * d)),
            readings: Array2::zeros((sites.writer_count(), part.answers.len() * d)),
            d,
        };
        let tokens = &fill.tokens - &clean.tokens;
        let positions = &fill.positions - &clean.positions;
        if sites.inputs() == 1 {
            result.set(part, 0, &(tokens + positions));
        } else {
            result.set(part, 0, &tokens);
            result.set(part, 1, &positions);
        }
        for layer in 0..layers {
            let block = &model.blocks[layer];
            let held = &fill.held[layer] - &clean.held[layer];
            for head in 0..sites.heads() {
                let from = head * model.heads.width;
                let held = held.slice(s![.., from..from + model.heads.width]);
                let difference = product(held, block.head_out(model.heads, head));
                result.set(part, sites.first_head(layer) + head, &difference);
            }
            let hidden = &fill.hidden[layer] - &clean.hidden[layer];
            let mut difference = product(hidden.view(), block.down.view());
            if fill.biases != clean.biases {
                let bias: Array1<T> = block.down_bias.mapv(|b| if fill.biases { b } else { -b });
                difference += &bias;
            }
            result.set(part, sites.mlp_writer(layer), &difference);
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
        let into = |mut target: ndarray::ArrayViewMut1<'_, T>, values: &Array2<T>| {
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

    /// Of the first writers, `[writers, rows · d]` or `[writers, readings · d]`.
    #[must_use]
    pub fn of_first(&self, writers: usize, rows: Rows) -> ArrayView2<'_, T> {
        match rows {
            Rows::Everywhere => self.everywhere.slice(s![..writers, ..]),
            Rows::Readings => self.readings.slice(s![..writers, ..]),
        }
    }

    /// The same, to be changed.
    pub(super) fn of_first_mut(&mut self, writers: usize, rows: Rows) -> ArrayViewMut2<'_, T> {
        match rows {
            Rows::Everywhere => self.everywhere.slice_mut(s![..writers, ..]),
            Rows::Readings => self.readings.slice_mut(s![..writers, ..]),
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
            .unwrap_or_else(|_| self.of_first(0, rows))
    }

    /// Σ of those of a range of writers, `[rows, d]` or `[readings, d]`.
    #[must_use]
    pub fn sum(&self, writers: std::ops::Range<usize>, rows: Rows) -> Array2<T> {
        let length = self.of_first(0, rows).ncols();
        let mut total = Array2::zeros((length / self.d, self.d));
        for writer in writers {
            total += &self.of(writer, rows);
        }
        total
    }
}

pub(super) fn product<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Array2<T> {
    let mut result = Array2::zeros((a.nrows(), b.ncols()));
    matmul_into(result.view_mut(), a, b, false);
    result
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
