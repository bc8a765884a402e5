//! Certificates of reference checkpoints at their `auto` thresholds, as a table.
//!
//! `cargo run --release --example certificates -- FOLDER... [--ratio 1.02] [--seconds 20]`, each
//! folder with a `model.safetensors` and a `data.safetensors`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "an example fails by panicking"
)]

use std::path::Path;

use modscope::checkpoint::Checkpoint;
use modscope::data::{Dataset, Domain};
use modscope::model::{Architecture, Batch, Loaded, Mlp, Network, Options as LoadOptions};
use modscope::prune::certify::decisions::{Ball, around};
use modscope::prune::certify::{Arithmetic, Budget, Goal, Options, bounding_box, certify};
use modscope::prune::{Reference, Tolerance, apply, largest_threshold};

/// Inputs beyond this many make boxes too many to split.
const FEW_INPUTS: usize = 8;

fn main() {
    let (mut ratio, mut seconds) = (1.02, 20.0);
    let mut arguments = std::env::args().skip(1);
    println!(
        "| checkpoint | threshold | kept | certified bound | largest found | ratio | boxes or cases | seconds | within 1 % of sd |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    while let Some(argument) = arguments.next() {
        if argument == "--ratio" {
            ratio = arguments.next().unwrap().parse().unwrap();
        } else if argument == "--seconds" {
            seconds = arguments.next().unwrap().parse().unwrap();
        } else {
            row(Path::new(&argument), ratio, seconds);
        }
    }
}

/// The network of a checkpoint, in f64.
fn model(folder: &Path) -> Mlp<f64> {
    let checkpoint = Checkpoint::open(folder).unwrap();
    let loaded = Loaded::from_checkpoint(&checkpoint, LoadOptions::default()).unwrap();
    match loaded.network {
        Network::F32(Architecture::Mlp(model)) => model.widened(),
        Network::F64(Architecture::Mlp(model)) => model,
        _ => panic!("certificates are for MLPs"),
    }
}

/// Prints the row of one checkpoint, and for images the balls around samples.
fn row(folder: &Path, ratio: f64, seconds: f64) {
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let model = model(folder);
    let batch = Batch::new(&model, &data).unwrap();
    let classes = batch.classes.is_some();
    let reference = Reference::new(
        &model,
        batch.inputs.clone(),
        Tolerance::Relative(0.01),
        classes,
    );
    let threshold = largest_threshold(&model, &reference, false);
    let pruned = apply(&model, threshold, false);
    let inputs = model.widths()[0];
    let domain = match &data.task.domain {
        Some(domain) => domain.clone(),
        None if inputs <= FEW_INPUTS => bounding_box(&model, batch.inputs.view()),
        None => Domain::Box(vec![[0.0, 1.0]; inputs]),
    };
    let options = Options {
        budget: Budget {
            seconds,
            ..Budget::default()
        },
        goal: Goal::Narrow(ratio),
        samples: Some(batch.inputs.clone()),
        ..Options::default()
    };
    let verdict = certify(&model, &pruned, &domain, reference.tolerances(), &options).unwrap();
    let ratios = verdict
        .bounds
        .iter()
        .zip(&verdict.found)
        .map(|(b, f)| b / f);
    println!(
        "| {} | {threshold:.2e} | {} | {:.4e} | {:.4e} | {:.4} | {} | {:.3} | {} |",
        folder.file_name().unwrap().to_string_lossy(),
        pruned
            .layers
            .iter()
            .flat_map(|l| &l.weight)
            .filter(|w| **w != 0.0)
            .count(),
        verdict.bound(),
        verdict.best_found(),
        ratios.fold(0.0, f64::max),
        verdict.boxes,
        verdict.seconds,
        if verdict.holds() { "yes" } else { "no" },
    );
    if let Some(counted) = &verdict.decisions {
        println!(
            "decisions: {} same, {} changed, {} ties",
            counted.same, counted.changed, counted.ties
        );
    }
    if inputs > FEW_INPUTS && domain != Domain::Tokens {
        balls(&model, &pruned, &batch, &options.budget);
    }
}

/// Prints in how many balls around the samples the decision is proved to stay.
fn balls(model: &Mlp<f64>, pruned: &Mlp<f64>, batch: &Batch<f64>, budget: &Budget) {
    let within = vec![[0.0, 1.0]; model.widths()[0]];
    for radius in [0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1] {
        let started = std::time::Instant::now();
        let balls = around(
            model,
            pruned,
            batch.inputs.view(),
            radius,
            Some(std::slice::from_ref(&within)),
            Arithmetic::Real,
            budget,
        )
        .unwrap();
        let count = |wanted: fn(&Ball) -> bool| balls.iter().filter(|ball| wanted(ball)).count();
        println!(
            "radius {radius}: {} of {} same, {} differ, {:.3} s",
            count(|ball| matches!(ball, Ball::Same(_))),
            balls.len(),
            count(|ball| matches!(ball, Ball::Differs(_))),
            started.elapsed().as_secs_f64(),
        );
    }
}
