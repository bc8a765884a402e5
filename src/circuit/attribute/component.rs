//! Attribution on a transformer's components.

use std::ops::Range;

use ndarray::{Array2, s};

use super::{Attributable, Attribution, Blocks, Runs, Share, over_parts};
use crate::metric::Metric;
use crate::model::Components;
use crate::model::transformer::{
    Flow, Gradients, Hooks, ReaderGradient, SequenceTrace, Writer, Wrote,
};
use crate::numeric::Scalar;
use crate::patch::ComponentEngine;
use crate::patch::component::{Part, Rows, at_position, products, rows_of};

impl<T: Scalar> Attributable for ComponentEngine<'_, T> {
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

    fn wrote(&mut self, _: Wrote<'_, T>) -> Option<Array2<T>> {
        Some(self.shift.clone())
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
    /// What is held fixed.
    fixed: Place,
    /// The writers whose edges are scored.
    writers: Range<usize>,
    by: &'s mut Share<'b>,
}

impl<T: Scalar> Gradients<T> for AtReaders<'_, '_, '_, '_, '_, T> {
    fn by_reader(&self) -> bool {
        true
    }

    fn reader(&mut self, gradient: ReaderGradient<T>) {
        self.runs.take(&gradient, &self.writers, self.by);
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

impl<T: Scalar> Runs for PartRuns<'_, '_, T> {
    type Run = SequenceTrace<T>;

    fn groups(&self) -> usize {
        self.groups.len()
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

    fn add(
        &self,
        run: &SequenceTrace<T>,
        fixed: usize,
        heeding: Option<usize>,
        by: &mut Share<'_>,
    ) {
        let at_outputs = self.metric.gradient(run.outputs());
        let mut hooks = AtReaders {
            runs: self,
            fixed: self.groups[fixed].place,
            writers: match heeding {
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
