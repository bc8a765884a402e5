//! A transformer with edits.
//!
//! | site | group |
//! |---|---|
//! | `input`, `embed`, `pos_embed`, `a0.h1`, `a0`, `m2`, `m2.norm` | what a writer writes into the stream |
//! | `a0.h1<q>`, `logits` | what a reader reads of the stream, before its norm |
//! | `r3`, `r3.5` | the stream after three sublayers; a channel of it |
//! | `b1.q`, `b1.q0`, `b1.k0`, `b1.v0`, `b1.o0` | queries, keys, values as they are projected; what heads hold |
//! | `b1.h`, `b1.h0` | the hidden neurons of an MLP |
//! | `x0`, `y0` | numbers of a position; outputs |

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use ndarray::{Array2, ArrayViewMut2, s};

use super::{Carrier, Editable, Ledger, Rows, Source, Spot};
use crate::Result;
use crate::model::transformer::{
    Answers, Embedding, Hooks, Letter, Matrix, Message, Reader, SequenceInputs, SequenceTrace,
    Writer, Wrote, linear, product,
};
use crate::model::{Components, Sequences, Transformer};
use crate::numeric::{Scalar, parallel};
use crate::patch::Fill;
use crate::patch::sets::check_lengths;

/// What values of a transformer are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The numbers of every position.
    Numbers,
    /// What a writer writes, `[rows, d]`.
    Writer(Writer),
    /// What a reader reads, `[rows, d]`.
    Reader(Reader),
    /// The stream after so many sublayers.
    Stream(usize),
    /// Queries, keys or values of a block, as they are projected.
    Projection(usize, Letter),
    /// What the heads of a block hold.
    Held(usize),
    /// The hidden neurons of a block.
    Hidden(usize),
    /// The outputs.
    Outputs,
}

/// A transformer on its samples.
#[derive(Debug, Clone)]
pub struct TransformerEdits<'m, T> {
    model: &'m Transformer<T>,
    batch: &'m Sequences<T>,
    parts: Vec<(Sequences<T>, SequenceTrace<T>)>,
}

impl<'m, T: Scalar> TransformerEdits<'m, T> {
    /// Runs the network as it is, part by part.
    #[must_use]
    pub fn new(model: &'m Transformer<T>, batch: &'m Sequences<T>) -> Self {
        let run = |part: Sequences<T>| {
            let trace = model.forward(&part.inputs, &part.answers, part.length());
            (part, trace)
        };
        Self {
            model,
            batch,
            parts: parallel::map(batch.parts(), run),
        }
    }

    /// The network with inputs as one writer, and, where they can be told apart, as two.
    fn graphs(&self) -> Vec<Components> {
        let one = self.model.components(false);
        let two = self.model.components(true);
        match two.inputs() {
            2 => vec![one, two],
            _ => vec![one],
        }
    }

    /// Layers of single values, by the beginning of their names.
    fn channels(&self) -> Vec<(String, Group, usize)> {
        let (model, d) = (self.model, self.model.width());
        let mut all = Vec::new();
        if let Embedding::Values { weight, .. } = &model.embedding {
            all.push(("x".to_owned(), Group::Numbers, weight.nrows()));
        }
        for (layer, block) in model.blocks.iter().enumerate() {
            let heads = &block.attention.heads;
            all.push((format!("r{}.", 2 * layer), Group::Stream(2 * layer), d));
            for (letter, name) in Letter::ALL.into_iter().zip(["q", "k", "v"]) {
                let width = heads.of_letter(letter) * heads.width;
                let group = Group::Projection(layer, letter);
                all.push((format!("b{layer}.{name}"), group, width));
            }
            all.push((format!("b{layer}.o"), Group::Held(layer), heads.total()));
            if block.mlp.is_some() {
                if !block.is_parallel() {
                    let between = 2 * layer + 1;
                    all.push((format!("r{between}."), Group::Stream(between), d));
                }
                let hidden = block.hidden();
                all.push((format!("b{layer}.h"), Group::Hidden(layer), hidden));
            }
        }
        let end = 2 * model.blocks.len();
        all.push((format!("r{end}."), Group::Stream(end), d));
        all.push(("y".to_owned(), Group::Outputs, model.outputs()));
        all
    }

