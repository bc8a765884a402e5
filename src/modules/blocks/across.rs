//! The planted-partition model: groups span the layers, and their edges are mostly inside.
//!
//! Source: Zhang & Peixoto (2020), arXiv 2006.14493, with degrees told for each layer of
//! each group, and for each two joined layers how many of their edges stay inside groups.
//! The edges inside are handed out evenly among the groups, those between evenly among the
//! pairs of different ones; so pairs of groups need no table, and few edges can
//! support groups that [`Within`](super::within::Within) could not afford to describe.

use super::degrees::Degrees;
use super::grouping::Grouping;
use super::labels::Labels;
use super::nats::Nats;
use super::wiring::{Bundle, Wiring};

/// Groups, at most.
const MOST: usize = 384;

#[derive(Clone)]
pub(super) struct Across<'w> {
    wiring: &'w Wiring,
    nats: &'w Nats,
    labels: Labels,
    /// Of the blocks `layer * slots + group`.
    degrees: Degrees<'w>,
    /// By pair of layers.
    exchange: Vec<Exchange>,
    /// Groups present in each layer.
    present: Vec<usize>,
    weighted: bool,
    /// The pairs that each layer is in.
    pairs_of: Vec<Vec<usize>>,
    /// Edges at the node looked at: pair, group at the other end, edges.
    around: Vec<(u32, u32, Bundle)>,
}

/// The edges between two layers.
#[derive(Debug, Clone, Copy, Default)]
struct Exchange {
    inside: Bundle,
    between: Bundle,
    /// Groups present in both layers.
    both: usize,
}

impl<'w> Across<'w> {
    pub(super) fn new(wiring: &'w Wiring, nats: &'w Nats, start: &[u32], weighted: bool) -> Self {
        let labels = Labels::new(&vec![0; wiring.len()], start, MOST);
        let slots = labels.slots();
        let mut degrees = Degrees::new(nats, wiring.degrees(), slots * wiring.layers);
        for node in 0..wiring.len() {
            let block = wiring.layer[node] as usize * slots + labels.of[node] as usize;
            degrees.insert(node as u32, block);
        }
        let mut pairs_of = vec![Vec::new(); wiring.layers];
        for (at, pair) in wiring.pairs.iter().enumerate() {
            pairs_of[pair.writers as usize].push(at);
            if pair.readers != pair.writers {
                pairs_of[pair.readers as usize].push(at);
            }
        }
        let is_there = |layer: u32, group: usize| degrees.sizes[layer as usize * slots + group] > 0;
        let groups = |layer: u32| (0..slots).filter(|g| is_there(layer, *g)).count();
        let present = (0..wiring.layers as u32).map(groups).collect();
        let both = wiring.pairs.iter().map(|pair| {
            let both = |g: &usize| is_there(pair.writers, *g) && is_there(pair.readers, *g);
            Exchange {
                both: (0..slots).filter(both).count(),
                ..Exchange::default()
            }
        });
        let mut grouping = Self {
            exchange: both.collect(),
            wiring,
            nats,
            present,
            degrees,
            weighted,
            pairs_of,
            around: Vec::new(),
            labels,
        };
        grouping.fill();
        grouping
    }

    fn fill(&mut self) {
        for node in 0..self.wiring.len() as u32 {
            for n in self.wiring.at(node).iter().filter(|n| n.side == 0) {
                if self.wiring.directed || node < n.node {
                    let exchange = &mut self.exchange[self.wiring.pair(node, n) as usize];
                    let of = &self.labels.of;
                    let same = of[node as usize] == of[n.node as usize];
                    let part = if same {
                        &mut exchange.inside
                    } else {
                        &mut exchange.between
                    };
                    part.add(Bundle::of(n));
                }
            }
        }
    }

    fn block(&self, layer: usize, group: u32) -> usize {
        layer * self.labels.slots() + group as usize
    }

    /// What the edges between two layers take.
    fn told(&self, pair: usize, exchange: Exchange, writers: usize, readers: usize) -> f64 {
        let (inside, between) = (
            exchange.inside.edges as usize,
            exchange.between.edges as usize,
        );
        let (own, other) = match self.wiring.directed {
            true => (exchange.both, writers * readers - exchange.both),
            false => (writers, writers * (writers - 1) / 2),
        };
        let choice = match own > 0 && other > 0 {
            true => (self.wiring.pairs[pair].edges as f64 + 1.0).ln(),
            false => 0.0,
        };
        let part = |edges: usize, places: usize| match edges {
            0 => 0.0,
            _ => edges as f64 * (places as f64).ln() - self.nats.factorial(edges),
        };
        let ends = match self.wiring.directed {
            true => 0.0,
            false => inside as f64 * std::f64::consts::LN_2,
        };
        let sizes = match self.weighted {
            true => exchange.inside.density() + exchange.between.density(),
            false => 0.0,
        };
        choice + part(inside, own) + part(between, other) - ends + sizes
    }

    /// The partition's share that depends on the number of groups.
    fn told_of_count(&self, count: usize) -> f64 {
        self.nats.choices(self.wiring.len() - 1, count - 1)
    }

