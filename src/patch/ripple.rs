//! What changes downstream when one more edge is patched.
//!
//! One edge changes what one site reads; from there the change spreads along
//! the unpatched edges. Only sites it reaches are recomputed: in a pruned
//! network a handful, in a dense one everything from the next layer on. Per
//! sample, a first-layer edge of an n-m-m-k network costs one activation and m
//! multiplications, then m activations and m·k multiplications.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, Zip};

use super::engine::{Engine, State};
use super::fill::Filling;
use super::patchable::Patchable as _;
use crate::model::Activations;
use crate::numeric::{Activation, Scalar, matmul_into};

/// A reader: its linear layer, and its place in the layer after.
pub(super) type Place = (usize, usize);

/// Which sites are recomputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All that the change reaches.
    All,
    /// Those of them that an unpatched edge reads: for outputs that are looked at and not kept.
    Read,
}

/// The change that one edge makes, and room to compute the next.
#[derive(Debug, Clone)]
pub(super) struct Ripple<T> {
    /// The hidden layers (and the outputs) that the change reaches.
    reached: Vec<Reached<T>>,
    /// The outputs after the change, `[outputs, samples]`.
    outputs: Array2<T>,
    /// The change of what the edge's reader reads, `[1, samples]`.
    message: Array2<T>,
    /// Layer of sites whose values change first; the number of linear layers for the outputs.
    first: usize,
}

/// The change of one layer of sites.
#[derive(Debug, Clone)]
struct Reached<T> {
    /// The sites whose values change, in order.
    rows: Vec<usize>,
    /// The change of their values, `[width, samples]`; zero in other rows only after a `clear`.
    change: Array2<T>,
}

/// Up to this share of non-zero weights, rows are added one by one; above, by a
/// matrix product, which does more arithmetic but faster.
const SPARSE: usize = 4;

impl<T: Scalar> Ripple<T> {
    pub(super) fn new(engine: &Engine<'_, T>) -> Self {
        let samples = engine.samples();
        let reached = |width: &usize| Reached {
            rows: Vec::new(),
            change: Array2::zeros((*width, samples)),
        };
        let widths = engine.sites().widths();
        Self {
            reached: widths.iter().map(reached).collect(),
            outputs: Array2::zeros((widths[widths.len() - 1], samples)),
            message: Array2::zeros((1, samples)),
            first: 0,
        }
    }

