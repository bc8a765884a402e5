//! Block models of planted graphs and of layered ones, to set beside graph-tool's.
//!
//! `cargo run --release --example blocks -- FOLDER` writes every graph as `FOLDER/NAME.csv`
//! (`from,to`), the blocks found in it as `FOLDER/NAME.blocks.csv` (`node,block`), and prints
//! the best of ten starts on one thread; `-- FOLDER GRAPH.csv …` does so of graphs in files
//! (`from,to`, nodes by number). Then `python3 benches/blocks_reference.py FOLDER`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "an example fails by panicking"
)]

#[path = "../tests/suite/graphs/mod.rs"]
mod graphs;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use modscope::choice::BlockForm;
use modscope::graph::Adjacency;
use modscope::modules::Communities;
use modscope::modules::blocks::{BlocksConfig, blocks_of};
use modscope::modules::stability::normalised_mutual_information;

fn main() {
    let mut words = std::env::args().skip(1);
    let folder = words.next().expect("a folder for the graphs");
    let folder = Path::new(&folder);
    println!("| graph | nats | one block | blocks | NMI | s |");
    println!("|---|---|---|---|---|---|");
    let files: Vec<String> = words.collect();
    for file in &files {
        let name = Path::new(file).file_stem().unwrap().to_string_lossy();
        told(folder, &name, &read(file), None);
    }
    if files.is_empty() {
        for mixing in [0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65] {
            let graph = graphs::planted(mixing);
            let planted: Vec<_> = (0..graph.node_count())
                .map(|v| Some(v % graphs::GROUPS))
                .collect();
            let planted = Communities::from_labels(&planted);
            told(folder, &format!("planted-{mixing}"), &graph, Some(&planted));
        }
        for stray in [0.02, 0.05, 0.1, 0.2, 0.5] {
            let graph = graphs::layered_with(stray).adjacency();
            told(folder, &format!("layered-{stray}"), &graph, None);
        }
    }
}

/// Writes a graph and its blocks, and prints what they come to.
fn told(folder: &Path, name: &str, graph: &Adjacency, planted: Option<&Communities>) {
    std::fs::write(folder.join(format!("{name}.csv")), edges(graph)).unwrap();
    let config = BlocksConfig {
        starts: 10,
        weighted: false,
        ..BlocksConfig::default()
    };
    let started = Instant::now();
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let found = one.install(|| blocks_of(graph, BlockForm::WithinLayers, &config));
    let found = found.expect("a graph with edges");
    let alike = planted.map_or_else(String::new, |planted| {
        format!(
            "{:.3}",
            normalised_mutual_information(&found.partition, planted)
        )
    });
    println!(
        "| {name} | {:.3} | {:.3} | {} | {alike} | {:.2} |",
        found.length,
        found.null_length,
        found.partition.count,
        started.elapsed().as_secs_f64()
    );
    let path = folder.join(format!("{name}.blocks.csv"));
    std::fs::write(path, members(&found.partition)).unwrap();
}

/// A graph from the lines `from,to` of a file, nodes by number.
fn read(file: &str) -> Adjacency {
    let text = std::fs::read_to_string(file).unwrap();
    let edge = |line: &str| {
        let (from, to) = line.split_once(',').unwrap();
        (from.parse().unwrap(), to.parse().unwrap(), 1.0)
    };
    let edges: Vec<(usize, usize, f64)> = text.lines().skip(1).map(edge).collect();
    let nodes = edges.iter().map(|(from, to, _)| from.max(to) + 1).max();
    Adjacency::from_edges(nodes.unwrap_or(0), &edges)
}

fn edges(graph: &Adjacency) -> String {
    let mut text = String::from("from,to\n");
    for node in 0..graph.node_count() {
        for (other, _) in graph.neighbours(node).filter(|edge| edge.0 > node) {
            writeln!(text, "{node},{other}").unwrap();
        }
    }
    text
}

fn members(partition: &Communities) -> String {
    let mut text = String::from("node,block\n");
    for (node, block) in partition.of.iter().enumerate() {
        if let Some(block) = block {
            writeln!(text, "{node},{block}").unwrap();
        }
    }
    text
}
