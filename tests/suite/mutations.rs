//! Good files with bytes changed: whatever they hold, an error or a result, never
//! a panic. And what is read is written back bit for bit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use modscope::audit::{Config, audit};
use modscope::checkpoint::{Checkpoint, Dtype, IntegerKind, Tensor};
use modscope::data::Dataset;
use modscope::model::{Loaded, Options};
use modscope::numeric::Rng;
use modscope::prune::Threshold;
use modscope::prune::Tolerance;
use modscope::report::{self, words};
use modscope::result::Audit;
use proptest::prelude::*;

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

fn read(path: &str) -> Vec<u8> {
    fs::read(fixture(path)).unwrap()
}

/// Runs `work` and says which case panicked, if it does.
fn never_panics<R>(case: &str, work: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| panic!("panicked on {case}"))
}

// --- mutations ---------------------------------------------------------------------------

/// Numbers that headers lie with.
const EXTREME: [&str; 11] = [
    "0",
    "1",
    "3",
    "255",
    "2147483648",
    "4294967295",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "-1",
    "1e308",
];

/// Bytes with a few things changed.
pub(super) fn mutated(good: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    // Every other time the header stays whole and only numbers change.
    let kinds = if rng.below(2) == 0 { 2 } else { 6 };
    for _ in 0..=rng.below(3) {
        match 5 - rng.below(kinds) {
            0 => flip(&mut bytes, rng),
            1 => bytes.truncate(rng.below(bytes.len() + 1)),
            2 => splice(&mut bytes, rng),
            3 => number(&mut bytes, rng),
            4 => special(&mut bytes, rng),
            _ => zeros(&mut bytes, rng),
        }
    }
    bytes
}

fn flip(bytes: &mut [u8], rng: &mut Rng) {
    if !bytes.is_empty() {
        let place = rng.below(bytes.len());
        bytes[place] ^= 1 << rng.below(8);
    }
}

/// A range copied to another place.
fn splice(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let start = rng.below(bytes.len() + 1);
    let end = start + rng.below(bytes.len() - start + 1).min(64);
    let piece = bytes[start..end].to_vec();
    let at = rng.below(bytes.len() + 1);
    let replaced = at + rng.below(bytes.len() - at + 1).min(64);
    bytes.splice(at..replaced, piece);
}

/// A number in the text replaced by an extreme one; the length of a safetensors
/// header is corrected, so that the header is read.
fn number(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let digits: Vec<usize> = (0..bytes.len())
        .filter(|i| bytes[*i].is_ascii_digit() && (*i == 0 || !bytes[*i - 1].is_ascii_digit()))
        .collect();
    if digits.is_empty() {
        return;
    }
    let start = digits[rng.below(digits.len())];
    let length = bytes[start..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let new = EXTREME[rng.below(EXTREME.len())].as_bytes();
    bytes.splice(start..start + length, new.iter().copied());
    if let Some(prefix) = bytes.first_chunk_mut::<8>() {
        let header = u64::from_le_bytes(*prefix);
        if header < 100_000 {
            let grown = header
                .wrapping_add(new.len() as u64)
                .wrapping_sub(length as u64);
            *prefix = grown.to_le_bytes();
        }
    }
}

/// A number among the data that is none, or very large, or very small.
fn special(bytes: &mut [u8], rng: &mut Rng) {
    const SPECIAL: [f32; 8] = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-45,
        -0.0,
        1e20,
    ];
    let room = (bytes.len() - data_start(bytes)) / 4;
    if room > 0 {
        // Data are aligned from the end.
        let place = bytes.len() - 4 * (1 + rng.below(room));
        let value = SPECIAL[rng.below(SPECIAL.len())];
        bytes[place..place + 4].copy_from_slice(&value.to_le_bytes());
    }
}

/// A stretch of zeros at the end: weights and permutations of nothing.
fn zeros(bytes: &mut [u8], rng: &mut Rng) {
    let start = data_start(bytes);
    let start = start + rng.below(bytes.len() - start + 1);
    let end = start + rng.below(bytes.len() - start + 1);
    bytes[start..end].fill(0);
}

/// Where the numbers of a safetensors file start; the middle of other files.
fn data_start(bytes: &[u8]) -> usize {
    let header = bytes.first_chunk::<8>().map(|p| u64::from_le_bytes(*p));
    match header.and_then(|length| usize::try_from(length).ok()?.checked_add(8)) {
        Some(start) if start <= bytes.len() => start,
        _ => bytes.len() / 2,
    }
}

// --- checks ------------------------------------------------------------------------------

