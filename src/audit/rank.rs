//! Networks ranked by what their audits say of them.

use crate::choice::{Criterion, Direction, Fill, Pick, Scope};
use crate::order;
use crate::result::{Audit, RankedBy, RankedNetwork, Ranking};

/// A network to be ranked.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What it is called.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its numbers by the criteria, in their order; `None` where it has none.
    pub values: Vec<Option<f64>>,
}

/// What an audit says by a criterion; `None` where it was not computed.
#[must_use]
pub fn value(audit: &Audit, criterion: Criterion) -> Option<f64> {
    let modules = audit.modules.as_ref();
    match criterion {
        Criterion::DescriptionLengthGained => {
            let blocks = modules?.blocks.as_ref()?;
            Some(blocks.null_description_length - blocks.description_length)
        }
        Criterion::Selectivity => {
            let all = modules?.selectivity.iter();
            let counted = all.filter(|s| s.scope == Scope::All && s.fill == Fill::Mean);
            let leads: Vec<f64> = counted.map(|s| s.lead).collect();
            let sum: f64 = leads.iter().sum();
            (!leads.is_empty()).then_some(sum / leads.len() as f64)
        }
        Criterion::Loss => audit.prune.as_ref()?.loss_before,
    }
}

/// The networks by the mean of their ranks, best first; of equals the first named comes first.
///
/// Equals by a criterion share the mean of their ranks; a network without a number, or whose
/// number is NaN, ranks last by it. O(networks² · criteria).
///
/// # Example
/// ```
/// use modscope::audit::rank::{Candidate, ranked};
/// use modscope::choice::Pick;
/// let network = |name: &str, gained, selectivity, loss| Candidate {
///     name: name.to_owned(),
///     path: format!("runs/{name}"),
///     values: vec![Some(gained), selectivity, Some(loss)],
/// };
/// // Ranks by the three: a 2, 1, 2; b 1, 3, 1; c 3, 2, 3.
/// let networks = vec![
///     network("a", 5.0, Some(0.9), 0.2),
///     network("b", 9.0, None, 0.1),
///     network("c", 1.0, Some(0.5), 0.3),
/// ];
/// let ranking = ranked(Pick::Modular, networks);
/// assert_eq!(ranking.networks[0].name, "a");
/// assert_eq!(ranking.networks[1].ranks, [1.0, 3.0, 1.0]);
/// assert!(!ranking.networks[2].on_front);
/// ```
#[must_use]
pub fn ranked(pick: Pick, candidates: Vec<Candidate>) -> Ranking {
    let criteria = pick.criteria();
    let goods: Vec<Vec<f64>> = candidates.iter().map(|c| goods(c, criteria)).collect();
    let ranked = |(at, candidate): (usize, Candidate)| {
        let ranks: Vec<f64> = (0..criteria.len()).map(|k| rank(&goods, at, k)).collect();
        RankedNetwork {
            name: candidate.name,
            path: candidate.path,
            mean_rank: ranks.iter().sum::<f64>() / ranks.len() as f64,
            on_front: !goods.iter().any(|other| dominates(other, &goods[at])),
            values: candidate.values,
            ranks,
        }
    };
    let mut networks: Vec<RankedNetwork> = candidates.into_iter().enumerate().map(ranked).collect();
    order::ascending(&mut networks, |network| network.mean_rank);
    let by = |criterion: &Criterion| RankedBy {
        criterion: *criterion,
        direction: criterion.direction(),
    };
    Ranking {
        pick,
        criteria: criteria.iter().map(by).collect(),
        networks,
    }
}

/// By network whether it is on the front: has its numbers, more being better of each, and no
/// other is as good by all and better by one. O(networks² · numbers).
///
/// # Example
/// ```
/// use modscope::audit::rank::front;
/// let numbers = [Some(vec![1.0, 3.0]), Some(vec![2.0, 2.0]), Some(vec![1.0, 2.0]), None];
/// assert_eq!(front(&numbers), [true, true, false, false]);
/// ```
#[must_use]
pub fn front(networks: &[Option<Vec<f64>>]) -> Vec<bool> {
    let is_beaten = |own: &Vec<f64>| networks.iter().flatten().any(|other| dominates(other, own));
    let is_on = |own: &Option<Vec<f64>>| own.as_ref().is_some_and(|own| !is_beaten(own));
    networks.iter().map(is_on).collect()
}

/// The numbers of a network, so turned that more is better.
fn goods(candidate: &Candidate, criteria: &[Criterion]) -> Vec<f64> {
    let pairs = criteria.iter().zip(&candidate.values);
    let good = |(criterion, value): (&Criterion, &Option<f64>)| {
        let value = value.filter(|value| !value.is_nan());
        value.map_or(f64::NEG_INFINITY, |value| match criterion.direction() {
            Direction::HigherIsBetter => value,
            Direction::LowerIsBetter => -value,
        })
    };
    pairs.map(good).collect()
}

/// The rank of network `at` by criterion `k`, from 1.
fn rank(goods: &[Vec<f64>], at: usize, k: usize) -> f64 {
    let own = goods[at][k];
    let better = goods.iter().filter(|other| other[k] > own).count();
    let equal = goods.iter().filter(|other| other[k] == own).count();
    better as f64 + (equal + 1) as f64 / 2.0
}

/// Whether one network is as good by every criterion, and better by one.
fn dominates(one: &[f64], other: &[f64]) -> bool {
    let mut pairs = one.iter().zip(other);
    one != other && pairs.all(|(one, other)| one >= other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_share_their_ranks_and_nothing_is_last() {
        let candidate = |name: &str, gained: Option<f64>| Candidate {
            name: name.to_owned(),
            path: String::new(),
            values: vec![gained, Some(0.5), Some(1.0)],
        };
        let values = [
            ("a", None),
            ("b", Some(2.0)),
            ("c", Some(f64::NAN)),
            ("d", Some(2.0)),
        ];
        let networks = values.map(|(name, gained)| candidate(name, gained));
        let ranking = ranked(Pick::Modular, networks.to_vec());
        let order: Vec<&str> = ranking.networks.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(order, ["b", "d", "a", "c"]);
        // By what is gained 1.5 and 3.5; by the others all are 2.5.
        assert_eq!(ranking.networks[0].ranks, [1.5, 2.5, 2.5]);
        assert_eq!(ranking.networks[3].ranks, [3.5, 2.5, 2.5]);
        let front: Vec<bool> = ranking.networks.iter().map(|n| n.on_front).collect();
        assert_eq!(front, [true, true, false, false]);
    }
}
