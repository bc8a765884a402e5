//! The engine: parts of the samples with their clean runs, and runs over all of them.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::differences::Written;
use super::part::{Part, Run};
use super::plan::Plan;
use super::run::PatchedRun;
use crate::metric::Metric;
use crate::model::transformer::{PART_ROWS, SequenceInputs};
use crate::model::{Components, Sequences, Transformer};
use crate::numeric::Scalar;
use crate::patch::sets::{check_lengths, means, resampled, together};
use crate::patch::{EdgeSet, Fill, Patchable, SetWalk};
use crate::{Error, Result};

/// What patched edges carry, and how the input is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// What patched edges carry. `mean` is each writer's mean over the samples,
    /// position by position.
    pub fill: Fill,
    /// Of `resample`.
    pub seed: u64,
    /// Whether token and position embedding are writers of their own.
    pub split_input: bool,
}

/// A transformer, its clean run on a batch, and the fills for patched edges.
#[derive(Debug, Clone)]
pub struct ComponentEngine<'m, T> {
    model: &'m Transformer<T>,
    sites: Components,
    parts: Vec<Part<T>>,
    readings: usize,
}

impl<'m, T: Scalar> ComponentEngine<'m, T> {
    /// Runs the model on a batch, and on what fills come from, and keeps the runs.
    ///
    /// # Errors
    /// If the fill is `corrupted` and the batch has no pairs.
    pub fn new(model: &'m Transformer<T>, batch: &Sequences<T>, setup: Setup) -> Result<Self> {
        let sites = model.components(setup.split_input);
        let runs = clean_runs(model, batch);
        let fills = fills(model, batch, &runs, setup)?;
        let per_sample = batch.answers.per_sample();
        let mut first = 0;
        let mut bounds = Vec::with_capacity(runs.len());
        for run in &runs {
            let next = first + run.batch.samples() * per_sample;
            bounds.push(first..next);
            first = next;
        }
        let parts = runs
            .into_par_iter()
            .zip(bounds)
            .zip(&fills)
            .map(|((run, readings), fill)| Part::new(model, &sites, readings, run, fill))
            .collect();
        Ok(Self {
            model,
            sites,
            parts,
            readings: first,
        })
    }

    /// About how many bytes an engine on these samples takes, and its largest
    /// run besides, beyond the model itself.
    #[must_use]
    pub fn bytes(model: &Transformer<T>, batch: &Sequences<T>, setup: Setup) -> u64 {
        let sites = model.components(setup.split_input);
        let (d, length) = (model.width(), batch.length());
        let (heads, total) = (model.heads.count, model.heads.total());
        let hidden = model.blocks.first().map_or(0, |block| block.up_bias.len());
        // Streams and norms of both halves; queries, keys, values, what heads
        // hold; patterns; hidden neurons before and after the activation.
        let trace = sites.layers() * (4 * d + 4 * total + heads * length + 2 * hidden);
        // What clean and filled runs have written, while differences are made.
        let written = 2 * (2 * d + sites.layers() * (total + hidden));
        let differences = sites.writer_count() * d;
        let rows = batch.samples() * length;
        // A backward pass: another trace, and gradients at all readers of a block.
        let run = trace + (3 * heads + 4) * d;
        let running = rows.min(PART_ROWS.max(length) * rayon::current_num_threads());
        let numbers = rows * (trace + written + differences) + running * run;
        (numbers * size_of::<T>()) as u64
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &'m Transformer<T> {
        self.model
    }

    /// Its sites and edges.
    #[must_use]
    pub fn sites(&self) -> &Components {
        &self.sites
    }

    /// The parts of the samples, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part<T>] {
        &self.parts
    }

    /// Readings: positions at which answers are read, of all samples.
    #[must_use]
    pub fn readings(&self) -> usize {
        self.readings
    }

    /// The outputs of the clean run, `[outputs, readings]`.
    #[must_use]
    pub fn clean(&self) -> Array2<T> {
        let outputs = self.parts.iter().map(|part| part.clean.end.outputs.view());
        together(outputs.collect())
    }

    /// The outputs with the messages on `patched` replaced, `[outputs, readings]`.
    /// Parts run in parallel.
    #[must_use]
    pub fn run(&self, patched: &EdgeSet) -> Array2<T> {
        let plan = Plan::new(&self.sites, patched);
        let outputs: Vec<Array2<T>> = self
            .parts
            .par_iter()
            .map(|part| PatchedRun::outputs(self, part, &plan))
            .collect();
        together(outputs.iter().map(|o| o.view()).collect())
    }

    /// The same, part after part: for runs that are parallel among themselves.
    fn run_alone(&self, patched: &EdgeSet) -> Array2<T> {
        let plan = Plan::new(&self.sites, patched);
        let outputs: Vec<Array2<T>> = self
            .parts
            .iter()
            .map(|part| PatchedRun::outputs(self, part, &plan))
            .collect();
        together(outputs.iter().map(|o| o.view()).collect())
    }
}

