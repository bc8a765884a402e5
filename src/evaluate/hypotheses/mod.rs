//! Tests of what a circuit is claimed to be.
//!
//! Five claims, each with a null hypothesis: the circuit does as well as the
//! network (equivalence), what is left without it knows nothing of what the
//! network does (independence), every edge of it counts (minimality), it does
//! better than random circuits of its size (sufficiency), and losing it costs
//! more than losing a random circuit of its size (partial necessity).
//!
//! Source: Shi et al. 2024, "Hypothesis testing the circuit hypothesis in
//! LLMs", arXiv 2410.13032. Unlike their code, equivalence is tested on the
//! fraction of wins, ties count half, and minimality is corrected over edges.
//! Every draw is seeded. A test that is not rejected proves nothing: it means
//! that these samples do not speak against the claim.

mod binomial;
mod equivalence;
mod independence;
mod minimality;
mod random;

pub use binomial::upper_tail;
pub use equivalence::{Equivalence, equivalence};
pub use independence::{Independence, hsic, independence};
pub use minimality::{Minimality, minimality};
pub use random::{Drawn, random_circuits, random_errors};

use super::Judge;
pub use crate::choice::LEVEL;
use crate::numeric::{Rng, Scalar};
use crate::patch::EdgeSet;

/// A circuit is to beat this share of random circuits, an edge this share of
/// edges that were added at random.
pub const QUANTILE: f64 = 0.9;

/// What the five tests say of one circuit.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypotheses {
    /// Does it win against the network as often as it loses?
    pub equivalence: Equivalence,
    /// Is what is left independent of what the network does?
    pub independence: Independence,
    /// Does every edge count? `None` where nothing can be added to the circuit.
    pub minimality: Option<Minimality>,
    /// Against random circuits of its size; `None` where there are no others.
    pub random: Option<Drawn>,
}

/// Runs the five tests on a circuit; `seed` is for everything that is drawn.
#[must_use]
pub fn hypotheses<T: Scalar>(judge: &Judge<'_, T>, circuit: &EdgeSet, seed: u64) -> Hypotheses {
    let values = judge.values(circuit);
    let mut rest = judge.candidates().clone();
    rest.difference_with(circuit);
    let without = judge.values(&rest);
    Hypotheses {
        equivalence: equivalence(&values, judge.full(), judge.metric().kind().direction()),
        independence: independence(&without, judge.full(), &mut Rng::new(seed, 11)),
        minimality: minimality(judge, circuit, &mut Rng::new(seed, 12)),
        random: random_circuits(judge, circuit, &mut Rng::new(seed, 13)),
    }
}
