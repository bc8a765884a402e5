//! Proof logs: the checker, which shares no code with the tool, accepts those that are
//! written, and rejects every one of a thousand that were tampered with.
//!
//! A log that was changed and still proves what it claims is no forgery. So every change
//! here is one of two kinds: the claim becomes false (there is an input, found by
//! evaluating both networks, that breaks it), or a part that the format requires is
//! missing, contradicts another, or is not what the file's hash says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;

use modscope::checkpoint::{Checkpoint, Tensor};
use modscope::data::Domain;
use modscope::model::{Linear, Mlp};
use modscope::numeric::{Activation, Rng};
use modscope::prune::apply;
use modscope::prune::certify::{
    Arithmetic, Budget, Goal, Logged, Options, Request, certificate, physical_point, proof,
};
use modscope_check::{Files, check};
use ndarray::{Array1, Array2, array};
use serde_json::{Value, json};

use crate::cli::{Desk, fixture};

const ACTIVATIONS: [Activation; 7] = [
    Activation::Identity,
    Activation::Relu,
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Tanh,
    Activation::Sigmoid,
];

/// Two networks in files, and the log that speaks of them.
#[derive(Clone)]
struct Case {
    log: Value,
    original: Vec<u8>,
    pruned: Vec<u8>,
    config: Vec<u8>,
    /// What changes them.
    models: [Mlp<f64>; 2],
    /// Per output, the largest change that was found.
    found: Vec<f64>,
}

impl Case {
    fn check(&self) -> Result<String, String> {
        let files = Files {
            original: &self.original,
            pruned: &self.pruned,
            config: Some(&self.config),
            activations: None,
        };
        let log = serde_json::to_vec(&self.log).unwrap();
        check(&log, &files).map_err(|fault| fault.to_string())
    }

    fn numbers(&self, at: &str) -> Vec<f64> {
        let list = self.log.pointer(at).and_then(Value::as_array).unwrap();
        list.iter().map(|x| x.as_f64().unwrap()).collect()
    }
}

fn network(rng: &mut Rng, activation: Activation, tokens: bool) -> Mlp<f64> {
    let hidden = 1 + rng.below(2);
    let mut widths = vec![if tokens { 4 } else { 1 + rng.below(3) }];
    widths.extend((0..hidden).map(|_| 2 + rng.below(5)));
    widths.push(1 + rng.below(3));
    // Numbers of f32, as the certificates for f32 ask for.
    let mut number = || f64::from((0.9 * rng.normal()) as f32);
    let layers = widths.windows(2).map(|w| Linear {
        weight: Array2::from_shape_simple_fn((w[1], w[0]), &mut number),
        bias: Array1::from_shape_simple_fn(w[1], &mut number),
    });
    let layers = layers.collect();
    let embedding = tokens.then(|| Array2::from_shape_simple_fn((5, 2), &mut number));
    let mut order: Vec<usize> = (0..if tokens { 2 } else { widths[0] }).collect();
    order.reverse();
    Mlp {
        embedding,
        in_perm: order,
        folds: if tokens { 2 } else { 1 },
        layers,
        activation: activation.into(),
        out_perm: (0..widths[widths.len() - 1]).collect(),
    }
}

fn names(layer: usize) -> (String, String) {
    let name = |what: &str| format!("linears.{layer}.linear.{what}");
    (name("weight"), name("bias"))
}

fn file(model: &Mlp<f64>) -> Vec<u8> {
    let mut tensors = BTreeMap::new();
    let floats = |values: Vec<f64>| Tensor::of_floats(&[values.len()], &values);
    let order = |order: &[usize]| floats(order.iter().map(|q| *q as f64).collect());
    for (place, layer) in model.layers.iter().enumerate() {
        let (weight, bias) = names(place);
        let values: Vec<f64> = layer.weight.iter().copied().collect();
        tensors.insert(weight, Tensor::of_floats(layer.weight.shape(), &values));
        tensors.insert(bias, floats(layer.bias.to_vec()));
    }
    if let Some(table) = &model.embedding {
        let values: Vec<f64> = table.iter().copied().collect();
        tensors.insert(
            "embedding".into(),
            Tensor::of_floats(table.shape(), &values),
        );
    }
    tensors.insert("in_perm".into(), order(&model.in_perm));
    tensors.insert("out_perm".into(), order(&model.out_perm));
    let checkpoint = Checkpoint {
        path: "model.safetensors".into(),
        sha256: Default::default(),
        tensors,
        metadata: BTreeMap::new(),
        config: Default::default(),
    };
    checkpoint.to_bytes().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    modscope::checkpoint::Sum::of(bytes.to_vec().into()).to_string()
}

