//! Sites and edges of a transformer at the granularity of components.
//!
//! Writers and readers are numbered in the order of computation; the writers
//! that a reader reads follow on one another. Edges are numbered reader by
//! reader. Names are those of EAP-IG's graph, with these conventions:
//!
//! - Where heads share keys and values, `a0.h1<k>` and `a0.h1<v>` are those of
//!   key-value head 1, and `a0.h1<q>` and `a0.h1` of head 1. The node of a
//!   key-value head is the first head that reads it.
//! - In a parallel block the MLP reads what the block's heads read, not the heads.
//! - Where what the heads of a block write is normalised, there is no message of
//!   one head: they are one writer, `a0`. What it and the MLP then write is what
//!   comes out of the norm.
//! - Where the stream is normalised after a sublayer, the norm is a node that
//!   reads all that is in the stream and writes all that is read after it:
//!   `a0.norm`, `m0.norm`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::Transformer;
use crate::numeric::Scalar;

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
    /// All heads of a block, through the norm of what they write.
    Heads {
        /// From 0.
        layer: usize,
    },
    /// An MLP.
    Mlp {
        /// From 0.
        layer: usize,
    },
    /// The norm of the stream after a sublayer.
    Norm {
        /// Two per block, from 0.
        sublayer: usize,
    },
}

/// A site that reads the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// One input of a head or, keys and values, of a key-value head.
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
    /// The norm of the stream after a sublayer.
    Norm {
        /// Two per block, from 0.
        sublayer: usize,
    },
    /// The unembedding, with what is before it.
    Logits,
}

/// The sites and edges of a transformer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Components {
    blocks: Vec<Shape>,
    writers: Vec<Writer>,
    readers: Vec<Reader>,
    /// Per reader, the writers that it reads.
    reads: Vec<Range<usize>>,
    writer_numbers: BTreeMap<Writer, usize>,
    reader_numbers: BTreeMap<Reader, usize>,
    /// Where edges are told apart by position.
    positions: Option<Positions>,
    /// Edges before each reader.
    offsets: Vec<usize>,
}

