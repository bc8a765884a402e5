//! How many groups there are and who is in them, as several chains have it.
//!
//! The chains begin far apart: with the best groups found, with one group of each kind, and
//! with groups drawn by lot. Where they do not come to agree, their numbers are no posterior,
//! and it is said so.

use std::collections::BTreeMap;

use super::chain::Chain;
use super::grouping::Grouping;
use crate::numeric::{Rng, parallel, statistics};

/// Chains.
const CHAINS: usize = 4;

/// Groups drawn by lot that a chain begins with, of each kind.
const LOTS: usize = 4;

/// R̂ up to which chains are taken to agree. Vehtari et al. (2021), arXiv 1903.08008, ask for
/// 1.01 where tails matter; means and shares are read here.
const AGREED: f64 = 1.05;

/// What the chains visited after their first half.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    /// Chains.
    pub chains: usize,
    /// Partitions of each that count: those of the second half of its steps.
    pub kept: usize,
    /// R̂ of the description length and of the number of groups, the larger.
    pub r_hat: f64,
    /// The mean number of groups by chain.
    pub chain_means: Vec<f64>,
    /// The share of the partitions with each number of groups, from few to many.
    pub counts: Vec<(usize, f64)>,
    /// By node with edges, how often it is in the group that it is in in the best description.
    pub membership: Vec<f64>,
}

impl Posterior {
    /// Whether the chains came to agree.
    #[must_use]
    pub fn is_converged(&self) -> bool {
        self.r_hat <= AGREED
    }
}

/// What one chain visited.
struct Visited {
    lengths: Vec<f64>,
    counts: Vec<f64>,
    /// How often each node was in each group of the reference, `node * groups + group`.
    votes: Vec<u32>,
}

/// The posterior beside the groups of `best`, by `steps` of each chain; at least 8.
///
/// Chains run in parallel, each with its own stream of the seed. O(steps · edges · groups).
pub(super) fn posterior<G: Grouping + Send + Sync>(
    best: &G,
    make: impl Fn(&[u32]) -> G + Sync,
    steps: usize,
    seed: u64,
) -> Posterior {
    let reference = numbered(&best.labels().of);
    let groups = reference.iter().max().map_or(0, |last| last + 1);
    let visited: Vec<Visited> = parallel::map(0..CHAINS, |at| {
        let mut rng = Rng::new(seed, u64::MAX - at as u64);
        let grouping = match at {
            0 => best.clone(),
            1 => make(&vec![0; reference.len()]),
            _ => make(&by_lot(reference.len(), &mut rng)),
        };
        run(Chain::new(grouping, rng), steps.max(8), &reference, groups)
    });
    let kept = visited[0].lengths.len();
    let all_counts = visited.iter().flat_map(|chain| &chain.counts);
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    all_counts.for_each(|count| *counts.entry(*count as usize).or_default() += 1);
    let total = (kept * CHAINS) as f64;
    let lengths: Vec<&[f64]> = visited.iter().map(|v| v.lengths.as_slice()).collect();
    let numbers: Vec<&[f64]> = visited.iter().map(|v| v.counts.as_slice()).collect();
    Posterior {
        chains: CHAINS,
        kept,
        r_hat: r_hat(&lengths).max(r_hat(&numbers)),
        chain_means: numbers.iter().map(|n| statistics::mean(n)).collect(),
        counts: counts
            .into_iter()
            .map(|(count, times)| (count, times as f64 / total))
            .collect(),
        membership: (0..reference.len())
            .map(|node| kept_in(&visited, node, groups, reference[node], total))
            .collect(),
    }
}

fn run<G: Grouping>(
    mut chain: Chain<G>,
    steps: usize,
    reference: &[usize],
    groups: usize,
) -> Visited {
    let mut visited = Visited {
        lengths: Vec::new(),
        counts: Vec::new(),
        votes: vec![0; reference.len() * groups],
    };
    for step in 0..steps {
        chain.step();
        if step < steps / 2 {
            continue;
        }
        let labels = chain.grouping.labels();
        visited.lengths.push(chain.length);
        visited.counts.push(labels.count() as f64);
        let standing = aligned(&numbered(&labels.of), reference);
        for (node, group) in standing.iter().enumerate() {
            if let Some(group) = group {
                visited.votes[node * groups + group] += 1;
            }
        }
    }
    visited
}

