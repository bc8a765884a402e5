//! The reference transformers: the same numbers as the frameworks they came from.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use crate::common;

use common::{TRACR, raw, shared};
use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::model::transformer::{Place, SequenceInputs, SequenceTrace};
use modscope::model::{Architecture, Loaded, Network, Options, Sequences, Transformer};
use modscope::numeric::Scalar;
use ndarray::{Array2, ArrayView2, s};

fn network(folder: &std::path::Path) -> Network {
    let checkpoint = Checkpoint::open(folder).unwrap();
    let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
    println!("{}: {}", folder.display(), loaded.layout);
    loaded.network
}

/// Largest difference and largest reference value.
fn largest<T: Scalar>(ours: ArrayView2<'_, T>, theirs: &Array2<f64>) -> (f64, f64) {
    assert_eq!(ours.dim(), theirs.dim());
    let difference = ours
        .iter()
        .zip(theirs)
        .fold(0.0_f64, |m, (a, b)| m.max((a.widen() - b).abs()));
    (difference, theirs.iter().fold(0.0, |m, b| m.max(b.abs())))
}

fn outputs_agree<T: Scalar>(model: &Transformer<T>, data: &Dataset, relative: f64, name: &str) {
    let batch = Sequences::new(model, data, None).unwrap();
    let trace = model.forward(&batch.inputs, &batch.answers, batch.length());
    let (difference, scale) = largest(trace.outputs(), batch.outputs.as_ref().unwrap());
    println!("{name}: largest difference {difference:.1e} of {scale:.2}");
    assert!(
        difference <= relative * scale,
        "{name}: {difference:e} of {scale}"
    );
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn gpt2_reproduces_its_framework() {
    let Some(folder) = shared("peers/toy-ioi") else {
        return;
    };
    let Network::F32(Architecture::Transformer(model)) = network(&folder) else {
        panic!("a transformer in f32");
    };
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    outputs_agree(&model, &data, 1e-5, "toy-ioi");
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn bimt_transformers_reproduce_their_framework() {
    for name in ["incontext-bimt-s1", "incontext-vanilla-s1"] {
        let Some(folder) = shared(&format!("checkpoints/{name}")) else {
            return;
        };
        let Network::F64(Architecture::Transformer(model)) = network(&folder) else {
            panic!("a transformer in f64");
        };
        let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
        outputs_agree(&model, &data, 1e-12, name);
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn compiled_programs_reproduce_logits_residuals_and_attention() {
    for name in TRACR {
        let Some(folder) = shared(&format!("truth/{name}")) else {
            return;
        };
        let Network::F32(Architecture::Transformer(model)) = network(&folder) else {
            panic!("a transformer in f32");
        };
        let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
        outputs_agree(&model, &data, 1e-5, name);
        let tensors = raw(&folder.join("data.safetensors"));
        let index: Vec<usize> = tensors["resid_index"]
            .0
            .iter()
            .map(|x| *x as usize)
            .collect();
        let batch = Sequences::new(&model, &data, None).unwrap();
        let SequenceInputs::Tokens(tokens) = &batch.inputs else {
            panic!("tokens");
        };
        let some = SequenceInputs::Tokens(tokens.select(ndarray::Axis(0), &index));
        let everywhere =
            modscope::model::transformer::Answers::everywhere(index.len(), batch.length());
        let trace = model.forward(&some, &everywhere, batch.length());
        let (values, shape) = &tensors["resid"];
        let (residuals, scale) = residuals_differ(&trace, values, shape);
        let (values, shape) = &tensors["attn_logits"];
        let scores = scores_differ(&model, &trace, values, shape);
        println!("{name}: residuals {residuals:.1e} of {scale:.1}, attention logits {scores:.1e}");
        assert!(residuals <= 1e-5 * scale);
        assert!(scores <= 1e-4);
    }
}

/// `resid [halves + 1, samples, length, d]`.
fn residuals_differ(trace: &SequenceTrace<f32>, values: &[f64], shape: &[usize]) -> (f64, f64) {
    let rows = shape[1] * shape[2];
    let all = ArrayView2::from_shape((shape[0] * rows, shape[3]), values).unwrap();
    let halves = trace
        .attention
        .iter()
        .zip(&trace.mlp)
        .flat_map(|(a, m)| [&a.stream, &m.as_ref().unwrap().stream])
        .chain([&trace.end.stream]);
    let mut worst = (0.0_f64, 0.0_f64);
    for (half, stream) in halves.enumerate() {
        let theirs = all.slice(s![half * rows..(half + 1) * rows, ..]).to_owned();
        let (difference, scale) = largest(stream.view(), &theirs);
        worst = (worst.0.max(difference), worst.1.max(scale));
    }
    worst
}

/// `attn_logits [layers, samples, heads, length, length]`, before the softmax;
/// masked scores are left out.
fn scores_differ(
    model: &Transformer<f32>,
    trace: &SequenceTrace<f32>,
    values: &[f64],
    shape: &[usize],
) -> f64 {
    let rows = shape[1] * shape[2] * shape[3];
    let all = ArrayView2::from_shape((shape[0] * rows, shape[4]), values).unwrap();
    let mut worst = 0.0_f64;
    for layer in 0..shape[0] {
        let ours = trace.scores(model, layer);
        let theirs = all.slice(s![layer * rows..(layer + 1) * rows, ..]);
        for ((row, column), theirs) in theirs.indexed_iter() {
            if !model.is_causal() || column <= row % shape[3] {
                let difference = (f64::from(ours[[row, column]]) - theirs).abs();
                worst = worst.max(difference / theirs.abs().max(1.0));
            }
        }
    }
    worst
}

/// Every weight is in the file where it is said to be.
fn weights_are_in_place<T: Scalar>(
    model: &Transformer<T>,
    checkpoint: &Checkpoint,
    places: &[Place],
) {
    assert_eq!(places.len(), model.matrices().len());
    for place in places {
        let numbers = checkpoint.tensors[&place.tensor].to_f64();
        let weight = model.weight(place.matrix);
        for ((from, to), w) in weight.indexed_iter() {
            let entry = place.entry(weight.nrows(), from, to);
            assert_eq!(numbers[entry], w.widen(), "{place:?} {from} {to}");
        }
        if let Some(tensor) = checkpoint.tensors.get(&place.bias.0) {
            let numbers = tensor.to_f64();
            for (to, b) in model.bias(place.matrix).iter().enumerate() {
                assert_eq!(
                    numbers[place.bias_entry(to)],
                    b.widen(),
                    "{place:?} bias {to}"
                );
            }
        }
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn weights_are_where_the_layouts_say() {
    for name in [
        "checkpoints/incontext-bimt-s1",
        "peers/toy-ioi",
        "truth/reverse",
    ] {
        let Some(folder) = shared(name) else {
            return;
        };
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
        match &loaded.network {
            Network::F32(Architecture::Transformer(model)) => {
                weights_are_in_place(model, &checkpoint, &loaded.places);
            }
            Network::F64(Architecture::Transformer(model)) => {
                weights_are_in_place(model, &checkpoint, &loaded.places);
            }
            _ => panic!("a transformer"),
        }
    }
}
