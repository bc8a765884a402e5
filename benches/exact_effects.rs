//! What an audit of a 784-100-100-10 network with 1,000 samples spends its time on,
//! each once: exact effects by tables and some of them by runs, ACDC at one threshold for
//! one class, the smallest faithful circuit of a ranking, the largest threshold that
//! verifies, and the ablation of random sets of sites.
//!
//! `cargo bench --bench exact_effects`
#![allow(missing_docs, reason = "a program")]

use std::time::Instant;

use modscope::circuit::{Acdc, Goal, Sign, acdc, effects, strongest_first};
use modscope::evaluate::{Judge, Nested, choose_nested};
use modscope::metric::Metric;
use modscope::model::{Linear, Mlp};
use modscope::numeric::{Activation, Rng};
use modscope::patch::{Engine, Fills, Patchable, PatchableExt as _};
use modscope::prune::{Reference, Tolerance, largest_threshold};
use ndarray::{Array1, Array2};

const WIDTHS: [usize; 4] = [784, 100, 100, 10];
const SAMPLES: usize = 1000;

/// Edges that are run one by one, and sets of sites that are ablated.
const RUN: usize = 2000;
const SETS: usize = 200;

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let quick = std::env::args().any(|a| a == "--test");
    let samples = if quick { 20 } else { SAMPLES };
    let model = model();
    let mut rng = Rng::new(1, 1);
    let inputs = Array2::from_shape_simple_fn((WIDTHS[0], samples), || rng.normal() as f32);
    let trace = model.forward(inputs.clone());
    let engine = Engine::new(&model, inputs.clone(), Fills::mean(&trace));
    let classes: Vec<usize> = (0..samples).map(|s| s % 10).collect();
    let metric = Metric::logit_diff(classes.clone(), trace.values[3].view());
    let rows = |class: usize| (0..samples).filter(|s| classes[*s] == class).collect();
    let goal = |output: usize| Goal {
        output,
        rows: rows(output),
        metric: metric.clone(),
    };
    let goals: Vec<Goal> = (0..10).map(goal).collect();
    let edges: Vec<usize> = (0..engine.edge_count()).collect();

    let found = timed("exact effects, ten classes", || {
        effects(&engine, &engine.edges([]), &edges, &goals)
    });
    let run = timed(&format!("{RUN} of them by runs"), || {
        let measure = |outputs: ndarray::ArrayView2<'_, f32>| goals[0].mean(outputs);
        let clean = measure(engine.clean().values[3].view());
        let after = engine.each_edge(&engine.edges([]), &edges[..RUN], measure);
        after.into_iter().map(|m| clean - m).collect::<Vec<f64>>()
    });
    let difference = found[0].iter().zip(&run).map(|(a, b)| (a - b).abs());
    println!("largest difference {:.1e}", difference.fold(0.0, f64::max));

    let (class, metric) = (engine.select(&goals[0].rows), metric.select(&goals[0].rows));
    let judge = Judge::new(&class, metric.clone(), engine.all());
    let config = Acdc {
        threshold: 0.001 * judge.scale(),
        sign: Sign::Absolute,
    };
    let kept = timed("ACDC, one class", || {
        acdc(&class, &metric, judge.candidates(), config)
            .kept()
            .count()
    });
    let ranked = strongest_first(&edges, &found[0]);
    let ranked: Vec<usize> = ranked.into_iter().map(|(edge, _)| edge).collect();
    let size = timed("smallest faithful circuit", || {
        let nested = Nested::new(&class, &ranked, true);
        choose_nested(&judge, &nested, 0.05).map(|choice| choice.index)
    });
    let reference = Reference::new(&model, inputs, Tolerance::Relative(0.01), true);
    let threshold = timed("largest threshold", || {
        largest_threshold(&model, &reference, false)
    });
    timed(&format!("{SETS} sets of sites ablated"), || {
        let mut sites = Rng::new(2, 0).permutation(WIDTHS[0] + 200);
        sites.truncate(100);
        (0..SETS).for_each(|_| drop(engine.outputs_without(&sites, &|| engine.edges([]))));
    });
    println!("{kept} edges kept by ACDC, {size:?} of the ranking, threshold {threshold:.2e}");
}

fn timed<R>(what: &str, run: impl FnOnce() -> R) -> R {
    let started = Instant::now();
    let result = run();
    println!("{:>8.3} s  {what}", started.elapsed().as_secs_f64());
    result
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
        activation: Activation::Silu.into(),
        out_perm: (0..WIDTHS[3]).collect(),
    }
}
