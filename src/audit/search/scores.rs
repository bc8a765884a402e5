//! The scores of all edges for every answer, by every method that gives edges scores.

use std::time::Instant;

use ndarray::{Array2, Axis};

use super::{Answer, Search, Searchable};
use crate::audit::methods::{ENSEMBLE, Method};
use crate::circuit::{
    Attribution, Blocks, Cut, Goal, MaskConfig, effects, learned_mask, mean_rank, random_scores,
    screened,
};
use crate::metric::Metric;
use crate::numeric::{Rng, Scalar};
use crate::patch::PatchableExt as _;
use crate::result::Screening;
use crate::{ErrorKind, Result};

/// Blocks of edges between which progress is told, and the fewest edges of one.
const BLOCKS: usize = 20;
const SMALLEST_BLOCK: usize = 256;

/// Effects sample by sample that are kept for resamples: of gradients, which cost next to
/// nothing, up to 160 MB; of patches, each of which is a run, far fewer.
const MOST_ATTRIBUTED: usize = 20_000_000;
const MOST_PATCHED: usize = 1_000_000;

/// Edges at least whose rank is settled by screening unasked.
const SCREENED: usize = 100;

/// Folds of the samples by which sizes are calibrated, and the stream they come from.
pub const FOLDS: usize = 5;
const FOLD_STREAM: u64 = 73;

/// Whether nothing had an effect.
pub fn silent(effects: &[f64]) -> bool {
    !effects.is_empty() && effects.iter().all(|effect| *effect == 0.0)
}

/// Scores of all edges for one answer, or `None` where the method gives none.
pub struct Scores {
    /// By edge number.
    pub effects: Vec<f64>,
    /// The same sample by sample, `[samples, edges]`; their mean or their sum.
    pub each: Option<Array2<f64>>,
    /// By fold of the samples, the effects as the samples of all other folds give them; empty
    /// where that was not asked for or cannot be had.
    pub folds: Vec<Vec<f64>>,
    /// How they were settled, where they were screened.
    pub screening: Option<Screening>,
    pub evaluations: u64,
    pub seconds: f64,
}

impl Scores {
    /// Of all edges, after so many runs.
    pub fn new(effects: Vec<f64>, evaluations: u64) -> Self {
        Self {
            effects,
            each: None,
            folds: Vec::new(),
            screening: None,
            evaluations,
            seconds: 0.0,
        }
    }
}

