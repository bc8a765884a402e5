//! The circuits of one ranking, a circuit for every size, each within the next.
//!
//! Which of them an edge enters is known without building any: all sizes share
//! one order of edges, and what is measured at one of them is a step away from
//! what is measured at the next.

use std::collections::{BTreeMap, BTreeSet};

use super::sweep::{Choice, SweepPoint, distance, point};
use super::{FRACTIONS, Judge, sizes};
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Patchable, PatchableExt as _};

/// Up to this size every size is tried, where steps are cheap and where they are runs.
const ALL_UP_TO: usize = 512;
const ALL_RUNS_UP_TO: usize = 64;

/// Beyond, and where steps are runs, sizes lie this share of themselves apart.
const RESOLUTION: usize = 64;

/// Sizes that are tried before it is asked whether one was faithful.
const WAVE: usize = 512;
const RUNS: usize = 8;

/// The circuits that keep the first `size` edges of a ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nested {
    /// Edges in the order in which they come in.
    order: Vec<usize>,
    /// By size, from 0 on, how many of them are in.
    kept: Vec<usize>,
}

impl Nested {
    /// Of `ranked` edges, the strongest first. With `connected`, edges are in
    /// once they lie on a path from an input to an output, through edges that
    /// are in and links. O(edges · log edges).
    ///
    /// An edge u → v of rank r is on such a path from the size
    /// `max(r, fed u, read v)` on, where `fed` is the least size at which
    /// something reaches a node, and `read` that at which something reads it.
    #[must_use]
    pub fn new<T: Scalar>(
        network: &dyn Patchable<Number = T>,
        ranked: &[usize],
        connected: bool,
    ) -> Self {
        let enters = match connected {
            true => entries(network, ranked),
            false => (1..=ranked.len()).collect(),
        };
        let mut order: Vec<(usize, usize)> =
            enters.into_iter().zip(ranked.iter().copied()).collect();
        order.retain(|(size, _)| *size <= ranked.len());
        order.sort_by_key(|(size, _)| *size);
        let kept = (0..=ranked.len()).map(|size| order.partition_point(|(at, _)| *at <= size));
        Self {
            kept: kept.collect(),
            order: order.into_iter().map(|(_, edge)| edge).collect(),
        }
    }

    /// The largest size.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.kept.len() - 1
    }

    /// The circuit of a size.
    #[must_use]
    pub fn circuit<T: Scalar>(&self, network: &dyn Patchable<Number = T>, size: usize) -> EdgeSet {
        network.edges(self.order[..self.kept[size]].iter().copied())
    }

    /// The metric sample by sample, with all edges patched but those of the circuit,
    /// for every size of an ascending list.
    #[must_use]
    pub fn values<T: Scalar>(&self, judge: &Judge<'_, T>, sizes: &[usize]) -> Vec<Vec<f64>> {
        let mut counts: Vec<usize> = sizes.iter().map(|size| self.kept[*size]).collect();
        counts.dedup();
        let network = judge.network();
        let values = network.each_kept(&self.order, &counts, |outputs| {
            judge.metric().values(outputs)
        });
        let by_count: BTreeMap<usize, Vec<f64>> = counts.into_iter().zip(values).collect();
        sizes
            .iter()
            .map(|size| by_count[&self.kept[*size]].clone())
            .collect()
    }
}

/// The size from which on each ranked edge is on a path from an input to an
/// output; `usize::MAX` where it never is.
fn entries<T: Scalar>(network: &dyn Patchable<Number = T>, ranked: &[usize]) -> Vec<usize> {
    let (mut fed, mut read) = (vec![0; network.node_count()], vec![0; network.node_count()]);
    let links = network.links();
    let ends = (0..network.edge_count()).map(|edge| network.ends(edge));
    for (writer, reader) in ends.chain(links.iter().copied()) {
        fed[reader] = usize::MAX;
        read[writer] = usize::MAX;
    }
    let way = |(rank, edge): (usize, &usize)| (network.ends(*edge), rank + 1);
    let edges: Vec<((usize, usize), usize)> = ranked.iter().enumerate().map(way).collect();
    let mut ways = edges.clone();
    ways.extend(links.into_iter().map(|ends| (ends, 0)));
    ways.sort_unstable();
    lower(&mut fed, &ways);
    ways.sort_by_key(|((_, reader), _)| std::cmp::Reverse(*reader));
    for ((writer, reader), _) in &mut ways {
        std::mem::swap(writer, reader);
    }
    lower(&mut read, &ways);
    let enters =
        |((writer, reader), size): ((usize, usize), usize)| size.max(fed[writer]).max(read[reader]);
    edges.into_iter().map(enters).collect()
}

/// Lowers the number of each node to the least that a way to it needs: in one pass and one
/// that finds nothing, but for a recurrence.
fn lower(needed: &mut [usize], ways: &[((usize, usize), usize)]) {
    let mut is_new = true;
    while std::mem::take(&mut is_new) {
        for ((from, to), size) in ways {
            let by_way = needed[*from].max(*size);
            if by_way < needed[*to] {
                (needed[*to], is_new) = (by_way, true);
            }
        }
    }
}

