//! Sites and edges of a transformer at the granularity of weights.
//!
//! Sites are channels, layer by layer in the order of computation; edges are the
//! entries of the linear layers, numbered reader by reader.
//!
//! | name | site |
//! |---|---|
//! | `x{i}` | number i of a position; none where inputs are tokens |
//! | `r{n}.{i}` | channel i of the residual stream after n sublayers: `r0` before block 0, `r1` between its heads and its MLP (not where they are parallel), `r2` before block 1 |
//! | `b{l}.q{i}`, `b{l}.k{i}`, `b{l}.v{i}` | a query, key or value of block l, head by head |
//! | `b{l}.o{i}` | what attention has gathered of value i |
//! | `b{l}.g{i}` | a gate of the MLP, before its activation |
//! | `b{l}.h{i}` | a hidden neuron of the MLP |
//! | `b{l}.a{i}`, `b{l}.m{i}` | what heads and MLP write, where a norm stands between it and the stream |
//! | `y{i}` | an output |

use std::ops::Range;

use super::{Attention, Embedding, Letter, Matrix, Transformer};
use crate::numeric::Scalar;

/// A layer of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The numbers of a position.
    Input,
    /// The residual stream after so many halves of blocks.
    Stream(usize),
    /// Queries, keys or values of all heads of a block.
    Projection(usize, Letter),
    /// What the heads of a block hold.
    Held(usize),
    /// The gates of a block, before their activation, where it has some.
    Gate(usize),
    /// The hidden neurons of a block.
    Hidden(usize),
    /// What a sublayer writes, before the norm between it and the stream.
    Written(usize),
    /// The outputs.
    Output,
}

/// One linear layer between two layers of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The linear layer.
    pub matrix: Matrix,
    /// The layer of channels that it reads.
    pub from: usize,
    /// The layer of channels that it writes to.
    pub to: usize,
    /// Its first edge.
    pub first: usize,
    /// How many channels it reads.
    pub inputs: usize,
    /// How many it writes to.
    pub outputs: usize,
}

/// The sites and edges of a transformer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels {
    /// Each layer with its first site.
    layers: Vec<(Channel, usize)>,
    sites: usize,
    spans: Vec<Span>,
    /// Between layers, besides edges.
    ties: Vec<(Channel, Channel, Tie)>,
}

impl<T: Scalar> Transformer<T> {
    /// The layer of channels that a linear layer reads and the one it writes to.
    #[must_use]
    pub fn between(&self, matrix: Matrix) -> (Channel, Channel) {
        let written = |layer: usize, sublayer: usize| match self.normalises(sublayer) {
            true => Channel::Written(sublayer),
            false => Channel::Stream(self.stream_after(layer, sublayer)),
        };
        let read = |layer: usize| match self.blocks[layer].is_parallel() {
            true => Channel::Stream(2 * layer),
            false => Channel::Stream(2 * layer + 1),
        };
        match matrix {
            Matrix::Input => (Channel::Input, Channel::Stream(0)),
            Matrix::Projection { layer, letter } => (
                Channel::Stream(2 * layer),
                Channel::Projection(layer, letter),
            ),
            Matrix::Out(layer) => (Channel::Held(layer), written(layer, 2 * layer)),
            Matrix::Up(layer) => (read(layer), Channel::Hidden(layer)),
            Matrix::Gate(layer) => (read(layer), Channel::Gate(layer)),
            Matrix::Down(layer) => (Channel::Hidden(layer), written(layer, 2 * layer + 1)),
            Matrix::Unembedding => (Channel::Stream(2 * self.blocks.len()), Channel::Output),
        }
    }

    /// Whether a norm stands between what a sublayer writes and the stream.
    fn normalises(&self, sublayer: usize) -> bool {
        self.norm_after(sublayer).is_some() || self.norm_of_sum(sublayer).is_some()
    }

    /// The stream that a sublayer adds to: between heads and MLP there is one
    /// where the MLP reads it.
    fn stream_after(&self, layer: usize, sublayer: usize) -> usize {
        let block = &self.blocks[layer];
        match block.mlp.is_some() && !block.is_parallel() {
            true => sublayer + 1,
            false => 2 * layer + 2,
        }
    }

