//! Leiden and Infomap on planted, layered and random graphs, as a table to set beside
//! leidenalg and infomap.
//!
//! `cargo run --release --example communities -- FOLDER [--graphs]` writes every graph
//! as `FOLDER/NAME.csv` (`from,to,weight`) and prints medians over 20 seeds; with
//! `--graphs` it only writes. Then `python3 benches/communities_reference.py FOLDER`.
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

use modscope::graph::Adjacency;
use modscope::modules::infomap::{codelength, infomap};
use modscope::modules::quality::modularity;
use modscope::modules::stability::normalised_mutual_information;
use modscope::modules::{Communities, LeidenConfig, leiden};

const SEEDS: u64 = 20;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder for the graphs");
    let graphs_only = arguments.next().is_some_and(|flag| flag == "--graphs");
    if !graphs_only {
        println!("| graph | Q | NMI | ms | infomap: bits | NMI | ms |");
        println!("|---|---|---|---|---|---|---|");
    }
    for (name, graph) in all() {
        let path = Path::new(&folder).join(format!("{name}.csv"));
        std::fs::write(path, edges(&graph)).unwrap();
        if !graphs_only {
            row(&name, &graph);
        }
    }
}

fn all() -> Vec<(String, Adjacency)> {
    let mixing = [0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65];
    let planted = mixing.map(|mu| (format!("planted-{mu}"), graphs::planted(mu)));
    let others = [
        ("layered".to_owned(), graphs::layered().adjacency()),
        ("random".to_owned(), graphs::random()),
    ];
    planted.into_iter().chain(others).collect()
}

fn edges(graph: &Adjacency) -> String {
    let mut text = String::from("from,to,weight\n");
    for node in 0..graph.node_count() {
        for (other, weight) in graph.neighbours(node).filter(|edge| edge.0 > node) {
            writeln!(text, "{node},{other},{weight}").unwrap();
        }
    }
    text
}

/// Medians over seeds, each on one thread.
fn row(name: &str, graph: &Adjacency) {
    let planted: Vec<Option<usize>> = (0..graph.node_count())
        .map(|node| Some(node % graphs::GROUPS))
        .collect();
    let planted = name
        .starts_with("planted")
        .then(|| Communities::from_labels(&planted));
    let measure = |find: &dyn Fn(u64) -> Communities, quality: &dyn Fn(&Communities) -> f64| {
        let runs: Vec<[f64; 3]> = (0..SEEDS)
            .map(|seed| {
                let started = Instant::now();
                let found = find(seed);
                let ms = started.elapsed().as_secs_f64() * 1e3;
                let agreement = planted
                    .as_ref()
                    .map_or(f64::NAN, |p| normalised_mutual_information(&found, p));
                [quality(&found), agreement, ms]
            })
            .collect();
        [0, 1, 2].map(|k| median(runs.iter().map(|run| run[k]).collect()))
    };
    let by_leiden = |seed| {
        let config = LeidenConfig {
            seed,
            ..LeidenConfig::default()
        };
        leiden(graph, &config)
    };
    let [q, q_nmi, q_ms] = measure(&by_leiden, &|found| modularity(graph, found, 1.0));
    let [bits, i_nmi, i_ms] = measure(&|seed| infomap(graph, 1, seed), &|found| {
        codelength(graph, found)
    });
    println!("| {name} | {q:.5} | {q_nmi:.3} | {q_ms:.1} | {bits:.5} | {i_nmi:.3} | {i_ms:.1} |");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    f64::midpoint(values[middle - 1], values[middle])
}
