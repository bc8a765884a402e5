//! Circuits of two discoveries, run on each other's samples and on others.

use ndarray::Axis;

use super::runs::Scored;
use crate::audit::search::Measured;
use crate::circuit::strongest;
use crate::evaluate::transfer::{Ran, SETS, Transferred, transferred};
use crate::numeric::Rng;
use crate::patch::EdgeSet;

/// Fewer samples make no three sets.
const FEWEST: usize = 12;

/// The stream that samples are put into sets from.
const STREAM: u64 = 67;

/// The circuits that two discoveries give, of one answer.
pub struct Discovered {
    /// In which of the three sets each sample is.
    set_of: Vec<usize>,
    /// The set of its discovery, and its edges, by place among the candidates.
    circuits: Vec<(usize, EdgeSet)>,
}

impl Discovered {
    /// The distinct circuits of the strongest `size` edges by every matrix, on either of the
    /// first two thirds of the samples. `None` for few samples.
    pub fn new(matrices: &[Scored], size: usize, seed: u64) -> Option<Self> {
        let samples = matrices.iter().map(|m| m.matrix.effects.nrows()).min()?;
        if samples < FEWEST {
            return None;
        }
        let mut set_of = vec![0; samples];
        let order = Rng::new(seed, STREAM).permutation(samples);
        for (place, sample) in order.into_iter().enumerate() {
            set_of[sample] = place * SETS / samples;
        }
        let mut circuits: Vec<(usize, EdgeSet)> = Vec::new();
        for set in 0..SETS - 1 {
            for Scored { matrix, .. } in matrices {
                let rows = matrix.effects.nrows();
                let is_of = |row: &usize| set_of[row * samples / rows] == set;
                let rows: Vec<usize> = (0..rows).filter(is_of).collect();
                let sum = matrix.effects.select(Axis(0), &rows).sum_axis(Axis(0));
                let circuit = (set, strongest(&sum.to_vec(), size));
                if !circuits.contains(&circuit) {
                    circuits.push(circuit);
                }
            }
        }
        Some(Self { set_of, circuits })
    }

    /// The circuits.
    pub fn circuits(&self) -> Vec<EdgeSet> {
        let circuits = self.circuits.iter();
        circuits.map(|(_, circuit)| circuit.clone()).collect()
    }

    /// Samples of either discovery, and those held out.
    pub fn samples(&self) -> [usize; SETS] {
        [0, 1, 2].map(|set| self.set_of.iter().filter(|of| **of == set).count())
    }

    /// What the circuits do beside each other, where they were run.
    pub fn transferred(self, measured: &Measured) -> Option<Transferred> {
        let readings = measured.full.values.len();
        let set_of: Vec<usize> = (0..readings)
            .map(|reading| self.set_of[reading * self.set_of.len() / readings])
            .collect();
        let pairs = self.circuits.into_iter().zip(&measured.circuits);
        let ran: Vec<Ran> = pairs
            .map(|((set, edges), done)| Ran {
                edges,
                set,
                done: done.clone(),
            })
            .collect();
        transferred(&ran, &set_of, &measured.full, &measured.patched)
    }
}
