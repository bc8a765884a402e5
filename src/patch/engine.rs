//! The engine: what it holds, runs with a set of edges patched, and changes by one edge.

use std::ops::Range;

use fixedbitset::FixedBitSet;
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::fill::{Filling, Fills, Layer};
use super::patchable::{Patchable, Walk};
use super::ripple::Ripple;
use crate::metric::Metric;
use crate::model::{Edge, Mlp, Sites, Trace};
use crate::numeric::{Scalar, matmul_into};

/// A set of edges, by their numbers in [`Sites`].
pub type EdgeSet = FixedBitSet;

/// A network, its clean run on a batch, and the fills for patched edges.
#[derive(Debug, Clone)]
pub struct Engine<'m, T> {
    model: &'m Mlp<T>,
    sites: Sites,
    clean: Trace<T>,
    fills: Fills<T>,
    /// Per linear layer the non-zero weights of each reader, where they are few.
    sparse: Vec<Option<Rows<T>>>,
}

/// For each reader its writers and weights, zeros left out.
type Rows<T> = Vec<Vec<(usize, T)>>;

/// Layers with fewer non-zero weights than one in so many are computed weight
/// by weight instead of by matrix products.
const SPARSE: usize = 8;

/// The network as it runs with a set of edges patched.
#[derive(Debug, Clone)]
pub struct State<T> {
    /// The edges whose messages are replaced.
    pub(super) patched: EdgeSet,
    /// Per linear layer, the weights of the edges that are not patched; 0 for the others.
    pub(super) live: Vec<Array2<T>>,
    /// The run.
    pub(super) trace: Trace<T>,
}

impl<T: Scalar> State<T> {
    /// Physical outputs `[outputs, samples]`.
    #[must_use]
    pub fn outputs(&self) -> ArrayView2<'_, T> {
        self.trace.values[self.trace.values.len() - 1].view()
    }

    /// All values of the run.
    #[must_use]
    pub fn trace(&self) -> &Trace<T> {
        &self.trace
    }

    /// The edges whose messages are replaced.
    #[must_use]
    pub fn patched(&self) -> &EdgeSet {
        &self.patched
    }
}

impl<'m, T: Scalar> Engine<'m, T> {
    /// Runs the model on physical inputs `[width, samples]` and keeps the run.
    ///
    /// # Panics
    /// If the inputs are not as wide as the model.
    #[must_use]
    pub fn new(model: &'m Mlp<T>, inputs: Array2<T>, fills: Fills<T>) -> Self {
        Self {
            model,
            sites: model.sites(),
            // Rows must be contiguous: sites are changed one at a time.
            clean: model.forward(inputs.as_standard_layout().into_owned()),
            fills,
            sparse: model
                .layers
                .iter()
                .map(|l| sparse_rows(&l.weight))
                .collect(),
        }
    }

    /// The clean run.
    #[must_use]
    pub fn clean(&self) -> &Trace<T> {
        &self.clean
    }

    /// Sites and edges of the model.
    #[must_use]
    pub fn sites(&self) -> &Sites {
        &self.sites
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &'m Mlp<T> {
        self.model
    }

    /// What replaces the messages.
    #[must_use]
    pub fn fills(&self) -> &Fills<T> {
        &self.fills
    }

