//! Blocks of blocks: how many edges blocks exchange, told by groups of blocks, and so on.
//!
//! In a flat description every count of edges between blocks is as likely as any other, which
//! costs the more, the more blocks there are. Here the counts are told as a graph of blocks:
//! groups of blocks of a layer, how many edges these exchange, and where between them. Each
//! level costs ln 2 for saying that it is there.
//! Source: Peixoto (2014), arXiv 1310.4377, and (2017), arXiv 1610.02703.

use super::nats::Nats;
use super::wiring::{Bundle, Wiring};

/// A level has to shorten the description by this, in nats: rounding.
const LEAST: f64 = 1e-7;

/// Blocks have groups only where there are at most this many of them: merging looks at every
/// pair.
pub(super) const MOST: usize = 80;

/// A block that is in no group.
const NONE: u32 = u32::MAX;

/// The levels above the blocks; none where they are told apart without groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Upper {
    levels: Vec<Level>,
}

/// Groups of the blocks, or groups, of the level below.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Level {
    /// The group of each below: of a slot without nodes the last one that it was in, so that
    /// a move that is taken back leaves no trace, or [`NONE`].
    of: Vec<u32>,
    /// The layer of each group.
    layer: Vec<u32>,
    /// How many below are in each.
    below: Vec<usize>,
    /// Edges between groups, `writer * groups + reader`; undirected: the smaller first.
    edges: Vec<u32>,
}

/// What a move of a node between blocks does to the counts of edges.
pub(super) struct Moved<'a> {
    pub(super) from: u32,
    pub(super) to: u32,
    /// Edges at the node: other block, side, edges.
    pub(super) around: &'a [(u32, u8, Bundle)],
    /// Whether the block that it leaves is left empty.
    pub(super) empties: bool,
    /// Whether the block that it enters was empty.
    pub(super) opens: bool,
}

impl Level {
    fn groups(&self) -> usize {
        self.layer.len()
    }

    fn cell(&self, directed: bool, from: u32, to: u32) -> usize {
        let (from, to) = (from as usize, to as usize);
        match directed {
            true => from * self.groups() + to,
            false => from.min(to) * self.groups() + from.max(to),
        }
    }

    /// What it takes to tell where between the groups the edges of those below are.
    fn told(&self, directed: bool, nats: &Nats) -> f64 {
        let groups = self.groups();
        let present = self
            .edges
            .iter()
            .enumerate()
            .filter(|(_, edges)| **edges > 0);
        let cells = present.map(|(cell, edges)| {
            let (from, to) = (cell / groups, cell % groups);
            let places = places(self.below[from], self.below[to], directed, from == to);
            nats.multisets(places, *edges as usize)
        });
        cells.sum()
    }

    /// What it takes to tell the groups of those below, layer by layer.
    fn partition(&self, layers: usize, nats: &Nats) -> f64 {
        let mut count = vec![(0, 0, 0.0); layers];
        for (layer, below) in self.layer.iter().zip(&self.below).filter(|(_, n)| **n > 0) {
            let (groups, members, apart) = &mut count[*layer as usize];
            *groups += 1;
            *members += below;
            *apart += nats.factorial(*below);
        }
        let told = count.iter().filter(|(groups, ..)| *groups > 0);
        told.map(|(groups, members, apart)| {
            (*members as f64).ln()
                + nats.choices(members - 1, groups - 1)
                + nats.factorial(*members)
                - apart
        })
        .sum()
    }
}

/// Places for edges between two groups, or within one.
fn places(writers: usize, readers: usize, directed: bool, same: bool) -> usize {
    match same && !directed {
        true => writers * (writers + 1) / 2,
        false => writers * readers,
    }
}

impl Upper {
    /// How many levels of groups there are.
    pub(super) fn count(&self) -> usize {
        self.levels.len()
    }

    /// One level of groups with any numbers.
    #[cfg(test)]
    pub(super) fn of(items: &Items, directed: bool, group: impl Fn(usize) -> u32) -> Self {
        let groups: Vec<u32> = (0..items.layer.len()).map(group).collect();
        let mut present = groups.clone();
        present.sort_unstable();
        present.dedup();
        let numbered = groups
            .iter()
            .map(|g| present.partition_point(|p| p < g) as u32);
        Self {
            levels: vec![level(items, &numbered.collect::<Vec<_>>(), directed)],
        }
    }

    /// The same levels with the blocks numbered as slots: `slot_of[item]`.
    pub(super) fn at_slots(mut self, slot_of: &[u32], slots: usize) -> Self {
        if let Some(first) = self.levels.first_mut() {
            let mut of = vec![NONE; slots];
            for (slot, group) in slot_of.iter().zip(&first.of) {
                of[*slot as usize] = *group;
            }
            first.of = of;
        }
        self
    }

