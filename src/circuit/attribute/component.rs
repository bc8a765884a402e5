//! Attribution on a transformer's components.

use std::ops::Range;

use super::{Attributable, Attribution, Runs, Share, over_parts};
use crate::metric::Metric;
use crate::model::Components;
use crate::model::transformer::{Cut, ReaderGradient, SequenceTrace};
use crate::numeric::Scalar;
use crate::patch::ComponentEngine;
use crate::patch::component::{Part, Rows, at_position, products, rows_of};

impl<T: Scalar> Attributable for ComponentEngine<'_, T> {
    fn groups(&self) -> usize {
        1 + 2 * self.sites().layers()
    }

    /// Parts run in parallel.
    fn attribute(&self, metric: &Metric, method: Attribution) -> Vec<f64> {
        over_parts(self, metric, method, |part, metric| PartRuns {
            engine: self,
            part,
            metric,
            groups: groups(self.sites()),
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
    /// The half before which the changed stream is put in.
    resume: usize,
    cut: Cut,
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
        let group = &self.groups[group];
        let (clean, model) = (&self.part.clean, self.engine.model());
        let (stream, rows) = match group.resume {
            r if r == 2 * model.blocks.len() => (&clean.end.stream, Rows::Readings),
            r if r % 2 == 0 => (&clean.attention[r / 2].stream, Rows::Everywhere),
            r if r / 2 + 1 == model.blocks.len() => (&clean.mlp[r / 2].stream, Rows::Readings),
            r => (&clean.mlp[r / 2].stream, Rows::Everywhere),
        };
        let difference = self.part.differences.sum(group.writers.clone(), rows);
        let stream = stream + &(difference * T::from_f64(1.0 - at));
        model.resume(clean, group.resume, stream)
    }

    fn add(
        &self,
        run: &SequenceTrace<T>,
        fixed: usize,
        heeding: Option<usize>,
        by: &mut Share<'_>,
    ) {
        let at_outputs = self.metric.gradient(run.outputs());
        let cut = self.groups[fixed].cut;
        let writers = match heeding {
            Some(group) => self.groups[group].writers.clone(),
            None => 0..self.engine.sites().writer_count(),
        };
        let model = self.engine.model();
        model.backward_readers(run, at_outputs.t(), cut, &mut |gradient| {
            self.take(&gradient, &writers, by);
        });
    }
}

impl<T: Scalar> PartRuns<'_, '_, T> {
    fn take(&self, gradient: &ReaderGradient<T>, writers: &Range<usize>, by: &mut Share<'_>) {
        let sites = self.engine.sites();
        let first = gradient.first;
        let before = sites.writers_before(first);
        let rows = rows_of(sites, first);
        let differences = self.part.differences.of_first(before, rows);
        let (positions, d) = (sites.positions_of(first), self.engine.model().width());
        for position in 0..positions {
            let here = |x| at_position(x, [position, positions, d]);
            let gradients = here(gradient.gradients.view());
            let products = products(gradients.view(), here(differences).view());
            for ((reader, writer), product) in products.indexed_iter() {
                if writers.contains(&writer) {
                    let edge = sites.edge(writer, first + reader) + position;
                    // Patching moves the metric by the product: the effect is its negative.
                    by.effects[edge] -= product * by.weight;
                }
            }
        }
    }
}

/// All groups, in the order of computation.
fn groups(sites: &Components) -> Vec<Group> {
    let mut groups = vec![Group {
        writers: 0..sites.inputs(),
        resume: 0,
        cut: Cut::Nowhere,
    }];
    for layer in 0..sites.layers() {
        let first = sites.first_head(layer);
        groups.push(Group {
            writers: first..first + sites.heads(),
            resume: 2 * layer + 1,
            cut: Cut::Heads(layer),
        });
        groups.push(Group {
            writers: sites.mlp_writer(layer)..sites.mlp_writer(layer) + 1,
            resume: 2 * layer + 2,
            cut: Cut::Mlp(layer),
        });
    }
    groups
}
