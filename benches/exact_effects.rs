//! Exact effects of every edge of a 784-100-100-10 network on 1,000 samples:
//! operations, rate, and the share of what this machine's matrix products reach.
//!
//! `cargo bench --bench exact_effects`
#![allow(missing_docs, reason = "a program")]

use std::time::Instant;

use modscope::circuit::{Goal, effects};
use modscope::metric::Metric;
use modscope::model::{Linear, Mlp};
use modscope::numeric::{Activation, Rng, matmul_into};
use modscope::patch::{Engine, Fills, Patchable};
use ndarray::{Array1, Array2};
use rayon::prelude::*;

const WIDTHS: [usize; 4] = [784, 100, 100, 10];
const SAMPLES: usize = 1000;

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let quick = std::env::args().any(|a| a == "--test");
    let samples = if quick { 20 } else { SAMPLES };
    let model = model();
    let mut rng = Rng::new(1, 1);
    let inputs = Array2::from_shape_simple_fn((WIDTHS[0], samples), || rng.normal() as f32);
    let trace = model.forward(inputs.clone());
    let engine = Engine::new(&model, inputs, Fills::mean(&trace));
    let classes: Vec<usize> = (0..samples).map(|s| s % 10).collect();
    let metric = Metric::logit_diff(classes.clone(), trace.values[3].view());
    let goals: Vec<Goal> = (0..10)
        .map(|output| Goal {
            output,
            rows: (0..samples).filter(|s| classes[*s] == output).collect(),
            metric: metric.clone(),
        })
        .collect();
    let edges: Vec<usize> = (0..engine.sites().edge_count()).collect();
    let started = Instant::now();
    let found = effects(&engine, &engine.edges([]), &edges, &goals);
    let seconds = started.elapsed().as_secs_f64();
    let (products, activations) = operations(samples);
    let peak = peak_products_per_second();
    println!("edges             {} × {samples} samples", edges.len());
    println!(
        "time              {seconds:.2} s on {} threads",
        rayon::current_num_threads()
    );
    println!(
        "multiply-adds     {products:.3e}, {:.1e} per second",
        products / seconds
    );
    println!(
        "activations       {activations:.3e}, {:.1e} per second",
        activations / seconds
    );
    println!("matrix products   {peak:.1e} multiply-adds per second at best on this machine");
    println!(
        "share of that     {:.0} %",
        100.0 * products / seconds / peak
    );
    println!(
        "checksum          {:.6e}",
        found.iter().flatten().map(|e| e.abs()).sum::<f64>()
    );
}

/// Multiply-adds and activations of all single-edge patches: an edge of the
/// first layer changes one site, all 100 of the next layer and all outputs.
fn operations(samples: usize) -> (f64, f64) {
    let [inputs, first, second, outputs] = WIDTHS.map(|w| w as f64);
    let products = inputs * first * (1.0 + second + second * outputs)
        + first * second * (1.0 + outputs)
        + second * outputs;
    let activations = inputs * first * (1.0 + second) + first * second;
    (products * samples as f64, activations * samples as f64)
}

/// The best rate of 512 × 512 × 512 products on all threads.
fn peak_products_per_second() -> f64 {
    const SIDE: usize = 512;
    const ROUNDS: usize = 20;
    let a = Array2::<f32>::ones((SIDE, SIDE));
    let threads = rayon::current_num_threads();
    let best = (0..5)
        .map(|_| {
            let started = Instant::now();
            (0..threads).into_par_iter().for_each(|_| {
                let mut out = Array2::<f32>::zeros((SIDE, SIDE));
                for _ in 0..ROUNDS {
                    matmul_into(out.view_mut(), a.view(), a.view(), false);
                }
            });
            started.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    (SIDE.pow(3) * ROUNDS * threads) as f64 / best
}

fn model() -> Mlp<f32> {
    let mut rng = Rng::new(1, 0);
    let layers = WIDTHS
        .windows(2)
        .map(|pair| {
            let scale = 1.0 / (pair[0] as f64).sqrt();
            Linear {
                weight: Array2::from_shape_simple_fn((pair[1], pair[0]), || {
                    (scale * rng.normal()) as f32
                }),
                bias: Array1::zeros(pair[1]),
            }
        })
        .collect();
    Mlp {
        embedding: None,
        in_perm: (0..WIDTHS[0]).collect(),
        folds: 1,
        layers,
        activation: Activation::Silu,
        out_perm: (0..WIDTHS[3]).collect(),
    }
}
