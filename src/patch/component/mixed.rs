//! Runs in which every edge carries its message in part, and their gradients.
//!
//! With a share m on an edge, its reader gets m times the message and 1 − m
//! times the fill: at 1 the edge is as it is, at 0 it is patched. With C what a
//! writer writes in this run less what it writes in the clean run, and D what
//! its fill is less the same,
//!
//! ```text
//! input of v = clean input + Σ over u → v of (m · C of u + (1 − m) · D of u)
//! ```

use ndarray::{Array2, ArrayView2, s};

use super::differences::{Differences, Rows, add_by_position, at_position, products};
use super::engine::ComponentEngine;
use super::part::{Part, rows_of};
use crate::model::transformer::{
    Flow, Gradients, Hooks, Message, Reader, ReaderGradient, SequenceTrace, Writer, Wrote, product,
};
use crate::numeric::Scalar;

/// A run of one part with shares on all edges.
pub struct Mixed<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    part: &'e Part<T>,
    shares: &'e [f64],
    /// C of every writer.
    changes: Differences<T>,
    trace: SequenceTrace<T>,
}

impl<'e, 'm, T: Scalar> Mixed<'e, 'm, T> {
    /// Runs a part with `shares` by edge number.
    pub fn new(engine: &'e ComponentEngine<'m, T>, part: &'e Part<T>, shares: &'e [f64]) -> Self {
        let mut mixing = Mixing {
            engine,
            part,
            shares,
            changes: part.differences.zeros(),
        };
        let trace = engine.model().resume(&part.clean, 0, None, &mut mixing);
        Self {
            engine,
            part,
            shares,
            changes: mixing.changes,
            trace,
        }
    }

    /// Outputs, `[outputs, readings]`.
    pub fn outputs(&self) -> ArrayView2<'_, T> {
        self.trace.outputs()
    }

    /// The gradient at every edge's share, given that at the outputs,
    /// `[readings, outputs]`.
    pub fn backward(&self, at_outputs: ArrayView2<'_, T>) -> Vec<f64> {
        let mut back = Back {
            run: self,
            at_written: self.part.differences.zeros(),
            gradient: vec![0.0; self.engine.sites().edge_count()],
        };
        let model = self.engine.model();
        model.backward(&self.trace, at_outputs, &mut back);
        back.gradient
    }
}

/// The edits of a run with shares.
struct Mixing<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    part: &'e Part<T>,
    shares: &'e [f64],
    changes: Differences<T>,
}

impl<T: Scalar> Mixing<'_, '_, T> {
    fn set(&mut self, writer: Writer, change: &Array2<T>) {
        let writer = self.engine.sites().writer(writer);
        self.changes.set(&self.part.batch, writer, change);
    }

    /// Takes what every head writes less what it writes in the clean run.
    fn heads(&mut self, layer: usize, held: &Array2<T>) {
        let attention = &self.engine.model().blocks[layer].attention;
        let held = held - &self.part.clean.attention[layer].held;
        for head in 0..attention.heads.count {
            let held = held.slice(s![.., attention.heads.head_columns(head)]);
            let change = product(held, attention.head_out(head));
            self.set(Writer::Head { layer, head }, &change);
        }
    }

    fn mlp(&mut self, layer: usize, hidden: &Array2<T>) {
        let clean = &self.part.clean.mlp[layer];
        let (Some(mlp), Some(clean)) = (&self.engine.model().blocks[layer].mlp, clean) else {
            unreachable!("a block without an MLP has no writer of one");
        };
        let change = product((hidden - &clean.hidden).view(), mlp.down.view());
        self.set(Writer::Mlp { layer }, &change);
    }
}

/// Every reader reads its own mixture; the stream is read by none.
impl<T: Scalar> Hooks<T> for Mixing<'_, '_, T> {
    fn touches(&self, _: usize) -> bool {
        true
    }

    fn input(&mut self, reader: Reader, _: Option<&Array2<T>>) -> Option<Array2<T>> {
        let (sites, d) = (self.engine.sites(), self.engine.model().width());
        let number = sites.reader(reader);
        let rows = rows_of(sites, number);
        let (writers, positions) = (sites.writers_of(number), sites.positions_of(number));
        let clean = self.part.clean.read(reader).into_owned();
        let shape = clean.raw_dim();
        let mut flat = clean.into_flat();
        let shares = self.shares[sites.edges_into(number)].chunks(positions.max(1));
        for (writer, shares) in writers.zip(shares) {
            let kept: Vec<T> = shares.iter().map(|m| T::from_f64(*m)).collect();
            let filled: Vec<T> = shares.iter().map(|m| T::from_f64(1.0 - m)).collect();
            for (shares, of) in [(kept, &self.changes), (filled, &self.part.differences)] {
                let of = of.of_range(writer..writer + 1, rows);
                add_by_position(flat.view_mut(), &shares, of.row(0), d);
            }
        }
        let input = flat.into_shape_with_order(shape);
        Some(input.unwrap_or_else(|_| unreachable!("it has as many numbers as before")))
    }

