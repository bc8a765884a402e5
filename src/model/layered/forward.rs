//! The forward pass and its resumption.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, Ix2, concatenate, s};

use super::{Layered, Op, Shape, Term, Window};
use crate::model::PassHooks;
use crate::numeric::{Scalar, matmul_into};

/// All values of one pass, by number, each `[features, samples]`.
#[derive(Debug, Clone)]
pub struct Record<T> {
    /// The input first, the outputs last.
    pub values: Vec<Arc<Array2<T>>>,
}

/// The weights of a run in which some messages are not the network's own, by
/// affine layer; layers that are not named are as they are.
pub type Replaced<T> = BTreeMap<usize, Replacement<T>>;

/// The messages into one affine layer.
#[derive(Debug, Clone)]
pub struct Replacement<T> {
    /// Per term, the weights that carry what is read.
    pub live: Vec<Array2<T>>,
    /// What is added besides, `[features, samples]`; `None` for nothing.
    pub besides: Option<Array2<T>>,
}

impl<T: Scalar> Record<T> {
    /// `[outputs, samples]`
    #[must_use]
    pub fn outputs(&self) -> &Array2<T> {
        &self.values[self.values.len() - 1]
    }
}

impl<T: Scalar> Layered<T> {
    /// The whole pass on `inputs: [features, samples]`.
    #[must_use]
    pub fn forward(&self, inputs: Array2<T>) -> Record<T> {
        let begin = Record {
            values: vec![Arc::new(inputs)],
        };
        self.resume(&begin, 0, &Replaced::new())
    }

    /// The outputs `[outputs, samples]` alone.
    #[must_use]
    pub fn outputs(&self, inputs: Array2<T>) -> Array2<T> {
        self.forward(inputs).outputs().clone()
    }

    /// Resumes a pass before layer `first`, with some messages replaced; the
    /// values before are those of `before`.
    #[must_use]
    pub fn resume(&self, before: &Record<T>, first: usize, replaced: &Replaced<T>) -> Record<T> {
        let mut values = before.values[..=first].to_vec();
        for layer in first..self.layers.len() {
            values.push(Arc::new(self.compute(layer, &values, replaced.get(&layer))));
        }
        Record { values }
    }

    /// The outputs `[outputs, samples]` of a pass that hooks change. What a step that goes
    /// channel by channel reads belongs to the site that it writes, and is not changed.
    pub fn outputs_with(&self, inputs: Array2<T>, hooks: &mut dyn PassHooks<T>) -> Array2<T> {
        let mut own = vec![Arc::new(inputs)];
        let mut seen = Vec::new();
        for (layer, of) in self.layers.iter().enumerate() {
            seen.push(seen_of(&own[layer], layer, hooks));
            let read = if self.keeps_sites(&of.op) {
                &own
            } else {
                &seen
            };
            let mut written = self.compute(layer, read, None);
            if let Op::Affine { .. } = of.op {
                hooks.read(layer, &mut written);
            }
            own.push(Arc::new(written));
        }
        let last = self.layers.len();
        Arc::unwrap_or_clone(seen_of(&own[last], last, hooks))
    }

    /// Whether an operation goes channel by channel, so that what it writes is of the
    /// sites that it reads.
    #[must_use]
    pub fn keeps_sites(&self, op: &Op<T>) -> bool {
        match op {
            Op::Affine { .. } | Op::Sum(_) | Op::Norm(..) | Op::Gate(..) => false,
            Op::Flatten(read) => self.shape(*read).positions() == 1,
            Op::Activate(..)
            | Op::Scale { .. }
            | Op::MaxPool(..)
            | Op::AveragePool(..)
            | Op::Slice(..)
            | Op::Join(_) => true,
        }
    }

