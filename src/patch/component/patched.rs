//! The engine as what is searched and judged: every set of edges is a run.

use std::ops::Range;

use ndarray::Array2;

use super::engine::ComponentEngine;
use super::part::Part;
use super::plan::Plan;
use super::run::PatchedRun;
use super::walk::ComponentWalk;
use crate::metric::Metric;
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Parted, Patchable, Walk};

impl<T: Scalar> Patchable for ComponentEngine<'_, T> {
    type Number = T;

    fn edge_count(&self) -> usize {
        self.sites().edge_count()
    }

    /// The writers, and the logits.
    fn node_count(&self) -> usize {
        self.sites().writer_count() + 1
    }

    fn samples(&self) -> usize {
        Self::readings(self)
    }

    fn ends(&self, edge: usize) -> (usize, usize) {
        let (writer, reader) = self.sites().ends(edge);
        let node = self.sites().writer_of_reader(reader);
        (writer, node.unwrap_or(self.sites().writer_count()))
    }

    fn links(&self) -> Vec<(usize, usize)> {
        self.sites().links()
    }

    fn readers(&self) -> Vec<Range<usize>> {
        let readers = (0..self.sites().reader_count()).rev();
        readers
            .map(|reader| self.sites().edges_into(reader))
            .collect()
    }

    fn nodes_read(&self, _: &Metric) -> Vec<usize> {
        vec![self.sites().writer_count()]
    }

    fn edge_names(&self, edge: usize) -> (String, String) {
        let (writer, _) = self.sites().ends(edge);
        (
            self.sites().writer_name(writer),
            self.sites().end_name(edge),
        )
    }

    fn node_name(&self, node: usize) -> String {
        if node == self.sites().writer_count() {
            self.sites().reader_name(self.sites().logits_reader())
        } else {
            self.sites().writer_name(node)
        }
    }

    fn outputs(&self, patched: &EdgeSet) -> Array2<T> {
        self.run_in_parallel(patched)
    }

    fn outputs_alone(&self, patched: &EdgeSet) -> Array2<T> {
        self.run_in_turn(patched)
    }

    fn walk(&self, patched: EdgeSet) -> Box<dyn Walk<T> + '_> {
        Box::new(ComponentWalk::new(self, patched))
    }
}

impl<T: Scalar> Parted for ComponentEngine<'_, T> {
    type Part = Part<T>;
    type Plan = Plan;

    fn parts(&self) -> &[Part<T>] {
        self.held()
    }

    fn readings_of(part: &Part<T>) -> Range<usize> {
        part.readings.clone()
    }

    fn plan(&self, patched: &EdgeSet) -> Plan {
        Plan::new(self.sites(), patched)
    }

    fn run_part(&self, part: &Part<T>, plan: &Plan) -> Array2<T> {
        let none = vec![None; self.sites().writer_count()];
        PatchedRun::outputs(self, part, plan, none).0
    }
}
