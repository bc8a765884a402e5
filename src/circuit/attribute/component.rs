//! Attribution on a transformer's components.

use std::ops::Range;

use ndarray::{Array2, Zip, s};

use super::{Attributable, Attribution, Blocks, Runs, Share, Taking, over_parts};
use crate::metric::Metric;
use crate::model::transformer::{
    Flow, Gradients, Hooks, Letter, Message, Reader, ReaderGradient, SequenceTrace, Writer, Wrote,
};
use crate::model::{Components, Rules};
use crate::numeric::Scalar;
use crate::patch::ComponentEngine;
use crate::patch::component::{Part, Rows, at_position, products, rows_of};

impl<T: Scalar> Attributable for ComponentEngine<'_, T> {
    fn has_queries(&self) -> bool {
        true
    }

    fn groups(&self) -> usize {
        groups(self.sites()).len()
    }

    /// Parts run in parallel.
    fn attribute_by(&self, metric: &Metric, method: Attribution, blocks: Blocks) -> Array2<f64> {
        let samples = |part: &Part<T>| part.batch.samples();
        over_parts(self, metric, (method, blocks), samples, |part, metric| {
            PartRuns {
                engine: self,
                part,
                metric,
                groups: groups(self.sites()),
            }
        })
    }
}

/// The runs of one part.
struct PartRuns<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    part: &'e Part<T>,
    metric: Metric,
    groups: Vec<Group>,
}

/// Writers that a path interpolates together.
struct Group {
    writers: Range<usize>,
    place: Place,
}

/// Where a group writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The inputs.
    Inputs,
    /// The heads of a block or its MLP.
    Sublayer(usize),
    /// The norm of the stream after a sublayer.
    Norm(usize),
}

/// A run with what a group writes shifted.
struct Shifted<T> {
    place: Place,
    shift: Array2<T>,
}

impl<T: Scalar> Hooks<T> for Shifted<T> {
    fn touches(&self, sublayer: usize) -> bool {
        self.place == Place::Sublayer(sublayer)
    }

    fn touches_sum(&self, sublayer: usize) -> bool {
        self.place == Place::Norm(sublayer)
    }

    fn wrote(&mut self, _: Wrote<'_, T>) -> Option<Message<T>> {
        Some(Message::Shifted(self.shift.clone()))
    }

    fn normed(&mut self, sublayer: usize, values: &mut Array2<T>) {
        if self.place == Place::Norm(sublayer) {
            *values += &self.shift;
        }
    }
}

/// First-order effects at the gradients of readers.
struct AtReaders<'r, 'e, 'm, 's, 'b, T> {
    runs: &'r PartRuns<'e, 'm, T>,
    run: &'r SequenceTrace<T>,
    taking: Taking,
    /// What is held fixed.
    fixed: Place,
    /// The writers whose edges are scored.
    writers: Range<usize>,
    by: &'s mut Share<'b>,
}

impl<T: Scalar> Gradients<T> for AtReaders<'_, '_, '_, '_, '_, T> {
    fn rules(&self) -> Rules {
        self.taking.rules
    }

    fn by_reader(&self) -> bool {
        true
    }

    fn reader(&mut self, gradient: ReaderGradient<T>) {
        let asks = matches!(
            gradient.first,
            Reader::Head {
                letter: Letter::Q | Letter::K,
                ..
            }
        );
        if !(asks && self.taking.sees) {
            self.runs.take(&gradient, &self.writers, self.by);
        }
    }

    fn by_pattern(&self) -> bool {
        self.taking.sees
    }

    fn patterns(&mut self, layer: usize, gradient: &Array2<T>) {
        for letter in [Letter::Q, Letter::K] {
            for head in 0..self.runs.engine.sites().of_letter(layer, letter) {
                self.seen((layer, letter, head), gradient);
            }
        }
    }

    fn written(&mut self, sublayer: usize) -> Flow<T> {
        match self.fixed == Place::Sublayer(sublayer) {
            true => Flow::Nothing,
            false => Flow::Stream,
        }
    }

    fn at_sum(&mut self, sublayer: usize) -> Flow<T> {
        match self.fixed == Place::Norm(sublayer) {
            true => Flow::Nothing,
            false => Flow::Stream,
        }
    }
}

