//! Layered networks drawn with and without groups.

use modscope::graph::Layered;
use modscope::numeric::Rng;
use ndarray::Array2;

/// Widths of the layers, and edges.
pub const SHAPES: [(&[usize], usize); 3] = [
    (&[4, 20, 20, 2], 60),
    (&[8, 20, 20, 4], 120),
    (&[16, 24, 24, 8], 240),
];

/// Shares of edges that leave their group.
pub const MIXING: [f64; 5] = [0.0, 0.05, 0.1, 0.15, 0.2];

/// How networks without modules are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Edges anywhere, weights half-normal.
    Scattered,
    /// Neurons of very different degree, weights half-normal.
    Hubs,
    /// The largest of normal weights.
    Pruned,
    /// The largest of normal weights that neurons make larger or smaller.
    PrunedHubs,
}

pub const KINDS: [Kind; 4] = [Kind::Scattered, Kind::Hubs, Kind::Pruned, Kind::PrunedHubs];

/// A network of a kind: neurons are in one of `groups`, and a share `mixing` of the edges
/// joins neurons of different ones.
pub fn network(kind: Kind, mixing: f64, groups: usize, seed: u64) -> Layered {
    let mut rng = Rng::new(seed, kind as u64);
    let (widths, edges) = SHAPES[shape_of(seed)];
    let entries: usize = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let hub = |rng: &mut Rng| match kind {
        Kind::Hubs | Kind::PrunedHubs => rng.normal().exp(),
        Kind::Scattered | Kind::Pruned => 1.0,
    };
    let scales: Vec<Vec<f64>> = widths
        .iter()
        .map(|width| (0..*width).map(|_| hub(&mut rng)).collect())
        .collect();
    let layers = widths.windows(2).enumerate().map(|(layer, pair)| {
        let kept = (edges * pair[0] * pair[1]).div_ceil(entries);
        let leaving = (mixing * kept as f64).round() as usize;
        let mut weights = Array2::zeros((pair[1], pair[0]));
        for (inside, wanted) in [(true, kept - leaving), (false, leaving)] {
            let mut places: Vec<(f64, (usize, usize), f64)> = Vec::new();
            for reader in 0..pair[1] {
                for writer in 0..pair[0] {
                    let alike = reader % groups == writer % groups;
                    let scale = scales[layer][writer] * scales[layer + 1][reader];
                    let (size, key) = (rng.normal().abs(), rng.uniform());
                    let (weight, rank) = match kind {
                        // Drawn without replacement with chances in proportion to the scale.
                        Kind::Scattered | Kind::Hubs => (size, key.ln() / scale),
                        Kind::Pruned | Kind::PrunedHubs => (size * scale, size * scale),
                    };
                    if groups == 1 || alike == inside {
                        places.push((rank, (reader, writer), weight));
                    }
                }
            }
            places.sort_by(|one, other| other.0.total_cmp(&one.0));
            for (_, place, weight) in places.into_iter().take(wanted) {
                weights[place] = weight;
            }
        }
        weights
    });
    Layered::new(layers.collect())
}

/// Each shape is drawn of every kind.
pub fn shape_of(seed: u64) -> usize {
    (seed / KINDS.len() as u64) as usize % SHAPES.len()
}
