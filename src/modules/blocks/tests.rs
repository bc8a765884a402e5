use super::*;
use crate::modules::stability::adjusted_rand_index;
use crate::numeric::Rng;
use ndarray::{Array2, array};
use proptest::prelude::*;

const FORMS: [BlockForm; 2] = [BlockForm::WithinLayers, BlockForm::AcrossLayers];

/// Four groups in each of three layers of `width` nodes; a reader has `degree` edges, a
/// share `mixing` of them from any writer, the others from its own group.
fn planted(width: usize, degree: usize, mixing: f64, seed: u64) -> (Layered, Communities) {
    let mut rng = Rng::new(seed, 0);
    let mut matrix = || {
        let mut weights = Array2::zeros((width, width));
        for reader in 0..width {
            for _ in 0..degree {
                let any = rng.below(width);
                let own = any / 4 * 4 + reader % 4;
                let writer = if rng.uniform() < mixing { any } else { own };
                weights[[reader, writer]] = 1.0 + rng.uniform();
            }
        }
        weights
    };
    let network = Layered::new(vec![matrix(), matrix()]);
    let groups: Vec<_> = (0..3 * width).map(|node| Some(node % width % 4)).collect();
    (network, Communities::from_labels(&groups))
}

/// The square 0–1–2–3 in two blocks {0, 2} and {1, 3}: ends 2 ln 4! − 4 ln 2!, cells −ln 4!,
/// degrees 2 ln q(4, 2) = 2 ln 3 (each block alike: ln 2! − ln 2! = 0), partition
/// ln 4 + ln 3 + ln (4! / 2! 2!), edges ln (6 choose 4) = ln 15 + … of 3 pairs.
#[test]
fn a_square_by_hand() {
    let square = [(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (0, 3, 1.0)];
    let graph = Adjacency::from_edges(4, &square);
    let ln = |x: f64| x.ln();
    let length = |of: [usize; 4], form| {
        let groups = Communities::from_labels(&of.map(Some));
        description_length_of(&graph, &groups, form)
    };
    let partition = ln(4.0) + ln(3.0) + ln(6.0);
    let opposite = partition + ln(15.0) + 2.0 * ln(24.0) - 4.0 * ln(2.0) - ln(24.0) + 2.0 * ln(3.0);
    assert!((length([0, 1, 0, 1], BlockForm::WithinLayers) - opposite).abs() < 1e-12);
    // One block: ln 8! − 4 ln 2! − ln 8!!, q(8, 4) = 15, one pair, one partition of 4 sizes.
    let one = ln(4.0) + ln(40_320.0) - 4.0 * ln(2.0) - ln(384.0) + ln(15.0);
    for form in FORMS {
        assert!((length([0; 4], form) - one).abs() < 1e-12, "{form:?}");
    }
    // Groups {0, 1}, {2, 3}: two edges inside of 0 to 4, one in each of two, two between.
    let halves = partition + ln(5.0) + 2.0 * ln(24.0) - 4.0 * ln(2.0)
        + 2.0 * ln(3.0)
        + (2.0 * ln(2.0) - ln(2.0) - 2.0 * ln(2.0))
        - ln(2.0);
    assert!((length([0, 0, 1, 1], BlockForm::AcrossLayers) - halves).abs() < 1e-12);
}

/// Two wires of a writer and a reader. One block per layer: two ends on each side, q(2, 2) = 2
/// ways each, ln 2! for who is joined: ln 2 + ln 2 (layers have one or two blocks) + 2 ln 2 +
/// ln 2! + ln 2! − ln 2!. Two per layer: partition 2 (ln 2 + ln 2), edges (5 choose 2) = 10.
#[test]
fn two_wires_by_hand() {
    let network = Layered::new(vec![array![[1.0, 0.0], [0.0, 3.0]]]);
    let length = |of: [usize; 4], form| {
        let groups = Communities::from_labels(&of.map(Some));
        description_length(&network, &groups, form, false)
    };
    let two = 2.0_f64.ln();
    assert!((length([0; 4], BlockForm::WithinLayers) - 5.0 * two).abs() < 1e-12);
    let apart = 4.0 * two + 10.0_f64.ln();
    assert!((length([0, 1, 0, 1], BlockForm::WithinLayers) - apart).abs() < 1e-12);
    // Across: ln 4 for the number of groups, 4 choose 2 partitions of 3 sizes (2 of 4 groups),
    // edges inside 0, 1 or 2, which are one in each group: 2 ln 2 − ln 2!.
    let apart = 4.0_f64.ln() + 3.0_f64.ln() + 6.0_f64.ln() + 3.0_f64.ln() + 2.0 * two - two;
    assert!((length([0, 1, 0, 1], BlockForm::AcrossLayers) - apart).abs() < 1e-12);
    assert!((length([0; 4], BlockForm::AcrossLayers) - (2.0 * two + 3.0 * two)).abs() < 1e-12);
}

/// Every partition of `nodes` things, each as labels from 0 in the order of first nodes.
fn partitions(nodes: usize) -> Vec<Vec<u32>> {
    let mut all = vec![Vec::new()];
    for _ in 0..nodes {
        let longer = all.iter().flat_map(|part: &Vec<u32>| {
            let next = part.iter().max().map_or(0, |last| last + 1);
            (0..=next).map(|label| [part.as_slice(), &[label]].concat())
        });
        all = longer.collect();
    }
    all
}

/// Two triangles joined by an edge: all 203 partitions of the six nodes are weighed by
/// B! e^(−length), and the chains visit them so often.
#[test]
fn the_posterior_of_a_small_graph_is_exact() {
    let edges = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)];
    let edges = edges.map(|(one, other)| (one, other, 1.0));
    let graph = Adjacency::from_edges(6, &edges);
    for form in FORMS {
        let mut weights = std::collections::BTreeMap::new();
        for part in partitions(6) {
            let of: Vec<_> = part.iter().map(|label| Some(*label as usize)).collect();
            let groups = Communities::from_labels(&of);
            let orders: f64 = (1..=groups.count).map(|n| n as f64).product();
            let length = description_length_of(&graph, &groups, form);
            *weights.entry(groups.count).or_insert(0.0) += orders * (-length).exp();
        }
        let total: f64 = weights.values().sum();
        let config = BlocksConfig {
            weighted: false,
            steps: 4_000,
            ..BlocksConfig::default()
        };
        let found = blocks_of(&graph, form, &config).unwrap();
        let posterior = found.posterior.unwrap();
        assert!(posterior.is_converged(), "{form:?}: {}", posterior.r_hat);
        assert_eq!((posterior.chains, posterior.kept), (4, 2_000));
        for (count, share) in &posterior.counts {
            let exact = weights[count] / total;
            assert!(
                (share - exact).abs() < 0.03,
                "{form:?} {count}: {share} {exact}"
            );
        }
    }
}

