//! A set of edges, sorted out for a run.

use crate::model::Components;
use crate::patch::EdgeSet;

/// How a reader's input is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// The stream as it is.
    Stream,
    /// The stream, with these writers replaced by their fills.
    Replace(Vec<usize>),
    /// All fills, with these writers replaced by what they write: the shorter
    /// sum where most edges are patched.
    Restore(Vec<usize>),
}

/// What a run has to do.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The block of the first patched reader; the number of blocks for the
    /// logits; `None` where nothing is patched.
    pub first: Option<usize>,
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
            if let Input::Replace(writers) | Input::Restore(writers) = input {
                writers.iter().for_each(|writer| wanted[*writer] = true);
            }
        }
        let first = inputs.iter().position(|input| *input != Input::Stream);
        Self {
            first: first.map(|reader| sites.layer_of_reader(reader)),
            inputs,
            wanted,
        }
    }
}

fn input(sites: &Components, patched: &EdgeSet, reader: usize) -> Input {
    let edges = sites.edges_into(reader);
    let count = patched.count_ones(edges.clone());
    let writers = |of_patched: bool| {
        edges
            .clone()
            .enumerate()
            .filter(|(_, edge)| patched.contains(*edge) == of_patched)
            .map(|(writer, _)| writer)
            .collect()
    };
    if count == 0 {
        Input::Stream
    } else if 2 * count <= edges.len() {
        Input::Replace(writers(true))
    } else {
        Input::Restore(writers(false))
    }
}