impl<T: Scalar> Search<'_, T> {
    /// The scores of all candidates, for every answer.
    pub fn scores(&self, method: Method) -> Result<Vec<Scores>> {
        if method == Method::Exact {
            return self.exact_scores();
        }
        let of_answer = |(index, answer): (usize, &Answer<'_, T>)| {
            let started = Instant::now();
            let scores = self.scores_of(index, answer, method)?;
            Ok(Scores {
                seconds: started.elapsed().as_secs_f64(),
                ..scores
            })
        };
        self.answers.iter().enumerate().map(of_answer).collect()
    }

    /// The scores of all edges for one answer, sample by sample where that is asked for.
    fn scores_of(&self, index: usize, answer: &Answer<'_, T>, method: Method) -> Result<Scores> {
        let network = answer.network.as_ref();
        let metric = answer.metric();
        if let Some(attribution) = method.attribution(self.config.ig_steps, self.config.conventions)
        {
            if attribution.sees() && !network.has_queries() {
                return Err(ErrorKind::NoQueries {
                    method: method.to_string(),
                }
                .at(self.data));
            }
            return Ok(self.attribution(network, &metric, attribution, self.config.stability));
        }
        if method == Method::Screened {
            return self.screened(index, network, &metric);
        }
        if method == Method::Ensemble {
            return Ok(self.ensemble(network, &metric));
        }
        if method == Method::Mask {
            let config = MaskConfig {
                seed: self.seed,
                ..self.config.mask
            };
            let learn = || Ok(learned_mask(network, &metric, config));
            let open = self.journal.piece(&format!("{method}/{index}"), learn)?;
            return Ok(Scores::new(open, config.steps as u64));
        }
        assert_eq!(method, Method::Random, "the other methods score elsewhere");
        let scores = random_scores(network, self.seed + index as u64);
        Ok(Scores::new(scores, 0))
    }

    /// Which fold each of so many samples is in; `None` where sizes are not calibrated, and of
    /// samples so few that a fold has none.
    pub fn fold_of(&self, samples: usize) -> Option<Vec<usize>> {
        if !self.config.calibrate || samples < FOLDS {
            return None;
        }
        let mut fold_of = vec![0; samples];
        let order = Rng::new(self.seed, FOLD_STREAM).permutation(samples);
        for (place, sample) in order.into_iter().enumerate() {
            fold_of[sample] = place % FOLDS;
        }
        Some(fold_of)
    }

    /// The effects that all samples but those of a fold give, for every fold.
    pub fn without_each_fold(&self, each: &Array2<f64>) -> Vec<Vec<f64>> {
        let Some(fold_of) = self.fold_of(each.nrows()) else {
            return Vec::new();
        };
        let without = |fold: usize| {
            let others: Vec<usize> = (0..each.nrows()).filter(|s| fold_of[*s] != fold).collect();
            each.select(Axis(0), &others).sum_axis(Axis(0)).to_vec()
        };
        (0..FOLDS).map(without).collect()
    }

    /// Mean ranks over several attributions.
    fn ensemble(&self, network: &dyn Searchable<Number = T>, metric: &Metric) -> Scores {
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let of = |method: Method| method.attribution(self.config.ig_steps, self.config.conventions);
        let members: Vec<Attribution> = ENSEMBLE.into_iter().filter_map(of).collect();
        let of = |member: &Attribution| {
            let scores = self.attribution(network, metric, *member, self.config.calibrate);
            (scores.effects, scores.folds)
        };
        // A method without a slope ranks nothing.
        let scores = members.iter().map(of).filter(|(all, _)| !silent(all));
        let (all, folds): (Vec<_>, Vec<Vec<Vec<f64>>>) = scores.unzip();
        let mean = |scores: Vec<Vec<f64>>| match scores.is_empty() {
            true => vec![0.0; network.edge_count()],
            false => mean_rank(&candidates, &scores),
        };
        let least = folds.iter().map(Vec::len).min().unwrap_or(0);
        let of_fold = |fold: usize| mean(folds.iter().map(|of| of[fold].clone()).collect());
        let groups = network.groups();
        let runs: usize = members.iter().map(|member| member.runs(groups)).sum();
        Scores {
            folds: (0..least).map(of_fold).collect(),
            ..Scores::new(mean(all), runs as u64)
        }
    }

    /// Effects that are exact wherever it matters on which side of the cut an edge lies: of
    /// the size or threshold asked for, else of a tenth of the edges, of 100 at least.
    fn screened(
        &self,
        index: usize,
        network: &dyn Searchable<Number = T>,
        metric: &Metric,
    ) -> Result<Scores> {
        let candidates: Vec<usize> = self.candidates.ones().collect();
        let cut = match (self.config.top, self.config.threshold) {
            (Some(top), _) => Cut::Top(top),
            (None, Some(tau)) => Cut::At(tau),
            (None, None) => Cut::Top((candidates.len() / 10).max(SCREENED)),
        };
        let find = || Ok(screened(network, metric, &candidates, cut, self.seed));
        let piece = format!("{}/{index}", Method::Screened);
        let found = self.journal.piece(&piece, find)?;
        let runs = (found.patched + found.passes) as u64;
        let screening = Screening {
            estimated: candidates.len() - found.patched,
            patched: found.patched,
            drawn: found.drawn,
            flagged: found.flagged.len(),
            factor: found.factor,
            risk: 1.0 / (found.drawn + 1) as f64,
        };
        let scores = Scores::new(found.effects, runs);
        Ok(Scores {
            screening: Some(screening),
            ..scores
        })
    }

    /// Exact effects: one pass over the edges serves all answers.
    fn exact_scores(&self) -> Result<Vec<Scores>> {
        let started = Instant::now();
        let edges: Vec<usize> = self.candidates.ones().collect();
        let goals: Vec<Goal> = self.answers.iter().map(|a| a.goal.clone()).collect();
        let mut all = vec![Vec::with_capacity(edges.len()); goals.len()];
        let mut done = 0;
        for (number, some) in self.blocks(&edges).into_iter().enumerate() {
            let find = || Ok(effects(self.network, &self.network.edges([]), some, &goals));
            let piece = format!("{}/{number}", Method::Exact);
            let found: Vec<Vec<f64>> = self.journal.piece(&piece, find)?;
            for (all, found) in all.iter_mut().zip(found) {
                all.extend(found);
            }
            done += some.len();
            self.tell(Method::Exact, started, done as f64 / edges.len() as f64);
        }
        let seconds = started.elapsed().as_secs_f64() / goals.len().max(1) as f64;
        let of_goal = |values: Vec<f64>| {
            let mut effects = vec![0.0; self.network.edge_count()];
            for (edge, value) in edges.iter().zip(values) {
                effects[*edge] = value;
            }
            Scores {
                seconds,
                ..Scores::new(effects, edges.len() as u64)
            }
        };
        Ok(all.into_iter().map(of_goal).collect())
    }

    /// Estimated effects; sample by sample and without each fold too, where that is asked for
    /// and they are not too many.
    fn attribution(
        &self,
        network: &dyn Searchable<Number = T>,
        metric: &Metric,
        method: Attribution,
        by_sample: bool,
    ) -> Scores {
        let runs = method.runs(network.groups()) as u64;
        let numbers = network.samples() * network.edge_count();
        if !(by_sample && self.config.stability && numbers <= MOST_ATTRIBUTED) {
            return Scores::new(network.attribute(metric, method), runs);
        }
        let each = network.attribute_by(metric, method, Blocks::Samples);
        let effects = each.sum_axis(Axis(0)).to_vec();
        Scores {
            folds: self.without_each_fold(&each),
            each: Some(each),
            ..Scores::new(effects, runs)
        }
    }

    /// Exact effects of `edges` sample by sample, where they are asked for and are not
    /// too many; 0 for all other edges.
    pub fn exact_by_sample(&self, answer: &Answer<'_, T>, edges: &[usize]) -> Option<Array2<f64>> {
        let (network, metric) = (answer.network.as_ref(), answer.metric());
        let samples = network.samples();
        if !self.config.stability || samples * edges.len() > MOST_PATCHED {
            return None;
        }
        let none = network.edges([]);
        let before = metric.values(network.outputs(&none).view());
        let after = network.each_edge_values(&none, edges, &metric);
        let mut each = Array2::zeros((network.edge_count(), samples));
        for (edge, values) in edges.iter().zip(&after) {
            let pairs = before.iter().zip(values);
            let effects = each.row_mut(*edge).into_iter().zip(pairs);
            effects.for_each(|(effect, (before, after))| *effect = before - after);
        }
        Some(each.reversed_axes())
    }

    /// Edges in blocks between which progress is told; all into one reader are in one.
    fn blocks<'e>(&self, edges: &'e [usize]) -> Vec<&'e [usize]> {
        let least = edges.len().div_ceil(BLOCKS).max(SMALLEST_BLOCK);
        let reader = |edge: usize| self.network.ends(edge).1;
        let (mut blocks, mut first) = (Vec::new(), 0);
        for next in 1..=edges.len() {
            let is_end = next == edges.len();
            let is_full = !is_end && next - first >= least;
            if is_end || is_full && reader(edges[next]) != reader(edges[next - 1]) {
                blocks.push(&edges[first..next]);
                first = next;
            }
        }
        blocks
    }

    /// A patch that changes nothing anywhere is a mistake, not a score of 0.
    pub fn check(&self, method: Method, scores: &[Scores]) -> Result<()> {
        if !self.config.strict {
            return Ok(());
        }
        let silent = |s: &Scores| silent(&s.effects);
        if !scores.is_empty() && scores.iter().all(silent) && self.candidates.count_ones(..) > 0 {
            let kind = self.answers[0].goal.metric.kind();
            let attributes = method.attribution(self.config.ig_steps, self.config.conventions);
            if attributes.is_some() && kind.is_flat_at_the_full_network() {
                return Err(ErrorKind::NoSlope {
                    method: method.to_string(),
                    metric: kind.to_string(),
                }
                .at(self.data));
            }
            return Err(ErrorKind::PatchesChangeNothing {
                method: method.to_string(),
                fill: self.fill.to_string(),
                metric: kind.to_string(),
            }
            .at(self.data));
        }
        Ok(())
    }
}
