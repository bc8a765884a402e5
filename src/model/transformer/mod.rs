//! Transformers: weights, forward, backward, sites, and how files name them.
//!
//! One structure covers what the layouts need: pre-layer-norm or none, causal
//! or bidirectional, learned positions or none, tokens or numbers as inputs.
//! Blocks are sequential: the MLP reads the residual stream after attention.
//!
//! Rows of every matrix are tokens, `[samples · length, width]`, so that a
//! product serves a whole batch. Outputs are computed only at the positions
//! where answers are read, and the last block only there beyond its keys and
//! values.

mod attention;
mod backward;
mod channels;
mod components;
mod forward;
mod gradients;
mod linears_backward;
mod load;
mod matrices;
mod neurons;
mod norm;
mod readers;
mod sequences;
mod weights;

pub use backward::{Cut, ReaderGradient};
pub use channels::{Channel, Channels, Span};
pub use components::{Components, Letter, Reader, Writer};
pub use forward::{AttentionTrace, End, MlpTrace, SequenceTrace};
pub use gradients::{BlockGradient, LinearGradient, WeightGradient};
pub use linears_backward::LinearVisitor;
pub(in crate::model) use load::{dtype, is_transformer, load, places, roles, settle};
pub use matrices::{Matrix, Order, Place};
pub use neurons::Neurons;
pub use norm::{Norm, Normed};
pub use readers::{Attended, HeadInput};
pub use sequences::{Answers, PART_ROWS, SequenceInputs, Sequences};
pub use weights::{Block, Embedding, Heads, Transformer};