    /// What a layer writes.
    fn compute(
        &self,
        layer: usize,
        values: &[Arc<Array2<T>>],
        replacement: Option<&Replacement<T>>,
    ) -> Array2<T> {
        let shape = self.layers[layer].shape;
        match &self.layers[layer].op {
            Op::Affine { terms, bias } => {
                self.affine_forward(shape, terms, bias, values, replacement)
            }
            Op::Sum(reads) => sum(reads, values),
            Op::Activate(read, activation) => {
                let mut x = standard(&values[*read]);
                // `standard` has made the rows contiguous.
                activation.apply(x.as_slice_mut().unwrap_or_default());
                x
            }
            Op::Scale { read, weight, bias } => {
                let x = &values[*read];
                let channel = |row: usize| row / shape.positions();
                let scaled = |row: usize, column: usize| {
                    x[[row, column]] * weight[channel(row)] + bias[channel(row)]
                };
                Array2::from_shape_fn(x.raw_dim(), |(row, column)| scaled(row, column))
            }
            Op::Norm(read, norm) => norm.forward(&values[*read]),
            Op::MaxPool(read, window) => {
                pool(&values[*read], self.shape(*read), *window, |under, _| {
                    largest(under)
                })
            }
            Op::AveragePool(read, window) => {
                let counts = window.counts(self.shape(*read));
                pool(
                    &values[*read],
                    self.shape(*read),
                    *window,
                    |under, place| mean(under, counts[place]),
                )
            }
            Op::Flatten(read) => values[*read].as_ref().clone(),
            Op::Slice(read, from) => values[*read]
                .slice(s![*from..from + shape.features(), ..])
                .to_owned(),
            Op::Join(reads) => {
                let views: Vec<_> = reads.iter().map(|read| values[*read].view()).collect();
                concatenate(Axis(0), &views).unwrap_or_else(|_| unreachable_widths())
            }
            Op::Gate(a, b) => &*values[*a] * &*values[*b],
        }
    }

    fn affine_forward(
        &self,
        shape: Shape,
        terms: &[Term],
        bias: &Array1<T>,
        values: &[Arc<Array2<T>>],
        replacement: Option<&Replacement<T>>,
    ) -> Array2<T> {
        let samples = values[0].ncols();
        let mut result = Array2::zeros((shape.channels, shape.positions() * samples));
        result += &bias.view().insert_axis(Axis(1));
        for (index, term) in terms.iter().enumerate() {
            let own = self.parameters[term.parameter].weight.view();
            let weight = replacement.map_or(own, |replaced| replaced.live[index].view());
            self.add_messages(term, weight, values[term.read].view(), &mut result);
        }
        let mut result = as_features(result, shape, samples);
        if let Some(besides) = replacement.and_then(|replaced| replaced.besides.as_ref()) {
            result += besides;
        }
        result
    }

    /// Adds what a term brings of `read: [features, samples]` through `weight`
    /// to `result: [channels, positions · samples]`.
    fn add_messages(
        &self,
        term: &Term,
        weight: ArrayView2<'_, T>,
        read: ArrayView2<'_, T>,
        result: &mut Array2<T>,
    ) {
        for group in 0..self.parameters[term.parameter].groups {
            let rows = self.readers_of(term, group);
            let seen = self.seen(term, group, read);
            let into = result.slice_mut(s![rows.clone(), ..]);
            matmul_into(into, weight.slice(s![rows, ..]), seen.view(), true);
        }
    }

    /// What a term brings of `read: [features, samples]` through `weight`,
    /// `[features, samples]`.
    #[must_use]
    pub fn messages(
        &self,
        layer: usize,
        term: &Term,
        weight: ArrayView2<'_, T>,
        read: ArrayView2<'_, T>,
    ) -> Array2<T> {
        let (shape, samples) = (self.layers[layer].shape, read.ncols());
        let mut result = Array2::zeros((shape.channels, shape.positions() * samples));
        self.add_messages(term, weight, read, &mut result);
        as_features(result, shape, samples)
    }

    /// The readers of one group of a term.
    pub(super) fn readers_of(&self, term: &Term, group: usize) -> Range<usize> {
        let readers = self.parameters[term.parameter].readers_per_group();
        group * readers..(group + 1) * readers
    }