    fn wrote(&mut self, wrote: Wrote<'_, T>) -> Option<Message<T>> {
        let (layer, sublayer) = (wrote.sublayer / 2, wrote.sublayer);
        let clean = self.part.clean.normed_message(sublayer);
        match (sublayer % 2, wrote.message.zip(clean)) {
            (0, None) => self.heads(layer, wrote.values),
            (0, Some((now, clean))) => self.set(Writer::Heads { layer }, &(now - clean)),
            (_, None) => self.mlp(layer, wrote.values),
            (_, Some((now, clean))) => self.set(Writer::Mlp { layer }, &(now - clean)),
        }
        Some(Message::Clean)
    }

    fn normed(&mut self, sublayer: usize, values: &mut Array2<T>) {
        let change = &*values - &self.part.clean.sum(self.engine.model(), sublayer);
        self.set(Writer::Norm { sublayer }, &change);
    }
}

/// A backward pass under way.
struct Back<'r, 'e, 'm, T> {
    run: &'r Mixed<'e, 'm, T>,
    /// Gradients at what writers write.
    at_written: Differences<T>,
    gradient: Vec<f64>,
}

impl<T: Scalar> Back<'_, '_, '_, T> {
    /// Takes the gradient at a reader's input, `at: [1, rows · d]`.
    fn take(&mut self, reader: usize, at: ArrayView2<'_, T>) {
        let sites = self.run.engine.sites();
        let rows = rows_of(sites, reader);
        let (writers, positions) = (sites.writers_of(reader), sites.positions_of(reader));
        let d = self.run.engine.model().width();
        let current = self.run.changes.of_range(writers.clone(), rows);
        let filled = self.run.part.differences.of_range(writers.clone(), rows);
        for position in 0..positions {
            let here = |x| at_position(x, [position, positions, d]);
            let current = products(here(at).view(), here(current).view());
            let filled = products(here(at).view(), here(filled).view());
            for (place, writer) in writers.clone().enumerate() {
                let edge = sites.edge(writer, reader) + position;
                self.gradient[edge] += current[[0, place]] - filled[[0, place]];
            }
        }
        let shares = self.run.shares[sites.edges_into(reader)].chunks(positions.max(1));
        let mut written = self.at_written.of_range_mut(writers, rows);
        for (shares, written) in shares.zip(written.rows_mut()) {
            let shares: Vec<T> = shares.iter().map(|m| T::from_f64(*m)).collect();
            add_by_position(written, &shares, at.row(0), d);
        }
    }

    /// The gradient at what a writer writes, with the rows that it writes.
    fn at_writer(&self, writer: usize) -> Array2<T> {
        let readings = self.at_written.of(writer, Rows::Readings);
        if !self.at_written.is_early(writer) {
            return readings.to_owned();
        }
        let mut everywhere = self.at_written.of(writer, Rows::Everywhere).to_owned();
        let answers = &self.run.part.batch.answers;
        answers.add_rows(readings, &mut everywhere);
        everywhere
    }
}

impl<T: Scalar> Gradients<T> for Back<'_, '_, '_, T> {
    fn by_reader(&self) -> bool {
        true
    }

    fn reader(&mut self, gradient: ReaderGradient<T>) {
        let first = self.run.engine.sites().reader(gradient.first);
        for place in 0..gradient.gradients.nrows() {
            let at = gradient.gradients.slice(s![place..place + 1, ..]);
            self.take(first + place, at);
        }
    }

    fn written(&mut self, sublayer: usize) -> Flow<T> {
        let (sites, layer) = (self.run.engine.sites(), sublayer / 2);
        let mlp = || sites.writer(Writer::Mlp { layer });
        let writers = match sublayer % 2 {
            0 => sites.head_writers(layer),
            _ => mlp()..mlp() + 1,
        };
        Flow::Each(writers.map(|writer| self.at_writer(writer)).collect())
    }

    fn at_sum(&mut self, sublayer: usize) -> Flow<T> {
        let writer = self.run.engine.sites().writer(Writer::Norm { sublayer });
        Flow::Each(vec![self.at_writer(writer)])
    }
}
