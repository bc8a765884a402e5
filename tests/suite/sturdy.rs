//! It does not fall over, and it does not lose: inputs and flags at their extremes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Barrier;

use modscope::checkpoint::{Checkpoint, Tensor};
use modscope::escape::steers;
use serde_json::{Value, json};

const NET: &str = "fixtures/broken/good/bimt";
const DATA: &str = "fixtures/broken/good/data.safetensors";

fn modscope(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modscope"))
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Refused with exit code 2 and these words.
fn refused(words: &[&str], expected: &str) {
    let output = modscope(words);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
    assert!(said.contains(expected), "{words:?}: {said}");
}

#[test]
fn flags_at_their_extremes_are_refused_with_the_range() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("r").display().to_string();
    let most = u64::MAX.to_string();
    let audit = [
        ["--null", "layer:99999999999", "from 0 to 100000"],
        ["--null", "99999999999", "from 0 to 100000"],
        ["--null", "layer:-1", "from 0 to 100000"],
        ["--restarts", &most, "is not in 1..=10000"],
        ["--restarts", "0", "is not in 1..=10000"],
        ["--ig-steps", &most, "is not in 1..=10000"],
        ["--resamples", &most, "is not in 0..=100000"],
        ["--clusters", &most, "is not in 1..=1000000"],
        ["--mask-steps", &most, "is not in 1..=1000000"],
        ["--tolerance", "nan", "finite number"],
        ["--tolerance", "-1", "finite number"],
        ["--tolerance", "inf%", "finite number"],
        ["--resolution", "inf", "above 0"],
        ["--budget", "1e308", "at most 1000000000 seconds"],
        ["--threads", &most, "from 1 to 1024"],
        ["--max-memory", "0", "500M or 2G"],
        ["--max-memory", "99999999999999999999G", "500M or 2G"],
    ];
    for [flag, value, words] in audit {
        let flag = format!("{flag}={value}");
        refused(&["audit", NET, "--data", DATA, "--out", &out, &flag], words);
    }
    let train = [
        ["--hidden", "0", "is not in 1..=1000000"],
        ["--hidden", "20,0", "is not in 1..=1000000"],
        ["--hidden", &most, "is not in 1..=1000000"],
        ["--embedding", &most, "is not in 1..=1000000"],
        ["--blocks", &most, "is not in 1..=1000"],
        ["--heads", "0", "is not in 1..=1000"],
        ["--seeds", "0..18446744073709551615", "at most 10000 seeds"],
        ["--steps", &most, "is not in 0..=1000000000"],
        ["--lr", "nan", "from 0 to 1000000"],
        ["--lr", "1e308", "from 0 to 1000000"],
        ["--lr", "-1", "from 0 to 1000000"],
        ["--lambda", "nan", "from 0 to 1000000"],
        ["--lambda", "0:1,5:1e308", "from 0 to 1000000"],
        ["--beta1", "1", "below 1"],
        ["--eps", "inf", "from 0 to 1000000"],
        ["--l0", "1e308", "from 0 to 1000000"],
        ["--weight-decay", "nan", "from 0 to 1000000"],
        ["--threads", "0", "is not in 1..=1024"],
        ["--snapshot-every", "0", "is not in 1..=1000000000"],
        // Allowed one by one, together more than a machine has.
        ["--hidden", "1000000,1000000", "MB of memory"],
    ];
    for [flag, value, words] in train {
        let flag = format!("{flag}={value}");
        refused(&["train", "independence", "--out", &out, &flag], words);
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing was written"
    );
}

#[test]
fn a_class_or_token_that_no_network_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("label.jsonl");
    let out = folder.path().join("r").display().to_string();
    for (line, words) in [
        (
            r#"{"inputs": [1, 2], "label": 2147483647}"#,
            "2147483648 classes",
        ),
        (r#"{"tokens": [1, 4294967295], "label": 1}"#, "4294967296"),
    ] {
        fs::write(
            &file,
            format!("{line}\n{line}\n{line}\n{line}\n{line}\n{line}\n"),
        )
        .unwrap();
        let data = file.display().to_string();
        refused(
            &[
                "train", "data", "--data", &data, "--steps", "5", "--out", &out,
            ],
            words,
        );
    }
}

