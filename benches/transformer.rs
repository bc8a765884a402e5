//! Forward pass, attributions and exact effects on a random GPT-2 of three
//! blocks (four heads, width 64, 113 tokens): 128 pairs of 15 tokens.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::expect_used, reason = "a bench may stop")]

mod common;

use common::Shape;
use criterion::{Criterion, criterion_group, criterion_main};
use modscope::circuit::{Attributable, Attribution, Path, effects_on};
use modscope::metric::Metric;
use modscope::numeric::Rng;
use modscope::patch::{ComponentEngine, Fill, Patchable, PatchableExt as _, Setup};

const SHAPE: Shape = Shape {
    blocks: 3,
    heads: 4,
    width: 64,
    tokens: 113,
    samples: 128,
    length: 15,
};

fn transformer(c: &mut Criterion) {
    let mut rng = Rng::new(1, 0);
    let model = SHAPE.model(&mut rng);
    let batch = SHAPE.batch(&mut rng);
    let setup = Setup {
        fill: Fill::Corrupted,
        seed: 0,
        split_input: false,
    };
    let engine = || ComponentEngine::new(&model, &batch, setup).expect("there are pairs");
    let metric = Metric::LogitDiff {
        answers: vec![1; SHAPE.samples],
        foils: vec![2; SHAPE.samples],
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
        b.iter(|| engine.outputs(&engine.all_but(&circuit)));
    });
    group.finish();
}

criterion_group!(benches, transformer);
criterion_main!(benches);
