//! What stands in for the message on a patched edge.

use ndarray::{Array1, Array2, ArrayView1, Axis};

pub use crate::choice::Fill;
use crate::model::Trace;
use crate::numeric::{Rng, Scalar};

/// What every site writes in place of its own value on patched edges.
#[derive(Debug, Clone)]
pub struct Fills<T>(Values<T>);

#[derive(Debug, Clone)]
enum Values<T> {
    Zero,
    /// Per layer, `[width]`.
    PerSite(Vec<Array1<T>>),
    /// Per layer, `[width, samples]`.
    PerSample(Vec<Array2<T>>),
}

/// The values that one site writes on patched edges.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filling<'a, T> {
    Constant(T),
    PerSample(ArrayView1<'a, T>),
}

/// The values that a layer writes on patched edges.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layer<'a, T> {
    Zero,
    /// `[width]`
    PerSite(&'a Array1<T>),
    /// `[width, samples]`
    PerSample(&'a Array2<T>),
}

impl<T: Scalar> Fills<T> {
    /// Zero everywhere.
    #[must_use]
    pub fn zero() -> Self {
        Self(Values::Zero)
    }

    /// Each site's mean over a reference run; sums in f64.
    #[must_use]
    pub fn mean(reference: &Trace<T>) -> Self {
        let mean = |row: ArrayView1<'_, T>| {
            let sum: f64 = row.iter().map(|x| x.widen()).sum();
            T::from_f64(sum / row.len().max(1) as f64)
        };
        let layer = |values: &Array2<T>| values.rows().into_iter().map(mean).collect();
        Self(Values::PerSite(
            reference.values.iter().map(layer).collect(),
        ))
    }

    /// Each site's value in the paired run on corrupted inputs.
    #[must_use]
    pub fn corrupted(run: Trace<T>) -> Self {
        Self(Values::PerSample(run.values))
    }

    /// Each site's value in another sample of the same run: one seeded order of
    /// the samples without fixed points (a single sample has no other).
    #[must_use]
    pub fn resample(run: &Trace<T>, seed: u64) -> Self {
        let samples = run.values.first().map_or(0, Array2::ncols);
        let other = Rng::new(seed, 0).derangement(samples);
        let layer = |values: &Array2<T>| values.select(Axis(1), &other);
        Self(Values::PerSample(run.values.iter().map(layer).collect()))
    }

    /// These fills, for some of the samples.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self(match &self.0 {
            Values::PerSample(layers) => {
                Values::PerSample(layers.iter().map(|v| v.select(Axis(1), rows)).collect())
            }
            same => same.clone(),
        })
    }

    /// *fill − clean* of a layer of sites, `[width, samples]`, for a clean run
    /// on the same samples.
    #[must_use]
    pub fn difference(&self, clean: &Trace<T>, layer: usize) -> Array2<T> {
        let mut difference = clean.values[layer].mapv(|x| -x);
        match self.layer(layer) {
            Layer::Zero => {}
            Layer::PerSite(fill) => difference += &fill.view().insert_axis(Axis(1)),
            Layer::PerSample(fill) => difference += fill,
        }
        difference
    }

    /// What a site writes on patched edges, where that is the same for every sample.
    #[must_use]
    pub fn constant(&self, layer: usize, position: usize) -> Option<T> {
        match self.of(layer, position) {
            Filling::Constant(value) => Some(value),
            Filling::PerSample(_) => None,
        }
    }

    /// What a site writes on patched edges.
    pub(super) fn of(&self, layer: usize, position: usize) -> Filling<'_, T> {
        match &self.0 {
            Values::Zero => Filling::Constant(T::zero()),
            Values::PerSite(layers) => Filling::Constant(layers[layer][position]),
            Values::PerSample(layers) => Filling::PerSample(layers[layer].row(position)),
        }
    }

    /// What a whole layer writes on patched edges.
    pub(super) fn layer(&self, layer: usize) -> Layer<'_, T> {
        match &self.0 {
            Values::Zero => Layer::Zero,
            Values::PerSite(layers) => Layer::PerSite(&layers[layer]),
            Values::PerSample(layers) => Layer::PerSample(&layers[layer]),
        }
    }
}
