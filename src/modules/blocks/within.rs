//! The degree-corrected block model: every block lies within one layer.
//!
//! Source: Peixoto (2017), arXiv 1610.02703, microcanonical. Layers are
//! what he calls constraints: a partition of each layer's nodes, and only pairs of
//! blocks between joined layers exchange edges, as many in all as there are. A plain graph
//! is one layer joined to itself, without directions. Blocks may be grouped in turn
//! ([`Upper`]); while nodes move, the groups of blocks stay, and a new block is in the group
//! of the one that its first node came from.

use super::degrees::Degrees;
use super::grouping::Grouping;
use super::labels::Labels;
use super::nats::Nats;
use super::upper::{self, Items, Moved, Upper};
use super::wiring::{Bundle, Wiring};

/// Blocks of all layers together, at most, …
const MOST: usize = 768;

/// … and at most so many times the root of the number of nodes, but at least [`FEWEST`]: a
/// flat description affords about √nodes blocks, and the table of pairs grows with the square.
const PER_ROOT: f64 = 6.0;
const FEWEST: usize = 96;

#[derive(Clone)]
pub(super) struct Within<'w> {
    wiring: &'w Wiring,
    nats: &'w Nats,
    labels: Labels,
    degrees: Degrees<'w>,
    /// Edges between two blocks, `writer * slots + reader`; undirected: the smaller first.
    cells: Vec<Bundle>,
    weighted: bool,
    /// Edges at the node looked at: other block, side, edges.
    around: Vec<(u32, u8, Bundle)>,
    /// Where in `around` a block and side stand, `block * 2 + side`.
    seen: Vec<u32>,
    /// Nodes by layer.
    widths: Vec<usize>,
    /// Groups of blocks; none where the description is flat.
    upper: Upper,
}

impl<'w> Within<'w> {
    pub(super) fn new(wiring: &'w Wiring, nats: &'w Nats, start: &[u32], weighted: bool) -> Self {
        let roots = PER_ROOT * (wiring.len() as f64).sqrt();
        let labels = Labels::new(&wiring.layer, start, (roots as usize).clamp(FEWEST, MOST));
        let slots = labels.slots();
        let mut degrees = Degrees::new(nats, wiring.degrees(), slots);
        let mut widths = vec![0; wiring.layers];
        for node in 0..wiring.len() {
            degrees.insert(node as u32, labels.of[node] as usize);
            widths[wiring.layer[node] as usize] += 1;
        }
        let mut grouping = Self {
            wiring,
            nats,
            degrees,
            cells: vec![Bundle::default(); slots * slots],
            weighted,
            around: Vec::new(),
            seen: vec![u32::MAX; 2 * slots],
            widths,
            upper: Upper::default(),
            labels,
        };
        grouping.fill();
        grouping
    }

    fn fill(&mut self) {
        let wiring = self.wiring;
        for node in 0..wiring.len() as u32 {
            for n in wiring.at(node).iter().filter(|n| n.side == 0) {
                if wiring.directed || node < n.node {
                    let ends = (
                        self.labels.of[node as usize],
                        self.labels.of[n.node as usize],
                    );
                    let cell = self.cell(ends.0, ends.1, 0);
                    self.cells[cell].add(Bundle::of(n));
                }
            }
        }
    }

    /// The cell of the edges between a block and another, which reads (0) or writes (1).
    #[inline]
    fn cell(&self, block: u32, other: u32, side: u8) -> usize {
        let (block, other, slots) = (block as usize, other as usize, self.labels.slots());
        match (self.wiring.directed, side) {
            (true, 0) => block * slots + other,
            (true, _) => other * slots + block,
            (false, _) => block.min(other) * slots + block.max(other),
        }
    }

    /// What the edges in a cell take; undirected edges within a block have two ends there.
    #[inline]
    fn told(&self, bundle: Bundle, within: bool) -> f64 {
        let edges = self.nats.factorial(bundle.edges as usize);
        let ends = match within && !self.wiring.directed {
            true => f64::from(bundle.edges) * std::f64::consts::LN_2,
            false => 0.0,
        };
        let sizes = if self.weighted { bundle.density() } else { 0.0 };
        sizes - edges - ends
    }

    /// Gathers the edges at a node by block and side.
    fn look(&mut self, node: u32) {
        for (block, side, _) in self.around.drain(..) {
            self.seen[(block * 2 + u32::from(side)) as usize] = u32::MAX;
        }
        for n in self.wiring.at(node) {
            let block = self.labels.of[n.node as usize];
            let seen = &mut self.seen[(block * 2 + u32::from(n.side)) as usize];
            if *seen == u32::MAX {
                *seen = self.around.len() as u32;
                self.around.push((block, n.side, Bundle::default()));
            }
            self.around[*seen as usize].2.add(Bundle::of(n));
        }
    }