    /// The channels that one group of a term reads.
    pub(super) fn channels_of(&self, term: &Term, group: usize) -> Range<usize> {
        let writers = self.parameters[term.parameter].writers();
        group * writers..(group + 1) * writers
    }

    /// What the readers of a group see of `read: [features, samples]`, once for
    /// every place: `[writers · taps, positions · samples]`.
    #[must_use]
    pub fn seen<'r>(
        &self,
        term: &Term,
        group: usize,
        read: ArrayView2<'r, T>,
    ) -> CowArray<'r, T, Ix2> {
        let channels = self.channels_of(term, group);
        match term.window {
            Some(window) => window.patches(read, self.shape(term.read), channels).into(),
            None => read.slice_move(s![channels, ..]).into(),
        }
    }
}

/// A value as other sites see it.
fn seen_of<T: Scalar>(
    own: &Arc<Array2<T>>,
    value: usize,
    hooks: &mut dyn PassHooks<T>,
) -> Arc<Array2<T>> {
    if !hooks.touches(value) {
        return Arc::clone(own);
    }
    let mut seen = own.as_ref().clone();
    hooks.written(value, &mut seen);
    Arc::new(seen)
}

/// `[channels, positions · samples]` as `[features, samples]`: the same numbers.
fn as_features<T: Scalar>(maps: Array2<T>, shape: Shape, samples: usize) -> Array2<T> {
    let mut numbers = maps.into_raw_vec_and_offset().0;
    numbers.truncate(shape.features() * samples);
    Array2::from_shape_vec((shape.features(), samples), numbers)
        .unwrap_or_else(|_| unreachable_widths())
}

/// Layers are built with shapes that fit: a misfit is a fault of this program.
fn unreachable_widths<T>() -> T {
    unreachable!("layers are built with shapes that fit")
}

fn standard<T: Scalar>(x: &Array2<T>) -> Array2<T> {
    x.as_standard_layout().into_owned()
}

fn sum<T: Scalar>(reads: &[usize], values: &[Arc<Array2<T>>]) -> Array2<T> {
    let mut reads = reads.iter();
    let first = reads.next().map_or(0, |read| *read);
    let mut total = standard(&values[first]);
    reads.for_each(|read| total += &*values[*read]);
    total
}

/// One number per place of a window, of the entries there that are not padding, and its
/// number.
fn pool<T: Scalar>(
    maps: &Array2<T>,
    shape: Shape,
    window: Window,
    of: impl Fn(&mut dyn Iterator<Item = T>, usize) -> T,
) -> Array2<T> {
    let sources = window.sources(shape);
    let places = sources.len() / window.taps().max(1);
    Array2::from_shape_fn((shape.channels * places, maps.ncols()), |(row, sample)| {
        let (channel, place) = (row / places, row % places);
        let mut under = (0..window.taps())
            .filter_map(|tap| sources[tap * places + place])
            .map(|source| maps[[channel * shape.positions() + source, sample]]);
        of(&mut under, place)
    })
}

fn largest<T: Scalar>(under: &mut dyn Iterator<Item = T>) -> T {
    // NaN goes through, as in the frameworks.
    under.fold(T::neg_infinity(), |most, x| {
        if x > most || x.is_nan() { x } else { most }
    })
}

fn mean<T: Scalar>(under: &mut dyn Iterator<Item = T>, count: usize) -> T {
    let sum = under.fold(T::zero(), |sum, x| sum + x);
    sum / T::from_f64(count as f64)
}

/// The entry under a window that [`Op::MaxPool`] takes: the first of the largest.
pub(super) fn taken<T: Scalar>(
    maps: &Array2<T>,
    sample: usize,
    under: impl Iterator<Item = usize>,
) -> Option<usize> {
    under.fold(None, |best: Option<usize>, row| match best {
        Some(best) if maps[[best, sample]] >= maps[[row, sample]] => Some(best),
        _ => Some(row),
    })
}