/// What a block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    heads: usize,
    keys: usize,
    has_mlp: bool,
    is_parallel: bool,
    /// What the heads write is normalised.
    one_writer: bool,
    /// The stream is normalised after the heads, and after the MLP.
    sums: [bool; 2],
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
    /// Of a plain transformer with `layers` blocks of `heads` heads and an MLP
    /// each; `split_input` tells the token embedding from the position embedding.
    ///
    /// ```
    /// use modscope::model::transformer::Components;
    /// let graph = Components::new(3, 4, false);
    /// assert_eq!(graph.edge_count(), 262);
    /// assert_eq!(graph.edge_name(0), "input->a0.h0<q>");
    /// ```
    #[must_use]
    pub fn new(layers: usize, heads: usize, split_input: bool) -> Self {
        let block = Shape {
            heads,
            keys: heads,
            has_mlp: true,
            is_parallel: false,
            one_writer: false,
            sums: [false; 2],
        };
        Self::of_blocks(vec![block; layers], split_input)
    }

    /// Of a transformer. What a norm or a linear layer makes of token and position embedding
    /// together is one writer, whatever `split_input` says.
    pub(super) fn of<T: Scalar>(model: &Transformer<T>, split_input: bool) -> Self {
        let shape = |(layer, block): (usize, &Arc<super::Block<T>>)| Shape {
            heads: block.attention.heads.count,
            keys: block.attention.heads.keys,
            has_mlp: block.mlp.is_some(),
            is_parallel: block.is_parallel(),
            one_writer: block.attention.norms.after.is_some(),
            sums: [0, 1].map(|of| model.norm_of_sum(2 * layer + of).is_some()),
        };
        let blocks = model.blocks.iter().enumerate().map(shape).collect();
        Self::of_blocks(blocks, split_input && model.embeds_apart())
    }

    fn of_blocks(blocks: Vec<Shape>, split_input: bool) -> Self {
        let mut table = Table {
            writers: match split_input {
                true => vec![Writer::TokenEmbedding, Writer::PositionEmbedding],
                false => vec![Writer::Input],
            },
            ..Table::default()
        };
        for (layer, block) in blocks.iter().enumerate() {
            table.block(layer, *block);
        }
        table.read(Reader::Logits, table.stream());
        let number = |(number, site)| (site, number);
        let result = Self {
            writer_numbers: table
                .writers
                .iter()
                .copied()
                .enumerate()
                .map(number)
                .collect(),
            reader_numbers: table
                .readers
                .iter()
                .copied()
                .enumerate()
                .map(|(n, r)| (r, n))
                .collect(),
            blocks,
            writers: table.writers,
            readers: table.readers,
            reads: table.reads,
            positions: None,
            offsets: Vec::new(),
        };
        result.numbered()
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
            let edges = self.writers_of(reader).len() * self.positions_of(reader);
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
    /// queries, all that comes after them, and the logits.
    #[must_use]
    pub fn reads_answers_only(&self, reader: usize) -> bool {
        let last = |layer: usize| layer + 1 == self.layers();
        match self.reader_at(reader) {
            Reader::Logits => true,
            Reader::Mlp { layer } => last(layer),
            Reader::Norm { sublayer } => last(sublayer / 2),
            Reader::Head { layer, letter, .. } => last(layer) && letter == Letter::Q,
        }
    }

    /// Whether a writer writes only where answers are read: those of the last block.
    #[must_use]
    pub fn writes_answers_only(&self, writer: usize) -> bool {
        let last = |layer: usize| layer + 1 == self.layers();
        match self.writer_at(writer) {
            Writer::Input | Writer::TokenEmbedding | Writer::PositionEmbedding => false,
            Writer::Head { layer, .. } | Writer::Heads { layer } | Writer::Mlp { layer } => {
                last(layer)
            }
            Writer::Norm { sublayer } => last(sublayer / 2),
        }
    }

    /// Number of blocks.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.blocks.len()
    }

    /// Heads of a block.
    #[must_use]
    pub fn heads_of(&self, layer: usize) -> usize {
        self.blocks[layer].heads
    }

    /// Heads and key-value heads that have a letter of their own.
    #[must_use]
    pub fn of_letter(&self, layer: usize, letter: Letter) -> usize {
        match letter {
            Letter::Q => self.blocks[layer].heads,
            Letter::K | Letter::V => self.blocks[layer].keys,
        }
    }

    /// Writers of the input: 1, or 2 where it is split.
    #[must_use]
    pub fn inputs(&self) -> usize {
        match self.writers.first() {
            Some(Writer::TokenEmbedding) => 2,
            _ => 1,
        }
    }

    /// Number of writers.
    #[must_use]
    pub fn writer_count(&self) -> usize {
        self.writers.len()
    }

    /// Number of readers.
    #[must_use]
    pub fn reader_count(&self) -> usize {
        self.readers.len()
    }

    /// Number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.offsets[self.reader_count()]
    }

    /// The writers that a reader reads.
    #[must_use]
    pub fn writers_of(&self, reader: usize) -> Range<usize> {
        self.reads[reader].clone()
    }

    /// The writers of a block's heads: each, or all as one.
    #[must_use]
    pub fn head_writers(&self, layer: usize) -> Range<usize> {
        let block = &self.blocks[layer];
        let (first, count) = match block.one_writer {
            true => (Writer::Heads { layer }, 1),
            false => (Writer::Head { layer, head: 0 }, block.heads),
        };
        let first = self.writer(first);
        first..first + count
    }

    /// The number of a writer.
    ///
    /// # Panics
    /// If there is no such writer.
    #[must_use]
    pub fn writer(&self, writer: Writer) -> usize {
        match self.writer_numbers.get(&writer) {
            Some(number) => *number,
            None => unreachable!("{writer:?} is none of the network's writers"),
        }
    }

    /// The number of a reader.
    ///
    /// # Panics
    /// If there is no such reader.
    #[must_use]
    pub fn reader(&self, reader: Reader) -> usize {
        match self.reader_numbers.get(&reader) {
            Some(number) => *number,
            None => unreachable!("{reader:?} is none of the network's readers"),
        }
    }

    /// The writer with this number.
    #[must_use]
    pub fn writer_at(&self, writer: usize) -> Writer {
        self.writers[writer]
    }

    /// The reader with this number: per block all queries, all keys, all
    /// values, the MLP; the logits last.
    #[must_use]
    pub fn reader_at(&self, reader: usize) -> Reader {
        self.readers[reader]
    }

    /// The number of a head's or key-value head's input.
    #[must_use]
    pub fn head_reader(&self, layer: usize, letter: Letter, head: usize) -> usize {
        self.reader(Reader::Head {
            layer,
            head,
            letter,
        })
    }

    /// The number of the logits.
    #[must_use]
    pub fn logits_reader(&self) -> usize {
        self.reader_count() - 1
    }

    /// The sublayer of a reader; two per block, and the end.
    #[must_use]
    pub fn sublayer_of_reader(&self, reader: usize) -> usize {
        match self.reader_at(reader) {
            Reader::Head { layer, .. } => 2 * layer,
            Reader::Mlp { layer } => 2 * layer + 1,
            Reader::Norm { sublayer } => sublayer,
            Reader::Logits => 2 * self.layers(),
        }
    }

    /// The writer that a reader's node is; `None` for the logits.
    #[must_use]
    pub fn writer_of_reader(&self, reader: usize) -> Option<usize> {
        let writer = match self.reader_at(reader) {
            Reader::Head { layer, .. } if self.blocks[layer].one_writer => Writer::Heads { layer },
            Reader::Head {
                layer,
                head,
                letter,
            } => {
                let share = self.heads_of(layer) / self.of_letter(layer, letter);
                let head = head * share;
                Writer::Head { layer, head }
            }
            Reader::Mlp { layer } => Writer::Mlp { layer },
            Reader::Norm { sublayer } => Writer::Norm { sublayer },
            Reader::Logits => return None,
        };
        Some(self.writer(writer))
    }

    /// The writers that take part of what a reader reads further: one, or all heads that
    /// read a key-value head; none for the logits.
    #[must_use]
    pub fn nodes_of(&self, reader: usize) -> Range<usize> {
        let Some(first) = self.writer_of_reader(reader) else {
            return 0..0;
        };
        match self.reader_at(reader) {
            Reader::Head { layer, letter, .. } if !self.blocks[layer].one_writer => {
                first..first + self.heads_of(layer) / self.of_letter(layer, letter)
            }
            _ => first..first + 1,
        }
    }

    /// What carries values on besides edges: from the node of a key-value head to
    /// the other heads that read it.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, usize)> {
        let mut links = Vec::new();
        let apart = |(_, block): &(usize, &Shape)| !block.one_writer;
        for (layer, block) in self.blocks.iter().enumerate().filter(apart) {
            let share = block.heads / block.keys;
            let of = |head| self.writer(Writer::Head { layer, head });
            let others = (0..block.heads).filter(|head| head % share > 0);
            links.extend(others.map(|head| (of(head / share * share), of(head))));
        }
        links
    }

    /// The edges into a reader, writer by writer.
    #[must_use]
    pub fn edges_into(&self, reader: usize) -> Range<usize> {
        self.offsets[reader]..self.offsets[reader + 1]
    }

    /// The number of an edge; of the first, where it is told apart by position.
    #[must_use]
    pub fn edge(&self, writer: usize, reader: usize) -> usize {
        let place = writer - self.reads[reader].start;
        self.offsets[reader] + place * self.positions_of(reader)
    }

    /// Writer and reader of an edge.
    #[must_use]
    pub fn ends(&self, edge: usize) -> (usize, usize) {
        let reader = self.offsets.partition_point(|offset| *offset <= edge) - 1;
        let place = edge - self.offsets[reader];
        let writer = self.reads[reader].start + place / self.positions_of(reader);
        (writer, reader)
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

    /// `input`, `embed`, `pos_embed`, `a0.h1`, `a0`, `m2`, `m2.norm`.
    #[must_use]
    pub fn writer_name(&self, writer: usize) -> String {
        match self.writer_at(writer) {
            Writer::Input => "input".to_owned(),
            Writer::TokenEmbedding => "embed".to_owned(),
            Writer::PositionEmbedding => "pos_embed".to_owned(),
            Writer::Head { layer, head } => format!("a{layer}.h{head}"),
            Writer::Heads { layer } => format!("a{layer}"),
            Writer::Mlp { layer } => format!("m{layer}"),
            Writer::Norm { sublayer } => norm_name(sublayer),
        }
    }

    /// `a0.h1<q>`, `m2`, `m2.norm`, `logits`.
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
            Reader::Norm { sublayer } => norm_name(sublayer),
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

fn norm_name(sublayer: usize) -> String {
    let of = ["a", "m"][sublayer % 2];
    format!("{of}{}.norm", sublayer / 2)
}

/// Sites as they are put together, block by block.
#[derive(Default)]
struct Table {
    writers: Vec<Writer>,
    readers: Vec<Reader>,
    reads: Vec<Range<usize>>,
    /// The first writer whose message is in the stream by itself.
    first: usize,
}

impl Table {
    /// The writers in the stream.
    fn stream(&self) -> Range<usize> {
        self.first..self.writers.len()
    }

    fn read(&mut self, reader: Reader, writers: Range<usize>) {
        self.readers.push(reader);
        self.reads.push(writers);
    }

    fn block(&mut self, layer: usize, block: Shape) {
        let before = self.stream();
        for letter in Letter::ALL {
            let heads = if letter == Letter::Q {
                block.heads
            } else {
                block.keys
            };
            for head in 0..heads {
                self.read(
                    Reader::Head {
                        layer,
                        head,
                        letter,
                    },
                    before.clone(),
                );
            }
        }
        match block.one_writer {
            true => self.writers.push(Writer::Heads { layer }),
            false => {
                let heads = (0..block.heads).map(|head| Writer::Head { layer, head });
                self.writers.extend(heads);
            }
        }
        self.norm(2 * layer, block.sums[0]);
        if block.has_mlp {
            let read = if block.is_parallel {
                before
            } else {
                self.stream()
            };
            self.read(Reader::Mlp { layer }, read);
            self.writers.push(Writer::Mlp { layer });
        }
        self.norm(2 * layer + 1, block.sums[1]);
    }

    /// The norm of the stream after a sublayer, where there is one.
    fn norm(&mut self, sublayer: usize, is_there: bool) {
        if is_there {
            self.read(Reader::Norm { sublayer }, self.stream());
            self.first = self.writers.len();
            self.writers.push(Writer::Norm { sublayer });
        }
    }
}
