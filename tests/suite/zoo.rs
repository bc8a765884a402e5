//! The zoo of small checkpoints of many frameworks: each opens with its framework's
//! outputs, or is refused with its cause, whatever the data say. The members in
//! `fixtures/zoo` always run; the whole zoo does where it lies beside the checkout.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use modscope::audit::{Config, Stages, audit};
use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::model::{Loaded, Meaning, Network, Options};
use modscope::prune::Threshold;
use ndarray::Array2;
use serde_json::Value;

use crate::common::shared;

/// What must be refused, with a word of its cause.
const TRAPS: [(&str, &str); 41] = [
    ("mlp-names-ambiguous", "order"),
    ("onnx-unknown-operator", "Sin"),
    ("t5-encoder-decoder", "t5"),
    ("tl-experts", "num_experts"),
    ("tl-fold-ln-no-config", "normalization_type"),
    ("tl-shortformer", "shortformer"),
    ("trap-empty", "empty"),
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
    ("trap-html", "HTML"),
    ("trap-int8-bitsandbytes", "quantised"),
    ("trap-int8-scale", "quantised"),
    ("trap-lfs-pointer", "git-LFS"),
    ("trap-lfs-pointer-pt", "git-LFS"),
    ("trap-llama-unknown-rope", "helix"),
    ("trap-lora-adapter-beside", "adapter"),
    ("trap-lora-peft-state", "adapter"),
    ("trap-missing-shard", "model-00002-of-00006"),
    ("trap-mlp-batch-statistics", "batch"),
    ("trap-mlp-extra-layer", "aux"),
    ("trap-mlp-gap", "missing"),
    ("trap-mlp-no-activation", "activation"),
    ("trap-mlp-unknown-activation", "swishy"),
    ("trap-pickled-module", "torch.nn"),
    ("trap-pt-is-safetensors", "safetensors"),
    ("trap-safetensors-is-pt", "zip"),
    ("trap-sklearn-joblib", "pickle"),
    ("trap-torchscript", "TorchScript"),
    ("trap-truncated", "2.weight"),
    ("trap-truncated-pt", "archive"),
    ("trap-two-that-differ", "pytorch_model.bin"),
    // Their weights hold numbers that are none: they open, and fail (see below).
    ("trap-nan-weight", NOT_FINITE),
    ("trap-inf-weight", NOT_FINITE),
];

/// Of members whose network opens, and whose audit ends with exit code 1.
const NOT_FINITE: &str = "not finite";

/// A trap that may open: its NaN stands where no sample reads, and is a finding.
const UNREAD_NAN: &str = "trap-gpt2-nan";

/// A trap in the zoo's eyes whose outputs are computed.
const COMPUTED: &str = "rnn-bidirectional";

/// Of members that are in `fixtures` alone, what must be refused, with a word of its cause.
const OURS: [(&str, &str); 5] = [
    ("onnx-made-rnn-dynamo", "step by step"),
    ("hf-made-llama-partial", "partial_rotary_factor"),
    ("hf-made-mpt-slopes", "alibi_bias_max"),
    ("hf-made-gemma3-cap", "attn_logit_softcapping"),
    ("hf-made-bloom-exact", "slow_but_exact"),
];

/// An activation that TransformerLens has and nobody else.
const UNKNOWN_ACTIVATION: (&str, &str) = ("tl-solu-ln", "solu_ln");

/// A member: its folder and what is known of it.
struct Member {
    name: String,
    folder: PathBuf,
    about: Value,
}

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

fn members(folder: &Path) -> Vec<Member> {
    let member = |entry: std::io::Result<fs::DirEntry>| {
        let folder = entry.ok()?.path();
        let text = fs::read_to_string(folder.join("member.json")).ok()?;
        Some(Member {
            name: folder.file_name()?.to_str()?.to_owned(),
            about: serde_json::from_str(&text).unwrap(),
            folder,
        })
    };
    let mut members: Vec<Member> = fs::read_dir(folder).unwrap().filter_map(member).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    members
}