    /// This engine on some of the samples, without running the model again.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let of_layer = |v: &Array2<T>| v.select(Axis(1), rows).as_standard_layout().into_owned();
        let pick = |layers: &[Array2<T>]| layers.iter().map(of_layer).collect();
        Self {
            model: self.model,
            sites: self.sites.clone(),
            clean: Trace {
                values: pick(&self.clean.values),
                reads: pick(&self.clean.reads),
            },
            fills: self.fills.select(rows),
            sparse: self.sparse.clone(),
        }
    }

    /// Runs with the messages on `patched` replaced. Layers up to the first
    /// patched reader are taken from the clean run.
    #[must_use]
    pub fn run(&self, patched: &EdgeSet) -> State<T> {
        let depth = self.model.layers.len();
        let first = patched
            .minimum()
            .map_or(depth, |edge| self.sites.edge_at(edge).layer);
        let mut state = State {
            patched: patched.clone(),
            live: self.live_weights(patched),
            trace: Trace {
                values: self.clean.values[..=first].to_vec(),
                reads: self.clean.reads[..first.min(depth - 1)].to_vec(),
            },
        };
        state.patched.grow(self.sites.edge_count());
        for layer in first..depth {
            let read = match &self.sparse[layer] {
                Some(rows) => self.read_sparse(&state, layer, rows),
                None => self.read(&state, layer),
            };
            if layer + 1 == depth {
                state.trace.values.push(read);
            } else {
                state.trace.values.push(self.model.activate(&read));
                state.trace.reads.push(read);
            }
        }
        state
    }

    /// Per linear layer, its weights with those of patched edges set to zero.
    fn live_weights(&self, patched: &EdgeSet) -> Vec<Array2<T>> {
        let mut live: Vec<Array2<T>> = self.model.layers.iter().map(|l| l.weight.clone()).collect();
        for number in patched.ones() {
            let edge = self.sites.edge_at(number);
            live[edge.layer][[edge.to, edge.from]] = T::zero();
        }
        live
    }

    /// What linear layer `layer` reads: live messages, fills on patched edges, bias.
    fn read(&self, state: &State<T>, layer: usize) -> Array2<T> {
        let linear = &self.model.layers[layer];
        let any_patched = state.patched.count_ones(self.sites.edges_of_layer(layer)) > 0;
        let filled = any_patched.then(|| self.fills.layer(layer));
        let mut bias = linear.bias.clone();
        if let Some(Layer::PerSite(means)) = filled {
            bias += &(&linear.weight - &state.live[layer]).dot(means);
        }
        let shape = (bias.len(), self.samples());
        let mut read = Array2::from_shape_fn(shape, |(reader, _)| bias[reader]);
        let values = state.trace.values[layer].view();
        matmul_into(read.view_mut(), state.live[layer].view(), values, true);
        if let Some(Layer::PerSample(fills)) = filled {
            let replaced = &linear.weight - &state.live[layer];
            matmul_into(read.view_mut(), replaced.view(), fills.view(), true);
        }
        read
    }

    /// The same, weight by weight.
    fn read_sparse(&self, state: &State<T>, layer: usize, rows: &Rows<T>) -> Array2<T> {
        let bias = &self.model.layers[layer].bias;
        let values = &state.trace.values[layer];
        let mut read = Array2::zeros((bias.len(), self.samples()));
        for (to, (row, mut read)) in rows.iter().zip(read.rows_mut()).enumerate() {
            let mut constant = bias[to];
            for (from, weight) in row {
                let edge = self.sites.edge(Edge {
                    layer,
                    to,
                    from: *from,
                });
                if !state.patched.contains(edge) {
                    read.scaled_add(*weight, &values.row(*from));
                    continue;
                }
                match self.fills.of(layer, *from) {
                    Filling::Constant(fill) => constant += *weight * fill,
                    Filling::PerSample(fill) => read.scaled_add(*weight, &fill),
                }
            }
            read += constant;
        }
        read
    }
}

/// The non-zero weights row by row, if they are few.
fn sparse_rows<T: Scalar>(weight: &Array2<T>) -> Option<Rows<T>> {
    let row = |row: ndarray::ArrayView1<'_, T>| {
        let entries = row.iter().copied().enumerate();
        entries.filter(|(_, w)| !w.is_zero()).collect()
    };
    let rows: Rows<T> = weight.rows().into_iter().map(row).collect();
    let entries: usize = rows.iter().map(Vec::len).sum();
    (entries * SPARSE < weight.len()).then_some(rows)
}