    /// The outputs after the last `toggle`.
    pub(super) fn outputs(&self) -> ArrayView2<'_, T> {
        self.outputs.view()
    }

    /// Computes what follows when `edge` changes between live and patched.
    pub(super) fn toggle(&mut self, engine: &Engine<'_, T>, state: &State<T>, number: usize) {
        let edge = engine.sites().edge_at(number);
        self.message_change(engine, state, number);
        self.follow(engine, state, (edge.layer, edge.to), Which::All);
    }

    /// Computes what follows when a reader reads so much more, by sample.
    pub(super) fn nudge(
        &mut self,
        engine: &Engine<'_, T>,
        state: &State<T>,
        place: Place,
        which: Which,
        change: impl Fn(usize) -> T,
    ) {
        let message = row_mut_of(&mut self.message, 0).iter_mut().enumerate();
        message.for_each(|(sample, m)| *m = change(sample));
        self.follow(engine, state, place, which);
    }

    /// By sample, what `edge` changes in what its reader reads.
    pub(super) fn message(
        &mut self,
        engine: &Engine<'_, T>,
        state: &State<T>,
        edge: usize,
        change: &mut Vec<f64>,
    ) {
        self.message_change(engine, state, edge);
        change.clear();
        change.extend(row_of(&self.message, 0).iter().map(|m| m.widen()));
    }

    /// Computes what follows when a reader reads what the message says besides.
    fn follow(
        &mut self,
        engine: &Engine<'_, T>,
        state: &State<T>,
        (layer, to): Place,
        which: Which,
    ) {
        self.first = layer + 1;
        self.outputs.assign(&state.outputs());
        let depth = engine.model().layers.len();
        if self.first == depth {
            let mut output = self.outputs.row_mut(to);
            output += &self.message.row(0);
            return;
        }
        let activations = &engine.model().activation;
        self.first_site(activations.of(layer, to), state, to);
        for layer in self.first..depth - 1 {
            self.spread(activations, state, layer, which);
        }
        self.arrive(state, depth - 1);
    }

    /// Writes the change of the last `toggle` into the state.
    pub(super) fn commit(&mut self, engine: &Engine<'_, T>, state: &mut State<T>, number: usize) {
        let edge = engine.sites().edge_at(number);
        self.keep(engine, state, (edge.layer, edge.to));
        state.flip(engine, number);
    }

    /// Writes the change of the last `nudge` into the state's run.
    pub(super) fn keep(
        &mut self,
        engine: &Engine<'_, T>,
        state: &mut State<T>,
        (layer, to): Place,
    ) {
        let depth = engine.model().layers.len();
        if self.first < depth {
            let mut read = state.trace.reads[layer].row_mut(to);
            read += &self.message.row(0);
        }
        for layer in self.first..depth {
            let (change, rows) = (&self.reached[layer].change, &self.reached[layer].rows);
            for row in rows {
                let mut value = state.trace.values[layer].row_mut(*row);
                value += &change.row(*row);
            }
            if layer + 1 < depth {
                for row in &self.reached[layer + 1].rows {
                    let weights = state.live[layer].row(*row);
                    let read = row_mut_of(&mut state.trace.reads[layer], *row);
                    add_changes(read, weights, change, rows);
                }
            }
        }
        state.trace.values[depth].assign(&self.outputs);
    }

    /// `w · (fill − value)` when the edge becomes patched, the opposite when it is restored.
    fn message_change(&mut self, engine: &Engine<'_, T>, state: &State<T>, number: usize) {
        let edge = engine.sites().edge_at(number);
        let weight = engine.model().layers[edge.layer].weight[[edge.to, edge.from]];
        let signed = if state.patched.contains(number) {
            -weight
        } else {
            weight
        };
        let values = state.trace.values[edge.layer].row(edge.from);
        let zip = Zip::from(self.message.row_mut(0)).and(values);
        match engine.fills().of(edge.layer, edge.from) {
            Filling::Constant(fill) => zip.for_each(|m, v| *m = signed * (fill - *v)),
            Filling::PerSample(fill) => zip.and(fill).for_each(|m, v, f| *m = signed * (*f - *v)),
        }
    }

    /// The change of the edge's reader itself.
    fn first_site(&mut self, activation: Activation, state: &State<T>, site: usize) {
        let reached = &mut self.reached[self.first];
        reached.rows.clear();
        reached.rows.push(site);
        let message = std::iter::once((T::one(), row_of(&self.message, 0)));
        let read = row_of(&state.trace.reads[self.first - 1], site);
        let value = row_of(&state.trace.values[self.first], site);
        change_value(
            activation,
            row_mut_of(&mut reached.change, site),
            read,
            value,
            message,
        );
    }

    /// The change of hidden layer `layer + 1`, given that of hidden layer `layer`.
    fn spread(&mut self, activations: &Activations, state: &State<T>, layer: usize, which: Which) {
        let (before, after) = self.reached.split_at_mut(layer + 1);
        let (source, target) = (&mut before[layer], &mut after[0]);
        let weights = &state.live[layer];
        let next = state.live.get(layer + 1).filter(|_| which == Which::Read);
        let is_read = |site: usize| {
            next.is_none_or(|next| next.column(site).iter().any(|weight| !weight.is_zero()))
        };
        let connections = readers_of(weights, &source.rows, &mut target.rows, is_read);
        let reads = &state.trace.reads[layer];
        let values = &state.trace.values[layer + 1];
        if connections * SPARSE < weights.len() {
            for row in &target.rows {
                let terms = terms(weights.row(*row), &source.change, &source.rows);
                let (read, value) = (row_of(reads, *row), row_of(values, *row));
                let change = row_mut_of(&mut target.change, *row);
                change_value(activations.of(layer, *row), change, read, value, terms);
            }
        } else {
            source.clear_others();
            target.change.assign(reads);
            let changes = source.change.view();
            matmul_into(target.change.view_mut(), weights.view(), changes, true);
            for row in &target.rows {
                let change = row_mut_of(&mut target.change, *row);
                activations.of(layer, *row).apply(change);
                subtract(change, row_of(values, *row));
            }
        }
    }

    /// The change of the outputs, given that of the last hidden layer.
    fn arrive(&mut self, state: &State<T>, layer: usize) {
        let source = &mut self.reached[layer];
        let weights = &state.live[layer];
        if source.rows.len() * SPARSE < weights.ncols() {
            for (output, weights) in weights.rows().into_iter().enumerate() {
                let target = row_mut_of(&mut self.outputs, output);
                add_changes(target, weights, &source.change, &source.rows);
            }
        } else {
            source.clear_others();
            matmul_into(
                self.outputs.view_mut(),
                weights.view(),
                source.change.view(),
                true,
            );
        }
    }
}

