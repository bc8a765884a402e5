//! Sites as discs: coloured by group where they have edges, small and grey where not.

use std::collections::{BTreeMap, BTreeSet};

use svg::node::element::Element;

use crate::report::figures::canvas::{self, disc, text, tip};
use crate::report::figures::palette::module_class;
use crate::report::format::number;
use crate::report::network::scene::Scene;
use crate::report::sites::{Place, Sites, Wire, clean};

/// Which sites belong where.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// The module or component of a site.
    pub group: BTreeMap<Place, usize>,
    /// Sites with at least one edge.
    pub connected: BTreeSet<Place>,
    /// The part of a site, where the picture tells parts apart: by letters, because
    /// colours are the modules'.
    pub part: BTreeMap<Place, usize>,
}

/// A part as a letter: `A`, `B`, ... and numbers from the 27th on.
#[must_use]
pub fn part_name(part: usize) -> String {
    match u8::try_from(part).ok().filter(|part| *part < 26) {
        Some(part) => char::from(b'A' + part).to_string(),
        None => (part + 1).to_string(),
    }
}

impl Groups {
    /// No groups; sites at the ends of these wires are connected.
    #[must_use]
    pub fn connected_by(wires: &[Wire]) -> Self {
        Self {
            connected: wires.iter().flat_map(|wire| [wire.from, wire.to]).collect(),
            ..Self::default()
        }
    }

    /// Adds sites by name to a group.
    pub fn assign<'s>(
        &mut self,
        sites: &Sites<'_>,
        names: impl IntoIterator<Item = &'s String>,
        group: usize,
    ) {
        let places = names.into_iter().filter_map(|name| sites.place(name));
        self.group.extend(places.map(|place| (place, group)));
    }
}

/// A disc with tooltip for every site, with the group's number inside where there is room.
#[must_use]
pub fn discs(scene: &Scene, sites: &Sites<'_>, groups: &Groups) -> Vec<Element> {
    let mut drawn = Vec::new();
    for (layer, points) in scene.points.iter().enumerate() {
        let radius = scene.radius(layer);
        for (index, point) in points.iter().enumerate() {
            let place = Place { layer, index };
            drawn.extend(site(*point, place, radius, sites, groups));
        }
    }
    drawn
}

fn site(
    point: (f64, f64),
    place: Place,
    radius: f64,
    sites: &Sites<'_>,
    groups: &Groups,
) -> Vec<Element> {
    let group = groups.group.get(&place).copied();
    let is_connected = groups.connected.contains(&place);
    let (class, radius) = match group {
        Some(group) if is_connected => (format!("node {}", module_class(group)), radius),
        _ if is_connected => ("node free".to_owned(), radius * 0.8),
        _ => ("node alone".to_owned(), (radius * 0.45).max(1.5)),
    };
    let words = describe(place, is_connected, sites, groups);
    let mut drawn: Vec<Element> = vec![disc(point, radius, &class).add(tip(&words)).into()];
    let part = groups.part.get(&place).map(|part| part_name(*part));
    let mark = part.or_else(|| group.map(|group| group.to_string()));
    if let (Some(mark), true, true) = (mark, is_connected, radius >= 6.5) {
        drawn.push(text(point.0, point.1 + 4.0, "number", &mark));
    }
    drawn
}

/// A site in words: `x2 · in files x0 · module 1 · bias −0.3 · activation 0.1 ± 0.6`.
fn describe(place: Place, is_connected: bool, sites: &Sites<'_>, groups: &Groups) -> String {
    let Some(site) = sites.at(place) else {
        return String::new();
    };
    let name = sites.name(&site.site);
    let in_files = (name != site.site).then(|| format!("in files {}", clean(&site.site)));
    let mut words = vec![name];
    words.extend(in_files);
    match groups.group.get(&place) {
        Some(group) if is_connected => words.push(format!("module {group}")),
        _ if !is_connected => words.push("no edges left".to_owned()),
        _ => {}
    }
    let part = groups.part.get(&place);
    words.extend(part.map(|part| format!("part {}", part_name(*part))));
    words.extend(site.bias.map(|bias| format!("bias {}", number(bias))));
    if let (Some(mean), Some(sd)) = (site.mean, site.sd) {
        words.push(format!("activation {} ± {}", number(mean), number(sd)));
    }
    words.join(" · ")
}

/// All sites as one path of dots, and those in use as another: for small drawings.
#[must_use]
pub fn dots(scene: &Scene, used: &BTreeSet<Place>) -> Vec<Element> {
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for (layer, points) in scene.points.iter().enumerate() {
        for (index, (x, y)) in points.iter().enumerate() {
            let is_used = used.contains(&Place { layer, index });
            let of = if is_used { &mut busy } else { &mut idle };
            of.push((x.round(), y.round()));
        }
    }
    vec![
        canvas::dots(&idle, 1.25, "dots").into(),
        canvas::dots(&busy, 3.0, "dots used").into(),
    ]
}
