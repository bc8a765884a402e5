//! A chain over groups whose stationary distribution is their posterior.
//!
//! Every node in turn is put in a group of its kind, or in one of its own, by heat bath; and
//! two nodes drawn by lot have their group split, or their groups merged. A partition is
//! what the chain is over, not how its groups are numbered: B groups stand for B! numberings
//! of the description, so its probability goes as B! e^(−length), kind by kind.
//! Source of splits and merges: Jain & Neal (2004), restricted Gibbs sampling; of their use
//! for block models: Peixoto (2020), arXiv 2003.07070.

use super::grouping::Grouping;
use super::search::by_heat;
use crate::numeric::Rng;

/// Sweeps of the two halves of a split before the one that is proposed.
const LAUNCH: usize = 2;

/// Splits or merges tried after each heat bath: as many whatever the groups are, else the
/// chain would favour some.
const TRIED: usize = 4;

/// Groups, how long the description by them is, and the numbers that are drawn next.
pub(super) struct Chain<G> {
    pub(super) grouping: G,
    /// In nats; follows every move.
    pub(super) length: f64,
    rng: Rng,
}

impl<G: Grouping> Chain<G> {
    pub(super) fn new(grouping: G, rng: Rng) -> Self {
        let length = grouping.length();
        Self {
            grouping,
            length,
            rng,
        }
    }

    /// One heat bath of all nodes, then [`TRIED`] splits or merges.
    pub(super) fn step(&mut self) {
        self.bath();
        for _ in 0..TRIED {
            self.split_or_merge();
        }
    }

    fn bath(&mut self) {
        for node in self.rng.permutation(self.grouping.wiring().len()) {
            let node = node as u32;
            let open = open_to(&self.grouping, node);
            let changes = self.grouping.changes(node, &open);
            let weighed: Vec<f64> = open
                .iter()
                .zip(&changes)
                .map(|(to, change)| change - orders(&self.grouping, node, *to))
                .collect();
            let chosen = by_heat(&weighed, &mut self.rng);
            if open[chosen] != self.grouping.labels().of[node as usize] {
                self.grouping.put(node, open[chosen]);
                self.length += changes[chosen];
            }
        }
    }

    /// Splits the group of two nodes drawn by lot, or merges their groups.
    fn split_or_merge(&mut self) {
        let nodes = self.grouping.wiring().len();
        let one = self.rng.below(nodes) as u32;
        let other = self.rng.below(nodes) as u32;
        let labels = self.grouping.labels();
        if one == other || labels.kind(one) != labels.kind(other) {
            return;
        }
        match labels.of[one as usize] == labels.of[other as usize] {
            true => self.split(one, other),
            false => self.merge(one, other),
        }
    }

    fn split(&mut self, one: u32, other: u32) {
        let labels = self.grouping.labels();
        let (group, kind) = (labels.of[one as usize], labels.kind(one));
        let Some(spare) = labels.spare(kind) else {
            return;
        };
        let ways = ((labels.used(kind).len() + 1) as f64).ln();
        let others = self.others(one, other);
        let mut change = self.put(other, spare);
        change += self.launch(&others, group, spare);
        let (scanned, proposed) = self.scan(&others, group, spare);
        change += scanned;
        if self.accepts(-change + ways - proposed) {
            self.length += change;
            return;
        }
        self.put_all(&others, group);
        self.put(other, group);
    }

    fn merge(&mut self, one: u32, other: u32) {
        let labels = self.grouping.labels();
        let (group, gone) = (labels.of[one as usize], labels.of[other as usize]);
        let ways = (labels.used(labels.kind(one)).len() as f64).ln();
        let others = self.others(one, other);
        let before: Vec<u32> = others.iter().map(|n| labels.of[*n as usize]).collect();
        // How a split of the merged group would have come to these two.
        let mut change = self.launch(&others, group, gone);
        let mut proposed = 0.0;
        for (node, wanted) in others.iter().zip(&before) {
            let (moved, chance) = self.halve(*node, group, gone, Some(*wanted));
            change += moved;
            proposed += chance;
        }
        change += self.put_all(&others, group) + self.put(other, group);
        if self.accepts(-change - ways + proposed) {
            self.length += change;
            return;
        }
        self.put(other, gone);
        for (node, label) in others.iter().zip(before) {
            self.put(*node, label);
        }
    }

