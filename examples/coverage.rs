//! How often the interval of a circuit's faithfulness holds the faithfulness in the
//! population, and how many established circuits are faithful there, as a table.
//!
//! `cargo run --release --example coverage [-- TRIALS]`: the two networks in `fixtures`,
//! on samples drawn at random of a box. A trial draws samples, discovers and judges
//! circuits on halves of them as `modscope circuit` does, and judges the same circuits on
//! 5,000 other samples, which stand for the population.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "an example fails by panicking"
)]

use std::path::{Path, PathBuf};

use modscope::audit::{CircuitsConfig, Config, JudgeOn, Method, Reference, Stages, audit};
use modscope::checkpoint::Checkpoint;
use modscope::choice::Fill;
use modscope::data::{Dataset, Labels};
use modscope::numeric::Rng;
use modscope::prune::Threshold;
use modscope::result::Circuit;
use ndarray::Array2;
use serde_json::json;

/// Samples that stand for the population.
const POPULATION: usize = 5000;

/// Samples on either side, per class or in all.
const SAMPLES: [usize; 3] = [10, 30, 100];

/// Edges of a circuit: of some sizes nearly faithful, of others not.
const SIZES: [usize; 3] = [8, 12, 24];

/// A network and where its samples come from.
struct Subject {
    name: &'static str,
    checkpoint: Checkpoint,
    inputs: usize,
    reach: f64,
    classes: usize,
}

fn main() {
    let trials = std::env::args().nth(1).map_or(200, |n| n.parse().unwrap());
    println!(
        "| network | fill | samples a side | circuits | interval holds the truth | given | established | of these faithful |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, inputs, reach, classes) in [
        ("independence-bimt", 4, 1.0, 0),
        ("two_moon-bimt", 2, 1.5, 2),
    ] {
        let folder = Path::new("fixtures").join(name);
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let subject = Subject {
            name,
            checkpoint,
            inputs,
            reach,
            classes,
        };
        for fill in [Fill::Zero, Fill::Mean] {
            for samples in SAMPLES {
                row(&subject, fill, samples, trials);
            }
        }
    }
}

/// Prints one row of the table.
fn row(subject: &Subject, fill: Fill, samples: usize, trials: u64) {
    let population = subject.draw(POPULATION, u64::MAX);
    let per_class = samples * subject.classes.max(1);
    let (mut circuits, mut given, mut held) = (0, 0, 0);
    let (mut established, mut faithful) = (0, 0);
    for trial in 0..trials {
        let data = subject.draw(2 * per_class, trial);
        let mut config = settings(fill);
        config.seed = trial;
        config.circuits.top = Some(SIZES[trial as usize % SIZES.len()]);
        for found in subject.circuits(&data, &config) {
            circuits += 1;
            let Some(truth) = subject.judged(&found, &population, fill) else {
                continue;
            };
            if let Some([low, high]) = found.interval {
                given += 1;
                held += usize::from(low <= truth && truth <= high);
            }
            if found.established == Some(true) {
                established += 1;
                faithful += usize::from((truth - 1.0).abs() <= 0.05);
            }
        }
    }
    let share = |part: usize, whole: usize| match whole {
        0 => "–".to_owned(),
        n => format!("{:.1} %", 100.0 * part as f64 / n as f64),
    };
    println!(
        "| {} | {fill} | {samples} | {circuits} | {} | {} | {established} | {} |",
        subject.name,
        share(held, given),
        share(given, circuits),
        share(faithful, established)
    );
}

/// Circuits alone, of the whole network.
fn settings(fill: Fill) -> Config {
    let mut config = Config::new(Vec::new());
    config.stages = Stages {
        modules: false,
        circuits: true,
    };
    config.prune.threshold = Threshold::At(0.0);
    config.prune.curve = false;
    config.circuits = CircuitsConfig {
        methods: vec![Method::Exact],
        fill: Some(fill),
        judge_on: Some(JudgeOn::Half),
        nodes: false,
        stability: false,
        ..CircuitsConfig::new()
    };
    config
}

impl Subject {
    /// Samples drawn evenly of the box; what the network itself says are their labels.
    fn draw(&self, samples: usize, seed: u64) -> Dataset {
        let mut rng = Rng::new(seed, 7);
        let draw = || self.reach * (2.0 * rng.uniform() - 1.0);
        let inputs = Array2::from_shape_simple_fn((samples, self.inputs), draw);
        let labels = match self.classes {
            0 => Labels::Targets(formulas(&inputs)),
            _ => Labels::Classes(
                inputs
                    .rows()
                    .into_iter()
                    .map(|x| moon(x[0], x[1]))
                    .collect(),
            ),
        };
        Dataset::from_arrays("drawn", inputs, Some(labels)).unwrap()
    }

    fn circuits(&self, data: &Dataset, config: &Config) -> Vec<Circuit> {
        let outcome = audit(&self.checkpoint, data, config, &|_| ()).unwrap();
        outcome.result.circuits
    }

    /// The faithfulness of a circuit on other samples.
    /// `None` for a circuit without edges.
    fn judged(&self, found: &Circuit, data: &Dataset, fill: Fill) -> Option<f64> {
        if found.edges.is_empty() {
            return None;
        }
        let edges = found.edges.iter().map(|e| json!([e.from, e.to]));
        let mut config = settings(fill);
        config.circuits.methods = Vec::new();
        config.circuits.judge_on = Some(JudgeOn::Same);
        config.circuits.given = Some(Reference {
            path: PathBuf::from("found"),
            value: edges.collect(),
        });
        let all = self.circuits(data, &config);
        let same = all.iter().find(|circuit| circuit.output == found.output)?;
        same.faithfulness
    }
}

/// The formulas that the first network was trained on.
fn formulas(inputs: &Array2<f64>) -> Array2<f64> {
    let mut targets = Array2::zeros((inputs.nrows(), 2));
    for (x, mut y) in inputs.rows().into_iter().zip(targets.rows_mut()) {
        y[0] = x[1].powi(2) + (std::f64::consts::PI * x[3]).sin();
        y[1] = (x[0] + x[2]).powi(3);
    }
    targets
}

/// Which of two half circles a point is nearer to.
fn moon(x: f64, y: f64) -> usize {
    let off = |x: f64, y: f64| ((x * x + y * y).sqrt() - 1.0).abs() + y.min(0.0).abs();
    usize::from(off(1.0 - x, 0.5 - y) < off(x, y))
}
