//! Scores of a transformer's edges against exact effects: correlation, recall of the
//! strongest, cost, and what screening settles by what. One row per network, size and method.
//!
//! ```console
//! $ cargo run --release --example screened -- ../shared/peers/toy-ioi ../shared/zoo/gpt2-tied
//! ```
//!
//! Data with pairs are filled by them and measured by the logit difference, others by the
//! mean and by the first output. A run counts 1, a forward and backward pass 3.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "an example prints, and fails by panicking"
)]

use std::path::{Path, PathBuf};

use modscope::checkpoint::Checkpoint;
use modscope::circuit::{self, Attributable, Attribution, Cut, effects_on, screened, strongest};
use modscope::data::Dataset;
use modscope::metric::Metric;
use modscope::model::{Architecture, Loaded, Network, Options, Sequences, Transformer};
use modscope::numeric::Scalar;
use modscope::patch::{ComponentEngine, Fill, Setup};

/// The shares of the edges that are wanted, and the most edges.
const TOPS: [f64; 2] = [0.05, 0.25];
const MOST: usize = 100;

/// Passes of a run with its backward pass.
const BACKWARD: usize = 3;

const HEADER: &str = "| network | edges | top | method | correlation | recall of the top | runs ÷ edges | patched | flagged | of those off by more than 20 % |";

fn main() {
    println!("{HEADER}\n|---|---|---|---|---|---|---|---|---|---|");
    for folder in std::env::args().skip(1).map(PathBuf::from) {
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
        match loaded.network {
            Network::F32(Architecture::Transformer(model)) => of_network(&folder, &model),
            Network::F64(Architecture::Transformer(model)) => of_network(&folder, &model),
            _ => panic!("{}: no transformer", folder.display()),
        }
    }
}

fn of_network<T: Scalar>(folder: &Path, model: &Transformer<T>) {
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let batch = Sequences::new(model, &data, None).unwrap();
    let fill = match batch.corrupted {
        Some(_) => Fill::Corrupted,
        None => Fill::Mean,
    };
    let setup = Setup {
        fill,
        seed: 0,
        split_input: false,
    };
    let engine = ComponentEngine::new(model, &batch, setup).unwrap();
    let metric = match (batch.correct.clone(), batch.foils.clone()) {
        (Some(answers), Some(foils)) => Metric::LogitDiff { answers, foils },
        _ => Metric::Output { output: 0 },
    };
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    rows(&name, &engine, &metric);
}

fn methods() -> [(&'static str, Attribution); 7] {
    let (steps, path, own_source) = (5, circuit::Path::Midpoints, true);
    [
        ("eap", Attribution::Eap),
        ("relp", Attribution::Relp),
        ("eap-qk", Attribution::EapQk),
        ("atp-star", Attribution::AtpStar),
        ("clean-corrupted", Attribution::CleanCorrupted),
        ("eap-ig-inputs", Attribution::IgInputs { steps, path }),
        (
            "eap-ig-activations",
            Attribution::IgActivations { steps, own_source },
        ),
    ]
}

fn rows<T: Scalar>(name: &str, engine: &ComponentEngine<'_, T>, metric: &Metric) {
    let exact = effects_on(engine, metric);
    let edges = exact.len();
    let share = |runs: usize| runs as f64 / edges as f64;
    let scored = methods().map(|(method, attribution)| {
        let runs = BACKWARD * attribution.runs(engine.groups());
        (method, engine.attribute(metric, attribution), runs)
    });
    let mut tops = TOPS
        .map(|top| ((top * edges as f64).round() as usize).clamp(1, MOST))
        .to_vec();
    tops.dedup();
    for top in tops {
        let start = |method: &str, scores: &[f64], runs: usize| {
            format!(
                "| {name} | {edges} | {top} | {method} | {:.3} | {:.3} | {:.2} |",
                correlation(&exact, scores),
                recall(&exact, scores, top),
                share(runs),
            )
        };
        for (method, scores, runs) in &scored {
            println!("{} | | |", start(method, scores, *runs));
        }
        let all: Vec<usize> = (0..edges).collect();
        let found = screened(engine, metric, &all, Cut::Top(top), 0);
        let runs = found.patched + BACKWARD * found.passes;
        let off = |edge: &&usize| {
            let (effect, estimate) = (exact[**edge], found.estimates[**edge]);
            (effect - estimate).abs() > 0.2 * effect.abs()
        };
        let off: Vec<&usize> = all.iter().filter(off).collect();
        let told = off
            .iter()
            .filter(|edge| found.flagged.contains(edge))
            .count();
        println!(
            "{} {} | {} | {told} of {} |",
            start("screened", &found.effects, runs),
            found.patched,
            found.flagged.len(),
            off.len(),
        );
    }
}

/// Pearson's correlation.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let pairs = || a.iter().zip(b).map(|(x, y)| (x - ma, y - mb));
    let both: f64 = pairs().map(|(x, y)| x * y).sum();
    let (x, y) = pairs().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x * x, sy + y * y));
    both / (x * y).sqrt()
}

/// The share of the strongest edges that are among the strongest by other scores.
fn recall(truth: &[f64], own: &[f64], top: usize) -> f64 {
    let both = strongest(truth, top).intersection_count(&strongest(own, top));
    both as f64 / top as f64
}
