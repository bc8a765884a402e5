//! The engine: parts of the samples with their clean runs, and runs over all of them.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::differences::Written;
use super::part::{Part, Run};
use super::plan::Plan;
use super::run::PatchedRun;
use crate::metric::Metric;
use crate::model::transformer::SequenceInputs;
use crate::model::{Components, Sequences, Transformer};
use crate::numeric::{Rng, Scalar};
use crate::patch::{EdgeSet, Fill, Patchable, Walk};
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

/// A walk over a transformer's edges.
pub struct ComponentWalk<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    patched: EdgeSet,
    outputs: Array2<T>,
    attempted: EdgeSet,
    attempt: Array2<T>,
}

impl<T: Scalar> Walk<T> for ComponentWalk<'_, '_, T> {
    fn outputs(&self) -> ArrayView2<'_, T> {
        self.outputs.view()
    }

    fn attempt(&mut self, edges: Range<usize>) -> ArrayView2<'_, T> {
        self.attempted = self.patched.clone();
        self.attempted.extend(edges);
        self.attempt = self.engine.run(&self.attempted);
        self.attempt.view()
    }

    fn take(&mut self) {
        self.patched = self.attempted.clone();
        self.outputs = self.attempt.clone();
    }

    /// Every attempt is a run of its own already.
    fn settle(&mut self) {}
}

impl<'m, T: Scalar> Patchable for ComponentEngine<'m, T> {
    type Number = T;
    type Walk<'a>
        = ComponentWalk<'a, 'm, T>
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

    fn walk(&self, patched: EdgeSet) -> ComponentWalk<'_, 'm, T> {
        ComponentWalk {
            engine: self,
            outputs: self.run(&patched),
            attempted: patched.clone(),
            attempt: Array2::zeros((0, 0)),
            patched,
        }
    }
}

/// `[readings, outputs]` of the parts as `[outputs, readings]` of all.
fn together<T: Scalar>(parts: Vec<ArrayView2<'_, T>>) -> Array2<T> {
    ndarray::concatenate(Axis(0), &parts)
        .unwrap_or_else(|_| Array2::zeros((0, 0)))
        .reversed_axes()
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
    Ok(match setup.fill {
        Fill::Zero => runs
            .iter()
            .map(|run| run.written.map(false, zeros))
            .collect(),
        Fill::Mean => means(batch, runs),
        Fill::Resample => resampled(batch, runs, setup.seed),
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

/// Each writer's mean over all samples, position by position; sums in f64.
fn means<T: Scalar>(batch: &Sequences<T>, runs: &[Run<T>]) -> Vec<Written<T>> {
    let mut fills: Vec<Written<T>> = runs.iter().map(|run| run.written.clone()).collect();
    let arrays = runs.first().map_or(0, |run| run.written.arrays().len());
    for array in 0..arrays {
        let first = runs[0].written.arrays()[array];
        let per_sample = first.nrows() / runs[0].batch.samples();
        let mut mean = Array2::<f64>::zeros((per_sample, first.ncols()));
        for run in runs {
            for (row, values) in run.written.arrays()[array].rows().into_iter().enumerate() {
                let mut sum = mean.row_mut(row % per_sample);
                sum.zip_mut_with(&values, |s, x| *s += x.widen());
            }
        }
        mean /= batch.samples() as f64;
        for fill in &mut fills {
            for (row, mut values) in fill.arrays_mut()[array].rows_mut().into_iter().enumerate() {
                values.zip_mut_with(&mean.row(row % per_sample), |x, m| *x = T::from_f64(*m));
            }
        }
    }
    fills
}

/// What another sample writes: one seeded order of the samples without fixed
/// points (a single sample has no other).
fn resampled<T: Scalar>(batch: &Sequences<T>, runs: &[Run<T>], seed: u64) -> Vec<Written<T>> {
    let samples = batch.samples();
    let cycle = Rng::new(seed, 0).permutation(samples);
    let mut other = vec![0; samples];
    for (place, sample) in cycle.iter().enumerate() {
        other[*sample] = cycle[(place + 1) % samples];
    }
    let step = runs.first().map_or(1, |run| run.batch.samples());
    let mut fills: Vec<Written<T>> = runs.iter().map(|run| run.written.clone()).collect();
    for (index, fill) in fills.iter_mut().enumerate() {
        for (array, target) in fill.arrays_mut().into_iter().enumerate() {
            let per_sample = target.nrows() / runs[index].batch.samples();
            for (row, mut values) in target.rows_mut().into_iter().enumerate() {
                let from = other[index * step + row / per_sample];
                let source = runs[from / step].written.arrays()[array];
                values.assign(&source.row(from % step * per_sample + row % per_sample));
            }
        }
    }
    fills
}
