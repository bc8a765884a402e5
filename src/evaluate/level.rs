//! The smallest circuits of a faithfulness, of many rankings at once.
//!
//! Each ranking is of some set of samples, and its circuits are held against the same set.
//! What circuits do is asked for in rounds: a few sizes first, then the mean of the logarithms
//! of the last size that falls short and the first that does not, until they are a sixteenth
//! apart. Rankings that agree share runs.

use std::collections::{BTreeMap, HashMap};

use ndarray::{Array2, ArrayView1};

use super::judge::faithfulness;
use super::multiverse::first_of;
use super::transfer::Done;
use crate::patch::EdgeSet;

/// Sizes closer than this share of themselves are not told apart.
const RESOLUTION: usize = 16;

/// The shares of all edges that are tried first. All of them are the network.
const FIRST: [f64; 3] = [0.02, 0.1, 0.5];

/// A ranking, and the faithfulness of its circuits as far as they were run.
struct Ranking {
    /// Edges, the first the strongest.
    order: Vec<usize>,
    /// Whether those are all edges: the network itself.
    is_whole: bool,
    /// Which set of samples it is of.
    set: usize,
    /// By size; `None` where the network gains nothing on the set.
    tried: BTreeMap<usize, Option<f64>>,
}

/// Rankings whose circuits are sought.
pub struct Sought<'l> {
    edges: usize,
    /// How often each set has each sample.
    sets: Array2<f64>,
    levels: &'l [f64],
    rankings: Vec<Ranking>,
    /// What was asked for last: by ranking, the size and the circuit's place.
    asked: Vec<(usize, usize, usize)>,
}

impl<'l> Sought<'l> {
    /// Of rankings of `edges`, each by the number of its set among `sets: [sets, samples]`,
    /// for each of the `levels` of faithfulness.
    #[must_use]
    pub fn new(
        rankings: Vec<(Vec<usize>, usize)>,
        edges: usize,
        sets: Array2<f64>,
        levels: &'l [f64],
    ) -> Self {
        let ranking = |(order, set): (Vec<usize>, usize)| Ranking {
            is_whole: order.len() == edges,
            order,
            set,
            tried: BTreeMap::new(),
        };
        Self {
            edges,
            sets,
            levels,
            rankings: rankings.into_iter().map(ranking).collect(),
            asked: Vec::new(),
        }
    }

    /// The circuits to run next, each once; empty when all is known.
    pub fn ask(&mut self) -> Vec<EdgeSet> {
        let mut places: HashMap<EdgeSet, usize> = HashMap::new();
        let mut circuits = Vec::new();
        self.asked.clear();
        for (number, ranking) in self.rankings.iter().enumerate() {
            for size in ranking.wanted(self.levels) {
                let circuit = first_of(&ranking.order, size, self.edges);
                let place = *places.entry(circuit).or_insert_with_key(|circuit| {
                    circuits.push(circuit.clone());
                    circuits.len() - 1
                });
                self.asked.push((number, size, place));
            }
        }
        circuits
    }

    /// Takes in what the circuits asked for last do, and the network with nothing and with
    /// everything patched; a sample may have several readings, one after the other.
    pub fn take(&mut self, full: &Done, patched: &Done, circuits: &[Done]) {
        for (number, size, place) in std::mem::take(&mut self.asked) {
            let ranking = &mut self.rankings[number];
            let counts = self.sets.row(ranking.set);
            let mean = |done: &Done| weighted(counts, &done.values);
            let faithfulness = faithfulness(mean(&circuits[place]), mean(full), mean(patched));
            ranking.tried.insert(size, faithfulness);
        }
    }

    /// By ranking and level, the smallest size of those tried that reaches it.
    #[must_use]
    pub fn found(&self) -> Vec<Vec<Option<usize>>> {
        let of = |ranking: &Ranking| {
            let reached = |level: &f64| ranking.reached(*level).map(|(_, size)| size);
            self.levels.iter().map(reached).collect()
        };
        self.rankings.iter().map(of).collect()
    }
}

