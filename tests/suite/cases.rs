//! Inputs on which the tool was once wrong, each with what is right.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;

/// A command in `../shared/cases`, how it ends, and words of what it says.
struct Case(&'static str, i32, &'static [&'static str]);

/// Nothing is pruned and nothing searched: what the case is of comes first.
const CASES: [Case; 16] = [
    Case(
        "prune tl_rotary --data tl_rotary/data.safetensors --threshold 0",
        0,
        &["holds", "the outputs are those of the source framework"],
    ),
    Case(
        "prune tl_folded_noconfig --data tl_folded-noout.safetensors --threshold 0",
        2,
        &["`normalization_type` is needed", "try:"],
    ),
    Case(
        "prune mlp_output_layer_dropped --threshold 0",
        0,
        &["the outputs are those of the source framework"],
    ),
    Case(
        "prune gpt2_classifier --data gpt2_classifier-noout.safetensors --threshold 0",
        2,
        &["GPT2ForSequenceClassification"],
    ),
    Case("prune nan_relu --threshold 0", 1, &["fails", "not finite"]),
    Case(
        "prune bf16_parity --threshold 0",
        0,
        &["within the rounding of bf16"],
    ),
    Case(
        "circuit tl_ignore_and_kl --method acdc,eap --metric kl",
        0,
        &["Circuits", "gradient of `kl`, which is 0"],
    ),
    Case(
        "prune csv-year-built/model.pt --data csv-year-built/data.csv --activation relu",
        2,
        &["--target"],
    ),
    Case(
        "prune csv-year-built/model.pt --data csv-year-built/data.csv --activation relu \
         --target price --threshold 0",
        0,
        &["Loss: The loss (mean squared error) stays at 0.00"],
    ),
    Case("audit subnormal-f64 --null layer:2", 0, &["report:"]),
    // It is no network, but its tensors are told.
    Case(
        "inspect name65536.safetensors",
        0,
        &["…   f32  [1]", "no network"],
    ),
    Case(
        "report report-each.json",
        2,
        &["`strongest.each` is 9223372036854775807"],
    ),
    Case(
        "circuit tokenizer-panic/m --data tokenizer-panic/prompts.jsonl --method eap \
         --fill corrupted",
        2,
        &["tokenizer.json", "try:"],
    ),
    Case(
        "train data --data label.jsonl --steps 5 --hidden 3",
        2,
        &["2147483648 classes"],
    ),
    Case(
        "train independence --steps 500 --resume snap-flip.safetensors",
        2,
        &["checksum"],
    ),
    Case(
        "prune f32-certificate --activation identity --threshold 0.001 --tolerance 0.0007 \
         --certify --domain box:-1,1",
        0,
        &["Not proved in f32"],
    ),
];

#[test]
#[cfg_attr(not(references), ignore = "needs the inputs in ../shared")]
fn every_case_ends_as_it_should() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    let mut wrong = Vec::new();
    for (number, Case(words, code, expected)) in CASES.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_modscope"));
        command.args(words.split_whitespace()).current_dir(&cases);
        if !words.starts_with("inspect") {
            command.arg("--out").arg(folder.path().join("r"));
        }
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let lacks = expected.iter().find(|words| !said.contains(**words));
        if output.status.code() != Some(*code) || lacks.is_some() {
            let found = output.status.code();
            wrong.push(format!(
                "{number}: {words}: {found:?}, lacks {lacks:?}\n{said}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