/// A quick audit with everything in it.
fn config() -> Config {
    let mut config = Config::new(vec!["modscope".into(), "audit".into()]);
    config.lesion_samples = 2;
    config.modules.null_samples = 2;
    config.modules.stability_seeds = 2;
    config
}

/// Audits, draws and reads back what was written.
fn audit_and_draw(checkpoint: &Checkpoint, data: &Dataset, config: &Config) -> bool {
    let Ok(outcome) = audit(checkpoint, data, config, &|_| ()) else {
        return false;
    };
    let folder = tempfile::tempdir().unwrap();
    report::write(&outcome.result, "audit", folder.path(), &Default::default()).unwrap();
    assert!(!words::summary(&outcome.result).is_empty());
    let json = fs::read(folder.path().join("audit.json")).unwrap();
    let again: Audit = serde_json::from_slice(&json).expect("a result that was written is read");
    assert_eq!(again.circuits.len(), outcome.result.circuits.len());
    assert!(!words::summary(&again).is_empty());
    true
}

/// A checkpoint of mutated bytes: read, made a network, audited. Says how far it came.
fn checkpoint_case(bytes: &[u8], data: Option<&Dataset>) -> usize {
    let Ok(checkpoint) = Checkpoint::from_bytes("mutated", bytes, None) else {
        return 0;
    };
    if Loaded::from_checkpoint(&checkpoint, Options::default()).is_err() {
        return 1;
    }
    data.map_or(2, |data| {
        2 + usize::from(audit_and_draw(&checkpoint, data, &config()))
    })
}

#[test]
fn mutated_checkpoints_never_panic() {
    let files = [
        ("broken/good/bimt/model.safetensors", 1_000),
        ("independence-bimt/model.safetensors", 2_000),
        ("two_moon-bimt/model.safetensors", 1_000),
    ];
    let small = Dataset::open(&fixture("broken/good/data.safetensors"), None).unwrap();
    let mut reached = [0; 4];
    for (file, cases) in files {
        let good = read(file);
        for case in 0..cases {
            let bytes = mutated(&good, &mut Rng::new(case, 1));
            let data = file.starts_with("broken").then_some(&small);
            let name = format!("{file}, case {case}");
            reached[never_panics(&name, || checkpoint_case(&bytes, data))] += 1;
        }
    }
    println!("refused as files {reached:?} audited");
    assert!(reached.iter().all(|count| *count > 50), "{reached:?}");
}

#[test]
fn mutated_pytorch_files_never_panic() {
    let (mut refused, mut read_on) = (0, 0);
    for file in [
        "sequential.pt",
        "sequential-legacy.pt",
        "nested.pth",
        "tensors.pt",
    ] {
        let good = read(&format!("torch/{file}"));
        for case in 0..1_000 {
            let bytes = mutated(&good, &mut Rng::new(case, 7));
            let name = format!("{file}, case {case}");
            let written = never_panics(&name, || {
                let checkpoint = Checkpoint::from_bytes("mutated.pt", &bytes, None).ok()?;
                let _ = Loaded::from_checkpoint(&checkpoint, Options::default());
                Some(checkpoint.to_bytes().unwrap())
            });
            if written.is_some() {
                read_on += 1;
            } else {
                refused += 1;
            }
        }
    }
    println!("{refused} refused, {read_on} read");
    assert!(refused > 400 && read_on > 400, "{refused} {read_on}");
}

#[test]
fn mutated_data_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let values = Checkpoint::open(&fixture("broken/good/bimt")).unwrap();
    let tokens = Checkpoint::open(&fixture("broken/good/tokens")).unwrap();
    let (mut refused, mut audited) = (0, 0);
    for (name, good, checkpoint) in [
        ("a.safetensors", read("broken/good/data.safetensors"), &values),
        ("b.safetensors", read("broken/good/targets.safetensors"), &values),
        ("c.safetensors", read("broken/good/tokens.safetensors"), &tokens),
        ("d.npz", npz(), &values),
        ("e.npy", npy("<f8", "(4, 2)", &[1.0; 8]), &values),
        ("f.csv", b"a,b,label\n0,1,0\n1.5,-2,1\n1e3,4,1\n".to_vec(), &values),
        (
            "g.jsonl",
            b"{\"inputs\": [0.1, 2], \"label\": [1.0, 2.0]}\n{\"inputs\": [1, 2], \"label\": [0, 1]}\n"
                .to_vec(),
            &values,
        ),
    ] {
        let path = folder.path().join(name);
        for case in 0..400 {
            fs::write(&path, mutated(&good, &mut Rng::new(case, 2))).unwrap();
            let name = format!("{name}, case {case}");
            let done = never_panics(&name, || {
                let data = Dataset::open(&path, None);
                data.is_ok_and(|data| audit_and_draw(checkpoint, &data, &config()))
            });
            if done { audited += 1 } else { refused += 1 }
        }
    }
    println!("{refused} refused, {audited} audited");
    assert!(refused > 500 && audited > 100, "{refused} {audited}");
}