    /// The first block at which anything is shown or changed.
    fn first(&self, ledger: &Ledger<'_, T, Group, Reader>) -> usize {
        let blocks = self.model.blocks.len();
        let groups = ledger.groups().map(|group| block_of(group, blocks));
        let readers = ledger
            .readers()
            .map(|reader| block_of(Group::Reader(reader), blocks));
        groups.chain(readers).min().unwrap_or(blocks)
    }
}

/// The block of a group, the number of blocks for the end.
fn block_of(group: Group, blocks: usize) -> usize {
    match group {
        Group::Numbers => 0,
        Group::Writer(writer) => match writer {
            Writer::Input | Writer::TokenEmbedding | Writer::PositionEmbedding => 0,
            Writer::Head { layer, .. } | Writer::Heads { layer } | Writer::Mlp { layer } => layer,
            Writer::Norm { sublayer } => sublayer / 2,
        },
        Group::Reader(reader) => match reader {
            Reader::Head { layer, .. } | Reader::Mlp { layer } => layer,
            Reader::Norm { sublayer } => sublayer / 2,
            Reader::Logits => blocks,
        },
        Group::Stream(sublayers) => sublayers / 2,
        Group::Projection(layer, _) | Group::Held(layer) | Group::Hidden(layer) => layer,
        Group::Outputs => blocks,
    }
}

/// The sublayer that a group belongs to as a writer or a reader of the stream.
fn sublayer_of(group: Group, blocks: usize) -> Option<usize> {
    match group {
        Group::Writer(Writer::Head { layer, .. } | Writer::Heads { layer }) => Some(2 * layer),
        Group::Writer(Writer::Mlp { layer }) | Group::Hidden(layer) => Some(2 * layer + 1),
        Group::Reader(Reader::Head { layer, .. }) => Some(2 * layer),
        Group::Reader(Reader::Mlp { layer }) => Some(2 * layer + 1),
        Group::Reader(Reader::Norm { sublayer }) => Some(sublayer),
        Group::Reader(Reader::Logits) => Some(2 * blocks),
        _ => None,
    }
}

