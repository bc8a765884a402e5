//! A set of edges, sorted out for a run.

use ndarray::{Array2, ArrayView2};

use crate::model::Components;
use crate::model::transformer::{Reader, Writer};
use crate::numeric::Scalar;
use crate::patch::EdgeSet;

/// How a reader's input is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The stream as it is.
    Stream,
    /// Nothing reads what its node writes now, or that is known: it is not computed.
    Unread,
    /// A sum of its own.
    Own(Own),
}

/// A sum of what writers write, or their fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    pub base: Base,
    /// What is replaced by its fill.
    pub filled: Vec<Source>,
    /// What is not, or some of it.
    pub kept: Vec<Source>,
}

/// What is put right by the sources of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The stream: filled sources count.
    Stream,
    /// What the reader reads in the clean run: all sources count.
    Clean,
    /// All fills: kept sources count, the fewer where most edges are patched.
    Filled,
}

/// What a writer writes for a reader, at some of the positions that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub writer: usize,
    at: At,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    /// All rows.
    Everywhere,
    /// Of each sample's rows, those marked.
    Marked(Vec<bool>),
}

impl Source {
    /// `input += factor · values` in the rows that are meant, both `[rows, d]`.
    pub fn add<T: Scalar>(&self, input: &mut Array2<T>, factor: T, values: ArrayView2<'_, T>) {
        match &self.at {
            At::Everywhere => input.scaled_add(factor, &values),
            At::Marked(marked) => {
                let rows = input.rows_mut().into_iter().zip(values.rows());
                for ((mut row, values), _) in rows
                    .zip(marked.iter().cycle())
                    .filter(|(_, marked)| **marked)
                {
                    row.scaled_add(factor, &values);
                }
            }
        }
    }
}

/// What a run has to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The block of the first patched reader; the number of blocks for the
    /// logits; `None` where nothing is patched.
    pub first: Option<usize>,
    /// Per sublayer, and the end, whether a reader of it is patched or need not be
    /// computed, or what it writes is wanted.
    pub touched: Vec<bool>,
    /// Per reader.
    pub inputs: Vec<Input>,
    /// Per writer, whether its change is wanted by itself.
    pub wanted: Vec<bool>,
    /// Per sublayer, whether a reader that is computed reads the stream it writes to.
    pub is_streamed: Vec<bool>,
}

/// What a run goes on from.
#[derive(Debug, Clone, Copy)]
enum From<'f> {
    /// The clean run.
    Clean,
    /// A run in which the changes are known of all but these writers.
    Changes { anew: &'f [bool] },
}

impl Plan {
    /// A run from the clean one.
    pub fn new(sites: &Components, patched: &EdgeSet) -> Self {
        Self::from(sites, patched, From::Clean)
    }

    /// A run from one with fewer edges patched, of which all changes are known: what
    /// edges in `added` lead to is computed anew.
    pub fn step(sites: &Components, patched: &EdgeSet, added: &EdgeSet) -> Self {
        let anew = behind(sites, patched, added);
        Self::from(sites, patched, From::Changes { anew: &anew })
    }

    fn from(sites: &Components, patched: &EdgeSet, from: From<'_>) -> Self {
        let read = read(sites, patched);
        let mut inputs = Vec::with_capacity(sites.reader_count());
        let mut wanted = vec![false; sites.writer_count()];
        for reader in 0..sites.reader_count() {
            let is_computed = |writer: usize| match from {
                From::Clean => read[writer],
                From::Changes { anew } => read[writer] && anew[writer],
            };
            let computed = match sites.nodes_of(reader) {
                nodes if nodes.is_empty() => true,
                nodes => nodes.into_iter().any(is_computed),
            };
            let input = match computed {
                true => input(sites, patched, reader, from),
                false => Input::Unread,
            };
            if let Input::Own(own) = &input {
                own.wanted().for_each(|writer| wanted[writer] = true);
            }
            inputs.push(input);
        }
        if let From::Changes { anew } = from {
            let of_writer = wanted.iter_mut().zip(&read).zip(anew);
            of_writer.for_each(|((wanted, read), anew)| *wanted = *read && *anew);
        }
        let is_own = |input: &Input| matches!(input, Input::Own(_));
        let own = (0..inputs.len()).filter(|reader| is_own(&inputs[*reader]));
        let first = own.map(|reader| sites.sublayer_of_reader(reader)).min();
        Self {
            first: first.map(|sublayer| sublayer / 2),
            touched: touched(sites, &inputs, &wanted),
            is_streamed: streamed(sites, &inputs),
            inputs,
            wanted,
        }
    }
}

impl Own {
    /// The writers whose changes it takes.
    fn wanted(&self) -> impl Iterator<Item = usize> {
        let sources = match self.base {
            Base::Stream => &self.filled,
            Base::Clean | Base::Filled => &self.kept,
        };
        sources.iter().map(|source| source.writer)
    }
}