fn ours() -> Vec<Member> {
    members(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/zoo"))
}

fn whole_zoo() -> Vec<Member> {
    shared("zoo").map_or_else(Vec::new, |zoo| members(&zoo))
}

/// The word that the refusal of a member must have.
fn cause(name: &str) -> Option<&'static str> {
    let all = TRAPS.iter().chain([&UNKNOWN_ACTIVATION]).chain(&OURS);
    let mut all = all.filter(|(_, word)| *word != NOT_FINITE);
    Some(all.find(|(member, _)| *member == name)?.1)
}

fn is_finite(member: &Member) -> bool {
    let word = |(name, word): &&(&str, &str)| *name == member.name && *word == NOT_FINITE;
    !TRAPS.iter().any(|trap| word(&trap)) && member.name != UNREAD_NAN
}

impl Member {
    /// As a command opens it: what the file leaves open, its data settle.
    fn load(&self) -> modscope::Result<(Checkpoint, Loaded)> {
        let checkpoint = Checkpoint::open(&self.folder)?;
        let options = Options::default().settled(&checkpoint, &self.data());
        let loaded = Loaded::from_checkpoint(&checkpoint, options)?;
        Ok((checkpoint, loaded))
    }

    fn data(&self) -> Dataset {
        let data = Dataset::open(&self.folder.join("data.safetensors"), None).unwrap();
        let of_one = self.about["variant"] == "classifier-binary";
        match of_one.then(|| data.for_one_probability()) {
            Some(second) => second.unwrap(),
            None => data,
        }
    }

    fn outcome(&self) -> Outcome {
        match self.load() {
            Err(error) => Outcome::Refused(error.to_string()),
            Ok((_, loaded)) => self.compared(&loaded),
        }
    }

    fn compared(&self, loaded: &Loaded) -> Outcome {
        let data = self.data();
        let theirs = data.outputs.clone().unwrap();
        let ours = loaded.outputs(&data).unwrap();
        let difference = largest(&ours, &theirs);
        let scale = theirs.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let allowed = self.allowed(scale, matches!(loaded.network, Network::F64(_)));
        match difference <= allowed {
            true => Outcome::Same,
            false => Outcome::Other(difference, allowed),
        }
    }

    /// Of outputs of this scale: a few roundings of the type that computed them.
    fn allowed(&self, scale: f64, is_f64: bool) -> f64 {
        let feature = self.about["feature"].as_str().unwrap_or_default();
        let relative = match (feature.contains("computed in bf16"), is_f64) {
            (true, _) => 8.0 / 256.0,
            (false, true) => 1e-12,
            (false, false) => 1e-5,
        };
        let rounding = self.about["f32_rounding"].as_f64().unwrap_or(0.0);
        (relative * scale).max(4.0 * rounding)
    }

    /// The cheapest command that judges, on these data.
    fn run(&self, data: &Path) -> Output {
        Command::new(env!("CARGO_BIN_EXE_modscope"))
            .args(["prune", "--threshold", "0", "--json", "--quiet", "--data"])
            .args([data, &self.folder])
            .output()
            .unwrap()
    }
}

fn largest(ours: &Array2<f64>, theirs: &Array2<f64>) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().zip(theirs);
    pairs.fold(0.0, |m, (a, b)| match (a - b).abs() {
        d if d.is_nan() => f64::INFINITY,
        d => f64::max(m, d),
    })
}

/// Every fault of these members: one line each.
fn faults(members: &[Member]) -> Vec<String> {
    let fault = |member: &Member| {
        let outcome = member.outcome();
        let as_it_should = match (&outcome, cause(&member.name)) {
            (Outcome::Refused(message), Some(word)) => message.contains(word),
            (Outcome::Same, None) => true,
            (Outcome::Other(..), None) => !is_finite(member),
            _ => false,
        };
        (!as_it_should).then(|| format!("{}: {outcome:?}", member.name))
    };
    members.iter().filter_map(fault).collect()
}