/// Chooses the smallest circuit of a ranking with |1 − faithfulness| ≤ `within`
/// among the sizes that are tried, or, if none is, the most faithful; the index
/// of the choice is the size. `None` for no edges.
///
/// MIB's sizes are tried first, then those between the last that is not faithful
/// and the first that is, halving. As faithfulness need not grow with size, those
/// below are tried besides, from the smallest up: every size to 64, or to 512 where
/// a step from one to the next costs much less than a run
/// ([`Patchable::steps_are_cheap`]); there also larger ones, a 64th apart, and all
/// again around the first that is faithful.
#[must_use]
pub fn choose_nested<T: Scalar>(
    judge: &Judge<'_, T>,
    circuits: &Nested,
    within: f64,
) -> Option<Choice> {
    choose_held_out(judge, std::slice::from_ref(circuits), &[], within)
}

/// The same, but that samples are in folds, and what a size does on a sample is what the
/// circuit of that size does of the ranking of its fold, which others have made: a choice of
/// a size by samples that took no part. `fold_of` says of every sample, whatever its number of
/// readings, which fold it is in; empty: all in the first.
#[must_use]
pub fn choose_held_out<T: Scalar>(
    judge: &Judge<'_, T>,
    folds: &[Nested],
    fold_of: &[usize],
    within: f64,
) -> Option<Choice> {
    let largest = folds.iter().map(Nested::largest).min()?;
    let mut search = Sizes {
        judge,
        folds,
        fold_of,
        largest,
        within,
        tried: BTreeMap::new(),
    };
    let of = |fraction: &f64| ((fraction * largest as f64).floor() as usize).max(1);
    search.all(FRACTIONS.iter().map(of).filter(|size| *size <= largest));
    search.halve();
    search.below();
    search.choice()
}

/// Sizes under search.
struct Sizes<'s, 'n, T> {
    judge: &'s Judge<'n, T>,
    folds: &'s [Nested],
    fold_of: &'s [usize],
    largest: usize,
    within: f64,
    tried: BTreeMap<usize, SweepPoint>,
}

impl<T: Scalar> Sizes<'_, '_, T> {
    /// Tries these sizes, as far as they were not.
    fn all(&mut self, sizes: impl IntoIterator<Item = usize>) {
        let new: BTreeSet<usize> = sizes.into_iter().collect();
        let new: Vec<usize> = new
            .into_iter()
            .filter(|s| !self.tried.contains_key(s))
            .collect();
        let values = self.values(&new);
        for (size, values) in new.into_iter().zip(values) {
            let kept = self.folds[0].kept[size];
            self.tried
                .insert(size, point(self.judge, size as f64, kept, &values));
        }
    }

    /// The metric sample by sample, each by the ranking of its fold, at every size.
    fn values(&self, sizes: &[usize]) -> Vec<Vec<f64>> {
        let by_fold = self.folds.iter().map(|fold| fold.values(self.judge, sizes));
        let by_fold: Vec<Vec<Vec<f64>>> = by_fold.collect();
        let of_size = |size: usize| {
            let readings = by_fold[0][size].len();
            let of = |reading: usize| {
                let sample = reading * self.fold_of.len() / readings;
                let fold = self.fold_of.get(sample).copied().unwrap_or(0);
                by_fold[fold][size][reading]
            };
            (0..readings).map(of).collect()
        };
        (0..sizes.len()).map(of_size).collect()
    }

    fn steps_are_cheap(&self) -> bool {
        self.judge.network().steps_are_cheap()
    }

    /// The smallest faithful size, and the size tried before it, 0 without.
    fn faithful(&self) -> Option<(usize, usize)> {
        let mut below = 0;
        for (size, point) in &self.tried {
            if distance(point) <= self.within {
                return Some((below, *size));
            }
            below = *size;
        }
        None
    }

    /// Narrows the gap below the smallest faithful size.
    fn halve(&mut self) {
        while let Some((below, size)) = self.faithful() {
            let gap = match self.steps_are_cheap() {
                true => 1,
                false => (size / RESOLUTION).max(1),
            };
            if size - below <= gap {
                return;
            }
            self.all([below.midpoint(size)]);
        }
    }

    /// Looks for a smaller one, from the smallest on, until one is faithful.
    fn below(&mut self) {
        let Some((_, known)) = self.faithful() else {
            return;
        };
        let (mut sizes, mut size) = (Vec::new(), 1);
        let cheap = self.steps_are_cheap();
        let all = match cheap {
            true => ALL_UP_TO,
            false => ALL_RUNS_UP_TO,
        };
        while size < known && (cheap || size <= all) {
            sizes.push(size);
            size += if size < all { 1 } else { size / RESOLUTION };
        }
        let wave = if cheap { WAVE } else { RUNS };
        for wave in sizes.chunks(wave) {
            self.all(wave.iter().copied());
            if self.faithful().is_some_and(|(_, size)| size < known) {
                break;
            }
        }
        if let Some((below, size)) = self.faithful().filter(|_| cheap) {
            self.all(below + 1..size);
        }
    }

