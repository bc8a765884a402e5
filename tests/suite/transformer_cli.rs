//! Transformers on the command line: what a person types, and sees.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use crate::common;

use std::path::Path;
use std::process::Command;

use common::shared;
use serde_json::Value;

/// Exit code, standard output and standard error of a command typed in the
/// project's folder.
fn typed(line: &str) -> (i32, String, String) {
    let seen = Command::new(env!("CARGO_BIN_EXE_modscope"))
        .args(line.split_whitespace())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = seen.status.code().unwrap();
    (code, text(seen.stdout), text(seen.stderr))
}

/// The result of a command that ends well.
fn result(line: &str) -> Value {
    let (code, out, err) = typed(&format!("{line} --json"));
    assert_eq!(code, 0, "{line}: {err}");
    serde_json::from_str(&out).unwrap()
}

/// What a command that is refused says.
fn refused(line: &str) -> String {
    let (code, out, err) = typed(line);
    assert_eq!((code, out.as_str()), (2, ""), "{line}");
    err
}

const PROMPTS: &str = "circuit fixtures/gpt2 --data fixtures/gpt2/prompts.jsonl";

#[test]
fn every_method_finds_circuits_on_prompts() {
    let methods = "exact,acdc,eap,relp,eap-qk,atp-star,eap-ig-inputs,eap-ig-activations,clean-corrupted,screened,ensemble,mask,random";
    let found = result(&format!(
        "{PROMPTS} --method {methods} --mask-steps 20 --curve"
    ));
    let circuits = found["circuits"].as_array().unwrap();
    let names: Vec<&str> = circuits
        .iter()
        .map(|c| c["method"].as_str().unwrap())
        .collect();
    assert_eq!(names.join(","), methods);
    for circuit in circuits {
        let method = circuit["method"].as_str().unwrap();
        assert_eq!(circuit["fill"], "corrupted", "the data have pairs");
        assert_eq!(circuit["metric"], "logit-diff");
        assert_eq!(circuit["edges_total"], 46);
        let kept = circuit["edges_kept"].as_u64().unwrap();
        assert_eq!(
            circuit["edges"].as_array().unwrap().len() as u64,
            kept,
            "{method}"
        );
        assert_eq!(circuit["curve"].is_object(), method != "acdc", "{method}");
        let full = circuits[0]["metric_full"].as_f64().unwrap();
        assert_eq!(circuit["metric_full"].as_f64().unwrap(), full);
    }
    // The same file is EAP-IG's graph.
    assert_eq!(
        (&found["cfg"]["n_layers"], &found["cfg"]["n_heads"]),
        (&2.into(), &2.into())
    );
    assert_eq!(found["edges"].as_object().unwrap().len(), 46);
    assert!(found["nodes"]["a1.h0"]["in_graph"].is_boolean());
    assert!(found["edges"]["a0.h1->a1.h0<k>"]["score"].is_number());
    assert_eq!(found["transformer"]["layers"], 2);
    let prompt = &found["prompts"][0];
    assert_eq!(prompt["answer"], " Mary");
    let tokens = prompt["clean"].as_array().unwrap().len();
    assert_eq!(prompt["corrupted"].as_array().unwrap().len(), tokens);
    let rows = found["attention"][0]["pattern"].as_array().unwrap();
    let sum: f64 = rows.iter().map(|x| x.as_f64().unwrap()).sum();
    let queries = found["attention"][0]["queries"].as_array().unwrap().len();
    assert!(
        (sum - queries as f64).abs() < 1e-4,
        "each row of a pattern sums to 1"
    );
}

