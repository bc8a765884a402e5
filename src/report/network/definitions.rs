//! What sites, edges and fills are, in the kind of network that the page shows.

use crate::report::page::terms::{Term, always};
use crate::result::Audit;

pub(in crate::report) const TERMS: &[Term] = &[
    Term {
        name: "Site, edge, message",
        text: "A site is an input, a neuron or an output. An edge is one weight w[j,i]; its message is w[j,i] times what site i writes. Biases, embeddings and permutations are no edges.",
        applies: by_weight,
    },
    Term {
        name: "Site, edge, message",
        text: "A site is the embedding, a head, an MLP or the logits. A writer adds its output to the residual stream, a reader reads the stream; an edge carries what one writer adds to one reader. A head reads queries, keys and values apart.",
        applies: by_component,
    },
    Term {
        name: "Names",
        text: "x3 is the input at physical position 3, h2.7 neuron 7 of the second hidden layer, y0 the output at physical position 0, all counted from 0. Where the network permutes its inputs or outputs, the feature's or target's own name stands first.",
        applies: by_weight,
    },
    Term {
        name: "Names",
        text: "a0.h1 is head 1 of block 0, with readers <q>, <k> and <v>; m0 is the MLP of block 0; input (or embed and pos_embed) and logits are the ends; all counted from 0.",
        applies: by_component,
    },
    Term {
        name: "Weight by weight",
        text: "An edge is one entry of a linear layer. x0 and y0 are an input of a position and an output; r0.5 channel 5 of the residual stream before block 0 (r1: between its attention and its MLP); b0.q3, b0.k3, b0.v3 a query, key or value; b0.o7 what attention gathers of value 7; b0.h12 a hidden neuron. Embeddings, biases and norms are no edges.",
        applies: transformer_by_weight,
    },
    Term {
        name: "Patching and fill",
        text: "Running the network while the messages of some edges are replaced: by nothing (zero), by their mean over a named set (mean), by those of a paired input (corrupted) or of another sample (resample).",
        applies: always,
    },
];

/// Whether the network is taken apart into weights that are drawn layer by layer.
fn by_weight(audit: &Audit) -> bool {
    audit.transformer.is_none()
}

/// Whether something is said of heads and MLPs.
fn by_component(audit: &Audit) -> bool {
    audit.transformer.is_some() && (!transformer_by_weight(audit) || !audit.circuits.is_empty())
}

/// Whether a transformer's own weights are drawn or pruned.
fn transformer_by_weight(audit: &Audit) -> bool {
    audit.transformer.is_some() && (audit.prune.is_some() || !audit.network.layers.is_empty())
}
