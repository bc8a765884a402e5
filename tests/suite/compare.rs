//! Comparing networks: what a person types, the controls, and the calibration.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

use crate::sturdy::stripped;
use assert_cmd::Command;
use modscope::choice::{Against, ControlKind};
use modscope::compare::matching::Matching;
use modscope::compare::{self, Config, Entry, Part};
use modscope::data::Dataset;
use modscope::evaluate::Judge;
use modscope::evaluate::hypotheses::hypotheses;
use modscope::metric::Metric;
use modscope::model::{Linear, Mlp};
use modscope::numeric::statistics::holm;
use modscope::numeric::{Activation, Rng};
use modscope::patch::{Engine, Fills, PatchableExt as _};
use modscope::result::Comparison;
use modscope::train::trainer::Trainer;
use modscope::train::{Regime, Task};
use ndarray::{Array2, array};

fn modscope() -> Command {
    Command::cargo_bin("modscope").unwrap()
}

/// Networks of a few steps each, in folders of a sweep.
fn sweep(folder: &Path, regimes: &str, seeds: &str) -> PathBuf {
    let out = folder.join("runs");
    let words = [
        "train",
        "independence",
        "--regimes",
        regimes,
        "--seeds",
        seeds,
        "--steps",
        "300",
        "--hidden",
        "6,6",
        "--quiet",
        "--out",
    ];
    modscope().args(words).arg(&out).assert().success();
    out
}

fn compared(folder: &Path) -> Comparison {
    serde_json::from_slice(&std::fs::read(folder.join("compare.json")).unwrap()).unwrap()
}

/// Audit, circuit and comparison say the same of the same network: circuit by circuit, its
/// faithfulness, its interval and whether it is established.
#[test]
fn the_same_network_gets_the_same_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let told = |words: &[&str]| -> serde_json::Value {
        let place = folder.path().join(words[0]);
        let quiet = ["--json", "--quiet", "--force", "--out"];
        let said = modscope()
            .args(words)
            .args(quiet)
            .arg(place)
            .output()
            .unwrap();
        serde_json::from_slice(&said.stdout).unwrap()
    };
    let verdicts = |circuits: &serde_json::Value, established: &str| -> Vec<String> {
        let all = circuits.as_array().unwrap().iter();
        let exact = all.filter(|c| c.get("method").is_none_or(|method| method == "exact"));
        let verdict = |c: &serde_json::Value| {
            let is_established = c[established].as_bool().unwrap_or(false);
            let kept = (&c["faithfulness"], &c["interval"], &c["edges_kept"]);
            format!("{}: {kept:?} {is_established}", c["output"])
        };
        exact.map(verdict).collect()
    };
    for name in ["independence-bimt", "two_moon-bimt"] {
        let network = format!("fixtures/{name}");
        let data = format!("{network}/data.safetensors");
        let audited = told(&["audit", &network, "--data", &data]);
        let threshold = audited["prune"]["threshold"].to_string();
        let cut = ["--prune-threshold", &threshold, "--method", "exact"];
        let circuit = told(&[&["circuit", &network, "--data", &data], &cut[..]].concat());
        let compared = told(&["compare", &network, &network, "--data", &data]);
        let audited = verdicts(&audited["circuits"], "established");
        assert!(!audited.is_empty());
        assert_eq!(verdicts(&circuit["circuits"], "established"), audited);
        for network in compared["networks"].as_array().unwrap() {
            assert_eq!(verdicts(&network["circuits"], "is_circuit"), audited);
        }
    }
}

