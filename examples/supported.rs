//! Whether block models support groups where there are some, and none where there are none.
//!
//! `cargo run --release --example supported [-- NETWORKS]`: the networks of
//! `examples/headline.rs`, so many without groups of each kind and planted ones at each share of
//! edges that leave their group (100): how often a description by groups is shorter than one
//! without; how often it is shorter by more than in all but 5.5 % of the networks without
//! groups, which is the size of the headline test; and how alike blocks, Leiden's modules and
//! the planted groups are.
//!
//! `-- ../shared/checkpoints [NETWORKS]`: so many (200) shuffled and untrained networks with as
//! many edges in each layer as the reference MLPs of up to 2,000 edges keep, in turn; before them
//! the blocks of the references, in nats beside one block per layer.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example prints, and fails by panicking"
)]

mod drawn;

use std::path::{Path, PathBuf};

use modscope::audit::{Config, Stages, audit};
use modscope::checkpoint::Checkpoint;
use modscope::choice::NullKind;
use modscope::data::Dataset;
use modscope::graph::Layered;
use modscope::model::{Architecture, Loaded, Mlp, Network, Options};
use modscope::modules::blocks::{BlocksConfig, blocks};
use modscope::modules::null::shuffled;
use modscope::modules::stability::normalised_mutual_information;
use modscope::modules::{Communities, LeidenConfig, ModulesConfig, find_in, leiden};
use modscope::numeric::{Rng, Scalar};
use modscope::result::Blocks;
use ndarray::Array2;
use rayon::prelude::*;

use drawn::{KINDS, MIXING, SHAPES, network, shape_of};

/// The size of the headline test, measured by `examples/headline.rs`.
const SIZE: f64 = 0.055;

/// Reference networks of more edges are left out: a search takes too long.
const MOST_EDGES: usize = 2_000;

/// What was found in one network.
struct Found {
    shape: usize,
    /// Nats by which groups shorten the description.
    gain: f64,
    /// Normalised mutual information of blocks and planted groups, of Leiden's modules and
    /// these, of both partitions.
    alike: [f64; 3],
}

fn main() {
    let mut words = std::env::args().skip(1);
    let first = words.next().unwrap_or_else(|| "100".to_owned());
    match first.parse() {
        Ok(networks) => power(networks),
        Err(_) => nulls(
            Path::new(&first),
            words.next().map_or(200, |n| n.parse().unwrap()),
        ),
    }
}

/// How often groups are found by the share of edges that leave their group.
fn power(networks: u64) {
    let without =
        KINDS.map(|kind| (0..networks).map(move |seed| (network(kind, 0.0, 1, seed), seed)));
    let without: Vec<Found> = all(without.into_iter().flatten().collect());
    let planted: Vec<Vec<Found>> = MIXING
        .iter()
        .map(|mixing| {
            let of = |seed: u64| {
                (
                    network(KINDS[seed as usize % KINDS.len()], *mixing, 2, seed),
                    seed,
                )
            };
            all((0..networks).map(of).collect())
        })
        .collect();
    let mut gains: Vec<f64> = without.iter().map(|found| found.gain).collect();
    gains.sort_by(f64::total_cmp);
    let usual = gains[((1.0 - SIZE) * gains.len() as f64) as usize];
    println!(
        "networks without groups: {}; gain exceeded in {SIZE}: {usual:.2} nats",
        gains.len()
    );
    let head = MIXING.map(|mixing| format!("at {mixing}")).join(" | ");
    println!(
        "| | edges | size | {head} |\n|---|---|---|{}",
        "---|".repeat(MIXING.len())
    );
    for (name, least) in [("supported", 1e-6), ("at equal size", usual)] {
        for shape in std::iter::once(None).chain((0..SHAPES.len()).map(Some)) {
            let edges = shape.map_or("all".to_owned(), |shape| SHAPES[shape].1.to_string());
            let power = planted.iter().map(|found| share(found, shape, least));
            println!(
                "| {name} | {edges} | {} | {} |",
                share(&without, shape, least),
                power.collect::<Vec<_>>().join(" | ")
            );
        }
    }
    print_alike(&planted);
}

/// How many of the networks of a shape gain more than `least`, in per cent.
fn share(found: &[Found], shape: Option<usize>, least: f64) -> String {
    let mine = found
        .iter()
        .filter(|f| shape.is_none_or(|shape| f.shape == shape));
    let told: Vec<bool> = mine.map(|f| f.gain > least).collect();
    let yes = told.iter().filter(|yes| **yes).count();
    format!("{:.1} %", 100.0 * yes as f64 / told.len().max(1) as f64)
}

