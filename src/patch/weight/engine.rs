//! The engine: parts of the samples with their clean runs, and runs over all of them.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::plan::Plan;
use super::run::PatchedRun;
use super::values::Values;
use crate::metric::Metric;
use crate::model::transformer::{Channel, Channels, SequenceTrace};
use crate::model::{Sequences, Transformer};
use crate::numeric::Scalar;
use crate::patch::component::Setup;
use crate::patch::sets::{check_lengths, means, resampled, together};
use crate::patch::{EdgeSet, Fill, Patchable, SetWalk};
use crate::{Error, Result};

/// A transformer, its clean run on a batch, and the fills for patched edges.
#[derive(Debug, Clone)]
pub struct WeightEngine<'m, T> {
    model: &'m Transformer<T>,
    sites: Channels,
    parts: Vec<WeightPart<T>>,
    readings: usize,
}

/// Some of the samples.
#[derive(Debug, Clone)]
pub struct WeightPart<T> {
    /// The readings it holds, of all.
    pub readings: Range<usize>,
    /// Its samples.
    pub batch: Sequences<T>,
    /// The clean run.
    pub clean: SequenceTrace<T>,
    /// What linear layers read in it.
    pub values: Values<T>,
    /// What patched edges carry in place of that.
    pub fill: Values<T>,
}

impl<'m, T: Scalar> WeightEngine<'m, T> {
    /// Runs the model on a batch, and on what fills come from, and keeps the runs.
    ///
    /// # Errors
    /// If the fill is `corrupted` and the batch has no pairs.
    pub fn new(model: &'m Transformer<T>, batch: &Sequences<T>, setup: Setup) -> Result<Self> {
        let parts = batch.parts();
        let run = |part: &Sequences<T>| {
            let trace = model.forward_sequences(&part.inputs, &part.answers, part.length());
            (Values::of(model, &part.inputs, &trace), trace)
        };
        let runs: Vec<(Values<T>, SequenceTrace<T>)> = parts.par_iter().map(run).collect();
        let values: Vec<Values<T>> = runs.iter().map(|(values, _)| values.clone()).collect();
        let fills = fills(model, batch, &parts, &values, setup)?;
        let mut first = 0;
        let mut built = Vec::with_capacity(parts.len());
        for ((part, (values, clean)), fill) in parts.into_iter().zip(runs).zip(fills) {
            let readings = first..first + part.answers.len();
            first = readings.end;
            built.push(WeightPart {
                readings,
                batch: part,
                clean,
                values,
                fill,
            });
        }
        Ok(Self {
            model,
            sites: Channels::new(model),
            parts: built,
            readings: first,
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

    /// The parts of the samples, in order.
    #[must_use]
    pub fn parts(&self) -> &[WeightPart<T>] {
        &self.parts
    }

    /// The edges whose weights are not zero.
    #[must_use]
    pub fn surviving(&self) -> EdgeSet {
        let alive = |edge: &usize| {
            let (span, from, to) = self.sites.edge_at(*edge);
            let weight = self.model.weight(self.sites.spans()[span].matrix);
            !weight[[from, to]].is_zero()
        };
        self.edges((0..self.edge_count()).filter(alive))
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

    /// A patched run, part after part: for runs that are parallel among themselves.
    fn run_alone(&self, patched: &EdgeSet) -> Array2<T> {
        let plan = Plan::new(self.model, &self.sites, patched);
        let parts = self.parts.iter();
        let outputs: Vec<Array2<T>> = parts.map(|p| self.trace(p, &plan).end.outputs).collect();
        together(&outputs)
    }
}

/// What is read in place of what the parts read.
fn fills<T: Scalar>(
    model: &Transformer<T>,
    batch: &Sequences<T>,
    parts: &[Sequences<T>],
    values: &[Values<T>],
    setup: Setup,
) -> Result<Vec<Values<T>>> {
    check_lengths(batch, setup.fill)?;
    let arrays: Vec<Vec<&Array2<T>>> = values.iter().map(Values::arrays).collect();
    let samples: Vec<usize> = parts.iter().map(Sequences::samples).collect();
    let with = |arrays: Vec<Vec<Array2<T>>>| {
        let pairs = values.iter().zip(arrays);
        pairs.map(|(values, arrays)| values.with(arrays)).collect()
    };
    let zeros = |run: &Vec<&Array2<T>>| -> Vec<Array2<T>> {
        run.iter().map(|x| Array2::zeros(x.raw_dim())).collect()
    };
    Ok(match setup.fill {
        Fill::Zero => with(arrays.iter().map(zeros).collect()),
        Fill::Mean => with(means(&arrays, &samples)),
        Fill::Resample => with(resampled(&arrays, &samples, setup.seed)),
        Fill::Corrupted => {
            let corrupted = |part: &Sequences<T>| {
                let inputs = part.corrupted.as_ref()?;
                let trace = model.forward_sequences(inputs, &part.answers, part.length());
                Some(Values::of(model, inputs, &trace))
            };
            let runs: Option<Vec<Values<T>>> = parts.par_iter().map(corrupted).collect();
            runs.ok_or_else(|| Error::NoCorruptedInputs {
                path: batch.path.clone(),
            })?
        }
    })
}

impl<T: Scalar> Patchable for WeightEngine<'_, T> {
    type Number = T;
    type Walk<'a>
        = SetWalk<'a, Self>
    where
        Self: 'a;

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

    /// Parts run in parallel.
    fn outputs(&self, patched: &EdgeSet) -> Array2<T> {
        let plan = Plan::new(self.model, &self.sites, patched);
        let parts = self.parts.par_iter();
        let outputs: Vec<Array2<T>> = parts.map(|p| self.trace(p, &plan).end.outputs).collect();
        together(&outputs)
    }

    fn each_edge<R: Send>(
        &self,
        patched: &EdgeSet,
        edges: &[usize],
        measure: impl Fn(ArrayView2<'_, T>) -> R + Sync,
    ) -> Vec<R> {
        let one = |edge: &usize| {
            let mut set = patched.clone();
            set.grow(self.edge_count());
            set.toggle(*edge);
            measure(self.run_alone(&set).view())
        };
        edges.par_iter().map(one).collect()
    }

    fn each_set<R: Send>(
        &self,
        sets: &[EdgeSet],
        measure: impl Fn(ArrayView2<'_, T>) -> R + Sync,
    ) -> Vec<R> {
        sets.par_iter()
            .map(|set| measure(self.run_alone(set).view()))
            .collect()
    }

    fn walk(&self, patched: EdgeSet) -> SetWalk<'_, Self> {
        SetWalk::new(self, patched)
    }
}
