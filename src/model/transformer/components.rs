//! Sites and edges of a transformer at the granularity of components.
//!
//! Writers and readers are numbered in the order of computation, so that the
//! writers before a reader are the first so many; edges are numbered reader by
//! reader. Names are those of EAP-IG's graph.

use std::ops::Range;

/// Which of a head's three inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Letter {
    /// Queries.
    Q,
    /// Keys.
    K,
    /// Values.
    V,
}

/// A site that adds to the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writer {
    /// Token and position embedding together.
    Input,
    /// The token embedding alone.
    TokenEmbedding,
    /// The position embedding alone.
    PositionEmbedding,
    /// A head, through its rows of the output matrix.
    Head {
        /// From 0.
        layer: usize,
        /// From 0.
        head: usize,
    },
    /// An MLP.
    Mlp {
        /// From 0.
        layer: usize,
    },
}

/// A site that reads the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// One input of a head.
    Head {
        /// From 0.
        layer: usize,
        /// From 0.
        head: usize,
        /// Which input.
        letter: Letter,
    },
    /// An MLP.
    Mlp {
        /// From 0.
        layer: usize,
    },
    /// The unembedding, with the norm before it.
    Logits,
}

/// The sites and edges of a transformer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Components {
    layers: usize,
    heads: usize,
    split_input: bool,
    /// Where edges are told apart by position.
    positions: Option<Positions>,
    /// Edges before each reader.
    offsets: Vec<usize>,
}

/// The positions of samples that are aligned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Positions {
    /// Of a sample.
    length: usize,
    /// Those at which answers are read.
    read: Vec<usize>,
}

impl Letter {
    /// In the order of the fused projection.
    pub const ALL: [Self; 3] = [Self::Q, Self::K, Self::V];
}

impl Components {
    /// Of a transformer with `layers` blocks of `heads` heads and an MLP each;
    /// `split_input` tells the token embedding from the position embedding.
    ///
    /// ```
    /// use modscope::model::transformer::Components;
    /// let graph = Components::new(3, 4, false);
    /// assert_eq!(graph.edge_count(), 262);
    /// assert_eq!(graph.edge_name(0), "input->a0.h0<q>");
    /// ```
    #[must_use]
    pub fn new(layers: usize, heads: usize, split_input: bool) -> Self {
        let graph = Self {
            layers,
            heads,
            split_input,
            positions: None,
            offsets: Vec::new(),
        };
        graph.numbered()
    }

    /// These components with every edge told apart by the position at which its reader
    /// reads, of samples `length` long whose answers are read at `read`.
    ///
    /// ```
    /// use modscope::model::transformer::Components;
    /// let graph = Components::new(1, 1, false).at_positions(3, vec![2]);
    /// // Keys and values at three positions, all else where the answer is read.
    /// assert_eq!(graph.edge_count(), 1 + 3 + 3 + 2 + 3);
    /// assert_eq!(graph.edge_name(0), "input->a0.h0<q>@2");
    /// assert_eq!(graph.edge_name(2), "input->a0.h0<k>@1");
    /// ```
    #[must_use]
    pub fn at_positions(mut self, length: usize, read: Vec<usize>) -> Self {
        self.positions = Some(Positions { length, read });
        self.numbered()
    }

    fn numbered(mut self) -> Self {
        self.offsets = vec![0];
        for reader in 0..self.reader_count() {
            let edges = self.writers_before(reader) * self.positions_of(reader);
            self.offsets.push(self.offsets[reader] + edges);
        }
        self
    }

    /// How many edges lead from a writer to a reader: one, or one for each
    /// position at which it reads.
    #[must_use]
    pub fn positions_of(&self, reader: usize) -> usize {
        self.positions
            .as_ref()
            .map_or(1, |positions| match self.reads_answers_only(reader) {
                true => positions.read.len(),
                false => positions.length,
            })
    }

    /// Whether a reader reads only where answers are read: the last block's
    /// queries and MLP, and the logits.
    #[must_use]
    pub fn reads_answers_only(&self, reader: usize) -> bool {
        match self.reader_at(reader) {
            Reader::Logits => true,
            Reader::Mlp { layer } => layer + 1 == self.layers,
            Reader::Head { layer, letter, .. } => layer + 1 == self.layers && letter == Letter::Q,
        }
    }

    /// Number of blocks.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Heads per block.
    #[must_use]
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Writers of the input: 1, or 2 where it is split.
    #[must_use]
    pub fn inputs(&self) -> usize {
        1 + usize::from(self.split_input)
    }

    /// Number of writers.
    #[must_use]
    pub fn writer_count(&self) -> usize {
        self.inputs() + self.layers * (self.heads + 1)
    }

    /// Number of readers.
    #[must_use]
    pub fn reader_count(&self) -> usize {
        self.layers * self.readers_per_layer() + 1
    }

    fn readers_per_layer(&self) -> usize {
        3 * self.heads + 1
    }

