//! Circuits by proof: an edge goes when it is proved that it can.
//!
//! What is proved is asked of whoever can prove it; here is only the order of the questions
//! (Hadad et al. 2026, Automated Circuit Discovery with Provable Guarantees). Edges go in the
//! order given, in groups that double while proofs succeed and are halved where they fail.
//! At the end every edge that is left has been tried alone.

use crate::choice::Known;
use crate::patch::EdgeSet;

/// A circuit no edge of which can go under the same proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimal {
    /// The edges that went.
    pub patched: EdgeSet,
    /// The edges that are left, in the order given, each with what is known of the claim
    /// without it; `None` where that was not asked before the time was over.
    pub kept: Vec<(usize, Option<Known>)>,
    /// Sets that were asked about.
    pub asked: u64,
}

impl Minimal {
    /// Whether every edge that is left was tried alone and could not go.
    #[must_use]
    pub fn is_minimal(&self) -> bool {
        self.kept.iter().all(|(_, known)| known.is_some())
    }
}

/// The questions of a search.
struct Search<'q> {
    ask: &'q mut dyn FnMut(&EdgeSet) -> Known,
    over: &'q dyn Fn() -> bool,
    patched: EdgeSet,
    asked: u64,
}

/// Patches edges of `order`, the first first, as long as `ask` says that the claim is proved
/// with all of them patched; with no edge patched it is to be true. `over` ends the search.
///
/// Complexity: about 2 k log₂(n / k) questions for k edges that stay of n, and k more.
///
/// ```
/// use modscope::choice::Known;
/// use modscope::circuit::minimal;
///
/// // Either of the edges 0 and 1 is needed, and 3.
/// let mut ask = |patched: &modscope::patch::EdgeSet| {
///     let either = !(patched.contains(0) && patched.contains(1));
///     match either && !patched.contains(3) {
///         true => Known::Proved,
///         false => Known::Refuted,
///     }
/// };
/// let found = minimal(5, &[0, 1, 2, 3, 4], &mut ask, &|| false);
/// let left: Vec<usize> = found.kept.iter().map(|(edge, _)| *edge).collect();
/// assert_eq!(left, [1, 3]);
/// assert!(found.is_minimal());
/// ```
pub fn minimal(
    edges: usize,
    order: &[usize],
    ask: &mut dyn FnMut(&EdgeSet) -> Known,
    over: &dyn Fn() -> bool,
) -> Minimal {
    let mut search = Search {
        ask,
        over,
        patched: EdgeSet::with_capacity(edges),
        asked: 0,
    };
    search.by_groups(order);
    let mut left = order.to_vec();
    left.retain(|edge| !search.patched.contains(*edge));
    let kept = loop {
        let known = search.one_by_one(&left);
        let before = left.len();
        left.retain(|edge| !search.patched.contains(*edge));
        // What is known of the others was asked when more was there.
        if left.len() == before {
            break left.into_iter().zip(known).collect();
        }
    };
    Minimal {
        patched: search.patched,
        kept,
        asked: search.asked,
    }
}

impl Search<'_> {
    /// What is known with these edges patched too; where it is proved they are.
    fn with(&mut self, edges: &[usize]) -> Option<Known> {
        if (self.over)() {
            return None;
        }
        let mut more = self.patched.clone();
        more.extend(edges.iter().copied());
        self.asked += 1;
        let known = (self.ask)(&more);
        if known == Known::Proved {
            self.patched = more;
        }
        Some(known)
    }

    fn by_groups(&mut self, order: &[usize]) {
        let (mut at, mut size) = (0, 1);
        while at < order.len() {
            let end = (at + size).min(order.len());
            let went = self.halving(&order[at..end]);
            at = end;
            size = match went {
                true => 2 * size,
                false => (size / 2).max(1),
            };
        }
    }

    /// Whether all of a group could go at once; else its halves are tried.
    fn halving(&mut self, group: &[usize]) -> bool {
        match self.with(group) {
            Some(Known::Proved) => return true,
            Some(Known::Refuted | Known::Undecided) if group.len() > 1 => {
                let (first, second) = group.split_at(group.len() / 2);
                self.halving(first);
                self.halving(second);
            }
            Some(Known::Refuted | Known::Undecided) | None => {}
        }
        false
    }

    /// What is known without each of these edges; those that can go do.
    fn one_by_one(&mut self, edges: &[usize]) -> Vec<Option<Known>> {
        edges.iter().map(|edge| self.with(&[*edge])).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A claim that is true while one edge of each of these sets is there.
    fn claim(needed: &[Vec<usize>], patched: &EdgeSet) -> Known {
        let there = |set: &Vec<usize>| set.iter().any(|edge| !patched.contains(*edge));
        match needed.iter().all(there) {
            true => Known::Proved,
            false => Known::Undecided,
        }
    }

    #[test]
    fn a_search_that_is_over_keeps_what_was_not_asked() {
        let left = std::cell::Cell::new(2);
        let over = || {
            left.set(left.get() - 1);
            left.get() < 0
        };
        let found = minimal(4, &[0, 1, 2, 3], &mut |_| Known::Proved, &over);
        assert_eq!(found.kept, [(3, None)]);
        assert!(!found.is_minimal() && found.asked == 2);
    }

    proptest! {
        #[test]
        fn what_is_left_is_minimal(
            needed in prop::collection::vec(prop::collection::vec(0..12_usize, 1..4), 0..6),
        ) {
            let order: Vec<usize> = (0..12).rev().collect();
            let mut ask = |patched: &EdgeSet| claim(&needed, patched);
            let found = minimal(12, &order, &mut ask, &|| false);
            prop_assert_eq!(claim(&needed, &found.patched), Known::Proved);
            for (edge, known) in &found.kept {
                let mut more = found.patched.clone();
                more.insert(*edge);
                prop_assert_eq!(*known, Some(claim(&needed, &more)));
                prop_assert_ne!(*known, Some(Known::Proved));
            }
        }
    }
}
