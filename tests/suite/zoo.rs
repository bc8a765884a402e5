//! The zoo of small checkpoints of many frameworks, where it is there: every
//! transformer that opens has its framework's outputs; those that should open and do
//! not are printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::model::{Architecture, Loaded, Network, Options, Sequences, Transformer};
use modscope::numeric::Scalar;
use serde_json::Value;

const ZOO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/zoo");

/// What became of a member.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// Its outputs are the framework's.
    Same,
    /// They are not: the largest difference and what was allowed.
    Other(f64, f64),
    /// With its message.
    Refused(String),
}

fn members() -> Vec<PathBuf> {
    let Ok(listing) = fs::read_dir(ZOO) else {
        println!("skipped: the zoo is not here");
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.join("member.json").is_file());
    all.sort();
    all
}

fn about(member: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(member.join("member.json")).unwrap()).unwrap()
}

/// The file to open: that of PyTorch where the folder holds one alone.
fn file(member: &Path) -> PathBuf {
    let names = [
        "ckpt.pt",
        "model.pt",
        "pytorch_model.bin",
        "grokking_demo.pth",
    ];
    let there = names
        .iter()
        .map(|name| member.join(name))
        .find(|path| path.is_file());
    match there {
        Some(path) if !member.join("model.safetensors").is_file() => path,
        _ => member.to_owned(),
    }
}

fn outcome(member: &Path) -> Outcome {
    let loaded = Checkpoint::open(&file(member))
        .and_then(|checkpoint| Loaded::from_checkpoint(&checkpoint, Options::default()));
    match loaded.map(|loaded| loaded.network) {
        Err(error) => Outcome::Refused(error.to_string()),
        Ok(Network::F32(Architecture::Transformer(model))) => compared(&model, member),
        Ok(Network::F64(Architecture::Transformer(model))) => compared(&model, member),
        Ok(_) => Outcome::Refused("no transformer".to_owned()),
    }
}

fn compared<T: Scalar>(model: &Transformer<T>, member: &Path) -> Outcome {
    let data = Dataset::open(&member.join("data.safetensors"), None).unwrap();
    let batch = match Sequences::new(model, &data, None) {
        Ok(batch) => batch,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let trace = model.forward(&batch.inputs, &batch.answers, batch.length());
    let theirs = batch.outputs.as_ref().unwrap();
    let pairs = || trace.outputs().into_iter().zip(theirs);
    let difference = pairs()
        .map(|(a, b)| (a.widen() - b).abs())
        .fold(0.0, f64::max);
    let scale = theirs.iter().fold(0.0_f64, |m, b| m.max(b.abs()));
    let about = about(member);
    // Outputs computed in bf16 carry a few units in its last place.
    let is_bf16 = about["feature"]
        .as_str()
        .unwrap()
        .contains("computed in bf16");
    let relative = match (is_bf16, T::NAME == f64::NAME) {
        (true, _) => 8.0 / 256.0,
        (false, true) => 1e-12,
        (false, false) => 1e-5,
    };
    let rounding = about["f32_rounding"].as_f64().unwrap_or(0.0);
    let allowed = (relative * scale).max(4.0 * rounding);
    match difference <= allowed {
        true => Outcome::Same,
        false => Outcome::Other(difference, allowed),
    }
}

/// The families whose members are transformers.
const FAMILIES: [&str; 29] = [
    "gpt2",
    "gpt_neo",
    "gpt_neox",
    "pythia",
    "gptj",
    "opt",
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "gemma",
    "gemma2",
    "gemma3",
    "phi",
    "phi3",
    "stablelm",
    "olmo2",
    "starcoder2",
    "mixtral",
    "bloom",
    "falcon",
    "bert",
    "roberta",
    "distilbert",
    "t5",
    "tl",
    "bridge",
    "nanogpt",
    "mingpt",
];

#[test]
fn no_transformer_of_the_zoo_is_computed_wrongly() {
    let (mut right, mut closed, mut wrong) = (0, Vec::new(), Vec::new());
    for member in members() {
        let about = about(&member);
        if !FAMILIES.contains(&about["family"].as_str().unwrap()) {
            continue;
        }
        let name = member.file_name().unwrap().to_string_lossy().into_owned();
        let may_refuse = about["expect"] == "refused"
            || about["also_right"]
                .as_str()
                .is_some_and(|text| text.contains("refused"));
        let outcome = outcome(&member);
        match &outcome {
            Outcome::Same => right += 1,
            Outcome::Refused(_) if may_refuse => right += 1,
            Outcome::Refused(why) => closed.push(format!("{name}: {why}")),
            Outcome::Other(..) => wrong.push(format!("{name}: {outcome:?}")),
        }
    }
    println!(
        "{right} right, {} refused that should open: {closed:#?}",
        closed.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn traps_among_transformers_are_refused_with_their_cause() {
    let traps = [
        ("trap-gpt2-classifier", "GPT2ForSequenceClassification"),
        ("trap-gpt2-cross-attention", "crossattention"),
        ("trap-gpt2-extra-weight", "h.0.attn.gate.weight"),
        ("trap-gpt2-missing-bias", "h.0.attn.c_attn.bias"),
        ("trap-gpt2-missing-block", "h.1."),
        ("trap-gpt2-missing-last-block", "n_layer"),
        ("trap-gpt2-no-head-count", "n_head"),
        ("trap-gpt2-unknown-key", "residual_multiplier"),
        ("trap-gpt2-untied-no-head", "lm_head.weight"),
        ("trap-gpt2-wrong-config", "n_embd"),
        ("trap-llama-unknown-rope", "helix"),
        ("trap-int8-bitsandbytes", "quantised"),
        ("tl-experts", "num_experts"),
        ("tl-shortformer", "shortformer"),
        ("tl-fold-ln-no-config", "normalization_type"),
        ("t5-encoder-decoder", "t5"),
        ("mixtral-experts", "experts"),
    ];
    if !Path::new(ZOO).is_dir() {
        println!("skipped: the zoo is not here");
        return;
    }
    for (name, cause) in traps {
        match outcome(&Path::new(ZOO).join(name)) {
            Outcome::Refused(message) => assert!(message.contains(cause), "{name}: {message}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
