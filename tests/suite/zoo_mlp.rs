//! Chains of linear layers as frameworks save them: each opens with its framework's
//! outputs, or is refused with its cause. The members in `fixtures/zoo` always run;
//! the whole zoo does where it lies beside the checkout.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use modscope::Result;
use modscope::checkpoint::{Checkpoint, Dtype};
use modscope::model::{Architecture, Loaded, Mlp, Network, Options};
use modscope::numeric::Scalar;
use ndarray::Array2;
use serde_json::Value;

/// Of the outputs' scale.
const F32: f64 = 1e-5;
const F64: f64 = 1e-12;

/// What is refused though its member would open, with a word of the refusal.
const NOT_YET: [(&str, &str); 7] = [
    ("onnx-cnn-", "Conv"),
    ("onnx-mlp-layernorm", "LayerNormalization"),
    ("onnx-mlp-residual", "branches"),
    ("onnx-rnn-relu", "is"),
    ("sklearn-classifier", "ArrayFeatureExtractor"),
    ("mlp-layernorm", "norm"),
    ("mlp-residual", "residual"),
];

/// A word that the refusal of a trap must have.
const CAUSES: [(&str, &str); 18] = [
    ("onnx-unknown-operator", "Sin"),
    ("mlp-names-ambiguous", "order"),
    ("trap-empty", "empty"),
    ("trap-html", "HTML"),
    ("trap-lfs-pointer", "git-LFS"),
    ("trap-lora-adapter-beside", "adapter"),
    ("trap-lora-peft-state", "adapter"),
    ("trap-int8", "quantised"),
    ("trap-mlp-batch-statistics", "batch"),
    ("trap-mlp-extra-layer", "aux"),
    ("trap-mlp-gap", "missing"),
    ("trap-mlp-no-activation", "activation"),
    ("trap-mlp-unknown-activation", "swishy"),
    ("trap-pickled-module", "torch.nn"),
    ("trap-pt-is-safetensors", "safetensors"),
    ("trap-safetensors-is-pt", "zip"),
    ("trap-torchscript", "TorchScript"),
    ("trap-two-that-differ", "pytorch_model.bin"),
];

/// A member: its folder and what is known of it.
struct Member {
    folder: PathBuf,
    about: Value,
}

impl Member {
    fn name(&self) -> &str {
        self.folder.file_name().unwrap().to_str().unwrap()
    }

    fn is_ours(&self) -> bool {
        let trap = CAUSES.iter().any(|(name, _)| self.name().starts_with(name));
        let family = self.about["family"].as_str().unwrap();
        trap || ["mlp", "sklearn", "keras", "onnx"].contains(&family)
    }

    fn open(&self) -> Result<Loaded> {
        let checkpoint = Checkpoint::open(&self.folder)?;
        Loaded::from_checkpoint(&checkpoint, Options::default())
    }
}

fn members(folder: &Path) -> Vec<Member> {
    let Ok(listing) = fs::read_dir(folder) else {
        println!("{} is not there: skipped", folder.display());
        return Vec::new();
    };
    let member = |entry: std::io::Result<fs::DirEntry>| {
        let folder = entry.ok()?.path();
        let text = fs::read_to_string(folder.join("member.json")).ok()?;
        let about = serde_json::from_str(&text).unwrap();
        Some(Member { folder, about })
    };
    let mut members: Vec<Member> = listing.filter_map(member).collect();
    members.sort_by(|a, b| a.folder.cmp(&b.folder));
    members
}

/// A tensor of the data as a matrix `[samples, …]`.
fn array(folder: &Path, name: &str) -> (Array2<f64>, Dtype) {
    let data = Checkpoint::open(&folder.join("data.safetensors")).unwrap();
    let tensor = &data.tensors[name];
    let rows = tensor.shape[0];
    let values = Array2::from_shape_vec((rows, tensor.len() / rows), tensor.to_f64()).unwrap();
    (values, tensor.dtype)
}

