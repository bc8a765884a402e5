//! What changes downstream when one more edge is patched.
//!
//! One edge changes what one site reads; from there the change spreads along
//! the unpatched edges. Only sites it reaches are recomputed: in a pruned
//! network a handful, in a dense one everything from the next layer on. Per
//! sample, a first-layer edge of an n-m-m-k network costs one activation and m
//! multiplications, then m activations and m·k multiplications.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, Zip, s};
use pulp::Arch;

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
///
/// Where samples are few, several runs go side by side: each has the columns of all samples.
#[derive(Debug, Clone)]
pub(super) struct Ripple<T> {
    /// Runs that go side by side.
    runs: usize,
    /// The hidden layers (and the outputs) that the change reaches.
    reached: Vec<Reached<T>>,
    /// The outputs after the change, `[outputs, runs · samples]`.
    outputs: Array2<T>,
    /// The change of what the edge's reader reads, `[1, runs · samples]`.
    message: Array2<T>,
    /// Layer of sites whose values change first; the number of linear layers for the outputs.
    first: usize,
}

/// The change of one layer of sites.
#[derive(Debug, Clone)]
struct Reached<T> {
    /// The sites whose values change, in order.
    rows: Vec<usize>,
    /// The weights that are not zero from sites of the layer before that change to these.
    connections: usize,
    /// The change of their values, `[width, runs · samples]`; zero in other rows only after
    /// a `clear`.
    change: Array2<T>,
}

/// Up to this share of non-zero weights, rows are added one by one; above, by a
/// matrix product, which does more arithmetic but faster.
const SPARSE: usize = 4;

/// Samples of one row that are computed together, so that they stay in the nearest cache.
const BLOCK: usize = 512;

/// Most runs side by side.
const RUNS: usize = 8;

impl<T: Scalar> Ripple<T> {
    pub(super) fn new(engine: &Engine<'_, T>) -> Self {
        Self::of_runs(engine, 1)
    }

    /// As many runs side by side as a block has room for: 1, 2, 4 or 8.
    pub(super) fn side_by_side(engine: &Engine<'_, T>) -> Self {
        let room = (BLOCK / engine.samples().max(1)).clamp(1, RUNS);
        Self::of_runs(engine, 1 << room.ilog2())
    }

    fn of_runs(engine: &Engine<'_, T>, runs: usize) -> Self {
        let columns = engine.samples() * runs;
        let reached = |(layer, width): (usize, &usize)| Reached {
            rows: Vec::new(),
            connections: 0,
            // Inputs are never reached.
            change: Array2::zeros((if layer == 0 { 0 } else { *width }, columns)),
        };
        let widths = engine.sites().widths();
        Self {
            runs,
            reached: widths.iter().enumerate().map(reached).collect(),
            outputs: Array2::zeros((widths[widths.len() - 1], columns)),
            message: Array2::zeros((1, columns)),
            first: 0,
        }
    }

    /// Runs that go side by side.
    pub(super) fn runs(&self) -> usize {
        self.runs
    }