#[test]
fn a_sweep_becomes_a_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let runs = sweep(folder.path(), "bimt,vanilla", "0..3");
    let data = runs.join("independence-vanilla-s2/data.safetensors");
    let out = folder.path().join("report");
    let said = modscope()
        .arg("compare")
        .arg(&runs)
        .arg("--data")
        .arg(&data)
        .args(["--rank", "--out"])
        .arg(&out)
        .assert()
        .success();
    let words = String::from_utf8(said.get_output().stdout.clone()).unwrap();
    // Three pairs of seeds give 2 of 8 patterns at the least.
    assert!(words.contains("no difference can be shown"), "{words}");
    let result = compared(&out);
    let groups: Vec<&str> = result.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(groups, ["bimt", "vanilla"]);
    assert_eq!(result.networks.len(), 6);
    let ranked = &result.ranking.as_ref().unwrap().networks;
    assert!(ranked.len() == 6 && ranked[0].mean_rank <= ranked[5].mean_rank);
    assert!(
        words.contains(&format!("{} has the lowest mean rank", ranked[0].name)),
        "{words}"
    );
    for measure in &result.measures {
        for test in &measure.tests {
            assert!(test.p.is_none_or(|p| p >= 0.25), "{}", measure.info.key);
            assert!(test.no_test.is_some() || test.smallest == Some(0.25));
        }
        for network in &result.networks {
            assert!(network.values.contains_key(&measure.info.key));
        }
    }
    for network in &result.networks {
        let ([low, high], loss) = (network.intervals["loss"], network.values["loss"].unwrap());
        assert!(
            low <= loss && loss <= high && low < high,
            "{}",
            network.name
        );
    }
    for file in [
        "index.html",
        "tables/networks.csv",
        "tables/tests.csv",
        "tables/ranking.csv",
        "tables/compare.md",
        "tables/compare.tex",
        "figures/networks.svg",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert!(!folder.path().join(".report.compare").exists());
    // The same again gives the same numbers, but for times.
    let again = folder.path().join("again");
    modscope()
        .arg("compare")
        .arg(&runs)
        .arg("--data")
        .arg(&data)
        .args(["--threads", "1", "-q", "--out"])
        .arg(&again)
        .assert()
        .success();
    let other = compared(&again);
    for (one, other) in result.networks.iter().zip(&other.networks) {
        let numbers = |n: &modscope::result::ComparedNetwork| {
            let mut values = n.values.clone();
            values.retain(|key, _| !key.contains("seconds"));
            (values, n.circuits.clone(), n.front.clone())
        };
        assert_eq!(numbers(one), numbers(other));
    }
    assert_eq!(result.overlap, other.overlap);
}

#[test]
fn networks_measured_on_many_machines_are_compared_as_on_one() {
    let folder = tempfile::tempdir().unwrap();
    let nets = sweep(folder.path(), "vanilla,bimt", "0..2");
    let parts = folder.path().join("parts");
    let run = |more: &[&str]| {
        let mut command = modscope();
        command
            .arg("compare")
            .arg(&nets)
            .args(["--control-draws", "1"]);
        command
            .args(more)
            .assert()
            .success()
            .get_output()
            .stdout
            .clone()
    };
    let from = parts.to_str().unwrap();
    for turn in ["1/3", "3/3"] {
        run(&["--from", from, "--only", turn]);
    }
    // Three of four are measured; the one that was lost is measured now.
    assert_eq!(std::fs::read_dir(&parts).unwrap().count(), 3);
    let merged = run(&["--from", from, "--json"]);
    assert_eq!(std::fs::read_dir(&parts).unwrap().count(), 4);
    let alone = run(&["--json"]);
    let parsed = |bytes: &[u8]| stripped(serde_json::from_slice(bytes).unwrap());
    assert_eq!(parsed(&merged), parsed(&alone));
    for wrong in ["0/3", "4/3", "a", "3"] {
        let mut command = modscope();
        command
            .arg("compare")
            .arg(&nets)
            .args(["--from", from, "--only", wrong]);
        command.assert().code(2);
    }
}

#[test]
fn one_seed_gets_no_p_value_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let runs = sweep(folder.path(), "bimt,l1", "4..5");
    let out = folder.path().join("report");
    modscope()
        .arg("compare")
        .arg(&runs)
        .args(["--control-draws", "1", "--out"])
        .arg(&out)
        .assert()
        .success();
    let result = compared(&out);
    let tests = || result.measures.iter().flat_map(|m| &m.tests);
    assert!(tests().count() > 40);
    assert!(tests().all(|t| t.p.is_none() && t.corrected.is_none() && t.no_test.is_some()));
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("one seed: no test"));
    let csv = std::fs::read_to_string(out.join("tables/tests.csv")).unwrap();
    assert!(csv.contains("one seed: no test"));
}

#[test]
fn networks_of_other_shapes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let runs = sweep(folder.path(), "bimt", "0..1");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/independence-bimt");
    let said = modscope()
        .arg("compare")
        .arg(&runs)
        .arg(&example)
        .arg("--json")
        .assert()
        .code(2);
    let words = String::from_utf8(said.get_output().stderr.clone()).unwrap();
    assert!(
        words.contains("the layers of this network is") || words.contains("4-20-20-2"),
        "{words}"
    );
}

