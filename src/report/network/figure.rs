//! The network as in the BIMT paper: sites where they sit, weights blue and red.

use std::collections::BTreeSet;

use svg::node::Node as _;
use svg::node::element::Element;

use crate::order;
use crate::report::english::plural;
use crate::report::figures::canvas::{Figure, path, text, through, tip};
use crate::report::figures::legend::{self, Entry, Sample};
use crate::report::figures::palette::{MODULE_COLOURS, module_class, sign_class};
use crate::report::format::{count, number, short};
use crate::report::network::edges;
use crate::report::network::edges::Pen;
use crate::report::network::edges::Stroke;
use crate::report::network::labels;
use crate::report::network::labels::Lettering;
use crate::report::network::labels::Names;
use crate::report::network::labels::Side;
use crate::report::network::labels::Wanted;
use crate::report::network::links;
use crate::report::network::links::Passing;
use crate::report::network::nodes;
use crate::report::network::nodes::Groups;
use crate::report::network::scene::LARGE;
use crate::report::network::scene::MEDIUM;
use crate::report::network::scene::NARROW;
use crate::report::network::scene::SMALL;
use crate::report::network::scene::Scene;
use crate::report::network::scene::Size;
use crate::report::sites::{Place, Sites, Wire};
use crate::result::{Arrangement, Audit, Bridge, LinkKind, Modules, Network, Split};

/// Most bridges that are drawn apart: more are no longer a few edges one can see.
pub const MOST_BRIDGES: usize = 40;

/// Most edges outside the parts that the picture of a split shows.
pub const MOST_PALE: usize = edges::SINGLE;

/// Most weights that the still figure shows; the interactive view has all.
pub const MOST_DRAWN: usize = 20_000;

/// Width of the strongest weight in pixels.
const WIDEST: f64 = 5.5;

/// The threshold that the pictures of a result are drawn at.
#[must_use]
pub fn drawn_threshold(audit: &Audit) -> f64 {
    let modules = audit.modules.as_ref().map(|modules| modules.threshold);
    let pruned = audit.prune.as_ref().map(|prune| prune.threshold);
    pruned.or(modules).unwrap_or(0.0)
}

/// The first split above the threshold of the graph whose bridges are few enough to be seen.
#[must_use]
pub fn bridged_split(modules: &Modules) -> Option<&Split> {
    let is_bridged =
        |split: &&Split| split.threshold > modules.threshold && !split.bridges.is_empty();
    let first = modules.independence.splits.iter().find(is_bridged)?;
    (bridge_count(first) <= MOST_BRIDGES).then_some(first)
}

/// All bridges of a split, those that the result does not list included.
#[must_use]
pub fn bridge_count(split: &Split) -> usize {
    split.bridges_total.max(split.bridges.len())
}

/// The surviving network, coloured by module, with the edges that alone keep parts joined.
#[must_use]
pub fn overview(audit: &Audit) -> Figure {
    placed(audit, &audit.network, "network", MEDIUM)
}

/// The same for a phone: as wide as its screen, with letters that can be read.
#[must_use]
pub fn narrow(audit: &Audit) -> Figure {
    placed(audit, &audit.network, "network-narrow", NARROW)
}

/// The surviving network with its sites where relocation put them.
#[must_use]
pub fn relocated(audit: &Audit) -> Option<Figure> {
    let wiring = audit.modules.as_ref()?.wiring.as_ref()?;
    let found = wiring.relocation.as_ref()?;
    let mut moved = audit.network.clone();
    for ((layer, old), order) in moved
        .layers
        .iter_mut()
        .zip(&audit.network.layers)
        .zip(&found.orders)
    {
        for (place, site) in old.sites.iter().zip(order) {
            if let Some(site) = layer.sites.get_mut(*site) {
                (site.x, site.y) = (place.x, place.y);
            }
        }
    }
    Some(placed(audit, &moved, "network-relocated", MEDIUM))
}

