//! What every edge does to the means of metrics, reader by reader, by a table
//! where a reader has many edges.

use rayon::prelude::*;

use super::engine::{EdgeSet, Engine, State};
use super::readout::Readout;
use super::ripple::{Place, Ripple};
use super::table::{Span, Table, are_smooth};
use crate::numeric::Scalar;

/// A table takes as many runs as it has points: it must serve so many edges for each.
const WORTH: usize = 2;

/// A table must agree with runs of so many of its edges, within so many times what it may be
/// wrong by.
const CHECKED: usize = 2;
const SLACK: f64 = 8.0;

/// The mean of each readout when each of `edges` is patched besides `patched` (or
/// restored), `[edges][readouts]`. Readers in parallel.
pub(super) fn each_edge<T: Scalar>(
    engine: &Engine<'_, T>,
    patched: &EdgeSet,
    edges: &[usize],
    readouts: &[Readout<'_>],
) -> Vec<Vec<f64>> {
    let state = engine.run(patched);
    let smooth = are_smooth(engine, readouts);
    let groups: Vec<&[usize]> = edges
        .chunk_by(|a, b| place(engine, *a) == place(engine, *b))
        .collect();
    let of_reader = |(ripple, wide): &mut (Ripple<T>, Ripple<T>), edges: &&[usize]| {
        let by_table = smooth.then(|| tabulated(engine, &state, (ripple, wide), edges, readouts));
        by_table.flatten().unwrap_or_else(|| {
            let one = |edge: &usize| by_run(engine, &state, ripple, *edge, readouts);
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
    readouts: &[Readout<'_>],
) -> Vec<f64> {
    ripple.toggle(engine, state, edge);
    let outputs = ripple.outputs();
    readouts
        .iter()
        .map(|readout| readout.mean(outputs))
        .collect()
}

/// The same for all edges into one reader; `None` where a table does not pay, or
/// is not near enough.
fn tabulated<T: Scalar>(
    engine: &Engine<'_, T>,
    state: &State<T>,
    (ripple, wide): (&mut Ripple<T>, &mut Ripple<T>),
    edges: &[usize],
    readouts: &[Readout<'_>],
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
    let table = Table::near_enough(engine, state, wide, (place, &span?), readouts, 0..=most)?;
    let found: Vec<Vec<f64>> = edges
        .iter()
        .map(|edge| {
            ripple.message(engine, state, *edge, &mut change);
            table.means(&change)
        })
        .collect();
    let allowed = SLACK * table.allowed::<T>();
    let agrees = (0..CHECKED).all(|k| {
        let index = k * (edges.len() - 1) / (CHECKED - 1);
        let by_run = by_run(engine, state, ripple, edges[index], readouts);
        let pairs = by_run.iter().zip(&found[index]);
        pairs.into_iter().all(|(a, b)| (a - b).abs() <= allowed)
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
