//! Transformers: weights and options, the one pass, sites, and how files name them.
//!
//! One description covers what decoders and encoders of today have
//! ([`weights`]); one forward pass records and resumes ([`hooks::Hooks`]), and one
//! backward pass follows it back ([`hooks::Gradients`]).
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
mod heads;
pub mod hooks;
mod load;
mod matrices;
mod neurons;
mod norm;
mod patches;
mod rotary;
mod router;
mod rows;
mod sequences;
#[cfg(test)]
pub(crate) mod tests;
mod trace;
pub mod weights;

pub use channels::{Channel, Channels, Span};
pub use components::{Components, Letter, Reader, Writer};
pub use gradients::LinearGradient;
pub use heads::{Alibi, Heads, Mask, Places};
pub use hooks::{AsItIs, Flow, Gradients, Hooks, Message, ReaderGradient, Wrote};
pub use load::{FamilyRow, families};
pub(in crate::model) use load::{dtype, is_transformer, read};
pub use matrices::{Matrix, Order, Place};
pub use neurons::Neurons;
pub use norm::{Norm, NormKind, Normed};
pub use patches::Patches;
pub use rotary::{Dynamic, Llama3, LongRope, Longer, Pairs, Rotary, Yarn};
pub use router::{Routed, Router, SharedExpert};
pub(crate) use rows::{linear, product};
pub use sequences::{Answers, PART_ROWS, SequenceInputs, Sequences};
use trace::Prepared;
pub use trace::{AttentionTrace, End, MlpTrace, SequenceTrace};
pub use weights::{
    Attention, Block, Embedding, EmbeddingMap, FeedForward, Gate, Logits, Norms, OutputHead, Reads,
    Transformer, Wiring,
};