    /// What the cells change when the node looked at moves.
    fn cells_change(&self, from: u32, to: u32) -> f64 {
        let mut change = 0.0;
        let mut own: Vec<(usize, bool, Bundle)> = Vec::new();
        for (block, side, moved) in &self.around {
            let (old, new) = (self.cell(from, *block, *side), self.cell(to, *block, *side));
            if *block == from || *block == to {
                own.push((old, *block == from, Bundle::default()));
                own.push((new, *block == to, Bundle::default()));
                continue;
            }
            let (before, after) = (self.cells[old], self.cells[new]);
            let (mut less, mut more) = (before, after);
            less.take(*moved);
            more.add(*moved);
            change += self.told(less, false) - self.told(before, false);
            change += self.told(more, false) - self.told(after, false);
        }
        if !own.is_empty() {
            change += self.own_change(from, to, own);
        }
        change
    }

    /// What changes in the cells between the block that a node leaves and the one it enters.
    fn own_change(&self, from: u32, to: u32, mut own: Vec<(usize, bool, Bundle)>) -> f64 {
        own.sort_unstable_by_key(|(cell, ..)| *cell);
        own.dedup_by_key(|(cell, ..)| *cell);
        for (cell, _, bundle) in &mut own {
            *bundle = self.cells[*cell];
        }
        let before: f64 = own
            .iter()
            .map(|(_, within, b)| self.told(*b, *within))
            .sum();
        // More is added before less is taken: a cell may lose what it gains.
        for is_more in [true, false] {
            for (block, side, moved) in &self.around {
                if *block != from && *block != to {
                    continue;
                }
                let cell = self.cell(if is_more { to } else { from }, *block, *side);
                for (_, _, bundle) in own.iter_mut().filter(|(other, ..)| *other == cell) {
                    match is_more {
                        true => bundle.add(*moved),
                        false => bundle.take(*moved),
                    }
                }
            }
        }
        own.iter()
            .map(|(_, within, b)| self.told(*b, *within))
            .sum::<f64>()
            - before
    }

    /// The same graph by other groups, flat.
    pub(super) fn regrouped(&self, labels: &[u32]) -> Self {
        Self::new(self.wiring, self.nats, labels, self.weighted)
    }

    /// The blocks with nodes, and the edges that they exchange.
    fn items(&self) -> (Vec<u32>, Items) {
        let slots = self.labels.slots();
        let used: Vec<u32> = (0..slots as u32)
            .filter(|slot| self.labels.size(*slot) > 0)
            .collect();
        let cells = &self.cells;
        let edges = used.iter().flat_map(|from| {
            let row = *from as usize * slots;
            used.iter().map(move |to| cells[row + *to as usize].edges)
        });
        let items = Items {
            edges: edges.collect(),
            layer: self.layers_of(&used),
        };
        (used, items)
    }

    /// Groups the blocks anew, and tells how many nats that saves.
    pub(super) fn regroup(&mut self) -> f64 {
        let before = self.told_of_blocks();
        let (slot_of, items) = self.items();
        if slot_of.len() > upper::MOST {
            return 0.0;
        }
        let slots = self.labels.slots();
        let fitted = upper::fit(&items, self.wiring, self.nats).at_slots(&slot_of, slots);
        let kept = std::mem::replace(&mut self.upper, fitted);
        let saved = before - self.told_of_blocks();
        if saved <= 0.0 {
            self.upper = kept;
            return 0.0;
        }
        saved
    }

    /// Groups the blocks as told by their slots, of one layer each, on one level.
    #[cfg(test)]
    pub(super) fn group_by(&mut self, group: impl Fn(u32) -> u32) {
        let (used, items) = self.items();
        let of = |item: usize| items.layer[item] * 1_000 + group(used[item]) % 1_000;
        self.upper =
            Upper::of(&items, self.wiring.directed, of).at_slots(&used, self.labels.slots());
    }

    /// The groups of blocks, level by level.
    pub(super) fn upper(&self) -> &Upper {
        &self.upper
    }

    /// The layer of each of these blocks.
    fn layers_of(&self, slots: &[u32]) -> Vec<u32> {
        let mut layer = vec![0; self.labels.slots()];
        for (node, label) in self.labels.of.iter().enumerate() {
            layer[*label as usize] = self.wiring.layer[node];
        }
        slots.iter().map(|slot| layer[*slot as usize]).collect()
    }

