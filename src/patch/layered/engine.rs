//! The engine: a clean run, what fills patched edges, and runs with sets of them patched.

use std::ops::Range;
use std::path::Path;

use ndarray::{Array1, Array2, Axis};

use crate::metric::Metric;
use crate::model::Layered;
use crate::model::layered::{LayeredSites, Record, Replaced, Replacement};
use crate::numeric::{Rng, Scalar};
use crate::patch::{EdgeSet, Fill, Patchable, PatchableExt as _, SetWalk, Walk};
use crate::{ErrorKind, Result};

/// A layered network, its clean run on a batch, and the fills for patched edges.
#[derive(Debug, Clone)]
pub struct LayeredEngine<'m, T> {
    model: &'m Layered<T>,
    sites: LayeredSites,
    clean: Record<T>,
    /// What every value is filled with, by number; `None` for zero.
    fill: Option<Vec<Array2<T>>>,
}

impl<'m, T: Scalar> LayeredEngine<'m, T> {
    /// Runs the model on `inputs` and, where the fill asks for it, on the pairs
    /// `corrupted`, both `[features, samples]`. The steps of a recurrence have edges of
    /// their own, or a weight is one edge at all of them.
    ///
    /// # Errors
    /// If the fill is `corrupted` and there are no pairs; `data` is named then.
    pub fn new(
        model: &'m Layered<T>,
        sites: LayeredSites,
        (inputs, corrupted): (&Array2<T>, Option<&Array2<T>>),
        fill: Fill,
        seed: u64,
        data: &Path,
    ) -> Result<Self> {
        let clean = model.forward(inputs.clone());
        let values = || clean.values.iter();
        let fill = match fill {
            Fill::Zero => None,
            Fill::Mean => Some(values().map(|value| mean(value)).collect()),
            Fill::Resample => {
                let other = Rng::new(seed, 0).derangement(inputs.ncols());
                Some(
                    values()
                        .map(|value| value.select(Axis(1), &other))
                        .collect(),
                )
            }
            Fill::Corrupted => {
                let pairs = corrupted.ok_or_else(|| ErrorKind::NoCorruptedInputs.at(data))?;
                let run = model.forward(pairs.clone());
                Some(
                    run.values
                        .iter()
                        .map(|value| value.as_ref().clone())
                        .collect(),
                )
            }
        };
        Ok(Self {
            model,
            sites,
            clean,
            fill,
        })
    }

    /// The engine on some of its samples; fills stay those of the same samples.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let of = |value: &Array2<T>| value.select(Axis(1), rows);
        Self {
            model: self.model,
            sites: self.sites.clone(),
            clean: Record {
                values: self
                    .clean
                    .values
                    .iter()
                    .map(|value| of(value).into())
                    .collect(),
            },
            fill: self.fill.as_ref().map(|fill| fill.iter().map(of).collect()),
        }
    }

    /// The network.
    #[must_use]
    pub fn model(&self) -> &'m Layered<T> {
        self.model
    }

    /// Its sites and edges.
    #[must_use]
    pub fn sites(&self) -> &LayeredSites {
        &self.sites
    }

    /// The clean run.
    #[must_use]
    pub fn clean(&self) -> &Record<T> {
        &self.clean
    }

    /// *fill − value* of a value in a run, `[features, samples]`.
    #[must_use]
    pub fn difference(&self, run: &Record<T>, value: usize) -> Array2<T> {
        let now = run.values[value].as_ref();
        match &self.fill {
            None => now.mapv(|x| -x),
            Some(fill) => &fill[value] - now,
        }
    }

    /// The weights of a run in which every edge carries its share of its message,
    /// and its fill for the rest; `share` is asked by edge number, 1 for the message.
    #[must_use]
    pub fn sharing(&self, layers: &[usize], share: &dyn Fn(usize) -> T) -> Replaced<T> {
        let of_layer = |affine: &usize| {
            let layer = self.sites.affine()[*affine].layer;
            (layer, self.replacement(*affine, layer, share))
        };
        layers.iter().map(of_layer).collect()
    }

    fn replacement(
        &self,
        affine: usize,
        layer: usize,
        share: &dyn Fn(usize) -> T,
    ) -> Replacement<T> {
        let mut besides: Option<Array2<T>> = None;
        let mut live = Vec::new();
        for (index, term) in self.model.terms(layer).iter().enumerate() {
            let parameter = &self.model.parameters[term.parameter];
            let edge =
                |to, column| self.sites.affine()[affine].edge(to, index, column / parameter.taps);
            let mut carried = parameter.weight.clone();
            for ((to, column), weight) in carried.indexed_iter_mut() {
                *weight *= share(edge(to, column));
            }
            if let Some(fill) = &self.fill {
                let dead = &parameter.weight - &carried;
                let filled = self
                    .model
                    .messages(layer, term, dead.view(), fill[term.read].view());
                match &mut besides {
                    Some(total) => *total += &filled,
                    none => *none = Some(filled),
                }
            }
            live.push(carried);
        }
        Replacement { live, besides }
    }

    /// A run with these edges patched.
    #[must_use]
    pub fn run(&self, patched: &EdgeSet) -> Record<T> {
        let affine = self.sites.affine();
        let touched =
            |sites: &usize| patched.count_ones(bounded(affine[*sites].edges(), patched)) > 0;
        let layers: Vec<usize> = (0..affine.len()).filter(touched).collect();
        let Some(first) = layers.first() else {
            return self.clean.clone();
        };
        let share = |edge: usize| match patched.contains(edge) {
            true => T::zero(),
            false => T::one(),
        };
        let replaced = self.sharing(&layers, &share);
        self.model
            .resume(&self.clean, affine[*first].layer, &replaced)
    }
}

