//! Motifs: small circuits that a network has more often than networks of the same degrees.
//!
//! Counted up to isomorphism (which branch is first does not matter) and up to the scale of
//! weights (signs and ratios count, sizes do not), as sites and directed edges. It does not
//! know what they compute; the *square* is what an even function of one input takes, as the
//! authors of BIMT found it by hand for x² (arXiv 2305.08746).

use std::collections::BTreeMap;

use super::independence::name;
use super::null::{Observed, shuffled, summary};
use crate::choice::{MotifKind, Null, NullKind};
use crate::graph::Layered;
use crate::numeric::statistics::holm;
use crate::numeric::{Rng, parallel};
use crate::result::Motif;

/// Motifs of networks with more edges are not counted: pairs of paths grow with the square.
const MOST_EDGES: usize = 2_000;

/// Networks of the same degrees that are drawn.
pub(super) const DRAWS: usize = 100;

/// Motifs shown by their sites.
const SHOWN: usize = 5;

/// Two weights are of one size if the smaller is at least this share of the larger.
const MATCHED: f64 = 0.8;

/// One place where a motif is, with the product of its weights.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    nodes: [usize; 4],
    strength: f64,
}

/// How often a motif occurs, and where it is strongest.
#[derive(Debug, Clone, PartialEq, Default)]
struct Counted {
    count: usize,
    strongest: Vec<Place>,
}

impl Counted {
    fn add(&mut self, place: Place) {
        self.count += 1;
        let at = self
            .strongest
            .partition_point(|other| other.strength >= place.strength);
        if at < SHOWN {
            self.strongest.insert(at, place);
            self.strongest.truncate(SHOWN);
        }
    }
}

/// Every motif against `draws` networks of the same degrees; empty for networks of many edges.
///
/// Draws run in parallel, each with its own stream of the seed.
pub(super) fn motifs(network: &Layered, names: &[String], draws: usize, seed: u64) -> Vec<Motif> {
    if network.edge_count() > MOST_EDGES {
        return Vec::new();
    }
    let found = counted(network);
    let drawn: Vec<BTreeMap<MotifKind, Counted>> = parallel::map(0..draws as u64, |draw| {
        let mut rng = Rng::new(seed, draw);
        counted(&shuffled(network, NullKind::Degree, &mut rng))
    });
    let count = |all: &BTreeMap<MotifKind, Counted>, kind| all.get(&kind).map_or(0, |c| c.count);
    let mut motifs: Vec<Motif> = MotifKind::each()
        .map(|kind| {
            let observed = Observed {
                value: count(&found, kind) as f64,
                higher_is_better: true,
            };
            let draws = drawn.iter().map(|all| count(all, kind) as f64).collect();
            Motif {
                kind,
                count: count(&found, kind),
                null: summary(Null::Network(NullKind::Degree), observed, draws),
                strongest: found.get(&kind).map_or_else(Vec::new, |c| sites(c, names)),
            }
        })
        .collect();
    let p: Vec<f64> = motifs.iter().map(|motif| motif.null.p).collect();
    for (motif, p) in motifs.iter_mut().zip(holm(&p)) {
        motif.null.p_holm = Some(p);
    }
    motifs
}

fn sites(counted: &Counted, names: &[String]) -> Vec<Vec<String>> {
    let of = |place: &Place| place.nodes.iter().map(|node| name(names, *node)).collect();
    counted.strongest.iter().map(of).collect()
}

/// All motifs of a network.
fn counted(network: &Layered) -> BTreeMap<MotifKind, Counted> {
    let mut reads: Vec<Vec<(usize, f64)>> = vec![Vec::new(); network.node_count()];
    for (from, to, weight) in network.edges() {
        reads[from].push((to, weight));
    }
    let mut all = BTreeMap::new();
    diamonds(&reads, &mut all);
    bifans(&reads, &mut all);
    all
}

/// One site to two and on to one; a square where the branches begin with opposite signs and
/// end with the same, weights of one size beside each other.
fn diamonds(reads: &[Vec<(usize, f64)>], all: &mut BTreeMap<MotifKind, Counted>) {
    for (from, branches) in reads.iter().enumerate() {
        let mut paths: BTreeMap<usize, Vec<(usize, f64, f64)>> = BTreeMap::new();
        for (middle, first) in branches {
            for (to, second) in &reads[*middle] {
                paths
                    .entry(*to)
                    .or_default()
                    .push((*middle, *first, *second));
            }
        }
        for (to, paths) in paths {
            for (at, one) in paths.iter().enumerate() {
                for other in &paths[at + 1..] {
                    let place = Place {
                        nodes: [from, one.0, other.0, to],
                        strength: (one.1 * one.2 * other.1 * other.2).abs(),
                    };
                    let even = one.1 * other.1 < 0.0 && one.2 * other.2 > 0.0;
                    if even && alike(one.1, other.1) && alike(one.2, other.2) {
                        all.entry(MotifKind::Square).or_default().add(place.clone());
                    }
                    all.entry(MotifKind::Diamond).or_default().add(place);
                }
            }
        }
    }
}