/// A random pair, certified and written down; `factor` is the tolerance over the bound.
fn case(seed: u64, activation: Activation, tokens: bool, factor: f64) -> Option<Case> {
    let mut rng = Rng::new(seed, 3);
    let original = network(&mut rng, activation, tokens);
    let pruned = apply(&original, 0.15 + 0.5 * rng.uniform(), false);
    let sides = |_| [-1.0 - rng.uniform(), 1.0 + rng.uniform()];
    let domain = match tokens {
        true => Domain::Tokens,
        false => Domain::Box((0..original.widths()[0]).map(sides).collect()),
    };
    let options = Options {
        budget: Budget {
            seconds: 600.0,
            boxes: 600,
        },
        goal: Goal::Narrow(1.2),
        arithmetic: [Arithmetic::Real, Arithmetic::F32, Arithmetic::F64][seed as usize % 3],
        ..Options::default()
    };
    let outputs = original.out_perm.len();
    let samples = Array2::zeros((original.widths()[0], 1));
    let told = |tolerance: &[f64]| {
        let request = Request {
            original: &original,
            pruned: &pruned,
            domain: &domain,
            tolerance,
            classifies: false,
            samples: samples.view(),
            radius: None,
        };
        let told = certificate(&request, &options).unwrap();
        let proof = proof(&request, &options, &told);
        (told, proof)
    };
    let (first, _) = told(&vec![1e-9; outputs]);
    let tolerance: Vec<f64> = first
        .outputs
        .iter()
        .map(|o| factor * o.bound + 1e-6)
        .collect();
    let (told, proof) = told(&tolerance);
    let (before, after) = (file(&original), file(&pruned));
    let logged = |path: &str, bytes: &[u8]| Logged {
        path: path.to_owned(),
        sha256: sha256(bytes),
        from: None,
    };
    let layers: Vec<_> = (0..original.layers.len())
        .map(|layer| (names(layer).0, Some(names(layer).1)))
        .collect();
    let log = proof.ok()?.to_json(
        &logged("model.safetensors", &before),
        &logged("pruned.safetensors", &after),
        &layers,
    );
    Some(Case {
        log: serde_json::from_slice(&log.unwrap()).unwrap(),
        original: before,
        pruned: after,
        config: json!({"activation": activation.to_string()})
            .to_string()
            .into_bytes(),
        found: told.outputs.iter().map(|o| o.found).collect(),
        models: [original, pruned],
    })
}

#[test]
fn the_checker_accepts_what_is_written() {
    let (mut leaves, mut bytes, mut logs) = (0, 0, 0);
    for seed in 0..210 {
        let activation = ACTIVATIONS[seed as usize % 7];
        let Some(case) = case(seed, activation, seed % 5 == 4, 1.3) else {
            continue;
        };
        let told = case.check();
        assert!(told.is_ok(), "{activation} {seed}: {told:?}");
        logs += 1;
        leaves += case.log["proof"]["leaves"].as_u64().unwrap_or(0);
        bytes += case.log.to_string().len();
    }
    println!("{logs} of 210 logs, {leaves} leaves, {bytes} bytes");
    assert!(logs > 150);
}

#[test]
fn counterexamples_are_checked() {
    let mut seen = 0;
    for seed in 0..40 {
        let activation = ACTIVATIONS[seed as usize % 7];
        let Some(mut case) = case(seed, activation, seed % 5 == 4, 0.5) else {
            continue;
        };
        if case.log["claim"]["kind"] != "refuted" {
            continue;
        }
        seen += 1;
        assert!(case.check().unwrap().starts_with("refuted"), "{seed}");
        let tolerance: Vec<f64> = case.found.iter().map(|found| 2.0 * found + 1.0).collect();
        case.log["claim"]["tolerance"] = json!(tolerance);
        case.check().unwrap_err();
    }
    assert!(seen > 20, "{seen}");
}