/// Four nodes x0 x1 | y0 y1 of one layer each, blocks {x0} {x1} | {y0} {y1}, edges x0→y0 and
/// x1→y1. Flat: (5 choose 2) = 10 ways to hand two edges to four places. The blocks of each
/// layer in one group: two edges in four places of one pair of groups, 10 ways again, nothing
/// to tell at the top, ln 2 for how many groups of two blocks there are in each layer
/// and ln 2 for the level.
#[test]
fn a_level_by_hand() {
    let network = Layered::new(vec![array![[1.0, 0.0], [0.0, 3.0]]]);
    let wiring = Wiring::layered(&network);
    let nats = tables(&wiring);
    let mut grouping = Within::new(&wiring, &nats, &[0, 1, 0, 1], false);
    let flat = grouping.length();
    grouping.group_by(|slot| slot / 2);
    assert!((grouping.length() - flat - 3.0 * 2.0_f64.ln()).abs() < 1e-12);
    // Every block in a group of its own: groups of one block each, so that where an edge is
    // between groups is where it is; the four pairs at the top have 10 ways, and each layer
    // has two groups of two: ln 2 for how many, ln 2! for who is where.
    grouping.group_by(|slot| slot);
    assert!((grouping.length() - flat - 5.0 * 2.0_f64.ln()).abs() < 1e-12);
}

/// 48 groups of 10 nodes on a ring, all edges within a group or to the next, in four rings of
/// twelve: more groups than a flat description can afford, but not a nested one.
#[test]
fn nested_blocks_are_shorter_where_groups_are_many() {
    let mut rng = Rng::new(4, 0);
    let mut edges = Vec::new();
    for node in 0..480_usize {
        for _ in 0..5 {
            let group = node / 10;
            let ring = group / 12 * 12;
            let to = if rng.below(4) == 0 {
                ring + rng.below(12)
            } else {
                group
            };
            let other = to * 10 + rng.below(10);
            if other != node {
                edges.push((node.min(other), node.max(other), 1.0));
            }
        }
    }
    edges.sort_by_key(|edge| (edge.0, edge.1));
    edges.dedup_by_key(|edge| (edge.0, edge.1));
    let graph = Adjacency::from_edges(480, &edges);
    let run = |nested| {
        let config = BlocksConfig {
            nested,
            starts: 2,
            weighted: false,
            ..BlocksConfig::default()
        };
        blocks_of(&graph, BlockForm::WithinLayers, &config).unwrap()
    };
    let (flat, nested) = (run(false), run(true));
    assert!(flat.groups.is_empty());
    assert!(
        nested.length < flat.length - 20.0,
        "{} {}",
        nested.length,
        flat.length
    );
    assert!(!nested.groups.is_empty());
    assert_eq!(nested.groups[0].len(), nested.partition.count);
    let planted: Vec<_> = (0..480).map(|node| Some(node / 10)).collect();
    let planted = Communities::from_labels(&planted);
    let near = |found: &Blocks| adjusted_rand_index(&found.partition, &planted);
    assert!(
        near(&nested) >= near(&flat),
        "{} {}",
        near(&nested),
        near(&flat)
    );
}

