//! A proof written down: the tree of boxes that covers a domain, and the relaxation
//! of every neuron in every leaf, so that another program can verify each by itself.
//!
//! A leaf proves all outputs by its own bound, with ranges and slopes that are numbers of f32; it does
//! not lean on the boxes it is part of, as the search for a certificate may.

use std::time::Instant;

use super::Budget;
use super::bound::{Bounded, Bounder};

/// Boxes bounded in one round, at most.
const ROUND: usize = 1024;
/// Numbers kept, at most: larger proofs are not written down.
const MOST_NUMBERS: usize = 48 << 20;

/// A tree of boxes in preorder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// A box that is proved as it is.
    Leaf,
    /// A box that is proved in two parts.
    Split {
        /// The physical input that is split.
        input: usize,
        /// Where.
        at: f64,
    },
}

/// Trees that cover boxes, with what proves their leaves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Leaves {
    /// In preorder.
    pub tree: Vec<Node>,
    /// Per leaf in the order of the tree, of every hidden neuron: from where to where z and δ
    /// may be, then α, p and q.
    pub relaxations: Vec<Vec<[f32; 7]>>,
    /// Per output, the largest bound of a leaf with its slack.
    pub bounds: Vec<f64>,
}

/// Why a proof is not written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLogged {
    /// The budget ended first.
    #[error("the budget ended before every box was proved by itself")]
    Budget,
    /// Too many numbers.
    #[error("the proof has over {MOST_NUMBERS} numbers")]
    Size,
    /// Layers that the checker does not read.
    #[error("the checker reads plain linear layers, each with one activation")]
    Layers,
    /// An activation that the checker does not know.
    #[error("the checker does not know the activation")]
    Activation,
    /// Neither proved nor refuted.
    #[error("nothing is proved")]
    Undecided,
}

/// A box on its way.
enum Found {
    Open,
    Leaf(Vec<[f32; 7]>),
    Split { symbol: usize, at: f64, left: usize },
}

impl Leaves {
    /// These and those of one more box.
    pub(super) fn extend(&mut self, more: Self) {
        self.tree.extend(more.tree);
        self.relaxations.extend(more.relaxations);
        self.bounds.resize(more.bounds.len(), 0.0);
        let pairs = self.bounds.iter_mut().zip(more.bounds);
        pairs.for_each(|(bound, more)| *bound = bound.max(more));
    }
}

/// Splits the bounder's domain until every box proves `enough` of each output; so many leaves
/// are kept already.
pub(super) fn leaves(
    bounder: &Bounder<'_>,
    enough: &[f64],
    budget: &Budget,
    kept: usize,
) -> Result<Leaves, NotLogged> {
    let started = Instant::now();
    let root = bounder.symbols.iter().map(|i| bounder.domain[*i]).collect();
    let (mut nodes, mut open) = (vec![Found::Open], vec![(0, root)]);
    let (mut bounds, mut numbers) = (vec![0.0_f64; enough.len()], 0);
    let neurons: usize = bounder
        .pair
        .layers
        .iter()
        .map(|layer| layer.bias.len())
        .sum();
    let most = MOST_NUMBERS.saturating_sub(7 * kept * neurons);
    let scale: Vec<f64> = enough
        .iter()
        .map(|e| 1.0 / e.max(f64::MIN_POSITIVE))
        .collect();
    while !open.is_empty() {
        let over = nodes.len() as u64 > budget.boxes;
        if over || started.elapsed().as_secs_f64() > budget.seconds {
            return Err(NotLogged::Budget);
        }
        // The last come first: few boxes are open at a time.
        let round: Vec<(usize, Vec<[f64; 2]>)> = open.split_off(open.len().saturating_sub(ROUND));
        let boxes: Vec<Vec<[f64; 2]>> = round.iter().map(|(_, sides)| sides.clone()).collect();
        let bounded = bounder.bound_all(&boxes, &scale);
        for ((node, sides), bounded) in round.into_iter().zip(bounded) {
            if let Some(claims) = proved(&bounded, enough) {
                numbers += 7 * bounded.relaxations.len();
                if numbers > most {
                    return Err(NotLogged::Size);
                }
                bounds
                    .iter_mut()
                    .zip(claims)
                    .for_each(|(b, claim)| *b = b.max(claim));
                nodes[node] = Found::Leaf(bounded.relaxations);
                continue;
            }
            let symbol = bounded.split;
            let Some((at, halves)) = halves(sides, symbol) else {
                return Err(NotLogged::Budget);
            };
            let left = nodes.len();
            nodes[node] = Found::Split { symbol, at, left };
            for half in halves {
                open.push((nodes.len(), half));
                nodes.push(Found::Open);
            }
        }
    }
    Ok(in_order(bounder, nodes, bounds))
}

/// What is claimed of every output of a box, where that is enough of each.
fn proved(bounded: &Bounded, enough: &[f64]) -> Option<Vec<f64>> {
    let claim = |(k, enough): (usize, &f64)| claimed(bounded.upper(k), *enough);
    let claims: Vec<f64> = enough.iter().enumerate().map(claim).collect();
    let mut pairs = claims.iter().zip(enough);
    pairs
        .all(|(claim, enough)| claim <= enough)
        .then_some(claims)
}

/// What is claimed of a bound: a little more, for those who round otherwise.
pub(super) fn claimed(bound: f64, enough: f64) -> f64 {
    bound * (1.0 + 1e-6) + enough * 1e-6 + f64::MIN_POSITIVE
}

/// Both halves of a box, and where it is halved; `None` if no number lies between its ends.
fn halves(sides: Vec<[f64; 2]>, symbol: usize) -> Option<(f64, [Vec<[f64; 2]>; 2])> {
    let [lo, hi] = *sides.get(symbol)?;
    let at = 0.5 * lo + 0.5 * hi;
    if !(lo < at && at < hi) {
        return None;
    }
    let (mut left, mut right) = (sides.clone(), sides);
    (left[symbol][1], right[symbol][0]) = (at, at);
    Some((at, [left, right]))
}

/// The nodes in preorder.
fn in_order(bounder: &Bounder<'_>, mut nodes: Vec<Found>, bounds: Vec<f64>) -> Leaves {
    let (mut tree, mut relaxations, mut open) = (Vec::new(), Vec::new(), vec![0]);
    while let Some(node) = open.pop() {
        match std::mem::replace(&mut nodes[node], Found::Open) {
            Found::Leaf(of) => {
                tree.push(Node::Leaf);
                relaxations.push(of);
            }
            Found::Split { symbol, at, left } => {
                let input = bounder.symbols[symbol];
                tree.push(Node::Split { input, at });
                open.extend([left + 1, left]);
            }
            Found::Open => unreachable!("no box is left open"),
        }
    }
    Leaves {
        tree,
        relaxations,
        bounds,
    }
}