    /// What it takes to tell how many edges the blocks exchange.
    fn told_of_blocks(&self) -> f64 {
        match self.upper.count() {
            0 => {
                let count = |layer| self.labels.used(layer).len();
                let counts: Vec<usize> = (0..self.wiring.layers).map(count).collect();
                upper::told_at_top(&counts, self.wiring, self.nats)
            }
            _ => self.upper.length(self.wiring, self.nats),
        }
    }

    /// What a move between blocks changes in a layer's partition, and in telling how many
    /// edges the blocks exchange.
    fn counts_change(&self, layer: usize, moved: &Moved<'_>) -> f64 {
        let count = self.labels.used(layer).len();
        let after = count + usize::from(moved.opens) - usize::from(moved.empties);
        let width = self.widths[layer];
        let partition =
            self.nats.choices(width - 1, after - 1) - self.nats.choices(width - 1, count - 1);
        partition
            + match self.upper.count() {
                0 if after == count => 0.0,
                0 => self.exchanged(layer, after) - self.exchanged(layer, count),
                _ => self
                    .upper
                    .after(moved, self.wiring.directed)
                    .map_or(0.0, |upper| {
                        upper.length(self.wiring, self.nats) - self.told_of_blocks()
                    }),
            }
    }

    /// What it takes to tell the edges between a layer's blocks and others if it has so many.
    fn exchanged(&self, layer: usize, count: usize) -> f64 {
        let pairs = self
            .wiring
            .pairs
            .iter()
            .filter(|pair| pair.writers as usize == layer || pair.readers as usize == layer);
        let count_of = |other: u32| match other as usize == layer {
            true => count,
            false => self.labels.used(other as usize).len(),
        };
        pairs
            .map(|pair| {
                let (writers, readers) = (count_of(pair.writers), count_of(pair.readers));
                let places = match self.wiring.directed {
                    true => writers * readers,
                    false => writers * (writers + 1) / 2,
                };
                self.nats.multisets(places, pair.edges)
            })
            .sum()
    }

    fn moved<'a>(&'a self, from: u32, to: u32) -> Moved<'a> {
        Moved {
            from,
            to,
            around: &self.around,
            empties: self.labels.size(from) == 1,
            opens: self.labels.size(to) == 0,
        }
    }
}

impl Grouping for Within<'_> {
    fn wiring(&self) -> &Wiring {
        self.wiring
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn changes(&mut self, node: u32, to: &[u32]) -> Vec<f64> {
        self.look(node);
        let from = self.labels.of[node as usize];
        let layer = self.labels.kind(node);
        let ln = |n: usize| self.nats.factorial(n);
        let change = |to: u32| {
            if to == from {
                return 0.0;
            }
            let (n, m) = (self.labels.size(from), self.labels.size(to));
            let partition = ln(n) - ln(n - 1) + ln(m) - ln(m + 1);
            partition
                + self.counts_change(layer, &self.moved(from, to))
                + self.degrees.change(node, from as usize, to as usize)
                + self.cells_change(from, to)
        };
        to.iter().map(|to| change(*to)).collect()
    }

    fn put(&mut self, node: u32, to: u32) {
        let from = self.labels.of[node as usize];
        if from == to {
            return;
        }
        if self.upper.count() > 0 {
            self.look(node);
            let after = self
                .upper
                .after(&self.moved(from, to), self.wiring.directed);
            self.upper = after.unwrap_or(std::mem::take(&mut self.upper));
        }
        for n in self.wiring.at(node) {
            let other = self.labels.of[n.node as usize];
            let (old, new) = (self.cell(from, other, n.side), self.cell(to, other, n.side));
            self.cells[old].take(Bundle::of(n));
            self.cells[new].add(Bundle::of(n));
        }
        self.degrees.remove(node, from as usize);
        self.degrees.insert(node, to as usize);
        self.labels.put(node, to);
    }

    fn length(&self) -> f64 {
        let fresh = Self::new(self.wiring, self.nats, &self.labels.of, self.weighted);
        let ln = |n: usize| self.nats.factorial(n);
        let partition = |layer: usize| -> f64 {
            let width = self.widths[layer];
            let used = fresh.labels.used(layer);
            let apart: f64 = used.iter().map(|block| ln(fresh.labels.size(*block))).sum();
            (width as f64).ln() + self.nats.choices(width - 1, used.len() - 1) + ln(width) - apart
        };
        let slots = fresh.labels.slots();
        let cells = fresh
            .cells
            .iter()
            .enumerate()
            .filter(|(_, bundle)| bundle.edges > 0);
        let cells = cells.map(|(cell, bundle)| fresh.told(*bundle, cell % slots == cell / slots));
        (0..self.wiring.layers).map(partition).sum::<f64>()
            + self.told_of_blocks()
            + fresh.degrees.total()
            + cells.sum::<f64>()
    }
}
