//! Certificates of convolutions, residual sums, pools and recurrences, as they are typed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use serde_json::Value;

use crate::cli::{Desk, fixture};

fn told(line: &str, code: i32) -> Value {
    let seen = Desk::new().run(line);
    assert_eq!(seen.code, Some(code), "{line}: {}", seen.stderr);
    serde_json::from_str(&seen.stdout).unwrap()
}

/// Of small balls a hardly pruned network is proved, and one without weights is refuted.
#[test]
fn decisions_of_layered_networks_are_proved_or_refuted() {
    for member in ["onnx-cnn-residual", "onnx-mlp-residual"] {
        let folder = fixture(&format!("zoo/{member}"));
        let line = format!(
            "prune {folder} --data {folder}/data.safetensors --certify --equivalence top1 \
             --domain box:data --radius 1e-4 --boxes 24 --budget 1000 --samples 4 --json"
        );
        let proved = told(&format!("{line} --threshold 1e-6"), 0);
        let found = &proved["prune"]["equivalence"];
        assert_eq!(found["known"], "proved", "{member}: {}", proved["prune"]);
        assert_eq!(found["arithmetic"], "f32");
        let refuted = told(&format!("{line} --threshold 1e6"), 1);
        let found = &refuted["prune"]["equivalence"];
        assert_eq!(found["known"], "refuted", "{member}: {}", refuted["prune"]);
    }
}

#[test]
fn outputs_of_layered_networks_are_bounded() {
    let folder = fixture("zoo/mlp-residual");
    let line = format!(
        "prune {folder} --data {folder}/data.safetensors --certify --domain box:data \
         --threshold 0.001 --tolerance 10 --boxes 64 --budget 1000 --json"
    );
    let result = told(&line, 0);
    let found = &result["prune"]["certificate"];
    assert_eq!(found["outcome"], "holds", "{}", result["prune"]);
    let number = |field: &str| found[field].as_f64().unwrap();
    assert!(number("best_found") <= number("bound") && number("bound") <= 10.0);
    assert!(number("rounding") > 0.0);
}

/// What multiplies or divides values has no bounds, and is named.
#[test]
fn gates_and_norms_are_refused_by_their_layer() {
    for (member, words) in [
        ("onnx-made-gru", "of a product of two values (layer "),
        (
            "onnx-mlp-layernorm",
            "of a normalisation of each sample by itself (layer ",
        ),
    ] {
        let folder = fixture(&format!("zoo/{member}"));
        let result = told(
            &format!(
                "prune {folder} --data {folder}/data.safetensors --certify --domain box:data \
                 --threshold 0.001 --json"
            ),
            0,
        );
        let reason = result["prune"]["not_certified"].as_str().unwrap();
        assert!(reason.contains(words), "{reason}");
    }
}
