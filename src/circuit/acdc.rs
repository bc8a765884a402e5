//! ACDC: automated circuit discovery by recursive activation patching.
//!
//! Readers are visited in reverse order of computation; a reader's incoming
//! edges from the last writer to the first. Each edge is patched besides those
//! already gone, and stays gone if the metric worsens by less than τ
//! (`signed`), or moves by less than τ either way (`absolute`). A node from
//! which no kept path leads to the outputs that the metric reads cannot matter;
//! its incoming edges go without a run. Where steps of a recurrence are one, an
//! edge to the next step counts as kept for that: its turn may come later.
//!
//! Source: Conmy et al. 2023, arXiv 2304.14997, algorithm 1; [`authors_order`]
//! is the order of their code.

use std::cmp::Reverse;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Sign;
use crate::metric::{Direction, Metric};
use crate::model::Components;
use crate::model::transformer::{Letter, Reader, Writer};
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Patchable, PatchableExt as _};

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Acdc {
    /// τ, in units of the metric.
    pub threshold: f64,
    /// Which changes count.
    pub sign: Sign,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// All trials, in order.
    pub trials: Vec<Trial>,
}

impl Found {
    /// Kept edges in the order of the visit, with their effects when visited:
    /// `metric(without those gone before) − metric(without this one too)`.
    pub fn kept(&self) -> impl Iterator<Item = (usize, f64)> {
        let kept = self.trials.iter().filter(|trial| trial.kept);
        kept.filter_map(|trial| Some((trial.tried.edge()?, trial.effect)))
    }
}

/// What is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Try {
    /// One edge.
    Edge(usize),
    /// All edges into a reader, at once.
    Reader(Range<usize>),
}

/// One trial; written as `[first edge, number of edges, effect, kept]`, the number 0 for an
/// edge by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "(usize, usize, f64, bool)", into = "(usize, usize, f64, bool)")]
pub struct Trial {
    /// What was patched.
    pub tried: Try,
    /// `metric(as it stood) − metric(without)`.
    pub effect: f64,
    /// Whether they stay.
    pub kept: bool,
}

impl From<(usize, usize, f64, bool)> for Trial {
    fn from((first, number, effect, kept): (usize, usize, f64, bool)) -> Self {
        let tried = match number {
            0 => Try::Edge(first),
            number => Try::Reader(first..first.saturating_add(number)),
        };
        Self {
            tried,
            effect,
            kept,
        }
    }
}

impl From<Trial> for (usize, usize, f64, bool) {
    fn from(trial: Trial) -> Self {
        let (first, number) = match trial.tried {
            Try::Edge(edge) => (edge, 0),
            Try::Reader(edges) => (edges.start, edges.len()),
        };
        (first, number, trial.effect, trial.kept)
    }
}

/// Finds the circuit for `metric` among `candidates` (edge numbers; all other
/// edges stay as they are), edge by edge.
#[must_use]
pub fn acdc<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    metric: &Metric,
    candidates: &EdgeSet,
    config: Acdc,
) -> Found {
    let edges = network.readers().into_iter().flat_map(Iterator::rev);
    acdc_in_order(network, metric, candidates, config, edges.map(Try::Edge))
}

/// ACDC in a given order of trials.
pub fn acdc_in_order<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    metric: &Metric,
    candidates: &EdgeSet,
    config: Acdc,
    order: impl IntoIterator<Item = Try>,
) -> Found {
    let mut trials = Vec::new();
    let mut gone = network.edges([]);
    let mut reaching = Reaching::new(network, candidates);
    for node in network.nodes_read(metric) {
        reaching.add(node);
    }
    let mut walk = network.walk(gone.clone());
    let mut current = metric.mean(walk.outputs());
    let mut at = None;
    for tried in order {
        let edges = tried.edges();
        let within = |set: &EdgeSet| edges.clone().all(|edge| set.contains(edge));
        if !within(candidates) || within(&gone) {
            continue;
        }
        let reader = network.ends(edges.start).1;
        if !reaching.nodes[reader] {
            gone.extend(edges);
            continue;
        }
        if at.replace(reader) != Some(reader) {
            walk.settle();
            current = metric.mean(walk.outputs());
        }
        let without = walk.attempt_mean(edges.clone(), metric);
        let kept = !config.drops(metric.kind().direction(), current, without);
        let effect = current - without;
        if !kept {
            walk.take();
            gone.extend(edges);
            current = without;
        } else if let Try::Edge(edge) = tried {
            reaching.add(network.ends(edge).0);
        }
        trials.push(Trial {
            tried,
            effect,
            kept,
        });
    }
    Found { trials }
}

