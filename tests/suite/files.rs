//! PyTorch files, shards, GPT-2 folders and prompts as text: the same networks and
//! the same numbers as what they were made from.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::model::transformer::Mask;
use modscope::model::{Architecture, Loaded, Network, Options, Sequences, Transformer};
use modscope::patch::{ComponentEngine, Fill, Setup};
use modscope::{Error, ErrorKind};
use sha2::{Digest as _, Sha256};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

fn loaded(path: &str) -> Loaded {
    let checkpoint = Checkpoint::open(&fixture(path)).unwrap();
    Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap()
}

fn transformer(path: &str) -> Transformer<f32> {
    match loaded(path).network {
        Network::F32(Architecture::Transformer(model)) => *model,
        _ => panic!("a transformer in f32"),
    }
}

fn text_and_tokens() -> (Dataset, Dataset) {
    let tokenizer = fixture("gpt2/tokenizer.json");
    let text = Dataset::open_with(&fixture("gpt2/prompts.jsonl"), None, Some(&tokenizer));
    let tokens = Dataset::open(&fixture("gpt2/data.safetensors"), None);
    (text.unwrap(), tokens.unwrap())
}

#[test]
fn a_pytorch_file_is_the_network_that_safetensors_is() {
    let same = loaded("torch/sequential.safetensors");
    for name in ["sequential.pt", "sequential-legacy.pt", "nested.pth"] {
        let from_torch = loaded(&format!("torch/{name}"));
        assert_eq!(from_torch.roles, same.roles, "{name}");
        assert_eq!(from_torch.layout, same.layout, "{name}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_modscope"))
        .arg("inspect")
        .arg(fixture("torch/sequential.pt"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("layers      2 → 3 → 2"), "{text}");
}

#[test]
fn shards_are_the_network_in_one_file() {
    let whole = Checkpoint::open(&fixture("broken/good/bimt")).unwrap();
    let folder = fixture("broken/good/sharded");
    let sharded = Checkpoint::open(&folder).unwrap();
    assert_eq!(sharded.tensors, whole.tensors);
    // What `sha256sum` prints for the index and the shards, summed once more.
    let sum = |bytes: &[u8]| -> String {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let names = [
        "model.safetensors.index.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ];
    let line = |name: &&str| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        format!("{}  {name}\n", sum(&bytes))
    };
    let printed: String = names.iter().map(line).collect();
    assert_eq!(sharded.sha256.to_string(), sum(printed.as_bytes()));
}

#[test]
fn gpt2_in_one_file_and_in_shards_gives_the_logits_of_pytorch() {
    let (text, tokens) = text_and_tokens();
    let single = transformer("gpt2");
    let sharded = transformer("gpt2/sharded");
    assert!(
        single == sharded,
        "prefix, masks and tied head change nothing"
    );
    let account = loaded("gpt2/sharded").account;
    assert!(account.harmless.contains_key("transformer.h.0.attn.bias"));
    // Prompts of 14 and of 16 tokens; PyTorch ran each by itself.
    let mut batch = Sequences::new(&single, &text, None).unwrap();
    batch.outputs = Sequences::new(&single, &tokens, None).unwrap().outputs;
    let trace = single.forward(&batch.inputs, &batch.answers, batch.length());
    let theirs = batch.outputs.unwrap();
    let scale = theirs.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let differences = trace.outputs().into_iter().zip(&theirs);
    let largest = differences.fold(0.0_f64, |m, (a, b)| m.max((f64::from(*a) - b).abs()));
    println!("largest difference {largest:.1e} of {scale:.2}");
    assert!(largest <= 1e-5 * scale, "{largest:e} of {scale}");
}

#[test]
fn prompts_as_text_are_the_tokens_they_should_be() {
    let (text, tokens) = text_and_tokens();
    assert_eq!(text.inputs, tokens.inputs);
    assert_eq!(text.corrupted, tokens.corrupted);
    assert_eq!(text.positions, tokens.positions);
    assert_eq!(text.answers, tokens.answers);
    assert_eq!(text.foils, tokens.foils);
    assert_eq!(text.prompt_lengths(), Some((14, 16)));
    let second = &text.prompts[1];
    let words = "When| John| and| Mary| went| to| the| store|,| Mary| gave| a| book| to";
    assert_eq!(second.clean.join("|"), words);
    assert_eq!(second.corrupted[9], " Anna");
    assert_eq!(
        (second.answer.as_str(), second.foil.as_str()),
        (" John", " Mary")
    );
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn the_tokenizer_of_the_reference_gives_its_tokens() {
    let folder = fixture("../../shared/peers/toy-ioi");
    let Ok(pairs) = std::fs::read(folder.join("pairs.json")) else {
        println!("skipped: reference material peers/toy-ioi is not here");
        return;
    };
    let pairs: serde_json::Value = serde_json::from_slice(&pairs).unwrap();
    let pairs = pairs["pairs"].as_array().unwrap();
    let line = |pair: &serde_json::Value| {
        let begun = |key: &str| format!("<bos> {}", pair[key].as_str().unwrap());
        let (clean, corrupted) = (begun("clean_text"), begun("corrupted_text"));
        let line = serde_json::json!({
            "clean": clean, "corrupted": corrupted, "answer": pair["answer"], "foil": pair["wrong"],
        });
        format!("{line}\n")
    };
    let lines: String = pairs.iter().map(line).collect();
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("prompts.jsonl");
    std::fs::write(&path, lines).unwrap();
    let text = Dataset::open_with(&path, None, Some(&folder.join("tokenizer.json"))).unwrap();
    let tokens = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    assert_eq!(text.inputs, tokens.inputs);
    assert_eq!(text.corrupted, tokens.corrupted);
    assert_eq!(text.answers, tokens.answers);
    assert_eq!(text.foils, tokens.foils);
}

#[test]
fn a_file_beyond_memory_is_not_read() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("model.pt");
    // Sparse: it takes no room.
    std::fs::File::create(&path)
        .unwrap()
        .set_len((8 << 30) + 1)
        .unwrap();
    let error = Checkpoint::open(&path).unwrap_err();
    assert!(
        matches!(
            error,
            Error {
                kind: ErrorKind::FileTooLarge { .. },
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn padding_is_kept_out_of_what_is_computed() {
    let (text, _) = text_and_tokens();
    let mut model = transformer("gpt2");
    let batch = Sequences::new(&model, &text, None).unwrap();
    for (fill, refused) in [
        (Fill::Zero, false),
        (Fill::Corrupted, false),
        (Fill::Mean, true),
        (Fill::Resample, true),
    ] {
        let setup = Setup {
            fill,
            seed: 0,
            split_input: false,
        };
        let engine = ComponentEngine::new(&model, &batch, setup);
        let lengths = matches!(
            engine,
            Err(Error {
                kind: ErrorKind::PromptLengths { .. },
                ..
            })
        );
        assert_eq!(lengths, refused, "{fill:?}");
    }
    for block in &mut model.blocks {
        Arc::make_mut(block).attention.heads.mask = Mask::Full;
    }
    let both_ways = Sequences::new(&model, &text, None);
    assert!(matches!(
        both_ways,
        Err(Error {
            kind: ErrorKind::PromptLengths { .. },
            ..
        })
    ));
}
