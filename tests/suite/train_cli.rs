//! `modscope train` as a person types it.

#![allow(clippy::unwrap_used, clippy::panic)] // A command that fails should fail loudly.

use assert_cmd::Command;
use modscope::checkpoint::Checkpoint;
use modscope::data::{Dataset, Domain, Inputs};
use std::path::Path;

/// Runs `modscope train` in a folder: exit code, standard output, standard error.
fn train(folder: &Path, arguments: &str) -> (i32, String, String) {
    let output = Command::cargo_bin("modscope")
        .unwrap()
        .current_dir(folder)
        .arg("train")
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_training_leaves_a_folder_that_the_other_commands_read() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = train(folder.path(), "independence --seed 2 --steps 40 --film");
    assert_eq!(code, 0);
    assert!(
        out.contains("test_loss") && out.contains("network: runs/independence-bimt-s2"),
        "{out}"
    );
    let network = folder.path().join("runs/independence-bimt-s2");
    let model = Checkpoint::open(&network).unwrap();
    assert_eq!(model.tensors["linears.1.linear.weight"].shape, [20, 20]);
    assert_eq!(model.config["steps"], 40);
    let data = Dataset::open(&network.join("data.safetensors"), None).unwrap();
    assert_eq!((data.len(), data.split.as_str()), (100, "test"));
    assert!(matches!(data.task.domain, Some(Domain::Box(bounds)) if bounds.len() == 4));
    let film = std::fs::read_to_string(network.join("film.html")).unwrap();
    assert!(film.contains("independence · bimt · seed 2"));
    let curve = std::fs::read_to_string(network.join("curve.csv")).unwrap();
    assert_eq!(curve.lines().count(), 3);

    let (code, _, error) = train(folder.path(), "independence --seed 2 --steps 40");
    assert_eq!(code, 2);
    assert!(
        error.contains("already there") && error.contains("--force"),
        "{error}"
    );
    assert_eq!(
        train(folder.path(), "independence --seed 2 --steps 40 --force").0,
        0
    );
    assert!(
        !network.join("film.html").exists(),
        "the old folder is gone"
    );
}

#[test]
fn a_sweep_has_a_folder_each_and_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let line = "two_moon --seeds 0..2 --regimes l1,bimt --steps 20 --out moons";
    let (code, out, _) = train(folder.path(), line);
    assert_eq!(code, 0, "{out}");
    let table = std::fs::read_to_string(folder.path().join("moons/sweep.csv")).unwrap();
    let starts: Vec<&str> = table.lines().skip(1).map(|l| &l[..14]).collect();
    assert_eq!(table.lines().count(), 5);
    assert!(starts[0].starts_with("two_moon,l1,0") && starts[3].starts_with("two_moon,bimt,"));
    assert!(
        folder
            .path()
            .join("moons/two_moon-bimt-s1/model.safetensors")
            .is_file()
    );
}

#[test]
fn one_network_of_a_sweep_is_picked() {
    let folder = tempfile::tempdir().unwrap();
    let line = "two_moon --seeds 0..3 --steps 60 --pick modular --out moons";
    let (code, out, error) = train(folder.path(), line);
    assert_eq!(code, 0, "{error}");
    let json = std::fs::read(folder.path().join("moons/pick.json")).unwrap();
    let picked: modscope::result::Picked = serde_json::from_slice(&json).unwrap();
    let first = &picked.ranking.networks[0];
    assert!(out.contains(&format!("picked: {}", first.path)), "{out}");
    assert!(folder.path().join(&first.path).is_dir());
    assert_eq!(picked.ranking.networks.len(), 3);
    let loss = picked.ranking.criteria.len() - 1;
    let losses = picked.ranking.networks.iter().map(|n| n.values[loss]);
    assert!(losses.into_iter().all(|loss| loss.is_some_and(|l| l > 0.0)));

    let (code, _, error) = train(folder.path(), "two_moon --steps 5 --pick modular");
    assert_eq!(code, 2);
    assert!(
        error.contains("`--pick` is for several networks"),
        "{error}"
    );
}

