//! Runs in which every edge carries its message in part, and their gradients.
//!
//! With a share m on an edge, its reader gets m times the message and 1 − m
//! times the fill: at 1 the edge is as it is, at 0 it is patched. With C what a
//! writer writes in this run less what it writes in the clean run, and D what
//! its fill is less the same,
//!
//! ```text
//! input of v = clean input + Σ over u → v of (m · C of u + (1 − m) · D of u)
//! ```

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::differences::{Differences, Rows, product, products};
use super::engine::ComponentEngine;
use super::part::{Part, rows_of};
use crate::model::transformer::{Attended, End, HeadInput, Letter, MlpTrace, Normed};
use crate::model::{Components, Transformer};
use crate::numeric::{Scalar, matmul_into};

/// A run of one part with shares on all edges.
pub struct Mixed<'e, 'm, T> {
    engine: &'e ComponentEngine<'m, T>,
    part: &'e Part<T>,
    shares: &'e [f64],
    /// C of every writer.
    changes: Differences<T>,
    /// Per block.
    heads: Vec<Heads<T>>,
    /// Per block.
    mlps: Vec<MlpTrace<T>>,
    end: End<T>,
}

/// The heads of one block.
struct Heads<T> {
    /// Of each input of each head, letter by letter.
    normed: Vec<Option<Normed<T>>>,
    attended: Attended<T>,
}

impl<'e, 'm, T: Scalar> Mixed<'e, 'm, T> {
    /// Runs a part with `shares` by edge number.
    pub fn new(engine: &'e ComponentEngine<'m, T>, part: &'e Part<T>, shares: &'e [f64]) -> Self {
        let layers = engine.sites().layers();
        let mut run = Self {
            engine,
            part,
            shares,
            changes: part.differences.zeros(),
            heads: Vec::with_capacity(layers),
            mlps: Vec::with_capacity(layers),
            end: part.clean.end.clone(),
        };
        for layer in 0..layers {
            run.attention(layer);
            run.mlp(layer);
        }
        let input = run.input(run.sites().logits_reader());
        run.end = engine.model().end(input);
        run
    }

    /// Outputs, `[outputs, readings]`.
    pub fn outputs(&self) -> ArrayView2<'_, T> {
        self.end.outputs.t()
    }

    fn sites(&self) -> &'e Components {
        self.engine.sites()
    }

    fn model(&self) -> &'m Transformer<T> {
        self.engine.model()
    }

    fn attention(&mut self, layer: usize) {
        let (model, sites) = (self.model(), self.sites());
        let clean = &self.part.clean.attention[layer];
        let mut queries = Array2::zeros(clean.queries.raw_dim());
        let mut keys_values = Array2::zeros(clean.keys_values.raw_dim());
        let mut normed = Vec::with_capacity(3 * sites.heads());
        for letter in Letter::ALL {
            for head in 0..sites.heads() {
                let input = self.input(sites.head_reader(layer, letter, head));
                let HeadInput {
                    projected,
                    normed: of_head,
                } = model.read_head(layer, letter, head, &input);
                let columns = columns(model, letter, head);
                let target = match letter {
                    Letter::Q => &mut queries,
                    Letter::K | Letter::V => &mut keys_values,
                };
                target.slice_mut(s![.., columns]).assign(&projected);
                normed.push(of_head);
            }
        }
        let attended = model.attend_all(&self.part.clean, layer, queries, keys_values);
        let held = &attended.held - &clean.held;
        for head in 0..sites.heads() {
            let held = held.slice(s![.., columns(model, Letter::Q, head)]);
            let change = product(held, model.blocks[layer].head_out(model.heads, head));
            let writer = sites.first_head(layer) + head;
            self.changes.set(&self.part.batch, writer, &change);
        }
        self.heads.push(Heads { normed, attended });
    }

    fn mlp(&mut self, layer: usize) {
        let (model, sites) = (self.model(), self.sites());
        let input = self.input(sites.mlp_reader(layer));
        let block = &model.blocks[layer];
        let half = model.mlp_half(block, input);
        let hidden = &half.hidden - &self.part.clean.mlp[layer].hidden;
        let change = product(hidden.view(), block.down.view());
        let writer = sites.mlp_writer(layer);
        self.changes.set(&self.part.batch, writer, &change);
        self.mlps.push(half);
    }

    /// The input of a reader, with the rows that it reads.
    fn input(&self, reader: usize) -> Array2<T> {
        let rows = rows_of(self.sites(), reader);
        let mut input = self.clean_input(reader, rows);
        let before = self.sites().writers_before(reader);
        let shares = &self.shares[self.sites().edges_into(reader)];
        let kept = shares.iter().map(|m| T::from_f64(*m)).collect();
        let filled = shares.iter().map(|m| T::from_f64(1.0 - m)).collect();
        for (shares, of) in [(kept, &self.changes), (filled, &self.part.differences)] {
            let shares: Array2<T> = Array1::from_vec(shares).insert_axis(Axis(0));
            let length = input.len();
            if let Ok(target) = input.view_mut().into_shape_with_order((1, length)) {
                matmul_into(target, shares.view(), of.of_first(before, rows), true);
            }
        }
        input
    }

    /// The same in the clean run.
    fn clean_input(&self, reader: usize, rows: Rows) -> Array2<T> {
        let (sites, clean) = (self.sites(), &self.part.clean);
        let layer = sites.layer_of_reader(reader);
        if reader == sites.logits_reader() {
            clean.end.stream.clone()
        } else if reader == sites.mlp_reader(layer) {
            clean.mlp[layer].stream.clone()
        } else if rows == Rows::Readings {
            let answers = &self.part.batch.answers;
            answers.rows_of(&clean.attention[layer].stream)
        } else {
            clean.attention[layer].stream.clone()
        }
    }

    /// The gradient at every edge's share, given that at the outputs,
    /// `[readings, outputs]`.
    pub fn backward(&self, at_outputs: ArrayView2<'_, T>) -> Vec<f64> {
        let (model, sites) = (self.model(), self.sites());
        let mut back = Back {
            run: self,
            at_written: self.part.differences.zeros(),
            gradient: vec![0.0; sites.edge_count()],
        };
        let at_end = model.end_backward(&self.end, at_outputs);
        back.reader(sites.logits_reader(), &at_end);
        for layer in (0..sites.layers()).rev() {
            let at = back.at_writer(sites.mlp_writer(layer));
            let at = model.mlp_half_backward(layer, &self.mlps[layer], at.view());
            back.reader(sites.mlp_reader(layer), &at);
            back.attention(layer);
        }
        back.gradient
    }
}