/// One way to tamper with a log or its files; `None` where this log has nothing to tamper
/// with in this way.
type Tampering = fn(&mut Case, &mut Rng) -> Option<()>;

const TAMPERINGS: [(&str, Tampering); 16] = [
    ("a bound under a change that was found", |case, rng| {
        let k = changing(case, rng)?;
        case.log["claim"]["bounds"][k] = json!(case.found[k] * (0.1 + 0.89 * rng.uniform()));
        Some(())
    }),
    ("a tolerance under its bound", |case, rng| {
        let bounds = case.numbers("/claim/bounds");
        let k = (0..bounds.len()).find(|k| bounds[*k] > 0.0)?;
        case.log["claim"]["tolerance"][k] = json!(bounds[k] * rng.uniform());
        Some(())
    }),
    ("a domain on which an output moves too far", |case, rng| {
        let sides = case.log.pointer("/domain/boxes/0")?.as_array()?.len();
        let tolerance = case.numbers("/claim/tolerance");
        let side = rng.below(sides);
        for power in 1..30 {
            let [lo, hi] = [-1.0, 1.0].map(|sign| sign * 2_f64.powi(power));
            case.log["domain"]["boxes"][0][side] = json!([lo, hi]);
            if breaks(case, side, [lo, hi], &tolerance) {
                return Some(());
            }
        }
        None
    }),
    (
        "a domain with a side missing, or wrong way round",
        |case, rng| {
            let sides = case.log.pointer_mut("/domain/boxes/0")?.as_array_mut()?;
            let side = rng.below(sides.len());
            match rng.below(2) {
                0 => drop(sides.remove(side)),
                _ => sides[side].as_array_mut()?.reverse(),
            }
            Some(())
        },
    ),
    ("other tokens", |case, rng| {
        let key = ["tokens", "positions"][rng.below(2)];
        let number = case.log.pointer_mut(&format!("/domain/tokens/{key}"))?;
        *number = json!(number.as_u64()? + 1 - 2 * rng.below(2) as u64);
        Some(())
    }),
    ("other cases", |case, rng| {
        let number = case.log.pointer_mut("/proof/cases")?;
        *number = json!(number.as_u64()? - 1 - rng.below(3) as u64);
        Some(())
    }),
    ("a bit of a file", |case, rng| {
        let file = if rng.below(2) == 0 {
            &mut case.original
        } else {
            &mut case.pruned
        };
        let byte = rng.below(file.len());
        file[byte] ^= 1 << rng.below(8);
        Some(())
    }),
    (
        "a weight that moves an output too far, with its hash",
        |case, rng| {
            let output = rng.below(case.models[1].out_perm.len());
            let tolerance = case.numbers("/claim/tolerance")[output];
            let layer = case.models[1].layers.last_mut()?;
            let sign = if rng.below(2) == 0 { 1.0 } else { -1.0 };
            layer.bias[output] += sign * (2.0 + rng.uniform()) * (tolerance + case.found[output]);
            case.pruned = file(&case.models[1]);
            case.log["pruned"]["sha256"] = json!(sha256(&case.pruned));
            Some(())
        },
    ),
    ("a hash", |case, rng| {
        let which = ["original", "pruned"][rng.below(2)];
        let mut hash = case.log[which]["sha256"].as_str()?.to_owned().into_bytes();
        let digit = rng.below(hash.len());
        hash[digit] = if hash[digit] == b'0' { b'1' } else { b'0' };
        case.log[which]["sha256"] = json!(String::from_utf8(hash).ok()?);
        Some(())
    }),
    ("a leaf less, or one more", |case, rng| {
        let mut nodes = tree(case)?;
        let leaves: Vec<usize> = (0..nodes.len()).filter(|i| nodes[*i].len() == 2).collect();
        let count = leaves.len() as i64;
        let change = match rng.below(2) {
            0 => {
                nodes.remove(leaves[rng.below(leaves.len())]);
                -1
            }
            _ => {
                nodes.insert(leaves[rng.below(leaves.len())], vec![255, 255]);
                1
            }
        };
        set_tree(case, &nodes);
        let neurons = case.log["proof"]["neurons"].as_u64()? as usize;
        case.log["proof"]["leaves"] = json!(count + change);
        let numbers = vec![0; (count + change) as usize * neurons * 28];
        case.log["proof"]["relaxations"] = json!(packed(&numbers));
        Some(())
    }),
    ("a split outside its box", |case, rng| {
        let mut nodes = tree(case)?;
        let splits: Vec<usize> = (0..nodes.len()).filter(|i| nodes[*i].len() == 10).collect();
        let node = *splits.get(rng.below(splits.len().max(1)))?;
        let sides = case.log.pointer("/domain/boxes/0")?;
        let feature = u16::from_le_bytes([nodes[node][0], nodes[node][1]]) as usize;
        let edge = |end: usize| sides[feature][end].as_f64();
        let at = match rng.below(4) {
            0 => edge(0)? - rng.uniform(),
            1 => edge(1)? + rng.uniform(),
            2 => edge(0)?,
            _ => f64::NAN,
        };
        nodes[node][2..].copy_from_slice(&at.to_le_bytes());
        set_tree(case, &nodes);
        Some(())
    }),
    ("a split of an input that is not there", |case, rng| {
        let mut nodes = tree(case)?;
        let splits: Vec<usize> = (0..nodes.len()).filter(|i| nodes[*i].len() == 10).collect();
        let node = *splits.get(rng.below(splits.len().max(1)))?;
        let feature = case.models[0].widths()[0] as u16 + rng.below(100) as u16;
        nodes[node][..2].copy_from_slice(&feature.to_le_bytes());
        set_tree(case, &nodes);
        Some(())
    }),
    (
        "lines that are no numbers, or not all there",
        |case, rng| {
            let mut numbers = unpacked(case.log.pointer("/proof/relaxations")?.as_str()?);
            let count = numbers.len() / 4;
            match rng.below(2) {
                _ if count == 0 => return None,
                0 => numbers.truncate(numbers.len() - 1 - rng.below(12)),
                _ => (2 * count..4 * count).for_each(|byte| numbers[byte] = 0xff),
            }
            case.log["proof"]["relaxations"] = json!(packed(&numbers));
            Some(())
        },
    ),
    (
        "a range that does not hold what a neuron reads",
        |case, rng| {
            // Of a first neuron, whose range the box gives exactly: the upper half goes.
            let mut numbers = unpacked(case.log.pointer("/proof/relaxations")?.as_str()?);
            let leaves = case.log["proof"]["leaves"].as_u64()? as usize;
            let leaf = rng.below(leaves);
            let neuron = rng.below(case.models[0].layers[0].bias.len());
            let count = numbers.len() / 4;
            let index = |which: usize| (neuron * 7 + which) * leaves + leaf;
            let [lo, hi] = [0, 1].map(|which| {
                f32::from_le_bytes([0, 1, 2, 3].map(|plane| numbers[plane * count + index(which)]))
            });
            if hi - lo < 1e-3 {
                return None;
            }
            for (plane, byte) in (lo + 0.5 * (hi - lo)).to_le_bytes().into_iter().enumerate() {
                numbers[plane * count + index(1)] = byte;
            }
            case.log["proof"]["relaxations"] = json!(packed(&numbers));
            Some(())
        },
    ),
    ("less room for rounding than it takes", |case, rng| {
        let k = rng.below(case.models[0].out_perm.len());
        let own = case.log["rounding"][k].as_f64().filter(|own| *own > 0.0)?;
        case.log["rounding"][k] = json!(own * 0.49 * rng.uniform());
        Some(())
    }),
    (
        "another activation, or another order of layers",
        |case, rng| {
            match rng.below(2) {
                0 => {
                    let name = case.log.pointer_mut("/network/activations/0")?;
                    *name = json!(if *name == "tanh" { "relu" } else { "tanh" });
                }
                _ => case
                    .log
                    .pointer_mut("/network/layers")?
                    .as_array_mut()?
                    .reverse(),
            }
            Some(())
        },
    ),
];

