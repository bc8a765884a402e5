//! Forward pass, attributions and exact effects on a random GPT-2 of three
//! blocks (four heads, width 64, 113 tokens): 128 pairs of 15 tokens.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::expect_used, reason = "a bench may stop")]

use criterion::{Criterion, criterion_group, criterion_main};
use modscope::circuit::{Attributable, Attribution, Path, effects_on};
use modscope::metric::Metric;
use modscope::model::Sequences;
use modscope::model::transformer::{
    Answers, Block, Embedding, Heads, Norm, SequenceInputs, Transformer,
};
use modscope::numeric::{Activation, Rng};
use modscope::patch::{ComponentEngine, Fill, Patchable, Setup};
use ndarray::{Array1, Array2};

const BLOCKS: usize = 3;
const HEADS: usize = 4;
const D: usize = 64;
const TOKENS: usize = 113;
const SAMPLES: usize = 128;
const LENGTH: usize = 15;

fn random(rng: &mut Rng, rows: usize, columns: usize) -> Array2<f32> {
    let scale = 1.0 / (rows as f64).sqrt();
    Array2::from_shape_simple_fn((rows, columns), || (scale * rng.normal()) as f32)
}

fn norm() -> Option<Norm<f32>> {
    Some(Norm {
        weight: Array1::ones(D),
        bias: Array1::zeros(D),
        epsilon: 1e-5,
    })
}

fn model(rng: &mut Rng) -> Transformer<f32> {
    let block = |rng: &mut Rng| Block {
        norm1: norm(),
        qkv: random(rng, D, 3 * D),
        qkv_bias: Array1::zeros(3 * D),
        out: random(rng, D, D),
        out_bias: Array1::zeros(D),
        norm2: norm(),
        up: random(rng, D, 4 * D),
        up_bias: Array1::zeros(4 * D),
        down: random(rng, 4 * D, D),
        down_bias: Array1::zeros(D),
    };
    Transformer {
        embedding: Embedding::Tokens(random(rng, TOKENS, D)),
        positions: Some(random(rng, LENGTH, D)),
        blocks: (0..BLOCKS).map(|_| block(rng)).collect(),
        final_norm: norm(),
        unembedding: None,
        output_bias: Array1::zeros(TOKENS),
        out_perm: (0..TOKENS).collect(),
        heads: Heads {
            count: HEADS,
            width: D / HEADS,
            scale: 0.25,
            causal: true,
        },
        activation: Activation::GeluTanh,
    }
}

fn batch(rng: &mut Rng) -> Sequences<f32> {
    let mut tokens = || Array2::from_shape_simple_fn((SAMPLES, LENGTH), || rng.below(TOKENS));
    let (clean, corrupted) = (tokens(), tokens());
    Sequences {
        path: "random".into(),
        inputs: SequenceInputs::Tokens(clean),
        corrupted: Some(SequenceInputs::Tokens(corrupted)),
        answers: Answers::last(SAMPLES, LENGTH),
        correct: None,
        foils: None,
        targets: None,
        outputs: None,
    }
}

fn transformer(c: &mut Criterion) {
    let mut rng = Rng::new(1, 0);
    let model = model(&mut rng);
    let batch = batch(&mut rng);
    let setup = Setup {
        fill: Fill::Corrupted,
        seed: 0,
        split_input: false,
    };
    let engine = || ComponentEngine::new(&model, &batch, setup).expect("there are pairs");
    let metric = Metric::LogitDiff {
        answers: vec![1; SAMPLES],
        foils: vec![2; SAMPLES],
    };
    let mut group = c.benchmark_group("transformer");
    group.sample_size(10);
    group.bench_function("clean and corrupted run", |b| b.iter(engine));
    let engine = engine();
    let methods = [
        ("eap", Attribution::Eap),
        (
            "eap-ig-inputs, 5 steps",
            Attribution::IgInputs {
                steps: 5,
                path: Path::Midpoints,
            },
        ),
        (
            "eap-ig-activations, 5 steps",
            Attribution::IgActivations {
                steps: 5,
                own_source: true,
            },
        ),
    ];
    for (name, method) in methods {
        group.bench_function(name, |b| b.iter(|| engine.attribute(&metric, method)));
    }
    group.bench_function("exact, 262 edges", |b| {
        b.iter(|| effects_on(&engine, &metric));
    });
    let circuit = engine.edges((0..engine.edge_count()).step_by(5));
    group.bench_function("one circuit", |b| {
        b.iter(|| engine.run(&engine.all_but(&circuit)));
    });
    group.finish();
}

criterion_group!(benches, transformer);
criterion_main!(benches);
