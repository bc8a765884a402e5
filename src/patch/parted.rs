//! Networks whose samples run in parts, each with its own kept runs; what the parts
//! do is put together here.

use std::ops::Range;

use ndarray::Array2;

use super::sets::together;
use super::{EdgeSet, Patchable};
use crate::numeric::parallel;

/// A network whose samples run in parts.
pub trait Parted: Patchable {
    /// Some of the samples, with what is kept of their runs.
    type Part: Sync;
    /// A set of patches made ready, the same for all parts.
    type Plan: Sync;

    /// The parts, in order.
    fn parts(&self) -> &[Self::Part];

    /// The readings that a part holds, of all.
    fn readings_of(part: &Self::Part) -> Range<usize>;

    /// Makes patches ready.
    fn plan(&self, patched: &EdgeSet) -> Self::Plan;

    /// The outputs of one part, `[readings, outputs]`.
    fn run_part(&self, part: &Self::Part, plan: &Self::Plan) -> Array2<Self::Number>;

    /// The outputs of all parts, `[outputs, readings]`; parts run in parallel.
    fn run_in_parallel(&self, patched: &EdgeSet) -> Array2<Self::Number> {
        let plan = self.plan(patched);
        let outputs = parallel::map(self.parts(), |part| self.run_part(part, &plan));
        together(&outputs)
    }

    /// The outputs, part after part: for runs that are parallel among themselves.
    fn run_in_turn(&self, patched: &EdgeSet) -> Array2<Self::Number> {
        let plan = self.plan(patched);
        let parts = self.parts().iter();
        let outputs: Vec<_> = parts.map(|part| self.run_part(part, &plan)).collect();
        together(&outputs)
    }
}
