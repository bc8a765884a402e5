//! Modules of weighted graphs from elsewhere, by the command line.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn modscope(words: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("modscope").unwrap();
    command.args(words).output().unwrap()
}

fn found(file: &str, more: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let words = ["modules", file, "--json", "--quiet", "--out", &out];
    let output = modscope(&[&words, more].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let written = std::fs::read(Path::new(&out).join("modules.json")).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["modules"], result["modules"]);
    let page = std::fs::read_to_string(Path::new(&out).join("index.html")).unwrap();
    assert!(page.contains("Modules"));
    result
}

/// Two cliques of five and a triangle, the cliques joined by an edge of −0.2: by hand the
/// total is 10 · 1.1 + 10 · 1.1 + 0.2 + 1.5 = 23.7, of which 23.5 is inside; strengths are
/// 22.2, 22.2 and 3, so that Q = 23.5/23.7 − (22.2² + 22.2² + 3²)/47.4².
#[test]
fn cliques_are_modules_from_either_file() {
    let by_hand = 23.5 / 23.7 - (2.0 * 22.2_f64.powi(2) + 9.0) / 47.4_f64.powi(2);
    for file in ["cliques.csv", "cliques.graphml"] {
        let result = found(&format!("fixtures/graphs/{file}"), &[]);
        let modules = &result["modules"];
        assert_eq!(result["checkpoint"]["layout"], "graph");
        assert_eq!(
            (modules["count"].as_u64(), modules["edges"].as_u64()),
            (Some(3), Some(24))
        );
        assert!(
            (modules["modularity"].as_f64().unwrap() - by_hand).abs() < 1e-12,
            "{modules}"
        );
        let of = |site: &str| {
            let all = modules["partition"].as_array().unwrap().iter();
            let mut all = all.filter(|part| part["site"] == site);
            all.next().unwrap()["module"].as_u64().unwrap()
        };
        assert_eq!(of("a0"), of("a4"));
        assert_ne!(of("a0"), of("b0"));
        assert_eq!(modules["headline"]["null"], "degree");
    }
}

/// What is drawn follows the seed, and nothing else.
#[test]
fn the_seed_decides_what_is_drawn() {
    let draws = |seed: &str| {
        let more = ["--null", "degree:9", "--seed", seed];
        let result = found("fixtures/graphs/cliques.csv", &more);
        result["modules"]["null"]["draws"].clone()
    };
    assert_eq!(draws("1"), draws("1"));
    assert_ne!(draws("1"), draws("2"));
}

#[test]
fn every_algorithm_takes_a_graph() {
    for algorithm in [
        "louvain",
        "spectral",
        "infomap",
        "label-propagation",
        "components",
        "sbm",
    ] {
        let result = found(
            "fixtures/graphs/cliques.csv",
            &["--algorithm", algorithm, "--null", "degree:19"],
        );
        assert!(
            result["modules"]["count"].as_u64().unwrap() >= 1,
            "{algorithm}"
        );
    }
    // The weak edge goes, and with it what joined the cliques.
    let cut = ["--algorithm", "components", "--threshold", "0.3"];
    let result = found("fixtures/graphs/cliques.csv", &cut);
    assert_eq!(result["modules"]["count"], 3);
}

/// What only a network has is refused by name, and a table that is none.
#[test]
fn what_a_graph_does_not_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    for (more, says) in [
        (vec!["--scan"], "--scan is of networks"),
        (
            vec!["--null", "layer:9"],
            "a null model of layers is of networks",
        ),
        (vec!["--threshold", "auto"], "a threshold that is searched"),
        (vec!["--data", "fixtures/graphs/cliques.csv"], "`--data`"),
    ] {
        let words = ["modules", "fixtures/graphs/cliques.csv", "--out", &out];
        let output = modscope(&[&words, more.as_slice()].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(says), "{told}");
        assert!(!Path::new(&out).exists());
    }
    let table = "fixtures/two_moon-bimt/curve.csv";
    let output = modscope(&["modules", table, "--out", &out]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("is not understood"), "{told}");
}
