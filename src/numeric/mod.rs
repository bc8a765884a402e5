//! Numbers: matrix products, activations with derivatives, statistics, seeded randomness.

pub mod random;

pub use random::Rng;