    /// Gathers the edges at a node by pair of layers and group.
    fn look(&mut self, node: u32) {
        self.around.clear();
        for n in self.wiring.at(node) {
            let key = (self.wiring.pair(node, n), self.labels.of[n.node as usize]);
            self.around.push((key.0, key.1, Bundle::of(n)));
        }
        self.around
            .sort_unstable_by_key(|(pair, group, _)| (*pair, *group));
        self.around.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2.add(next.2);
            }
            same
        });
    }

    /// The exchange of a pair and the groups present in its layers after a move.
    fn after(&self, pair: usize, layer: usize, from: u32, to: u32) -> (Exchange, usize, usize) {
        let ends = self.wiring.pairs[pair];
        let (writers, readers) = (ends.writers as usize, ends.readers as usize);
        let mut exchange = self.exchange[pair];
        for (_, group, edges) in self.around.iter().filter(|(p, ..)| *p as usize == pair) {
            if *group == from {
                exchange.inside.take(*edges);
                exchange.between.add(*edges);
            } else if *group == to {
                exchange.between.take(*edges);
                exchange.inside.add(*edges);
            }
        }
        let other = if writers == layer { readers } else { writers };
        let goes = self.degrees.sizes[self.block(layer, from)] == 1;
        let comes = self.degrees.sizes[self.block(layer, to)] == 0;
        let here = self.present[layer] + usize::from(comes) - usize::from(goes);
        if other == layer {
            exchange.both = here;
            return (exchange, here, here);
        }
        let there = |group: u32| self.degrees.sizes[self.block(other, group)] > 0;
        exchange.both += usize::from(comes && there(to));
        exchange.both -= usize::from(goes && there(from));
        match writers == layer {
            true => (exchange, here, self.present[readers]),
            false => (exchange, self.present[writers], here),
        }
    }
}

impl Grouping for Across<'_> {
    fn wiring(&self) -> &Wiring {
        self.wiring
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn changes(&mut self, node: u32, to: &[u32]) -> Vec<f64> {
        self.look(node);
        let from = self.labels.of[node as usize];
        let layer = self.wiring.layer[node as usize] as usize;
        let count = self.labels.count();
        let ln = |n: usize| self.nats.factorial(n);
        let change = |to: u32| {
            if to == from {
                return 0.0;
            }
            let (n, m) = (self.labels.size(from), self.labels.size(to));
            let after = count + usize::from(m == 0) - usize::from(n == 1);
            let partition = ln(n) - ln(n - 1) + ln(m) - ln(m + 1);
            let counts = self.told_of_count(after) - self.told_of_count(count);
            let edges = self.pairs_of[layer].iter().map(|pair| {
                let ends = self.wiring.pairs[*pair];
                let present = |layer: u32| self.present[layer as usize];
                let (now, writers, readers) = self.after(*pair, layer, from, to);
                self.told(*pair, now, writers, readers)
                    - self.told(
                        *pair,
                        self.exchange[*pair],
                        present(ends.writers),
                        present(ends.readers),
                    )
            });
            let blocks = (self.block(layer, from), self.block(layer, to));
            partition + counts + self.degrees.change(node, blocks.0, blocks.1) + edges.sum::<f64>()
        };
        to.iter().map(|to| change(*to)).collect()
    }

    fn put(&mut self, node: u32, to: u32) {
        let from = self.labels.of[node as usize];
        if from == to {
            return;
        }
        self.look(node);
        let layer = self.wiring.layer[node as usize] as usize;
        let pairs = self.pairs_of[layer].iter();
        let after: Vec<_> = pairs
            .map(|p| (*p, self.after(*p, layer, from, to).0))
            .collect();
        for (pair, exchange) in after {
            self.exchange[pair] = exchange;
        }
        let (old, new) = (self.block(layer, from), self.block(layer, to));
        self.degrees.remove(node, old);
        self.degrees.insert(node, new);
        self.present[layer] -= usize::from(self.degrees.sizes[old] == 0);
        self.present[layer] += usize::from(self.degrees.sizes[new] == 1);
        self.labels.put(node, to);
    }

    fn length(&self) -> f64 {
        let fresh = Self::new(self.wiring, self.nats, &self.labels.of, self.weighted);
        let ln = |n: usize| self.nats.factorial(n);
        let nodes = self.wiring.len();
        let apart = fresh
            .labels
            .used(0)
            .iter()
            .map(|group| ln(fresh.labels.size(*group)));
        let partition = (nodes as f64).ln() + self.told_of_count(fresh.labels.count()) + ln(nodes)
            - apart.sum::<f64>();
        let told = self.wiring.pairs.iter().enumerate().map(|(at, pair)| {
            let present = |layer: u32| fresh.present[layer as usize];
            let (writers, readers) = (present(pair.writers), present(pair.readers));
            fresh.told(at, fresh.exchange[at], writers, readers)
        });
        partition + told.sum::<f64>() + fresh.degrees.total()
    }
}
