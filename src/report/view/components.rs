//! The components of a transformer for the view: heads and MLPs by layer, effects as values.
//!
//! Everything is read from the names in the circuits' edges, which are those of
//! EAP-IG: `a0.h1` writes to `a1.h0<q>`. Where the result also says how many
//! layers and heads there are, those without an edge have a place as well.

use std::collections::BTreeMap;

use super::layered::{path, steps};
use super::{Edges, Node, Path, Row, Stop, View};
use crate::report::packed::{base64, floats, wholes};
use crate::report::sites::clean;
use crate::result::{Audit, Circuit, CircuitEdge};

const WIDTH: f64 = 1040.0;
const GUTTER: f64 = 92.0;
const ROW: f64 = 110.0;
const MARGIN: f64 = 60.0;

/// A node of a transformer's graph, in the order in which they compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The residual stream's start, or its tokens' part where it is split.
    Input,
    /// The positions' part of the input, where it is split.
    Positions,
    /// A head: layer and number.
    Head(usize, usize),
    /// The MLP of a layer.
    Mlp(usize),
    /// The output.
    Logits,
}

/// Which input of a node an edge ends at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// The only one.
    Only = 0,
    /// A head's queries.
    Query = 1,
    /// A head's keys.
    Key = 2,
    /// A head's values.
    Value = 3,
}

impl Component {
    /// Reads `input`, `embed`, `pos_embed`, `a1.h0`, `m2` or `logits`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "input" | "embed" => Some(Self::Input),
            "pos_embed" => Some(Self::Positions),
            "logits" => Some(Self::Logits),
            _ => match name.strip_prefix('m') {
                Some(layer) => layer.parse().ok().map(Self::Mlp),
                None => {
                    let (layer, head) = name.strip_prefix('a')?.split_once(".h")?;
                    Some(Self::Head(layer.parse().ok()?, head.parse().ok()?))
                }
            },
        }
    }
}

/// Reads a reader: a component and which of its inputs.
#[must_use]
pub fn reader(name: &str) -> Option<(Component, Port)> {
    let (node, port) = match name.strip_suffix('>').and_then(|n| n.split_once('<')) {
        Some((node, "q")) => (node, Port::Query),
        Some((node, "k")) => (node, Port::Key),
        Some((node, "v")) => (node, Port::Value),
        Some(_) => return None,
        None => (name, Port::Only),
    };
    Some((Component::parse(node)?, port))
}

type Ends = (Component, Component, Port);

fn ends(edge: &CircuitEdge) -> Option<Ends> {
    let (to, port) = reader(&edge.to)?;
    Some((Component::parse(&edge.from)?, to, port))
}

/// The view of the components that the circuits name; `None` where they name none.
#[must_use]
pub fn components(audit: &Audit) -> Option<View> {
    let effects = strongest(&audit.circuits);
    let mut edges: Vec<(Ends, f64)> = effects.into_iter().collect();
    edges.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    let low = edges.last()?.1.abs();
    let high = edges.first()?.1.abs();
    let names = names(audit);
    let layers = layers(names.keys());
    let nodes: Vec<(Component, Node)> = names
        .iter()
        .map(|(component, name)| (*component, node(*component, name, &layers)))
        .collect();
    let index: BTreeMap<Component, usize> = nodes
        .iter()
        .enumerate()
        .map(|(k, (c, _))| (*c, k))
        .collect();
    let at = |c: &Component| index.get(c).copied().unwrap_or(0);
    let ports: Vec<u8> = edges.iter().map(|((_, _, port), _)| *port as u8).collect();
    Some(View {
        value: "effect",
        width: WIDTH,
        height: layers.height(),
        solid: false,
        bent: true,
        rows: layers.rows(),
        nodes: nodes.into_iter().map(|(_, node)| node).collect(),
        edges: Edges {
            count: edges.len(),
            from: wholes(edges.iter().map(|((from, _, _), _)| at(from))),
            to: wholes(edges.iter().map(|((_, to, _), _)| at(to))),
            value: floats(edges.iter().map(|(_, effect)| *effect)),
            port: base64(&ports),
        },
        edges_total: audit.circuits.iter().map(|c| c.edges_total).max()?,
        stops: stops(&edges, low, high),
        start: 0,
        circuits: circuits(audit, &edges),
        ablation: None,
    })
}