    /// Number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.offsets[self.reader_count()]
    }

    /// How many writers come before a reader; they are the first ones.
    #[must_use]
    pub fn writers_before(&self, reader: usize) -> usize {
        match self.reader_at(reader) {
            Reader::Head { layer, .. } => self.first_head(layer),
            Reader::Mlp { layer } => self.first_head(layer) + self.heads,
            Reader::Logits => self.writer_count(),
        }
    }

    /// The number of the first head of a layer; of the end after the last layer.
    #[must_use]
    pub fn first_head(&self, layer: usize) -> usize {
        self.inputs() + layer * (self.heads + 1)
    }

    /// The number of a layer's MLP as a writer.
    #[must_use]
    pub fn mlp_writer(&self, layer: usize) -> usize {
        self.first_head(layer) + self.heads
    }

    /// The writer with this number.
    #[must_use]
    pub fn writer_at(&self, writer: usize) -> Writer {
        let Some(place) = writer.checked_sub(self.inputs()) else {
            return match (self.split_input, writer) {
                (false, _) => Writer::Input,
                (true, 0) => Writer::TokenEmbedding,
                (true, _) => Writer::PositionEmbedding,
            };
        };
        let (layer, head) = (place / (self.heads + 1), place % (self.heads + 1));
        if head == self.heads {
            Writer::Mlp { layer }
        } else {
            Writer::Head { layer, head }
        }
    }

    /// The reader with this number: per layer all queries, all keys, all
    /// values, the MLP; the logits last.
    #[must_use]
    pub fn reader_at(&self, reader: usize) -> Reader {
        let (layer, place) = (
            reader / self.readers_per_layer(),
            reader % self.readers_per_layer(),
        );
        if layer == self.layers {
            Reader::Logits
        } else if place == 3 * self.heads {
            Reader::Mlp { layer }
        } else {
            Reader::Head {
                layer,
                head: place % self.heads,
                letter: Letter::ALL[place / self.heads],
            }
        }
    }

    /// The number of a head's input.
    #[must_use]
    pub fn head_reader(&self, layer: usize, letter: Letter, head: usize) -> usize {
        layer * self.readers_per_layer() + letter as usize * self.heads + head
    }

    /// The number of a layer's MLP as a reader.
    #[must_use]
    pub fn mlp_reader(&self, layer: usize) -> usize {
        layer * self.readers_per_layer() + 3 * self.heads
    }

    /// The number of the logits.
    #[must_use]
    pub fn logits_reader(&self) -> usize {
        self.reader_count() - 1
    }

    /// The layer of a reader; the number of layers for the logits.
    #[must_use]
    pub fn layer_of_reader(&self, reader: usize) -> usize {
        reader / self.readers_per_layer()
    }

    /// The readers of which a writer is the other half: a head's three inputs,
    /// an MLP's one, none for inputs.
    #[must_use]
    pub fn readers_of_writer(&self, writer: usize) -> Vec<usize> {
        match self.writer_at(writer) {
            Writer::Head { layer, head } => Letter::ALL
                .iter()
                .map(|letter| self.head_reader(layer, *letter, head))
                .collect(),
            Writer::Mlp { layer } => vec![self.mlp_reader(layer)],
            _ => Vec::new(),
        }
    }

    /// The writer that a reader's node is; `None` for the logits.
    #[must_use]
    pub fn writer_of_reader(&self, reader: usize) -> Option<usize> {
        match self.reader_at(reader) {
            Reader::Head { layer, head, .. } => Some(self.first_head(layer) + head),
            Reader::Mlp { layer } => Some(self.mlp_writer(layer)),
            Reader::Logits => None,
        }
    }

    /// The edges into a reader, writer by writer.
    #[must_use]
    pub fn edges_into(&self, reader: usize) -> Range<usize> {
        self.offsets[reader]..self.offsets[reader + 1]
    }

    /// The number of an edge; of the first, where it is told apart by position.
    #[must_use]
    pub fn edge(&self, writer: usize, reader: usize) -> usize {
        self.offsets[reader] + writer * self.positions_of(reader)
    }

    /// Writer and reader of an edge.
    #[must_use]
    pub fn ends(&self, edge: usize) -> (usize, usize) {
        let reader = self.offsets.partition_point(|offset| *offset <= edge) - 1;
        let place = edge - self.offsets[reader];
        (place / self.positions_of(reader), reader)
    }

    /// `a1.h0<q>`, and `a1.h0<q>@7` where edges are told apart by position.
    #[must_use]
    pub fn end_name(&self, edge: usize) -> String {
        let (writer, reader) = self.ends(edge);
        let name = self.reader_name(reader);
        let Some(positions) = &self.positions else {
            return name;
        };
        let place = edge - self.edge(writer, reader);
        match self.reads_answers_only(reader) {
            true => format!("{name}@{}", positions.read[place]),
            false => format!("{name}@{place}"),
        }
    }

    /// `input`, `embed`, `pos_embed`, `a0.h1`, `m2`.
    #[must_use]
    pub fn writer_name(&self, writer: usize) -> String {
        match self.writer_at(writer) {
            Writer::Input => "input".to_owned(),
            Writer::TokenEmbedding => "embed".to_owned(),
            Writer::PositionEmbedding => "pos_embed".to_owned(),
            Writer::Head { layer, head } => format!("a{layer}.h{head}"),
            Writer::Mlp { layer } => format!("m{layer}"),
        }
    }

    /// `a0.h1<q>`, `m2`, `logits`.
    #[must_use]
    pub fn reader_name(&self, reader: usize) -> String {
        match self.reader_at(reader) {
            Reader::Head {
                layer,
                head,
                letter,
            } => {
                let letter = ["q", "k", "v"][letter as usize];
                format!("a{layer}.h{head}<{letter}>")
            }
            Reader::Mlp { layer } => format!("m{layer}"),
            Reader::Logits => "logits".to_owned(),
        }
    }

    /// `a0.h3->m1`, `input->a0.h0<q>`.
    #[must_use]
    pub fn edge_name(&self, edge: usize) -> String {
        let (writer, _) = self.ends(edge);
        format!("{}->{}", self.writer_name(writer), self.end_name(edge))
    }

    /// The edge of this name.
    #[must_use]
    pub fn edge_named(&self, name: &str) -> Option<usize> {
        (0..self.edge_count()).find(|edge| self.edge_name(*edge) == name)
    }
}
