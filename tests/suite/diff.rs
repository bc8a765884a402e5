//! Two versions of one network, with answers worked out by hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use modscope::checkpoint::{Checkpoint, Tensor};
use modscope::result::Diff;
use tempfile::TempDir;

/// `y = W x + b` with two inputs and two classes.
fn version(folder: &Path, weight: [f32; 4], bias: [f32; 2]) {
    let tensors = [
        ("0.weight", Tensor::of_floats(&[2, 2], &weight)),
        ("0.bias", Tensor::of_floats(&[2], &bias)),
    ];
    let made = Checkpoint {
        path: "made".into(),
        sha256: String::new().into(),
        tensors: tensors.map(|(name, t)| (name.to_owned(), t)).into(),
        metadata: Default::default(),
        config: serde_json::Map::new(),
    };
    fs::create_dir_all(folder).unwrap();
    let file = folder.join("model.safetensors");
    fs::write(file, made.to_bytes().unwrap()).unwrap();
    fs::write(folder.join("config.json"), "{\"activation\": \"relu\"}").unwrap();
}

const SAME: [f32; 4] = [1.0, 0.0, 0.0, 1.0];

/// Two versions of which the second adds ½ to class 1, and four samples whose first input
/// is larger than the second by 1, 0.2, −1 and 0.2.
fn desk() -> TempDir {
    let desk = tempfile::tempdir().unwrap();
    version(&desk.path().join("old"), SAME, [0.0, 0.0]);
    version(&desk.path().join("new"), SAME, [0.0, 0.5]);
    let samples = "a,b,class\n1,0,0\n0.6,0.4,0\n0,1,1\n0.3,0.1,1\n";
    fs::write(desk.path().join("d.csv"), samples).unwrap();
    desk
}

fn run(desk: &TempDir, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modscope"))
        .args(line.split_whitespace())
        .current_dir(desk.path())
        .output()
        .unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_changed_is_what_was_changed() {
    let desk = desk();
    let seen = run(
        &desk,
        "diff old new --data d.csv --label class --out report",
    );
    assert_eq!(seen.status.code(), Some(0), "{}", words(&seen.stderr));
    let text = fs::read_to_string(desk.path().join("report/diff.json")).unwrap();
    let diff: Diff = serde_json::from_str(&text).unwrap();
    // The two samples whose inputs are 0.2 apart change: one was right, one was wrong.
    let decisions = diff.decisions.unwrap();
    let samples: Vec<usize> = decisions.changed.iter().map(|c| c.sample).collect();
    assert_eq!(
        (samples, decisions.mended, decisions.broken),
        (vec![1, 3], 1, 1)
    );
    let moves: Vec<f64> = diff.outputs.iter().map(|o| o.max_abs_change).collect();
    // The bias is 0.5 in f32, and so is what it is added to.
    assert!(
        moves[0] == 0.0 && (moves[1] - 0.5).abs() < 1e-6,
        "{moves:?}"
    );
    let changed: Vec<(&str, Option<usize>)> = diff
        .tensors
        .iter()
        .map(|t| (t.tensor.as_str(), t.changed))
        .collect();
    assert_eq!(changed, [("0.bias", Some(1)), ("0.weight", Some(0))]);
    let (old, new) = (diff.task.old.unwrap(), diff.task.new.unwrap());
    assert_eq!((old.value, new.value), (0.75, 0.75));
    // Biases are no edges: what pruning leaves is the same.
    let pruned = diff.pruned.unwrap().edges;
    assert!(pruned.gained.is_empty() && pruned.lost.is_empty());
    let page = fs::read_to_string(desk.path().join("report/index.html")).unwrap();
    assert!(page.contains("2 of 4 decisions changed: 1 mended, 1 broken."));
    let rows = fs::read_to_string(desk.path().join("report/tables/decisions.csv")).unwrap();
    assert_eq!(rows.lines().count(), 3, "{rows}");
}

#[test]
fn a_limit_that_is_exceeded_is_exit_code_1() {
    let desk = desk();
    let code = |limits: &str| {
        let line = format!("diff old new --data d.csv --label class --json --no-circuits {limits}");
        let seen = run(&desk, &line);
        assert!(seen.stdout.starts_with(b"{"), "{}", words(&seen.stderr));
        seen.status.code()
    };
    assert_eq!(code(""), Some(0));
    assert_eq!(code("--max-changed 2 --tolerance 0.51"), Some(0));
    assert_eq!(code("--max-changed 1"), Some(1));
    assert_eq!(code("--tolerance 0.49"), Some(1));
}

#[test]
fn a_version_and_itself_differ_in_nothing() {
    let desk = desk();
    let line = "diff old old --data d.csv --label class --json --max-changed 0 --tolerance 0";
    let seen = run(&desk, line);
    assert_eq!(seen.status.code(), Some(0), "{}", words(&seen.stderr));
    let diff: Diff = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(diff.decisions.unwrap().changed, []);
    assert!(diff.tensors.iter().all(|t| t.changed == Some(0)));
    let same =
        |edges: &modscope::result::ChangedEdges| edges.gained.is_empty() && edges.lost.is_empty();
    assert!(diff.circuits.iter().all(|c| same(&c.edges)));
}

#[test]
fn networks_of_other_widths_are_refused_with_both() {
    let desk = desk();
    let bias = Tensor::of_floats(&[1], &[0.0_f32]);
    let weight = Tensor::of_floats(&[1, 2], &[1.0_f32, 1.0]);
    let made = Checkpoint {
        path: "made".into(),
        sha256: String::new().into(),
        tensors: [("0.weight".to_owned(), weight), ("0.bias".to_owned(), bias)].into(),
        metadata: Default::default(),
        config: serde_json::Map::new(),
    };
    fs::create_dir_all(desk.path().join("one")).unwrap();
    fs::write(
        desk.path().join("one/model.safetensors"),
        made.to_bytes().unwrap(),
    )
    .unwrap();
    fs::write(
        desk.path().join("one/config.json"),
        "{\"activation\": \"relu\"}",
    )
    .unwrap();
    let seen = run(&desk, "diff old one --data d.csv --label class --json");
    let told = words(&seen.stderr);
    assert_eq!(seen.status.code(), Some(2), "{told}");
    assert!(
        told.contains("number of outputs") && told.contains("try: "),
        "{told}"
    );
    assert!(seen.stdout.is_empty());
}