/// The part of a range that a set has room for.
fn bounded(range: Range<usize>, set: &EdgeSet) -> Range<usize> {
    range.start.min(set.len())..range.end.min(set.len())
}

/// Every feature's mean over samples, at every sample; sums in f64.
fn mean<T: Scalar>(value: &Array2<T>) -> Array2<T> {
    let samples = value.ncols().max(1) as f64;
    let sums = value
        .rows()
        .into_iter()
        .map(|row| row.iter().map(|x| x.widen()).sum::<f64>());
    let means: Array1<T> = sums.map(|sum| T::from_f64(sum / samples)).collect();
    let column = means.insert_axis(Axis(1));
    column
        .broadcast(value.raw_dim())
        .map_or_else(|| value.clone(), |all| all.to_owned())
}

impl<T: Scalar> Patchable for LayeredEngine<'_, T> {
    type Number = T;

    fn edge_count(&self) -> usize {
        self.sites.edge_count()
    }

    fn node_count(&self) -> usize {
        self.sites.count()
    }

    fn samples(&self) -> usize {
        self.clean.outputs().ncols()
    }

    fn ends(&self, edge: usize) -> (usize, usize) {
        self.sites.ends(self.model, edge)
    }

    fn links(&self) -> Vec<(usize, usize)> {
        self.sites.links().iter().copied().collect()
    }

    fn recurs(&self, edge: usize) -> bool {
        self.sites.recurs(self.model, edge)
    }

    /// The edges any of whose weights is not zero.
    fn surviving(&self) -> EdgeSet {
        let alive = |edge: &usize| {
            self.sites
                .weight_of(self.model, *edge)
                .iter()
                .any(|w| !w.is_zero())
        };
        self.edges((0..self.edge_count()).filter(alive))
    }

    fn readers(&self) -> Vec<Range<usize>> {
        self.sites.readers().rev().collect()
    }

    fn nodes_read(&self, metric: &Metric) -> Vec<usize> {
        let outputs = self.sites.outputs();
        metric
            .outputs_read(outputs.len())
            .into_iter()
            .map(|o| outputs[o])
            .collect()
    }

    fn edge_names(&self, edge: usize) -> (String, String) {
        let (writer, reader) = self.ends(edge);
        (self.node_name(writer), self.node_name(reader))
    }

    fn node_name(&self, node: usize) -> String {
        self.sites.name(node).to_owned()
    }

    fn outputs(&self, patched: &EdgeSet) -> Array2<T> {
        self.run(patched).outputs().clone()
    }

    fn walk(&self, patched: EdgeSet) -> Box<dyn Walk<T> + '_> {
        Box::new(SetWalk::new(self, patched))
    }
}
