//! The form of a transformer in training: rows of sites, the linear maps between
//! them, and what each of their numbers costs.

use std::ops::Range;

use crate::graph::Place;
use crate::graph::places::layer_places;
use crate::numeric::Scalar;
use crate::train::cost::{arrangement, distance_factor, share};
use crate::train::recipe::{Attention, Recipe, Space};
use crate::train::task::Problem;

/// A row of sites that have places and may change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// The numbers of a position.
    Inputs,
    /// The residual stream: its channels stand at the same places wherever they
    /// are written and read.
    Stream,
    /// What the heads of a block hold, head by head; queries, keys and values
    /// stand over one another.
    Held(usize),
    /// The hidden layer of a block's MLP.
    Hidden(usize),
    /// The outputs of a position.
    Outputs,
}

/// A linear map from one row to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The name of its tensors, without `.weight` and `.bias`.
    pub name: String,
    /// The row it reads.
    pub from: Row,
    /// The row it writes.
    pub to: Row,
    /// How many times it writes the row: 3 for queries, keys and values.
    pub folds: usize,
    /// Where `[weights | bias]` stands, `[readers, writers + 1]` row by row.
    pub slot: Range<usize>,
}

/// The form of a network: everything but its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Numbers per position.
    pub inputs: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Blocks and heads.
    pub attention: Attention,
    /// Width of the MLPs' hidden layers.
    pub hidden: usize,
    /// Outputs per position.
    pub outputs: usize,
}

impl Form {
    /// The form of a network for a problem.
    #[must_use]
    pub fn new(problem: &Problem, recipe: &Recipe, attention: Attention) -> Self {
        Self {
            inputs: problem.inputs.len(),
            width: recipe.embedding,
            attention,
            hidden: recipe
                .hidden
                .first()
                .copied()
                .unwrap_or(4 * recipe.embedding),
            outputs: problem.outputs.len(),
        }
    }

    /// Number of sites of a row.
    #[must_use]
    pub fn size(&self, row: Row) -> usize {
        match row {
            Row::Inputs => self.inputs,
            Row::Stream | Row::Held(_) => self.width,
            Row::Hidden(_) => self.hidden,
            Row::Outputs => self.outputs,
        }
    }

    /// All linear maps, inputs first: one, then four of each block, then one.
    #[must_use]
    pub fn wires(&self) -> Vec<Wire> {
        let mut wires = Vec::new();
        let mut start = 0;
        let mut add = |name: String, from: Row, to: Row, folds: usize| {
            let slot = start..start + folds * self.size(to) * (self.size(from) + 1);
            start = slot.end;
            wires.push(Wire {
                name,
                from,
                to,
                folds,
                slot,
            });
        };
        add("l_i.linear".into(), Row::Inputs, Row::Stream, 1);
        for l in 0..self.attention.blocks {
            let part = |part: &str| format!("blocks.{l}.{part}.linear");
            add(part("attn.l_attn"), Row::Stream, Row::Held(l), 3);
            add(part("attn.l_proj"), Row::Held(l), Row::Stream, 1);
            add(part("mlp.linears.0"), Row::Stream, Row::Hidden(l), 1);
            add(part("mlp.linears.1"), Row::Hidden(l), Row::Stream, 1);
        }
        add("l_f.linear".into(), Row::Stream, Row::Outputs, 1);
        wires
    }

    /// Widths from row to row, as the published configuration lists them.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        let wires = self.wires();
        let readers = wires.iter().map(|wire| self.size(wire.to));
        std::iter::once(self.inputs).chain(readers).collect()
    }

    /// Where the sites of a row are.
    #[must_use]
    pub fn places(&self, row: Row, space: Space) -> Vec<Place> {
        layer_places(arrangement(space, row == Row::Outputs), self.size(row), 1)
    }

    /// What each number costs per unit of |value|, as [`crate::train::cost`] has it.
    #[must_use]
    pub fn costs<T: Scalar>(&self, recipe: &Recipe, biases: bool) -> Vec<T> {
        let cost = &recipe.cost;
        let mut costs = Vec::new();
        for wire in self.wires() {
            let factor = distance_factor(cost, wire.to == Row::Outputs);
            let writers = self.places(wire.from, recipe.space);
            let places = self.places(wire.to, recipe.space);
            let readers = wire.folds * places.len();
            for reader in (0..wire.folds).flat_map(|_| &places) {
                costs.extend(writers.iter().map(|writer| {
                    let length = factor * reader.distance(*writer) + cost.l0;
                    share(cost, length, writers.len() * readers)
                }));
                costs.push(if biases {
                    share(cost, cost.l0, readers)
                } else {
                    0.0
                });
            }
        }
        costs.into_iter().map(T::from_f64).collect()
    }
}
