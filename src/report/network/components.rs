//! The components of a transformer by their names, and where each of them is drawn.
//!
//! Everything is read from the names in the circuits' edges, which are those of
//! EAP-IG: `a0.h1` writes to `a1.h0<q>`. Heads and MLPs without an edge have a
//! place as well. Inputs are below and logits on top; a layer's heads stand in a
//! row with its MLP beside them, a little higher, for heads write to it.

use std::collections::BTreeMap;

use crate::report::figures::canvas::round;
use crate::report::sites::clean;
use crate::result::{Audit, Circuit, CircuitEdge};

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

/// An edge by its ends.
pub type Ends = (Component, Component, Port);

/// The ends of a circuit's edge, where both are components.
#[must_use]
pub fn ends(edge: &CircuitEdge) -> Option<Ends> {
    let (to, port) = reader(&edge.to)?;
    Some((Component::parse(&edge.from)?, to, port))
}

/// A component at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The name it goes by.
    pub name: String,
    /// Its row: 0 the input, then the layers, then the logits.
    pub row: usize,
    /// Its place.
    pub point: (f64, f64),
}

/// All components with their places.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The components in the order in which they compute.
    pub parts: BTreeMap<Component, Part>,
    /// Names of the rows and their heights, the input first.
    pub rows: Vec<(String, f64)>,
    /// Width of the drawing.
    pub width: f64,
    /// Height of the drawing.
    pub height: f64,
    /// Radius of a component.
    pub radius: f64,
}

/// Most layers and heads that are given a place: names come from files.
const MOST: usize = 256;

/// Room above the logits and below the input.
const MARGIN: f64 = 44.0;

/// How large components are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Width of the drawing.
    pub width: f64,
    /// Left margin, where rows are named.
    pub gutter: f64,
    /// Distance from row to row.
    pub row: f64,
}

impl Layout {
    /// Places the components that a result's circuits name; `None` where they name none.
    #[must_use]
    pub fn new(audit: &Audit, size: Size) -> Option<Self> {
        let names = names(audit)?;
        let grid = Grid::new(&names, size);
        let place =
            |(component, name): (&Component, &String)| (*component, grid.part(*component, name));
        Some(Self {
            parts: names.iter().map(place).collect(),
            rows: grid.rows(),
            width: size.width,
            height: grid.height(),
            radius: (grid.room() * 0.22).clamp(2.0, 13.0),
        })
    }

    /// The four points of an edge's curve: it leaves upwards and arrives from below,
    /// queries on the left, keys in the middle, values on the right. Edges that pass
    /// over rows bow outwards, so that they do not run through other components.
    #[must_use]
    pub fn curve(&self, (from, to, port): Ends) -> Option<[(f64, f64); 4]> {
        let (a, b) = (self.parts.get(&from)?, self.parts.get(&to)?);
        let side = match port {
            Port::Only | Port::Key => 0.0,
            Port::Query => -0.7,
            Port::Value => 0.7,
        };
        let start = (a.point.0, a.point.1 - self.radius * 0.9);
        let end = (
            b.point.0 + side * self.radius,
            b.point.1 + self.radius * 0.9,
        );
        let reach = (start.1 - end.1).abs() * 0.45;
        let rows = steps(b.row.saturating_sub(a.row).saturating_sub(1));
        let left = a.point.0 + b.point.0 < self.width;
        let bow = rows * self.width * if left { -0.025 } else { 0.025 };
        Some([
            start,
            (start.0 + bow, start.1 - reach),
            (end.0 + bow, end.1 + reach),
            end,
        ])
    }
}

/// The data of a path along four points.
#[must_use]
pub fn path_data([a, b, c, d]: [(f64, f64); 4]) -> String {
    let at = |(x, y): (f64, f64)| format!("{} {}", round(x), round(y));
    format!("M{}C{} {} {}", at(a), at(b), at(c), at(d))
}

/// Every component that has a place, with the name that it goes by.
fn names(audit: &Audit) -> Option<BTreeMap<Component, String>> {
    let mut names = BTreeMap::new();
    let edges = audit.circuits.iter().flat_map(|c: &Circuit| &c.edges);
    let sites = edges.flat_map(|e| [e.from.as_str(), e.to.as_str()]);
    let sites = sites.chain(
        audit
            .nodes
            .iter()
            .flat_map(|n| &n.effects)
            .map(|e| e.site.as_str()),
    );
    for name in sites {
        if let Some((component, _)) = reader(name) {
            let bare = name.split('<').next().unwrap_or(name);
            names.insert(component, clean(bare));
        }
    }
    if names.is_empty() {
        return None;
    }
    let input = if names.contains_key(&Component::Positions) {
        "embed"
    } else {
        "input"
    };
    names
        .entry(Component::Input)
        .or_insert_with(|| input.to_owned());
    names
        .entry(Component::Logits)
        .or_insert_with(|| "logits".to_owned());
    fill(&mut names);
    Some(names)
}

