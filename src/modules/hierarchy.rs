//! Modules within modules, divided only where chance would not divide them as well.

use super::{Communities, ModulesConfig};

use super::detect::detect;
use super::null::{Draws, Observed, null_models};
use super::quality::modularity;
use crate::choice::LEVEL;
use crate::graph::Layered;

/// Levels below the first, at most.
const MOST_LEVELS: usize = 8;

/// Shuffles of the inside of each module.
const SHUFFLES: usize = 99;

/// Finer and finer partitions; each refines the one before it.
///
/// The edges inside a module are a network of their own. It is divided by the same
/// algorithm where the modularity of that is above that of shuffles (of the first
/// null model of `config`) with p ≤ 0.05, uncorrected. Ends where no module is divided.
#[must_use]
pub fn hierarchy(
    network: &Layered,
    first: &Communities,
    config: &ModulesConfig,
) -> Vec<Communities> {
    let mut levels: Vec<Communities> = Vec::new();
    while levels.len() < MOST_LEVELS {
        let whole = levels.last().unwrap_or(first);
        let mut labels: Vec<Option<usize>> = whole.of.clone();
        let mut next = whole.count;
        for module in 0..whole.count {
            let (inner, nodes) = network.among(|node| whole.of[node] == Some(module));
            let Some(parts) = divided(&inner, config) else {
                continue;
            };
            for (node, part) in nodes.iter().zip(&parts.of) {
                // A node without an edge inside stays where it was.
                labels[*node] = part.map_or(labels[*node], |part| Some(next + part));
            }
            next += parts.count;
        }
        if next == whole.count {
            break;
        }
        levels.push(Communities::from_labels(&labels));
    }
    levels
}

/// The parts of a network, where they are several and better than chance.
fn divided(network: &Layered, config: &ModulesConfig) -> Option<Communities> {
    let quality = |network: &Layered, seed: u64| {
        let graph = network.adjacency();
        let parts = detect(network, &graph, config, seed);
        (modularity(&graph, &parts, 1.0), parts)
    };
    let (value, parts) = quality(network, config.seed);
    if parts.count < 2 {
        return None;
    }
    let observed = Observed {
        value,
        higher_is_better: true,
    };
    let nulls = null_models(
        network,
        config.null,
        Draws {
            most: SHUFFLES,
            all: config.all_draws,
        },
        config.seed,
        [observed],
        |shuffled, draw| [quality(shuffled, config.seed.wrapping_add(draw)).0],
    );
    let p = nulls.first().map_or(1.0, |null| null.p);
    (p <= LEVEL).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::NullKind;
    use crate::numeric::Rng;
    use ndarray::Array2;

    /// Two blocks that share nothing, each of two denser halves joined by weak edges.
    fn nested() -> Layered {
        let layer = |rng: &mut Rng| {
            Array2::from_shape_fn((24, 24), |(reader, writer)| {
                let (same_block, same_half) =
                    (reader / 12 == writer / 12, reader / 6 == writer / 6);
                match (same_block, same_half) {
                    (true, true) => 1.0 + 0.1 * rng.uniform(),
                    (true, false) if rng.below(3) == 0 => 0.4,
                    _ => 0.0,
                }
            })
        };
        let mut rng = Rng::new(5, 0);
        Layered::new(vec![layer(&mut rng), layer(&mut rng)])
    }

    #[test]
    fn halves_are_found_within_blocks_and_no_further() {
        let network = nested();
        let config = ModulesConfig {
            null: NullKind::Layer,
            ..ModulesConfig::default()
        };
        let blocks: Vec<_> = (0..72).map(|node| Some(node % 24 / 12)).collect();
        let blocks = Communities::from_labels(&blocks);
        let levels = hierarchy(&network, &blocks, &config);
        assert_eq!(levels.len(), 1);
        assert_eq!(levels[0].count, 4);
        let halves: Vec<_> = (0..72).map(|node| Some(node % 24 / 6)).collect();
        assert_eq!(levels[0], Communities::from_labels(&halves));
    }
}