/// Moves of nodes, one after the other, change the length by what they were said to.
fn follow<G: Grouping>(mut grouping: G, moves: &[(usize, usize)]) -> Result<(), TestCaseError> {
    let nodes = grouping.wiring().len();
    for (node, pick) in moves {
        let node = (node % nodes) as u32;
        let labels = grouping.labels();
        let mut open = labels.used(labels.kind(node)).to_vec();
        open.extend(labels.spare(labels.kind(node)));
        let to = open[pick % open.len()];
        let (before, change) = (grouping.length(), grouping.changes(node, &[to])[0]);
        grouping.put(node, to);
        let after = grouping.length();
        prop_assert!(
            (after - before - change).abs() < 1e-8,
            "{before} {after} {change}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_move_changes_what_it_says(
        edges in proptest::collection::vec((0..12_usize, 0..12_usize, 0.01..3.0_f64), 4..40),
        start in proptest::collection::vec(0..4_u32, 24),
        moves in proptest::collection::vec((0..24_usize, 0..24_usize), 1..12),
        weighted in any::<bool>(),
    ) {
        let mut layers = [Array2::zeros((6, 6)), Array2::zeros((6, 6))];
        for (reader, writer, weight) in &edges {
            layers[reader / 6][[reader % 6, writer % 6]] = *weight;
        }
        let wirings = [
            Wiring::layered(&Layered::new(layers.to_vec())),
            Wiring::plain(&Adjacency::from_edges(12, &edges)),
        ];
        for wiring in wirings.iter().filter(|wiring| wiring.edges > 0) {
            let (nats, start) = (tables(wiring), &start[..wiring.len()]);
            follow(Within::new(wiring, &nats, start, weighted), &moves)?;
            let mut grouped = Within::new(wiring, &nats, start, weighted);
            grouped.group_by(|slot| slot % 2);
            follow(grouped, &moves)?;
            follow(Across::new(wiring, &nats, start, weighted), &moves)?;
        }
    }
}

#[test]
fn planted_groups_are_found() {
    for mixing in [0.0, 0.1, 0.2] {
        let (network, groups) = planted(32, 8, mixing, 1);
        let found = blocks(&network, &BlocksConfig::default()).unwrap();
        assert_eq!(found.form, BlockForm::AcrossLayers, "{mixing}");
        assert!(
            found.is_supported(),
            "{mixing}: {} {}",
            found.length,
            found.null_length
        );
        let agreement = adjusted_rand_index(&found.partition, &groups);
        assert!(agreement > 0.85, "{mixing}: {agreement}");
        let planted = description_length(&network, &groups, found.form, true);
        assert!(
            found.length <= planted + 1e-6,
            "{mixing}: {} {planted}",
            found.length
        );
    }
}

/// Readers of kind k read writers of kinds k and k + 1 of four: no groups across layers have
/// more than half of their edges inside.
#[test]
fn blocks_that_are_no_communities_are_found() {
    let mut rng = Rng::new(3, 0);
    let mut matrix = || {
        Array2::from_shape_fn((40, 40), |(reader, writer)| {
            let kept = (4 + writer % 4 - reader % 4) % 4 < 2 && rng.below(2) == 0;
            f64::from(u8::from(kept))
        })
    };
    let network = Layered::new(vec![matrix(), matrix()]);
    let found = blocks(&network, &BlocksConfig::default()).unwrap();
    assert_eq!(found.form, BlockForm::WithinLayers);
    assert!(found.is_supported());
    let kinds: Vec<_> = (0..120)
        .map(|node| Some(node / 40 * 4 + node % 4))
        .collect();
    let agreement = adjusted_rand_index(&found.partition, &Communities::from_labels(&kinds));
    assert!(agreement > 0.8, "{agreement}");
}

#[test]
fn a_random_network_supports_none() {
    for seed in 0..10 {
        let (network, _) = planted(20, 4, 1.0, seed);
        for weighted in [false, true] {
            let config = BlocksConfig {
                weighted,
                ..BlocksConfig::default()
            };
            let found = blocks(&network, &config).unwrap();
            assert!(
                !found.is_supported(),
                "{seed}: {} {}",
                found.length,
                found.null_length
            );
            assert_eq!(found.supported().count, 1);
        }
    }
}

#[test]
fn seeds_and_threads() {
    let (network, _) = planted(16, 3, 0.4, 5);
    let run = || blocks(&network, &BlocksConfig::default());
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    assert_eq!(one.install(run), run());
    assert_eq!(blocks(&Layered::default(), &BlocksConfig::default()), None);
}