/// Every edge of any circuit with its effect of the largest size.
fn strongest(circuits: &[Circuit]) -> BTreeMap<Ends, f64> {
    let mut effects: BTreeMap<Ends, f64> = BTreeMap::new();
    for edge in circuits.iter().flat_map(|c| &c.edges) {
        if let Some(ends) = ends(edge).filter(|_| edge.effect.is_finite()) {
            let strongest = effects.entry(ends).or_insert(edge.effect);
            if edge.effect.abs() > strongest.abs() {
                *strongest = edge.effect;
            }
        }
    }
    effects
}

fn stops(edges: &[(Ends, f64)], low: f64, high: f64) -> Vec<Stop> {
    let mut stops = steps(low.max(high * 1e-6), high);
    stops.dedup_by(|a, b| a.threshold == b.threshold);
    for stop in &mut stops {
        stop.shown = edges.partition_point(|(_, effect)| effect.abs() >= stop.threshold);
    }
    stops
}

fn circuits(audit: &Audit, edges: &[(Ends, f64)]) -> Vec<Path> {
    let index: BTreeMap<Ends, usize> = edges
        .iter()
        .enumerate()
        .map(|(k, (ends, _))| (*ends, k))
        .collect();
    let circuit = |c: &Circuit| {
        let found = c
            .edges
            .iter()
            .filter_map(|e| Some((*index.get(&ends(e)?)?, e.effect)));
        let name = match clean(&c.output_name) {
            name if name.is_empty() => clean(&c.output),
            name => name,
        };
        path(c, name, found)
    };
    audit.circuits.iter().map(circuit).collect()
}

/// Every component that has a place, with the name that it goes by.
fn names(audit: &Audit) -> BTreeMap<Component, String> {
    let mut names = BTreeMap::new();
    let mut add = |name: &str| {
        if let Some((component, _)) = reader(name) {
            let bare = name.split('<').next().unwrap_or(name);
            names.insert(component, bare.to_owned());
        }
    };
    add("logits");
    for edge in audit.circuits.iter().flat_map(|c| &c.edges) {
        add(&edge.from);
        add(&edge.to);
    }
    if !names.contains_key(&Component::Input) {
        names.insert(Component::Input, "input".to_owned());
    }
    fill(&mut names);
    names
}

/// Gives the heads and MLPs between those that are named a place too.
fn fill(names: &mut BTreeMap<Component, String>) {
    let known: Vec<Component> = names.keys().copied().collect();
    let layers = layers(known.iter());
    let has_mlp = known.iter().any(|c| matches!(c, Component::Mlp(_)));
    for layer in 0..layers.count {
        for head in 0..layers.heads {
            let name = || format!("a{layer}.h{head}");
            names
                .entry(Component::Head(layer, head))
                .or_insert_with(name);
        }
        if has_mlp {
            let name = || format!("m{layer}");
            names.entry(Component::Mlp(layer)).or_insert_with(name);
        }
    }
}

/// How many layers there are, and how many heads in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layers {
    count: usize,
    heads: usize,
}

/// Most layers and heads that are given a place: names come from files.
const MOST: usize = 256;

fn layers<'c>(components: impl Iterator<Item = &'c Component>) -> Layers {
    let mut layers = Layers { count: 0, heads: 0 };
    for component in components {
        match component {
            Component::Head(layer, head) => {
                layers.count = layers.count.max(layer.saturating_add(1)).min(MOST);
                layers.heads = layers.heads.max(head.saturating_add(1)).min(MOST);
            }
            Component::Mlp(layer) => {
                layers.count = layers.count.max(layer.saturating_add(1)).min(MOST);
            }
            _ => {}
        }
    }
    layers
}

impl Layers {
    fn height(self) -> f64 {
        2.0 * MARGIN + steps_of(self.count + 1) * ROW
    }