impl<T: Scalar> Editable for TransformerEdits<'_, T> {
    type Number = T;
    type Group = Group;
    type Reader = Reader;

    fn sites(&self) -> Vec<(String, Vec<Spot<Group>>)> {
        let whole = |group, width| {
            let columns = 0..width;
            vec![Spot { group, columns }]
        };
        let d = self.model.width();
        let mut sites = BTreeMap::new();
        let mut order = Vec::new();
        let mut add = |name: String, spots: Vec<Spot<Group>>| {
            if let Entry::Vacant(place) = sites.entry(name) {
                order.push(place.key().clone());
                place.insert(spots);
            }
        };
        for graph in self.graphs() {
            for writer in 0..graph.writer_count() {
                let group = Group::Writer(graph.writer_at(writer));
                add(graph.writer_name(writer), whole(group, d));
            }
            for reader in 0..graph.reader_count() {
                let group = Group::Reader(graph.reader_at(reader));
                add(graph.reader_name(reader), whole(group, d));
            }
        }
        for (prefix, group, width) in self.channels() {
            if !matches!(group, Group::Numbers | Group::Outputs) {
                add(prefix.trim_end_matches('.').to_owned(), whole(group, width));
            }
            for column in 0..width {
                let columns = column..column + 1;
                add(format!("{prefix}{column}"), vec![Spot { group, columns }]);
            }
        }
        let found = |name: String| {
            let spots = sites.remove(&name).unwrap_or_default();
            (name, spots)
        };
        order.into_iter().map(found).collect()
    }

    fn carriers(&self, from: &str, to: &str) -> Vec<Carrier<Group, Reader>> {
        let columns = 0..self.model.width();
        let mut found = Vec::new();
        for graph in self.graphs() {
            // A head without a letter is all that it reads.
            let is_to = |reader: &usize| {
                let name = graph.reader_name(*reader);
                name == to || name.split('<').next() == Some(to)
            };
            for reader in (0..graph.reader_count()).filter(is_to) {
                for writer in graph.writers_of(reader) {
                    if graph.writer_name(writer) != from {
                        continue;
                    }
                    let group = Group::Writer(graph.writer_at(writer));
                    let carrier = Carrier {
                        from: Spot {
                            group,
                            columns: columns.clone(),
                        },
                        to: graph.reader_at(reader),
                    };
                    if !found.contains(&carrier) {
                        found.push(carrier);
                    }
                }
            }
        }
        found
    }

    /// Of a key-value head all heads that read it.
    fn writers_of(&self, name: &str) -> Vec<String> {
        let graph = self.model.components(false);
        let of_reader = |reader: usize| match graph.reader_at(reader) {
            Reader::Head {
                layer,
                head,
                letter,
            } => {
                let heads = &self.model.blocks[layer].attention.heads;
                let writers = graph.head_writers(layer);
                match writers.len() == heads.count {
                    true => heads
                        .readers_of(letter, head)
                        .map(|head| graph.writer_name(writers.start + head))
                        .collect(),
                    false => vec![graph.writer_name(writers.start)],
                }
            }
            _ => vec![name.to_owned()],
        };
        let mut readers = 0..graph.reader_count();
        let reader = readers.find(|reader| graph.reader_name(*reader) == name);
        reader.map_or_else(|| vec![name.to_owned()], of_reader)
    }

    fn length(&self) -> Option<usize> {
        Some(self.batch.length())
    }

    fn samples(&self) -> usize {
        self.batch.samples()
    }

    fn per_sample(&self) -> usize {
        self.batch.answers.readings_per_sample()
    }

    fn has_pairs(&self) -> bool {
        self.batch.corrupted.is_some()
    }

    fn allows(&self, fill: Fill) -> Result<()> {
        check_lengths(self.batch, fill)
    }

    fn parts(&self) -> usize {
        self.parts.len()
    }

    fn run(
        &self,
        part: usize,
        source: Source,
        ledger: &mut Ledger<'_, T, Group, Reader>,
    ) -> Array2<T> {
        let (batch, clean) = &self.parts[part];
        let before: usize = self.parts[..part].iter().map(|(b, _)| b.samples()).sum();
        let (inputs, clean) = match (source, &batch.corrupted) {
            (Source::Corrupted, Some(pairs)) => {
                let trace = self.model.forward(pairs, &batch.answers, batch.length());
                (pairs, Cow::Owned(trace))
            }
            _ => (&batch.inputs, Cow::Borrowed(clean)),
        };
        let first = self.first(ledger);
        let mut pass = Pass {
            model: self.model,
            clean: &clean,
            inputs,
            samples: before..before + batch.samples(),
            ledger,
            edited: None,
        };
        let mut outputs = pass.outputs(first);
        pass.show(Group::Outputs, outputs.view_mut());
        outputs.reversed_axes()
    }
}

/// A pass that resumes a clean one with edits.
struct Pass<'p, 'l, T> {
    model: &'p Transformer<T>,
    clean: &'p SequenceTrace<T>,
    inputs: &'p SequenceInputs<T>,
    samples: Range<usize>,
    ledger: &'p mut Ledger<'l, T, Group, Reader>,
    /// The numbers of every position, where they are changed.
    edited: Option<SequenceInputs<T>>,
}

/// The position of a row of a matrix with so many rows.
fn position_of<'a>(
    (everywhere, answers): (&'a Answers, &'a Answers),
    rows: usize,
) -> impl Fn(usize) -> usize + use<'a> {
    let all = rows == everywhere.len();
    move |row| {
        if answers.is_mean() && !all {
            // What is made of all positions has none of its own.
            return 0;
        }
        let of = if all { everywhere } else { answers };
        let per_sample = of.per_sample().max(1);
        of.position(row / per_sample, row % per_sample)
    }
}

