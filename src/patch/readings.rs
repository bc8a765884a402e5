//! What every edge does to the means of metrics, or to a metric sample by sample, reader by
//! reader, by a table where a reader has many edges.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::Patchable as _;
use super::engine::{EdgeSet, Engine, State};
use super::readout::Readout;
use super::ripple::{Place, Ripple};
use super::table::{Span, Table, are_smooth};
use crate::metric::Metric;
use crate::numeric::Scalar;

/// A table takes as many runs as it has points: it must serve so many edges for each.
const WORTH: usize = 2;

/// A table must agree with runs of so many of its edges, within so many times what it may be
/// wrong by.
const CHECKED: usize = 2;
const SLACK: f64 = 8.0;

/// What is taken of a run, or of a table in place of one.
trait Reading: Sync {
    /// What is measured, and on which samples.
    fn readouts(&self) -> &[Readout<'_>];

    /// Of outputs `[outputs, samples]`.
    fn of_run<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> Vec<f64>;

    /// Of a table, where the neuron reads so much more, by sample.
    fn of_table(&self, table: &Table, change: &[f64]) -> Vec<f64>;

    /// How far two of them are apart, in the unit of a mean.
    fn distance(&self, one: &[f64], other: &[f64]) -> f64;
}

/// The means of readouts.
struct Means<'r>(&'r [Readout<'r>]);

impl Reading for Means<'_> {
    fn readouts(&self) -> &[Readout<'_>] {
        self.0
    }

    fn of_run<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> Vec<f64> {
        self.0.iter().map(|readout| readout.mean(outputs)).collect()
    }

    fn of_table(&self, table: &Table, change: &[f64]) -> Vec<f64> {
        table.means(change)
    }

    fn distance(&self, one: &[f64], other: &[f64]) -> f64 {
        let apart = one.iter().zip(other).map(|(a, b)| (a - b).abs());
        apart.fold(0.0, f64::max)
    }
}

/// A metric sample by sample, of all of them.
struct Values<'r>([Readout<'r>; 1]);

impl Reading for Values<'_> {
    fn readouts(&self) -> &[Readout<'_>] {
        &self.0
    }

    fn of_run<T: Scalar>(&self, outputs: ArrayView2<'_, T>) -> Vec<f64> {
        self.0[0].metric.values(outputs)
    }

    fn of_table(&self, table: &Table, change: &[f64]) -> Vec<f64> {
        table.values(change)
    }

    fn distance(&self, one: &[f64], other: &[f64]) -> f64 {
        let apart = one.iter().zip(other).map(|(a, b)| (a - b).abs());
        apart.sum::<f64>() / one.len().max(1) as f64
    }
}

/// The mean of each readout when each of `edges` is patched besides `patched` (or
/// restored), `[edges][readouts]`. Readers in parallel.
pub(super) fn each_edge<T: Scalar>(
    engine: &Engine<'_, T>,
    patched: &EdgeSet,
    edges: &[usize],
    readouts: &[Readout<'_>],
) -> Vec<Vec<f64>> {
    read(engine, patched, edges, &Means(readouts))
}

/// The metric of every sample when each of `edges` is patched besides `patched` (or
/// restored), `[edges][samples]`. Readers in parallel.
pub(super) fn each_sample<T: Scalar>(
    engine: &Engine<'_, T>,
    patched: &EdgeSet,
    edges: &[usize],
    metric: &Metric,
) -> Vec<Vec<f64>> {
    let rows: Vec<usize> = (0..engine.samples()).collect();
    let rows = rows.as_slice();
    read(engine, patched, edges, &Values([Readout { metric, rows }]))
}

fn read<T: Scalar>(
    engine: &Engine<'_, T>,
    patched: &EdgeSet,
    edges: &[usize],
    reading: &impl Reading,
) -> Vec<Vec<f64>> {
    let state = engine.run(patched);
    let smooth = are_smooth(engine, reading.readouts());
    let groups: Vec<&[usize]> = edges
        .chunk_by(|a, b| place(engine, *a) == place(engine, *b))
        .collect();
    let of_reader = |(ripple, wide): &mut (Ripple<T>, Ripple<T>), edges: &&[usize]| {
        let by_table = smooth.then(|| tabulated(engine, &state, (ripple, wide), edges, reading));
        by_table.flatten().unwrap_or_else(|| {
            let one = |edge: &usize| by_run(engine, &state, ripple, *edge, reading);
            edges.iter().map(one).collect()
        })
    };
    let found: Vec<Vec<Vec<f64>>> = groups
        .par_iter()
        .map_init(
            || (Ripple::new(engine), Ripple::side_by_side(engine)),
            of_reader,
        )
        .collect();
    found.into_iter().flatten().collect()
}

/// The reader of an edge.
pub(super) fn place<T: Scalar>(engine: &Engine<'_, T>, edge: usize) -> Place {
    let edge = engine.sites().edge_at(edge);
    (edge.layer, edge.to)
}

fn by_run<T: Scalar>(
    engine: &Engine<'_, T>,
    state: &State<T>,
    ripple: &mut Ripple<T>,
    edge: usize,
    reading: &impl Reading,
) -> Vec<f64> {
    ripple.toggle(engine, state, edge);
    reading.of_run(ripple.outputs())
}

/// The same for all edges into one reader; `None` where a table does not pay, or
/// is not near enough.
fn tabulated<T: Scalar>(
    engine: &Engine<'_, T>,
    state: &State<T>,
    (ripple, wide): (&mut Ripple<T>, &mut Ripple<T>),
    edges: &[usize],
    reading: &impl Reading,
) -> Option<Vec<Vec<f64>>> {
    let place = place(engine, *edges.first()?);
    let mut change = Vec::new();
    let mut span: Option<Span> = None;
    for edge in edges {
        ripple.message(engine, state, *edge, &mut change);
        match &mut span {
            Some(span) => span.widen(&change),
            none => *none = Some(Span::at(&change)),
        }
    }
    let most = edges.len() / WORTH;
    let where_to = (place, &span?);
    let readouts = reading.readouts();
    let table = Table::near_enough(engine, state, wide, where_to, readouts, 0..=most)?;
    let found: Vec<Vec<f64>> = edges
        .iter()
        .map(|edge| {
            ripple.message(engine, state, *edge, &mut change);
            reading.of_table(&table, &change)
        })
        .collect();
    let allowed = SLACK * table.allowed::<T>();
    let agrees = (0..CHECKED).all(|k| {
        let index = k * (edges.len() - 1) / (CHECKED - 1);
        let by_run = by_run(engine, state, ripple, edges[index], reading);
        reading.distance(&by_run, &found[index]) <= allowed
    });
    agrees.then_some(found)
}

impl Span {
    /// One point.
    pub fn at(change: &[f64]) -> Self {
        Self {
            low: change.to_vec(),
            high: change.to_vec(),
        }
    }

    /// Takes in another point.
    pub fn widen(&mut self, change: &[f64]) {
        for ((low, high), x) in self.low.iter_mut().zip(&mut self.high).zip(change) {
            *low = low.min(*x);
            *high = high.max(*x);
        }
    }
}