    /// The nodes in the groups of these two, without them.
    fn others(&self, one: u32, other: u32) -> Vec<u32> {
        let of = &self.grouping.labels().of;
        let groups = (of[one as usize], of[other as usize]);
        let nodes = (0..of.len() as u32).filter(|n| *n != one && *n != other);
        nodes
            .filter(|n| of[*n as usize] == groups.0 || of[*n as usize] == groups.1)
            .collect()
    }

    /// Nodes into two groups by lot, then [`LAUNCH`] sweeps; tells what that changed.
    fn launch(&mut self, nodes: &[u32], group: u32, spare: u32) -> f64 {
        let mut change = 0.0;
        for node in nodes {
            let to = if self.rng.below(2) == 0 { group } else { spare };
            change += self.put(*node, to);
        }
        for _ in 0..LAUNCH {
            change += self.scan(nodes, group, spare).0;
        }
        change
    }

    /// One sweep of nodes between two groups: what it changed, and ln of its probability.
    fn scan(&mut self, nodes: &[u32], group: u32, spare: u32) -> (f64, f64) {
        let (mut change, mut chance) = (0.0, 0.0);
        for node in nodes {
            let (moved, of) = self.halve(*node, group, spare, None);
            change += moved;
            chance += of;
        }
        (change, chance)
    }

    /// Puts a node in one of two groups by heat bath, or in the one that is wanted: what that
    /// changed, and ln of the probability with which it was drawn or would have been.
    fn halve(&mut self, node: u32, group: u32, spare: u32, wanted: Option<u32>) -> (f64, f64) {
        let changes = self.grouping.changes(node, &[group, spare]);
        let to_spare = 1.0 / (1.0 + (changes[1] - changes[0]).exp());
        let is_spare = match wanted {
            Some(wanted) => wanted == spare,
            None => self.rng.uniform() < to_spare,
        };
        let (to, chance, change) = match is_spare {
            true => (spare, to_spare, changes[1]),
            false => (group, 1.0 - to_spare, changes[0]),
        };
        self.grouping.put(node, to);
        (change, chance.max(f64::MIN_POSITIVE).ln())
    }

    fn put(&mut self, node: u32, to: u32) -> f64 {
        let change = self.grouping.changes(node, &[to])[0];
        self.grouping.put(node, to);
        change
    }

    fn put_all(&mut self, nodes: &[u32], to: u32) -> f64 {
        nodes.iter().map(|node| self.put(*node, to)).sum()
    }

    fn accepts(&mut self, log_ratio: f64) -> bool {
        self.rng.uniform().ln() < log_ratio
    }
}

/// The groups of a node's kind, and one without nodes unless it has a group of its own.
fn open_to<G: Grouping>(grouping: &G, node: u32) -> Vec<u32> {
    let labels = grouping.labels();
    let kind = labels.kind(node);
    let mut open = labels.used(kind).to_vec();
    if labels.size(labels.of[node as usize]) > 1 {
        open.extend(labels.spare(kind));
    }
    open
}

/// By how much ln B! of a node's kind would change if it moved.
fn orders<G: Grouping>(grouping: &G, node: u32, to: u32) -> f64 {
    let labels = grouping.labels();
    let (own, count) = (
        labels.of[node as usize],
        labels.used(labels.kind(node)).len(),
    );
    let comes = match labels.size(to) {
        0 => ((count + 1) as f64).ln(),
        _ => 0.0,
    };
    let goes = match labels.size(own) {
        1 if to != own => (count as f64).ln(),
        _ => 0.0,
    };
    comes - goes
}
