//! Which test tells modular networks from others best, before any trained network is looked
//! at: how often each rejects networks without modules (its size), and planted ones (its power).
//!
//! `cargo run --release --example headline [-- NETWORKS]`: so many networks without modules of
//! each of four kinds (100), and as many planted ones at each share of edges that leave their
//! group, of all kinds and three layered shapes. Every measure is held against every null
//! model as `modscope modules` does, 100 draws each and every search restarted 20 times.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example prints, and fails by panicking"
)]

mod drawn;

use std::collections::BTreeMap;

use modscope::choice::{MeasureKind, Null, NullKind};
use modscope::graph::Layered;
use modscope::modules::{ModulesConfig, find_in};
use rayon::prelude::*;

use drawn::{KINDS, Kind, MIXING, SHAPES, network, shape_of};

/// Null models that measures are held against.
const NULLS: [NullKind; 3] = [NullKind::LayerNonzero, NullKind::Layer, NullKind::Degree];

/// Draws of each null model.
const DRAWS: usize = 100;

/// The level of the tests.
const LEVEL: f64 = 0.05;

/// Whether each test rejects, by measure and null model, network by network: its shape first.
type Rejections = BTreeMap<(&'static str, &'static str), Vec<(usize, bool)>>;

fn main() {
    let networks = std::env::args().nth(1).map_or(100, |n| n.parse().unwrap());
    let sizes: Vec<Rejections> = KINDS
        .iter()
        .map(|kind| rejections(networks, |seed| (*kind, 0.0, 1, seed)))
        .collect();
    let power: Vec<Rejections> = MIXING
        .iter()
        .map(|mixing| {
            let planted = |seed: u64| {
                let kind = KINDS[seed as usize % KINDS.len()];
                (kind, *mixing, 2, seed)
            };
            rejections(networks, planted)
        })
        .collect();
    by_kind(&sizes, &power);
    by_edges(&power);
}

/// Prints how often each test rejects, by the kind of network and by mixing.
fn by_kind(sizes: &[Rejections], power: &[Rejections]) {
    println!(
        "| measure | null model | size | {} | {} |",
        KINDS.map(|kind| format!("{kind:?}")).join(" | "),
        MIXING
            .map(|mixing| format!("power at {mixing}"))
            .join(" | ")
    );
    println!("|---|---|---|{}", "---|".repeat(KINDS.len() + MIXING.len()));
    for test in sizes[0].keys() {
        let of = |all: &[Rejections]| -> Vec<String> {
            all.iter().map(|found| share(&found[test])).collect()
        };
        let all: Vec<(usize, bool)> = sizes.iter().flat_map(|found| found[test].clone()).collect();
        println!(
            "| {} | {} | {} | {} | {} |",
            test.0,
            test.1,
            share(&all),
            of(sizes).join(" | "),
            of(power).join(" | ")
        );
    }
}

/// Prints the power of the tests against networks of the same degrees, by the number of edges.
fn by_edges(power: &[Rejections]) {
    println!(
        "\n| measure | null model | edges | {} |",
        MIXING.map(|m| format!("power at {m}")).join(" | ")
    );
    println!("|---|---|---|{}", "---|".repeat(MIXING.len()));
    let tests = power[0].keys();
    for test in tests.filter(|(_, null)| *null == NullKind::Degree.name()) {
        for (shape, (_, edges)) in SHAPES.iter().enumerate() {
            let of_shape = |found: &Rejections| {
                let mine = found[test].iter().filter(|(of, _)| *of == shape);
                share(&mine.copied().collect::<Vec<_>>())
            };
            let power: Vec<String> = power.iter().map(of_shape).collect();
            println!(
                "| {} | {} | {edges} | {} |",
                test.0,
                test.1,
                power.join(" | ")
            );
        }
    }
}

/// What each test says of so many networks, whose kind, mixing, groups and seed are `drawn`.
fn rejections(networks: u64, drawn: impl Fn(u64) -> (Kind, f64, usize, u64) + Sync) -> Rejections {
    let each: Vec<Rejections> = (0..networks)
        .into_par_iter()
        .map(|number| {
            let (kind, mixing, groups, seed) = drawn(number);
            tested(&network(kind, mixing, groups, seed), seed)
        })
        .collect();
    let mut all = Rejections::new();
    for (test, said) in each.into_iter().flatten() {
        all.entry(test).or_default().extend(said);
    }
    all
}

/// Every measure against every null model.
fn tested(network: &Layered, seed: u64) -> Rejections {
    let [(null, null_samples), more @ ..] = NULLS.map(|kind| (kind, DRAWS));
    let config = ModulesConfig {
        seed,
        null,
        null_samples,
        all_draws: true,
        more_nulls: more.to_vec(),
        stability_seeds: 0,
        most_block_edges: 0,
        ..ModulesConfig::default()
    };
    let names: Vec<String> = (0..network.node_count()).map(|n| n.to_string()).collect();
    let found = find_in(network, &names, &config);
    let name = |measure: MeasureKind| measure.name();
    let tests = found.measures.iter().flat_map(|measure| {
        measure.nulls.iter().map(move |null| {
            let Null::Network(kind) = null.model else {
                unreachable!("only networks are asked for");
            };
            (
                (name(measure.name), kind.name()),
                vec![(shape_of(seed), null.p <= LEVEL)],
            )
        })
    });
    tests.collect()
}

/// How many of these, in per cent.
fn share(said: &[(usize, bool)]) -> String {
    let yes = said.iter().filter(|(_, yes)| *yes).count();
    format!("{:.1} %", 100.0 * yes as f64 / said.len().max(1) as f64)
}
