//! `modscope stability` from the command line.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use assert_cmd::Command;
use serde_json::Value;

const NETWORK: &str = "fixtures/independence-bimt";

fn typed(line: &str) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("modscope").unwrap();
    let run = command.args(line.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (run.status.code(), text(run.stdout), text(run.stderr))
}

fn result(line: &str) -> Value {
    let (code, said, err) = typed(line);
    assert_eq!(code, Some(0), "{line}: {err}");
    serde_json::from_str(&said).unwrap()
}

/// Three methods, three fills, one metric, two sizes and four sets of samples for each of
/// two outputs.
#[test]
fn every_analysis_of_the_grid_is_there() {
    let found = result(&format!(
        "stability {NETWORK} --top 5,12 --sample-sets 4 --json --claim h2.5->y0 --claim x1"
    ));
    assert_eq!(found["schema"], "modscope/2");
    let answers = found["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 2);
    for answer in answers {
        assert_eq!(answer["specifications"], 3 * 3 * 2 * 4);
        assert_eq!(answer["scored"], 9);
        assert_eq!(answer["curve"].as_array().unwrap().len(), 72);
        let sizes = answer["sizes"].as_array().unwrap();
        for (size, edges) in sizes.iter().zip([5, 12]) {
            assert_eq!(
                (&size["size"], &size["analyses"]),
                (&edges.into(), &36.into())
            );
            // Every analysis has so many edges.
            let shares = size["edges"].as_array().unwrap().iter();
            let sum: f64 = shares.map(|e| e["share"].as_f64().unwrap()).sum();
            assert!(
                sum <= f64::from(edges) + 1e-9 && sum > 0.8 * f64::from(edges),
                "{sum}"
            );
            let modal = size["edges"].as_array().unwrap().iter();
            assert!(modal.filter(|e| e["modal"] == true).count() <= edges as usize);
        }
        let axes: Vec<&str> = answer["along"]
            .as_array()
            .unwrap()
            .iter()
            .map(|along| along["axis"].as_str().unwrap())
            .collect();
        assert_eq!(
            axes,
            ["method", "fill", "samples"],
            "one metric differs from no other"
        );
        assert!(answer["nonsense"]["jaccard"].is_number());
        assert_eq!(answer["claims"].as_array().unwrap().len(), 2);
    }
    // x1 feeds one of the two outputs alone.
    let first = answers[0]["claims"][1]["share"].as_f64().unwrap();
    let second = answers[1]["claims"][1]["share"].as_f64().unwrap();
    assert!((first > 0.9) != (second > 0.9), "{first} {second}");
}

#[test]
fn what_cannot_be_resampled_is_refused() {
    let (code, _, err) = typed(&format!("stability {NETWORK} --method acdc --json"));
    assert_eq!(code, Some(2));
    assert!(err.contains("no means over samples"), "{err}");
    let (code, _, err) = typed(&format!("stability {NETWORK} --claim z9->y0 --json"));
    assert_eq!(code, Some(2));
    assert!(
        err.contains("no edge is `z9->y0`") && err.contains("--claim"),
        "{err}"
    );
}

#[test]
fn the_same_seed_gives_the_same_analyses_on_any_number_of_threads() {
    let line = |threads: usize| {
        let mut found = result(&format!(
            "stability {NETWORK} --top 8 --sample-sets 5 --json --seed 3 --threads {threads}"
        ));
        found["seconds"] = Value::Null;
        found["command"] = Value::Null;
        found["summary"] = Value::Null;
        found
    };
    assert_eq!(line(1), line(2));
}

/// Every circuit of an audit says how stable its discovery is.
#[test]
fn circuits_are_discovered_again_by_default() {
    let found = result(&format!("circuit {NETWORK} --method exact,eap,acdc --json"));
    for circuit in found["circuits"].as_array().unwrap() {
        let stability = &circuit["stability"];
        if circuit["method"] == "acdc" {
            assert!(stability.is_null(), "thresholds are no means over samples");
            continue;
        }
        assert_eq!(stability["resamples"], 1000);
        let edges = stability["edges"].as_array().unwrap();
        let core = edges
            .iter()
            .filter(|e| e["share"].as_f64().unwrap() >= 0.95)
            .count();
        assert_eq!(stability["core"], core);
        assert_eq!(stability["possible"], edges.len());
        let jaccard = stability["jaccard"].as_f64().unwrap();
        assert!(jaccard > 0.0 && jaccard <= 1.0);
    }
    let scores = result(&format!(
        "circuit {NETWORK} --method eap --top 5 --no-judge --json"
    ));
    assert!(scores["circuits"][0]["stability"].is_null());
}