impl<T: Scalar> Reached<T> {
    /// Sets the rows that do not change to zero.
    fn clear_others(&mut self) {
        let mut rows = self.rows.iter().peekable();
        for (index, mut row) in self.change.axis_iter_mut(Axis(0)).enumerate() {
            if rows.next_if(|next| **next == index).is_none() {
                row.fill(T::zero());
            }
        }
    }
}

/// Lists the readers that any of `sources` reaches by a non-zero weight, of those that
/// `counts`, and returns the number of such weights.
fn readers_of<T: Scalar>(
    weights: &Array2<T>,
    sources: &[usize],
    readers: &mut Vec<usize>,
    counts: impl Fn(usize) -> bool,
) -> usize {
    readers.clear();
    let mut connections = 0;
    for (reader, row) in weights.rows().into_iter().enumerate() {
        let reached = sources
            .iter()
            .filter(|source| row[**source] != T::zero())
            .count();
        if reached > 0 && counts(reader) {
            readers.push(reader);
            connections += reached;
        }
    }
    connections
}

/// The weights and changes of the sources that a reader hears.
fn terms<'a, T: Scalar>(
    weights: ArrayView1<'a, T>,
    change: &'a Array2<T>,
    rows: &'a [usize],
) -> impl Iterator<Item = (T, &'a [T])> + Clone {
    let term = move |row: &usize| (weights[*row], row_of(change, *row));
    rows.iter()
        .map(term)
        .filter(|(weight, _)| !weight.is_zero())
}

/// `target += Σ weight · change` over the sources that change.
fn add_changes<T: Scalar>(
    target: &mut [T],
    weights: ArrayView1<'_, T>,
    change: &Array2<T>,
    rows: &[usize],
) {
    for (weight, change) in terms(weights, change, rows) {
        add_scaled(target, weight, change);
    }
}

/// `change = σ(read + Σ weight · source) − value`, a block of samples at a time
/// so that all passes but the first find their numbers in the nearest cache.
fn change_value<'a, T: Scalar>(
    activation: Activation,
    change: &mut [T],
    read: &[T],
    value: &[T],
    sources: impl Iterator<Item = (T, &'a [T])> + Clone,
) {
    const BLOCK: usize = 512;
    for (index, change) in change.chunks_mut(BLOCK).enumerate() {
        let samples = index * BLOCK..index * BLOCK + change.len();
        change.copy_from_slice(&read[samples.clone()]);
        for (weight, source) in sources.clone() {
            add_scaled(change, weight, &source[samples.clone()]);
        }
        activation.apply(change);
        subtract(change, &value[samples]);
    }
}

fn add_scaled<T: Scalar>(target: &mut [T], weight: T, source: &[T]) {
    for (t, s) in target.iter_mut().zip(source) {
        *t += weight * *s;
    }
}

fn subtract<T: Scalar>(target: &mut [T], other: &[T]) {
    for (t, o) in target.iter_mut().zip(other) {
        *t -= *o;
    }
}

/// One site's values over the samples. Every array here is in standard layout.
fn row_of<T>(values: &Array2<T>, row: usize) -> &[T] {
    let width = values.ncols();
    values
        .as_slice()
        .map_or(&[], |all| &all[row * width..(row + 1) * width])
}

fn row_mut_of<T>(values: &mut Array2<T>, row: usize) -> &mut [T] {
    let width = values.ncols();
    match values.as_slice_mut() {
        Some(all) => &mut all[row * width..(row + 1) * width],
        None => &mut [],
    }
}