/// The largest difference of the outputs, in their scale.
fn difference<T: Scalar>(model: &Mlp<T>, loaded: &Loaded, folder: &Path) -> f64 {
    let (inputs, _) = array(folder, "inputs");
    let (expected, _) = array(folder, "outputs");
    let outputs = model.outputs(model.arrange(inputs.mapv(T::from_f64).view()).view());
    let outputs = loaded.readout.map_or(outputs.clone(), |r| r.of(&outputs));
    let ours = model.by_target(outputs.view()).mapv(T::widen);
    assert_eq!(ours.dim(), expected.dim());
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let scale = largest(&mut expected.iter().map(|x| x.abs()));
    largest(&mut ours.iter().zip(&expected).map(|(a, b)| (a - b).abs())) / scale
}

fn check_outputs(member: &Member, loaded: &Loaded) {
    let (difference, allowed) = match &loaded.network {
        Network::F32(Architecture::Mlp(model)) => (difference(model, loaded, &member.folder), F32),
        Network::F64(Architecture::Mlp(model)) => (difference(model, loaded, &member.folder), F64),
        _ => panic!("{}: not an MLP", member.name()),
    };
    assert!(
        difference <= allowed,
        "{}: outputs differ by {difference:e} of their scale",
        member.name()
    );
}

fn check(member: &Member) {
    let (name, opened) = (member.name(), member.open());
    let of = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(start, _)| name.starts_with(start));
        found.map(|(_, word)| *word)
    };
    let refused = member.about["expect"] == "refused";
    match (opened, of(&CAUSES).or(of(&NOT_YET))) {
        (Ok(loaded), None) if !refused => check_outputs(member, &loaded),
        (Ok(_), _) => panic!("{name} was opened"),
        (Err(error), Some(word)) => {
            let said = error.to_string();
            assert!(said.contains(word), "{name}: {said}");
        }
        (Err(error), None) => panic!("{name} was refused: {error}"),
    }
}

/// Checks all, and says all that is wrong.
fn check_all(folder: &Path) -> usize {
    let ours: Vec<Member> = members(folder)
        .into_iter()
        .filter(Member::is_ours)
        .collect();
    let faults: Vec<String> = ours
        .iter()
        .filter_map(|member| {
            let result = std::panic::catch_unwind(|| check(member));
            let fault = result.err()?;
            Some(fault.downcast_ref::<String>().cloned().unwrap_or_default())
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    ours.len()
}

#[test]
fn small_members_open_or_are_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/zoo");
    assert!(check_all(&folder) >= 20);
}

#[test]
fn the_zoos_chains_open_or_are_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/zoo");
    println!("{} members", check_all(&folder));
}

#[test]
fn an_order_that_is_told_is_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/zoo/mlp-names-ambiguous");
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let layers = ["alpha", "gamma", "beta", "readout"];
    let options = Options {
        layers: layers.map(str::to_owned).to_vec(),
        ..Options::default()
    };
    let loaded = Loaded::from_checkpoint(&checkpoint, options).unwrap();
    let about = serde_json::json!({"family": "mlp"});
    check_outputs(&Member { folder, about }, &loaded);
    let wrong = |layers: &[&str]| Options {
        layers: layers.iter().map(|l| (*l).to_owned()).collect(),
        ..Options::default()
    };
    // Left out, twice, unknown.
    for layers in [
        &["alpha", "gamma", "readout"][..],
        &["alpha", "alpha", "gamma", "beta", "readout"],
        &["alpha", "omega"],
    ] {
        assert!(
            Loaded::from_checkpoint(&checkpoint, wrong(layers)).is_err(),
            "{layers:?}"
        );
    }
}

/// What is written back is a plain chain that computes the same.
#[test]
fn rewritten_networks_compute_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/zoo");
    let mut rewritten = 0;
    for member in members(&folder).iter().filter(|m| m.is_ours()) {
        let Ok(loaded) = member.open() else { continue };
        let checkpoint = Checkpoint::open(&member.folder).unwrap();
        rewritten += usize::from(loaded.rewritten.is_some());
        let again = Loaded::from_checkpoint(&loaded.editable(&checkpoint), Options::default());
        check_outputs(member, &again.unwrap());
    }
    assert!(rewritten >= 4, "{rewritten}");
}