#[test]
fn a_sweep_over_lambda_has_its_fronts() {
    let folder = tempfile::tempdir().unwrap();
    let line = "two_moon --lambda 1e-3..1e-1:3 --seeds 0..2 --regimes vanilla,bimt --steps 60 --hidden 4,4 --out moons";
    let (code, out, error) = train(folder.path(), line);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("fronts: moons/fronts/index.html"), "{out}");
    let fronts = folder.path().join("moons/fronts");
    let json = std::fs::read(fronts.join("fronts.json")).unwrap();
    let read: modscope::result::Fronts = serde_json::from_slice(&json).unwrap();
    // Without a cost there is nothing to vary: once for each seed.
    let lambdas: Vec<f64> = read.front.iter().map(|n| n.lambda).collect();
    assert_eq!(lambdas, [0.0, 0.0, 0.001, 0.001, 0.01, 0.01, 0.1, 0.1]);
    let named = folder.path().join("moons/two_moon-bimt-lambda0.01-s1");
    assert_eq!(read.front[5].path, "moons/two_moon-bimt-lambda0.01-s1");
    let config = &Checkpoint::open(&named).unwrap().config;
    assert_eq!(
        config["lambda_schedule"],
        serde_json::json!([[0, 0.001], [29, 0.01]])
    );
    // No network is as good by both as one on the front, and better by one.
    let good = |n: &modscope::result::OnFronts| (-n.loss.unwrap(), -(n.edges.unwrap() as f64));
    for one in &read.front {
        let (loss, edges) = good(one);
        let beats = |other| {
            let (l, e) = good(other);
            l >= loss && e >= edges && (l > loss || e > edges)
        };
        assert_eq!(
            one.on_front_of_edges,
            !read.front.iter().any(beats),
            "{one:?}"
        );
    }
    for file in [
        "index.html",
        "tables/fronts.csv",
        "figures/front-of-edges.svg",
        "figures/against-lambda.svg",
    ] {
        assert!(fronts.join(file).is_file(), "{file}");
    }
    for (wrong, why) in [
        ("two_moon --lambda 1..0.1", "0 < A < B"),
        ("two_moon --lambda 0.1..1:1", "2 to 100"),
        ("two_moon --lambda 0.1..1 --resume x", "trains several"),
    ] {
        let (code, _, error) = train(folder.path(), wrong);
        assert!(code == 2 && error.contains(why), "{wrong}: {error}");
    }
    let (code, _, error) = train(folder.path(), line);
    assert!(code == 2 && error.contains("--force"), "{error}");
}

#[test]
fn an_interrupted_training_goes_on_from_its_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let line = "modular_addition --modulus 7 --steps 30 --out";
    assert_eq!(
        train(folder.path(), &format!("{line} whole --snapshot-every 10")).0,
        0
    );
    let resume = "--resume whole.snapshots/000020.safetensors";
    assert_eq!(train(folder.path(), &format!("{line} rest {resume}")).0, 0);
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for file in ["model.safetensors", "data.safetensors", "curve.csv"] {
        assert_eq!(
            bytes(&format!("whole/{file}")),
            bytes(&format!("rest/{file}")),
            "{file}"
        );
    }
    let (code, _, error) = train(folder.path(), &format!("{line} other {resume} --lr 0.1"));
    assert_eq!(code, 2);
    assert!(
        error.contains("lr = 0.001; this training has 0.1"),
        "{error}"
    );
}

#[test]
fn data_of_ones_own_are_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..20)
        .map(|i| format!("{},{},{}\n", i, i * i, i % 2))
        .collect();
    std::fs::write(
        folder.path().join("own.csv"),
        format!("x0,x1,label\n{rows}"),
    )
    .unwrap();
    let (code, out, error) = train(folder.path(), "data --data own.csv --steps 10 --out own");
    assert_eq!(code, 0, "{out}{error}");
    let data = Dataset::open(&folder.path().join("own/data.safetensors"), Some("train")).unwrap();
    assert!(matches!(data.inputs, Inputs::Values(x) if x.dim() == (16, 2)));
    let (code, _, error) = train(folder.path(), "data --out none");
    assert_eq!((code, error.contains("--data FILE")), (2, true), "{error}");
}