impl<T: Scalar> AtReaders<'_, '_, '_, '_, '_, T> {
    /// Takes what every edge into queries or keys of a head makes heads see, given the
    /// gradient at patterns.
    fn seen(&mut self, (layer, letter, head): (usize, Letter, usize), at: &Array2<T>) {
        let (engine, differences) = (self.runs.engine, &self.runs.part.differences);
        let (sites, model) = (engine.sites(), engine.model());
        let reader = Reader::Head {
            layer,
            head,
            letter,
        };
        let number = sites.reader(reader);
        let positions = sites.positions_of(number);
        let rows = rows_of(sites, number);
        let read = self.run.read(reader);
        let before = &self.run.attention[layer].pattern;
        let writers = sites.writers_of(number);
        let edges = writers.filter(|writer| self.writers.contains(writer));
        let edges = edges.flat_map(|writer| (0..positions).map(move |place| (writer, place)));
        let edges: Vec<(usize, usize)> = edges.collect();
        let inputs = edges.iter().map(|(writer, place)| {
            let mut input = read.clone().into_owned();
            let difference = differences.of(*writer, rows);
            let patched = input.rows_mut().into_iter().zip(difference.rows());
            for (mut row, shift) in patched.skip(*place).step_by(positions) {
                row += &shift;
            }
            input
        });
        let by = &mut *self.by;
        model.seen_instead(self.run, (layer, letter, head), inputs, |place, seen| {
            let (writer, position) = edges[place];
            for (block, rows) in by.blocks(seen.nrows()) {
                let of_block = s![rows, ..];
                let change = &seen.slice(of_block) - &before.slice(of_block);
                let moved = Zip::from(&change)
                    .and(at.slice(of_block))
                    .fold(0.0, |sum, c, g| sum + c.widen() * g.widen());
                by.moved(block, sites.edge(writer, number) + position, moved);
            }
        });
    }
}

impl<T: Scalar> Runs for PartRuns<'_, '_, T> {
    type Run = SequenceTrace<T>;

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn sublayers(&self) -> Vec<usize> {
        let is_sublayer = |group: &usize| matches!(self.groups[*group].place, Place::Sublayer(_));
        (0..self.groups.len()).filter(is_sublayer).collect()
    }

    fn clean(&self) -> &SequenceTrace<T> {
        &self.part.clean
    }

    fn between(&self, group: usize, at: f64) -> SequenceTrace<T> {
        let Group { writers, place } = &self.groups[group];
        let (clean, model) = (&self.part.clean, self.engine.model());
        let rows = match self.engine.sites().writes_answers_only(writers.start) {
            true => Rows::Readings,
            false => Rows::Everywhere,
        };
        let shift = self.part.differences.sum(writers.clone(), rows) * T::from_f64(1.0 - at);
        let (block, stream) = match place {
            Place::Inputs => (0, Some(clean.stream_before(0) + &shift)),
            Place::Sublayer(sublayer) | Place::Norm(sublayer) => (sublayer / 2, None),
        };
        let place = *place;
        model.resume(clean, block, stream, &mut Shifted { place, shift })
    }

    fn add(&self, run: &SequenceTrace<T>, taking: Taking, by: &mut Share<'_>) {
        let at_outputs = self.metric.gradient(run.outputs());
        let mut hooks = AtReaders {
            runs: self,
            run,
            taking,
            fixed: self.groups[taking.fixed].place,
            writers: match taking.heeding {
                Some(group) => self.groups[group].writers.clone(),
                None => 0..self.engine.sites().writer_count(),
            },
            by,
        };
        let model = self.engine.model();
        model.backward(run, at_outputs.t(), &mut hooks);
    }
}

impl<T: Scalar> PartRuns<'_, '_, T> {
    fn take(&self, gradient: &ReaderGradient<T>, writers: &Range<usize>, by: &mut Share<'_>) {
        let sites = self.engine.sites();
        let first = sites.reader(gradient.first);
        let read = sites.writers_of(first);
        let rows = rows_of(sites, first);
        let differences = self.part.differences.of_range(read.clone(), rows);
        let (positions, d) = (sites.positions_of(first), self.engine.model().width());
        for position in 0..positions {
            let here = |x| at_position(x, [position, positions, d]);
            let gradients = here(gradient.gradients.view());
            let differences = here(differences);
            for (block, samples) in by.blocks(gradients.ncols()) {
                let of_block = s![.., samples];
                let products = products(gradients.slice(of_block), differences.slice(of_block));
                for ((reader, place), product) in products.indexed_iter() {
                    let writer = read.start + place;
                    if writers.contains(&writer) {
                        let edge = sites.edge(writer, first + reader) + position;
                        by.moved(block, edge, *product);
                    }
                }
            }
        }
    }
}

/// All groups, in the order of computation.
fn groups(sites: &Components) -> Vec<Group> {
    let inputs = Group {
        writers: 0..sites.inputs(),
        place: Place::Inputs,
    };
    let mut groups = vec![inputs];
    for writer in sites.inputs()..sites.writer_count() {
        let place = match sites.writer_at(writer) {
            Writer::Input | Writer::TokenEmbedding | Writer::PositionEmbedding => Place::Inputs,
            Writer::Head { layer, .. } | Writer::Heads { layer } => Place::Sublayer(2 * layer),
            Writer::Mlp { layer } => Place::Sublayer(2 * layer + 1),
            Writer::Norm { sublayer } => Place::Norm(sublayer),
        };
        match groups.last_mut().filter(|group| group.place == place) {
            Some(group) => group.writers.end = writer + 1,
            None => groups.push(Group {
                writers: writer..writer + 1,
                place,
            }),
        }
    }
    groups
}