/// The share of the partitions that have a node in a group of the reference.
fn kept_in(visited: &[Visited], node: usize, groups: usize, group: usize, total: f64) -> f64 {
    let votes = visited.iter().map(|v| v.votes[node * groups + group]);
    f64::from(votes.sum::<u32>()) / total
}

fn by_lot(nodes: usize, rng: &mut Rng) -> Vec<u32> {
    (0..nodes).map(|_| rng.below(LOTS) as u32).collect()
}

/// Labels from 0 in the order of their first nodes.
fn numbered(labels: &[u32]) -> Vec<usize> {
    let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
    let each = labels.iter().map(|label| {
        let next = numbers.len();
        *numbers.entry(*label).or_insert(next)
    });
    each.collect()
}

/// The group of the reference that each node's group stands for: one for one, those that
/// share the most nodes first; `None` for groups that are left over.
fn aligned(labels: &[usize], reference: &[usize]) -> Vec<Option<usize>> {
    let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for pair in labels.iter().zip(reference) {
        *shared.entry((*pair.0, *pair.1)).or_default() += 1;
    }
    let mut shared: Vec<((usize, usize), usize)> = shared.into_iter().collect();
    shared.sort_by_key(|(pair, nodes)| (std::cmp::Reverse(*nodes), *pair));
    let mut stands: BTreeMap<usize, usize> = BTreeMap::new();
    let mut taken = std::collections::BTreeSet::new();
    for ((label, group), _) in shared {
        if !stands.contains_key(&label) && taken.insert(group) {
            stands.insert(label, group);
        }
    }
    labels
        .iter()
        .map(|label| stands.get(label).copied())
        .collect()
}

/// Split R̂: how much wider the spread of all halves of chains together is than within them.
///
/// Source: Gelman et al. (2013), *Bayesian Data Analysis*, section 11.4. 1 where nothing
/// varies, infinite where halves differ that do not vary.
fn r_hat(chains: &[&[f64]]) -> f64 {
    let half = chains.iter().map(|c| c.len() / 2).min().unwrap_or(0);
    if half < 2 {
        return f64::INFINITY;
    }
    let halves: Vec<&[f64]> = chains
        .iter()
        .flat_map(|chain| [&chain[..half], &chain[chain.len() - half..]])
        .collect();
    let means: Vec<f64> = halves.iter().map(|h| statistics::mean(h)).collect();
    let variance = |values: &[f64]| statistics::sample_sd(values).powi(2);
    let within = halves.iter().map(|h| variance(h)).sum::<f64>() / halves.len() as f64;
    let between = variance(&means);
    // Sums that follow moves differ by rounding.
    if between <= 1e-12 && within <= 1e-12 {
        return 1.0;
    }
    ((half as f64 - 1.0) / half as f64 + between / within).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Halves 1 2 | 2 1 and 1 2 | 2 1: no spread between, (2 − 1)/2 of that within.
    /// Chains 0 1 | 0 1 and 4 5 | 4 5: within ½, means ½ ½ 4½ 4½ with variance 16/3.
    #[test]
    fn r_hat_by_hand() {
        let one = [1.0, 2.0, 2.0, 1.0];
        assert!((r_hat(&[&one, &one]) - 0.5_f64.sqrt()).abs() < 1e-12);
        let (low, high) = ([0.0, 1.0, 0.0, 1.0], [4.0, 5.0, 4.0, 5.0]);
        let expected = (0.5 + (16.0 / 3.0) / 0.5_f64).sqrt();
        assert!((r_hat(&[&low, &high]) - expected).abs() < 1e-12);
        assert!((r_hat(&[&[3.0; 8], &[3.0; 8]]) - 1.0).abs() < 1e-12);
        assert!(r_hat(&[&[3.0; 8], &[4.0; 8]]).is_infinite());
    }

    #[test]
    fn groups_stand_for_those_that_they_share_most_with() {
        // 0 shares two nodes with 1, so 1 stands for 0, and 2 for none.
        let standing = aligned(&[0, 0, 1, 1, 2], &[1, 1, 1, 0, 0]);
        assert_eq!(standing, [Some(1), Some(1), Some(0), Some(0), None]);
    }
}
