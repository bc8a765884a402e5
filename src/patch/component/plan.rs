//! A set of edges, sorted out for a run.

use ndarray::{Array2, ArrayView2};

use crate::model::Components;
use crate::model::transformer::Writer;
use crate::numeric::Scalar;
use crate::patch::EdgeSet;

/// How a reader's input is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The stream as it is.
    Stream,
    /// The stream, with what these sources write replaced by their fills.
    Replace(Vec<Source>),
    /// All fills, with those of these sources replaced by what they write: the
    /// shorter sum where most edges are patched.
    Restore(Vec<Source>),
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
    /// Per sublayer, and the end, whether a reader of it is patched or what it
    /// writes is wanted.
    pub touched: Vec<bool>,
    /// Per reader.
    pub inputs: Vec<Input>,
    /// Per writer, whether a later reader wants its change by itself.
    pub wanted: Vec<bool>,
}

impl Plan {
    pub fn new(sites: &Components, patched: &EdgeSet) -> Self {
        let input = |reader| input(sites, patched, reader);
        let inputs: Vec<Input> = (0..sites.reader_count()).map(input).collect();
        let mut wanted = vec![false; sites.writer_count()];
        for input in &inputs {
            if let Input::Replace(sources) | Input::Restore(sources) = input {
                let writers = sources.iter().map(|source| source.writer);
                writers.for_each(|writer| wanted[writer] = true);
            }
        }
        let mut touched = vec![false; 2 * sites.layers() + 1];
        let patched = |reader: &usize| inputs[*reader] != Input::Stream;
        for reader in (0..inputs.len()).filter(patched) {
            touched[sites.sublayer_of_reader(reader)] = true;
        }
        let first = touched.iter().position(|touched| *touched);
        for writer in (0..wanted.len()).filter(|writer| wanted[*writer]) {
            touched[match sites.writer_at(writer) {
                Writer::Input | Writer::TokenEmbedding | Writer::PositionEmbedding => continue,
                Writer::Head { layer, .. } | Writer::Heads { layer } => 2 * layer,
                Writer::Mlp { layer } => 2 * layer + 1,
                Writer::Norm { sublayer } => sublayer,
            }] = true;
        }
        Self {
            first: first.map(|sublayer| sublayer / 2),
            touched,
            inputs,
            wanted,
        }
    }
}

fn input(sites: &Components, patched: &EdgeSet, reader: usize) -> Input {
    let edges = sites.edges_into(reader);
    let count = patched.count_ones(edges.clone());
    let sources = |of_patched: bool| {
        sites
            .writers_of(reader)
            .filter_map(|writer| source(sites, patched, of_patched, writer, reader))
            .collect()
    };
    if count == 0 {
        Input::Stream
    } else if 2 * count <= edges.len() {
        Input::Replace(sources(true))
    } else {
        Input::Restore(sources(false))
    }
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
