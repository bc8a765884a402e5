//! A random network of GPT-2-small's size (12 blocks, 12 heads, width 768; 5,000
//! tokens) on 16 pairs of 16 tokens: passes, EAP, and what exact effects of all
//! edges would take.
//!
//! `cargo bench --bench gpt2_small`; beside it `benches/gpt2_small.py` times the
//! same passes in PyTorch.
#![allow(clippy::expect_used, reason = "a bench may stop")]

mod common;

use std::time::Instant;

use common::Shape;
use modscope::audit::memory::peak_bytes;
use modscope::circuit::{Attributable, Attribution, Goal, Path, effects};
use modscope::metric::Metric;
use modscope::model::transformer::Gradients;
use modscope::numeric::Rng;
use modscope::patch::{ComponentEngine, Fill, Patchable, PatchableExt as _, Setup};
use ndarray::Array2;

/// Asks for the gradient at every reader.
struct AtReaders;

impl Gradients<f32> for AtReaders {
    fn by_reader(&self) -> bool {
        true
    }
}

const SHAPE: Shape = Shape {
    blocks: 12,
    heads: 12,
    width: 768,
    tokens: 5000,
    samples: 16,
    length: 16,
};

/// The same, small enough to see that it runs.
const SMALL: Shape = Shape {
    blocks: 2,
    heads: 2,
    width: 16,
    tokens: 50,
    ..SHAPE
};

/// Edges that are patched to tell what all would take.
const TRIED: usize = 96;

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let quick = std::env::args().any(|a| a == "--test");
    let shape = if quick { SMALL } else { SHAPE };
    let mut rng = Rng::new(1, 0);
    let model = shape.model(&mut rng);
    let batch = shape.batch(&mut rng);
    println!("threads                   {}", rayon::current_num_threads());
    let halves: Vec<_> = (0..2)
        .map(|half| batch.part(half * shape.samples / 2..(half + 1) * shape.samples / 2))
        .collect();
    let passes = |backward: bool| {
        use rayon::prelude::*;
        halves.par_iter().for_each(|part| {
            let trace = model.forward(&part.inputs, &part.answers, part.length());
            if backward {
                let at = Array2::ones(trace.end.outputs.raw_dim());
                model.backward(&trace, at.view(), &mut AtReaders);
            }
        });
    };
    report("forward", || passes(false));
    report("forward and backward", || passes(true));
    let setup = Setup {
        fill: Fill::Corrupted,
        seed: 0,
        split_input: false,
    };
    let expected = ComponentEngine::bytes(&model, &batch, setup);
    let engine = || ComponentEngine::new(&model, &batch, setup).expect("there are pairs");
    report("clean and corrupted run", || drop(engine()));
    let engine = engine();
    let metric = Metric::LogitDiff {
        answers: vec![1; shape.samples],
        foils: vec![2; shape.samples],
    };
    let name = format!("EAP, {} edges", engine.edge_count());
    report(&name, || drop(engine.attribute(&metric, Attribution::Eap)));
    let (steps, path) = (5, Path::Midpoints);
    let inputs = Attribution::IgInputs { steps, path };
    report("EAP-IG on inputs, 5 steps", || {
        drop(engine.attribute(&metric, inputs));
    });
    exact(&engine, metric);
    println!(
        "memory, as told           {:.0} MB beside the weights",
        expected as f64 / 1e6
    );
    println!(
        "memory, the whole process {:.0} MB at most",
        peak_bytes() as f64 / 1e6
    );
}

/// Prints the time of the exact effects of some edges, and what all would take.
fn exact(engine: &ComponentEngine<'_, f32>, metric: Metric) {
    let step = (engine.edge_count() / TRIED).max(1);
    let edges: Vec<usize> = (0..engine.edge_count()).step_by(step).collect();
    let goal = Goal::of_all(metric, engine.samples());
    let none = engine.edges([]);
    let started = Instant::now();
    let found = effects(engine, &none, &edges, &[goal]);
    let seconds = started.elapsed().as_secs_f64();
    let all = seconds / found[0].len() as f64 * engine.edge_count() as f64;
    println!(
        "exact, {:>5} edges        {seconds:.2} s; all would take {:.0} min",
        edges.len(),
        all / 60.0
    );
}

/// Prints the median time of three runs.
fn report(name: &str, run: impl Fn()) {
    let mut seconds: Vec<f64> = (0..3)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    println!("{name:<25} {:.3} s", seconds[1]);
}
