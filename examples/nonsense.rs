//! Whether circuits in which there is nothing to find are refused, and known ones are not.
//!
//! `cargo run --release --example nonsense -- ../shared [CIRCUITS]`: so many circuits (200) of
//! exact effects in each of permuted labels, untrained and weight-shuffled networks, made of
//! reference networks and judged as `modscope circuit` judges; the circuits of compiled
//! transformers, which are known; and the reference networks themselves.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example prints, and fails by panicking"
)]

use std::path::{Path, PathBuf};

use modscope::audit::{Config, Method, Reference, Stages, audit};
use modscope::checkpoint::Checkpoint;
use modscope::choice::{ControlKind, Fill, MetricKind, Origin};
use modscope::data::Dataset;
use modscope::model::{Loaded, Options};
use modscope::numeric::Rng;
use modscope::prune::Threshold;
use modscope::result::Circuit;

/// Networks that controls are made of: small ones, of targets and of classes.
const NETWORKS: [&str; 6] = [
    "independence-bimt-s0",
    "independence-vanilla-s0",
    "feature_sharing-bimt-s4",
    "feature_sharing-vanilla-s4",
    "two_moon-bimt-s1",
    "two_moon-vanilla-s1",
];

/// A network and its samples: those to judge on, and those to discover on.
struct Subject {
    checkpoint: Checkpoint,
    judge: Dataset,
    discover: Option<Dataset>,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let shared = PathBuf::from(words.next().unwrap_or_else(|| "../shared".to_owned()));
    let wanted = words.next().map_or(200, |n| n.parse().unwrap());
    println!("| circuits of | circuits | no interval | interval within the band | established |");
    println!("|---|---|---|---|---|");
    let subjects = NETWORKS.map(|name| Subject::open(&shared.join("checkpoints").join(name)));
    for kind in ControlKind::each() {
        let mut found = Vec::new();
        for draw in 0.. {
            let subject = &subjects[draw as usize % subjects.len()];
            found.extend(subject.control(kind, draw).circuits(&settings(draw)));
            if found.len() >= wanted {
                break;
            }
        }
        found.truncate(wanted);
        row(&format!("{kind}"), &found);
    }
    for fill in [Fill::Zero, Fill::Corrupted] {
        let folders = sorted(&shared.join("truth"));
        let known: Vec<Circuit> = folders.iter().filter_map(|f| known(f, fill)).collect();
        row(&format!("compiled transformers, {fill} fill"), &known);
    }
    for regime in ["bimt", "l1", "vanilla"] {
        let folders = sorted(&shared.join("checkpoints"));
        let of_regime =
            |folder: &&PathBuf| folder.to_string_lossy().contains(&format!("-{regime}-"));
        let subjects = folders.iter().filter(of_regime).map(|f| Subject::open(f));
        let found: Vec<Circuit> = subjects.flat_map(|s| s.circuits(&settings(0))).collect();
        row(&format!("reference networks, {regime}"), &found);
    }
}

/// One row of the table.
fn row(name: &str, circuits: &[Circuit]) {
    let share = |is: &dyn Fn(&&Circuit) -> bool| {
        let number = circuits.iter().filter(is).count();
        let percent = 100.0 * number as f64 / circuits.len().max(1) as f64;
        format!("{number} ({percent:.1} %)")
    };
    let within = |circuit: &&Circuit| {
        let both = circuit.interval.zip(circuit.band);
        both.is_some_and(|([low, high], [least, most])| least <= low && high <= most)
    };
    println!(
        "| {name} | {} | {} | {} | {} |",
        circuits.len(),
        share(&|circuit| circuit.interval.is_none()),
        share(&within),
        share(&|circuit| circuit.established == Some(true))
    );
}

/// Circuits of exact effects alone, of the whole network.
fn settings(seed: u64) -> Config {
    let mut config = Config::new(Vec::new());
    config.seed = seed;
    config.stages = Stages {
        modules: false,
        circuits: true,
    };
    config.prune.threshold = Threshold::At(0.0);
    config.prune.curve = false;
    config.circuits.methods = vec![Method::Exact];
    config.circuits.nodes = false;
    config.circuits.stability = false;
    config
}

impl Subject {
    fn open(folder: &Path) -> Self {
        let data = folder.join("data.safetensors");
        let judge = Dataset::open(&data, None).unwrap();
        let discover = match judge.split == "test" {
            true => Dataset::open(&data, Some("train")).ok(),
            false => None,
        };
        Self {
            checkpoint: Checkpoint::open(folder).unwrap(),
            judge,
            discover,
        }
    }

    /// The same network or task, in which there is nothing to find.
    fn control(&self, kind: ControlKind, seed: u64) -> Self {
        let mut rng = Rng::new(seed, 70);
        let loaded = Loaded::from_checkpoint(&self.checkpoint, Options::default()).unwrap();
        Self {
            checkpoint: kind.network(&self.checkpoint, &loaded, &mut rng),
            judge: kind.data(&self.judge, &mut rng),
            discover: self.discover.as_ref().map(|data| kind.data(data, &mut rng)),
        }
    }

    fn circuits(&self, config: &Config) -> Vec<Circuit> {
        let config = Config {
            discover: self.discover.clone(),
            ..config.clone()
        };
        let outcome = audit(&self.checkpoint, &self.judge, &config, &|_| ());
        outcome.unwrap().result.circuits
    }
}

/// The circuit that a compiled transformer was given, judged.
fn known(folder: &Path, fill: Fill) -> Option<Circuit> {
    let path = folder.join("truth.json");
    let value = serde_json::from_slice(&std::fs::read(&path).ok()?).unwrap();
    let mut config = settings(0);
    config.circuits.methods = Vec::new();
    config.circuits.metric = Some(MetricKind::Mse);
    config.circuits.fill = Some(fill);
    config.circuits.given = Some(Reference { path, value });
    let found = Subject::open(folder).circuits(&config);
    found
        .into_iter()
        .find(|circuit| circuit.method == Origin::Given)
}

/// The folders of a folder, by name.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.is_dir());
    all.sort();
    all
}