/// An output that moves.
fn changing(case: &Case, rng: &mut Rng) -> Option<usize> {
    let moving: Vec<usize> = (0..case.found.len())
        .filter(|k| case.found[*k] > 1e-9)
        .collect();
    case.log.pointer("/claim/bounds")?;
    moving.get(rng.below(moving.len().max(1))).copied()
}

/// Whether an output moves too far at an end of a side, all other features 0.
fn breaks(case: &Case, side: usize, ends: [f64; 2], tolerance: &[f64]) -> bool {
    ends.into_iter().any(|end| {
        let mut features = vec![0.0; case.models[0].widths()[0]];
        features[side] = end;
        let input = modscope::prune::certify::Input::Features(features);
        let point = Array1::from(physical_point(&case.models[0], &input));
        let point = point.insert_axis(ndarray::Axis(1));
        let [a, b] = [&case.models[0], &case.models[1]].map(|m| m.outputs(point.view()));
        let moved = (&b - &a).into_iter().zip(tolerance);
        moved
            .into_iter()
            .any(|(moved, tolerance)| moved.abs() > tolerance * (1.0 + 1e-6))
    })
}

/// The nodes of the tree, each its bytes.
fn tree(case: &Case) -> Option<Vec<Vec<u8>>> {
    let bytes = unpacked(case.log.pointer("/proof/tree")?.as_str()?);
    let (mut nodes, mut rest) = (Vec::new(), &bytes[..]);
    while !rest.is_empty() {
        let length = if rest.starts_with(&[255, 255]) { 2 } else { 10 };
        nodes.push(rest[..length].to_vec());
        rest = &rest[length..];
    }
    Some(nodes)
}

