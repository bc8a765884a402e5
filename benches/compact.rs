//! Speed of a pruned network dense, compacted, and sparse.
//!
//! Weights of a 64-100-100-10 network of which the given share is left, in a few
//! neurons, as BIMT leaves them; 360 samples in f32.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use modscope::model::{Linear, Mlp};
use modscope::numeric::{Activation, Rng};
use modscope::prune::{compact::compact, sparse::Sparse};
use ndarray::{Array1, Array2};

const SAMPLES: usize = 360;

/// A network of which `share` of the weights, between `share`'s root of the neurons, is left.
fn pruned(share: f64) -> Mlp<f32> {
    let widths = [64, 100, 100, 10];
    let mut rng = Rng::new(1, 0);
    let alive = |n: usize| ((n as f64 * share.sqrt()).ceil() as usize).clamp(1, n);
    let layers = widths.windows(2).map(|pair| {
        let (readers, writers) = (alive(pair[1]), alive(pair[0]));
        let weight = Array2::from_shape_fn((pair[1], pair[0]), |(to, from)| {
            let lives = (to < readers || pair[1] == 10) && (from < writers || pair[0] == 64);
            let stays = rng.uniform() < share.sqrt();
            let w = rng.normal() as f32;
            if lives && stays { w } else { 0.0 }
        });
        Linear {
            weight,
            bias: Array1::zeros(pair[1]),
        }
    });
    Mlp {
        embedding: None,
        in_perm: (0..64).collect(),
        folds: 1,
        layers: layers.collect(),
        activation: Activation::Silu.into(),
        out_perm: (0..10).collect(),
    }
}

fn forward(criterion: &mut Criterion) {
    for share in [1.0, 0.3, 0.1, 0.03, 0.01] {
        let dense = pruned(share);
        let compacted = compact(&dense).model;
        let (sparse, both) = (Sparse::new(&dense), Sparse::new(&compacted));
        let inputs = Array2::from_shape_fn((64, SAMPLES), |(i, s)| ((i * s) as f32).sin());
        let mut group = criterion.benchmark_group(format!("{} of 17400 weights", sparse.edges()));
        group.bench_function("dense", |b| {
            b.iter(|| black_box(dense.outputs(inputs.view())));
        });
        group.bench_function("compact", |b| {
            b.iter(|| black_box(compacted.outputs(inputs.view())));
        });
        group.bench_function("sparse", |b| {
            b.iter(|| black_box(sparse.outputs(inputs.view())));
        });
        group.bench_function("compact, sparse", |b| {
            b.iter(|| black_box(both.outputs(inputs.view())));
        });
        group.finish();
    }
}

criterion_group!(benches, forward);
criterion_main!(benches);
