//! A walk over an MLP's edges: only what a step changes is computed, and at a reader
//! with many edges not even that, as all of them change one number per sample.

use std::ops::Range;

use ndarray::ArrayView2;

use super::engine::{EdgeSet, Engine, State};
use super::patchable::{Patchable as _, Walk};
use super::readings::place;
use super::readout::Readout;
use super::ripple::{Place, Ripple, Which};
use super::table::{Span, Table, are_smooth};
use crate::metric::Metric;
use crate::numeric::Scalar;

/// A table takes as many runs as it has points: a reader has so many edges for each.
const WORTH: usize = 2;

/// A table reaches this many times as far as the largest message, either way, so that
/// edges that go one after the other stay within it.
const REACH: f64 = 2.0;

/// Readers whose change is written into the run before it is run afresh, so that
/// rounding does not build up.
const AFRESH: usize = 64;

/// A walk over an MLP's edges.
pub struct MlpWalk<'e, 'm, T> {
    engine: &'e Engine<'m, T>,
    ripple: Ripple<T>,
    /// For tables.
    wide: Ripple<T>,
    /// By layer, the points that its last table needed.
    points: Vec<usize>,
    state: State<T>,
    step: Step<T>,
    /// All samples.
    rows: Vec<usize>,
    /// The reader at which edges are tried.
    reader: Option<Reader>,
    /// Steps taken since the last run afresh.
    taken: usize,
}

/// What was tried last.
enum Step<T> {
    /// One edge; what it changes is in the ripple.
    Edge(usize),
    /// One edge; what it changes is in the reader.
    AtReader(usize),
    /// Several edges.
    Edges(State<T>),
}

/// A reader some of whose edges are gone; the state does not know of them yet.
struct Reader {
    place: Place,
    /// How far the table reaches, by sample.
    reach: Vec<f64>,
    /// None where edges are tried by runs.
    table: Option<Table>,
    gone: Vec<usize>,
    /// By sample, what the gone edges have changed in what it reads.
    change: Vec<f64>,
    /// The same with the edge that was tried last.
    tried: Vec<f64>,
}

impl<'e, 'm, T: Scalar> MlpWalk<'e, 'm, T> {
    pub(super) fn new(engine: &'e Engine<'m, T>, patched: EdgeSet) -> Self {
        Self {
            engine,
            ripple: Ripple::new(engine),
            wide: Ripple::side_by_side(engine),
            points: vec![0; engine.model().layers.len()],
            state: engine.run(&patched),
            step: Step::Edge(0),
            rows: (0..engine.samples()).collect(),
            reader: None,
            taken: 0,
        }
    }

    /// Moves on to another reader: with a table where it has edges enough.
    fn begin(&mut self, edge: usize, metric: &Metric) {
        self.arrive();
        let place = place(self.engine, edge);
        let (samples, sites) = (self.rows.len(), self.engine.sites());
        let (mut reach, mut message, mut live) = (vec![0.0_f64; samples], Vec::new(), 0);
        let unpatched = |edge: &usize| !self.state.patched().contains(*edge);
        for edge in sites.edges_into(place.0, place.1).filter(unpatched) {
            let at = sites.edge_at(edge);
            if self.engine.model().layers[at.layer].weight[[at.to, at.from]].is_zero() {
                continue;
            }
            self.ripple
                .message(self.engine, &self.state, edge, &mut message);
            let far = reach.iter_mut().zip(&message);
            far.for_each(|(reach, x)| *reach = reach.max(x.abs() * REACH));
            live += 1;
        }
        let mut reader = Reader {
            place,
            reach,
            table: None,
            gone: Vec::new(),
            change: vec![0.0; samples],
            tried: vec![0.0; samples],
        };
        reader.table = self.table(&reader, metric, live / WORTH);
        self.reader = Some(reader);
    }

    /// The table of a reader, around where it stands.
    fn table(&mut self, reader: &Reader, metric: &Metric, most: usize) -> Option<Table> {
        let readouts = [Readout {
            metric,
            rows: &self.rows,
        }];
        if !are_smooth(self.engine, &readouts) {
            return None;
        }
        let ends = |sign: f64| {
            let far = reader.change.iter().zip(&reader.reach);
            far.map(|(x, reach)| x + sign * reach).collect()
        };
        let span = Span {
            low: ends(-1.0),
            high: ends(1.0),
        };
        let (engine, place) = (self.engine, reader.place);
        let points = &mut self.points[place.0];
        let table = Table::near_enough(
            engine,
            &self.state,
            &mut self.wide,
            (place, &span),
            &readouts,
            *points..=most,
        );
        *points = table.as_ref().map_or(*points, Table::needed::<T>);
        table
    }

