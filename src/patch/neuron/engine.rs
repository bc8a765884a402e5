//! The engine: parts of the samples with their clean runs, and runs over all of them.

use std::ops::Range;

use ndarray::Array2;

use super::part::{Part, Values};
use crate::Result;
use crate::metric::Metric;
use crate::model::transformer::Neurons;
use crate::model::transformer::PART_ROWS;
use crate::model::{Sequences, Transformer};
use crate::numeric::Scalar;
use crate::patch::nodes::READERS;
use crate::patch::recorded::{clean_runs, fills};
use crate::patch::{EdgeSet, Fill, Parted, Patchable, SetWalk, Walk};

/// A transformer, its clean run on a batch, and the fills for its channels and
/// hidden neurons.
#[derive(Debug, Clone)]
pub struct NeuronEngine<'m, T> {
    model: &'m Transformer<T>,
    neurons: Neurons,
    parts: Vec<Part<T>>,
    readings: usize,
}

/// The patched columns of every layer.
pub type Columns = Vec<Vec<usize>>;

impl<'m, T: Scalar> NeuronEngine<'m, T> {
    /// Runs the model on a batch, and on what fills come from, and keeps the
    /// runs. `mean` is each value's mean over the samples, position by position;
    /// `seed` is of `resample`.
    ///
    /// # Errors
    /// If the fill is `corrupted` and the batch has no pairs.
    pub fn new(
        model: &'m Transformer<T>,
        batch: &Sequences<T>,
        fill: Fill,
        seed: u64,
    ) -> Result<Self> {
        let runs = clean_runs::<T, Values<T>>(model, batch);
        let fills = fills(model, batch, &runs, fill, seed)?;
        let parts = runs.into_iter().zip(fills);
        Ok(Self {
            model,
            neurons: model.neurons(),
            parts: parts.map(|(run, fills)| Part::new(run, fills)).collect(),
            readings: batch.answers.readings(),
        })
    }

    /// About how many bytes an engine on these samples takes, and its largest
    /// run besides, beyond the model itself.
    #[must_use]
    pub fn bytes(model: &Transformer<T>, batch: &Sequences<T>) -> u64 {
        let length = batch.length();
        let trace = model.numbers_kept(length);
        // Of clean and filled runs; the latter are kept.
        let recorded = 2 * model.neurons().count();
        let rows = batch.samples() * length;
        // A mask's run: another trace, and what is mixed.
        let running = rows.min(PART_ROWS.max(length) * rayon::current_num_threads());
        let numbers = rows * (trace + recorded) + running * (trace + recorded);
        (numbers * size_of::<T>()) as u64
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &'m Transformer<T> {
        self.model
    }

    /// Its channels and hidden neurons.
    #[must_use]
    pub fn neurons(&self) -> &Neurons {
        &self.neurons
    }

    /// The layer that a run begins at: the last stream that is patched whole, of
    /// which nothing before it is left, or else the first with anything patched.
    fn first(&self, columns: &Columns) -> Option<usize> {
        let streams = (0..columns.len()).step_by(2).rev();
        streams
            .into_iter()
            .find(|layer| columns[*layer].len() == self.neurons.of_layer(*layer).len())
            .or_else(|| columns.iter().position(|columns| !columns.is_empty()))
    }
}

impl<T: Scalar> Patchable for NeuronEngine<'_, T> {
    type Number = T;

    fn edge_count(&self) -> usize {
        self.neurons.count()
    }

    /// The channels and neurons, and what reads them taken together.
    fn node_count(&self) -> usize {
        self.neurons.count() + 1
    }

    fn samples(&self) -> usize {
        self.readings
    }

    fn ends(&self, edge: usize) -> (usize, usize) {
        (edge, self.neurons.count())
    }

    /// All at once: the last computed is visited first.
    fn readers(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.neurons.count()).collect()
    }

    fn nodes_read(&self, _: &Metric) -> Vec<usize> {
        vec![self.neurons.count()]
    }

    fn edge_names(&self, edge: usize) -> (String, String) {
        (self.neurons.name(edge), READERS.to_owned())
    }

    fn node_name(&self, node: usize) -> String {
        if node == self.neurons.count() {
            READERS.to_owned()
        } else {
            self.neurons.name(node)
        }
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

impl<T: Scalar> Parted for NeuronEngine<'_, T> {
    type Part = Part<T>;
    type Plan = Columns;

    fn parts(&self) -> &[Part<T>] {
        &self.parts
    }

    fn readings_of(part: &Part<T>) -> Range<usize> {
        part.readings.clone()
    }

    fn plan(&self, patched: &EdgeSet) -> Columns {
        let mut columns = vec![Vec::new(); self.neurons.layers()];
        for neuron in patched.ones() {
            let (layer, column) = self.neurons.place(neuron);
            columns[layer].push(column);
        }
        columns
    }

    fn run_part(&self, part: &Part<T>, columns: &Columns) -> Array2<T> {
        let Some(first) = self.first(columns) else {
            return part.clean.end.outputs.clone();
        };
        part.replaced(self.model, first, columns)
    }
}
