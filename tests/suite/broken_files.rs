//! Broken files: what the program says of each, and that it leaves nothing behind.
//!
//! `fixtures/broken/expected.txt` holds command lines and what they print on
//! standard error, run from `fixtures/broken`. `UPDATE_EXPECT=1` writes it anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BROKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/broken");
const EXPECTED: &str = include_str!("../../fixtures/broken/expected.txt");

/// Runs one command line from the folder of the broken files, with a report
/// folder that may not come to be unless the line names one.
fn run(line: &str) -> (Output, Vec<PathBuf>) {
    let parent = tempfile::tempdir().unwrap();
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_modscope"));
    command.args(&words).current_dir(BROKEN);
    if !words.contains(&"--out") {
        command.arg("--out").arg(parent.path().join("report"));
    }
    let output = command.output().unwrap();
    (output, entries(parent.path()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).unwrap();
    listing.map(|entry| entry.unwrap().path()).collect()
}

/// Exit code 2, these words on standard error, nothing elsewhere.
fn check(line: &str, expected: &str) {
    let (output, left) = run(line);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, expected, "{line}");
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert!(output.stdout.is_empty(), "{line}: standard output");
    assert_eq!(left, Vec::<PathBuf>::new(), "{line}: left behind");
}

/// Command lines, each with what follows it.
fn cases(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("$ ").skip(1).map(|case| {
        let (line, stderr) = case.split_once('\n').unwrap();
        (line, stderr.trim_end_matches('\n'))
    })
}

#[test]
fn each_broken_file_is_refused_with_cause_place_and_remedy() {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return update();
    }
    assert!(cases(EXPECTED).count() > 100);
    for (line, stderr) in cases(EXPECTED) {
        check(line, &format!("{stderr}\n"));
        let starts: Vec<&str> = stderr.lines().map(|l| &l[..l.len().min(6)]).collect();
        assert_eq!(starts, ["error:", "  in: ", "  try:"], "{line}");
    }
}

fn update() {
    let mut text = String::new();
    for (line, _) in cases(EXPECTED) {
        let stderr = String::from_utf8(run(line).0.stderr).unwrap();
        writeln!(text, "$ {line}\n{stderr}").unwrap();
    }
    fs::write(Path::new(BROKEN).join("expected.txt"), text).unwrap();
}

#[test]
fn every_broken_file_is_among_them() {
    // NaN weights are a finding; `only-test` is broken for those who ask for `train`.
    const NO_ERROR: [&str; 1] = ["checkpoint/nan-weights"];
    for kind in ["checkpoint", "data", "result"] {
        for path in entries(&Path::new(BROKEN).join(kind)) {
            let case = format!("{kind}/{}", path.file_name().unwrap().to_string_lossy());
            let mentioned = cases(EXPECTED).any(|(line, _)| {
                line.split_whitespace()
                    .any(|word| word == case || word.starts_with(&format!("{case}/")))
            });
            assert!(mentioned || NO_ERROR.contains(&case.as_str()), "{case}");
        }
    }
}

#[test]
fn nan_weights_are_a_finding() {
    let line = "modscope audit checkpoint/nan-weights/model.safetensors \
                --data good/data.safetensors --json";
    let output = Command::new(env!("CARGO_BIN_EXE_modscope"))
        .args(line.split_whitespace().skip(1))
        .current_dir(BROKEN)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "nothing can be verified");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = result["findings"].as_array().unwrap();
    let finding = findings.iter().find(|f| f["kind"] == "non-finite").unwrap();
    assert_eq!(
        finding["text"],
        "tensor `linears.0.linear.weight` holds 1 NaN and 0 infinite values"
    );
}

#[test]
fn the_good_files_are_good() {
    for line in [
        "inspect good/bimt",
        "audit good/bimt --data good/data.safetensors --json",
        "audit good/bimt --data good/targets.safetensors --json",
        "audit good/plain --data good/data.safetensors --json",
        "audit good/tokens --data good/tokens.safetensors --json",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_modscope"))
            .args(line.split_whitespace())
            .current_dir(BROKEN)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {stderr}");
    }
}