    /// The height at which a row stands: the input is row 0, the logits come last.
    fn y(self, row: usize) -> f64 {
        self.height() - MARGIN - steps_of(row.min(self.count + 1)) * ROW
    }

    fn rows(self) -> Vec<Row> {
        let name = |row: usize| match row {
            0 => "input".to_owned(),
            row if row == self.count + 1 => "output".to_owned(),
            row => format!("layer {}", row - 1),
        };
        let row = |k| Row {
            name: name(k),
            y: self.y(k),
        };
        (0..=self.count + 1).map(row).collect()
    }

    /// The column of a head; the MLP has the one after the last head.
    fn x(self, column: usize) -> f64 {
        let columns = steps_of(self.heads + 1);
        let room = (WIDTH - GUTTER - 40.0) / columns;
        GUTTER + 20.0 + room * (steps_of(column.min(self.heads)) + 0.5)
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of layers are small")]
fn steps_of(count: usize) -> f64 {
    count as f64
}

fn node(component: Component, name: &str, layers: &Layers) -> Node {
    let middle = GUTTER + (WIDTH - GUTTER) / 2.0;
    let (row, x, lift) = match component {
        Component::Input => (0, middle - 70.0, 0.0),
        Component::Positions => (0, middle + 70.0, 0.0),
        Component::Head(layer, head) => (layer.min(MOST) + 1, layers.x(head), 0.0),
        // Heads write to the MLP of their own layer: it stands a little higher.
        Component::Mlp(layer) => (layer.min(MOST) + 1, layers.x(layers.heads), ROW * 0.35),
        Component::Logits => (layers.count + 1, middle, 0.0),
    };
    let room = (layers.x(1) - layers.x(0)).abs().max(12.0);
    Node {
        site: clean(name),
        name: clean(name),
        row,
        x,
        y: layers.y(row) - lift,
        r: (room * 0.3).min(15.0),
        ..Node::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::sample;

    #[test]
    fn names_are_those_of_eap_ig() {
        assert_eq!(Component::parse("a1.h12"), Some(Component::Head(1, 12)));
        assert_eq!(Component::parse("m0"), Some(Component::Mlp(0)));
        assert_eq!(reader("a0.h1<k>"), Some((Component::Head(0, 1), Port::Key)));
        assert_eq!(reader("logits"), Some((Component::Logits, Port::Only)));
        for wrong in ["a1", "a1.hx", "m", "", "h1.0", "a0.h1<z>", "a-1.h0"] {
            assert_eq!(reader(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_input_is_below_and_the_logits_on_top() {
        let audit = sample::transformer();
        let view = components(&audit).expect("its circuits name components");
        let y = |site: &str| view.nodes.iter().find(|n| n.site == site).expect("there").y;
        assert!(y("input") > y("a0.h0") && y("a0.h0") > y("m0"));
        assert!(y("m0") > y("a1.h0") && y("m1") > y("logits"));
        assert_eq!(y("a0.h0"), y("a0.h1"));
        // The named ones and those between: two layers of two heads and an MLP, input, logits.
        assert_eq!(view.nodes.len(), 8);
    }

    #[test]
    fn edges_of_one_pair_differ_by_what_they_feed() {
        let view = components(&sample::transformer()).expect("components");
        let ports: BTreeSet<char> = view.edges.port.chars().collect();
        assert!(ports.len() > 1, "{}", view.edges.port);
        assert_eq!(view.circuits.len(), 1);
        assert_eq!(view.stops[0].shown, view.edges.count);
    }

    #[test]
    fn numbers_without_end_do_no_harm() {
        let mut audit = sample::transformer();
        audit.circuits[0].edges[0].from = format!("a{}.h{}", usize::MAX, usize::MAX);
        let view = components(&audit).expect("components");
        assert!(
            view.nodes
                .iter()
                .all(|n| n.x.is_finite() && n.y.is_finite())
        );
        audit.circuits.clear();
        assert!(components(&audit).is_none());
    }
}