fn set_tree(case: &mut Case, nodes: &[Vec<u8>]) {
    case.log["proof"]["tree"] = json!(packed(&nodes.concat()));
}

fn unpacked(text: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |c: u8| digits.iter().position(|d| *d == c).unwrap() as u32;
    let mut bytes = Vec::new();
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = four.iter().enumerate();
        let bits = bits.fold(0, |bits, (i, c)| bits | value(*c) << (18 - 6 * i));
        bytes.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    let mut out = Vec::new();
    let mut reader = flate2::read::ZlibDecoder::new(&bytes[..]);
    std::io::Read::read_to_end(&mut reader, &mut out).unwrap();
    out
}

fn packed(bytes: &[u8]) -> String {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    base64::encode(encoder.finish().unwrap())
}

#[test]
fn a_thousand_forgeries_are_rejected() {
    let cases: Vec<Case> = (0..28)
        .filter_map(|seed| {
            let activation = ACTIVATIONS[seed as usize % 7];
            case(1000 + seed, activation, seed % 5 == 4, 1.25)
        })
        .filter(|case| case.log["proof"]["leaves"].as_u64().unwrap_or(0) < 200)
        .collect();
    assert!(cases.len() > 12, "{}", cases.len());
    for case in &cases {
        case.check().unwrap();
    }
    let (mut done, mut by_kind) = (0, BTreeMap::new());
    for seed in 0.. {
        if done == 1000 {
            break;
        }
        let mut rng = Rng::new(seed, 11);
        let (what, tamper) = TAMPERINGS[seed as usize % TAMPERINGS.len()];
        let number = rng.below(cases.len());
        let mut forged = cases[number].clone();
        if tamper(&mut forged, &mut rng).is_none() {
            continue;
        }
        let told = forged.check();
        assert!(told.is_err(), "{what} {seed} case {number}: {told:?}");
        done += 1;
        *by_kind.entry(what).or_insert(0) += 1;
    }
    println!("rejected: {by_kind:?}");
    assert_eq!(by_kind.len(), TAMPERINGS.len());
}

