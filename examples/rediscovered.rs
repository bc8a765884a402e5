//! Inclusion of edges over resamples as products of matrices, beside discoveries that are run
//! anew: the largest difference, what binomial error allows, and both times.
//!
//! `cargo run --release --example rediscovered -- ../shared/peers/toy-ioi`: a transformer on
//! pairs, EAP, the strongest 20 edges. A discovery runs the network forward and backward on
//! the samples that were drawn, anew every time.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "an example prints, and fails by panicking"
)]

use std::path::PathBuf;
use std::time::Instant;

use modscope::checkpoint::Checkpoint;
use modscope::circuit::{Attributable, Attribution, Blocks, strongest};
use modscope::data::Dataset;
use modscope::evaluate::stability::{RESAMPLES, stability};
use modscope::metric::Metric;
use modscope::model::{Architecture, Loaded, Network, Options, Sequences, Transformer};
use modscope::numeric::Rng;
use modscope::patch::{ComponentEngine, Fill, Setup};

/// Edges of a circuit, and discoveries that are run anew.
const SIZE: usize = 20;
const ANEW: usize = 200;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap());
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
    let Network::F32(Architecture::Transformer(model)) = loaded.network else {
        panic!("a transformer in f32");
    };
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();

    let started = Instant::now();
    let (engine, metric) = ready(&model, &data);
    let each = engine.attribute_by(&metric, Attribution::Eap, Blocks::Samples);
    let product = Instant::now();
    let found = stability(each.view(), RESAMPLES, 0, |scores| strongest(scores, SIZE)).unwrap();
    let (whole, product) = (started.elapsed(), product.elapsed());

    let started = Instant::now();
    let mut times = vec![0_usize; each.ncols()];
    let mut rng = Rng::new(0, 99);
    for _ in 0..ANEW {
        let rows: Vec<usize> = (0..data.len()).map(|_| rng.below(data.len())).collect();
        let (engine, metric) = ready(&model, &data.select(&rows));
        let scores = engine.attribute(&metric, Attribution::Eap);
        strongest(&scores, SIZE)
            .ones()
            .for_each(|edge| times[edge] += 1);
    }
    let anew = started.elapsed();

    let mut worst: (f64, f64) = (0.0, 0.0);
    for (times, share) in times.iter().zip(&found.inclusion) {
        let difference = (*times as f64 / ANEW as f64 - share).abs();
        let variance = share * (1.0 - share);
        let error = (variance / ANEW as f64 + variance / RESAMPLES as f64).sqrt();
        worst.0 = worst.0.max(difference);
        // One in either number of draws is the least that can be told apart.
        worst.1 = worst.1.max(difference / error.max(1.0 / ANEW as f64));
    }
    let each_product = product.as_secs_f64() / RESAMPLES as f64;
    let each_anew = anew.as_secs_f64() / ANEW as f64;
    println!(
        "{} edges: largest difference {:.3}, at most {:.1} standard errors",
        each.ncols(),
        worst.0,
        worst.1
    );
    println!(
        "{RESAMPLES} resamples: {:.4} s ({:.4} s with the effects), {ANEW} discoveries anew: {:.2} s",
        product.as_secs_f64(),
        whole.as_secs_f64(),
        anew.as_secs_f64()
    );
    println!(
        "a resample is {:.0} times as fast",
        each_anew / each_product
    );
}

/// The network on samples, and the metric.
fn ready<'m>(model: &'m Transformer<f32>, data: &Dataset) -> (ComponentEngine<'m, f32>, Metric) {
    let batch = Sequences::new(model, data, None).unwrap();
    let setup = Setup {
        fill: Fill::Corrupted,
        seed: 0,
        split_input: false,
    };
    let metric = Metric::LogitDiff {
        answers: batch.correct.clone().unwrap(),
        foils: batch.foils.clone().unwrap(),
    };
    (ComponentEngine::new(model, &batch, setup).unwrap(), metric)
}