impl<T: Scalar> Pass<'_, '_, T> {
    /// `[readings, outputs]`
    fn outputs(&mut self, block: usize) -> Array2<T> {
        let (model, clean) = (self.model, self.clean);
        if let (SequenceInputs::Values(numbers), true) =
            (self.inputs, self.ledger.wants(Group::Numbers))
        {
            let mut numbers = numbers.clone();
            self.show(Group::Numbers, numbers.view_mut());
            let inputs = SequenceInputs::Values(numbers);
            let embedded = model.embed(&inputs);
            self.edited = Some(inputs);
            return model.resume_embedded(clean, embedded, self).end.outputs;
        }
        model.resumed_outputs(clean, block, self)
    }

    /// Shows the ledger what a group writes.
    fn show(&mut self, group: Group, values: ArrayViewMut2<'_, T>) {
        if self.ledger.wants(group) {
            let answers = (&self.clean.everywhere, &self.clean.answers);
            let rows = Rows {
                samples: &self.samples,
                position: &position_of(answers, values.nrows()),
            };
            self.ledger.written(group, values, rows);
        }
    }

    /// What a writer writes, as the ledger has it, less what it writes; `None` where that
    /// is the same.
    fn change(&mut self, writer: Writer, values: Array2<T>) -> Option<Array2<T>> {
        let group = Group::Writer(writer);
        let edits = self.ledger.edits(group);
        let mut shown = values.clone();
        self.show(group, shown.view_mut());
        edits.then(|| shown - values)
    }

    /// The first stream, as the writers of the input have it.
    fn first_stream(&mut self, stream: &mut Array2<T>) {
        let embedded = self.edited.clone();
        let inputs = embedded.as_ref().unwrap_or(self.inputs);
        let samples = self.samples.len();
        let apart = [Writer::TokenEmbedding, Writer::PositionEmbedding];
        for writer in apart {
            if !self.ledger.wants(Group::Writer(writer)) {
                continue;
            }
            let values = match writer {
                Writer::TokenEmbedding => Some(self.model.embed(inputs)),
                _ => self
                    .model
                    .position_rows(samples, self.clean.everywhere.per_sample()),
            };
            let values = values.unwrap_or_else(|| Array2::zeros(stream.raw_dim()));
            if let Some(change) = self.change(writer, values) {
                *stream += &change;
            }
        }
        if self.ledger.wants(Group::Writer(Writer::Input)) {
            self.show(Group::Writer(Writer::Input), stream.view_mut());
        }
    }

    /// The writers of a sublayer that are shown to the ledger.
    fn writers(&self, sublayer: usize, is_one: bool) -> Vec<Writer> {
        let layer = sublayer / 2;
        let heads = self.model.blocks[layer].attention.heads.count;
        let all: Vec<Writer> = match (sublayer % 2, is_one) {
            (0, false) => (0..heads)
                .map(|head| Writer::Head { layer, head })
                .collect(),
            (0, true) => vec![Writer::Heads { layer }],
            _ => vec![Writer::Mlp { layer }],
        };
        let wanted = |writer: &Writer| self.ledger.wants(Group::Writer(*writer));
        all.into_iter().filter(wanted).collect()
    }

    /// What a writer writes of what goes into its last linear layer.
    fn message(&self, writer: Writer, wrote: &Wrote<'_, T>) -> Array2<T> {
        match (wrote.message, writer) {
            (Some(message), _) => message.clone(),
            (None, Writer::Head { layer, head }) => {
                let attention = &self.model.blocks[layer].attention;
                let columns = attention.heads.head_columns(head);
                product(
                    wrote.values.slice(s![.., columns]),
                    attention.head_out(head),
                )
            }
            (None, _) => self.whole(wrote),
        }
    }

    /// What a sublayer writes, where no norm is on it.
    fn whole(&self, wrote: &Wrote<'_, T>) -> Array2<T> {
        let layer = wrote.sublayer / 2;
        let matrix = match wrote.sublayer % 2 {
            0 => Matrix::Out(layer),
            _ => Matrix::Down(layer),
        };
        linear(
            wrote.values,
            self.model.weight(matrix),
            self.model.bias(matrix),
        )
    }

