//! Recurrences: a weight is one edge at all steps; `--positions` tells the steps apart.

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

/// One input and 8 neurons at every step: a weight is an edge, or an edge at each step.
#[test]
fn a_weight_is_one_edge_at_all_steps_and_positions_tell_them_apart() {
    let circuit = |more: &str| -> Value {
        let seen = circuit("onnx-rnn-relu", more);
        assert_eq!(seen.code, Some(0), "{}", seen.stderr);
        let result: Value = serde_json::from_str(&seen.stdout).unwrap();
        result["circuits"][0].clone()
    };
    let ends = |circuit: &Value| -> Vec<(String, String)> {
        let edges = circuit["edges"].as_array().unwrap().iter();
        let end = |edge: &Value, which: &str| edge[which].as_str().unwrap().to_owned();
        edges
            .map(|edge| (end(edge, "from"), end(edge, "to")))
            .collect()
    };
    let (one, apart) = (circuit(""), circuit("--positions"));
    let (few, many) = (&one["edges_total"], &apart["edges_total"]);
    assert!(
        few.as_u64().unwrap() * 2 < many.as_u64().unwrap(),
        "{few} {many}"
    );
    assert!(
        ends(&one)
            .iter()
            .all(|(from, to)| !from.contains('@') && !to.contains('@'))
    );
    assert!(ends(&apart).iter().all(|(from, _)| from.contains('@')));
}

/// A neuron that is edited at every step by itself is the neuron edited.
#[test]
fn an_edit_of_a_neuron_is_one_of_all_its_steps() {
    let folder = fixture("zoo/onnx-rnn-relu");
    let outputs = |edits: &str| {
        let line = format!("intervene {folder} --data {folder}/data.safetensors {edits} --json");
        let seen = Desk::new().run(&line);
        assert_eq!(seen.code, Some(0), "{}", seen.stderr);
        let result: Value = serde_json::from_str(&seen.stdout).unwrap();
        result["outputs"].clone()
    };
    let whole = outputs("--set h1.0=0.25");
    assert_ne!(whole, outputs("--set h1.0@1=0.25"));
    let steps = (0..64).take_while(|step| {
        let line =
            format!("intervene {folder} --data {folder}/data.safetensors --set h1.0@{step}=0");
        Desk::new().run(&line).code == Some(0)
    });
    let at: Vec<String> = steps.map(|step| step.to_string()).collect();
    assert!(at.len() > 2);
    assert_eq!(whole, outputs(&format!("--set h1.0@{}=0.25", at.join(","))));
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
