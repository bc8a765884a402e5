//! The engine: what it holds, runs with a set of edges patched, and changes by one edge.

use fixedbitset::FixedBitSet;
use ndarray::{Array2, ArrayView2, Axis};

use super::fill::{Filling, Fills, Layer};
use super::patchable::Patchable;
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

impl<T: Scalar> State<T> {
    /// Patches an edge, or restores it; the run is that of the state after.
    pub(super) fn flip(&mut self, engine: &Engine<'_, T>, number: usize) {
        let edge = engine.sites.edge_at(number);
        self.patched.toggle(number);
        self.live[edge.layer][[edge.to, edge.from]] = match self.patched.contains(number) {
            true => T::zero(),
            false => engine.model.layers[edge.layer].weight[[edge.to, edge.from]],
        };
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
                let values = self.model.activation.written(layer, &read);
                state.trace.values.push(values);
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

    /// The outputs `[outputs, samples]` with all messages out of these sites
    /// replaced: their values are, and every weight stays as it is.
    ///
    /// The first layer that reads any of them is changed by what they change, and
    /// all after it are computed whole.
    pub(super) fn without(&self, nodes: &[usize]) -> Array2<T> {
        let depth = self.model.layers.len();
        let mut gone = vec![Vec::new(); depth + 1];
        for node in nodes {
            let (layer, position) = self.sites.place(*node);
            gone[layer].push(position);
        }
        let Some(first) = (0..depth).find(|layer| !gone[*layer].is_empty()) else {
            return self.clean.values[depth].clone();
        };
        let mut read = self.changed_read(first, &gone[first]);
        for (layer, gone) in gone.iter().enumerate().take(depth).skip(first + 1) {
            let mut values = self.model.activation.written(layer - 1, &read);
            self.fill_in(&mut values, layer, gone);
            read = self.whole_read(layer, &values);
        }
        read
    }

    /// Puts fills in place of what sites of a layer write.
    fn fill_in(&self, values: &mut Array2<T>, layer: usize, sites: &[usize]) {
        for site in sites {
            let mut row = values.row_mut(*site);
            match self.fills.of(layer, *site) {
                Filling::Constant(fill) => row.fill(fill),
                Filling::PerSample(fill) => row.assign(&fill),
            }
        }
    }

    /// What a linear layer reads in the clean run with fills for some of its sites.
    fn changed_read(&self, layer: usize, sites: &[usize]) -> Array2<T> {
        let clean = &self.clean.values[layer];
        if 2 * sites.len() > clean.nrows() || self.sparse[layer].is_some() {
            let mut values = clean.clone();
            self.fill_in(&mut values, layer, sites);
            return self.whole_read(layer, &values);
        }
        let mut changes = clean.clone();
        self.fill_in(&mut changes, layer, sites);
        let changes = changes.select(Axis(0), sites) - clean.select(Axis(0), sites);
        let weights = self.model.layers[layer].weight.select(Axis(1), sites);
        let mut read = match self.clean.reads.get(layer) {
            Some(read) => read.clone(),
            None => self.clean.values[layer + 1].clone(),
        };
        matmul_into(read.view_mut(), weights.view(), changes.view(), true);
        read
    }

    /// What a linear layer reads of these values, no edge patched.
    fn whole_read(&self, layer: usize, values: &Array2<T>) -> Array2<T> {
        let linear = &self.model.layers[layer];
        let shape = (linear.bias.len(), values.ncols());
        let mut read = Array2::from_shape_fn(shape, |(reader, _)| linear.bias[reader]);
        match &self.sparse[layer] {
            Some(rows) => {
                for (row, mut read) in rows.iter().zip(read.rows_mut()) {
                    row.iter()
                        .for_each(|(from, w)| read.scaled_add(*w, &values.row(*from)));
                }
            }
            None => matmul_into(read.view_mut(), linear.weight.view(), values.view(), true),
        }
        read
    }

    /// What linear layer `layer` reads, weight by weight.
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
