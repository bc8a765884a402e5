//! `modscope intervene` from the command line, and edits against plain PyTorch hooks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::model::{Architecture, Batch, Loaded, Network, Options, Sequences};
use modscope::numeric::Scalar;
use modscope::patch::Fill;
use modscope::patch::edit::{
    At, Change, Edit, Editable, Editor, LayeredEdits, MlpEdits, TransformerEdits,
};
use ndarray::Array2;
use serde_json::Value;

use crate::common::shared;

const NETWORK: &str = "fixtures/independence-bimt";
const GPT2: &str = "fixtures/gpt2";

fn typed(line: &str) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("modscope").unwrap();
    let run = command.args(line.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (run.status.code(), text(run.stdout), text(run.stderr))
}

fn result(line: &str) -> Value {
    let (code, said, err) = typed(&format!("intervene {line} --json"));
    assert_eq!(code, Some(0), "{line}: {err}");
    serde_json::from_str(&said).unwrap()
}

fn refused(line: &str) -> String {
    let (code, _, err) = typed(&format!("intervene {line} --json"));
    assert_eq!(code, Some(2), "{line}");
    err
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn outputs_metric_and_decisions_move() {
    let found = result(&format!("{NETWORK} --ablate h1.3,h2.5 --set x1=0.5"));
    assert_eq!(found["schema"], "modscope/2");
    for key in [
        "checkpoint",
        "data",
        "task",
        "summary",
        "seed",
        "tool",
        "command",
    ] {
        assert!(!found[key].is_null(), "{key}");
    }
    assert_eq!(found["edits"].as_array().unwrap().len(), 3);
    let metric = &found["metric"];
    let (before, after) = (number(&metric["before"]), number(&metric["after"]));
    assert!((number(&metric["effect"]) - (before - after)).abs() < 1e-12);
    let ends = metric["interval"].as_array().unwrap();
    let effect = number(&metric["effect"]);
    assert!(number(&ends[0]) <= effect && effect <= number(&ends[1]));
    for output in found["outputs"].as_array().unwrap() {
        let change = number(&output["after"]) - number(&output["before"]);
        assert!((change - number(&output["change"])).abs() < 1e-9);
        assert!(number(&output["largest"]) >= change.abs());
    }
}

#[test]
fn a_sweep_has_a_row_for_each_value() {
    let found = result(&format!("{NETWORK} --scale h1.3=0..2:5"));
    let rows = found["sweep"]["rows"].as_array().unwrap();
    let values: Vec<f64> = rows.iter().map(|row| number(&row["value"])).collect();
    assert_eq!(values, [0.0, 0.5, 1.0, 1.5, 2.0]);
    // Times one is the network as it is; times nothing is the ablation.
    assert!(number(&rows[2]["metric"]["effect"]).abs() < 1e-9);
    let ablated = result(&format!("{NETWORK} --ablate h1.3"));
    let gone = (&ablated["metric"]["effect"], &rows[0]["metric"]["effect"]);
    assert!((number(gone.0) - number(gone.1)).abs() < 1e-9);
    assert_eq!(found["metric"], rows[4]["metric"]);
}

#[test]
fn an_edited_network_can_be_written_and_is_what_ran() {
    let dir = tempfile::tempdir().unwrap();
    for (network, weight) in [(NETWORK, "x1->h1.7=0.25"), (GPT2, "r1.3->b0.h5=0.25")] {
        let copy = dir.path().join(Path::new(network).file_name().unwrap());
        std::fs::create_dir(&copy).unwrap();
        let file = copy.join("model.safetensors");
        let line = format!("{network} --weight {weight} -o {}", file.display());
        let found = result(&line);
        for beside in ["config.json", "data.safetensors"] {
            std::fs::copy(Path::new(network).join(beside), copy.join(beside)).unwrap();
        }
        let again = result(&format!("{} --scale y0=1", copy.display()));
        let means = |found: &Value, key: &str| -> Vec<(String, f64)> {
            let outputs = found["outputs"].as_array().unwrap();
            let mut all: Vec<(String, f64)> = outputs
                .iter()
                .map(|o| (o["output"].as_str().unwrap().to_owned(), number(&o[key])))
                .collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all
        };
        let (ran, read) = (means(&found, "after"), means(&again, "before"));
        let by_name = |name: &str| read.iter().find(|(n, _)| n == name).map(|(_, x)| *x);
        let both: Vec<(f64, f64)> = ran
            .iter()
            .filter_map(|(name, x)| Some((*x, by_name(name)?)))
            .collect();
        assert!(both.len() > 1);
        assert!(both.iter().all(|(a, b)| (a - b).abs() < 1e-5), "{network}");
        assert!(number(&found["outputs"][0]["largest"]) > 1e-6, "{network}");
    }
}

#[test]
fn what_cannot_be_edited_is_refused() {
    let said = refused(&format!("{NETWORK} --set h1.99=0"));
    assert!(
        said.contains("no site is called `h1.99`") && said.contains("`h1.9`"),
        "{said}"
    );
    let said = refused(&format!("{GPT2} --ablate a7.h1"));
    assert!(said.contains("`a0.h1`"), "{said}");
    assert!(refused(NETWORK).contains("nothing to edit"));
    assert!(refused(&format!("{NETWORK} --set h1.3")).contains("no `=`"));
    assert!(refused(&format!("{NETWORK} --edge x0->h2.1")).contains("no edge leads"));
    assert!(refused(&format!("{NETWORK} --set h1.3@2=0")).contains("no positions"));
    assert!(refused(&format!("{NETWORK} --patch h1.3=999999")).contains("no sample 999999"));
    assert!(refused(&format!("{NETWORK} --ablate h1.3 --fill corrupted")).contains("corrupted"));
    assert!(refused(&format!("{NETWORK} --ablate h1.3 -o x.safetensors")).contains("--weight"));
    assert!(refused(&format!("{NETWORK} --weight x0->h2.1=0")).contains("no weight leads"));
    let two = "--scale h1.3=0..1:3 --scale h1.4=0..1:3";
    assert!(refused(&format!("{NETWORK} {two}")).contains("one value"));
    assert!(refused(&format!("{GPT2} --add r2=1,2,3")).contains("3 values for what has 16"));
}

#[test]
fn a_page_and_tables_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("report");
    let line = format!(
        "intervene {GPT2} --add r2.5@3=-1..1:3 --edge a0.h1->logits --quiet --out {}",
        out.display()
    );
    assert_eq!(typed(&line).0, Some(0), "{}", typed(&line).2);
    for file in [
        "index.html",
        "intervene.json",
        "tables/outputs.csv",
        "tables/edits.csv",
        "tables/sweep.csv",
        "figures/sweep.svg",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
}

/// Where a network of the references lies, if it does.
fn folder(name: &str) -> Option<PathBuf> {
    match name.strip_prefix("fixtures/") {
        Some(_) => Some(PathBuf::from(name)),
        None => shared(name),
    }
}

fn fill(name: &str) -> Fill {
    name.parse().unwrap()
}

fn edit(value: &Value) -> Edit {
    let at: Vec<String> = serde_json::from_value(value["at"].clone()).unwrap();
    let (kind, what) = (value["change"][0].as_str().unwrap(), &value["change"][1]);
    let numbers = || serde_json::from_value(what.clone()).unwrap();
    Edit {
        at: match value["of"].as_str().unwrap() {
            "site" => At::Site(at[0].clone()),
            "edge" => At::Edge(at[0].clone(), at[1].clone()),
            _ => At::Path(at),
        },
        change: match kind {
            "set" => Change::Set(numbers()),
            "add" => Change::Add(numbers()),
            "scale" => Change::Scale(number(what)),
            "sample" => Change::Sample(what.as_u64().unwrap() as usize),
            _ => Change::Fill(fill(what.as_str().unwrap())),
        },
        positions: serde_json::from_value(value["positions"].clone()).unwrap(),
    }
}

/// The largest difference of a network's cases, beside the outputs' scale.
fn worst<E: Editable>(network: &E, targets: &[usize], member: &Value) -> f64 {
    let editor = Editor::new(network, Path::new("network"), 0);
    let mut worst = 0.0_f64;
    for case in member["cases"].as_array().unwrap() {
        let edits: Vec<Edit> = case["edits"].as_array().unwrap().iter().map(edit).collect();
        let outputs: Array2<E::Number> = editor.prepare(&edits).unwrap().outputs();
        let expected: Vec<Vec<f64>> = serde_json::from_value(case["outputs"].clone()).unwrap();
        let scale = expected
            .iter()
            .flatten()
            .fold(1.0_f64, |m, x| m.max(x.abs()));
        for (sample, row) in expected.iter().enumerate() {
            for (place, target) in targets.iter().enumerate() {
                let own = outputs[[place, sample]].widen();
                let far = (own - row[*target]).abs() / scale;
                assert!(far < 1e-5, "{}: {case}: {far:e}", member["network"]);
                worst = worst.max(far);
            }
        }
    }
    worst
}

fn worst_of<T: Scalar>(network: &Architecture<T>, data: &Dataset, member: &Value) -> f64 {
    match network {
        Architecture::Mlp(model) => {
            let batch = Batch::new(model, data).unwrap();
            let edits = MlpEdits::new(model, &batch.inputs, None);
            worst(&edits, &model.out_perm, member)
        }
        Architecture::Transformer(model) => {
            let batch = Sequences::new(model, data, None).unwrap();
            worst(
                &TransformerEdits::new(model, &batch),
                &model.out_perm,
                member,
            )
        }
        Architecture::Layered(model) => {
            let ports = modscope::model::Ports::plain(model.input.features(), model.outputs_len());
            let batch = Batch::through(&ports, data).unwrap();
            let targets: Vec<usize> = (0..model.outputs_len()).collect();
            worst(
                &LayeredEdits::new(model, &batch.inputs, None),
                &targets,
                member,
            )
        }
    }
}

/// Two hundred random edits of MLPs, GPT-2 and Llama members, by hooks of PyTorch's own
/// modules in f64 (`data/interventions.py`).
#[test]
fn edits_are_those_of_plain_hooks() {
    let text = include_str!("data/interventions.json");
    let members: Vec<Value> = serde_json::from_str(text).unwrap();
    let count = |member: &Value| member["cases"].as_array().unwrap().len();
    assert!(members.iter().map(count).sum::<usize>() >= 200);
    for member in &members {
        let Some(folder) = folder(member["network"].as_str().unwrap()) else {
            continue;
        };
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
        let data = data.first(member["samples"].as_u64().unwrap() as usize);
        let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
        let most = match &loaded.network {
            Network::F32(network) => worst_of(network, &data, member),
            Network::F64(network) => worst_of(network, &data, member),
        };
        println!("{}: {most:.1e} of the outputs' scale", folder.display());
    }
}