/// The surviving network with its sites at the places of `network`.
fn placed(audit: &Audit, network: &Network, name: &str, size: Size) -> Figure {
    let sites = Sites::new(&audit.network);
    let wires = sites.surviving(drawn_threshold(audit));
    let scene = Scene::new(network, size);
    let mut groups = Groups::connected_by(&wires);
    let passages = links::alive(&audit.network, &wires);
    let passed = passages.iter().flat_map(|p| [p.from, p.to]);
    groups.connected.extend(passed);
    colour_by_module(&mut groups, audit, &sites);
    let bridges = audit.modules.as_ref().and_then(bridged_split);
    let bridges = bridges.map_or(&[][..], |split| &split.bridges);
    let apart: BTreeSet<(Place, Place)> = bridges.iter().filter_map(|b| ends(b, &sites)).collect();
    let mut plain: Vec<Wire> = wires
        .iter()
        .copied()
        .filter(|w| !apart.contains(&(w.from, w.to)))
        .collect();
    if plain.len() > MOST_DRAWN {
        order::descending(&mut plain, |one| one.weight.abs());
        plain.truncate(MOST_DRAWN);
    }
    let mut drawn = links::draw(&passages, &scene, &sites);
    drawn.extend(coloured(&plain, &scene, &sites, |wire| {
        sign_class(wire.weight)
    }));
    drawn.extend(
        bridges
            .iter()
            .filter_map(|bridge| bridge_line(bridge, &scene, &sites)),
    );
    let label = format!(
        "The network with its {} surviving weights: blue positive, red negative, sites coloured by module",
        count(wires.len())
    );
    let picture = Picture {
        edges: drawn,
        nodes: nodes::discs(&scene, &sites, &groups),
        names: names(&scene, &sites, &wires),
        legend: overview_legend(&plain, &groups, &passages, !apart.is_empty()),
        layers: layer_names(&scene, &sites, &groups),
    };
    picture.compose(name, &label, &scene)
}

/// Colours are the modules', in every picture of a result.
fn colour_by_module(groups: &mut Groups, audit: &Audit, sites: &Sites<'_>) {
    for assignment in audit.modules.iter().flat_map(|modules| &modules.partition) {
        groups.assign(sites, [&assignment.site], assignment.module);
    }
}

/// The network cut at a split: its sites bear the letters of their parts.
#[must_use]
pub fn split(audit: &Audit, split: &Split, name: &str) -> Figure {
    let sites = Sites::new(&audit.network);
    let wires = sites.surviving(split.threshold);
    let scene = Scene::new(
        &audit.network,
        Size {
            gap: 132.0,
            ..LARGE
        },
    );
    let mut groups = Groups::default();
    colour_by_module(&mut groups, audit, &sites);
    for (k, part) in split.components.iter().enumerate() {
        let all = part.inputs.iter().chain(&part.hidden).chain(&part.outputs);
        let places = all.filter_map(|name| sites.place(name));
        groups.part.extend(places.map(|place| (place, k)));
    }
    groups.connected = groups.part.keys().copied().collect();
    let is_live = |w: &Wire| {
        [w.from, w.to]
            .iter()
            .all(|place| groups.part.contains_key(place))
    };
    let (live, dead): (Vec<Wire>, Vec<Wire>) = wires.iter().partition(|wire| is_live(wire));
    let pale = if dead.len() > MOST_PALE {
        &[]
    } else {
        dead.as_slice()
    };
    let ways = pale.iter().filter_map(|wire| scene.way(wire.from, wire.to));
    let mut drawn = vec![edges::flat(ways, "pale", 1.0)];
    drawn.extend(coloured(&live, &scene, &sites, |wire| {
        sign_class(wire.weight)
    }));
    let label = format!(
        "The network without weights below {}: {} parts that share no edge, each with its own letter",
        number(split.threshold),
        split.components.len()
    );
    let picture = Picture {
        edges: drawn,
        nodes: nodes::discs(&scene, &sites, &groups),
        names: names(&scene, &sites, &live),
        legend: Vec::new(),
        layers: layer_names(&scene, &sites, &groups),
    };
    picture.compose(name, &label, &scene)
}

/// What a picture of a network is made of, from the ground up.
pub(in crate::report) struct Picture {
    /// Lines between sites.
    pub edges: Vec<Element>,
    /// The sites.
    pub nodes: Vec<Element>,
    /// Names of outputs above and inputs below.
    pub names: (Names, Names),
    /// The key.
    pub legend: Vec<Entry>,
    /// Names of the layers.
    pub layers: Vec<Element>,
}

