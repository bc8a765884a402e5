//! The engine: parts of the samples with their clean runs, and runs over all of them.

use ndarray::Array2;

use super::differences::Written;
use super::part::Part;
use crate::model::transformer::{Block, PART_ROWS};
use crate::model::{Components, Sequences, Transformer};
use crate::numeric::{Scalar, parallel};
use crate::patch::Fill;
use crate::patch::recorded::{clean_runs, fills};
use crate::patch::sets::together;
use crate::{ErrorKind, Result};

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
        let runs = clean_runs::<T, Written<T>>(model, batch);
        let fills = fills(model, batch, &runs, setup.fill, setup.seed)?;
        let part = |(run, fill)| Part::new(model, &sites, run, &fill);
        let parts = parallel::map(runs.into_iter().zip(fills), part);
        Ok(Self {
            model,
            parts,
            sites,
            readings: batch.answers.readings(),
        })
    }

    /// The same with every edge told apart by the position at which its reader
    /// reads; the batch is that of the engine. Nodes stay the components: a path
    /// through one may enter and leave it at different positions.
    ///
    /// # Errors
    /// If samples are of different lengths, or answers are not read at the same
    /// positions of all.
    pub fn at_positions(mut self, batch: &Sequences<T>) -> Result<Self> {
        if let Some((shortest, longest)) = batch.lengths {
            return Err(ErrorKind::PromptLengths {
                shortest,
                longest,
                why: "edges can be told apart by position where samples are aligned",
            }
            .at(&batch.path));
        }
        let Some(read) = batch.answers.shared() else {
            return Err(ErrorKind::Positions {
                detail: "answers are not read at the same positions of all samples".to_owned(),
            }
            .at(&batch.path));
        };
        self.sites = self.sites.at_positions(batch.length(), read);
        Ok(self)
    }

    /// About how many bytes an engine on these samples takes, and its largest
    /// run besides, beyond the model itself.
    #[must_use]
    pub fn bytes(model: &Transformer<T>, batch: &Sequences<T>, setup: Setup) -> u64 {
        let sites = model.components(setup.split_input);
        let (d, length) = (model.width(), batch.length());
        let columns =
            |of: fn(&Block<T>) -> usize| model.blocks.iter().map(|b| of(b)).sum::<usize>();
        let trace = model.numbers_kept(length);
        // What clean and filled runs have written, while differences are made.
        let written = 4 * d + 2 * columns(|b| b.attention.heads.total() + b.hidden());
        let differences = sites.writer_count() * d;
        let rows = batch.samples() * length;
        // A backward pass: another trace, and gradients at all readers of a block.
        let run = trace + (3 * model.head_count() + 4) * d;
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

    /// Readings: positions at which answers are read, of all samples.
    #[must_use]
    pub fn readings(&self) -> usize {
        self.readings
    }

    /// Parts of the samples, each with its clean run.
    pub(super) fn held(&self) -> &[Part<T>] {
        &self.parts
    }

    /// The outputs of the clean run, `[outputs, readings]`.
    #[must_use]
    pub fn clean(&self) -> Array2<T> {
        let outputs = self.parts.iter().map(|part| part.clean.end.outputs.clone());
        together(&outputs.collect::<Vec<_>>())
    }
}
