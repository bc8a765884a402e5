//! What all patching engines have in common, so that discovery and judgement
//! are written once.
//!
//! A *node* is a writer and the readers that feed it taken together (a neuron;
//! a head with its three inputs; an MLP); nodes are numbered so that every
//! edge leads from a lower number to a higher one, but those of a recurrence
//! whose steps are one.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, ArrayView2};

use super::EdgeSet;
use super::readout::Readout;
use crate::metric::Metric;
use crate::numeric::{Scalar, parallel};

/// A network with its clean run on a batch, whose messages can be replaced.
///
/// Outputs are `[outputs, samples]`; a *sample* is whatever the metric is a
/// mean over: a sample of an MLP, a reading (one position of one prompt) of a
/// transformer.
pub trait Patchable: Sync {
    /// What the network computes in.
    type Number: Scalar;

    /// Whether one edge more or less costs much less than a run.
    fn steps_are_cheap(&self) -> bool {
        false
    }

    /// Number of edges.
    fn edge_count(&self) -> usize;

    /// Number of nodes.
    fn node_count(&self) -> usize;

    /// Columns of the outputs.
    fn samples(&self) -> usize;

    /// The edges that circuits are made of: all but those of weight 0.
    fn surviving(&self) -> EdgeSet {
        rest_of(self.edge_count(), &EdgeSet::new())
    }

    /// The nodes that an edge leads from and to.
    fn ends(&self, edge: usize) -> (usize, usize);

    /// Whether an edge leads from a step of a recurrence to the next: its reader need not
    /// stand behind its writer.
    fn recurs(&self, _edge: usize) -> bool {
        false
    }

    /// What carries values on from node to node besides edges, and cannot be
    /// patched: from a lower number to a higher one, or to the next step.
    fn links(&self) -> Vec<(usize, usize)> {
        Vec::new()
    }

    /// The edges into every reader, readers in the order in which ACDC visits
    /// them: none before a reader that it feeds, but at the next step.
    fn readers(&self) -> Vec<Range<usize>>;

    /// The nodes whose values a metric reads.
    fn nodes_read(&self, metric: &Metric) -> Vec<usize>;

    /// The names of an edge's writer and reader.
    fn edge_names(&self, edge: usize) -> (String, String);

    /// The name of a node.
    fn node_name(&self, node: usize) -> String;

    /// The outputs with the messages on `patched` replaced.
    fn outputs(&self, patched: &EdgeSet) -> Array2<Self::Number>;

    /// The outputs, for runs that are parallel among themselves.
    fn outputs_alone(&self, patched: &EdgeSet) -> Array2<Self::Number> {
        self.outputs(patched)
    }

    /// What each of `edges` does when it is patched besides `patched` (or
    /// restored, if it is one of them): `see` gets its place among `edges` and the
    /// outputs. In parallel.
    fn see_each_edge(&self, patched: &EdgeSet, edges: &[usize], see: &See<'_, Self::Number>) {
        parallel::map(edges.iter().enumerate(), |(place, edge)| {
            let mut set = patched.clone();
            set.grow(self.edge_count());
            set.toggle(*edge);
            see(place, self.outputs_alone(&set).view());
        });
    }

    /// The mean of each readout when each of `edges` is patched besides `patched`
    /// (or restored, if it is one of them), `[edges][readouts]`. In parallel.
    fn each_edge_means(
        &self,
        patched: &EdgeSet,
        edges: &[usize],
        readouts: &[Readout<'_>],
    ) -> Vec<Vec<f64>> {
        collected(edges.len(), |put| {
            self.see_each_edge(patched, edges, &|place, outputs| {
                let means = readouts.iter().map(|readout| readout.mean(outputs));
                put(place, means.collect());
            });
        })
    }

    /// The metric of every sample when each of `edges` is patched besides `patched` (or
    /// restored, if it is one of them), `[edges][samples]`. In parallel.
    fn each_edge_values(
        &self,
        patched: &EdgeSet,
        edges: &[usize],
        metric: &Metric,
    ) -> Vec<Vec<f64>> {
        collected(edges.len(), |put| {
            self.see_each_edge(patched, edges, &|place, outputs| {
                put(place, metric.values(outputs));
            });
        })
    }

    /// The outputs with all messages out of these nodes replaced; `edges` lists
    /// the edges that carry them. For runs that are parallel among themselves.
    fn outputs_without(
        &self,
        _nodes: &[usize],
        edges: &dyn Fn() -> EdgeSet,
    ) -> Array2<Self::Number> {
        self.outputs_alone(&edges())
    }

    /// A walk that begins with `patched`.
    fn walk(&self, patched: EdgeSet) -> Box<dyn Walk<Self::Number> + '_>;

    /// What the network does with all edges patched but the first `n` of `order`,
    /// for every n of an ascending list: `see` gets its place in the list and the
    /// outputs. In parallel.
    fn see_each_kept(&self, order: &[usize], sizes: &[usize], see: &See<'_, Self::Number>) {
        parallel::map(sizes.iter().enumerate(), |(place, size)| {
            let kept = order[..*size].iter().copied();
            let kept = set_of(self.edge_count(), kept);
            let patched = rest_of(self.edge_count(), &kept);
            see(place, self.outputs_alone(&patched).view());
        });
    }
}

/// Is shown a run: its place among those asked for, and its outputs
/// `[outputs, samples]`.
pub type See<'s, T> = dyn Fn(usize, ArrayView2<'_, T>) + Sync + 's;

