//! Domains from VNN-LIB files, as they are typed: the boxes, what is told besides, refusals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;

use serde_json::Value;

use crate::cli::{Desk, fixture};

fn told(line: &str) -> Value {
    let seen = Desk::new().run(line);
    assert_eq!(seen.code, Some(0), "{line}: {}", seen.stderr);
    serde_json::from_str(&seen.stdout).unwrap()
}

fn said(result: &Value) -> String {
    let summary = result["summary"].as_array().unwrap().iter();
    let sentences: Vec<&str> = summary.map(|s| s["sentence"].as_str().unwrap()).collect();
    sentences.join("\n")
}

/// What is proved on both boxes at once is the worse of what is proved on each.
#[test]
fn every_box_of_a_property_is_certified() {
    let (network, file) = (fixture("independence-bimt"), fixture("vnnlib"));
    let file = format!("{file}/two-boxes.vnnlib");
    let prune = |domain: &str| {
        told(&format!(
            "prune {network} --certify --threshold 0.0005 --budget 1000 --boxes 2000 --json --domain {domain}"
        ))
    };
    let both = prune(&file);
    let found = &both["prune"]["certificate"];
    assert_eq!(found["domain_file"]["boxes"], 2, "{found}");
    assert_eq!(found["domain_file"]["assertions_on_outputs"], 1);
    assert_eq!(found["domain"].as_str(), Some(file.as_str()));
    let text = said(&both);
    assert!(
        text.contains("its 1 assertion on outputs is no part of what is proved"),
        "{text}"
    );

    let desk = Desk::new();
    let number = |of: &Value, field: &str| of["prune"]["certificate"][field].as_f64().unwrap();
    let each = ["-1,-0.75", "0.75,1"].map(|side| {
        let sides = format!("-0.5,0.5\n{side}\n-0.5,0.5\n-0.5,0.5\n");
        fs::write(desk.path("box.txt"), sides).unwrap();
        prune(&format!("box:{}", desk.path("box.txt").display()))
    });
    let worst = |field: &str| number(&each[0], field).max(number(&each[1], field));
    let (found, bound) = (number(&both, "best_found"), number(&both, "bound"));
    assert!((found / worst("best_found") - 1.0).abs() < 0.05, "{found}");
    // Rounding is bounded over the box that holds both.
    assert!(
        bound >= found && (bound / worst("bound") - 1.0).abs() < 0.2,
        "{bound}"
    );
}

#[test]
fn circuits_versions_and_balls_take_properties_too() {
    let (network, file) = (fixture("independence-bimt"), fixture("vnnlib"));
    let file = format!("{file}/two-boxes.vnnlib");
    let circuit = told(&format!(
        "circuit {network} --method proved --fill zero --no-judge --json --domain {file}"
    ));
    let proved = &circuit["circuits"][0]["proved"];
    assert_eq!(
        (&proved["regions"], &proved["domain_file"]["boxes"]),
        (&2.into(), &2.into())
    );
    assert!(said(&circuit).contains("no part of what is proved"));
    let diff = told(&format!(
        "diff {network} {network} --data {network}/data.safetensors --no-circuits --json \
         --certify --domain {file}"
    ));
    assert_eq!(diff["equivalence"]["known"], "proved");
    assert_eq!(diff["equivalence"]["regions"], 2);
    assert!(said(&diff).contains("no part of what is proved"));
}

#[test]
fn what_is_no_domain_is_refused() {
    let network = fixture("independence-bimt");
    let refused = |text: &str, words: &str| {
        let desk = Desk::new();
        fs::write(desk.path("p.vnnlib"), text).unwrap();
        let seen = desk.run(&format!(
            "prune {network} --certify --domain p.vnnlib --out out"
        ));
        assert_eq!(seen.code, Some(2), "{}", seen.stderr);
        assert!(seen.stderr.contains(words), "{}", seen.stderr);
        assert!(seen.stderr.contains("p.vnnlib"), "{}", seen.stderr);
        assert!(!desk.path("out").exists());
    };
    let one = "(declare-const X_0 Real)\n";
    refused(
        &format!("{one}(assert (<= X_0 1))"),
        "line 1: `X_0` has no lower bound",
    );
    refused(&format!("{one}(assert (<= X_0 (* 2 X_0)))"), "line 2:");
    refused(
        &format!("{one}(assert (<= X_0 1)"),
        "line 2: a `(` is not closed",
    );
    refused("\u{1}\u{2}", "line 1:");
    let seen = Desk::new().run(&format!("prune {network} --certify --domain none.vnnlib"));
    assert_eq!(seen.code, Some(2));
}

/// A property of another network certifies nothing, and the reason is told.
#[test]
fn a_property_of_another_network_is_none_of_this_one() {
    let (moons, file) = (fixture("two_moon-bimt"), fixture("vnnlib"));
    let result = told(&format!(
        "prune {moons} --certify --json --domain {file}/two-boxes.vnnlib"
    ));
    let reason = result["prune"]["not_certified"].as_str().unwrap();
    assert!(
        reason.contains("bounds 4 inputs; the network has 2"),
        "{reason}"
    );
}