#[test]
fn logs_of_the_command_line_are_accepted() {
    let desk = Desk::new();
    for (network, flags) in [
        ("independence-bimt", "prune --certify"),
        (
            "independence-bimt",
            "prune --certify --arithmetic real -o elsewhere.safetensors",
        ),
        (
            "independence-bimt",
            "prune --certify --domain box:-100,100 --threshold 0.01",
        ),
        ("two_moon-bimt", "prune --certify --domain box:-2,2"),
    ] {
        let folder = fixture(network);
        let (command, flags) = flags.split_once(' ').unwrap();
        let seen = desk.run(&format!("{command} {folder} {flags} --out out --force"));
        assert!(matches!(seen.code, Some(0 | 1)), "{}", seen.stderr);
        let read = |name: &str| fs::read(desk.path(&format!("out/{name}"))).unwrap();
        let result: Value = serde_json::from_slice(&read("prune.json")).unwrap();
        let told = &result["prune"]["certificate"]["log"];
        assert_eq!(
            told["path"], "certificate.json",
            "{}",
            result["prune"]["certificate"]
        );
        let log = read("certificate.json");
        assert_eq!(told["bytes"].as_u64(), Some(log.len() as u64));
        let original = fs::read(format!("{folder}/model.safetensors")).unwrap();
        let config = fs::read(format!("{folder}/config.json")).unwrap();
        let pruned = read("pruned.safetensors");
        let files = Files {
            original: &original,
            pruned: &pruned,
            config: Some(&config),
            activations: None,
        };
        println!(
            "{network} {flags}: {} bytes, {:?}",
            log.len(),
            check(&log, &files)
        );
        assert!(check(&log, &files).is_ok());
        let _ = fs::remove_file(desk.path("elsewhere.safetensors"));
    }
}

/// y = relu(x) + ½ relu(−x), and without the ½: proved to move by at most ½ on [−1, 1], in
/// a log whose numbers can be followed by hand.
#[test]
fn a_log_worked_out_by_hand() {
    let original = Mlp {
        embedding: None,
        in_perm: vec![0],
        folds: 1,
        layers: vec![
            Linear {
                weight: array![[1.0], [-1.0]],
                bias: array![0.0, 0.0],
            },
            Linear {
                weight: array![[1.0, 0.5]],
                bias: array![0.0],
            },
        ],
        activation: Activation::Relu.into(),
        out_perm: vec![0],
    };
    let pruned = apply(&original, 0.6, false);
    let (before, after) = (file(&original), file(&pruned));
    let layer = |place| json!({"weight": names(place).0, "bias": names(place).1});
    // One leaf: relu(z) ~ z/2 for both neurons, and no difference before the last layer.
    let numbers: Vec<u8> = [
        -1.000_001_f32,
        1.000_001,
        0.0,
        0.0,
        0.5,
        0.0,
        0.0,
        -1.000_001,
        1.000_001,
        0.0,
        0.0,
        0.5,
        0.0,
        0.0,
    ]
    .map(f32::to_le_bytes)
    .into_iter()
    .collect::<Vec<_>>()
    .concat();
    let planes: Vec<u8> = (0..4)
        .flat_map(|plane| numbers.chunks(4).map(move |four| four[plane]))
        .collect();
    let log = json!({
        "format": "modscope-proof/1", "tool": "by hand",
        "claim": {"kind": "epsilon", "tolerance": [0.51], "bounds": [0.500_01]},
        "arithmetic": "real", "rounding": [0.0],
        "original": {"path": "model.safetensors", "sha256": sha256(&before)},
        "pruned": {"path": "pruned.safetensors", "sha256": sha256(&after)},
        "network": {"layers": [layer(0), layer(1)], "activations": ["relu"]},
        "domain": {"boxes": [[[-1.0, 1.0]]]},
        "proof": {"kind": "leaves", "leaves": 1, "neurons": 2,
                  "tree": packed(&[255, 255]), "relaxations": packed(&planes)},
    });
    let mut case = Case {
        log,
        original: before,
        pruned: after,
        config: br#"{"activation": "relu"}"#.to_vec(),
        models: [original, pruned],
        found: vec![0.5],
    };
    let told = case.check().unwrap();
    assert!(told.contains("1 leaves verified"), "{told}");
    case.log["claim"]["bounds"][0] = json!(0.499_999);
    let told = case.check().unwrap_err();
    assert!(
        told.contains("leaf 0 of 1: output 0 may change by"),
        "{told}"
    );
}
