//! What a training draws at random, each from a stream of its own.

/// Streams of the seed: the samples, the fresh network, and from here on one per epoch.
pub(super) const STREAM_DATA: u64 = 0;
pub(super) const STREAM_WEIGHTS: u64 = 1;
pub(super) const STREAM_EPOCHS: u64 = 16;
