//! Modules put in each other's place, and followed along the threshold and over a training, as a
//! person asks for it.

#![allow(clippy::unwrap_used, clippy::panic)] // A command that fails should fail loudly.

use std::path::Path;

use assert_cmd::Command;
use modscope::checkpoint::{Checkpoint, Tensor};
use modscope::choice::{CoursePath, Scope, Turn};
use modscope::result::{Audit, Course, Modules, Transplant};

/// y0 = f(x0) by two neurons, y1 = g(x1) by two others, tanh: `second` are the weights into
/// the latter. f(x) = 3 tanh(2 x + 0.5) + tanh(−x + 0.25).
fn network(second: [f64; 2]) -> Vec<(&'static str, Tensor)> {
    let first = [2.0, 0.0, -1.0, 0.0, 0.0, second[0], 0.0, second[1]];
    let floats = |shape: &[usize], values: &[f64]| Tensor::of_floats(shape, values);
    vec![
        ("0.weight", floats(&[4, 2], &first)),
        ("0.bias", floats(&[4], &[0.5, 0.25, 0.25, 0.5])),
        (
            "2.weight",
            floats(&[2, 4], &[3.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 3.0]),
        ),
        ("2.bias", floats(&[2], &[0.0, 0.0])),
    ]
}

/// What `modscope modules` says of it.
fn modules(second: [f64; 2]) -> (Modules, String) {
    let folder = tempfile::tempdir().unwrap();
    let model = Checkpoint::from_tensors("model", network(second), None).unwrap();
    model
        .write(&folder.path().join("model.safetensors"))
        .unwrap();
    let rows = (0..40).map(|k| {
        let x = f64::from(k) / 20.0 - 1.0;
        format!("{x},{},{},{}\n", (7.0 * x).sin(), 2.0 * x, x * x)
    });
    let table = format!("a,b,p,q\n{}", rows.collect::<String>());
    std::fs::write(folder.path().join("data.csv"), table).unwrap();
    let line =
        "modules model.safetensors --data data.csv --target p,q --activation tanh --path --out out";
    let output = Command::cargo_bin("modscope")
        .unwrap()
        .current_dir(folder.path())
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    let json = std::fs::read(folder.path().join("out/modules.json")).unwrap();
    let audit: Audit = serde_json::from_slice(&json).unwrap();
    let page = std::fs::read_to_string(folder.path().join("out/index.html")).unwrap();
    for file in [
        "tables/transplants.csv",
        "figures/modules-along-threshold.svg",
    ] {
        assert!(folder.path().join("out").join(file).is_file(), "{file}");
    }
    (audit.modules.unwrap(), page)
}

fn of_all(modules: &Modules) -> Vec<&Transplant> {
    modules
        .transplants
        .iter()
        .filter(|t| t.scope == Scope::All)
        .collect()
}

#[test]
fn a_known_copy_is_found_and_its_neurons_are_matched() {
    let (modules, page) = modules([-1.0, 2.0]);
    let all = of_all(&modules);
    assert_eq!((modules.count, all.len()), (2, 2));
    for transplant in all {
        assert!(
            transplant.copy && transplant.likeness > 1.0 - 1e-9,
            "{transplant:?}"
        );
        assert!(transplant.difference_over_tolerance < 1e-6);
        assert!(transplant.restored.unwrap() > 1.0 - 1e-6);
        let beside = |host: &str| {
            let mut pairs = transplant.sites.iter();
            pairs
                .find(|pair| pair.contains(&host.to_owned()))
                .unwrap()
                .clone()
        };
        assert!(
            beside("h1.0").contains(&"h1.3".to_owned()),
            "{:?}",
            transplant.sites
        );
        assert!(beside("h1.1").contains(&"h1.2".to_owned()));
    }
    assert!(page.contains("stand in for") && page.contains("In its place"));
}

#[test]
fn a_module_of_another_function_is_no_copy() {
    let (modules, page) = modules([1.0, 2.0]);
    let all = of_all(&modules);
    assert_eq!((modules.count, all.len()), (2, 2));
    assert!(
        all.iter()
            .all(|t| !t.copy && t.likeness < 0.99 && t.difference_over_tolerance > 1.0)
    );
    assert!(page.contains("No module can stand in for another"));
}

/// Writes the network with its neurons in another order, `factor` times the weights of x1.
fn checkpoint(path: &Path, order: [usize; 4], factor: f64) {
    let [(_, first), (_, bias), (_, last), _] = network([-1.0, 2.0]).try_into().unwrap();
    let (first, bias, last) = (first.to_f64(), bias.to_f64(), last.to_f64());
    let rows = order
        .iter()
        .flat_map(|n| [first[2 * n], factor * first[2 * n + 1]]);
    let columns = (0..8).map(|at| last[at / 4 * 4 + order[at % 4]]);
    let second = columns
        .enumerate()
        .map(|(at, w)| if at < 4 { w } else { factor * w });
    let floats = |shape: &[usize], values: Vec<f64>| Tensor::of_floats(shape, &values);
    let tensors = vec![
        ("0.weight", floats(&[4, 2], rows.collect())),
        (
            "0.bias",
            floats(&[4], order.iter().map(|n| bias[*n]).collect()),
        ),
        ("2.weight", floats(&[2, 4], second.collect())),
        ("2.bias", floats(&[2], vec![0.0, 0.0])),
    ];
    let model = Checkpoint::from_tensors("model", tensors, None).unwrap();
    model.write(path).unwrap();
}