impl<T: Scalar> Patchable for ComponentEngine<'_, T> {
    type Number = T;
    type Walk<'a>
        = SetWalk<'a, Self>
    where
        Self: 'a;

    fn edge_count(&self) -> usize {
        self.sites.edge_count()
    }

    /// The writers, and the logits.
    fn node_count(&self) -> usize {
        self.sites.writer_count() + 1
    }

    fn samples(&self) -> usize {
        self.readings
    }

    fn ends(&self, edge: usize) -> (usize, usize) {
        let (writer, reader) = self.sites.ends(edge);
        let node = self.sites.writer_of_reader(reader);
        (writer, node.unwrap_or(self.sites.writer_count()))
    }

    fn readers(&self) -> Vec<Range<usize>> {
        let readers = (0..self.sites.reader_count()).rev();
        readers
            .map(|reader| self.sites.edges_into(reader))
            .collect()
    }

    fn nodes_read(&self, _: &Metric) -> Vec<usize> {
        vec![self.sites.writer_count()]
    }

    fn edge_names(&self, edge: usize) -> (String, String) {
        let (writer, reader) = self.sites.ends(edge);
        (
            self.sites.writer_name(writer),
            self.sites.reader_name(reader),
        )
    }

    fn node_name(&self, node: usize) -> String {
        if node == self.sites.writer_count() {
            self.sites.reader_name(self.sites.logits_reader())
        } else {
            self.sites.writer_name(node)
        }
    }

    fn outputs(&self, patched: &EdgeSet) -> Array2<T> {
        self.run(patched)
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

/// The clean runs of all parts, in parallel.
fn clean_runs<T: Scalar>(model: &Transformer<T>, batch: &Sequences<T>) -> Vec<Run<T>> {
    let run = |part: Sequences<T>| {
        let trace = model.forward_sequences(&part.inputs, &part.answers, part.length());
        Run {
            written: Written::of(model, &part.inputs, &trace),
            batch: part,
            trace,
        }
    };
    batch.parts().into_par_iter().map(run).collect()
}

/// What is written in place of what the parts write.
fn fills<T: Scalar>(
    model: &Transformer<T>,
    batch: &Sequences<T>,
    runs: &[Run<T>],
    setup: Setup,
) -> Result<Vec<Written<T>>> {
    let zeros = |x: &Array2<T>| Array2::zeros(x.raw_dim());
    let arrays: Vec<Vec<&Array2<T>>> = runs.iter().map(|run| run.written.arrays()).collect();
    let samples: Vec<usize> = runs.iter().map(|run| run.batch.samples()).collect();
    let with = |arrays: Vec<Vec<Array2<T>>>| {
        let pairs = runs.iter().zip(arrays);
        pairs.map(|(run, a)| run.written.with(a)).collect()
    };
    check_lengths(batch, setup.fill)?;
    Ok(match setup.fill {
        Fill::Zero => runs
            .iter()
            .map(|run| run.written.map(false, zeros))
            .collect(),
        Fill::Mean => with(means(&arrays, &samples)),
        Fill::Resample => with(resampled(&arrays, &samples, setup.seed)),
        Fill::Corrupted => {
            let Some(corrupted) = &batch.corrupted else {
                return Err(Error::NoCorruptedInputs {
                    path: batch.path.clone(),
                });
            };
            corrupted_runs(model, batch, runs, corrupted)
        }
    })
}

fn corrupted_runs<T: Scalar>(
    model: &Transformer<T>,
    batch: &Sequences<T>,
    runs: &[Run<T>],
    corrupted: &SequenceInputs<T>,
) -> Vec<Written<T>> {
    let samples: Vec<usize> = runs.iter().map(|run| run.batch.samples()).collect();
    let run = |(index, run): (usize, &Run<T>)| {
        let start: usize = samples[..index].iter().sum();
        let inputs = corrupted.part(start..start + samples[index], batch.length());
        let trace = model.forward_sequences(&inputs, &run.batch.answers, batch.length());
        Written::of(model, &inputs, &trace)
    };
    runs.par_iter().enumerate().map(run).collect()
}