/// Gives the heads and MLPs between those that are named a place too.
fn fill(names: &mut BTreeMap<Component, String>) {
    let (layers, heads) = shape(names);
    let has_mlp = names.keys().any(|c| matches!(c, Component::Mlp(_)));
    for layer in 0..layers {
        for head in 0..heads {
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
fn shape(names: &BTreeMap<Component, String>) -> (usize, usize) {
    let count = |seen: usize, index: usize| seen.max(index.saturating_add(1)).min(MOST);
    names
        .keys()
        .fold((0, 0), |(layers, heads), component| match component {
            Component::Head(layer, head) => (count(layers, *layer), count(heads, *head)),
            Component::Mlp(layer) => (count(layers, *layer), heads),
            _ => (layers, heads),
        })
}

/// Rows and columns in pixels.
struct Grid {
    size: Size,
    layers: usize,
    heads: usize,
}

impl Grid {
    fn new(names: &BTreeMap<Component, String>, size: Size) -> Self {
        let (layers, heads) = shape(names);
        Self {
            size,
            layers,
            heads,
        }
    }

    fn height(&self) -> f64 {
        2.0 * MARGIN + steps(self.layers + 1) * self.size.row
    }

    fn y(&self, row: usize) -> f64 {
        self.height() - MARGIN - steps(row.min(self.layers + 1)) * self.size.row
    }

    fn rows(&self) -> Vec<(String, f64)> {
        let name = |row: usize| match row {
            0 => "input".to_owned(),
            row if row == self.layers + 1 => "output".to_owned(),
            row => format!("layer {}", row - 1),
        };
        (0..=self.layers + 1)
            .map(|row| (name(row), self.y(row)))
            .collect()
    }

    /// Width of a column.
    fn room(&self) -> f64 {
        (self.size.width - self.size.gutter) / steps(self.heads + 1)
    }

    /// The middle of a head's column; the MLP has the one after the last head.
    fn x(&self, column: usize) -> f64 {
        self.size.gutter + self.room() * (steps(column.min(self.heads)) + 0.4)
    }

    fn part(&self, component: Component, name: &str) -> Part {
        let middle = self.size.gutter + (self.size.width - self.size.gutter) * 0.47;
        let aside = self.size.width * 0.08;
        let (row, x, lift) = match component {
            Component::Input => (0, middle - aside, 0.0),
            Component::Positions => (0, middle + aside, 0.0),
            Component::Head(layer, head) => (layer.min(MOST) + 1, self.x(head), 0.0),
            Component::Mlp(layer) => (
                layer.min(MOST) + 1,
                self.x(self.heads),
                self.size.row * 0.35,
            ),
            Component::Logits => (self.layers + 1, middle, 0.0),
        };
        Part {
            name: name.to_owned(),
            row,
            point: (x, self.y(row) - lift),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of layers are small")]
fn steps(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    const SIZE: Size = Size {
        width: 1000.0,
        gutter: 90.0,
        row: 100.0,
    };

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
        let layout = Layout::new(&sample::transformer(), SIZE).expect("components");
        let y = |name: &str| {
            let found = layout.parts.values().find(|p| p.name == name);
            found.expect("there").point.1
        };
        assert!(y("input") > y("a0.h0") && y("a0.h0") > y("m0"));
        assert!(y("m0") > y("a1.h0") && y("m1") > y("logits"));
        assert_eq!(y("a0.h0"), y("a0.h1"));
        // Two layers of two heads and an MLP, the input and the logits.
        assert_eq!(layout.parts.len(), 8);
    }

    #[test]
    fn queries_keys_and_values_arrive_side_by_side() {
        let layout = Layout::new(&sample::transformer(), SIZE).expect("components");
        let ends = |port| (Component::Input, Component::Head(0, 1), port);
        let x = |port| layout.curve(ends(port)).expect("both are there")[3].0;
        assert!(x(Port::Query) < x(Port::Key) && x(Port::Key) < x(Port::Value));
    }

    #[test]
    fn numbers_without_end_do_no_harm() {
        let mut audit = sample::transformer();
        audit.circuits[0].edges[0].from = format!("a{0}.h{0}", usize::MAX);
        audit.circuits[0].edges[1].from = format!("m{}", usize::MAX);
        let layout = Layout::new(&audit, SIZE).expect("components");
        let is_inside = |p: &Part| p.point.0 <= SIZE.width && p.point.1 <= layout.height;
        assert!(layout.parts.values().all(is_inside));
        audit.circuits.clear();
        assert!(Layout::new(&audit, SIZE).is_none());
    }
}