    /// The choice, with the sizes that a curve is drawn through.
    fn choice(self) -> Option<Choice> {
        let small = self.faithful().map(|(_, size)| size);
        let by_distance = |a: &(&usize, &SweepPoint), b: &(&usize, &SweepPoint)| {
            distance(a.1).total_cmp(&distance(b.1))
        };
        let index =
            small.or_else(|| self.tried.iter().min_by(by_distance).map(|(size, _)| *size))?;
        let drawn: BTreeSet<usize> = sizes(self.largest).into_iter().collect();
        let few = self.tried.len() <= drawn.len();
        let shown = |size: &usize| few || *size == index || drawn.contains(size);
        Some(Choice {
            index,
            faithful: small.is_some(),
            points: self
                .tried
                .into_iter()
                .filter(|(size, _)| shown(size))
                .map(|(_, point)| point)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::connected;
    use crate::metric::Metric;
    use crate::model::mlp::tests::{random_inputs, random_mlp};
    use crate::numeric::{Activation, Rng};
    use crate::patch::{Engine, Fills};

    #[test]
    fn every_size_is_the_connected_part_of_its_edges() {
        let model = random_mlp(&[3, 5, 4, 2], 1, Activation::Silu, 3);
        let engine = Engine::new(&model, random_inputs(&model, 4, 3), Fills::zero());
        let ranked = Rng::new(7, 0).permutation(engine.edge_count());
        let ranked = &ranked[..30];
        let (whole, parts) = (
            Nested::new(&engine, ranked, true),
            Nested::new(&engine, ranked, false),
        );
        for size in 0..=ranked.len() {
            let edges = engine.edges(ranked[..size].iter().copied());
            assert_eq!(parts.circuit(&engine, size), edges);
            assert_eq!(whole.circuit(&engine, size), connected(&engine, &edges));
        }
    }

    /// With two folds the size is that which does on each sample what its own fold's ranking
    /// does; a fold for all is the choice as it was.
    #[test]
    fn samples_are_judged_by_the_ranking_of_their_fold() {
        let model = random_mlp(&[3, 5, 2], 1, Activation::Tanh, 4);
        let engine = Engine::new(&model, random_inputs(&model, 12, 4), Fills::zero());
        let judge = Judge::new(&engine, Metric::Output { output: 0 }, engine.all());
        let rankings = [1, 2].map(|seed| Rng::new(seed, 0).permutation(engine.edge_count()));
        let folds = rankings.map(|ranked| Nested::new(&engine, &ranked, true));
        let fold_of: Vec<usize> = (0..12).map(|sample| sample % 2).collect();
        let choice = choose_held_out(&judge, &folds, &fold_of, 0.1).unwrap();
        let size = choice.index;
        let values = folds
            .each_ref()
            .map(|fold| judge.values(&fold.circuit(&engine, size)));
        let own = (0..12).map(|sample| values[sample % 2][sample]);
        let metric = crate::numeric::statistics::mean(&own.collect::<Vec<f64>>());
        let chosen = choice
            .points
            .iter()
            .find(|point| point.parameter == size as f64);
        assert!((chosen.unwrap().metric - metric).abs() < 1e-9 * (1.0 + metric.abs()));
        let alone = choose_held_out(&judge, &folds[..1], &[0; 12], 0.1).unwrap();
        assert_eq!(
            alone.index,
            choose_nested(&judge, &folds[0], 0.1).unwrap().index
        );
    }

    /// Of all sizes, tried one by one.
    #[test]
    fn the_smallest_of_all_sizes_is_found() {
        for seed in 0..20 {
            let model = random_mlp(&[4, 6, 5, 2], 1, Activation::Silu, seed);
            let engine = Engine::new(&model, random_inputs(&model, 9, seed), Fills::zero());
            let judge = Judge::new(&engine, Metric::Output { output: 0 }, engine.all());
            let ranked = Rng::new(seed, 0).permutation(engine.edge_count());
            let nested = Nested::new(&engine, &ranked, true);
            let sizes: Vec<usize> = (1..=ranked.len()).collect();
            let is_faithful = |size: &&usize| {
                let values = judge.values(&nested.circuit(&engine, **size));
                let metric = crate::numeric::statistics::mean(&values);
                judge
                    .faithfulness(metric)
                    .is_some_and(|f| (1.0 - f).abs() <= 0.1)
            };
            let smallest = sizes.iter().find(is_faithful).unwrap();
            let choice = choose_nested(&judge, &nested, 0.1).unwrap();
            assert_eq!(
                (choice.index, choice.faithful),
                (*smallest, true),
                "seed {seed}"
            );
        }
    }
}
