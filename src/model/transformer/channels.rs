//! Sites and edges of a transformer at the granularity of weights.
//!
//! Sites are channels, layer by layer in the order of computation; edges are the
//! entries of the linear layers, numbered reader by reader.
//!
//! | name | site |
//! |---|---|
//! | `x{i}` | number i of a position; none where inputs are tokens |
//! | `r{n}.{i}` | channel i of the residual stream after n halves: `r0` before block 0, `r1` between its attention and its MLP, `r2` before block 1 |
//! | `b{l}.q{i}`, `b{l}.k{i}`, `b{l}.v{i}` | a query, key or value of block l, head by head |
//! | `b{l}.o{i}` | what attention has gathered of value i |
//! | `b{l}.h{i}` | a hidden neuron of the MLP |
//! | `y{i}` | an output |

use std::ops::Range;

use super::{Embedding, Letter, Matrix, Transformer};
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
    /// The hidden neurons of a block.
    Hidden(usize),
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
    head_width: usize,
}

impl Matrix {
    /// The layer of channels it reads and the one it writes to, of a network of
    /// so many blocks.
    #[must_use]
    pub fn between(self, blocks: usize) -> (Channel, Channel) {
        match self {
            Self::Input => (Channel::Input, Channel::Stream(0)),
            Self::Projection { layer, letter } => (
                Channel::Stream(2 * layer),
                Channel::Projection(layer, letter),
            ),
            Self::Out(layer) => (Channel::Held(layer), Channel::Stream(2 * layer + 1)),
            Self::Up(layer) => (Channel::Stream(2 * layer + 1), Channel::Hidden(layer)),
            Self::Down(layer) => (Channel::Hidden(layer), Channel::Stream(2 * layer + 2)),
            Self::Unembedding => (Channel::Stream(2 * blocks), Channel::Output),
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
            head_width: model.heads.width,
        };
        let (d, total) = (model.width(), model.heads.total());
        if let Embedding::Values { weight, .. } = &model.embedding {
            channels.add(Channel::Input, weight.nrows());
        }
        channels.add(Channel::Stream(0), d);
        for (layer, block) in model.blocks.iter().enumerate() {
            for letter in Letter::ALL {
                channels.add(Channel::Projection(layer, letter), total);
            }
            channels.add(Channel::Held(layer), total);
            channels.add(Channel::Stream(2 * layer + 1), d);
            channels.add(Channel::Hidden(layer), block.up_bias.len());
            channels.add(Channel::Stream(2 * layer + 2), d);
        }
        channels.add(Channel::Output, model.outputs());
        let mut matrices = model.matrices();
        matrices.retain(|matrix| *matrix != Matrix::Unembedding);
        matrices.push(Matrix::Unembedding);
        let mut first = 0;
        for matrix in matrices {
            let (from, to) = matrix.between(model.blocks.len());
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
    /// stream past every half, and attention, from the queries and keys of a
    /// head to all that it holds and from each value to what is held of it.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, usize)> {
        let mut links = Vec::new();
        for (channel, _) in &self.layers {
            match channel {
                Channel::Stream(halves) => {
                    let from = self.sites_of(self.layer(*channel));
                    let to = self.sites_of(self.layer(Channel::Stream(halves + 1)));
                    links.extend(from.zip(to));
                }
                Channel::Projection(layer, letter) => {
                    let from = self.sites_of(self.layer(*channel));
                    let to = self.sites_of(self.layer(Channel::Held(*layer)));
                    links.extend(self.attended(*letter, from, to));
                }
                _ => {}
            }
        }
        links
    }

    fn attended(
        &self,
        letter: Letter,
        from: Range<usize>,
        to: Range<usize>,
    ) -> Vec<(usize, usize)> {
        let (first, held) = (from.start, to.start);
        let readers = |site: usize| match letter {
            Letter::V => site - first..site - first + 1,
            _ => {
                let head = (site - first) / self.head_width * self.head_width;
                head..head + self.head_width
            }
        };
        from.flat_map(|site| readers(site).map(move |c| (site, held + c)))
            .collect()
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
            Channel::Hidden(l) => format!("b{l}.h{i}"),
            Channel::Output => format!("y{i}"),
        }
    }
}