    /// What carries values on besides edges, between layers of channels.
    fn ties(&self) -> Vec<(Channel, Channel, Tie)> {
        let mut ties = Vec::new();
        for (layer, block) in self.blocks.iter().enumerate() {
            let attention = &block.attention;
            for letter in Letter::ALL {
                let from = Channel::Projection(layer, letter);
                ties.push((from, Channel::Held(layer), attention.tie(letter)));
            }
            if block.mlp.as_ref().is_some_and(|mlp| mlp.gate.is_some()) {
                ties.push((Channel::Gate(layer), Channel::Hidden(layer), Tie::Same));
            }
            let sublayers = 2 * layer..2 * layer + 1 + usize::from(block.mlp.is_some());
            let mut before = 2 * layer;
            for sublayer in sublayers {
                let after = self.stream_after(layer, sublayer);
                if self.normalises(sublayer) {
                    ties.push((Channel::Written(sublayer), Channel::Stream(after), Tie::All));
                }
                if after > before {
                    let tie = match self.norm_of_sum(sublayer) {
                        Some(_) => Tie::All,
                        None => Tie::Same,
                    };
                    ties.push((Channel::Stream(before), Channel::Stream(after), tie));
                }
                before = after;
            }
        }
        ties
    }
}

/// Which channels of one layer carry on to which of another.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tie {
    /// Each to that of its place.
    Same,
    /// Each to all.
    All,
    /// The channels of a head or key-value head to all that so many heads of this
    /// width hold.
    Heads { share: usize, width: usize },
    /// Each value to what so many heads of this width hold of it.
    Values { share: usize, width: usize },
}

impl Tie {
    /// The places to which one carries on, of `to` places.
    fn of(&self, place: usize, to: usize) -> Vec<usize> {
        match *self {
            Self::Same => vec![place],
            Self::All => (0..to).collect(),
            Self::Heads { share, width } => {
                let first = place / width * share * width;
                (first..first + share * width).collect()
            }
            Self::Values { share, width } => {
                let first = place / width * share * width + place % width;
                (0..share).map(|head| first + head * width).collect()
            }
        }
    }
}

impl<T: Scalar> Attention<T> {
    fn tie(&self, letter: Letter) -> Tie {
        let width = self.heads.width;
        let share = self.heads.count / self.heads.of_letter(letter);
        match letter {
            Letter::V => Tie::Values { share, width },
            _ if self.spans_heads(letter) => Tie::All,
            _ => Tie::Heads { share, width },
        }
    }
}

impl Channels {
    /// Those of a transformer.
    #[must_use]
    pub fn new<T: Scalar>(model: &Transformer<T>) -> Self {
        let mut channels = Self {
            layers: Vec::new(),
            sites: 0,
            spans: Vec::new(),
            ties: model.ties(),
        };
        channels.add_layers(model);
        let mut matrices = model.matrices();
        matrices.retain(|matrix| *matrix != Matrix::Unembedding);
        matrices.push(Matrix::Unembedding);
        let mut first = 0;
        for matrix in matrices {
            let (from, to) = model.between(matrix);
            let (inputs, outputs) = model.weight(matrix).dim();
            let span = Span {
                matrix,
                from: channels.layer(from),
                to: channels.layer(to),
                first,
                inputs,
                outputs,
            };
            first += inputs * outputs;
            channels.spans.push(span);
        }
        channels
    }

    fn add_layers<T: Scalar>(&mut self, model: &Transformer<T>) {
        let d = model.width();
        if let Embedding::Values { weight, .. } = &model.embedding {
            self.add(Channel::Input, weight.nrows());
        }
        self.add(Channel::Stream(0), d);
        for (layer, block) in model.blocks.iter().enumerate() {
            let (heads, mut next) = (&block.attention.heads, 2 * layer + 1);
            for letter in Letter::ALL {
                let width = heads.of_letter(letter) * heads.width;
                self.add(Channel::Projection(layer, letter), width);
            }
            self.add(Channel::Held(layer), heads.total());
            for sublayer in [2 * layer, 2 * layer + 1] {
                let is_mlp = sublayer % 2 == 1;
                if is_mlp && block.mlp.is_some() {
                    if block.mlp.as_ref().is_some_and(|mlp| mlp.gate.is_some()) {
                        self.add(Channel::Gate(layer), block.hidden());
                    }
                    self.add(Channel::Hidden(layer), block.hidden());
                }
                if model.normalises(sublayer) {
                    self.add(Channel::Written(sublayer), d);
                }
                if is_mlp || model.stream_after(layer, sublayer) == next {
                    next = 2 * layer + 1 + usize::from(is_mlp);
                    self.add(Channel::Stream(next), d);
                }
            }
        }
        self.add(Channel::Output, model.outputs());
    }