/// Runs `modscope modules step-300.safetensors --over …` in a folder.
fn over(folder: &Path, over: &str) -> std::process::Output {
    let line = format!(
        "modules step-300.safetensors --data data.csv --target p,q --activation tanh \
         --threshold 0.1 --algorithm components --out out --over {over}"
    );
    Command::cargo_bin("modscope")
        .unwrap()
        .current_dir(folder)
        .args(line.split_whitespace())
        .output()
        .unwrap()
}

/// Three checkpoints of a training: before step 200 nothing reads x1; the neurons stand
/// elsewhere in each.
fn training(folder: &Path) {
    std::fs::create_dir(folder.join("early")).unwrap();
    checkpoint(
        &folder.join("early/step-100.safetensors"),
        [3, 0, 2, 1],
        0.0,
    );
    checkpoint(
        &folder.join("early/step-200.safetensors"),
        [2, 3, 1, 0],
        0.9,
    );
    checkpoint(&folder.join("step-300.safetensors"), [0, 1, 2, 3], 1.0);
    let rows = (0..40).map(|k| {
        let x = f64::from(k) / 20.0 - 1.0;
        format!("{x},{},{},{}\n", (7.0 * x).sin(), 2.0 * x, x * x)
    });
    let table = format!("a,b,p,q\n{}", rows.collect::<String>());
    std::fs::write(folder.join("data.csv"), table).unwrap();
}

#[test]
fn modules_are_followed_over_a_training_though_neurons_were_swapped() {
    let folder = tempfile::tempdir().unwrap();
    training(folder.path());
    let output = over(folder.path(), "early");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    let out = folder.path().join("out");
    let json = std::fs::read(out.join("modules.json")).unwrap();
    let audit: Audit = serde_json::from_slice(&json).unwrap();
    let courses = audit.modules.unwrap().courses;
    let [
        Course {
            along,
            stages,
            turns,
        },
    ] = courses.as_slice()
    else {
        panic!("{courses:?}");
    };
    assert_eq!(*along, CoursePath::Steps);
    let told = stages.iter().map(|s| (s.at, s.edges, s.lines.len()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(100.0, 4, 1), (200.0, 8, 2), (300.0, 8, 2)]
    );
    assert_eq!(stages[1].partition, stages[2].partition);
    let turns = turns.iter().map(|t| (t.at, t.line, t.turn, t.other));
    assert_eq!(turns.collect::<Vec<_>>(), [(200.0, 1, Turn::Appears, None)]);
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("Over the training, from step 100 to 300"));
    assert!(out.join("figures/modules-along-training.svg").is_file());
}

#[test]
fn checkpoints_that_are_no_stages_of_this_training_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    training(folder.path());
    let at = |name: &str| folder.path().join(name);
    std::fs::copy(at("early/step-100.safetensors"), at("one.safetensors")).unwrap();
    std::fs::copy(at("early/step-100.safetensors"), at("ckpt_200.safetensors")).unwrap();
    let narrow = Checkpoint::from_tensors(
        "narrow",
        vec![
            ("0.weight", Tensor::of_floats(&[1, 2], &[1.0, 1.0])),
            ("2.weight", Tensor::of_floats(&[2, 1], &[1.0, 1.0])),
        ],
        None,
    );
    narrow.unwrap().write(&at("step-7.safetensors")).unwrap();
    for (named, wrong) in [
        ("one.safetensors", "nothing tells at which step"),
        ("early ckpt_200.safetensors", "is of step 200, and so is"),
        (
            "step-7.safetensors",
            "the shape of this network is [2, 1, 2]",
        ),
        ("nowhere", "cannot read"),
    ] {
        let output = over(folder.path(), named);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{named}: {error}");
        assert!(error.contains(wrong), "{named}: {error}");
    }
}

/// What `train` leaves is taken as it is: the network's own step is that of its configuration.
#[test]
fn snapshots_of_a_training_are_its_stages() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| {
        let mut command = Command::cargo_bin("modscope").unwrap();
        let line = line.split_whitespace();
        let output = command.current_dir(folder.path()).args(line).output();
        let output = output.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{error}");
    };
    run("train two_moon --steps 30 --swap-every 5 --snapshot-every 10 --out r");
    run("modules r --over r.snapshots --threshold 0 --null degree:0 --out out");
    run("inspect r.snapshots/000010.safetensors --activation silu");
    let json = std::fs::read(folder.path().join("out/modules.json")).unwrap();
    let audit: Audit = serde_json::from_slice(&json).unwrap();
    let course = &audit.modules.unwrap().courses[0];
    let steps: Vec<f64> = course.stages.iter().map(|stage| stage.at).collect();
    assert_eq!(steps, [10.0, 20.0, 30.0]);
}
