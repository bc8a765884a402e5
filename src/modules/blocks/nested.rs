//! The search for nested blocks.
//!
//! Flat descriptions cannot afford more than about √nodes blocks; nested ones can. So the
//! search begins again from the partitions on the way of the flat searches, which have from
//! many to few blocks: blocks are grouped, nodes move while the groups stay, and so on in turn
//! while that shortens the description.

use super::grouping::Grouping;
use super::search::{Found, settle_from};
use super::within::Within;
use crate::numeric::Rng;
use crate::order;

/// Partitions that nodes are moved from: those that are shortest with their groups.
const BEGUN: usize = 3;

/// Rounds of grouping and moving, at most.
const ROUNDS: usize = 8;

/// Changes smaller than this are rounding.
const LEAST: f64 = 1e-7;

/// The shortest nested description that is found from a flat one and from the partitions on
/// the way of these searches, with its length.
pub(super) fn nested<'w>(flat: Within<'w>, found: &[&Found], rng: &mut Rng) -> (Within<'w>, f64) {
    let paths = found.iter().take(1).flat_map(|found| &found.path);
    let mut begun: Vec<(Within<'w>, f64)> = paths
        .map(|labels| flat.regrouped(labels))
        .chain([flat.clone()])
        .filter_map(|mut grouping| {
            // Groups of so many blocks are not looked for.
            (grouping.regroup() > 0.0).then(|| {
                let length = grouping.length();
                (grouping, length)
            })
        })
        .collect();
    order::ascending(&mut begun, |one| one.1);
    let length = flat.length();
    let settled = begun
        .into_iter()
        .take(BEGUN)
        .map(|begun| settled(begun, rng));
    settled.fold((flat, length), |best, other| match other.1 < best.1 {
        true => other,
        false => best,
    })
}

/// Nodes and groups in turn.
fn settled<'w>((mut grouping, mut length): (Within<'w>, f64), rng: &mut Rng) -> (Within<'w>, f64) {
    for _ in 0..ROUNDS {
        let mut moved = settle_from(&mut grouping, rng);
        moved -= grouping.regroup();
        let gained = length - moved;
        length = moved;
        if gained < LEAST {
            break;
        }
    }
    (grouping, length)
}