    /// Whether anything at a sublayer is shown or changed, streams aside.
    fn is_touched(&self, sublayer: usize) -> bool {
        let blocks = self.model.blocks.len();
        let here = |group: Group| sublayer_of(group, blocks) == Some(sublayer);
        self.ledger.groups().any(here) || self.ledger.readers().any(|r| here(Group::Reader(r)))
    }
}

impl<T: Scalar> Hooks<T> for Pass<'_, '_, T> {
    fn touches(&self, sublayer: usize) -> bool {
        self.is_touched(sublayer)
    }

    fn touches_heads(&self, sublayer: usize) -> bool {
        let layer = sublayer / 2;
        let mut of_letters = Letter::ALL
            .iter()
            .map(|letter| Group::Projection(layer, *letter));
        of_letters.any(|group| self.ledger.wants(group)) || self.ledger.wants(Group::Held(layer))
    }

    fn touches_stream(&self, sublayer: usize) -> bool {
        let inputs = [
            Writer::Input,
            Writer::TokenEmbedding,
            Writer::PositionEmbedding,
        ];
        let first = || {
            inputs
                .iter()
                .any(|writer| self.ledger.wants(Group::Writer(*writer)))
        };
        self.ledger.wants(Group::Stream(sublayer)) || (sublayer == 0 && first())
    }

    fn touches_sum(&self, sublayer: usize) -> bool {
        self.ledger.wants(Group::Writer(Writer::Norm { sublayer }))
    }

    fn stream(&mut self, sublayer: usize, stream: &mut Array2<T>) {
        if sublayer == 0 {
            self.first_stream(stream);
        }
        self.show(Group::Stream(sublayer), stream.view_mut());
    }

    fn projected(&mut self, layer: usize, letter: Letter, values: ArrayViewMut2<'_, T>) {
        self.show(Group::Projection(layer, letter), values);
    }

    fn held(&mut self, layer: usize, held: &mut Array2<T>) {
        self.show(Group::Held(layer), held.view_mut());
    }

    fn hidden(&mut self, layer: usize, hidden: &mut Array2<T>) {
        self.show(Group::Hidden(layer), hidden.view_mut());
    }

    fn normed(&mut self, sublayer: usize, values: &mut Array2<T>) {
        self.show(Group::Writer(Writer::Norm { sublayer }), values.view_mut());
    }

    fn input(&mut self, reader: Reader, stream: Option<&Array2<T>>) -> Option<Array2<T>> {
        let edits = self.ledger.edits_to(reader);
        let group = Group::Reader(reader);
        if edits.is_empty() && !self.ledger.wants(group) {
            return None;
        }
        let clean = self.clean;
        let mut input = stream
            .cloned()
            .unwrap_or_else(|| clean.read(reader).into_owned());
        let answers = (&clean.everywhere, &clean.answers);
        for edit in edits {
            let here = position_of(answers, input.nrows());
            let rows = Rows {
                samples: &self.samples,
                position: &here,
            };
            let fewer = input.nrows() != clean.everywhere.len();
            let change = self.ledger.difference(edit, (rows, rows), |x| {
                match fewer && x.nrows() == clean.everywhere.len() {
                    true => clean.answers.rows_of(&x.to_owned()),
                    false => x.to_owned(),
                }
            });
            input += &change;
        }
        self.show(group, input.view_mut());
        Some(input)
    }

    fn wrote(&mut self, wrote: Wrote<'_, T>) -> Option<Message<T>> {
        let writers = self.writers(wrote.sublayer, wrote.message.is_some());
        let mut total: Option<Array2<T>> = None;
        for writer in writers {
            let values = self.message(writer, &wrote);
            if let Some(change) = self.change(writer, values) {
                total = Some(match total {
                    Some(sum) => sum + change,
                    None => change,
                });
            }
        }
        let mut total = total?;
        if !wrote.heads.is_empty() {
            // What it writes in this run less what it writes in the clean one.
            total += &match wrote.message {
                Some(message) => message.clone(),
                None => self.whole(&wrote),
            };
            total -= &self.model.message(self.clean, wrote.sublayer);
        }
        Some(Message::Shifted(total))
    }
}