#[test]
fn regimes_come_from_flags_manifests_and_names() {
    let folder = tempfile::tempdir().unwrap();
    let runs = sweep(folder.path(), "bimt,l1", "0..1");
    let manifest = folder.path().join("networks.csv");
    let text = "path,group,seed\nruns/independence-bimt-s0,a,7\nruns/independence-l1-s0,b,7\n";
    std::fs::write(&manifest, text).unwrap();
    let groups = |words: &[&str]| -> Vec<String> {
        let mut command = modscope();
        command
            .current_dir(folder.path())
            .arg("compare")
            .args(words);
        command.args(["--json", "--control-draws", "1", "--method", "exact"]);
        command.args(["--data", "runs/independence-bimt-s0/data.safetensors"]);
        let output = command.assert().success().get_output().stdout.clone();
        let result: Comparison = serde_json::from_slice(&output).unwrap();
        result.groups.into_iter().map(|g| g.name).collect()
    };
    assert_eq!(groups(&["--manifest", "networks.csv"]), ["a", "b"]);
    assert_eq!(
        groups(&["runs", "--group", "sparse=*l1*", "--reference", "sparse"]),
        ["sparse", "bimt"]
    );
    assert!(runs.is_dir());
}

/// y = 3 x0 + x1 beside 40 weights that carry nothing: the planted circuit
/// stands every test, and one with an idle edge in it is not minimal.
#[test]
fn hypothesis_tests_know_a_planted_circuit() {
    let mut rng = Rng::new(3, 0);
    let width = 20;
    let mut weight = Array2::from_shape_fn((1, width), |_| 1e-3 * rng.normal());
    weight[[0, 0]] = 3.0;
    weight[[0, 1]] = 2.0;
    let model = Mlp::<f64> {
        embedding: None,
        in_perm: (0..width).collect(),
        folds: 1,
        layers: vec![Linear {
            weight,
            bias: array![0.0],
        }],
        activation: Activation::Identity.into(),
        out_perm: vec![0],
    };
    let inputs = Array2::from_shape_fn((width, 80), |_| rng.normal());
    let engine = Engine::new(&model, inputs, Fills::zero());
    let candidates = engine.edges(0..width);
    let judge = Judge::new(&engine, Metric::Output { output: 0 }, candidates);
    let said = hypotheses(&judge, &engine.edges([0, 1]), 0);
    assert!(said.equivalence.p > 0.05, "{:?}", said.equivalence);
    assert!(said.independence.p > 0.05, "{:?}", said.independence);
    let minimal = said.minimality.unwrap();
    assert_eq!((minimal.needed, minimal.edges), (2, 2));
    let drawn = said.random.unwrap();
    assert!(drawn.p(drawn.sufficiency()) < 0.05);
    let idle = hypotheses(&judge, &engine.edges([0, 1, 2]), 0)
        .minimality
        .unwrap();
    assert_eq!((idle.needed, idle.edges), (2, 3));
    // Half of it is not enough: what is left still knows the answer.
    let half = hypotheses(&judge, &engine.edges([1]), 0);
    assert!(half.independence.p < 0.05, "{:?}", half.independence);
}

/// Networks trained alike, split in two groups: over 200 draws the tests stay
/// silent as often as they should.
#[test]
fn groups_of_the_same_regime_are_not_told_apart() {
    const DRAWS: usize = 200;
    const SEEDS: usize = 7;
    let task = Task::Independence;
    let recipe = task.recipe(Regime::L1).in_steps(30);
    let loss = |seed: u64| -> f64 {
        let problem = task.problem(seed);
        let mut trainer = Trainer::<f32>::new(&problem, &recipe, seed);
        trainer.advance(30);
        trainer.curve().last().unwrap().test_loss
    };
    let (mut paired, mut apart, mut held) = (Vec::new(), Vec::new(), 0);
    for draw in 0..DRAWS {
        let first = (draw * 2 * SEEDS) as u64;
        let all: Vec<f64> = (0..2 * SEEDS as u64).map(|i| loss(first + i)).collect();
        let (one, other) = all.split_at(SEEDS);
        let differences: Vec<f64> = one.iter().zip(other).map(|(a, b)| a - b).collect();
        paired.push(compare::paired_permutation(&differences, 0));
        apart.push(compare::two_sample_permutation(one, other, 0));
        // Four such tests at once, after Holm: at most one family in twenty may speak.
        let ps: Vec<f64> = paired.iter().rev().take(4).copied().collect();
        held += usize::from(draw % 4 == 3 && holm(&ps).iter().any(|p| *p <= 0.05));
    }
    for (name, ps) in [("paired", &paired), ("two samples", &apart)] {
        let silent = |level: f64| ps.iter().filter(|p| **p <= level).count();
        println!(
            "{name}: {} of {DRAWS} at 0.05, {} at 0.5",
            silent(0.05),
            silent(0.5)
        );
        // Binomial(200, 0.05) is at most 20 and Binomial(200, ½) in 76..=124, but for one
        // time in a thousand; p has steps, so that fewer than 1 in 20 is allowed.
        assert!(silent(0.05) <= 20, "{name}: {}", silent(0.05));
        assert!((70..=124).contains(&silent(0.5)), "{name}: {}", silent(0.5));
        // And they can speak: some p are small.
        assert!(silent(0.2) >= 15, "{name}: {}", silent(0.2));
    }
    println!("families of four that speak: {held} of {}", DRAWS / 4);
    assert!(held <= 8, "{held}");
}

