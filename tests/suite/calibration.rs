//! The null models are calibrated: in networks without structure p is uniform.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests fail by panicking"
)]

use modscope::choice::MeasureKind;
use modscope::graph::Layered;
use modscope::modules::null::{NullKind, shuffled};
use modscope::modules::{ModulesConfig, find_in};
use modscope::numeric::Rng;
use modscope::result::Modules;
use ndarray::Array2;
use rayon::prelude::*;

/// Networks per test, and shuffles per network.
const NETWORKS: u64 = 200;
const SHUFFLES: usize = 99;

/// Kolmogorov's critical value is this over √n at the level of 1 % for all twelve
/// comparisons below together (Bonferroni): √(½ ln(2 · 12 / 0.01)). Source: Smirnov (1948).
const CRITICAL: f64 = 1.973;

/// A network 12-16-16-4 with a quarter of its normal weights.
fn template() -> Layered {
    let mut rng = Rng::new(11, 0);
    let mut layer = |readers, writers| {
        Array2::from_shape_simple_fn((readers, writers), || {
            if rng.below(4) == 0 { rng.normal() } else { 0.0 }
        })
    };
    Layered::new(vec![layer(16, 12), layer(16, 16), layer(4, 16)])
}

/// The result of a network against `null`, with searches of its own seed.
fn modules(network: &Layered, null: NullKind, seed: u64) -> Modules {
    let config = ModulesConfig {
        null,
        null_samples: SHUFFLES,
        all_draws: true,
        stability_seeds: 0,
        // Networks and shuffles are searched alike, once or twenty times.
        restarts: Some(1),
        seed: seed * 1_000,
        ..ModulesConfig::default()
    };
    let names: Vec<String> = (0..network.node_count()).map(|n| n.to_string()).collect();
    find_in(network, &names, &config)
}

/// The p-values of every measure over networks drawn by `drawn` and held against `null`.
fn p_values(drawn: NullKind, null: NullKind) -> Vec<(String, Vec<f64>)> {
    let template = template();
    let results: Vec<Modules> = (0..NETWORKS)
        .into_par_iter()
        .map(|k| {
            let network = shuffled(&template, drawn, &mut Rng::new(500 + k, 1 << 40));
            modules(&network, null, 1 + k)
        })
        .collect();
    let measures = results[0].measures.iter().enumerate();
    measures
        .map(|(k, measure)| {
            let ps = results.iter().map(|r| r.measures[k].nulls[0].p);
            (measure.name.to_string(), ps.collect())
        })
        .collect()
}

/// The largest distance between the distribution of p and the uniform one on the
/// 1/(n + 1), 2/(n + 1), …, 1 that p can be.
fn distance_from_uniform(ps: &[f64]) -> f64 {
    let steps = SHUFFLES + 1;
    let at = |step: usize| {
        let value = step as f64 / steps as f64;
        let share = ps.iter().filter(|p| **p <= value + 1e-9).count() as f64;
        (share / ps.len() as f64 - value).abs()
    };
    (1..=steps).map(at).fold(0.0, f64::max)
}

fn check(drawn: NullKind, null: NullKind) {
    let critical = CRITICAL / (NETWORKS as f64).sqrt();
    for (measure, ps) in p_values(drawn, null) {
        let distance = distance_from_uniform(&ps);
        let small = ps.iter().filter(|p| **p <= 0.05).count();
        println!(
            "{drawn:?} against {null:?}, {measure}: D = {distance:.3} (critical: {critical:.3}), {small} of {NETWORKS} at 0.05"
        );
        // Where many networks fall apart, conductances tie at 0 and p is larger than uniform.
        if measure == "lowest-conductance" {
            assert!(small <= 20, "{measure}: {small}");
        } else {
            assert!(distance <= critical, "{measure}: {distance} > {critical}");
        }
    }
}

#[test]
fn shuffled_networks_are_as_modular_as_shuffles() {
    check(NullKind::Layer, NullKind::Layer);
}

#[test]
fn so_they_are_when_only_weights_move() {
    check(NullKind::LayerNonzero, NullKind::LayerNonzero);
}

#[test]
fn untrained_networks_are_as_modular_as_shuffles() {
    check(NullKind::Untrained, NullKind::Layer);
}

/// The test can fail: a network of two halves that share nothing is found out by every measure.
#[test]
fn a_modular_network_is_told_from_chance() {
    let mut rng = Rng::new(3, 0);
    let mut layer = |readers: usize, writers: usize| {
        Array2::from_shape_fn((readers, writers), |(reader, writer)| {
            let same = (2 * reader < readers) == (2 * writer < writers);
            if same { 0.5 + rng.uniform() } else { 0.0 }
        })
    };
    let network = Layered::new(vec![layer(8, 6), layer(8, 8), layer(4, 8)]);
    let found = modules(&network, NullKind::Layer, 0);
    let of = |name: MeasureKind| found.measures.iter().find(|m| m.name == name).unwrap();
    for name in [
        MeasureKind::Modularity,
        MeasureKind::LayeredModularity,
        MeasureKind::LowestConductance,
    ] {
        let p = of(name).nulls[0].p;
        assert!((p - 0.01).abs() < 1e-12, "{name}: {p}");
    }
}
