//! Modules put in each other's place, and followed along the threshold, as a person asks for it.

#![allow(clippy::unwrap_used, clippy::panic)] // A command that fails should fail loudly.

use assert_cmd::Command;
use modscope::checkpoint::{Checkpoint, Tensor};
use modscope::choice::Scope;
use modscope::result::{Audit, Modules, Transplant};

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