/// A network of two layers with these weights, and data for it.
fn network(folder: &Path, weights: &[f64]) {
    let tensors = BTreeMap::from([
        (
            "0.weight".to_owned(),
            Tensor::of_floats(&[2, 2], &weights[..4]),
        ),
        ("0.bias".to_owned(), Tensor::of_floats(&[2], &[0.0, 0.1])),
        (
            "2.weight".to_owned(),
            Tensor::of_floats(&[1, 2], &weights[4..6]),
        ),
        ("2.bias".to_owned(), Tensor::of_floats(&[1], &[0.2])),
    ]);
    write(&folder.join("model.safetensors"), tensors);
    fs::write(folder.join("config.json"), r#"{"activation": "relu"}"#).unwrap();
    let inputs: Vec<f64> = (0..24).map(|i| f64::from(i).sin()).collect();
    let data = BTreeMap::from([("inputs".to_owned(), Tensor::of_floats(&[12, 2], &inputs))]);
    write(&folder.join("data.safetensors"), data);
}

fn write(path: &Path, tensors: BTreeMap<String, Tensor>) {
    let checkpoint = Checkpoint {
        path: PathBuf::new(),
        sha256: String::new().into(),
        tensors,
        metadata: BTreeMap::new(),
        config: serde_json::Map::new(),
    };
    checkpoint.write(path).unwrap();
}

#[test]
fn a_weight_of_no_size_gives_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let net = folder.path().join("net");
    fs::create_dir(&net).unwrap();
    for tiny in [1e-310, 5e-324, 1e300] {
        network(&net, &[0.5, tiny, -1.0, 0.7, 1.0, -0.4]);
        let (net, out) = (net.display().to_string(), folder.path().join("r"));
        let output = modscope(&["audit", &net, "--out", out.to_str().unwrap(), "--force"]);
        assert!(output.status.code() < Some(2), "{tiny}: {}", said(&output));
        assert!(out.join("index.html").is_file());
    }
}

#[test]
fn numbers_of_a_result_that_is_read_back_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let output = modscope(&["audit", NET, "--data", DATA, "--json"]);
    let good: Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = folder.path().join("audit.json");
    let out = folder.path().join("r").display().to_string();
    for (pointer, words) in [
        ("/strongest/each", "`strongest.each` is 9223372036854775807"),
        (
            "/checkpoint/layers/0",
            "`checkpoint.layers` is 9223372036854775807",
        ),
        ("/data/samples", "`data.samples` is 9223372036854775807"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = json!(i64::MAX);
        fs::write(&file, bad.to_string()).unwrap();
        refused(&["report", file.to_str().unwrap(), "--out", &out], words);
    }
}

#[test]
fn a_tokenizer_that_panics_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let words = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/broken/good/words");
    for name in ["config.json", "model.safetensors"] {
        fs::copy(words.join(name), folder.path().join(name)).unwrap();
    }
    // A merge of two pieces shorter than the prefix that is cut off the second.
    let tokenizer = json!({
        "version": "1.0", "added_tokens": [], "truncation": null, "padding": null,
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "end_of_word_suffix": null,
            "continuing_subword_prefix": "a long prefix", "fuse_unk": false,
            "byte_fallback": false, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]],
        },
    });
    fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let prompts = folder.path().join("prompts.jsonl");
    fs::write(&prompts, "{\"clean\": \"a b\"}\n").unwrap();
    let (net, data) = (folder.path().to_str().unwrap(), prompts.to_str().unwrap());
    let output = modscope(&["circuit", net, "--data", data, "--json"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("tokenizer.json") && !said.contains("panicked"),
        "{said}"
    );
}

