//! How well every method ranks the edges of circuits that are known: areas under
//! the ROC curve, one row per program and fill.
//!
//! ```console
//! $ cargo run --release --example known_circuits -- ../shared/truth/*/
//! ```
//!
//! Exact effects and masks are of the squared error against the network's own
//! outputs, as the truth counts any change of an output; attributions, which
//! have no gradient there, are of the logit difference between its decision and
//! the next output, or of the output where there is one. Masks and random scores are drawn:
//! theirs is the median over nine seeds, with the least and the largest.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::path::{Path, PathBuf};

use modscope::audit::{Config, Method, Reference, Stages, audit};
use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::metric::MetricKind;
use modscope::patch::Fill;

const METHODS: [Method; 11] = [
    Method::Exact,
    Method::Mask,
    Method::Eap,
    Method::Relp,
    Method::EapQk,
    Method::AtpStar,
    Method::CleanCorrupted,
    Method::EapIgInputs,
    Method::EapIgActivations,
    Method::Ensemble,
    Method::Random,
];

/// Seeds of methods that draw.
const SEEDS: u64 = 9;

fn main() -> anyhow::Result<()> {
    let names: Vec<&str> = METHODS.iter().map(|method| method.name()).collect();
    println!("| program | fill | edges | known | {} |", names.join(" | "));
    println!("|---|---|---|---|{}", "---|".repeat(METHODS.len()));
    for folder in std::env::args().skip(1) {
        let folder = PathBuf::from(folder);
        if folder.join("truth.json").is_file() {
            for fill in [Fill::Zero, Fill::Corrupted] {
                println!("{}", row(&folder, fill)?);
            }
        }
    }
    Ok(())
}

fn row(folder: &Path, fill: Fill) -> anyhow::Result<String> {
    let checkpoint = Checkpoint::open(folder)?;
    let data = Dataset::open(&folder.join("data.safetensors"), None)?;
    let path = folder.join("truth.json");
    let value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let mut config = Config::new(vec!["known_circuits".to_owned()]);
    config.stages = Stages {
        modules: false,
        circuits: true,
    };
    // Areas are of scores: nothing need be pruned or judged.
    config.prune.threshold = "0".parse().map_err(anyhow::Error::msg)?;
    let circuits = &mut config.circuits;
    (circuits.judge, circuits.nodes, circuits.stability) = (false, false, false);
    config.circuits.fill = Some(fill);
    config.circuits.known = Some(Reference { path, value });
    let (mut edges, mut known) = (0, 0);
    let mut areas = Vec::new();
    for method in METHODS {
        config.circuits.methods = vec![method];
        config.circuits.metric =
            matches!(method, Method::Exact | Method::Mask).then_some(MetricKind::Mse);
        let seeds = match method {
            Method::Mask | Method::Random => SEEDS,
            _ => 1,
        };
        let mut found: Vec<f64> = Vec::new();
        for seed in 0..seeds {
            config.seed = seed;
            // A method that has no gradient anywhere says so instead of scoring 0.
            let Ok(outcome) = audit(&checkpoint, &data, &config, &|_| ()) else {
                continue;
            };
            if let Some(circuit) = outcome.result.circuits.into_iter().next()
                && let Some(recovery) = circuit.recovery
            {
                (edges, known) = (circuit.edges_total, recovery.known);
                found.extend(recovery.roc_area);
            }
        }
        areas.push(told(found));
    }
    let program = folder.file_name().map(|n| n.to_string_lossy().into_owned());
    Ok(format!(
        "| {} | {fill} | {edges} | {known} | {} |",
        program.unwrap_or_default(),
        areas.join(" | ")
    ))
}

/// The median, with the least and the largest where they are not all the same.
fn told(mut areas: Vec<f64>) -> String {
    areas.sort_by(f64::total_cmp);
    match areas.as_slice() {
        [] => "-".to_owned(),
        [least, .., most] if least < most => {
            format!("{:.3} ({least:.3}–{most:.3})", areas[areas.len() / 2])
        }
        [area, ..] => format!("{area:.3}"),
    }
}
