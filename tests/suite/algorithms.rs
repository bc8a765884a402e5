//! Community algorithms against the reference implementations, on Zachary's karate club.
//!
//! Reference values: infomap 2 (two-level, 50 trials), scikit-learn's `SpectralClustering`
//! and igraph 1.0 on the same 78 unweighted edges.

use crate::graphs;

use modscope::graph::Adjacency;
use modscope::modules::Communities;
use modscope::modules::components::components;
use modscope::modules::infomap::{codelength, infomap};
use modscope::modules::label_propagation::label_propagation;
use modscope::modules::louvain::louvain;
use modscope::modules::quality::{modularity, n_cut};
use modscope::modules::spectral::spectral;
use modscope::modules::stability::normalised_mutual_information;

/// Neighbours with a higher number, member by member. Source: Zachary (1977).
const CLUB: [&[usize]; 33] = [
    &[1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31],
    &[2, 3, 7, 13, 17, 19, 21, 30],
    &[3, 7, 8, 9, 13, 27, 28, 32],
    &[7, 12, 13],
    &[6, 10],
    &[6, 10, 16],
    &[16],
    &[],
    &[30, 32, 33],
    &[33],
    &[],
    &[],
    &[],
    &[33],
    &[32, 33],
    &[32, 33],
    &[],
    &[],
    &[32, 33],
    &[33],
    &[32, 33],
    &[],
    &[32, 33],
    &[25, 27, 29, 32, 33],
    &[25, 27, 31],
    &[31],
    &[29, 33],
    &[33],
    &[31, 33],
    &[32, 33],
    &[32, 33],
    &[32, 33],
    &[33],
];

fn club() -> Adjacency {
    let members = CLUB.iter().enumerate();
    let edges: Vec<_> = members
        .flat_map(|(one, others)| others.iter().map(move |other| (one, *other, 1.0)))
        .collect();
    assert_eq!(edges.len(), 78);
    Adjacency::from_edges(34, &edges)
}

/// infomap's own optimum: 4.311792645801829 bits, in these three modules.
#[test]
fn infomap_finds_what_infomap_finds() {
    const THEIRS: [usize; 34] = [
        2, 2, 2, 2, 3, 3, 3, 2, 1, 2, 3, 2, 2, 2, 1, 1, 3, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1,
    ];
    const BITS: f64 = 4.311_792_645_801_829;
    let theirs = Communities::from_labels(&THEIRS.map(Some));
    let graph = club();
    assert!((codelength(&graph, &theirs) - BITS).abs() < 1e-12);
    let ours = infomap(&graph, 20, 0);
    let bits = codelength(&graph, &ours);
    println!("infomap: ours {bits}, theirs {BITS}");
    assert!((bits - BITS).abs() < 1e-12, "{bits}");
    assert_eq!(ours, theirs);
}

/// igraph's best of 50 runs of `community_multilevel`, which is the optimum too.
#[test]
fn louvain_comes_to_the_known_optimum() {
    let graph = club();
    let q = modularity(&graph, &louvain(&graph, 1.0, 50, 0), 1.0);
    assert!((q - 0.419_789_612_097_304).abs() < 1e-12, "{q}");
}

/// scikit-learn's clusters have an n-cut of 0.2626 for two and 0.6083 for three.
#[test]
fn spectral_cuts_as_well_as_scikit_learn() {
    let graph = club();
    for (clusters, theirs) in [(2, 0.262_626_262_626), (3, 0.608_333_333_333)] {
        let found = spectral(&graph, Some(clusters), 0);
        let ours = n_cut(&graph, &found);
        println!("n-cut of {clusters}: ours {ours:.6}, theirs {theirs:.6}");
        assert_eq!(found.count, clusters);
        assert!(ours <= theirs + 1e-9, "{clusters}: {ours} {theirs}");
    }
}

/// Where groups are plain to see, every algorithm sees them.
#[test]
fn all_find_planted_groups() {
    let graph = graphs::planted(0.1);
    let planted: Vec<_> = (0..graph.node_count())
        .map(|node| Some(node % graphs::GROUPS))
        .collect();
    let planted = Communities::from_labels(&planted);
    for (name, found) in [
        ("louvain", louvain(&graph, 1.0, 1, 0)),
        ("infomap", infomap(&graph, 1, 0)),
        ("label propagation", label_propagation(&graph, 0)),
    ] {
        let agreement = normalised_mutual_information(&found, &planted);
        println!("{name}: {} groups, agreement {agreement:.3}", found.count);
        assert!(agreement > 0.95, "{name}: {agreement}");
    }
}

#[test]
fn algorithms_are_seeded_and_leave_parts_apart() {
    let edges = [
        (0, 1, 1.0),
        (1, 2, 0.5),
        (3, 4, 2.0),
        (4, 5, 1.0),
        (3, 5, 0.1),
    ];
    let graph = Adjacency::from_edges(7, &edges);
    let parts = components(&graph);
    for seed in 0..5 {
        for find in [
            |graph: &Adjacency, seed| louvain(graph, 1.0, 1, seed),
            |graph: &Adjacency, seed| infomap(graph, 1, seed),
            |graph: &Adjacency, seed| label_propagation(graph, seed),
            |graph: &Adjacency, seed| spectral(graph, Some(2), seed),
        ] {
            let found = find(&graph, seed);
            assert_eq!(found, find(&graph, seed));
            assert_eq!(found.of[6], None);
            for (a, b) in [(0, 3), (1, 4), (2, 5)] {
                assert!(parts.of[a] != parts.of[b] && found.of[a] != found.of[b]);
            }
        }
    }
}