/// How alike partitions are, by share of edges that leave their group.
fn print_alike(planted: &[Vec<Found>]) {
    let names = [
        "blocks and planted groups",
        "Leiden's modules and planted groups",
        "blocks and modules",
    ];
    for (k, name) in names.iter().enumerate() {
        let mean = |found: &Vec<Found>| {
            let sum: f64 = found.iter().map(|f| f.alike[k]).sum();
            format!("{:.2}", sum / found.len() as f64)
        };
        let means: Vec<String> = planted.iter().map(mean).collect();
        println!("| NMI of {name} | all | | {} |", means.join(" | "));
    }
}

fn all(networks: Vec<(Layered, u64)>) -> Vec<Found> {
    networks
        .into_par_iter()
        .map(|(network, seed)| found(&network, seed))
        .collect()
}

fn found(network: &Layered, seed: u64) -> Found {
    let config = BlocksConfig {
        seed,
        ..BlocksConfig::default()
    };
    let blocks = blocks(network, &config).unwrap();
    let graph = network.adjacency();
    let search = LeidenConfig {
        seed,
        ..LeidenConfig::default()
    };
    let modules = leiden(&graph, &search);
    let groups: Vec<Option<usize>> = (0..network.node_count())
        .map(|node| modules.of[node].map(|_| (node - network.offset(network.layer_of(node))) % 2))
        .collect();
    let groups = Communities::from_labels(&groups);
    let supported = blocks.supported();
    Found {
        shape: shape_of(seed),
        gain: blocks.null_length - blocks.length,
        alike: [
            normalised_mutual_information(&supported, &groups),
            normalised_mutual_information(&modules, &groups),
            normalised_mutual_information(&supported, &modules),
        ],
    }
}

/// The blocks of the reference networks, and how often there are some in networks made of them.
fn nulls(folder: &Path, wanted: u64) {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    folders.sort();
    let references: Vec<Layered> = folders.iter().filter_map(|f| told(f)).collect();
    println!("\n| drawn | networks | no blocks |\n|---|---|---|");
    for kind in [NullKind::Degree, NullKind::Layer, NullKind::Untrained] {
        let is_none = |draw: &u64| {
            let network = &references[*draw as usize % references.len()];
            let drawn = shuffled(network, kind, &mut Rng::new(*draw, 0));
            blocks_of(&drawn).is_none_or(|found| found.count == 0)
        };
        let none = (0..wanted).into_par_iter().filter(is_none).count();
        println!(
            "| {kind} | {wanted} | {none} ({:.1} %) |",
            100.0 * none as f64 / wanted as f64
        );
    }
}

/// What an MLP keeps, its blocks printed.
fn told(folder: &Path) -> Option<Layered> {
    let network = pruned(folder)?;
    let found = blocks_of(&network)?;
    println!(
        "| {} | {} | {} | {:.1} | {:.1} | {:.1} |",
        folder.file_name().unwrap().to_string_lossy(),
        found.form,
        found.count,
        found.description_length,
        found.null_description_length,
        found.null_description_length - found.description_length
    );
    Some(network)
}

/// The blocks as `modscope modules` has them.
fn blocks_of(network: &Layered) -> Option<Blocks> {
    let config = ModulesConfig {
        restarts: Some(1),
        null_samples: 0,
        stability_seeds: 0,
        ..ModulesConfig::default()
    };
    let names: Vec<String> = (0..network.node_count()).map(|n| n.to_string()).collect();
    find_in(network, &names, &config).blocks
}

/// What an MLP keeps at its own threshold; `None` of transformers and of large networks.
fn pruned(folder: &Path) -> Option<Layered> {
    let checkpoint = Checkpoint::open(folder).unwrap();
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let mut config = Config::new(Vec::new());
    config.stages = Stages {
        modules: false,
        circuits: false,
    };
    config.prune.curve = false;
    let pruned = audit(&checkpoint, &data, &config, &|_| ())
        .unwrap()
        .pruned?;
    let loaded = Loaded::from_checkpoint(&pruned, Options::default()).unwrap();
    let network = match &loaded.network {
        Network::F32(Architecture::Mlp(model)) => layered(model),
        Network::F64(Architecture::Mlp(model)) => layered(model),
        Network::F32(_) | Network::F64(_) => return None,
    };
    (network.edge_count() <= MOST_EDGES).then_some(network)
}

fn layered<T: Scalar>(model: &Mlp<T>) -> Layered {
    let weights = model
        .layers
        .iter()
        .map(|linear| linear.weight.mapv(Scalar::widen));
    Layered::new(weights.collect::<Vec<Array2<f64>>>())
}
