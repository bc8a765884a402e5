//! What passes from layer to layer without a weight: the residual stream, as
//! faint bows past the half of a block that it bypasses, and values that
//! attention gathers, dotted.
//!
//! Only what leads from a surviving weight to another is drawn.

use std::collections::BTreeSet;

use svg::node::element::Element;

use crate::report::figures::canvas::{path, round, tip};
use crate::report::network::scene::Scene;
use crate::report::sites::{Place, Sites, Wire};
use crate::result::{Link, LinkKind, Network};

/// How far a bow swings out, as a share of its height.
const SWING: f64 = 0.16;

/// A value that passes from one site to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passing {
    /// The earlier site.
    pub from: Place,
    /// The later one.
    pub to: Place,
    /// How it passes.
    pub kind: LinkKind,
}

/// The passages that lead from a surviving weight (or from the first layer) to
/// another surviving weight.
#[must_use]
pub fn alive(network: &Network, wires: &[Wire]) -> Vec<Passing> {
    let mut all: Vec<Passing> = network
        .links
        .iter()
        .flat_map(|link| passages(network, link))
        .collect();
    all.sort_by_key(|passing| passing.from);
    let mut fed: BTreeSet<Place> = wires.iter().map(|wire| wire.to).collect();
    for passing in &all {
        if passing.from.layer == 0 || fed.contains(&passing.from) {
            fed.insert(passing.to);
        }
    }
    let mut read: BTreeSet<Place> = wires.iter().map(|wire| wire.from).collect();
    for passing in all.iter().rev() {
        if read.contains(&passing.to) {
            read.insert(passing.from);
        }
    }
    let is_fed = |place: &Place| place.layer == 0 || fed.contains(place);
    all.retain(|passing| is_fed(&passing.from) && read.contains(&passing.to));
    all
}

/// All passages of a link between layers that are there.
fn passages(network: &Network, link: &Link) -> Vec<Passing> {
    let width = |layer: usize| network.layers.get(layer).map_or(0, |l| l.sites.len());
    let (from_width, to_width) = (width(link.from_layer), width(link.to_layer));
    let first = match link.kind {
        LinkKind::Identity | LinkKind::Spread => 0,
        // Values are the last third.
        LinkKind::Attention => from_width / 3 * 2,
    };
    let place = |layer, index| Place { layer, index };
    // Of a map's entries each comes from the map.
    let entries = match link.kind {
        LinkKind::Spread => (to_width / from_width.max(1)).max(1),
        LinkKind::Identity | LinkKind::Attention => 1,
    };
    let passing = |index| Passing {
        from: place(link.from_layer, first + index / entries),
        to: place(link.to_layer, index),
        kind: link.kind,
    };
    if link.to_layer <= link.from_layer {
        return Vec::new();
    }
    let count = to_width.min((from_width - first) * entries);
    (0..count).map(passing).collect()
}

/// Passages as lines: each with its tooltip.
#[must_use]
pub fn draw(passages: &[Passing], scene: &Scene, sites: &Sites<'_>) -> Vec<Element> {
    let name = |place| {
        sites
            .at(place)
            .map_or_else(String::new, |s| sites.name(&s.site))
    };
    let one = |passing: &Passing| {
        let (from, to) = (scene.point(passing.from)?, scene.point(passing.to)?);
        let (class, words) = match passing.kind {
            LinkKind::Identity => ("bypass", "passed on as it is"),
            LinkKind::Spread => ("bypass", "an entry of its map"),
            LinkKind::Attention => ("gathered", "gathered by attention"),
        };
        let swing = match passing.kind {
            LinkKind::Identity => (from.1 - to.1).abs() * SWING,
            LinkKind::Attention | LinkKind::Spread => 0.0,
        };
        let words = format!("{} → {}: {words}", name(passing.from), name(passing.to));
        Some(path(bow(from, to, swing), class).add(tip(&words)).into())
    };
    passages.iter().filter_map(one).collect()
}

/// A curve that swings out to the right.
fn bow(from: (f64, f64), to: (f64, f64), swing: f64) -> String {
    let third = (to.1 - from.1) / 3.0;
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(round);
    let [a, b] = [from.0 + swing, to.0 + swing].map(round);
    let [c, d] = [from.1 + third, to.1 - third].map(round);
    format!("M{x1} {y1}C{a} {c} {b} {d} {x2} {y2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// Of three layers (4, 5 and 2 sites) the first is also added to the last.
    #[test]
    fn only_passages_between_surviving_weights_are_alive() {
        let mut network = sample::audit().network;
        let wire = |from: (usize, usize), to: (usize, usize)| Wire {
            from: Place {
                layer: from.0,
                index: from.1,
            },
            to: Place {
                layer: to.0,
                index: to.1,
            },
            weight: 1.0,
        };
        let link = |from_layer, to_layer| Link {
            from_layer,
            to_layer,
            kind: LinkKind::Identity,
        };
        network.links = vec![link(1, 2), link(7, 9), link(2, 1)];
        assert!(alive(&network, &[]).is_empty());
        // h1.0 is fed, but what it is added to is read by nothing.
        assert!(alive(&network, &[wire((0, 0), (1, 0))]).is_empty());
        let wires = [
            wire((0, 0), (1, 0)),
            wire((2, 0), (3, 0)),
            wire((2, 1), (3, 0)),
        ];
        let found = alive(&network, &wires);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].from.index, found[0].to.index), (0, 0));
    }
}
