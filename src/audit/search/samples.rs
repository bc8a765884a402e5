//! Effects sample by sample: how a discovery comes out over resamples, and what others
//! need to run it again.

use std::collections::HashMap;

use ndarray::{Array2, Axis};

use super::choose::Chosen;
use super::scores::Scores;
use super::{Measured, ScoredBySample, Search};
use crate::audit::methods::Subset;
use crate::choice::Origin;
use crate::circuit::EdgeGraph;
use crate::evaluate::stability::{CORE, POSSIBLE, RESAMPLES, stability, wilson_interval};
use crate::numeric::Scalar;
use crate::order;
use crate::patch::{EdgeSet, PatchableExt as _};
use crate::result::{CircuitStability, EdgeInclusion};

impl<T: Scalar> Search<'_, T> {
    /// The scores of candidates sample by sample, where they were asked for.
    pub fn by_sample(
        &self,
        index: usize,
        method: Origin,
        scores: &Scores,
    ) -> Option<ScoredBySample> {
        let answer = &self.answers[index];
        let (Origin::Found(method), true) = (method, self.config.keep_samples) else {
            return None;
        };
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let measured = self.measured(index, &candidates);
        let effects = match &scores.each {
            Some(each) => each.select(Axis(1), &candidates),
            // Whoever asks what circuits do needs no scores.
            None if measured.is_some() => Array2::zeros((0, candidates.len())),
            None => return None,
        };
        let named = |edge: &usize| self.network.edge_names(*edge);
        Some(ScoredBySample {
            method,
            output: (answer.site.clone(), answer.name.clone()),
            metric: answer.goal.metric.kind(),
            edges: candidates.iter().map(named).collect(),
            graph: EdgeGraph::new(self.network, &candidates),
            effects,
            measured,
        })
    }

    /// What the circuits do that are to be run for an answer, on the samples it is judged on.
    fn measured(&self, index: usize, candidates: &[usize]) -> Option<Measured> {
        let own = &self.answers[index];
        let answer = self.judges[index].as_ref().unwrap_or(own);
        let circuits = self.config.measure.get(&answer.site)?;
        let network = answer.network.as_ref();
        let named = |edge: &usize| (network.edge_names(*edge), *edge);
        let places: HashMap<(String, String), usize> = candidates.iter().map(named).collect();
        let set = |subset: &Subset| match subset {
            Subset::ByName(edges) => {
                network.edges(edges.iter().filter_map(|edge| places.get(edge).copied()))
            }
            Subset::ByPlace(edges) => network.edges(edges.ones().map(|place| candidates[place])),
        };
        let ends = [network.all(), network.edges([])];
        let sets: Vec<EdgeSet> = ends.into_iter().chain(circuits.iter().map(set)).collect();
        let mut done = self.judge(answer).done_by(&sets);
        let circuits = done.split_off(2);
        let patched = done.pop()?;
        Some(Measured {
            full: done.pop()?,
            patched,
            circuits,
        })
    }

    /// How the discovery comes out over resamples of its samples.
    pub fn stability(&self, circuit: &Chosen, scores: &Scores) -> Option<CircuitStability> {
        let size = circuit.ranked?;
        let each = scores.each.as_ref()?;
        let rule = self.rule();
        let choose = |effects: &[f64]| rule.circuit(effects, size);
        let found = stability(each.view(), RESAMPLES, self.seed, choose)?;
        let share = |edge: &usize| found.inclusion[*edge];
        let mut possible: Vec<usize> = self.candidates.ones().collect();
        possible.retain(|edge| share(edge) >= POSSIBLE);
        order::descending(&mut possible, share);
        let named = |edge: &usize| {
            let (from, to) = self.network.edge_names(*edge);
            EdgeInclusion {
                from,
                to,
                share: share(edge),
                interval: wilson_interval(share(edge), found.resamples),
            }
        };
        Some(CircuitStability {
            resamples: found.resamples,
            samples: each.nrows(),
            jaccard: found.jaccard,
            core: possible.iter().filter(|edge| share(edge) >= CORE).count(),
            possible: possible.len(),
            edges: possible.iter().map(named).collect(),
        })
    }
}
