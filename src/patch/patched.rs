//! An MLP's engine as what is searched and judged: single edges are ripples, rankings and
//! readers with many edges cost less than a run each.

use std::ops::Range;

use ndarray::Array2;
use rayon::prelude::*;

use super::engine::{EdgeSet, Engine};
use super::kept;
use super::patchable::{Patchable, PatchableExt as _, See, Walk};
use super::readings;
use super::readout::Readout;
use super::ripple::Ripple;
use super::walk::MlpWalk;
use crate::metric::Metric;
use crate::numeric::Scalar;

impl<'m, T: Scalar> Patchable for Engine<'m, T> {
    type Number = T;

    fn steps_are_cheap(&self) -> bool {
        true
    }

    fn edge_count(&self) -> usize {
        self.sites().edge_count()
    }

    fn node_count(&self) -> usize {
        self.sites().site_count()
    }

    fn samples(&self) -> usize {
        self.clean().values[0].ncols()
    }

    fn ends(&self, edge: usize) -> (usize, usize) {
        let edge = self.sites().edge_at(edge);
        (
            self.sites().site(edge.layer, edge.from),
            self.sites().site(edge.layer + 1, edge.to),
        )
    }

    fn surviving(&self) -> EdgeSet {
        let weights = self.model().layers.iter().flat_map(|l| &l.weight);
        let alive = weights.enumerate().filter(|(_, w)| !w.is_zero());
        self.edges(alive.map(|(number, _)| number))
    }

    /// Outputs first, then hidden layers from the last to the first; by
    /// position within a layer.
    fn readers(&self) -> Vec<Range<usize>> {
        let of_layer = |layer: usize| {
            (0..self.sites().widths()[layer + 1]).map(move |to| self.sites().edges_into(layer, to))
        };
        (0..self.sites().depth()).rev().flat_map(of_layer).collect()
    }

    fn nodes_read(&self, metric: &Metric) -> Vec<usize> {
        let last = self.sites().depth();
        let outputs = metric.outputs_read(self.sites().widths()[last]);
        outputs
            .into_iter()
            .map(|output| self.sites().site(last, output))
            .collect()
    }

    fn edge_names(&self, edge: usize) -> (String, String) {
        self.sites().edge_names(edge)
    }

    fn node_name(&self, node: usize) -> String {
        let (layer, position) = self.sites().place(node);
        self.sites().name(layer, position)
    }

    fn outputs(&self, patched: &EdgeSet) -> Array2<T> {
        self.run(patched).outputs().to_owned()
    }

    fn see_each_edge(&self, patched: &EdgeSet, edges: &[usize], see: &See<'_, T>) {
        let state = self.run(patched);
        let edges = edges.par_iter().enumerate().with_min_len(8);
        edges.for_each_init(
            || Ripple::new(self),
            |ripple, (place, edge)| {
                ripple.toggle(self, &state, *edge);
                see(place, ripple.outputs());
            },
        );
    }

    fn see_each_kept(&self, order: &[usize], sizes: &[usize], see: &See<'_, T>) {
        kept::each(self, order, sizes, see);
    }

    fn each_edge_means(
        &self,
        patched: &EdgeSet,
        edges: &[usize],
        readouts: &[Readout<'_>],
    ) -> Vec<Vec<f64>> {
        readings::each_edge(self, patched, edges, readouts)
    }

    fn each_edge_values(
        &self,
        patched: &EdgeSet,
        edges: &[usize],
        metric: &Metric,
    ) -> Vec<Vec<f64>> {
        readings::each_sample(self, patched, edges, metric)
    }

    fn outputs_without(&self, nodes: &[usize], _: &dyn Fn() -> EdgeSet) -> Array2<T> {
        self.without(nodes)
    }

    fn walk(&self, patched: EdgeSet) -> Box<dyn Walk<T> + '_> {
        Box::new(MlpWalk::new(self, patched))
    }
}