#[test]
fn a_flipped_bit_in_a_snapshot_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("r").display().to_string();
    let train = |more: &[&str]| {
        let words = [
            "train", "two_moon", "--steps", "4", "--hidden", "3", "--quiet", "--out",
        ];
        modscope(&[&words[..], &[out.as_str()], more].concat())
    };
    assert_eq!(train(&["--snapshot-every", "2"]).status.code(), Some(0));
    let snapshot = folder.path().join("r.snapshots/000002.safetensors");
    let good = fs::read(&snapshot).unwrap();
    let resumed = train(&["--force", "--resume", snapshot.to_str().unwrap()]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    for place in [1, 40, 120] {
        let mut bad = good.clone();
        let at = bad.len() - place;
        bad[at] ^= 4;
        fs::write(&snapshot, bad).unwrap();
        let output = train(&["--force", "--resume", snapshot.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{place}");
        assert!(said(&output).contains("checksum"), "{}", said(&output));
    }
}

#[test]
fn a_training_that_fails_is_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("r").display().to_string();
    let data = folder.path().join("huge.jsonl");
    // Numbers of the file, and more than the float32 of the training holds.
    fs::write(
        &data,
        "{\"inputs\": [1, 2], \"label\": [1e200]}\n".repeat(6),
    )
    .unwrap();
    let data = data.to_str().unwrap();
    let words = [
        "train", "data", "--data", data, "--steps", "9", "--out", &out,
    ];
    let output = modscope(&words);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("the training failed"),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn of_two_commands_with_one_place_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let out = folder
            .path()
            .join(format!("r{round}"))
            .display()
            .to_string();
        let start = Barrier::new(3);
        let one = || {
            start.wait();
            modscope(&[
                "audit", NET, "--data", DATA, "--null", "layer:1", "--quiet", "--out", &out,
            ])
        };
        let outputs: Vec<Output> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let mut codes: Vec<_> = outputs.iter().map(|o| o.status.code().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(
            codes,
            [0, 2, 2],
            "{:?}",
            outputs.iter().map(said).collect::<Vec<_>>()
        );
        let refused = outputs.iter().filter(|o| o.status.code() == Some(2));
        assert!(refused.map(said).all(|s| s.contains("already there")));
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 6, "{left:?}");
}

#[test]
fn a_pruned_file_and_its_report_are_both_there_or_neither() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let prune = |file: &str, out: &str| {
        let words = [
            "prune", NET, "--data", DATA, "--quiet", "-o", file, "--out", out,
        ];
        modscope(&words).status.code()
    };
    assert_eq!(prune(&path("f.safetensors"), &path("r")), Some(0));
    assert_eq!(prune(&path("f.safetensors"), &path("r2")), Some(2));
    assert_eq!(prune(&path("f2.safetensors"), &path("r")), Some(2));
    let no_folder = path("no-such-folder/f.safetensors");
    assert_eq!(prune(&no_folder, &path("r3")), Some(2));
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["f.safetensors", "r"]);
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let inside = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    entries.flat_map(inside).collect()
}

