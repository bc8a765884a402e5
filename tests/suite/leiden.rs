//! What the Leiden algorithm promises, on random graphs and against reference values.

use crate::graphs;

use modscope::graph::{Adjacency, Layered};
use modscope::modules::components::components;
use modscope::modules::quality::modularity;
use modscope::modules::stability::normalised_mutual_information;
use modscope::modules::{Communities, LeidenConfig, ModulesConfig, Quality, find, leiden};
use modscope::numeric::Rng;
use ndarray::Array2;
use proptest::prelude::*;

fn seeded(seed: u64) -> LeidenConfig {
    LeidenConfig {
        seed,
        ..LeidenConfig::default()
    }
}

/// The median modularity over twenty seeds.
fn median_modularity(graph: &Adjacency) -> f64 {
    let quality = |seed| modularity(graph, &leiden(graph, &seeded(seed)), 1.0);
    let mut qualities: Vec<f64> = (0..20).map(quality).collect();
    qualities.sort_by(f64::total_cmp);
    f64::midpoint(qualities[9], qualities[10])
}

/// Whether every module is one connected piece.
fn all_connected(graph: &Adjacency, found: &Communities) -> bool {
    let inside = |node: usize| {
        let same = move |edge: &(usize, f64)| found.of[edge.0] == found.of[node];
        graph
            .neighbours(node)
            .filter(same)
            .map(move |edge| (node, edge.0, edge.1))
    };
    let edges: Vec<_> = (0..graph.node_count()).flat_map(inside).collect();
    let pieces = components(&Adjacency::from_edges(graph.node_count(), &edges));
    let alone = found.of.iter().enumerate();
    let alone = alone
        .filter(|(node, of)| of.is_some() && pieces.of[*node].is_none())
        .count();
    pieces.count + alone == found.count
}

/// Medians over seeds 0..20 of leidenalg 0.12 with igraph 1.0 on the same graphs:
/// `find_partition(graph, RBConfigurationVertexPartition, weights=…, n_iterations=-1)`.
#[test]
fn as_good_as_leidenalg_run_to_convergence() {
    let references = [
        ("planted 0.3", graphs::planted(0.3), 0.57763),
        ("planted 0.55", graphs::planted(0.55), 0.32202),
        ("layered", graphs::layered().adjacency(), 0.62560),
    ];
    for (name, graph, reference) in references {
        let median = median_modularity(&graph);
        println!("{name}: {median:.5}, leidenalg {reference:.5}");
        assert!(
            median >= reference * 0.999,
            "{name}: {median} < {reference}"
        );
    }
}

#[test]
fn planted_groups_are_found() {
    let graph = graphs::planted(0.3);
    let labels: Vec<_> = (0..graph.node_count())
        .map(|node| Some(node % graphs::GROUPS))
        .collect();
    let found = leiden(&graph, &seeded(0));
    let agreement = normalised_mutual_information(&found, &Communities::from_labels(&labels));
    assert!(
        found.count == graphs::GROUPS && agreement > 0.95,
        "{} {agreement}",
        found.count
    );
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let graph = graphs::planted(0.55);
    let config = LeidenConfig {
        restarts: 4,
        max_passes: Some(2),
        ..LeidenConfig::default()
    };
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    assert_eq!(
        one.install(|| leiden(&graph, &config)),
        leiden(&graph, &config)
    );
}

/// A clique of six in two halves with weak edges between: one pair of communities only
/// above the density between them (0.1) and below that inside (1).
#[test]
fn the_constant_potts_model_splits_by_density() {
    let weight = |one: usize, other: usize| if one / 3 == other / 3 { 1.0 } else { 0.1 };
    let pairs = (0..6).flat_map(|one| (one + 1..6).map(move |other| (one, other)));
    let edges: Vec<_> = pairs
        .map(|(one, other)| (one, other, weight(one, other)))
        .collect();
    let graph = Adjacency::from_edges(6, &edges);
    let count = |resolution| {
        let config = LeidenConfig {
            resolution,
            quality: Quality::Cpm,
            ..LeidenConfig::default()
        };
        leiden(&graph, &config).count
    };
    assert_eq!([0.05, 0.5, 2.0].map(count), [1, 2, 6]);
}

