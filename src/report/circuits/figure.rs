//! One circuit in its network: its edges in full colour, the rest pale.

use std::collections::BTreeSet;

use svg::node::element::Element;

use crate::report::figures::canvas::Figure;
use crate::report::figures::palette::sign_class;
use crate::report::format::{count, number};
use crate::report::network::edges;
use crate::report::network::edges::Pen;
use crate::report::network::edges::SINGLE;
use crate::report::network::edges::Stroke;
use crate::report::network::figure::MULTIPLE;
use crate::report::network::figure::Picture;
use crate::report::network::figure::drawn_threshold;
use crate::report::network::figure::names;
use crate::report::network::figure::wire_words;
use crate::report::network::nodes;
use crate::report::network::scene::Scene;
use crate::report::sites::{Place, Sites, Wire};
use crate::result::{Audit, Circuit};

/// Most edges of a circuit that its picture shows.
pub const MOST_EDGES: usize = 1000;

/// Up to so many edges have a tooltip each; a page holds many of these pictures.
const WITH_TIPS: usize = 120;

/// What every picture of a circuit in one network shares.
pub struct Stage<'a> {
    sites: Sites<'a>,
    scene: Scene,
    rest: Vec<Wire>,
}

impl<'a> Stage<'a> {
    /// Lays out the network of a result for pictures of its circuits.
    #[must_use]
    pub fn new(audit: &'a Audit) -> Self {
        let sites = Sites::new(&audit.network);
        let rest = sites.surviving(drawn_threshold(audit));
        let scene = Scene::new(&audit.network, MULTIPLE);
        Self { sites, scene, rest }
    }

    /// Whether the pictures show the edges outside the circuit: thousands of them would hide it.
    #[must_use]
    pub fn shows_rest(&self) -> bool {
        self.rest.len() <= SINGLE
    }

    /// The picture of one circuit.
    #[must_use]
    pub fn draw(&self, circuit: &Circuit, name: &str) -> Figure {
        let wires: Vec<(Wire, f64)> = circuit
            .edges
            .iter()
            .take(MOST_EDGES)
            .filter_map(|edge| self.wire(edge))
            .collect();
        let mut drawn = self.pale();
        drawn.extend(self.coloured(&wires));
        let plain: Vec<Wire> = wires.iter().map(|(wire, _)| *wire).collect();
        let mut used: BTreeSet<Place> = plain.iter().flat_map(|w| [w.from, w.to]).collect();
        used.extend(self.sites.place(&circuit.output));
        let picture = Picture {
            edges: drawn,
            nodes: nodes::dots(&self.scene, &used),
            names: names(&self.scene, &self.sites, &plain),
            legend: Vec::new(),
            layers: Vec::new(),
        };
        let label = format!(
            "The circuit of {} found by {}: {} of {} edges",
            self.sites.name(&circuit.output),
            circuit.method,
            count(circuit.edges_kept),
            count(circuit.edges_total)
        );
        picture.compose(name, &label, &self.scene)
    }

    fn wire(&self, edge: &crate::result::CircuitEdge) -> Option<(Wire, f64)> {
        let (from, to) = (self.sites.place(&edge.from)?, self.sites.place(&edge.to)?);
        let weight = self.sites.weight(from, to)?;
        Some((Wire { from, to, weight }, edge.effect))
    }

    fn pale(&self) -> Vec<Element> {
        if !self.shows_rest() {
            return Vec::new();
        }
        let way = |wire: &Wire| self.scene.way(wire.from, wire.to);
        vec![edges::flat(self.rest.iter().filter_map(way), "pale", 0.7)]
    }

    fn coloured(&self, wires: &[(Wire, f64)]) -> Vec<Element> {
        let has_tips = wires.len() <= WITH_TIPS;
        let words = |wire: &Wire, effect: f64| {
            format!(
                "{}, effect {}",
                wire_words(wire, &self.sites),
                number(effect)
            )
        };
        let stroke = |(wire, effect): &(Wire, f64)| {
            Some(Stroke {
                way: self.scene.way(wire.from, wire.to)?,
                weight: wire.weight,
                class: sign_class(wire.weight),
                tip: if has_tips {
                    words(wire, *effect)
                } else {
                    String::new()
                },
            })
        };
        let strokes: Vec<Stroke> = wires.iter().filter_map(stroke).collect();
        let pen = Pen::for_strokes(&strokes, 4.0);
        edges::draw(strokes, pen, WITH_TIPS)
    }
}
