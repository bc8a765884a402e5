//! What a user may say of a checkpoint, and what its tensors are to the tool.

use super::Meaning;
use crate::checkpoint::Checkpoint;
use crate::choice::Layout;
use crate::numeric::Activation;
use crate::{Error, ErrorKind};

/// What a user may say that the file does not.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--layout`
    pub layout: Option<Layout>,
    /// `--activation`: one for all gaps between linear layers, or one for each
    pub activation: Vec<Activation>,
    /// `--layers`: the linear layers of an MLP in order
    pub layers: Vec<String>,
    /// `--ignore`: patterns of tensors, or of keys as `config.KEY`, that are left out
    pub ignore: Vec<String>,
    /// `--meaning`: how to read what a file leaves open
    pub meanings: Vec<Meaning>,
    /// Whether it was the framework's outputs that told the meaning.
    pub by_outputs: bool,
}

/// What a tensor is to the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The edges between layer `.0` of sites and the next.
    Weight(usize),
    /// The biases of the same linear layer.
    Bias(usize),
    /// The slopes, one per neuron, behind the same linear layer.
    Slopes(usize),
    /// Token embedding.
    Embedding,
    /// `in_perm` or `out_perm`.
    Permutation,
}

/// An error for tensors that fit no layout.
pub(super) fn unknown_layout(checkpoint: &Checkpoint) -> Error {
    ErrorKind::UnknownLayout {
        tensors: checkpoint.tensors.keys().cloned().collect(),
    }
    .at(&checkpoint.path)
}