fn npy(descr: &str, shape: &str, values: &[f64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    header += &" ".repeat(63 - (10 + header.len()) % 64);
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

/// An archive that is stored, not packed, so that mutations reach the arrays.
fn npz() -> Vec<u8> {
    let file = fixture("broken/data/npz-cut-short/data.npz");
    let mut bytes = fs::read(file).unwrap();
    // Two rows of two need four numbers; there are three. Make it three rows of one.
    let place = bytes.windows(6).position(|w| w == b"(2, 2)").unwrap();
    bytes[place..place + 6].copy_from_slice(b"(3, 1)");
    bytes
}

// --- networks and data at the edge of what is allowed ------------------------------------

fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor {
        dtype: Dtype::F32,
        shape: shape.to_vec(),
        bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

/// A network of these widths, whose weights `weight` gives.
fn network(widths: &[usize], mut weight: impl FnMut() -> f32) -> Checkpoint {
    let mut tensors = BTreeMap::new();
    for (i, pair) in widths.windows(2).enumerate() {
        let mut numbers = |n: usize| (0..n).map(|_| weight()).collect::<Vec<f32>>();
        tensors.insert(
            format!("linears.{i}.linear.weight"),
            tensor(&[pair[1], pair[0]], &numbers(pair[0] * pair[1])),
        );
        tensors.insert(
            format!("linears.{i}.linear.bias"),
            tensor(&[pair[1]], &numbers(pair[1])),
        );
    }
    for (name, width) in [
        ("in_perm", widths[0]),
        ("out_perm", widths[widths.len() - 1]),
    ] {
        let order: Vec<f32> = (0..width).map(|i| i as f32).collect();
        tensors.insert(name.to_owned(), tensor(&[width], &order));
    }
    Checkpoint {
        path: "made".into(),
        sha256: String::new().into(),
        tensors,
        metadata: BTreeMap::new(),
        config: serde_json::Map::new(),
    }
}

/// Data of these arrays.
fn data(arrays: &[(&str, Tensor)]) -> Dataset {
    let made = Checkpoint {
        tensors: arrays
            .iter()
            .map(|(n, t)| ((*n).to_owned(), t.clone()))
            .collect(),
        ..network(&[1, 1], || 0.0)
    };
    Dataset::from_bytes("made", &made.to_bytes().unwrap(), None, None).unwrap()
}

fn classes(values: &[i64]) -> Tensor {
    Tensor {
        dtype: Dtype::Integer(IntegerKind::I64),
        shape: vec![values.len()],
        bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

#[test]
fn every_corner_is_audited_and_drawn() {
    let corners = [
        0.0,
        1.0,
        -1.0,
        1e-30,
        1e30,
        f32::NAN,
        f32::INFINITY,
        f32::MAX,
    ];
    let shapes: [&[usize]; 6] = [
        &[1, 1],
        &[2, 2],
        &[1, 1, 1],
        &[2, 3, 1],
        &[3, 1, 4, 2],
        &[5, 9],
    ];
    let mut cases = 0;
    for (shape, corner) in shapes
        .iter()
        .flat_map(|s| corners.iter().map(move |c| (*s, *c)))
    {
        let mut rng = Rng::new(9, shape.len() as u64);
        let all = network(shape, || corner);
        let some = network(shape, || {
            if rng.below(4) == 0 {
                corner
            } else {
                rng.normal() as f32
            }
        });
        let (inputs, outputs) = (shape[0], shape[shape.len() - 1]);
        for samples in [1, 5] {
            let x: Vec<f32> = (0..samples * inputs).map(|i| (i as f32).sin()).collect();
            let x = || ("inputs", tensor(&[samples, inputs], &x));
            let single = vec![0; samples];
            let cycle: Vec<i64> = (0..samples).map(|s| (s % outputs) as i64).collect();
            let targets = tensor(&[samples, outputs], &vec![0.5; samples * outputs]);
            let sets = [
                data(&[x()]),
                data(&[x(), ("labels", classes(&single))]),
                data(&[
                    x(),
                    ("labels", classes(&cycle)),
                    ("corrupted_inputs", x().1),
                ]),
                data(&[x(), ("labels", targets.clone()), ("outputs", targets)]),
            ];
            for ((kind, checkpoint), (number, set)) in [("all", &all), ("some", &some)]
                .into_iter()
                .flat_map(|c| sets.iter().enumerate().map(move |s| (c, s)))
            {
                let mut config = config();
                // Everything pruned, now and then.
                config.prune.threshold = if cases % 3 == 0 {
                    Threshold::At(1e35)
                } else {
                    Threshold::Auto
                };
                config.prune.biases = cases % 2 == 0;
                if cases % 5 == 0 {
                    config.prune.tolerance = Tolerance::Absolute(0.0);
                }
                let name = format!("{shape:?} of {kind} {corner}, {samples} samples, set {number}");
                let done = never_panics(&name, || audit_and_draw(checkpoint, set, &config));
                assert!(done, "{name}");
                cases += 1;
            }
        }
    }
    println!("{cases} corners");
}

#[test]
fn constant_inputs_are_audited() {
    let mut rng = Rng::new(4, 0);
    let checkpoint = network(&[2, 4, 2], || rng.normal() as f32);
    let same = data(&[
        ("inputs", tensor(&[6, 2], &[0.5; 12])),
        ("labels", classes(&[0, 1, 0, 1, 0, 1])),
    ]);
    assert!(audit_and_draw(&checkpoint, &same, &config()));
}

// --- written as it was read --------------------------------------------------------------

const DTYPES: [Dtype; 13] = [
    Dtype::F64,
    Dtype::F32,
    Dtype::F16,
    Dtype::Bf16,
    Dtype::Integer(IntegerKind::I64),
    Dtype::Integer(IntegerKind::I32),
    Dtype::Integer(IntegerKind::I16),
    Dtype::Integer(IntegerKind::I8),
    Dtype::Integer(IntegerKind::U64),
    Dtype::Integer(IntegerKind::U32),
    Dtype::Integer(IntegerKind::U16),
    Dtype::Integer(IntegerKind::U8),
    Dtype::Integer(IntegerKind::Bool),
];

/// A tensor of any type and shape, with any bits.
fn any_tensor() -> impl Strategy<Value = Tensor> {
    let shape = proptest::collection::vec(0_usize..5, 0..4);
    (0..DTYPES.len(), shape, any::<u64>()).prop_map(|(dtype, shape, seed)| {
        let dtype = DTYPES[dtype];
        let length = shape.iter().product::<usize>() * dtype.size();
        let mut rng = Rng::new(seed, 0);
        let bytes = (0..length).map(|_| rng.below(256) as u8).collect();
        Tensor {
            dtype,
            shape,
            bytes,
        }
    })
}

proptest! {
    #[test]
    fn a_checkpoint_is_written_as_it_was_read(
        tensors in proptest::collection::btree_map("[a-z._0-9]{1,12}", any_tensor(), 0..6),
        metadata in proptest::collection::btree_map("[a-z]{1,6}", ".{0,9}", 0..3),
    ) {
        let checkpoint = Checkpoint { tensors, metadata, ..network(&[1, 1], || 0.0) };
        let bytes = checkpoint.to_bytes().unwrap();
        let again = Checkpoint::from_bytes("again", &bytes, None).unwrap();
        prop_assert_eq!(&again.tensors, &checkpoint.tensors);
        prop_assert_eq!(&again.metadata, &checkpoint.metadata);
        for tensor in again.tensors.values() {
            prop_assert_eq!(tensor.to_f64().len(), tensor.len());
        }
    }
}

#[test]
fn pruning_leaves_every_other_bit() {
    for name in ["independence-bimt", "two_moon-bimt"] {
        let checkpoint = Checkpoint::open(&fixture(name)).unwrap();
        let data = Dataset::open(&fixture(name).join("data.safetensors"), None).unwrap();
        let threshold = 0.05;
        let mut config = config();
        config.prune.threshold = Threshold::At(threshold);
        let outcome = audit(&checkpoint, &data, &config, &|_| ()).unwrap();
        let kept = outcome.result.prune.unwrap().edges_kept;
        let pruned = outcome.pruned.unwrap();
        let mut left = 0;
        for (name, before) in &checkpoint.tensors {
            let after = &pruned.tensors[name];
            assert_eq!((before.dtype, &before.shape), (after.dtype, &after.shape));
            if !name.ends_with(".weight") {
                assert_eq!(before.bytes, after.bytes, "{name}");
                continue;
            }
            for (old, new) in before.bytes.chunks(4).zip(after.bytes.chunks(4)) {
                let weight = f32::from_le_bytes(old.try_into().unwrap());
                let gone = f64::from(weight.abs()) < threshold;
                assert_eq!(new, if gone { &[0; 4] } else { old }, "{name}: {weight}");
                left += usize::from(!gone);
            }
        }
        assert_eq!(left, kept);
        assert_eq!(pruned.metadata, checkpoint.metadata);
    }
}
