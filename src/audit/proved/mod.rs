//! Circuits by proof: who can prove that edges can go, and what is then claimed.
//!
//! Of an MLP on numbers or tokens by the bounds of certificates; of a transformer on tokens by
//! running every input of the domain. What is refused is said with what would do.

mod bounds;
mod lower;
mod runs;

use std::path::Path;

use ndarray::ArrayView2;

pub use bounds::Bounds;
pub use runs::{Runs, every_input};

use super::methods::CircuitsConfig;
use crate::choice::{Fill, Known, Method, Rest};
use crate::circuit::{Goal, Minimal, strongest_first};
use crate::numeric::Scalar;
use crate::patch::{Patchable, PatchableExt as _};
use crate::result::ProvedCircuit;
use crate::{Error, ErrorKind, Result};

/// Who proves that edges can go.
pub trait Prover: Sync {
    /// What is known of the claim with the messages on `patched` replaced.
    fn ask(&self, patched: &crate::patch::EdgeSet) -> Known;

    /// What an output may move by, as a yardstick.
    fn scales(&self) -> &[f64];

    /// What is claimed of the edges that are left.
    fn told(&self, found: &Minimal) -> ProvedCircuit;
}

impl dyn Prover + '_ {
    /// The effects of edges on a goal, by number, and the edges, those first that move outputs
    /// least when they are patched alone: by the largest move of any output on any sample.
    pub fn weakest_first<T: Scalar>(
        &self,
        network: &dyn Patchable<Number = T>,
        goal: &Goal,
        candidates: &[usize],
    ) -> (Vec<f64>, Vec<usize>) {
        let none = network.edges([]);
        let clean = network.outputs(&none);
        let before = goal.mean(clean.view());
        let measure = |outputs: ArrayView2<'_, T>| {
            let moved = outputs.indexed_iter().map(|((output, sample), x)| {
                let change = (x.widen() - clean[[output, sample]].widen()).abs();
                change / self.scales()[output].max(f64::MIN_POSITIVE)
            });
            (before - goal.mean(outputs), moved.fold(0.0, f64::max))
        };
        let measured = network.each_edge(&none, candidates, measure);
        let mut effects = vec![0.0; network.edge_count()];
        for (edge, (effect, _)) in candidates.iter().zip(&measured) {
            effects[*edge] = *effect;
        }
        let moves: Vec<f64> = measured.into_iter().map(|(_, most)| most).collect();
        let strongest = strongest_first(candidates, &moves).into_iter().rev();
        (effects, strongest.map(|(edge, _)| edge).collect())
    }
}

/// The refusal of networks whose equivalence cannot be asked about.
pub fn unprovable(path: &Path, detail: String) -> Error {
    ErrorKind::NotProvable {
        detail,
        remedy: "two MLPs or layered networks of one shape and activation; `--domain` names a box \
                 (`box:LO,HI`), a property (`FILE.vnnlib`) or `tokens`, `--radius` balls around the samples",
    }
    .at(path)
}

/// The refusal of a network that proofs were not made for.
pub fn refused(path: &Path, detail: impl Into<String>) -> Error {
    ErrorKind::NotProvable {
        detail: detail.into(),
        remedy: "circuits are proved of edges of MLPs (on a box, in balls, on tokens) and of \
                 transformers on tokens; `--method exact` finds circuits of every network",
    }
    .at(path)
}

/// Whether the proved method is asked for, which stands alone.
///
/// # Errors
/// If it is asked for beside others.
pub fn is_asked(config: &CircuitsConfig, path: &Path) -> Result<bool> {
    match (
        config.methods.contains(&Method::Proved),
        config.methods.len(),
    ) {
        (false, _) => Ok(false),
        (true, 1) => Ok(true),
        (true, _) => Err(ErrorKind::NotProvable {
            detail:
                "a proved circuit is of all outputs together, those of other methods of one each"
                    .to_owned(),
            remedy: "`--method proved` alone",
        }
        .at(path)),
    }
}

/// A fill whose value is the same for every input.
///
/// # Errors
/// If it is another, and the rest is not to be of any value.
pub fn fixed(fill: Fill, rest: Rest, path: &Path) -> Result<()> {
    match (fill, rest) {
        (Fill::Zero | Fill::Mean, _) | (_, Rest::Any) => Ok(()),
        (Fill::Corrupted | Fill::Resample, Rest::Fill) => Err(ErrorKind::NotProvable {
            detail: format!("under the fill `{fill}` every sample has values of its own"),
            remedy: "`--fill zero` or `mean`; `--rest any` allows whatever the rest can be",
        }
        .at(path)),
    }
}