/// What a terminal, a spreadsheet and a wiki are shown holds nothing that steers them.
#[test]
#[cfg(unix)]
fn names_steer_nothing_wherever_they_are_shown() {
    const EVIL: &str = "a\u{1b}[31m\u{202e}b\nc\u{9b}|<script>=1";
    let folder = tempfile::tempdir().unwrap();
    let net = folder.path().join(EVIL);
    fs::create_dir(&net).unwrap();
    network(&net, &[0.5, 0.3, -1.0, 0.7, 1.0, -0.4]);
    let formula = format!("=HYPERLINK(\"x\"){EVIL}");
    let task = json!({"name": EVIL, "inputs": [EVIL, formula], "outputs": [formula]});
    fs::write(net.join("task.json"), task.to_string()).unwrap();
    let out = folder.path().join("r");
    let (net, out) = (net.to_str().unwrap(), out.to_str().unwrap());
    let audit = modscope(&["audit", net, "--out", out, "--force"]);
    let shown = [
        modscope(&["inspect", net]),
        modscope(&["audit", net, "--json"]),
        modscope(&["audit", &format!("{net}x")]),
        modscope(&["report", &format!("{out}/audit.json"), "--json"]),
        audit,
    ];
    for output in shown {
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let steering = text.chars().find(|c| steers(*c) && *c != '\n');
            assert_eq!(steering, None, "{text}");
        }
    }
    let mut checked = 0;
    for path in files(Path::new(out)) {
        let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
        let steering = text.chars().find(|c| steers(*c) && !"\n\t".contains(*c));
        assert_eq!(steering, None, "{}", path.display());
        let extension = path.extension().unwrap().to_str().unwrap();
        assert!(
            !["html", "svg"].contains(&extension) || !text.contains("<script>=1"),
            "{}",
            path.display()
        );
        if extension == "csv" {
            let mut rows = csv::Reader::from_reader(text.as_bytes());
            for row in rows.records().map(Result::unwrap) {
                assert!(
                    row.iter().all(|cell| !cell.starts_with('=')),
                    "{}",
                    path.display()
                );
            }
        }
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
}

/// A result without what the command line and the clock put into it.
fn timeless(output: &Output) -> Value {
    stripped(serde_json::from_slice(&output.stdout).unwrap())
}

/// The same of a result that was written.
pub(super) fn stripped(mut result: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|key, _| {
                    !key.contains("seconds") && key != "command" && key != "costs"
                });
                fields.values_mut().for_each(strip);
            }
            Value::Array(list) => {
                // What a comparison says of a time.
                let of_time = |v: &Value| {
                    v["info"]["key"]
                        .as_str()
                        .is_some_and(|k| k.contains("seconds"))
                };
                list.retain(|value| !of_time(value));
                list.iter_mut().for_each(strip);
            }
            _ => {}
        }
    }
    strip(&mut result);
    result
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let audit = |threads: &str| {
        let words = [
            "audit",
            NET,
            "--data",
            DATA,
            "--certify",
            "--domain",
            "box:-1,1",
            "--json",
        ];
        let more = [
            "--boxes",
            "200",
            "--budget",
            "1000",
            "--method",
            "exact,acdc,eap,mask",
        ];
        modscope(&[&words[..], &more[..], &["--threads", threads]].concat())
    };
    let one = audit("1");
    assert!(one.status.code() < Some(2), "{}", said(&one));
    for threads in ["2", "7"] {
        assert_eq!(
            timeless(&audit(threads)),
            timeless(&one),
            "{threads} threads"
        );
    }
}

/// Transformers and comparisons as well.
#[test]
fn searches_do_not_depend_on_the_number_of_threads() {
    let searches = [
        "circuit fixtures/gpt2 --method exact,acdc,eap,eap-ig-inputs --top 20",
        "modules fixtures/broken/good/bimt --data fixtures/broken/good/data.safetensors \
         --null layer:9",
    ];
    for words in searches {
        let run = |threads: &str| {
            let words: Vec<&str> = words.split_whitespace().collect();
            modscope(&[&words[..], &["--json", "--threads", threads]].concat())
        };
        let one = run("1");
        assert!(one.status.code() < Some(2), "{words}: {}", said(&one));
        for threads in ["2", "7"] {
            assert_eq!(
                timeless(&run(threads)),
                timeless(&one),
                "{words}, {threads}"
            );
        }
    }
}

#[test]
fn trainings_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let train = |threads: &str| {
        let out = folder.path().join(threads);
        let words = [
            "train",
            "two_moon",
            "--steps",
            "60",
            "--threads",
            threads,
            "--quiet",
        ];
        let trained = modscope(&[&words[..], &["--out", out.to_str().unwrap()]].concat());
        assert_eq!(trained.status.code(), Some(0), "{}", said(&trained));
        ["model.safetensors", "data.safetensors", "curve.csv"]
            .map(|f| fs::read(out.join(f)).unwrap())
    };
    let one = train("1");
    assert!(train("2") == one && train("7") == one);
}
