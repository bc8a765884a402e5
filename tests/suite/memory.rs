//! What a run is expected to take is what it takes, and more than is allowed is refused.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::process::{Command, Output};

use serde_json::Value;

/// How far the figure may be from what was taken.
const WITHIN: f64 = 0.2;

fn modscope(words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modscope"))
        .args(words.split_whitespace())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

/// Expected and taken bytes of a command, which must be near each other.
fn check(words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("r");
    let output = modscope(&format!(
        "{words} --quiet --threads 2 --out {}",
        out.display()
    ));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() < Some(2), "{words}: {said}");
    let command = words.split(' ').next().unwrap();
    let result = std::fs::read(out.join(format!("{command}.json"))).unwrap();
    let result: Value = serde_json::from_slice(&result).unwrap();
    let cost = |name: &str| result["costs"][name].as_f64().unwrap();
    let (expected, taken) = (cost("expected_memory_bytes"), cost("peak_memory_bytes"));
    println!(
        "{words}: {:.1} MB expected, {:.1} taken",
        expected / 1e6,
        taken / 1e6
    );
    let off = expected / taken - 1.0;
    assert!(
        off.abs() <= WITHIN,
        "{words}: {expected} expected, {taken} taken"
    );
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "most of a program that is not optimised is code that never runs"
)]
fn what_is_expected_is_what_is_taken() {
    check("audit");
    check("prune fixtures/independence-bimt");
    check("modules fixtures/two_moon-bimt --null layer:2");
    check("circuit fixtures/two_moon-bimt --method exact");
}

#[test]
#[cfg_attr(
    any(debug_assertions, not(references)),
    ignore = "needs an optimised program and the reference networks in ../shared"
)]
fn what_is_expected_is_what_the_digits_take() {
    let digits = "../shared/checkpoints/digits-bimt-s1";
    check(&format!("prune {digits} --threshold 0.01"));
    check(&format!("modules {digits} --null layer:1"));
}

/// Before any weight is read, and by every command.
#[test]
fn more_than_is_allowed_is_refused_by_every_command() {
    const NET: &str = "fixtures/broken/good/bimt --data fixtures/broken/good/data.safetensors";
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("r").display().to_string();
    for words in [
        format!("audit {NET} --json"),
        format!("prune {NET} --json"),
        format!("modules {NET} --json"),
        format!("circuit {NET} --json"),
        format!("stability {NET} --json"),
        format!("intervene {NET} --ablate h1.0 --json"),
        format!("lens {NET} --json"),
        format!("inspect {NET}"),
        format!("compare {NET} --json"),
        format!("report tests/suite/data/report.json --out {out}"),
        format!("train independence --steps 3 --out {out}"),
    ] {
        let output = modscope(&format!("{words} --max-memory 1M"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}: {said}");
        assert!(said.contains("MB of memory"), "{words}: {said}");
        assert!(output.stdout.is_empty(), "{words}");
    }
}
