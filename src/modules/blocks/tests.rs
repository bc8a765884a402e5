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