    /// Writes what has gone at a reader into the state.
    fn arrive(&mut self) {
        let Some(reader) = self.reader.take().filter(|reader| !reader.gone.is_empty()) else {
            return;
        };
        let at = |_, sample: usize| T::from_f64(reader.change[sample]);
        self.ripple.aim(&self.state, reader.place, Which::All);
        self.ripple
            .nudge(self.engine, &self.state, reader.place, at);
        self.ripple.keep(self.engine, &mut self.state, reader.place);
        for edge in reader.gone {
            self.state.flip(self.engine, edge);
        }
    }

    /// The mean by the reader's table; `None` where there is none.
    fn by_table(&mut self, edge: usize, metric: &Metric) -> Option<f64> {
        if self.reader.as_ref().map(|reader| reader.place) != Some(place(self.engine, edge)) {
            self.begin(edge, metric);
        }
        let mut reader = self.reader.take()?;
        let found = self.looked_up(&mut reader, edge, metric);
        self.reader = Some(reader);
        found
    }

    fn looked_up(&mut self, reader: &mut Reader, edge: usize, metric: &Metric) -> Option<f64> {
        reader.table.as_ref()?;
        self.ripple
            .message(self.engine, &self.state, edge, &mut reader.tried);
        let both = reader.tried.iter_mut().zip(&reader.change);
        both.for_each(|(tried, change)| *tried += change);
        let is_within = |table: &Table| table.holds(&reader.tried);
        if !reader.table.as_ref().is_some_and(is_within) {
            reader.table = self.table(reader, metric, usize::MAX);
        }
        reader.table.as_ref()?.means(&reader.tried).first().copied()
    }
}

impl<T: Scalar> Walk<T> for MlpWalk<'_, '_, T> {
    fn outputs(&self) -> ArrayView2<'_, T> {
        self.state.outputs()
    }

    fn attempt(&mut self, edges: Range<usize>) -> ArrayView2<'_, T> {
        self.arrive();
        if edges.len() == 1 && !self.state.patched.contains(edges.start) {
            self.step = Step::Edge(edges.start);
            self.ripple.toggle(self.engine, &self.state, edges.start);
            return self.ripple.outputs();
        }
        let mut patched = self.state.patched.clone();
        patched.extend(edges);
        self.step = Step::Edges(self.engine.run(&patched));
        match &self.step {
            Step::Edges(state) => state.outputs(),
            Step::Edge(_) | Step::AtReader(_) => self.ripple.outputs(),
        }
    }

    fn attempt_mean(&mut self, edges: Range<usize>, metric: &Metric) -> f64 {
        if edges.len() == 1
            && !self.state.patched.contains(edges.start)
            && let Some(mean) = self.by_table(edges.start, metric)
        {
            self.step = Step::AtReader(edges.start);
            return mean;
        }
        // What is gone at the reader counts; its table, if it has none, is not made again.
        let reader = self.reader.take_if(|reader| reader.gone.is_empty());
        let mean = metric.mean(self.attempt(edges));
        self.reader = self.reader.take().or(reader);
        mean
    }

    fn take(&mut self) {
        self.taken += 1;
        match &self.step {
            Step::Edge(edge) => self.ripple.commit(self.engine, &mut self.state, *edge),
            Step::Edges(state) => self.state = state.clone(),
            Step::AtReader(edge) => {
                if let Some(reader) = &mut self.reader {
                    reader.change.clone_from(&reader.tried);
                    reader.gone.push(*edge);
                    self.taken -= 1;
                }
            }
        }
    }

    fn settle(&mut self) {
        self.taken += usize::from(self.reader.as_ref().is_some_and(|r| !r.gone.is_empty()));
        self.arrive();
        self.reader = None;
        let by_edges = matches!(self.step, Step::Edge(_) | Step::Edges(_)) && self.taken > 0;
        if by_edges || self.taken >= AFRESH {
            self.state = self.engine.run(&self.state.patched);
            self.taken = 0;
        }
    }
}
