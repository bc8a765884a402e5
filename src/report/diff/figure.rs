//! The new network: what pruning leaves of both versions pale, what is gained and lost bold.

use std::collections::BTreeSet;

use svg::node::Node as _;
use svg::node::element::Element;

use crate::report::figures::canvas::{Figure, tip};
use crate::report::figures::legend::{Entry, Sample};
use crate::report::format::count;
use crate::report::network::edges::flat;
use crate::report::network::figure::{Picture, names};
use crate::report::network::nodes::{self, Groups};
use crate::report::network::scene::{Scene, Size};
use crate::report::sites::{Place, Sites, Wire};
use crate::result::Diff;

/// Most gained or lost edges that are drawn.
const MOST: usize = 1500;

/// The drawing; `None` where pruned sets cannot be set beside each other.
#[must_use]
pub fn draw(diff: &Diff, size: Size) -> Option<Figure> {
    let pruned = diff.pruned.as_ref()?;
    let sites = Sites::new(&diff.network);
    let scene = Scene::new(&diff.network, size);
    let gained: BTreeSet<&[String; 2]> = pruned.edges.gained.iter().collect();
    let wires = sites.surviving(pruned.thresholds.new);
    let way = |wire: &Wire| scene.way(wire.from, wire.to);
    let mut drawn = vec![flat(wires.iter().filter_map(way), "pale", 1.0)];
    let lost = pruned.edges.lost.iter().map(|edge| (edge, "lost"));
    let changed: Vec<(&[String; 2], &str)> = gained
        .into_iter()
        .map(|edge| (edge, "gained"))
        .chain(lost)
        .collect();
    drawn.extend(
        changed
            .iter()
            .take(MOST)
            .filter_map(|(edge, class)| bold(edge, class, &scene, &sites)),
    );
    let mut groups = Groups::connected_by(&wires);
    let places = changed.iter().flat_map(|(edge, _)| edge.iter());
    groups
        .connected
        .extend(places.filter_map(|site| sites.place(site)));
    let label = format!(
        "The weights that pruning leaves of both versions: {} gained and {} lost",
        count(pruned.edges.gained.len()),
        count(pruned.edges.lost.len())
    );
    let picture = Picture {
        edges: drawn,
        nodes: nodes::discs(&scene, &sites, &groups),
        names: names(&scene, &sites, &wires),
        legend: vec![
            Entry::new(Sample::Line("pale"), "in the new version"),
            Entry::new(Sample::Line("gained"), "gained"),
            Entry::new(Sample::Line("lost"), "lost"),
        ],
        layers: Vec::new(),
    };
    Some(picture.compose("network", &label, &scene))
}

fn bold(edge: &[String; 2], class: &str, scene: &Scene, sites: &Sites<'_>) -> Option<Element> {
    let [from, to] = edge;
    let at = |site: &String| -> Option<Place> { sites.place(site) };
    let mut drawn = scene.way(at(from)?, at(to)?)?.element(class);
    let words = format!("{} → {}: {class}", sites.name(from), sites.name(to));
    drawn.append(tip(&words));
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::diff::words::tests::sample;
    use crate::report::network::scene::MEDIUM;
    use crate::report::sample::well_formed;
    use crate::result::{ChangedEdges, ChangedPruning, Versions};

    #[test]
    fn what_is_gained_and_lost_stands_out() {
        let mut diff = sample();
        assert!(draw(&diff, MEDIUM).is_none());
        let edge = |from: &str, to: &str| [from.to_owned(), to.to_owned()];
        diff.pruned = Some(ChangedPruning {
            thresholds: Versions {
                old: 0.0015,
                new: 0.0015,
            },
            verified: Versions {
                old: true,
                new: true,
            },
            edges: ChangedEdges {
                both: 8,
                gained: vec![edge("x1", "h1.2")],
                lost: vec![edge("x0", "h1.0"), edge("nowhere", "h1.0")],
            },
        });
        let drawn = draw(&diff, MEDIUM)
            .expect("there is something to draw")
            .inline();
        assert_eq!(well_formed(&drawn), Ok(()));
        // One line and its entry in the key each; of what is not there nothing is drawn.
        assert_eq!(drawn.matches("class=\"gained\"").count(), 2);
        assert_eq!(drawn.matches("class=\"lost\"").count(), 2);
    }
}
