//! `modscope lens` from the command line, and its values against those of TransformerLens.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use assert_cmd::Command;
use serde_json::Value;

use crate::common::shared;

const GPT2: &str = "fixtures/gpt2";

fn typed(line: &str) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("modscope").unwrap();
    let run = command.args(line.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (run.status.code(), text(run.stdout), text(run.stderr))
}

fn result(line: &str) -> Value {
    let (code, said, err) = typed(&format!("lens {line} --json"));
    assert_eq!(code, Some(0), "{line}: {err}{said}");
    serde_json::from_str(&said).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// At the last point the outputs are read, and the parts of the logit difference add up.
fn assert_sums(found: &Value, what: &str) {
    let last = list(&found["logit_lens"]).last().unwrap();
    assert_eq!(last["agreement"], 1.0, "{what}");
    assert!(number(&last["divergence"]).abs() < 1e-5, "{what}");
    let attribution = &found["attribution"];
    let sum: f64 = list(&attribution["parts"])
        .iter()
        .map(|part| number(&part["mean"]))
        .sum();
    let total = number(&attribution["total"]);
    let allowed = number(&attribution["allowed"]);
    assert!((sum - total).abs() <= allowed, "{what}: {sum} {total}");
    assert!(number(&attribution["residual"]) <= allowed, "{what}");
    assert!(allowed < 0.01, "{what}");
}

#[test]
fn the_last_point_is_the_outputs_and_parts_add_up() {
    let found = result(&format!("{GPT2} --data {GPT2}/prompts.jsonl"));
    assert_eq!(found["schema"], "modscope/2");
    assert_sums(&found, GPT2);
    // Without a cap the difference at the last point is what is attributed.
    let last = list(&found["logit_lens"]).last().unwrap();
    let total = number(&found["attribution"]["total"]);
    assert!((number(&last["logit_difference"]) - total).abs() < 1e-4);
    // Two blocks: five points, four heads, tokens as text.
    assert_eq!(list(&found["logit_lens"]).len(), 5);
    assert_eq!(list(&found["heads"]).len(), 4);
    let sample = &found["samples"][0];
    let tokens = list(&sample["tokens"]);
    assert_eq!(list(&sample["points"][0]).len(), tokens.len());
    assert!(
        tokens
            .iter()
            .all(|t| t.as_str().unwrap().parse::<usize>().is_err())
    );
    for head in list(&found["heads"]) {
        let copying = number(&head["copying"]);
        assert!((-1.0..=1.0).contains(&copying));
        assert!(number(&head["qk"]) > 0.0 && number(&head["ov"]) > 0.0);
        let first = number(&head["first"]);
        assert!(first > 0.0 && first <= 1.0 + 1e-9);
        let name = head["largest"][0]["output"].as_str().unwrap();
        assert!(!name.starts_with("token "), "{name}");
    }
}

#[test]
fn every_family_of_the_zoo_adds_up() {
    for name in [
        "llama-gqa-tied",
        "gemma2-softcap-sliding",
        "gpt_neox-parallel",
        "olmo2-post-norm",
        "opt-post-norm-projected",
        "tl-attn-only",
        "bloom-alibi",
        "qwen3-qk-norm",
    ] {
        let Some(folder) = shared(&format!("zoo/{name}")) else {
            continue;
        };
        let found = result(&folder.display().to_string());
        assert_sums(&found, name);
        assert!(!list(&found["attention"]).is_empty(), "{name}");
    }
}

/// An embedding narrower than the stream, with a head of its own behind it: through the lenses,
/// and its components' circuits.
#[test]
fn a_narrow_embedding_goes_through_the_lenses() {
    let folder = "fixtures/zoo/hf-made-electra-projected";
    let found = result(folder);
    assert!(!list(&found["logit_lens"]).is_empty());
    let (code, _, told) = typed(&format!("circuit {folder} --method exact --json --quiet"));
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn the_samples_that_were_asked_for_are_shown() {
    let found = result(&format!(
        "{GPT2} --data {GPT2}/prompts.jsonl --sample 4 --top 2 --neurons 3"
    ));
    let shown: Vec<&Value> = list(&found["samples"])
        .iter()
        .map(|s| &s["sample"])
        .collect();
    assert_eq!(shown, [&Value::from(4)]);
    let attention = list(&found["attention"]);
    assert!(attention.iter().all(|a| a["sample"] == 4) && !attention.is_empty());
    assert_eq!(list(&found["neurons"]).len(), 3);
    assert_eq!(list(&found["heads"][0]["smallest"]).len(), 2);
    let (code, _, err) = typed(&format!("lens {GPT2} --sample 999 --json"));
    assert_eq!(code, Some(2));
    assert!(err.contains("sample 999"), "{err}");
}

#[test]
fn a_network_without_a_stream_is_refused() {
    let (code, _, err) = typed("lens fixtures/independence-bimt --json");
    assert_eq!(code, Some(2));
    assert!(err.contains("lenses are for transformers"), "{err}");
    assert!(err.contains("modscope intervene"), "{err}");
}

#[test]
fn a_page_figures_and_tables_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("report");
    let line = format!(
        "lens {GPT2} --data {GPT2}/prompts.jsonl --quiet --out {}",
        out.display()
    );
    let (code, _, err) = typed(&line);
    assert_eq!(code, Some(0), "{err}");
    for file in [
        "index.html",
        "lens.json",
        "figures/logit-lens.svg",
        "figures/logit-lens-1.svg",
        "figures/attribution.svg",
        "figures/attention-1.svg",
        "tables/logit_lens.csv",
        "tables/positions.csv",
        "tables/attribution.csv",
        "tables/heads.csv",
        "tables/neurons.csv",
        "tables/cosines.csv",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
}

/// Values that TransformerLens gives on its own members (`data/lens.py`), mean over samples.
#[test]
fn values_are_those_of_transformer_lens() {
    let members: Vec<Value> = serde_json::from_str(include_str!("data/lens.json")).unwrap();
    for member in &members {
        let name = member["network"].as_str().unwrap();
        let Some(folder) = shared(name) else { continue };
        let found = result(&folder.display().to_string());
        let near = |own: &Value, theirs: &Value, what: &str| {
            let (own, theirs) = (number(own), number(theirs));
            let far = (own - theirs).abs() / theirs.abs().max(1.0);
            assert!(far < 1e-4, "{name} {what}: {own} {theirs}");
        };
        for (own, theirs) in list(&found["logit_lens"])
            .iter()
            .zip(list(&member["logit_lens"]))
        {
            near(
                &own["logit_difference"],
                theirs,
                own["point"].as_str().unwrap(),
            );
        }
        assert_eq!(
            list(&found["logit_lens"]).len(),
            list(&member["logit_lens"]).len()
        );
        for part in list(&found["attribution"]["parts"]) {
            let writer = part["writer"].as_str().unwrap();
            if !member["attribution"][writer].is_null() {
                near(&part["mean"], &member["attribution"][writer], writer);
            }
        }
        for head in list(&found["heads"]) {
            let theirs = &member["heads"][head["head"].as_str().unwrap()];
            for key in ["qk", "ov", "copying"] {
                near(&head[key], &theirs[key], key);
            }
        }
    }
}