/// Controls fail as they should: the published network's circuits do better than
/// random ones, and better than those of a network that was never trained.
#[test]
fn the_example_beats_random_circuits_and_an_untrained_network() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/independence-bimt");
    let checkpoint = modscope::checkpoint::Checkpoint::open(&folder).unwrap();
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let entry = Entry {
        name: "example".into(),
        group: "bimt".into(),
        seed: Some(0),
        checkpoint,
    };
    let config = Config::new(vec!["test".into()]);
    let part = compare::measure(&entry, &data, &config, &|_| ()).unwrap();
    assert_eq!(part.network.circuits.len(), 2);
    for circuit in &part.network.circuits {
        let control = |name: Against| circuit.controls.iter().find(|c| c.name == name).unwrap();
        assert_eq!(control(Against::Random).beaten, Some(true), "{circuit:?}");
        assert_eq!(
            control(Against::Control(ControlKind::Untrained)).beaten,
            Some(true),
            "{circuit:?}"
        );
        // As many edges of a network that was never trained do not do it.
        let untrained = control(Against::Control(ControlKind::Untrained))
            .errors
            .iter()
            .flatten();
        assert!(untrained.copied().fold(f64::INFINITY, f64::min) > 0.3);
        assert_eq!(circuit.hypotheses.len(), 5);
        assert!(circuit.hypotheses.iter().all(|h| h.sentence.ends_with('.')));
    }
    let joined = compare::join(&[entry], vec![part], &data, &config).unwrap();
    assert!(joined.overlap.is_none() && joined.networks[0].circuits[0].edges.is_empty());
}

/// A network beside itself with its neurons in another order: all is shared.
#[test]
fn renumbered_neurons_are_matched() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/independence-bimt");
    let original = modscope::checkpoint::Checkpoint::open(&folder).unwrap();
    let mut renumbered = original.clone();
    let order = Rng::new(9, 0).permutation(20);
    let reorder = |name: &str, renumbered: &mut modscope::checkpoint::Checkpoint, rows: bool| {
        let tensor = renumbered.tensors.get_mut(name).unwrap();
        let old = tensor.to_f64();
        let width = tensor.shape.get(1).copied().unwrap_or(1);
        let moved: Vec<f32> = (0..old.len())
            .map(|i| {
                let (row, column) = (i / width, i % width);
                let from = if rows {
                    order[row] * width + column
                } else {
                    row * width + order[column]
                };
                old[from] as f32
            })
            .collect();
        *tensor = modscope::checkpoint::Tensor::of_floats(&tensor.shape.clone(), &moved);
    };
    reorder("linears.0.linear.weight", &mut renumbered, true);
    reorder("linears.0.linear.bias", &mut renumbered, true);
    reorder("linears.1.linear.weight", &mut renumbered, false);
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let entries = [(0, original), (1, renumbered)].map(|(seed, checkpoint)| Entry {
        name: format!("n{seed}"),
        group: "bimt".into(),
        seed: Some(seed),
        checkpoint,
    });
    let mut config = Config::new(vec!["test".into()]);
    let measure = |entry: &Entry| compare::measure(entry, &data, &config, &|_| ()).unwrap();
    let parts: Vec<Part> = entries.iter().map(measure).collect();
    for (matching, _) in Matching::ALL {
        config.matching = matching;
        let joined = compare::join(&entries, parts.clone(), &data, &config).unwrap();
        let overlap = joined.overlap.unwrap();
        let pair = &overlap.pairs[0];
        assert_eq!((pair.edges, pair.nodes), (Some(1.0), Some(1.0)));
        assert!(pair.correlation.unwrap() > 0.999, "{matching}: {pair:?}");
        assert!(pair.edges_by_chance.unwrap() < 0.9, "{matching}: {pair:?}");
        let shares = &overlap.groups[0].universal;
        assert!(
            shares
                .iter()
                .all(|u| u.universal.len() == u.live && u.live > 0)
        );
    }
}
