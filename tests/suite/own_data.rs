//! Data of one's own, as they are typed: what every column is for, what is refused
//! and why, one logit, parity, and whether the network does the task.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use modscope::checkpoint::{Checkpoint, Dtype, IntegerKind, Tensor};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::shared;

/// A folder to type in.
struct Desk(TempDir);

struct Seen {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn run(&self, line: &str) -> Seen {
        self.piped(line, b"")
    }

    fn piped(&self, line: &str, input: &[u8]) -> Seen {
        let mut child = Command::new(env!("CARGO_BIN_EXE_modscope"))
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        Seen {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The result of a pruning at 0, which is the quickest that judges.
    fn result(&self, line: &str) -> Value {
        let seen = self.run(&format!("prune {line} --threshold 0 --json"));
        assert!(matches!(seen.code, Some(0 | 1)), "{line}: {}", seen.stderr);
        serde_json::from_str(&seen.stdout).unwrap()
    }

    /// The refusal of a command line: exit code 2, nothing on standard output.
    fn refusal(&self, line: &str) -> String {
        let seen = self.run(&format!("prune {line} --threshold 0 --json"));
        assert_eq!((seen.code, seen.stdout.as_str()), (Some(2), ""), "{line}");
        assert!(seen.stderr.contains("  try: "), "{}", seen.stderr);
        seen.stderr
    }
}

/// The first sentence of a summary, below what was recognised and how many there are.
fn first_line(stdout: &str) -> &str {
    let is_sentence = |line: &&str| !line.is_empty() && !line.starts_with("Promises");
    stdout.lines().skip(1).find(is_sentence).unwrap_or_default()
}

fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::of_floats(shape, values)
}

/// Files of named tensors are what checkpoints and data both are.
fn file(tensors: &[(&str, Tensor)]) -> Vec<u8> {
    let made = Checkpoint {
        path: "made".into(),
        sha256: String::new().into(),
        tensors: tensors
            .iter()
            .map(|(name, tensor)| ((*name).to_owned(), tensor.clone()))
            .collect(),
        metadata: Default::default(),
        config: serde_json::Map::new(),
    };
    made.to_bytes().unwrap()
}

/// A network of one layer, `y = W x + b`, whose `config.json` holds more.
fn linear(desk: &Desk, weight: &[f32], bias: &[f32], config: &str) {
    let (outputs, inputs) = (bias.len(), weight.len() / bias.len());
    let tensors = [
        ("0.weight", tensor(&[outputs, inputs], weight)),
        ("0.bias", tensor(&[outputs], bias)),
    ];
    desk.write("m/model.safetensors", file(&tensors));
    desk.write(
        "m/config.json",
        format!("{{\"activation\": \"relu\"{config}}}"),
    );
}

#[test]
fn a_column_is_the_target_when_it_is_said() {
    let desk = Desk::new();
    linear(&desk, &[1.0, 2.0], &[0.0], "");
    desk.write("d.csv", "area,year_built,price\n1,1,3\n0,1,2\n2,0,2\n");
    let refused = desk.refusal("m --data d.csv");
    assert!(
        refused.contains("3 features") && refused.contains("--target COL"),
        "{refused}"
    );
    let result = desk.result("m --data d.csv --target price");
    assert_eq!(result["task"]["metric"], "mse");
    assert_eq!(result["task"]["value"], 0.0);
    let used = result["data"]["used"].as_array().unwrap();
    let of = |name: &str| used.iter().find(|u| u["name"] == name).unwrap()["for"].clone();
    assert_eq!(
        (of("year_built"), of("price")),
        ("input".into(), "target".into())
    );
    let refused = desk.refusal("m --data d.csv --target prize");
    assert!(
        refused.contains("`--target prize` names no column"),
        "{refused}"
    );
}

#[test]
fn the_year_built_is_no_target() {
    let Some(case) = shared("cases/csv-year-built") else {
        return;
    };
    let desk = Desk::new();
    let line = format!(
        "{0}/model.pt --activation relu --data {0}/data.csv",
        case.display()
    );
    desk.refusal(&line);
    let result = desk.result(&format!("{line} --target price"));
    let loss = result["task"]["value"].as_f64().unwrap();
    println!("loss {loss}");
    assert!(loss < 0.01);
}

#[test]
fn columns_are_matched_to_the_networks_names() {
    let desk = Desk::new();
    linear(
        &desk,
        &[1.0, 10.0],
        &[0.0],
        ", \"input_names\": [\"a\", \"b\"], \"output_names\": [\"sum\"]",
    );
    desk.write("d.csv", "b;sum;a\n1;12;2\n3;31;1\n");
    let result = desk.result("m --data d.csv");
    assert_eq!(result["task"]["value"], 0.0, "reordered");
    let notes = result["data"]["notes"].to_string();
    assert!(notes.contains("order of the network's inputs"), "{notes}");
    desk.write("e.csv", "b,c\n1,2\n");
    let refused = desk.refusal("m --data e.csv");
    assert!(
        refused.contains("`a` missing") && refused.contains("`c` not among them"),
        "{refused}"
    );
    desk.write("f.csv", "a,b,id,sum\n2,1,x,12\n");
    assert!(desk.refusal("m --data f.csv").contains("--drop id"));
    assert_eq!(
        desk.result("m --data f.csv --drop id")["task"]["value"],
        0.0
    );
}

#[test]
fn classes_may_be_words_and_keep_their_names() {
    let desk = Desk::new();
    // The first output is large where a is, the second where b is.
    linear(
        &desk,
        &[1.0, 0.0, 0.0, 1.0],
        &[0.0, 0.0],
        ", \"output_names\": [\"wet\", \"dry\"]",
    );
    desk.write("d.csv", "a,b,kind\n1,0,wet\n0,1,dry\n2,1,wet\n");
    let result = desk.result("m --data d.csv --label kind");
    assert_eq!(result["task"]["value"], 1.0);
    assert_eq!(result["prune"]["outputs"][0]["name"], "wet");
    linear(&desk, &[1.0, 0.0, 0.0, 1.0], &[0.0, 0.0], "");
    let result = desk.result("m --data d.csv --label kind");
    assert_eq!(
        result["task"]["value"], 0.0,
        "dry comes first in the alphabet"
    );
    assert_eq!(result["task"]["does_task"], false);
    assert!(
        result["data"]["notes"]
            .to_string()
            .contains("order of the alphabet (dry, wet)")
    );
    desk.write("e.csv", "a,b,kind\n1,0,wet\n2,1,wet\n");
    assert!(
        desk.refusal("m --data e.csv --label kind")
            .contains("cannot be told")
    );
}

#[test]
fn arrays_that_are_not_used_are_refused() {
    let desk = Desk::new();
    linear(&desk, &[1.0], &[0.0], "");
    let (x, y) = (tensor(&[2, 1], &[1.0, 2.0]), tensor(&[2, 1], &[1.0, 2.0]));
    desk.write(
        "d.safetensors",
        file(&[("X", x.clone()), ("y", y.clone()), ("ages", y.clone())]),
    );
    let refused = desk.refusal("m --data d.safetensors");
    assert!(
        refused.contains("`ages`") && refused.contains("inputs or x or X"),
        "{refused}"
    );
    assert_eq!(
        desk.result("m --data d.safetensors --drop ages")["task"]["value"],
        0.0
    );
    desk.write(
        "e.safetensors",
        file(&[("X", x.clone()), ("x", x), ("y", y)]),
    );
    assert!(
        desk.refusal("m --data e.safetensors")
            .contains("as `X` and as `x`")
    );
}

#[test]
fn data_come_through_a_pipe() {
    let desk = Desk::new();
    linear(&desk, &[1.0], &[0.0], "");
    let (x, y) = (tensor(&[2, 1], &[1.0, 2.0]), tensor(&[2, 1], &[1.0, 2.0]));
    let arrays = file(&[("x", x), ("y", y)]);
    let all: [&[u8]; 3] = [
        b"x1,target\n1,1\n2,2\n",
        b"{\"x\": [1], \"target\": [1.0]}\n{\"x\": [2], \"target\": [2.0]}\n",
        &arrays,
    ];
    for bytes in all {
        let seen = desk.piped("prune m --data - --threshold 0 --json", bytes);
        assert_eq!(seen.code, Some(0), "{}", seen.stderr);
        let result: Value = serde_json::from_str(&seen.stdout).unwrap();
        assert_eq!(result["task"]["value"], 0.0);
    }
}

#[test]
fn one_output_is_a_logit_of_two_classes() {
    let desk = Desk::new();
    // The sign of a is the class.
    linear(
        &desk,
        &[2.0],
        &[0.0],
        ", \"output_names\": [\"good\", \"bad\"]",
    );
    desk.write("d.csv", "a,label\n1,1\n-1,0\n-3,0\n0.5,1\n");
    let result = desk.result("m --data d.csv");
    assert_eq!(result["task"]["metric"], "accuracy");
    assert_eq!(
        (&result["task"]["value"], &result["task"]["baseline"]),
        (&1.0.into(), &0.5.into())
    );
    assert_eq!(result["data"]["loss"], "cross-entropy");
    assert_eq!(result["prune"]["decision_agreement"], 1.0);
    let logistic = |z: f64| (1.0 + (-z).exp()).ln();
    let expected = [2.0, 2.0, 6.0, 1.0].map(logistic).iter().sum::<f64>() / 4.0;
    let loss = result["prune"]["loss_before"].as_f64().unwrap();
    assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
    // Everything pruned, decisions are all at 0.
    let seen = desk.run("prune m --data d.csv --threshold 9 --tolerance 100 --json");
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(
        (seen.code, &result["prune"]["verified"]),
        (Some(1), &false.into())
    );
    let seen = desk.run("circuit m --data d.csv --fill zero --method exact --json");
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    let circuit = &result["circuits"][0];
    // Signed by the label: 2, 2, 6 and 1.
    assert_eq!(circuit["metric_full"], 2.75, "{}", seen.stderr);
    assert_eq!(circuit["output_name"], "bad");
    // The same labels as floats are what binary cross-entropy takes.
    let (x, y) = (tensor(&[2, 1], &[1.0, -1.0]), tensor(&[2, 1], &[1.0, 0.0]));
    desk.write("f.safetensors", file(&[("x", x), ("y", y)]));
    let result = desk.result("m --data f.safetensors");
    assert_eq!(result["task"]["metric"], "accuracy");
    assert!(
        result["data"]["notes"]
            .to_string()
            .contains("read as a logit")
    );
}

#[test]
fn without_the_frameworks_outputs_the_first_line_says_so() {
    let desk = Desk::new();
    linear(&desk, &[1.0], &[0.0], "");
    desk.write("d.csv", "a,target\n1,1\n2,2\n");
    let seen = desk.run("prune m --data d.csv --threshold 0 --out r");
    let first = first_line(&seen.stdout);
    assert!(
        first.starts_with("not run")
            && first.contains("Nothing here shows that this is your network"),
        "{first}"
    );
    assert!(
        seen.stdout.contains("import torch"),
        "three lines of Python"
    );
}

#[test]
fn a_network_that_knows_nothing_is_told_so() {
    let desk = Desk::new();
    linear(&desk, &[0.0], &[5.0], "");
    desk.write("d.csv", "a,target\n1,1\n2,2\n");
    let result = desk.result("m --data d.csv");
    assert_eq!(result["task"]["does_task"], false);
    let seen = desk.run("prune m --data d.csv --threshold 0 --out r");
    assert!(
        seen.stdout.contains("THIS NETWORK DOES NOT DO THE TASK"),
        "{}",
        seen.stdout
    );
}

#[test]
fn numbers_that_are_none_fail_before_anything_else() {
    let desk = Desk::new();
    desk.write("d.csv", "a,label\n1,1\n-1,0\n");
    for (value, word) in [(f32::NAN, "1 NaN"), (f32::INFINITY, "1 infinite")] {
        linear(&desk, &[value], &[0.0], "");
        let seen = desk.run("prune m --data d.csv --threshold 0 --out r --force");
        let first = first_line(&seen.stdout);
        assert_eq!(seen.code, Some(1), "{}", seen.stderr);
        assert!(
            first.starts_with("fails") && first.contains("not finite"),
            "{}",
            seen.stdout
        );
        let seen = desk.run("prune m --data d.csv --threshold 0 --json");
        assert!(seen.stdout.contains(word), "the weight is named");
        assert!(!seen.stdout.contains("\"holds\": true"));
    }
}

#[test]
fn outputs_of_a_narrow_type_are_judged_by_its_rounding() {
    let Some(cases) = shared("cases") else {
        return;
    };
    let desk = Desk::new();
    let mut members = vec![cases.join("bf16_parity")];
    let zoo = cases.with_file_name("zoo");
    members.push(zoo.join("gpt2-bf16-computed"));
    for member in members {
        let line = format!("{0} --data {0}/data.safetensors", member.display());
        let parity = &desk.result(&line)["parity"];
        println!("{}: {parity}", member.display());
        assert_eq!(
            (&parity["holds"], &parity["precision"]),
            (&true.into(), &"bf16".into())
        );
    }
}

#[test]
fn a_difference_beyond_a_narrow_types_rounding_is_off() {
    let desk = Desk::new();
    linear(&desk, &[1.0], &[0.0], "");
    let x: Vec<f32> = (1..=40).map(|k| k as f32 * 0.37).collect();
    let bits = |x: f32| (x.to_bits() >> 16) as u16;
    let stored = |off: f32| Tensor {
        dtype: Dtype::Bf16,
        shape: vec![40, 1],
        bytes: x.iter().flat_map(|x| bits(x + off).to_le_bytes()).collect(),
    };
    // Outputs reach 14.8, where bf16's numbers are 0.0625 apart.
    for (off, holds) in [(0.0, true), (0.1, true), (1.0, false)] {
        desk.write(
            "d.safetensors",
            file(&[("x", tensor(&[40, 1], &x)), ("outputs", stored(off))]),
        );
        let parity = &desk.result("m --data d.safetensors")["parity"];
        assert_eq!(parity["holds"], holds, "{off}: {parity}");
    }
}

#[test]
fn one_methods_failure_is_not_anothers() {
    let Some(case) = shared("cases/tl_ignore_and_kl") else {
        return;
    };
    let desk = Desk::new();
    let line = format!(
        "circuit {0} --data {0}/data.safetensors --metric kl --json",
        case.display()
    );
    let seen = desk.run(&format!("{line} --method acdc,eap"));
    assert!(matches!(seen.code, Some(0 | 1)), "{}", seen.stderr);
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    let methods: Vec<&Value> = result["circuits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["method"])
        .collect();
    assert_eq!(methods, ["acdc"]);
    let found = result["findings"].to_string();
    assert!(
        found.contains("`eap` scores edges by the gradient of `kl`"),
        "{found}"
    );
    let alone = desk.run(&format!("{line} --method eap"));
    assert_eq!(alone.code, Some(2));
    assert!(alone.stderr.contains("eap-ig-inputs"), "{}", alone.stderr);
}

#[test]
fn a_class_of_billions_is_refused_with_its_number() {
    let desk = Desk::new();
    linear(&desk, &[1.0], &[0.0], "");
    desk.write(
        "d.jsonl",
        "{\"x\": [1], \"label\": 1}\n{\"x\": [1], \"label\": 2147483647}\n",
    );
    assert!(
        desk.refusal("m --data d.jsonl")
            .contains("2147483648 classes")
    );
}

#[test]
fn inspect_tells_what_every_array_is_for() {
    let desk = Desk::new();
    linear(&desk, &[1.0], &[0.0], "");
    desk.write("d.csv", "a,when,label\n1,monday,1\n");
    let seen = desk.run("inspect m --data d.csv --drop when");
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    for (name, purpose) in [
        ("a", "input"),
        ("when", "left out by --drop"),
        ("label", "class"),
    ] {
        let told = seen
            .stdout
            .lines()
            .any(|l| l.starts_with(name) && l.ends_with(purpose));
        assert!(told, "{}", seen.stdout);
    }
    assert_eq!(desk.run("inspect m --data d.csv").code, Some(2));
}

#[test]
fn prompts_begin_as_they_are_told_to() {
    let words = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/gpt2");
    let desk = Desk::new();
    let line = |bos: &str| {
        format!("prune {words} --data {words}/prompts.jsonl --threshold 0 --json {bos}")
    };
    let seen = desk.run(&line("--bos no"));
    assert!(matches!(seen.code, Some(0 | 1)), "{}", seen.stderr);
    let plain: Value = serde_json::from_str(&seen.stdout).unwrap();
    let seen = desk.run(&line("--bos yes"));
    let words = |result: &Value| result["prompts"][0]["clean"].as_array().unwrap().len();
    match seen.code {
        Some(0 | 1) => {
            let with: Value = serde_json::from_str(&seen.stdout).unwrap();
            assert_eq!(words(&with), words(&plain) + 1);
            assert!(with["data"]["notes"].to_string().contains("--bos yes"));
        }
        code => assert!(seen.stderr.contains("bos"), "{code:?} {}", seen.stderr),
    }
}

#[test]
fn integer_labels_are_classes() {
    let desk = Desk::new();
    linear(&desk, &[1.0, -1.0], &[0.0, 0.0], "");
    let labels = Tensor {
        dtype: Dtype::Integer(IntegerKind::I64),
        shape: vec![2],
        bytes: [0_i64, 1].iter().flat_map(|c| c.to_le_bytes()).collect(),
    };
    desk.write(
        "d.safetensors",
        file(&[
            ("inputs", tensor(&[2, 1], &[1.0, -1.0])),
            ("targets", labels),
        ]),
    );
    assert_eq!(desk.result("m --data d.safetensors")["task"]["value"], 1.0);
}

/// Sigmoid at the end: targets are of what is behind it, classes are cut where it is ½.
#[test]
fn what_stands_behind_the_outputs_is_not_decided_on() {
    let desk = Desk::new();
    let chain = ", \"output_activation\": \"sigmoid\"";
    let step = "{\"op\": \"linear\", \"name\": \"0\"}";
    let listed = format!(
        ", \"layers\": [{{\"op\": \"residual\", \"layers\": [{step}]}}, {step}, \
         {{\"op\": \"sigmoid\"}}]"
    );
    let sigmoid = |z: f32| 1.0 / (1.0 + (-z).exp());
    let x = [1.0_f32, -1.0, 0.25, -0.25];
    let inputs = || tensor(&[4, 1], &x);
    // y = 2 x, and 2 (x + 2 x).
    for (config, slope) in [(chain, 2.0), (&listed, 6.0)] {
        linear(&desk, &[2.0], &[0.0], config);
        let behind = tensor(&[4, 1], &x.map(|x| sigmoid(slope * x)));
        let arrays = [("x", inputs()), ("y", behind.clone()), ("outputs", behind)];
        desk.write("d.safetensors", file(&arrays));
        let result = desk.result("m --data d.safetensors");
        assert_eq!(result["parity"]["holds"], true, "{config}");
        assert_eq!(result["task"]["metric"], "mse");
        assert!(
            result["task"]["value"].as_f64().unwrap() < 1e-12,
            "{config}"
        );
        // What is behind a logit is on either side of ½; taken for logits, all would be class 1.
        desk.write("e.csv", "x,label\n1,1\n-1,0\n0.25,1\n-0.25,0\n");
        let result = desk.result("m --data e.csv");
        assert_eq!(result["task"]["value"], 1.0, "{config}");
    }
}

#[test]
fn masks_and_kinds_of_tokens_are_not_passed_over() {
    let desk = Desk::new();
    linear(&desk, &[1.0], &[0.0], "");
    for name in ["attention_mask", "token_type_ids"] {
        let ones = tensor(&[2, 1], &[1.0, 1.0]);
        desk.write("d.safetensors", file(&[("x", ones.clone()), (name, ones)]));
        assert!(desk.refusal("m --data d.safetensors").contains(name));
    }
}

#[test]
fn a_file_that_can_be_read_is_inspected_whatever_it_is() {
    let desk = Desk::new();
    let (a, b) = (tensor(&[2, 3], &[0.5; 6]), tensor(&[4, 5], &[0.5; 20]));
    desk.write(
        "m/model.safetensors",
        file(&[("0.weight", a), ("2.weight", b)]),
    );
    let seen = desk.run("inspect m");
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    let told = seen
        .stdout
        .lines()
        .find(|line| line.starts_with("no network"));
    assert!(
        told.unwrap().contains("a layer is missing"),
        "{}",
        seen.stdout
    );
    let seen = desk.run("inspect m --json");
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert!(
        result["checkpoint"]["no_network"]
            .as_str()
            .unwrap()
            .contains("missing")
    );
    let Some(cases) = shared("cases") else { return };
    let seen = desk.run(&format!(
        "inspect {}/name65536.safetensors",
        cases.display()
    ));
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    assert!(seen.stdout.lines().all(|line| line.len() < 1000));
}

#[test]
fn trainings_read_tables_by_the_same_flags() {
    let desk = Desk::new();
    let rows: String = (0..20)
        .map(|i| format!("{i},{},{},{}\n", i % 3, i % 2, ["wet", "dry"][i % 2]))
        .collect();
    desk.write("d.csv", format!("id,a,b,kind\n{rows}"));
    let line = "train data --data d.csv --steps 3 --hidden 3 --quiet --force --out t";
    let seen = desk.run(&format!("{line} --label kind --drop id"));
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    let read = |name: &str| fs::read_to_string(desk.0.path().join(name)).unwrap();
    let config: Value = serde_json::from_str(&read("t/config.json")).unwrap();
    assert!(!config.to_string().contains("\"id\""), "{config}");
    let seen = desk.run(&format!("{line} --target a,b --drop id,kind"));
    assert_eq!(seen.code, Some(2), "no inputs are left: {}", seen.stderr);
    let seen = desk.run(&format!("{line} --target b --drop id,kind"));
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    assert_eq!(desk.run(&format!("{line} --label sort")).code, Some(2));
}

#[test]
fn what_is_left_out_on_purpose_comes_first() {
    let words = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/gpt2");
    let desk = Desk::new();
    for name in ["model.safetensors", "prompts.jsonl", "tokenizer.json"] {
        desk.write(
            &format!("m/{name}"),
            fs::read(format!("{words}/{name}")).unwrap(),
        );
    }
    let config = fs::read_to_string(format!("{words}/config.json")).unwrap();
    desk.write(
        "m/config.json",
        config.replacen('{', "{\"residual_gate\": 0.5,", 1),
    );
    let line = "m --data m/prompts.jsonl";
    assert!(desk.refusal(line).contains("--ignore config.residual_gate"));
    let line = format!("{line} --ignore config.residual_gate");
    let result = desk.result(&line);
    assert_eq!(
        result["checkpoint"]["config"]["ignored"][0],
        "residual_gate"
    );
    let first = result["summary"][0]["sentence"].as_str().unwrap();
    assert!(
        first.contains("`--ignore` left out 1 of the keys"),
        "{first}"
    );
}

/// A network of two classes that loses one decision when 0.1 is pruned, and its table.
fn with_sites(desk: &Desk) {
    linear(desk, &[1.0, 0.1, 0.0, 1.0], &[0.0, 0.0], "");
    desk.write(
        "d.csv",
        "a,b,kind,site\n1,0,0,t\n0,1,1,t\n1,1.05,0,s\n2,0,1,s\n",
    );
}

const BY_SITE: &str = "circuit m --method exact --prune-threshold 0.5 --top 1 --no-judge";

#[test]
fn subgroups_tell_where_decisions_change() {
    let desk = Desk::new();
    with_sites(&desk);
    let line = format!("{BY_SITE} --data d.csv --label kind --by site --json --out r");
    let seen = desk.run(&line);
    assert_eq!(
        seen.code,
        Some(1),
        "the threshold is too high: {}",
        seen.stderr
    );
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    let found = &result["subgroups"];
    assert_eq!(
        (&found["column"], &found["metric"]),
        (&"site".into(), &"accuracy".into())
    );
    let told = |group: &Value| {
        let number = |key: &str| group[key].as_f64().unwrap();
        let keys = [
            "samples",
            "metric_full",
            "metric_pruned",
            "decisions_changed",
        ];
        (
            group["value"].as_str().unwrap().to_owned(),
            keys.map(number),
        )
    };
    let groups: Vec<_> = found["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    assert_eq!(
        groups,
        [
            ("s".to_owned(), [2.0, 0.5, 0.0, 1.0]),
            ("t".to_owned(), [2.0, 1.0, 1.0, 0.0])
        ]
    );
    let change = found["groups"][0]["max_abs_change"].as_f64().unwrap();
    assert!((change - 0.105).abs() < 1e-6, "{change}");
    let page = fs::read_to_string(desk.0.path().join("r/index.html")).unwrap();
    assert!(page.contains("id=\"subgroups\"") && page.contains("1 of 2 for s"));
    assert!(desk.0.path().join("r/tables/subgroups.csv").is_file());
    let brief = desk.run("report r/circuit.json --brief --out b");
    assert_eq!(brief.code, Some(1), "{}", brief.stderr);
    let brief = fs::read_to_string(desk.0.path().join("b/brief.html")).unwrap();
    assert!(brief.contains("Subgroups by site"));
}

#[test]
fn subgroups_by_what_is_not_there_are_refused_with_what_is() {
    let desk = Desk::new();
    with_sites(&desk);
    let refused = |line: &str| {
        let seen = desk.run(&format!("{BY_SITE} {line} --json"));
        assert_eq!((seen.code, seen.stdout.as_str()), (Some(2), ""), "{line}");
        seen.stderr
    };
    let unknown = refused("--data d.csv --label kind --by sity");
    assert!(
        unknown.contains("`--by sity` names no column") && unknown.contains("`site`"),
        "{unknown}"
    );
    let array = |values: &[i64]| Tensor {
        dtype: Dtype::Integer(IntegerKind::I64),
        shape: vec![values.len()],
        bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let arrays = [
        ("test_inputs", tensor(&[2, 2], &[1.0, 0.0, 0.0, 1.0])),
        ("test_labels", array(&[0, 1])),
        ("test_site", array(&[7, 7])),
    ];
    desk.write("d.safetensors", file(&arrays));
    let unknown = refused("--data d.safetensors --drop test_site --by age");
    assert!(unknown.contains("test_site"), "{unknown}");
    let shape = refused("--data d.safetensors --drop test_site --by inputs");
    assert!(
        shape.contains("one number for each of 2 samples"),
        "{shape}"
    );
    let seen = desk.run(&format!("{BY_SITE} --data d.safetensors --by site --json"));
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(result["subgroups"]["groups"][0]["samples"], 2);
    let example = desk.run("audit --by site --json");
    assert_eq!(example.code, Some(2), "{}", example.stderr);
}

#[test]
fn figures_are_set_as_they_are_asked_for() {
    let desk = Desk::new();
    with_sites(&desk);
    let line = format!("{BY_SITE} --data d.csv --label kind --drop site --quiet --out r");
    desk.run(&format!("{line} --width 3.25in --font Inter"));
    let drawn = fs::read_to_string(desk.0.path().join("r/figures/network.svg")).unwrap();
    assert!(drawn.contains("width=\"3.25in\""), "{drawn}");
    assert!(drawn.contains(".fig{font-family:\"Inter\",sans-serif}"));
    let refused = desk.run(&format!("{line} --width 3.25"));
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("3.25in, 82.5mm"),
        "{}",
        refused.stderr
    );
}