#[test]
fn small_members_open_or_are_refused() {
    let members = ours();
    assert!(members.len() >= 20);
    let faults = faults(&members);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_whole_zoo_opens_with_its_outputs_or_is_refused_with_its_cause() {
    let members = whole_zoo();
    let faults = faults(&members);
    println!("{} members", members.len());
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The tables are of this zoo: they name members, and every trap is among them.
#[test]
fn every_trap_has_its_cause_in_the_table() {
    let members = whole_zoo();
    if members.is_empty() {
        return;
    }
    let table = TRAPS.iter().chain([&UNKNOWN_ACTIVATION]);
    let named: Vec<&str> = table.map(|(name, _)| *name).collect();
    for name in &named {
        assert!(members.iter().any(|member| member.name == *name), "{name}");
    }
    for member in members {
        let (name, is_trap) = (member.name.as_str(), member.about["expect"] == "refused");
        let listed = named.contains(&name) || [UNREAD_NAN, COMPUTED].contains(&name);
        assert!(!is_trap || listed, "{name}");
    }
}

/// The members' data without the framework's outputs.
fn without_outputs(member: &Member, folder: &Path) -> PathBuf {
    let bytes = fs::read(member.folder.join("data.safetensors")).unwrap();
    let mut data = Checkpoint::from_bytes("data.safetensors", &bytes, None).unwrap();
    data.tensors.remove("outputs");
    let path = folder.join(format!("{}.safetensors", member.name));
    fs::write(&path, data.to_bytes().unwrap()).unwrap();
    path
}

/// What a person sees of a refusal does not depend on the data; nor of NaN.
#[test]
fn refusals_stay_without_the_frameworks_outputs() {
    let folder = tempfile::tempdir().unwrap();
    for member in of_interest() {
        let without = without_outputs(&member, folder.path());
        let seen = [member.folder.join("data.safetensors"), without].map(|data| member.run(&data));
        if let Some(word) = cause(&member.name) {
            let said = seen.map(|seen| {
                assert_eq!(seen.status.code(), Some(2), "{}", member.name);
                String::from_utf8(seen.stderr).unwrap()
            });
            assert!(said[0].contains(word), "{}: {}", member.name, said[0]);
            assert_eq!(said[0], said[1], "{}", member.name);
        } else {
            for seen in seen {
                assert_eq!(seen.status.code(), Some(1), "{}", member.name);
                let result: Value = serde_json::from_slice(&seen.stdout).unwrap();
                let first = &result["summary"][0];
                let is_read = member.name != UNREAD_NAN;
                assert!(
                    !is_read || first["status"] == "fails",
                    "{}: {first}",
                    member.name
                );
                let found = result["findings"].to_string();
                assert!(found.contains("NaN and"), "{}: {found}", member.name);
            }
        }
    }
}

/// The members that are refused or hold NaN, each name once.
fn of_interest() -> Vec<Member> {
    let all = ours().into_iter().chain(whole_zoo());
    let by_name: BTreeMap<String, Member> = all.map(|m| (m.name.clone(), m)).collect();
    let of_interest = |member: &Member| cause(&member.name).is_some() || !is_finite(member);
    by_name.into_values().filter(of_interest).collect()
}

#[test]
fn an_order_that_is_told_is_taken() {
    let members = ours();
    let member = members
        .iter()
        .find(|m| m.name == "mlp-names-ambiguous")
        .unwrap();
    let checkpoint = Checkpoint::open(&member.folder).unwrap();
    let open = |layers: &[&str]| {
        let layers = layers.iter().map(|l| (*l).to_owned()).collect();
        let options = Options {
            layers,
            ..Options::default()
        };
        Loaded::from_checkpoint(&checkpoint, options)
    };
    let loaded = open(&["alpha", "gamma", "beta", "readout"]).unwrap();
    assert_eq!(member.compared(&loaded), Outcome::Same);
    // Left out, twice, unknown.
    for layers in [
        &["alpha", "gamma", "readout"][..],
        &["alpha", "alpha", "gamma", "beta", "readout"],
        &["alpha", "omega"],
    ] {
        assert!(open(layers).is_err(), "{layers:?}");
    }
}

/// What a file leaves open is settled by the framework's outputs, or told; without either
/// it is refused, or read as in training.
#[test]
fn meanings_are_told_or_settled_by_outputs() {
    let members = ours();
    let told = |name: &str, with_outputs: bool, told: &[Meaning]| {
        let member = members.iter().find(|m| m.name == name).unwrap();
        let checkpoint = Checkpoint::open(&member.folder).unwrap();
        let mut data = member.data();
        if !with_outputs {
            data.outputs = None;
        }
        let options = Options {
            meanings: told.to_vec(),
            ..Options::default()
        };
        let loaded = Loaded::from_checkpoint(&checkpoint, options.settled(&checkpoint, &data));
        let said = loaded.as_ref().map(|loaded| loaded.account.told.join("\n"));
        let said = said.unwrap_or_default();
        (loaded.map(|loaded| member.compared(&loaded)), said)
    };
    let norms = "mlp-layernorm";
    let (outcome, said) = told(norms, true, &[]);
    assert_eq!(outcome.unwrap(), Outcome::Same);
    assert!(said.contains("`1`, `4` are LayerNorms: so read"), "{said}");
    assert!(told(norms, false, &[]).0.is_err());
    let (outcome, said) = told(norms, false, &[Meaning::LayerNorm]);
    assert_eq!(outcome.unwrap(), Outcome::Same);
    assert!(said.contains("`--meaning` says so"), "{said}");
    // Falcon's eager attention adds the slopes twice, the other once.
    let (eager, other) = ("hf-made-falcon-alibi-eager", "hf-made-falcon-alibi-sdpa");
    assert_eq!(told(eager, true, &[]).0.unwrap(), Outcome::Same);
    assert!(matches!(
        told(eager, false, &[]).0.unwrap(),
        Outcome::Other(..)
    ));
    assert_eq!(told(other, false, &[]).0.unwrap(), Outcome::Same);
}

/// What is written back in another form (norms folded, projections multiplied out)
/// computes the same, and what is pruned is what its file computes.
#[test]
fn what_is_written_back_is_what_was_judged() {
    let mut rewritten = Vec::new();
    for member in ours().into_iter().chain(whole_zoo()).filter(is_finite) {
        let Ok((checkpoint, loaded)) = member.load() else {
            continue;
        };
        if loaded.rewritten.is_none() {
            continue;
        }
        let again = Loaded::from_checkpoint(&loaded.editable(&checkpoint), Options::default());
        assert_eq!(
            member.compared(&again.unwrap()),
            Outcome::Same,
            "{}",
            member.name
        );
        rewritten.push(pruned_as_written(&member, &checkpoint, &loaded));
    }
    let changed = rewritten.iter().filter(|change| **change > 0.0);
    assert!(changed.count() >= 3, "{rewritten:?}");
}

/// The largest change that a pruning reports, which is that of the file it writes.
fn pruned_as_written(member: &Member, checkpoint: &Checkpoint, loaded: &Loaded) -> f64 {
    let data = member.data();
    let mut config = Config::new(Vec::new());
    config.prune.threshold = Threshold::At(0.15);
    config.stages = Stages {
        modules: false,
        circuits: false,
    };
    let outcome = audit(checkpoint, &data, &config, &|_| ()).unwrap();
    let written = Loaded::from_checkpoint(&outcome.pruned.unwrap(), Options::default()).unwrap();
    let [before, after] = [loaded, &written].map(|loaded| {
        let plain = Loaded {
            readout: None,
            ..loaded.clone()
        };
        plain.outputs(&data).unwrap()
    });
    let reported = outcome.result.prune.unwrap().max_abs_change;
    let found = largest(&before, &after);
    let scale = before.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    println!("{}: {reported} reported, {found} in the file", member.name);
    assert!((reported - found).abs() <= 1e-5 * scale, "{}", member.name);
    found
}