/// Of 46 edges every one is settled by something; the top 8 are those of exact effects, and
/// what was patched has its exact effect.
#[test]
fn screened_circuits_are_those_of_exact_effects() {
    let line = |method: &str| format!("{PROMPTS} --method {method} --top 8 --every-fill --seed 3");
    let (exact, screened) = (result(&line("exact")), result(&line("screened")));
    let screening = &screened["circuits"][0]["screening"];
    let number = |key: &str| screening[key].as_u64().unwrap();
    assert_eq!(number("estimated") + number("patched"), 46);
    assert_eq!(number("drawn"), 8);
    assert!(number("patched") < 46, "{screening}");
    assert_eq!(screening["risk"].as_f64(), Some(1.0 / 9.0));
    let edges = |found: &Value| {
        let edges = found["circuits"][0]["edges"].as_array().unwrap().clone();
        let name = |edge: &Value| format!("{}->{}", edge["from"], edge["to"]);
        edges
            .iter()
            .map(name)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(edges(&exact), edges(&screened));
    // The fill it was found with comes first and gives the circuit's own faithfulness; means
    // of prompts of other lengths are none.
    let circuit = &exact["circuits"][0];
    let fills = circuit["fills"].as_array().unwrap();
    let names: Vec<&str> = fills.iter().map(|f| f["fill"].as_str().unwrap()).collect();
    assert_eq!(names, ["corrupted", "zero"]);
    let near = (number_of(&fills[0]["faithfulness"]) - number_of(&circuit["faithfulness"])).abs();
    assert!(near < 1e-9, "{near}");
}

/// The worst of eight other samples takes the metric at least as far from the full network's
/// as the one that falls to a sample, and keeps no more decisions.
#[test]
fn the_worst_of_several_samples_is_worse_than_the_one_that_falls() {
    for (network, decides) in [
        ("fixtures/independence-bimt", false),
        ("fixtures/gpt2", true),
    ] {
        let found = result(&format!(
            "circuit {network} --method eap --top 8 --every-fill"
        ));
        for circuit in found["circuits"].as_array().unwrap() {
            let fills = circuit["fills"].as_array().unwrap();
            let of = |draws: u64| {
                let resampled = fills.iter().filter(|f| f["fill"] == "resample");
                resampled.clone().find(|f| f["draws"] == draws).unwrap()
            };
            let (fallen, worst) = (of(1), of(8));
            assert!(
                number_of(&worst["gap"]) > number_of(&fallen["gap"]),
                "{network}"
            );
            assert_eq!(
                worst["decision_agreement"].is_number(),
                decides,
                "{network}"
            );
            if decides {
                let kept = |of: &Value| number_of(&of["decision_agreement"]);
                assert!(kept(worst) <= kept(fallen), "{network}");
            }
            let others = fills.iter().filter(|f| f["fill"] != "resample");
            assert!(others.clone().count() > 0 && others.clone().all(|f| f["draws"] == 1));
        }
        let told = found["summary"].to_string();
        assert!(
            told.contains("of eight the worst for each sample"),
            "{told}"
        );
    }
}

fn number_of(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// MIB tells keys of every head apart: shared ones are refused there, with the flag under which
/// each head has its own; the network computes what it did.
#[test]
fn keys_that_heads_share_are_taken_apart_for_mib() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let line = "circuit fixtures/zoo/hf-made-qwen3-grouped --method eap --top 9 --judge-on same";
    let export = format!("{line} --export mib --out {}", out.display());
    let (code, _, err) = typed(&export);
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("heads of this network share keys") && err.contains("--ungroup"),
        "{err}"
    );
    assert!(!out.exists(), "nothing is left");
    let (code, _, err) = typed(&format!("{export} --ungroup"));
    assert_eq!(code, 0, "{err}");
    let read =
        |file: &Path| -> Value { serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap() };
    let [shared, own] = [result(line), read(&out.join("circuit.json"))];
    let full = [&shared, &own].map(|of| number_of(&of["circuits"][0]["metric_full"]));
    assert!(
        (full[0] - full[1]).abs() < 1e-5 * full[0].abs().max(1.0),
        "{full:?}"
    );
    let method = std::fs::read_dir(out.join("mib"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let cell = std::fs::read_dir(method.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let graph = read(&cell.path().join("importances.json"));
    let heads = graph["cfg"]["n_heads"].as_u64().unwrap();
    for letter in ["q", "k", "v"] {
        let of = |head: u64| {
            graph["edges"]
                .get(format!("input->a0.h{head}<{letter}>"))
                .is_some()
        };
        assert!((0..heads).all(of) && !of(heads), "{letter}");
    }
}

#[test]
fn a_circuit_that_was_written_is_judged_as_when_it_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("found");
    let line = format!(
        "{PROMPTS} --method exact --top 12 --export json,dot,graphml,neuronpedia,mib --out {}",
        out.display()
    );
    let (code, said, err) = typed(&line);
    assert_eq!(code, 0, "{err}");
    assert!(said.contains("Exact effects give a circuit of"), "{said}");
    for file in [
        "index.html",
        "circuit.json",
        "graph.json",
        "graph.dot",
        "attribution-graph.json",
        "graph.graphml",
        "mib/logits-exact_corrupted_edge/task_gpt2/importances.json",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let graph = |file: &str| out.join(file).display().to_string();
    let first: Value =
        serde_json::from_slice(&std::fs::read(out.join("circuit.json")).unwrap()).unwrap();
    for file in ["graph.json", "circuit.json"] {
        let line = format!(
            "{PROMPTS} --method eap --circuit {0} --known {0}",
            graph(file)
        );
        let again = result(&line);
        let (given, eap) = (&again["circuits"][0], &again["circuits"][1]);
        assert_eq!(given["method"], "given");
        for key in [
            "edges_kept",
            "metric_circuit",
            "faithfulness",
            "completeness",
        ] {
            assert_eq!(given[key], first["circuits"][0][key], "{key}");
        }
        assert_eq!(
            (&given["recovery"]["recall"], &given["recovery"]["roc_area"]),
            (&1.0.into(), &Value::Null)
        );
        let area = eap["recovery"]["roc_area"].as_f64().unwrap();
        assert!(area > 0.5, "{area}");
    }
    let (code, said, err) = typed(&format!(
        "report {} --out {}",
        graph("circuit.json"),
        dir.path().join("again").display()
    ));
    assert_eq!(code, 0, "{said}{err}");
}

#[test]
fn nodes_are_searched_as_edges_are() {
    let found = result(&format!(
        "{PROMPTS} --method exact,acdc --level node --nodes --judge-on same"
    ));
    let circuit = &found["circuits"][0];
    assert_eq!(
        (&circuit["level"], &circuit["edges_total"]),
        (&"node".into(), &7.into())
    );
    assert!(
        circuit["edges"]
            .as_array()
            .unwrap()
            .iter()
            .all(|edge| edge["to"] == "*")
    );
    // The exact effect of a node is its ablation.
    let ablations = found["ablations"][0]["effects"].as_array().unwrap();
    for edge in circuit["edges"].as_array().unwrap() {
        let of = ablations
            .iter()
            .find(|a| a["site"] == edge["from"])
            .unwrap();
        let (a, b) = (
            edge["effect"].as_f64().unwrap(),
            of["outputs"][0]["effect"].as_f64().unwrap(),
        );
        assert!((a - b).abs() < 1e-6, "{edge}");
    }
}

#[test]
fn what_cannot_be_done_is_said_before_it_is_tried() {
    let said = refused(&format!("{PROMPTS} --method eap --metric accuracy"));
    assert!(
        said.contains("is 0 at the network as it is") && said.contains("a metric with a slope"),
        "{said}"
    );
    let said = refused(&format!("{PROMPTS} --max-memory 1K"));
    assert!(
        said.contains("MB of memory") && said.contains("--samples"),
        "{said}"
    );
    let said = refused(&format!("{PROMPTS} --max-memory lots"));
    assert!(said.contains("500M or 2G"), "{said}");
    let said = refused(&format!("{PROMPTS} --method magic"));
    assert!(
        said.contains(
            "eap-ig-activations, clean-corrupted, screened, ensemble, mask, proved, random"
        ),
        "{said}"
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("other.json");
    std::fs::write(&file, r#"["a7.h0->logits"]"#).unwrap();
    let said = refused(&format!("{PROMPTS} --known {}", file.display()));
    assert!(said.contains("has no edge `a7.h0->logits`"), "{said}");
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn known_programs_are_recovered_from_the_command_line() {
    let Some(folder) = shared("truth/sort") else {
        return;
    };
    let folder = |name: &str| Path::new(&folder).join(name).display().to_string();
    for fill in ["zero", "corrupted"] {
        let line = format!(
            "circuit {} --fill {fill} --method exact,acdc --known {}",
            folder(""),
            folder("truth.json")
        );
        let found = result(&line);
        assert_eq!(
            found["transformer"]["split_input"], true,
            "as the truth has it"
        );
        for circuit in found["circuits"].as_array().unwrap() {
            let recovery = &circuit["recovery"];
            assert_eq!(
                (&recovery["precision"], &recovery["recall"]),
                (&1.0.into(), &1.0.into())
            );
        }
        assert_eq!(found["circuits"][0]["recovery"]["roc_area"], 1.0);
    }
}

#[test]
fn fewer_samples_may_be_asked_for() {
    let found = result(&format!("{PROMPTS} --method exact --samples 3"));
    assert_eq!(found["data"]["samples"], 3);
    assert_eq!(found["circuits"][0]["samples"], 3);
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn published_conventions_give_the_scores_of_published_code() {
    let Some(folder) = shared("peers/toy-ioi") else {
        return;
    };
    let golden = |file: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap()
    };
    for (method, file) in [
        ("eap", "golden_EAP_mean_per_example.json"),
        (
            "eap-ig-inputs",
            "golden_EAP-IG-inputs_5_mean_per_example.json",
        ),
        (
            "eap-ig-activations",
            "golden_EAP-IG-activations_5_mean_per_example.json",
        ),
    ] {
        let (folder, theirs) = (folder.display(), golden(file));
        let line = format!(
            "circuit {folder} --method {method} --conventions published --top 20 --judge-on same"
        );
        let ours = result(&line);
        let theirs = theirs.as_object().unwrap();
        let scale = theirs
            .values()
            .fold(0.0_f64, |m, x| m.max(x.as_f64().unwrap().abs()));
        assert_eq!(theirs.len(), ours["edges"].as_object().unwrap().len());
        for (edge, score) in theirs {
            let error = ours["edges"][edge]["score"].as_f64().unwrap() - score.as_f64().unwrap();
            assert!(
                error.abs() <= 1e-4 * scale,
                "{method} {edge}: {error:e} of {scale}"
            );
        }
    }
}

#[test]
fn pruning_of_transformers_is_verified() {
    let found = result("prune fixtures/gpt2 --threshold 0.001");
    let prune = &found["prune"];
    assert_eq!(prune["threshold"], 0.001);
    assert!(
        prune["edges_kept"].as_u64() < prune["edges_total"].as_u64(),
        "{prune}"
    );
}

#[test]
fn neurons_positions_and_weights_are_searched_as_components_are() {
    for (flags, level) in [
        ("--granularity neuron", "node"),
        ("--positions --samples 1", "edge"),
        ("--granularity weight", "edge"),
    ] {
        let line = format!("circuit fixtures/gpt2 {flags} --method eap --top 40 --fill zero");
        let found = result(&line);
        let circuit = &found["circuits"][0];
        assert_eq!(circuit["level"], level, "{flags}");
        let (kept, total) = (&circuit["edges_kept"], &circuit["edges_total"]);
        assert!(
            kept.as_u64() <= Some(40) && total.as_u64() > Some(40),
            "{flags}: {kept} of {total}"
        );
    }
    let said = refused("circuit fixtures/gpt2 --granularity neuron --positions --method eap");
    assert!(said.contains("at all positions"), "{said}");
    let said = refused("circuit fixtures/two_moon-bimt --granularity component");
    assert!(said.contains("component") && said.contains("MLP"), "{said}");
}

/// A head on the mean over positions reads once of every sample, and no position alone.
#[test]
fn a_mean_over_positions_is_one_reading() {
    let member = "fixtures/zoo/hf-made-modernbert-mean";
    let found = result(&format!("circuit {member} --method eap --no-judge"));
    assert_eq!(found["transformer"]["read"], "the mean over all positions");
    for granularity in ["component", "neuron", "weight"] {
        let line = format!("circuit {member} --granularity {granularity} --method exact");
        assert_eq!(result(&line)["task"]["value"], found["task"]["value"]);
    }
    let said = refused(&format!("circuit {member} --method eap --read last"));
    assert!(
        said.contains("answers are read at the last position"),
        "{said}"
    );
}