    fn add(&mut self, channel: Channel, width: usize) {
        self.layers.push((channel, self.sites));
        self.sites += width;
    }

    /// The place of a layer among the layers; the number of layers for one that
    /// there is not.
    #[must_use]
    pub fn layer(&self, channel: Channel) -> usize {
        let found = self.layers.iter().position(|(c, _)| *c == channel);
        found.unwrap_or(self.layers.len())
    }

    /// Number of sites.
    #[must_use]
    pub fn site_count(&self) -> usize {
        self.sites
    }

    /// Number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.spans
            .last()
            .map_or(0, |s| s.first + s.inputs * s.outputs)
    }

    /// The linear layers, in the order of computation.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The sites of a layer, by number; none for a layer that there is not.
    #[must_use]
    pub fn sites_of(&self, layer: usize) -> Range<usize> {
        let first = |layer: usize| {
            self.layers
                .get(layer)
                .map_or(self.sites, |(_, first)| *first)
        };
        first(layer)..first(layer + 1)
    }

    /// The linear layer of an edge (its place among the spans), and the
    /// positions of writer and reader in their layers.
    #[must_use]
    pub fn edge_at(&self, edge: usize) -> (usize, usize, usize) {
        let span = self.spans.partition_point(|s| s.first <= edge) - 1;
        let inside = edge - self.spans[span].first;
        let inputs = self.spans[span].inputs;
        (span, inside % inputs, inside / inputs)
    }

    /// Writer and reader of an edge.
    #[must_use]
    pub fn ends(&self, edge: usize) -> (usize, usize) {
        let (span, from, to) = self.edge_at(edge);
        let span = self.spans[span];
        (
            self.sites_of(span.from).start + from,
            self.sites_of(span.to).start + to,
        )
    }

    /// The edges into every reader of a linear layer.
    pub fn readers(span: Span) -> impl DoubleEndedIterator<Item = Range<usize>> {
        (0..span.outputs).map(move |to| {
            let first = span.first + to * span.inputs;
            first..first + span.inputs
        })
    }

    /// What carries values on besides edges, as pairs of sites: the residual
    /// stream past every sublayer; norms within it, from each channel to all;
    /// attention, from the queries and keys of a head to all that it holds and
    /// from each value to what is held of it; gates.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, usize)> {
        let mut links = Vec::new();
        for (from, to, tie) in &self.ties {
            let (from, to) = (self.layer(*from), self.layer(*to));
            let (from, to) = (self.sites_of(from), self.sites_of(to));
            for (place, site) in from.enumerate() {
                let reached = tie.of(place, to.len()).into_iter();
                links.extend(reached.map(|place| (site, to.start + place)));
            }
        }
        links
    }

    /// The name of a site.
    #[must_use]
    pub fn name(&self, site: usize) -> String {
        let layer = self.layers.partition_point(|(_, first)| *first <= site) - 1;
        let (channel, first) = self.layers[layer];
        let i = site - first;
        match channel {
            Channel::Input => format!("x{i}"),
            Channel::Stream(halves) => format!("r{halves}.{i}"),
            Channel::Projection(l, letter) => {
                format!("b{l}.{}{i}", ["q", "k", "v"][letter as usize])
            }
            Channel::Held(l) => format!("b{l}.o{i}"),
            Channel::Gate(l) => format!("b{l}.g{i}"),
            Channel::Hidden(l) => format!("b{l}.h{i}"),
            Channel::Written(sublayer) => {
                format!("b{}.{}{i}", sublayer / 2, ["a", "m"][sublayer % 2])
            }
            Channel::Output => format!("y{i}"),
        }
    }
}