/// Over random networks the p of their own shuffles spreads over [0, 1].
#[test]
fn random_networks_are_not_more_modular_than_their_shuffles() {
    let p = |seed| {
        let mut rng = Rng::new(seed, 0);
        let mut layer = || {
            Array2::from_shape_simple_fn((12, 12), || {
                if rng.below(4) == 0 { rng.normal() } else { 0.0 }
            })
        };
        let network = Layered::new(vec![layer(), layer()]);
        let config = ModulesConfig {
            null_samples: 19,
            all_draws: true,
            stability_seeds: 0,
            ..Default::default()
        };
        find(&network, &[], &config)
            .null
            .map_or(f64::NAN, |null| null.p)
    };
    let mut ps: Vec<f64> = (0..60).map(p).collect();
    ps.sort_by(f64::total_cmp);
    let mean = ps.iter().sum::<f64>() / 60.0;
    assert!((0.4..0.65).contains(&mean), "mean {mean}: {ps:?}");
    assert!(ps[2] <= 0.2 && ps[57] >= 0.8, "{ps:?}");
}

/// Random graphs with isolated nodes and self-loops.
fn any_graph() -> impl Strategy<Value = Adjacency> {
    proptest::collection::vec((0..25_usize, 0..25_usize, 0.001..5.0_f64), 0..90)
        .prop_map(|edges| Adjacency::from_edges(30, &edges))
}

proptest! {
    #[test]
    fn communities_are_connected_and_hold_all_but_isolated_nodes(
        graph in any_graph(), seed in 0..100_u64, resolution in 0.05..4.0_f64,
    ) {
        let found = leiden(&graph, &LeidenConfig { seed, resolution, ..Default::default() });
        prop_assert!(all_connected(&graph, &found));
        for node in 0..graph.node_count() {
            prop_assert_eq!(found.of[node].is_none(), graph.is_isolated(node));
        }
        prop_assert_eq!(found, leiden(&graph, &LeidenConfig { seed, resolution, ..Default::default() }));
    }

    /// No partition into components or single nodes is better, nor moving any one node.
    #[test]
    fn no_single_move_is_better(graph in any_graph(), seed in 0..100_u64) {
        let found = leiden(&graph, &seeded(seed));
        let quality = modularity(&graph, &found, 1.0);
        prop_assert!(quality >= modularity(&graph, &components(&graph), 1.0) - 1e-12);
        for node in (0..graph.node_count()).filter(|node| found.of[*node].is_some()) {
            for module in 0..=found.count {
                let mut labels = found.of.clone();
                labels[node] = Some(module);
                let moved = modularity(&graph, &Communities::from_labels(&labels), 1.0);
                prop_assert!(moved <= quality + 1e-9, "{} {}", node, module);
            }
        }
    }

    #[test]
    fn the_scale_of_the_weights_does_not_matter(graph in any_graph(), seed in 0..100_u64) {
        let edges = |scale: f64| -> Vec<_> {
            let row = |node: usize| graph.neighbours(node).map(move |edge| (node, edge.0, edge.1));
            let pairs = (0..graph.node_count()).flat_map(row).filter(|edge| edge.0 < edge.1);
            pairs.map(|(one, other, weight)| (one, other, weight * scale)).collect()
        };
        let at = |scale| leiden(&Adjacency::from_edges(30, &edges(scale)), &seeded(seed));
        prop_assert_eq!(at(1.0), at(1024.0));
    }

    #[test]
    fn numbering_does_not_change_the_modularity(graph in any_graph(), seed in 0..100_u64) {
        let nodes = graph.node_count();
        let number = Rng::new(seed, 0).permutation(nodes);
        let row = |node: usize| graph.neighbours(node).map(move |edge| (node, edge.0, edge.1));
        let edges: Vec<_> = (0..nodes).flat_map(row).filter(|edge| edge.0 < edge.1).collect();
        let moved: Vec<_> = edges.iter().map(|e| (number[e.0], number[e.1], e.2)).collect();
        let graph = Adjacency::from_edges(nodes, &edges);
        let found = leiden(&graph, &seeded(seed));
        let mut labels = vec![None; nodes];
        for node in 0..nodes {
            labels[number[node]] = found.of[node];
        }
        let renumbered = Adjacency::from_edges(nodes, &moved);
        let after = modularity(&renumbered, &Communities::from_labels(&labels), 1.0);
        prop_assert!((modularity(&graph, &found, 1.0) - after).abs() < 1e-12);
    }
}