    /// The outputs of a run after the last `toggle` or `nudge`.
    pub(super) fn outputs_of(&self, run: usize) -> ArrayView2<'_, T> {
        let samples = self.outputs.ncols() / self.runs;
        self.outputs
            .slice(s![.., run * samples..(run + 1) * samples])
    }

    /// The outputs after the last `toggle`, of one run.
    pub(super) fn outputs(&self) -> ArrayView2<'_, T> {
        self.outputs.view()
    }

    /// Computes what follows when `edge` changes between live and patched.
    pub(super) fn toggle(&mut self, engine: &Engine<'_, T>, state: &State<T>, number: usize) {
        let edge = engine.sites().edge_at(number);
        self.message_change(engine, state, number);
        self.aim(state, (edge.layer, edge.to), Which::All);
        self.follow(engine, state, edge.to);
    }

    /// Computes what follows when the reader aimed at reads so much more, by run and sample.
    pub(super) fn nudge(
        &mut self,
        engine: &Engine<'_, T>,
        state: &State<T>,
        (layer, to): Place,
        change: impl Fn(usize, usize) -> T,
    ) {
        assert_eq!(self.first, layer + 1, "the ripple is aimed at this reader");
        let samples = engine.samples();
        let message = row_mut_of(&mut self.message, 0).iter_mut().enumerate();
        message.for_each(|(at, m)| *m = change(at / samples, at % samples));
        self.follow(engine, state, to);
    }

    /// Finds the sites that a change of what a reader reads will reach, as long as no other
    /// edge is patched: how much it changes does not matter.
    pub(super) fn aim(&mut self, state: &State<T>, (layer, to): Place, which: Which) {
        self.first = layer + 1;
        let last = state.live.len() - 1;
        if self.first > last {
            return;
        }
        let first = &mut self.reached[self.first];
        first.rows.clear();
        first.rows.push(to);
        for layer in self.first..last {
            let (before, after) = self.reached.split_at_mut(layer + 1);
            let next = (which == Which::Read).then(|| &state.live[layer + 1]);
            after[0].aim(&state.live[layer], &before[layer].rows, next);
        }
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

    /// Computes what follows when the reader aimed at reads what the message says besides.
    fn follow(&mut self, engine: &Engine<'_, T>, state: &State<T>, to: usize) {
        assign_repeated(&mut self.outputs, state.outputs());
        let last = state.live.len() - 1;
        if self.first > last {
            let mut output = self.outputs.row_mut(to);
            output += &self.message.row(0);
            return;
        }
        let activations = &engine.model().activation;
        self.first_site(activations.of(self.first - 1, to), state, to);
        for layer in self.first..last {
            self.spread(activations, state, layer);
        }
        self.arrive(state, last);
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
        assert_eq!(self.runs, 1, "a state is of one run");
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
        assert_eq!(self.runs, 1, "an edge makes one change");
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
    fn spread(&mut self, activations: &Activations, state: &State<T>, layer: usize) {
        let (before, after) = self.reached.split_at_mut(layer + 1);
        let (source, target) = (&mut before[layer], &mut after[0]);
        let weights = &state.live[layer];
        let reads = &state.trace.reads[layer];
        let values = &state.trace.values[layer + 1];
        if target.connections * SPARSE < weights.len() {
            for row in &target.rows {
                let terms = terms(weights.row(*row), &source.change, &source.rows);
                let (read, value) = (row_of(reads, *row), row_of(values, *row));
                let change = row_mut_of(&mut target.change, *row);
                change_value(activations.of(layer, *row), change, read, value, terms);
            }
        } else {
            source.clear_others();
            assign_repeated(&mut target.change, reads.view());
            let changes = source.change.view();
            matmul_into(target.change.view_mut(), weights.view(), changes, true);
            for row in &target.rows {
                let change = row_mut_of(&mut target.change, *row);
                activations.of(layer, *row).apply(change);
                subtract_repeated(change, row_of(values, *row));
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
    /// Lists the readers that any of `sources` reaches by a weight that is not zero; where the
    /// weights `next` are given, those of them alone that one of these reads.
    fn aim(&mut self, weights: &Array2<T>, sources: &[usize], next: Option<&Array2<T>>) {
        let is_live = |weight: &&T| !weight.is_zero();
        let is_read = |site| next.is_none_or(|next| next.column(site).iter().any(|w| !w.is_zero()));
        self.rows.clear();
        self.connections = 0;
        for reader in 0..weights.nrows() {
            let row = row_of(weights, reader);
            let reached = sources.iter().map(|source| &row[*source]);
            let reached = reached.filter(is_live).count();
            if reached > 0 && is_read(reader) {
                self.rows.push(reader);
                self.connections += reached;
            }
        }
    }

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
    let terms = terms(weights, change, rows);
    Arch::new().dispatch(|| {
        for (weight, change) in terms {
            add_scaled(target, weight, change);
        }
    });
}

/// `change = σ(read + Σ weight · source) − value`, a block of samples at a time
/// so that all passes but the first find their numbers in the nearest cache.
///
/// `read` and `value` are of all samples; the rows of several runs fit into one block.
fn change_value<'a, T: Scalar>(
    activation: Activation,
    change: &mut [T],
    read: &[T],
    value: &[T],
    sources: impl Iterator<Item = (T, &'a [T])> + Clone,
) {
    for (index, change) in change.chunks_mut(BLOCK).enumerate() {
        let block = index * BLOCK..index * BLOCK + change.len();
        let samples = if block.end <= read.len() {
            block.clone()
        } else {
            0..read.len()
        };
        for run in change.chunks_exact_mut(samples.len()) {
            run.copy_from_slice(&read[samples.clone()]);
        }
        let sources = sources.clone();
        Arch::new().dispatch(|| {
            for (weight, source) in sources {
                add_scaled(change, weight, &source[block.clone()]);
            }
        });
        activation.apply(change);
        subtract_repeated(change, &value[samples]);
    }
}

/// The values of all samples in every run.
fn assign_repeated<T: Scalar>(runs: &mut Array2<T>, values: ArrayView2<'_, T>) {
    let samples = values.ncols().max(1);
    for mut run in runs.axis_chunks_iter_mut(Axis(1), samples) {
        run.assign(&values);
    }
}

#[inline(always)]
fn add_scaled<T: Scalar>(target: &mut [T], weight: T, source: &[T]) {
    for (t, s) in target.iter_mut().zip(source) {
        *t += weight * *s;
    }
}

/// Takes the values of all samples off those of every run.
fn subtract_repeated<T: Scalar>(runs: &mut [T], values: &[T]) {
    for run in runs.chunks_exact_mut(values.len().max(1)) {
        for (t, o) in run.iter_mut().zip(values) {
            *t -= *o;
        }
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
