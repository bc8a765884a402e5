//! A patched network to which patches are added one by one: what a step does not reach is
//! not computed anew.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::engine::ComponentEngine;
use super::part::Part;
use super::plan::Plan;
use super::run::{Changes, PatchedRun};
use crate::numeric::{Scalar, parallel};
use crate::patch::sets::together;
use crate::patch::{EdgeSet, PatchableExt as _, Walk};

/// A walk that keeps what every writer writes where it stands.
pub(super) struct ComponentWalk<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    here: Stand<T>,
    attempted: Stand<T>,
}

/// The network with a set of edges patched.
#[derive(Clone)]
struct Stand<T> {
    patched: EdgeSet,
    /// Of each part.
    changes: Vec<Changes<T>>,
    /// `[outputs, readings]`
    outputs: Array2<T>,
}

impl<'e, 'm, T: Scalar> ComponentWalk<'e, 'm, T> {
    /// A walk that begins with `patched`.
    pub fn new(engine: &'e ComponentEngine<'m, T>, patched: EdgeSet) -> Self {
        let none = vec![None; engine.sites().writer_count()];
        let clean = Stand {
            patched: engine.edges([]),
            changes: vec![none; engine.held().len()],
            outputs: engine.clean(),
        };
        let here = clean.step(engine, patched);
        Self {
            engine,
            attempted: here.clone(),
            here,
        }
    }
}

impl<T: Scalar> Stand<T> {
    /// With these edges patched, and those that are patched here.
    fn step(&self, engine: &ComponentEngine<'_, T>, added: EdgeSet) -> Self {
        let mut patched = self.patched.clone();
        patched.union_with(&added);
        let plan = Plan::step(engine.sites(), &patched, &added);
        let run = |(part, known): (&Part<T>, &Changes<T>)| {
            PatchedRun::outputs(engine, part, &plan, known.clone())
        };
        let parts = engine.held().iter().zip(&self.changes);
        let (outputs, changes): (Vec<Array2<T>>, Vec<Changes<T>>) =
            parallel::map(parts, run).into_iter().unzip();
        Self {
            patched,
            changes,
            outputs: together(&outputs),
        }
    }
}

impl<T: Scalar> Walk<T> for ComponentWalk<'_, '_, T> {
    fn outputs(&self) -> ArrayView2<'_, T> {
        self.here.outputs.view()
    }

    fn attempt(&mut self, edges: Range<usize>) -> ArrayView2<'_, T> {
        self.attempted = self.here.step(self.engine, self.engine.edges(edges));
        self.attempted.outputs.view()
    }

    fn take(&mut self) {
        self.here = self.attempted.clone();
    }

    /// Nothing builds up: a reader's input is summed from the clean run's in every step.
    fn settle(&mut self) {}
}