    /// The groups of each level: of each below, the group; numbers of groups may have gaps.
    pub(super) fn groups(&self) -> Vec<Vec<u32>> {
        self.levels.iter().map(|level| level.of.clone()).collect()
    }

    /// What it takes to tell the edges between blocks, in nats.
    pub(super) fn length(&self, wiring: &Wiring, nats: &Nats) -> f64 {
        let levels = self.levels.iter().map(|level| {
            level.told(wiring.directed, nats)
                + level.partition(wiring.layers, nats)
                + std::f64::consts::LN_2
        });
        levels.sum::<f64>() + self.top(wiring, nats)
    }

    /// What it takes to tell the edges between the groups of the last level.
    fn top(&self, wiring: &Wiring, nats: &Nats) -> f64 {
        let mut groups = vec![0; wiring.layers];
        if let Some(last) = self.levels.last() {
            let present = last.layer.iter().zip(&last.below).filter(|(_, n)| **n > 0);
            present.for_each(|(layer, _)| groups[*layer as usize] += 1);
        }
        told_at_top(&groups, wiring, nats)
    }

    /// The levels after a move; `None` where they stay as they are.
    pub(super) fn after(&self, moved: &Moved<'_>, directed: bool) -> Option<Self> {
        let first = self.levels.first()?;
        let home = first.of[moved.from as usize];
        let target = match first.of[moved.to as usize] {
            NONE => home,
            known => known,
        };
        if home == target && !moved.empties && !moved.opens {
            return None;
        }
        let mut after = self.clone();
        after.levels[0].of[moved.to as usize] = target;
        let up = |level: &Level, group: u32| level.of[group as usize];
        let ends = moved.around.iter();
        let mut around: Vec<(u32, u8, u32)> = ends
            .map(|(block, side, bundle)| (up(first, *block), *side, bundle.edges))
            .collect();
        let (mut from, mut to) = (home, target);
        let (mut empties, mut opens) = (moved.empties, moved.opens);
        for at in 0..after.levels.len() {
            let level = &mut after.levels[at];
            level.shift(directed, from, to, &around);
            level.below[to as usize] += usize::from(opens);
            opens = opens && level.below[to as usize] == 1;
            level.below[from as usize] -= usize::from(empties);
            empties = empties && level.below[from as usize] == 0;
            let Some(next) = after.levels.get(at + 1) else {
                break;
            };
            (from, to) = (up(next, from), up(next, to));
            around.iter_mut().for_each(|end| end.0 = up(next, end.0));
        }
        Some(after)
    }
}

impl Level {
    /// Moves the ends of edges from one group to another.
    fn shift(&mut self, directed: bool, from: u32, to: u32, around: &[(u32, u8, u32)]) {
        if from == to {
            return;
        }
        for (group, side, edges) in around {
            let (old, new) = match side {
                0 => (
                    self.cell(directed, from, *group),
                    self.cell(directed, to, *group),
                ),
                _ => (
                    self.cell(directed, *group, from),
                    self.cell(directed, *group, to),
                ),
            };
            self.edges[old] -= edges;
            self.edges[new] += edges;
        }
    }
}

/// What it takes to tell the edges between groups of which each layer has so many.
pub(super) fn told_at_top(groups: &[usize], wiring: &Wiring, nats: &Nats) -> f64 {
    let pairs = wiring.pairs.iter().map(|pair| {
        let (writers, readers) = (groups[pair.writers as usize], groups[pair.readers as usize]);
        let same = pair.writers == pair.readers;
        nats.multisets(places(writers, readers, wiring.directed, same), pair.edges)
    });
    pairs.sum()
}

/// Blocks, or groups of them, with the edges that they exchange.
#[derive(Clone)]
pub(super) struct Items {
    pub(super) layer: Vec<u32>,
    /// `writer * items + reader`; undirected: the smaller first.
    pub(super) edges: Vec<u32>,
}

