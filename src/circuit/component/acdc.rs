//! ACDC on a transformer's components.
//!
//! Readers are visited in reverse order of computation. Each edge into a reader
//! is patched besides those already gone, and stays gone if the metric worsens
//! by less than τ. A reader from whose node no kept path leads to the logits
//! cannot matter; its edges go without a run.
//!
//! Source: Conmy et al. 2023, arXiv 2304.14997, algorithm 1; [`Order::Authors`]
//! is the order of their code.

use crate::circuit::Acdc;
use crate::metric::Metric;
use crate::model::Components;
use crate::model::transformer::{Letter, Reader};
use crate::numeric::Scalar;
use crate::patch::{ComponentEngine, EdgeSet};

/// In which order edges are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Readers and writers from the last computed to the first.
    Reverse,
    /// As the authors' code has it: in a block, first each head's values, keys
    /// and queries as a whole, then the edges into them; writers block by block
    /// from the last, the MLP before the heads, heads from the first.
    Authors,
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComponentAcdc {
    /// Threshold and sign.
    pub rule: Acdc,
    /// The order.
    pub order: Order,
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// One edge.
    Edge(usize),
    /// All edges into a reader.
    Projection(usize),
}

/// One trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visit {
    /// What was tried.
    pub tried: Move,
    /// `metric(as it stands) − metric(without)`.
    pub effect: f64,
    /// Whether it stays.
    pub kept: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentFound {
    /// Kept edges.
    pub kept: EdgeSet,
    /// All trials, in order.
    pub visits: Vec<Visit>,
    /// The metric of the circuit.
    pub metric: f64,
}

/// Finds the circuit for `metric` (over all readings) among all edges.
#[must_use]
pub fn component_acdc<T: Scalar>(
    engine: &ComponentEngine<'_, T>,
    metric: &Metric,
    config: ComponentAcdc,
) -> ComponentFound {
    let sites = engine.sites();
    let mut search = Search {
        sites,
        gone: engine.edges([]),
        dead: vec![false; sites.reader_count()],
        live: vec![false; sites.writer_count()],
    };
    let mut current = metric.mean(engine.clean().view());
    let mut visits = Vec::new();
    for tried in moves(sites, config.order) {
        if search.is_dead(tried) {
            search.gone.extend(search.edges_of(tried));
            continue;
        }
        let mut without = search.gone.clone();
        without.extend(search.edges_of(tried));
        let value = metric.mean(engine.run(&without).view());
        let kept = !config.rule.drops(metric.kind().direction(), current, value);
        visits.push(Visit {
            tried,
            effect: current - value,
            kept,
        });
        match (kept, tried) {
            (true, Move::Edge(edge)) => search.live[sites.ends(edge).0] = true,
            (true, Move::Projection(_)) => {}
            (false, tried) => {
                search.gone = without;
                current = value;
                if let Move::Projection(reader) = tried {
                    search.dead[reader] = true;
                }
            }
        }
    }
    ComponentFound {
        kept: engine.all_but(&search.gone),
        visits,
        metric: current,
    }
}

/// Where a search stands.
struct Search<'s> {
    sites: &'s Components,
    gone: EdgeSet,
    /// Readers that went as a whole.
    dead: Vec<bool>,
    /// Writers from which a kept edge leads on.
    live: Vec<bool>,
}

impl Search<'_> {
    fn reader(&self, tried: Move) -> usize {
        match tried {
            Move::Edge(edge) => self.sites.ends(edge).1,
            Move::Projection(reader) => reader,
        }
    }

    fn edges_of(&self, tried: Move) -> std::ops::Range<usize> {
        match tried {
            Move::Edge(edge) => edge..edge + 1,
            Move::Projection(reader) => self.sites.edges_into(reader),
        }
    }

    fn is_dead(&self, tried: Move) -> bool {
        let reader = self.reader(tried);
        let node = self.sites.writer_of_reader(reader);
        self.dead[reader] || node.is_some_and(|node| !self.live[node])
    }
}

/// Everything that is tried, in order.
fn moves(sites: &Components, order: Order) -> Vec<Move> {
    let mut moves = Vec::new();
    for reader in (0..sites.reader_count()).rev() {
        if order == Order::Authors && begins_attention(sites, reader) {
            let heads = 3 * sites.heads();
            moves.extend((reader + 1 - heads..=reader).rev().map(Move::Projection));
        }
        let writers = writers(sites, reader, order);
        moves.extend(
            writers
                .into_iter()
                .map(|w| Move::Edge(sites.edge(w, reader))),
        );
    }
    moves
}

/// Whether a reader is the last of a block's heads, and so the first visited.
fn begins_attention(sites: &Components, reader: usize) -> bool {
    let last = sites.heads() - 1;
    matches!(sites.reader_at(reader), Reader::Head { head, letter: Letter::V, .. } if head == last)
}

/// The writers before a reader, in the order in which they are tried.
fn writers(sites: &Components, reader: usize, order: Order) -> Vec<usize> {
    let before = sites.writers_before(reader);
    if order == Order::Reverse {
        return (0..before).rev().collect();
    }
    let mut writers = Vec::with_capacity(before);
    for layer in (0..sites.layers()).rev() {
        let (first, mlp) = (sites.first_head(layer), sites.mlp_writer(layer));
        let in_order = std::iter::once(mlp).chain(first..mlp);
        writers.extend(in_order.filter(|writer| *writer < before));
    }
    writers.extend((0..sites.inputs()).rev());
    writers
}
