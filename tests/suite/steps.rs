//! Recurrences: what `--positions` asks for they have in any case.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use serde_json::Value;

use crate::cli::{Desk, Seen, fixture};

fn circuit(member: &str, more: &str) -> Seen {
    let folder = fixture(&format!("zoo/{member}"));
    let line = format!(
        "circuit {folder} --data {folder}/data.safetensors --method eap-ig-inputs --top 20 \
         --no-judge --json {more}"
    );
    Desk::new().run(&line)
}

#[test]
fn every_step_of_a_recurrence_has_edges_of_its_own() {
    let edges = |seen: Seen| {
        assert_eq!(seen.code, Some(0), "{}", seen.stderr);
        let result: Value = serde_json::from_str(&seen.stdout).unwrap();
        let first = &result["circuits"][0];
        assert!(!first["edges"].as_array().unwrap().is_empty());
        (first["edges_total"].clone(), first["edges"].clone())
    };
    let [with, without] = ["--positions", ""].map(|more| edges(circuit("onnx-rnn-relu", more)));
    assert_eq!(with, without);
}

#[test]
fn a_network_without_steps_has_no_positions() {
    let seen = circuit("onnx-made-cnn", "--positions");
    assert_eq!(seen.code, Some(2));
    assert!(seen.stderr.contains("no steps"), "{}", seen.stderr);
}

/// A graph says its structure itself: no file beside it is named.
#[test]
fn a_graph_is_its_own_configuration() {
    let folder = fixture("zoo/onnx-rnn-relu");
    let seen = Desk::new().run(&format!("inspect {folder}"));
    assert!(seen.stdout.contains("(from the graph)"), "{}", seen.stdout);
    assert!(!seen.stdout.contains("config.json"), "{}", seen.stdout);
}