/// The levels that shorten the description of these blocks most, as far as merging finds them.
///
/// Level by level, groups of one layer are merged, those first that save most or cost least,
/// and the best on the way is kept if it saves more than its level costs. O(blocks⁴).
pub(super) fn fit(blocks: &Items, wiring: &Wiring, nats: &Nats) -> Upper {
    let mut upper = Upper::default();
    let mut items = blocks.clone();
    while items.layer.len() <= MOST {
        let mut counts = vec![0; wiring.layers];
        items
            .layer
            .iter()
            .for_each(|layer| counts[*layer as usize] += 1);
        let flat = told_at_top(&counts, wiring, nats);
        let Some((level, length)) = best_level(&items, wiring, nats) else {
            break;
        };
        if length + std::f64::consts::LN_2 >= flat - LEAST {
            break;
        }
        items = Items {
            layer: level.layer.clone(),
            edges: level.edges.clone(),
        };
        upper.levels.push(level);
    }
    upper
}

/// The groups of items that are told shortest, with what they take up to the top.
fn best_level(items: &Items, wiring: &Wiring, nats: &Nats) -> Option<(Level, f64)> {
    let mut of: Vec<u32> = (0..items.layer.len() as u32).collect();
    let mut best: Option<(Level, f64)> = None;
    loop {
        let level = level(items, &of, wiring.directed);
        let (length, merge) = (told(&level, wiring, nats), cheapest(&level, wiring, nats));
        if best.as_ref().is_none_or(|(_, least)| length < *least) {
            best = Some((level, length));
        }
        let Some((kept, gone)) = merge else {
            return best;
        };
        for group in &mut of {
            match (*group).cmp(&gone) {
                std::cmp::Ordering::Equal => *group = kept,
                std::cmp::Ordering::Greater => *group -= 1,
                std::cmp::Ordering::Less => {}
            }
        }
    }
}

fn told(level: &Level, wiring: &Wiring, nats: &Nats) -> f64 {
    let one = Upper {
        levels: vec![level.clone()],
    };
    level.told(wiring.directed, nats) + level.partition(wiring.layers, nats) + one.top(wiring, nats)
}

/// The level of items in these groups, which are numbered without gaps.
fn level(items: &Items, of: &[u32], directed: bool) -> Level {
    let groups = of.iter().max().map_or(0, |last| *last as usize + 1);
    let mut level = Level {
        of: of.to_vec(),
        layer: vec![0; groups],
        below: vec![0; groups],
        edges: vec![0; groups * groups],
    };
    for (group, layer) in of.iter().zip(&items.layer) {
        level.layer[*group as usize] = *layer;
        level.below[*group as usize] += 1;
    }
    let count = of.len();
    for (cell, edges) in items.edges.iter().enumerate().filter(|(_, e)| **e > 0) {
        let to = level.cell(directed, of[cell / count], of[cell % count]);
        level.edges[to] += edges;
    }
    level
}

/// The two groups of one layer whose merging costs least; the smaller number is kept.
///
/// What merging changes at the top is the same for all pairs of a layer, and left out.
fn cheapest(level: &Level, wiring: &Wiring, nats: &Nats) -> Option<(u32, u32)> {
    let groups = level.groups() as u32;
    let pairs = (0..groups).flat_map(|one| (one + 1..groups).map(move |other| (one, other)));
    let alike = pairs.filter(|(a, b)| level.layer[*a as usize] == level.layer[*b as usize]);
    alike
        .map(|(a, b)| (merging(level, a, b, wiring.directed, nats), a, b))
        .min_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, a, b)| (a, b))
}

/// What merging two groups changes in the cells and the partition.
fn merging(level: &Level, a: u32, b: u32, directed: bool, nats: &Nats) -> f64 {
    let (n, m) = (level.below[a as usize], level.below[b as usize]);
    let mut change = nats.factorial(n) + nats.factorial(m) - nats.factorial(n + m);
    let cell = |from: u32, to: u32| level.edges[level.cell(directed, from, to)] as usize;
    for other in (0..level.groups() as u32).filter(|o| *o != a && *o != b) {
        let size = level.below[other as usize];
        let sides = [
            (cell(a, other), cell(b, other)),
            (cell(other, a), cell(other, b)),
        ];
        for (one, two) in sides.iter().take(if directed { 2 } else { 1 }) {
            change += nats.multisets((n + m) * size, one + two)
                - nats.multisets(n * size, *one)
                - nats.multisets(m * size, *two);
        }
    }
    let own = [(a, a), (b, b), (a, b), (b, a)];
    let own = &own[..if directed { 4 } else { 3 }];
    let before: f64 = own
        .iter()
        .map(|(from, to)| {
            let sizes = (level.below[*from as usize], level.below[*to as usize]);
            nats.multisets(
                places(sizes.0, sizes.1, directed, from == to),
                cell(*from, *to),
            )
        })
        .sum();
    let edges = own.iter().map(|(from, to)| cell(*from, *to)).sum();
    change + nats.multisets(places(n + m, n + m, directed, true), edges) - before
}