/// The nodes from which kept edges and links lead to what the metric reads.
struct Reaching {
    nodes: Vec<bool>,
    /// Per node, where links to it come from, and edges from the step before.
    behind: Vec<Vec<usize>>,
}

impl Reaching {
    fn new<T: Scalar>(network: &dyn Patchable<Number = T>, candidates: &EdgeSet) -> Self {
        let mut behind = linked_from(network);
        for edge in candidates.ones().filter(|edge| network.recurs(*edge)) {
            let (writer, reader) = network.ends(edge);
            behind[reader].push(writer);
        }
        Self {
            nodes: vec![false; network.node_count()],
            behind,
        }
    }

    fn add(&mut self, node: usize) {
        let mut new = vec![node];
        while let Some(node) = new.pop() {
            if !std::mem::replace(&mut self.nodes[node], true) {
                new.extend(&self.behind[node]);
            }
        }
    }
}

impl Acdc {
    /// Whether edges go, given the metric with and without them.
    fn drops(self, direction: Direction, with: f64, without: f64) -> bool {
        let worsening = match (self.sign, direction) {
            (Sign::Absolute, _) => (with - without).abs(),
            (Sign::Signed, Direction::HigherIsBetter) => with - without,
            (Sign::Signed, Direction::LowerIsBetter) => without - with,
        };
        worsening < self.threshold
    }
}

impl Try {
    /// The edge, where it is one by itself.
    #[must_use]
    pub fn edge(&self) -> Option<usize> {
        match self {
            Self::Edge(edge) => Some(*edge),
            Self::Reader(_) => None,
        }
    }

    fn edges(&self) -> Range<usize> {
        match self {
            Self::Edge(edge) => *edge..edge + 1,
            Self::Reader(edges) => edges.clone(),
        }
    }
}

/// The order of the authors' code: in a block, first each head's values, keys
/// and queries as a whole, then the edges into them; writers block by block
/// from the last, the MLP before the heads, heads from the first.
#[must_use]
pub fn authors_order(sites: &Components) -> Vec<Try> {
    let mut order = Vec::new();
    for reader in (0..sites.reader_count()).rev() {
        if begins_attention(sites, reader) {
            let layer = sites.sublayer_of_reader(reader) / 2;
            let of = |letter: &Letter| sites.of_letter(layer, *letter);
            let heads: usize = Letter::ALL.iter().map(of).sum();
            let readers = (reader + 1 - heads..=reader).rev();
            order.extend(readers.map(|reader| Try::Reader(sites.edges_into(reader))));
        }
        let writers = authors_writers(sites, reader).into_iter();
        let positions = sites.positions_of(reader);
        let edges = writers.map(|writer| sites.edge(writer, reader));
        let edges = edges.flat_map(|first| first..first + positions);
        order.extend(edges.map(Try::Edge));
    }
    order
}

/// Whether a reader is the last of a block's heads, and so the first visited.
fn begins_attention(sites: &Components, reader: usize) -> bool {
    let Reader::Head {
        layer,
        head,
        letter,
    } = sites.reader_at(reader)
    else {
        return false;
    };
    letter == Letter::V && head + 1 == sites.of_letter(layer, letter)
}

/// The writers before a reader, in the order in which the authors try them.
fn authors_writers(sites: &Components, reader: usize) -> Vec<usize> {
    let mut writers: Vec<usize> = sites.writers_of(reader).collect();
    // Block by block from the last, norms and the MLP before the heads; the heads
    // of a block from the first; inputs from the last.
    let key = |writer: &usize| match sites.writer_at(*writer) {
        Writer::Norm { sublayer } => (Reverse(sublayer), 0, 0),
        Writer::Mlp { layer } => (Reverse(2 * layer + 1), 1, 0),
        Writer::Head { layer, .. } | Writer::Heads { layer } => (Reverse(2 * layer), 1, *writer),
        Writer::Input | Writer::TokenEmbedding | Writer::PositionEmbedding => {
            (Reverse(0), 2, sites.inputs() - writer)
        }
    };
    writers.sort_by_key(key);
    writers
}

/// Per node, the nodes that links lead from to it.
fn linked_from<T: Scalar>(network: &dyn Patchable<Number = T>) -> Vec<Vec<usize>> {
    let mut behind = vec![Vec::new(); network.node_count()];
    for (from, to) in network.links() {
        behind[to].push(from);
    }
    behind
}
