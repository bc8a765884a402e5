//! The engine: parts of the samples with their clean runs, and runs over all of them.

use std::ops::Range;

use ndarray::Array2;

use super::part::WeightPart;
use super::plan::Plan;
use super::run::PatchedRun;
use super::values::Values;
use crate::Result;
use crate::metric::Metric;
use crate::model::transformer::{Channel, Channels, SequenceTrace};
use crate::model::{Sequences, Transformer};
use crate::numeric::Scalar;
use crate::patch::component::Setup;
use crate::patch::recorded::{Run, clean_runs, fills};
use crate::patch::{EdgeSet, Parted, Patchable, PatchableExt as _, SetWalk, Walk};

/// A transformer, its clean run on a batch, and the fills for patched edges.
#[derive(Debug, Clone)]
pub struct WeightEngine<'m, T> {
    model: &'m Transformer<T>,
    sites: Channels,
    parts: Vec<WeightPart<T>>,
    readings: usize,
}

impl<'m, T: Scalar> WeightEngine<'m, T> {
    /// Runs the model on a batch, and on what fills come from, and keeps the runs.
    ///
    /// # Errors
    /// If the fill is `corrupted` and the batch has no pairs.
    pub fn new(model: &'m Transformer<T>, batch: &Sequences<T>, setup: Setup) -> Result<Self> {
        let runs = clean_runs::<T, Values<T>>(model, batch);
        let fills = fills(model, batch, &runs, setup.fill, setup.seed)?;
        let part = |(run, fill): (Run<T, Values<T>>, Values<T>)| WeightPart {
            readings: run.readings,
            batch: run.batch,
            clean: run.trace,
            values: run.recorded,
            fill,
        };
        Ok(Self {
            model,
            sites: Channels::new(model),
            parts: runs.into_iter().zip(fills).map(part).collect(),
            readings: batch.answers.readings(),
        })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &'m Transformer<T> {
        self.model
    }

    /// Its sites and edges.
    #[must_use]
    pub fn sites(&self) -> &Channels {
        &self.sites
    }

    /// A run of one part with shares of messages on all edges, by edge number,
    /// and the network with the weights that carry them.
    #[must_use]
    pub fn mixed_run(
        &self,
        part: &WeightPart<T>,
        shares: &[f64],
    ) -> (Transformer<T>, SequenceTrace<T>) {
        let plan = Plan::mixed(self.model, &self.sites, shares);
        (plan.live_model(self.model), self.trace(part, &plan))
    }

    fn trace(&self, part: &WeightPart<T>, plan: &Plan<T>) -> SequenceTrace<T> {
        let model = self.model;
        PatchedRun { model, part, plan }.trace()
    }
}

impl<T: Scalar> Patchable for WeightEngine<'_, T> {
    type Number = T;

    fn edge_count(&self) -> usize {
        self.sites.edge_count()
    }

    fn node_count(&self) -> usize {
        self.sites.site_count()
    }

    fn samples(&self) -> usize {
        self.readings
    }

    fn ends(&self, edge: usize) -> (usize, usize) {
        self.sites.ends(edge)
    }

    fn links(&self) -> Vec<(usize, usize)> {
        self.sites.links()
    }

    /// Linear layers from the last to the first; by position within one.
    fn surviving(&self) -> EdgeSet {
        let alive = |edge: &usize| {
            let (span, from, to) = self.sites.edge_at(*edge);
            let weight = self.model.weight(self.sites.spans()[span].matrix);
            !weight[[from, to]].is_zero()
        };
        self.edges((0..self.edge_count()).filter(alive))
    }

    fn readers(&self) -> Vec<Range<usize>> {
        let spans = self.sites.spans().iter().rev();
        spans.flat_map(|span| Channels::readers(*span)).collect()
    }

    fn nodes_read(&self, metric: &Metric) -> Vec<usize> {
        let outputs = self.sites.sites_of(self.sites.layer(Channel::Output));
        let read = metric.outputs_read(outputs.len());
        read.into_iter().map(|o| outputs.start + o).collect()
    }

    fn edge_names(&self, edge: usize) -> (String, String) {
        let (writer, reader) = self.sites.ends(edge);
        (self.sites.name(writer), self.sites.name(reader))
    }

    fn node_name(&self, node: usize) -> String {
        self.sites.name(node)
    }

    fn outputs(&self, patched: &EdgeSet) -> Array2<T> {
        self.run_in_parallel(patched)
    }

    fn outputs_alone(&self, patched: &EdgeSet) -> Array2<T> {
        self.run_in_turn(patched)
    }

    fn walk(&self, patched: EdgeSet) -> Box<dyn Walk<T> + '_> {
        Box::new(SetWalk::new(self, patched))
    }
}

impl<T: Scalar> Parted for WeightEngine<'_, T> {
    type Part = WeightPart<T>;
    type Plan = Plan<T>;

    fn parts(&self) -> &[WeightPart<T>] {
        &self.parts
    }

    fn readings_of(part: &WeightPart<T>) -> Range<usize> {
        part.readings.clone()
    }

    fn plan(&self, patched: &EdgeSet) -> Plan<T> {
        Plan::new(self.model, &self.sites, patched)
    }

    fn run_part(&self, part: &WeightPart<T>, plan: &Plan<T>) -> Array2<T> {
        self.trace(part, plan).end.outputs
    }
}
