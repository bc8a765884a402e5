//! What several test files need.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

pub mod gallery;

/// A folder of the reference checkpoints, where the reference material is there.
pub fn reference(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/checkpoints")
        .join(name);
    if folder.is_dir() {
        Some(folder)
    } else {
        println!("skipped: reference checkpoint {name} is not here");
        None
    }
}

/// The names of all reference MLPs.
pub const REFERENCE_MLPS: [&str; 22] = [
    "compositionality-bimt-s3",
    "compositionality-l1-s3",
    "compositionality-vanilla-s3",
    "digits-bimt-s1",
    "digits-l1-s1",
    "digits-local-s1",
    "digits-swap-s1",
    "digits-vanilla-s1",
    "feature_sharing-bimt-s4",
    "feature_sharing-l1-s4",
    "feature_sharing-vanilla-s4",
    "independence-bimt-s0",
    "independence-l1-s0",
    "independence-local-s0",
    "independence-swap-s0",
    "independence-vanilla-s0",
    "modular_addition-bimt-s4",
    "modular_addition-l1-s4",
    "modular_addition-vanilla-s4",
    "permutation_S4-vanilla-s1",
    "two_moon-bimt-s1",
    "two_moon-vanilla-s1",
];

/// A folder of the reference material, where it is there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(name);
    if folder.is_dir() {
        Some(folder)
    } else {
        println!("skipped: reference material {name} is not here");
        None
    }
}

/// The programs compiled by tracr.
pub const TRACR: [&str; 9] = [
    "detect_pattern_abc",
    "freq_class",
    "hist",
    "hist_causal",
    "pair_balance",
    "reverse",
    "sort",
    "sort_unique",
    "xproportion",
];

/// Every tensor of a safetensors file: its numbers and its shape.
pub fn raw(path: &Path) -> std::collections::BTreeMap<String, (Vec<f64>, Vec<usize>)> {
    let checkpoint = modscope::checkpoint::Checkpoint::open(path).unwrap();
    checkpoint
        .tensors
        .iter()
        .map(|(name, t)| (name.clone(), (t.to_f64(), t.shape.clone())))
        .collect()
}