/// Two sites that both write to the same two.
fn bifans(reads: &[Vec<(usize, f64)>], all: &mut BTreeMap<MotifKind, Counted>) {
    let mut writers: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
    for (from, of) in reads.iter().enumerate() {
        for (to, weight) in of {
            writers.entry(*to).or_default().push((from, *weight));
        }
    }
    let mut shared: BTreeMap<(usize, usize), Vec<(usize, f64)>> = BTreeMap::new();
    for (to, of) in &writers {
        for (at, one) in of.iter().enumerate() {
            for other in &of[at + 1..] {
                let strength = (one.1 * other.1).abs();
                shared
                    .entry((one.0, other.0))
                    .or_default()
                    .push((*to, strength));
            }
        }
    }
    for ((one, other), readers) in shared {
        for (at, first) in readers.iter().enumerate() {
            for second in &readers[at + 1..] {
                all.entry(MotifKind::Bifan).or_default().add(Place {
                    nodes: [one, other, first.0, second.0],
                    strength: first.1 * second.1,
                });
            }
        }
    }
}

/// Whether two weights are of one size.
fn alike(one: f64, other: f64) -> bool {
    one.abs().min(other.abs()) >= MATCHED * one.abs().max(other.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn count(network: &Layered) -> [usize; 3] {
        let all = counted(network);
        [MotifKind::Diamond, MotifKind::Square, MotifKind::Bifan]
            .map(|kind| all.get(&kind).map_or(0, |c| c.count))
    }

    /// x² as w₂ (s(w x) + s(−w x)): one diamond, which is a square, at any scale.
    #[test]
    fn a_square_is_one_at_any_scale() {
        for scale in [1.0, -0.01] {
            let network = Layered::new(vec![
                array![[2.0 * scale], [-1.9 * scale]],
                array![[0.5, 0.45]],
            ]);
            assert_eq!(count(&network), [1, 1, 0]);
        }
        // Both branches of one sign, and branches of other sizes, are diamonds alone.
        for first in [array![[2.0], [1.9]], array![[2.0], [-0.5]]] {
            assert_eq!(
                count(&Layered::new(vec![first, array![[0.5, 0.45]]])),
                [1, 0, 0]
            );
        }
    }

    /// Three sites between one and one: 3 choose 2 pairs of branches. All edges between two
    /// and three sites: one pair of writers, 3 choose 2 pairs of readers.
    #[test]
    fn motifs_by_hand() {
        let fan = Layered::new(vec![Array2::ones((3, 1)), Array2::ones((1, 3))]);
        assert_eq!(count(&fan), [3, 0, 0]);
        assert_eq!(count(&Layered::new(vec![Array2::ones((3, 2))])), [0, 0, 3]);
    }

    /// Eight squares side by side: shuffles of the same degrees seldom join two branches again.
    #[test]
    fn repeated_squares_are_told_and_no_others() {
        let mut first = Array2::zeros((16, 8));
        let mut second = Array2::zeros((8, 16));
        for k in 0..8 {
            (first[[2 * k, k]], first[[2 * k + 1, k]]) = (1.0, -1.0);
            (second[[k, 2 * k]], second[[k, 2 * k + 1]]) = (1.0, 1.0);
        }
        let network = Layered::new(vec![first, second]);
        let names: Vec<String> = (0..32).map(|node| format!("s{node}")).collect();
        let found = motifs(&network, &names, 99, 1);
        let of = |kind| found.iter().find(|motif| motif.kind == kind).unwrap();
        let square = of(MotifKind::Square);
        assert_eq!((square.count, square.strongest.len()), (8, SHOWN));
        assert_eq!(square.strongest[0], ["s0", "s8", "s9", "s24"]);
        assert!(
            square.null.mean < 2.0 && square.null.p <= 0.01,
            "{:?}",
            square.null
        );
        assert!(square.null.p_holm.unwrap() <= 0.03 + 1e-12);
        let bifan = of(MotifKind::Bifan);
        assert_eq!((bifan.count, bifan.null.p), (0, 1.0));
        let dense = Layered::new(vec![Array2::ones((45, 45))]);
        assert!(motifs(&dense, &names, 1, 1).is_empty());
    }
}
