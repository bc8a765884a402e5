//! Equivalence by kind, as it is typed: proved, refuted with an input, refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use serde_json::Value;

use crate::cli::{Desk, fixture};

fn told(line: &str, code: i32) -> Value {
    let seen = Desk::new().run(line);
    assert_eq!(seen.code, Some(code), "{line}: {}", seen.stderr);
    serde_json::from_str(&seen.stdout).unwrap()
}

#[test]
fn decisions_of_pruned_networks_are_proved_or_refuted() {
    let moons = fixture("two_moon-bimt");
    let prune = format!("prune {moons} --certify --domain box:data --json");
    let proved = told(
        &format!("{prune} --threshold 0.0001 --equivalence delta-top1"),
        0,
    );
    let found = &proved["prune"]["equivalence"];
    assert_eq!(
        (&found["known"], &found["regions"]),
        (&"proved".into(), &1.into()),
        "{found}"
    );
    assert_eq!(found["arithmetic"], "f32");
    // Of a network without weights every decision is one.
    let refuted = told(
        &format!("{prune} --threshold 100 --equivalence top1 --radius 0.01"),
        1,
    );
    let found = &refuted["prune"]["equivalence"];
    assert_eq!(found["known"], "refuted");
    let count = |field: &str| found[field].as_u64().unwrap();
    assert!(count("refuted") > 0 && count("proved") > 0, "{found}");
    assert_eq!(found["example"].as_array().unwrap().len(), 2);
}

#[test]
fn versions_are_proved_equivalent_or_refused() {
    let moons = fixture("two_moon-bimt");
    let diff = |kind: &str| {
        let line = format!(
            "diff {moons} {moons} --data {moons}/data.safetensors --no-circuits --json \
             --certify --domain box:data --equivalence {kind}"
        );
        told(&line, 0)["equivalence"]["known"].clone()
    };
    assert_eq!(diff("epsilon"), "proved");
    assert_eq!(diff("delta-top1"), "proved");
    // The network's own border runs through the box.
    assert_eq!(diff("top1"), "undecided");
    let gpt2 = fixture("gpt2");
    let line = format!("diff {gpt2} {gpt2} --data {gpt2}/data.safetensors --no-circuits --certify");
    let seen = Desk::new().run(&line);
    assert_eq!(seen.code, Some(2), "{}", seen.stdout);
    assert!(
        seen.stderr.contains(
            "nothing can be proved: bounds are of MLPs and of layered networks, not of transformers"
        ),
        "{}",
        seen.stderr
    );
}