/// A backward pass under way.
struct Back<'r, 'e, 'm, T> {
    run: &'r Mixed<'e, 'm, T>,
    /// Gradients at what writers write.
    at_written: Differences<T>,
    gradient: Vec<f64>,
}

impl<T: Scalar> Back<'_, '_, '_, T> {
    /// Takes the gradient at a reader's input, `[rows, d]`.
    fn reader(&mut self, reader: usize, at: &Array2<T>) {
        let sites = self.run.sites();
        let rows = rows_of(sites, reader);
        let edges = sites.edges_into(reader);
        let Ok(at) = at.view().into_shape_with_order((1, at.len())) else {
            return;
        };
        let current = self.run.changes.of_first(edges.len(), rows);
        let filled = self.run.part.differences.of_first(edges.len(), rows);
        let current = products(at, current);
        let filled = products(at, filled);
        for (writer, edge) in edges.clone().enumerate() {
            self.gradient[edge] += current[[0, writer]] - filled[[0, writer]];
        }
        let shares: Array2<T> = self.run.shares[edges.clone()]
            .iter()
            .map(|m| T::from_f64(*m))
            .collect::<Array1<T>>()
            .insert_axis(Axis(1));
        let written = self.at_written.of_first_mut(edges.len(), rows);
        matmul_into(written, shares.view(), at, true);
    }

    /// The gradient at what a writer writes, with the rows that it writes.
    fn at_writer(&self, writer: usize) -> Array2<T> {
        let readings = self.at_written.of(writer, Rows::Readings);
        if !self.at_written.is_early(writer) {
            return readings.to_owned();
        }
        let mut everywhere = self.at_written.of(writer, Rows::Everywhere).to_owned();
        let answers = &self.run.part.batch.answers;
        answers.add_rows(readings, &mut everywhere);
        everywhere
    }

    fn attention(&mut self, layer: usize) {
        let (model, sites) = (self.run.model(), self.run.sites());
        let Heads { normed, attended } = &self.run.heads[layer];
        let mut at_held = Array2::zeros(attended.held.raw_dim());
        for head in 0..sites.heads() {
            let at = self.at_writer(sites.first_head(layer) + head);
            let out = model.blocks[layer].head_out(model.heads, head);
            let target = at_held.slice_mut(s![.., columns(model, Letter::Q, head)]);
            matmul_into(target, at.view(), out.t(), false);
        }
        let pass = &self.run.part.clean;
        let (queries, keys_values) = model.attend_all_backward(pass, layer, attended, &at_held);
        for (index, letter) in Letter::ALL.into_iter().enumerate() {
            let source = match letter {
                Letter::Q => &queries,
                Letter::K | Letter::V => &keys_values,
            };
            for head in 0..sites.heads() {
                let at = source.slice(s![.., columns(model, letter, head)]);
                let normed = normed[index * sites.heads() + head].as_ref();
                let at = model.read_head_backward(layer, letter, head, normed, at);
                self.reader(sites.head_reader(layer, letter, head), &at);
            }
        }
    }
}

/// Where a head's numbers stand among the queries, or among keys and values.
fn columns<T: Scalar>(model: &Transformer<T>, letter: Letter, head: usize) -> Range<usize> {
    let from = head * model.heads.width;
    let from = match letter {
        Letter::Q | Letter::K => from,
        Letter::V => model.heads.total() + from,
    };
    from..from + model.heads.width
}