impl Ranking {
    /// The smallest size tried that reaches a level, after the size tried before it.
    fn reached(&self, level: f64) -> Option<(usize, usize)> {
        let mut below = 0;
        for (size, faithfulness) in &self.tried {
            if (*faithfulness)? >= level {
                return Some((below, *size));
            }
            below = *size;
        }
        let all = self.is_whole && !self.tried.is_empty();
        all.then_some((below, self.order.len()))
    }

    /// Sizes to be tried for any of the levels.
    fn wanted(&self, levels: &[f64]) -> Vec<usize> {
        let largest = self.order.len() - usize::from(self.is_whole);
        let mut sizes: Vec<usize> = match self.tried.is_empty() {
            true => {
                let of = |share: &f64| ((share * self.order.len() as f64) as usize).max(1);
                let last = (!self.is_whole).then_some(largest);
                FIRST.iter().map(of).chain(last).collect()
            }
            false => {
                let gaps = levels.iter().filter_map(|level| self.reached(*level));
                let wide = gaps.filter(|(below, size)| size - below > (size / RESOLUTION).max(1));
                wide.map(|(below, size)| between(below, size)).collect()
            }
        };
        sizes.retain(|size| *size <= largest);
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

/// The geometric mean of two sizes that are not next to each other, or what lies between.
fn between(below: usize, size: usize) -> usize {
    let mean = ((below.max(1) * size) as f64).sqrt().round() as usize;
    mean.clamp(below + 1, size - 1)
}

/// The mean of values of samples, each as often as a set has it.
fn weighted(counts: ArrayView1<'_, f64>, values: &[f64]) -> f64 {
    let of = |reading: usize| counts[reading * counts.len() / values.len()];
    let readings = 0..values.len();
    let (sum, times) = readings.fold((0.0, 0.0), |(sum, times), reading| {
        (sum + of(reading) * values[reading], times + of(reading))
    });
    sum / times
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn done(values: Vec<f64>) -> Done {
        Done {
            values,
            decisions: None,
        }
    }

    /// Ten edges, of which each sample needs so many of its own ranking: the circuits of the
    /// first set need those of all samples, of the second those of the first sample alone.
    #[test]
    fn the_smallest_size_that_reaches_a_level_on_its_own_samples() {
        let sets = array![[1.0, 1.0], [2.0, 0.0]];
        let order: Vec<usize> = (0..10).collect();
        let rankings = vec![(order.clone(), 0), (order, 1)];
        let levels = [0.5, 0.9];
        let mut sought = Sought::new(rankings, 10, sets, &levels);
        // The first sample needs three edges, the second eight.
        let value = |size: usize| vec![(size.min(3) as f64) / 3.0, (size.min(8) as f64) / 8.0];
        let mut rounds = 0;
        loop {
            let circuits = sought.ask();
            if circuits.is_empty() {
                break;
            }
            let ran: Vec<Done> = circuits
                .iter()
                .map(|c| done(value(c.count_ones(..))))
                .collect();
            // Both rankings agree: no circuit is asked for twice.
            let mut sizes: Vec<usize> = circuits.iter().map(|c| c.count_ones(..)).collect();
            sizes.sort_unstable();
            sizes.dedup();
            assert_eq!(sizes.len(), circuits.len());
            sought.take(&done(vec![1.0, 1.0]), &done(vec![0.0, 0.0]), &ran);
            rounds += 1;
        }
        // Half: (min(n, 3)/3 + n/8)/2 ≥ 1/2 from 3 on; nine tenths from 7 on. The second set:
        // n/3 ≥ 1/2 from 2 on, and 3.
        assert_eq!(sought.found(), [[Some(3), Some(7)], [Some(2), Some(3)]]);
        assert!(rounds < 6, "{rounds}");
    }

    /// Where the network gains nothing no circuit reaches anything.
    #[test]
    fn nothing_gained_is_nothing_reached() {
        let mut sought = Sought::new(vec![(vec![0, 1], 0)], 2, array![[1.0]], &[0.8]);
        let circuits = sought.ask();
        let ran = vec![done(vec![2.0]); circuits.len()];
        sought.take(&done(vec![2.0]), &done(vec![2.0]), &ran);
        assert!(sought.ask().is_empty());
        assert_eq!(sought.found(), [[None]]);
    }
}