impl Picture {
    /// Puts everything in its place on a figure of the right height.
    pub fn compose(self, name: &str, label: &str, scene: &Scene) -> Figure {
        let (above, below) = self.names;
        let margin = scene.size.radius + 6.0;
        let top = above.room + margin;
        let bottom =
            top + scene.height + below.room + margin + if scene.is_oblique() { 12.0 } else { 0.0 };
        let (key, key_height) =
            legend::draw(&self.legend, 4.0, bottom + 6.0, scene.size.width - 4.0);
        let room = if key_height > 0.0 {
            key_height + 10.0
        } else {
            0.0
        };
        let mut figure = Figure::new(name, label, scene.size.width, bottom + room);
        figure.open_below(top);
        group(&mut figure, "planes", plane_outlines(scene));
        group(&mut figure, "layernames", self.layers);
        group(&mut figure, "edges", self.edges);
        group(&mut figure, "sites", self.nodes);
        group(
            &mut figure,
            "names",
            above.elements.into_iter().chain(below.elements),
        );
        figure.close();
        group(&mut figure, "edges", key);
        figure
    }
}

fn group(figure: &mut Figure, class: &str, elements: impl IntoIterator<Item = Element>) {
    let mut elements = elements.into_iter().peekable();
    if elements.peek().is_none() {
        return;
    }
    figure.open(class);
    for element in elements {
        figure.add(element);
    }
    figure.close();
}

fn plane_outlines(scene: &Scene) -> Vec<Element> {
    let outline = |corners: &[(f64, f64); 4]| path(through(corners) + "Z", "plane").into();
    scene.planes.iter().map(outline).collect()
}

/// Wires as strokes of the page, coloured by a rule.
fn coloured(
    wires: &[Wire],
    scene: &Scene,
    sites: &Sites<'_>,
    colour: impl Fn(&Wire) -> &'static str,
) -> Vec<Element> {
    let has_tips = wires.len() <= edges::SINGLE;
    let stroke = |wire: &Wire| {
        Some(Stroke {
            way: scene.way(wire.from, wire.to)?,
            weight: wire.weight,
            class: colour(wire),
            tip: if has_tips {
                wire_words(wire, sites)
            } else {
                String::new()
            },
        })
    };
    let strokes: Vec<Stroke> = wires.iter().filter_map(stroke).collect();
    let pen = Pen::for_strokes(&strokes, WIDEST);
    edges::draw(strokes, pen, edges::SINGLE)
}

/// An edge in words: `x2 → h1.4: −0.91`.
pub(in crate::report) fn wire_words(wire: &Wire, sites: &Sites<'_>) -> String {
    let name = |place| {
        sites
            .at(place)
            .map_or_else(String::new, |site| sites.name(&site.site))
    };
    format!(
        "{} → {}: {}",
        name(wire.from),
        name(wire.to),
        number(wire.weight)
    )
}

fn ends(bridge: &Bridge, sites: &Sites<'_>) -> Option<(Place, Place)> {
    Some((sites.place(&bridge.from)?, sites.place(&bridge.to)?))
}

fn bridge_line(bridge: &Bridge, scene: &Scene, sites: &Sites<'_>) -> Option<Element> {
    let (from, to) = ends(bridge, sites)?;
    let words = wire_words(
        &Wire {
            from,
            to,
            weight: bridge.weight,
        },
        sites,
    );
    let class = match bridge.weight < 0.0 {
        true => "bridge neg",
        false => "bridge pos",
    };
    let mut drawn = scene.way(from, to)?.element(class);
    drawn.append(tip(&format!(
        "{words} (joins parts that a higher threshold separates)"
    )));
    Some(drawn)
}

/// Names of the outputs above and of the inputs below the layers.
pub(in crate::report) fn names(scene: &Scene, sites: &Sites<'_>, wires: &[Wire]) -> (Names, Names) {
    let last = sites.layers().len().saturating_sub(1);
    let outputs = wanted(scene, sites, last, wires);
    let inputs = wanted(scene, sites, 0, wires);
    let how = Lettering {
        offset: scene.size.radius + 6.0,
        font: scene.size.font,
        width: scene.size.width,
    };
    let is_grid = |layer: usize| {
        sites
            .layers()
            .get(layer)
            .is_some_and(|l| l.arrangement == Arrangement::Grid)
    };
    if scene.is_oblique() {
        let below = if is_grid(0) {
            Names::default()
        } else {
            labels::on_line(inputs, Side::Below, how)
        };
        return (labels::in_the_open(outputs, how), below);
    }
    (
        labels::on_line(outputs, Side::Above, how),
        below_folds(inputs, how),
    )
}