/// Per writer, whether an edge that is not patched leads from it to what is read, or to
/// the logits.
fn read(sites: &Components, patched: &EdgeSet) -> Vec<bool> {
    let mut read = vec![false; sites.writer_count()];
    for reader in (0..sites.reader_count()).rev() {
        let nodes = sites.nodes_of(reader);
        if nodes.is_empty() || nodes.into_iter().any(|writer| read[writer]) {
            for writer in sites.writers_of(reader) {
                read[writer] |= !is_patched(sites, patched, writer, reader);
            }
        }
    }
    read
}

/// Per writer, whether an edge in `added`, and from there only edges that are not patched,
/// lead to it.
fn behind(sites: &Components, patched: &EdgeSet, added: &EdgeSet) -> Vec<bool> {
    let mut behind = vec![false; sites.writer_count()];
    for reader in 0..sites.reader_count() {
        let carries = |writer: usize| behind[writer] && !is_patched(sites, patched, writer, reader);
        let is_behind = added.contains_any_in_range(sites.edges_into(reader))
            || sites.writers_of(reader).any(carries);
        if is_behind {
            sites
                .nodes_of(reader)
                .for_each(|writer| behind[writer] = true);
        }
    }
    behind
}

/// Whether a writer's edges to a reader are patched, at all positions.
fn is_patched(sites: &Components, patched: &EdgeSet, writer: usize, reader: usize) -> bool {
    let first = sites.edge(writer, reader);
    patched.contains_all_in_range(first..first + sites.positions_of(reader))
}

/// Per sublayer, and the end, whether anything in it is not as in the clean run, or wanted.
fn touched(sites: &Components, inputs: &[Input], wanted: &[bool]) -> Vec<bool> {
    let mut touched = vec![false; 2 * sites.layers() + 1];
    for (reader, input) in inputs.iter().enumerate() {
        touched[sites.sublayer_of_reader(reader)] |= *input != Input::Stream;
    }
    for writer in (0..wanted.len()).filter(|writer| wanted[*writer]) {
        touched[match sites.writer_at(writer) {
            Writer::Input | Writer::TokenEmbedding | Writer::PositionEmbedding => continue,
            Writer::Head { layer, .. } | Writer::Heads { layer } => 2 * layer,
            Writer::Mlp { layer } => 2 * layer + 1,
            Writer::Norm { sublayer } => sublayer,
        }] = true;
    }
    touched
}

/// Per sublayer, whether a reader of what comes after it reads the stream.
fn streamed(sites: &Components, inputs: &[Input]) -> Vec<bool> {
    let reads_stream = |input: &Input| match input {
        Input::Stream => true,
        Input::Unread => false,
        Input::Own(own) => own.base == Base::Stream,
    };
    let mut streamed = vec![false; 2 * sites.layers() + 1];
    for (reader, _) in inputs.iter().enumerate().filter(|(_, i)| reads_stream(i)) {
        // A norm reads the sum of its own sublayer.
        let end = match sites.reader_at(reader) {
            Reader::Norm { sublayer } => sublayer + 1,
            _ => sites.sublayer_of_reader(reader),
        };
        streamed[..end].fill(true);
    }
    streamed
}

fn input(sites: &Components, patched: &EdgeSet, reader: usize, from: From<'_>) -> Input {
    let edges = sites.edges_into(reader);
    let count = patched.count_ones(edges.clone());
    let sources = |of_patched: bool| -> Vec<Source> {
        sites
            .writers_of(reader)
            .filter_map(|writer| source(sites, patched, of_patched, writer, reader))
            .collect()
    };
    let base = match (from, 2 * count <= edges.len()) {
        (From::Clean, _) if count == 0 => return Input::Stream,
        (From::Clean, true) => Base::Stream,
        (From::Changes { .. }, true) => Base::Clean,
        (_, false) => Base::Filled,
    };
    let when = |wanted: bool, of_patched: bool| match wanted {
        true => sources(of_patched),
        false => Vec::new(),
    };
    Input::Own(Own {
        base,
        filled: when(base != Base::Filled, true),
        kept: when(base != Base::Stream, false),
    })
}

/// A writer where its edges to a reader are patched, or where they are not;
/// `None` if that is nowhere.
fn source(
    sites: &Components,
    patched: &EdgeSet,
    of_patched: bool,
    writer: usize,
    reader: usize,
) -> Option<Source> {
    let (first, positions) = (sites.edge(writer, reader), sites.positions_of(reader));
    let edges = first..first + positions;
    let count = patched.count_ones(edges.clone());
    let meant = if of_patched { count } else { positions - count };
    let at = match meant {
        0 => return None,
        all if all == positions => At::Everywhere,
        _ => {
            let marked = edges.map(|edge| patched.contains(edge) == of_patched);
            At::Marked(marked.collect())
        }
    };
    Some(Source { writer, at })
}