/// What follows from a network's runs, for every kind of result.
pub trait PatchableExt: Patchable {
    /// What each of `edges` does when it is patched besides `patched` (or restored, if it
    /// is one of them). In parallel; results in the order of `edges`.
    fn each_edge<R: Send>(
        &self,
        patched: &EdgeSet,
        edges: &[usize],
        measure: impl Fn(ArrayView2<'_, Self::Number>) -> R + Sync,
    ) -> Vec<R> {
        collected(edges.len(), |put| {
            self.see_each_edge(patched, edges, &|place, outputs| {
                put(place, measure(outputs));
            });
        })
    }

    /// What every set of edges does when it is patched, in parallel; results in
    /// the order of the sets.
    fn each_set<R: Send>(
        &self,
        sets: &[EdgeSet],
        measure: impl Fn(ArrayView2<'_, Self::Number>) -> R + Sync,
    ) -> Vec<R> {
        parallel::map(sets, |set| measure(self.outputs_alone(set).view()))
    }

    /// What the network does with all edges patched but the first `n` of `order`,
    /// for every n of an ascending list; results in its order.
    fn each_kept<R: Send>(
        &self,
        order: &[usize],
        sizes: &[usize],
        measure: impl Fn(ArrayView2<'_, Self::Number>) -> R + Sync,
    ) -> Vec<R> {
        collected(sizes.len(), |put| {
            self.see_each_kept(order, sizes, &|place, outputs| {
                put(place, measure(outputs));
            });
        })
    }

    /// The edges out of every node, by number.
    fn edges_by_writer(&self) -> Vec<EdgeSet> {
        let mut sets = vec![self.edges([]); self.node_count()];
        (0..self.edge_count()).for_each(|edge| sets[self.ends(edge).0].insert(edge));
        sets
    }

    /// A set of these edges.
    fn edges(&self, numbers: impl IntoIterator<Item = usize>) -> EdgeSet {
        set_of(self.edge_count(), numbers)
    }

    /// The set of all edges but these.
    fn all_but(&self, set: &EdgeSet) -> EdgeSet {
        rest_of(self.edge_count(), set)
    }

    /// The set of all edges.
    fn all(&self) -> EdgeSet {
        self.all_but(&self.edges([]))
    }
}

impl<P: Patchable + ?Sized> PatchableExt for P {}

fn set_of(edges: usize, numbers: impl IntoIterator<Item = usize>) -> EdgeSet {
    let mut set = EdgeSet::with_capacity(edges);
    set.extend(numbers);
    set
}

fn rest_of(edges: usize, set: &EdgeSet) -> EdgeSet {
    let mut rest = set.clone();
    rest.grow(edges);
    rest.toggle_range(..);
    rest
}

/// What runs that are parallel among themselves put in their places.
fn collected<R: Send>(places: usize, run: impl FnOnce(&(dyn Fn(usize, R) + Sync))) -> Vec<R> {
    let slots: Vec<Mutex<Option<R>>> = (0..places).map(|_| Mutex::new(None)).collect();
    run(&|place, result| {
        *slots[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    });
    let put = |slot: Mutex<Option<R>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    let results: Option<Vec<R>> = slots.into_iter().map(put).collect();
    results.unwrap_or_else(|| unreachable!("every run is shown"))
}

/// A network as it runs with a set of edges patched, to which more are added
/// step by step.
pub trait Walk<T: Scalar> {
    /// The outputs `[outputs, samples]` where it stood when it last settled.
    fn outputs(&self) -> ArrayView2<'_, T>;

    /// The outputs if these edges were patched besides; it stays where it is.
    fn attempt(&mut self, edges: Range<usize>) -> ArrayView2<'_, T>;

    /// The mean of a metric if these edges were patched besides; it stays where it is.
    fn attempt_mean(&mut self, edges: Range<usize>, metric: &Metric) -> f64 {
        metric.mean(self.attempt(edges))
    }

    /// Goes where the last attempt led.
    fn take(&mut self);

    /// Runs afresh, so that rounding does not build up over steps.
    fn settle(&mut self);
}

/// A walk every attempt of which is a run of its own.
pub struct SetWalk<'e, P: Patchable + ?Sized> {
    network: &'e P,
    patched: EdgeSet,
    outputs: Array2<P::Number>,
    attempted: EdgeSet,
    attempt: Array2<P::Number>,
}

impl<'e, P: Patchable + ?Sized> SetWalk<'e, P> {
    /// A walk that begins with `patched`.
    #[must_use]
    pub fn new(network: &'e P, patched: EdgeSet) -> Self {
        let outputs = network.outputs(&patched);
        Self {
            network,
            attempted: patched.clone(),
            attempt: outputs.clone(),
            patched,
            outputs,
        }
    }
}

impl<P: Patchable + ?Sized> Walk<P::Number> for SetWalk<'_, P> {
    fn outputs(&self) -> ArrayView2<'_, P::Number> {
        self.outputs.view()
    }

    fn attempt(&mut self, edges: Range<usize>) -> ArrayView2<'_, P::Number> {
        self.attempted = self.patched.clone();
        self.attempted.extend(edges);
        self.attempt = self.network.outputs(&self.attempted);
        self.attempt.view()
    }

    fn take(&mut self) {
        self.patched = self.attempted.clone();
        self.outputs = self.attempt.clone();
    }

    /// Nothing builds up.
    fn settle(&mut self) {}
}