/// The names of inputs, of each fold below its own sites.
fn below_folds(mut inputs: Vec<Wanted>, how: Lettering) -> Names {
    order::ascending(&mut inputs, |wanted| wanted.point.1);
    let folds = inputs.chunk_by(|one, other| one.point.1 == other.point.1);
    let placed = folds.map(|fold| labels::on_line(fold.to_vec(), Side::Below, how));
    let both = |above: Names, below: Names| Names {
        elements: [above.elements, below.elements].concat(),
        room: below.room,
        left_out: above.left_out + below.left_out,
    };
    placed.reduce(both).unwrap_or_default()
}

fn wanted(scene: &Scene, sites: &Sites<'_>, layer: usize, wires: &[Wire]) -> Vec<Wanted> {
    let count = sites
        .layers()
        .get(layer)
        .map_or(0, |layer| layer.sites.len());
    let mut strength = vec![0.0; count];
    for wire in wires {
        for place in [wire.from, wire.to] {
            if let (true, Some(sum)) = (place.layer == layer, strength.get_mut(place.index)) {
                *sum += wire.weight.abs();
            }
        }
    }
    let one = |(index, importance)| {
        let place = Place { layer, index };
        let site = sites.at(place)?;
        if count > scene.size.names_all && importance <= 0.0 {
            return None;
        }
        Some(Wanted {
            point: scene.point(place)?,
            name: sites.name(&site.site),
            importance,
        })
    };
    strength.into_iter().enumerate().filter_map(one).collect()
}

/// The layers' names in the left margin, with how many of their sites are in use.
fn layer_names(scene: &Scene, sites: &Sites<'_>, groups: &Groups) -> Vec<Element> {
    let mut drawn = Vec::new();
    if !scene.size.names_layers() {
        return drawn;
    }
    let named = scene.named_layers();
    for (k, layer) in sites.layers().iter().enumerate() {
        let height = named.get(k).filter(|is_named| **is_named);
        let Some(y) = height.and_then(|_| scene.name_height(k)) else {
            continue;
        };
        let used = groups
            .connected
            .iter()
            .filter(|place| place.layer == k)
            .count();
        let words = format!("{} of {} used", count(used), count(layer.sites.len()));
        drawn.push(text(4.0, y - 1.0, "small strong", &layer.name));
        drawn.push(text(4.0, y + 13.0, "quiet small", &words));
    }
    drawn
}

fn overview_legend(
    wires: &[Wire],
    groups: &Groups,
    passages: &[Passing],
    has_bridges: bool,
) -> Vec<Entry> {
    let mut entries = vec![
        Entry::new(Sample::Line("pos"), "positive weight"),
        Entry::new(Sample::Line("neg"), "negative weight"),
    ];
    let strongest = wires.iter().map(|w| w.weight.abs()).fold(0.0, f64::max);
    if strongest > 0.0 {
        let words = format!("width: |w|, up to {}", short(strongest));
        entries.push(Entry::new(Sample::Words, words));
    }
    if wires.iter().any(|wire| wire.from.recurs_to(wire.to)) {
        entries.push(Entry::new(Sample::Words, "curves: to the next step"));
    }
    let kinds = [
        (LinkKind::Identity, "bypass", "passed on as it is"),
        (LinkKind::Spread, "bypass", "entry of a map"),
        (
            LinkKind::Attention,
            "gathered",
            "value gathered by attention",
        ),
    ];
    for (kind, class, words) in kinds {
        if passages.iter().any(|passing| passing.kind == kind) {
            entries.push(Entry::new(Sample::Line(class), words));
        }
    }
    if has_bridges {
        entries.push(Entry::new(Sample::Line("bridge pos"), "faint, joins parts"));
    }
    let modules: BTreeSet<usize> = groups.group.values().copied().collect();
    let disc = |m: &usize| Sample::Disc(format!("node {}", module_class(*m)), Some(*m));
    let named = modules.iter().take(MODULE_COLOURS);
    entries.extend(named.map(|m| Entry::new(disc(m), format!("module {m}"))));
    if modules.len() > MODULE_COLOURS {
        let more = modules.len() - MODULE_COLOURS;
        let words = format!("{} more {}", count(more), plural(more, "module", "modules"));
        entries.push(Entry::new(
            Sample::Disc("node m7 ring".to_owned(), None),
            words,
        ));
    }
    entries
}

/// The size of pictures that stand beside others.
pub(in crate::report) const MULTIPLE: Size = SMALL;
