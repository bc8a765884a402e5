//! Thresholds, sweeps, verification by samples, certificates, compaction.

pub mod certify;
pub mod compact;
