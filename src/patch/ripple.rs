//! What changes downstream when one more edge is patched.
//!
//! One edge changes what one site reads; from there the change spreads along
//! the unpatched edges. Only sites it reaches are recomputed: in a pruned
//! network a handful, in a dense one everything from the next layer on. Per
//! sample, a first-layer edge of an n-m-m-k network costs one activation and m
//! multiplications, then m activations and m·k multiplications.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis, Zip};

use super::engine::{Engine, State};
use super::fill::Filling;
use crate::numeric::{Activation, Scalar, matmul_into};

/// The change that one edge makes, and room to compute the next.
#[derive(Debug, Clone)]
pub(super) struct Ripple<T> {
    /// The hidden layers (and the outputs) that the change reaches.
    reached: Vec<Reached<T>>,
    /// The outputs after the change, `[outputs, samples]`.
    outputs: Array2<T>,
    /// The change of what the edge's reader reads, `[samples]`.
    message: ndarray::Array1<T>,
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
            message: ndarray::Array1::zeros(samples),
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
        self.first = edge.layer + 1;
        self.outputs.assign(&state.outputs());
        self.message_change(engine, state, number);
        let depth = engine.model().layers.len();
        if self.first == depth {
            let mut output = self.outputs.row_mut(edge.to);
            output += &self.message;
            return;
        }
        self.first_site(engine.model().activation, state, edge.to);
        for layer in self.first..depth - 1 {
            self.spread(engine.model().activation, state, layer);
        }
        self.arrive(state, depth - 1);
    }

    /// Writes the change of the last `toggle` into the state.
    pub(super) fn commit(&mut self, engine: &Engine<'_, T>, state: &mut State<T>, number: usize) {
        let edge = engine.sites().edge_at(number);
        let depth = engine.model().layers.len();
        if self.first < depth {
            let mut read = state.trace.reads[edge.layer].row_mut(edge.to);
            read += &self.message;
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
                    let read = state.trace.reads[layer].row_mut(*row);
                    add_changes(read, weights, change, rows);
                }
            }
        }
        state.trace.values[depth].assign(&self.outputs);
        state.patched.toggle(number);
        let weight = engine.model().layers[edge.layer].weight[[edge.to, edge.from]];
        state.live[edge.layer][[edge.to, edge.from]] = if state.patched.contains(number) {
            T::zero()
        } else {
            weight
        };
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
        let zip = Zip::from(&mut self.message).and(values);
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
        let mut change = reached.change.row_mut(site);
        change.assign(&state.trace.reads[self.first - 1].row(site));
        change += &self.message;
        activate_change(activation, change, state.trace.values[self.first].row(site));
    }

    /// The change of hidden layer `layer + 1`, given that of hidden layer `layer`.
    fn spread(&mut self, activation: Activation, state: &State<T>, layer: usize) {
        let (before, after) = self.reached.split_at_mut(layer + 1);
        let (source, target) = (&mut before[layer], &mut after[0]);
        let weights = &state.live[layer];
        let connections = readers_of(weights, &source.rows, &mut target.rows);
        let reads = &state.trace.reads[layer];
        let values = &state.trace.values[layer + 1];
        if connections * SPARSE < weights.len() {
            for row in &target.rows {
                let mut change = target.change.row_mut(*row);
                change.assign(&reads.row(*row));
                add_changes(
                    change.view_mut(),
                    weights.row(*row),
                    &source.change,
                    &source.rows,
                );
                activate_change(activation, change, values.row(*row));
            }
        } else {
            source.clear_others();
            target.change.assign(reads);
            matmul_into(
                target.change.view_mut(),
                weights.view(),
                source.change.view(),
                true,
            );
            for row in &target.rows {
                activate_change(activation, target.change.row_mut(*row), values.row(*row));
            }
        }
    }

    /// The change of the outputs, given that of the last hidden layer.
    fn arrive(&mut self, state: &State<T>, layer: usize) {
        let source = &mut self.reached[layer];
        let weights = &state.live[layer];
        if source.rows.len() * SPARSE < weights.ncols() {
            for (row, output) in weights.rows().into_iter().zip(self.outputs.rows_mut()) {
                add_changes(output, row, &source.change, &source.rows);
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

/// Lists the readers that any of `sources` reaches by a non-zero weight and
/// returns the number of such weights.
fn readers_of<T: Scalar>(
    weights: &Array2<T>,
    sources: &[usize],
    readers: &mut Vec<usize>,
) -> usize {
    readers.clear();
    let mut connections = 0;
    for (reader, row) in weights.rows().into_iter().enumerate() {
        let reached = sources
            .iter()
            .filter(|source| row[**source] != T::zero())
            .count();
        if reached > 0 {
            readers.push(reader);
        }
        connections += reached;
    }
    connections
}

/// `target += Σ weights[row] · change[row]` over the rows that change.
fn add_changes<T: Scalar>(
    mut target: ArrayViewMut1<'_, T>,
    weights: ArrayView1<'_, T>,
    change: &Array2<T>,
    rows: &[usize],
) {
    for row in rows {
        let weight = weights[*row];
        if weight != T::zero() {
            target.scaled_add(weight, &change.row(*row));
        }
    }
}

/// Turns new reads into the change of the values: `σ(read) − value`.
fn activate_change<T: Scalar>(
    activation: Activation,
    mut change: ArrayViewMut1<'_, T>,
    values: ArrayView1<'_, T>,
) {
    match change.as_slice_mut() {
        Some(slice) => activation.apply(slice),
        None => change.mapv_inplace(|x| activation.at(x)),
    }
    change -= &values;
}
