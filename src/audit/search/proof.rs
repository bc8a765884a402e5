//! Circuits that proofs leave.

use std::time::Instant;

use super::choose::{Chosen, How};
use super::scores::Scores;
use super::{Found, Search};
use crate::Result;
use crate::audit::methods::Method;
use crate::audit::proved;
use crate::choice::Origin;
use crate::circuit::minimal;
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, PatchableExt as _};

impl<T: Scalar> Search<'_, T> {
    /// The circuit that proofs leave: of all answers together.
    pub fn by_proof(&self) -> Result<Vec<Found>> {
        let Some(prover) = self.prover else {
            return Err(proved::refused(
                self.data,
                "circuits of nodes, of neurons and of this architecture have no proofs here",
            ));
        };
        let started = Instant::now();
        let answer = &self.answers[0];
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let (effects, order) = prover.weakest_first(self.network, &answer.goal, &candidates);
        let seconds = self.config.proof.budget.seconds;
        let over = || started.elapsed().as_secs_f64() > seconds;
        let asked = std::cell::Cell::new(0_usize);
        let mut ask = |patched: &EdgeSet| {
            asked.set(asked.get() + 1);
            if asked.get().is_multiple_of(100) {
                let gone = patched.count_ones(..);
                (self.progress)(&format!("{} proofs tried, {gone} edges gone", asked.get()));
            }
            prover.ask(patched)
        };
        let found = minimal(self.network.edge_count(), &order, &mut ask, &over);
        let claimed = prover.told(&found);
        let kept = self.network.edges(found.kept.iter().map(|(edge, _)| *edge));
        let scores = Scores {
            seconds: started.elapsed().as_secs_f64(),
            ..Scores::new(effects, found.asked)
        };
        let chosen = Chosen {
            how: match found.is_minimal() {
                true => How::Minimal,
                false => How::Unfinished,
            },
            ..self.asked(None, kept.count_ones(..) as f64, kept)
        };
        let judge = self.config.judge.then(|| self.judge(answer));
        let mut told = self.found(0, judge, Origin::Found(Method::Proved), chosen, &scores)?;
        if let Some(circuit) = &mut told.circuit {
            circuit.proved = Some(claimed);
        }
        Ok(vec![told])
    }
}