/// A walk over an MLP's edges: only what a step changes is recomputed.
pub struct MlpWalk<'e, 'm, T> {
    engine: &'e Engine<'m, T>,
    ripple: Ripple<T>,
    state: State<T>,
    step: Step<T>,
}

/// What was tried last.
enum Step<T> {
    /// One edge; what it changes is in the ripple.
    Edge(usize),
    /// Several edges.
    Edges(State<T>),
}

impl<T: Scalar> Walk<T> for MlpWalk<'_, '_, T> {
    fn outputs(&self) -> ArrayView2<'_, T> {
        self.state.outputs()
    }

    fn attempt(&mut self, edges: Range<usize>) -> ArrayView2<'_, T> {
        if edges.len() == 1 && !self.state.patched.contains(edges.start) {
            self.step = Step::Edge(edges.start);
            self.ripple.toggle(self.engine, &self.state, edges.start);
            return self.ripple.outputs();
        }
        let mut patched = self.state.patched.clone();
        patched.extend(edges);
        self.step = Step::Edges(self.engine.run(&patched));
        match &self.step {
            Step::Edges(state) => state.outputs(),
            Step::Edge(_) => self.ripple.outputs(),
        }
    }

    fn take(&mut self) {
        match &self.step {
            Step::Edge(edge) => self.ripple.commit(self.engine, &mut self.state, *edge),
            Step::Edges(state) => self.state = state.clone(),
        }
    }

    fn settle(&mut self) {
        self.state = self.engine.run(&self.state.patched);
    }
}

impl<'m, T: Scalar> Patchable for Engine<'m, T> {
    type Number = T;
    type Walk<'a>
        = MlpWalk<'a, 'm, T>
    where
        Self: 'a;

    fn edge_count(&self) -> usize {
        self.sites.edge_count()
    }

    fn node_count(&self) -> usize {
        self.sites.site_count()
    }

    fn samples(&self) -> usize {
        self.clean.values[0].ncols()
    }

    fn ends(&self, edge: usize) -> (usize, usize) {
        let edge = self.sites.edge_at(edge);
        (
            self.sites.site(edge.layer, edge.from),
            self.sites.site(edge.layer + 1, edge.to),
        )
    }

    /// Outputs first, then hidden layers from the last to the first; by
    /// position within a layer.
    fn readers(&self) -> Vec<Range<usize>> {
        let of_layer = |layer: usize| {
            (0..self.sites.widths()[layer + 1]).map(move |to| self.sites.edges_into(layer, to))
        };
        (0..self.sites.depth()).rev().flat_map(of_layer).collect()
    }

    fn nodes_read(&self, metric: &Metric) -> Vec<usize> {
        let last = self.sites.depth();
        let outputs = metric.outputs_read(self.sites.widths()[last]);
        outputs
            .into_iter()
            .map(|output| self.sites.site(last, output))
            .collect()
    }

    fn edge_names(&self, edge: usize) -> (String, String) {
        self.sites.edge_names(edge)
    }

    fn node_name(&self, node: usize) -> String {
        let (layer, position) = self.sites.place(node);
        self.sites.name(layer, position)
    }

    fn outputs(&self, patched: &EdgeSet) -> Array2<T> {
        self.run(patched).outputs().to_owned()
    }

    fn each_edge<R: Send>(
        &self,
        patched: &EdgeSet,
        edges: &[usize],
        measure: impl Fn(ArrayView2<'_, T>) -> R + Sync,
    ) -> Vec<R> {
        let state = self.run(patched);
        edges
            .par_iter()
            .with_min_len(8)
            .map_init(
                || Ripple::new(self),
                |ripple, edge| {
                    ripple.toggle(self, &state, *edge);
                    measure(ripple.outputs())
                },
            )
            .collect()
    }

    fn walk(&self, patched: EdgeSet) -> MlpWalk<'_, 'm, T> {
        MlpWalk {
            engine: self,
            ripple: Ripple::new(self),
            state: self.run(&patched),
            step: Step::Edge(0),
        }
    }
}
