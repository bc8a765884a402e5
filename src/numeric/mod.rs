//! Numbers: matrix products, activations with derivatives, statistics, seeded randomness.
//!
//! Everything here works on slices and arrays and knows no networks. Networks
//! are computed in the precision they are stored in ([`Scalar`]); sums that
//! become results are in f64.

pub mod activation;
pub mod adamw;
mod assignment;
mod decimal;
pub mod eigen;
mod exp;
pub mod interval;
pub mod lanes;
pub mod parallel;
mod permutations;
pub mod product;
pub mod random;
pub mod scalar;
pub mod statistics;

pub use activation::{Activation, Parameter};
pub(crate) use activation::{SELU_ALPHA, SELU_SCALE};
pub use assignment::assign;
pub use decimal::shortest_decimal;
pub use interval::Interval;
pub use lanes::{LANES, Lanes};
pub use permutations::{inverse, permutations};
pub use product::matmul_into;
pub use random::Rng;
pub use scalar::Scalar;
