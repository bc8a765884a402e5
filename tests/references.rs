//! The reference checkpoints: parity with the framework that trained them, and
//! the answers that are known.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod common;

use common::{REFERENCE_MLPS, reference};
use modscope::audit::{Config, Stages, audit};
use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::result::Audit;

/// Audits a reference checkpoint, where it is there.
fn audited(name: &str, adjust: impl FnOnce(&mut Config)) -> Option<Audit> {
    let folder = reference(name)?;
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let mut config = Config::new(vec!["test".into()]);
    adjust(&mut config);
    Some(audit(&checkpoint, &data, &config, &|_| ()).unwrap().result)
}

fn only_pruning(config: &mut Config) {
    config.stages = Stages {
        modules: false,
        circuits: false,
    };
}

#[test]
fn every_mlp_reproduces_its_framework() {
    for name in REFERENCE_MLPS {
        let Some(result) = audited(name, only_pruning) else {
            return;
        };
        let parity = result
            .parity
            .expect("the data hold the framework's outputs");
        println!(
            "{name}: {:.1e} of {:.1} ({} samples), threshold {:.3e}, kept {} of {}",
            parity.max_abs_difference,
            parity.output_scale,
            parity.samples,
            result.prune.as_ref().unwrap().threshold,
            result.prune.as_ref().unwrap().edges_kept,
            result.prune.as_ref().unwrap().edges_total,
        );
        assert!(parity.holds, "{name}: {parity:?}");
        let relative = parity.max_abs_difference / parity.output_scale;
        let expected = if result.checkpoint.dtype == "f64" {
            1e-13
        } else {
            2e-6
        };
        assert!(relative < expected, "{name}: {relative:e}");
    }
}
