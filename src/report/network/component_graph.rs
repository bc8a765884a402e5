//! Circuits of a transformer: components by layer, edges by effect.

use std::collections::{BTreeMap, BTreeSet};

use svg::node::element::Element;

use crate::order;
use crate::report::circuits::figure::MOST_EDGES;
use crate::report::figures::canvas::{Figure, PHONE, disc, path, round, text, tip};
use crate::report::figures::legend::{self, Entry, Sample};
use crate::report::figures::palette::sign_class;
use crate::report::format::{count, number};
use crate::report::network::components::Component;
use crate::report::network::components::Ends;
use crate::report::network::components::Layout;
use crate::report::network::components::Port;
use crate::report::network::components::Size;
use crate::report::network::components::ends;
use crate::report::network::components::path_data;
use crate::result::{Audit, Circuit};

/// Over the whole width of a page.
pub const LARGE: Size = Size {
    width: 1040.0,
    gutter: 92.0,
    row: 110.0,
};

/// On the first screen of a phone.
const NARROW: Size = Size {
    width: PHONE,
    gutter: 8.0,
    row: 60.0,
};

/// As one of many.
const SMALL: Size = Size {
    width: 480.0,
    gutter: 8.0,
    row: 72.0,
};

/// Width of the strongest edge in pixels.
const WIDEST: f64 = 5.0;

/// Every edge of any of these circuits with its effect of the largest size.
#[must_use]
pub fn strongest<'c>(circuits: impl IntoIterator<Item = &'c Circuit>) -> BTreeMap<Ends, f64> {
    let mut effects: BTreeMap<Ends, f64> = BTreeMap::new();
    for edge in circuits.into_iter().flat_map(|c| &c.edges) {
        if let Some(ends) = ends(edge).filter(|_| edge.effect.is_finite()) {
            let strongest = effects.entry(ends).or_insert(edge.effect);
            if edge.effect.abs() > strongest.abs() {
                *strongest = edge.effect;
            }
        }
    }
    effects
}

/// All circuits of a result in one picture; `None` where none names a component.
#[must_use]
pub fn overview(audit: &Audit) -> Option<Figure> {
    let layout = Layout::new(audit, LARGE)?;
    let effects = strongest(&audit.circuits);
    let label = format!(
        "The components of the transformer with the {} edges of its circuits: blue positive effect, red negative",
        count(effects.len())
    );
    Some(draw("network", &label, &layout, &effects, true))
}

/// The same for a phone.
#[must_use]
pub fn narrow(audit: &Audit) -> Option<Figure> {
    let layout = Layout::new(audit, NARROW)?;
    let effects = strongest(&audit.circuits);
    let label = "The components of the transformer with the edges of its circuits";
    Some(draw("network-narrow", label, &layout, &effects, false))
}

/// One circuit as one of many pictures; `None` where it names no component.
#[must_use]
pub fn circuit(audit: &Audit, circuit: &Circuit, name: &str) -> Option<Figure> {
    let layout = Layout::new(audit, SMALL)?;
    let effects = strongest([circuit]);
    let label = format!(
        "The circuit of {} found by {}: {} of {} edges between components",
        circuit.output_name,
        circuit.method,
        count(circuit.edges_kept),
        count(circuit.edges_total)
    );
    Some(draw(name, &label, &layout, &effects, false))
}

fn draw(
    name: &str,
    label: &str,
    layout: &Layout,
    effects: &BTreeMap<Ends, f64>,
    is_large: bool,
) -> Figure {
    let (key, room) = if is_large {
        legend::draw(&key(), 4.0, layout.height + 4.0, layout.width)
    } else {
        (Vec::new(), 0.0)
    };
    let mut figure = Figure::new(name, label, layout.width, layout.height + room);
    if is_large {
        for (row, y) in &layout.rows {
            figure.add(text(4.0, y + 4.0, "small strong", row));
        }
    }
    figure.open("edges");
    for element in edges(layout, effects) {
        figure.add(element);
    }
    for element in key {
        figure.add(element);
    }
    figure.close();
    let busy: BTreeSet<Component> = effects
        .keys()
        .flat_map(|(from, to, _)| [*from, *to])
        .collect();
    for element in parts(layout, &busy, is_large) {
        figure.add(element);
    }
    figure
}

fn key() -> Vec<Entry> {
    vec![
        Entry::new(Sample::Line("pos"), "positive effect"),
        Entry::new(Sample::Line("neg"), "negative effect"),
        Entry::new(Sample::Line("edge ink"), "into queries, or a single input"),
        Entry::new(Sample::Line("edge ink port2"), "into keys"),
        Entry::new(Sample::Line("edge ink port3"), "into values"),
        Entry::new(
            Sample::Disc("node alone".to_owned(), None),
            "component without edges here",
        ),
    ]
}

/// The strongest edges, the strongest of them on top.
fn edges(layout: &Layout, effects: &BTreeMap<Ends, f64>) -> Vec<Element> {
    let mut sorted: Vec<(&Ends, f64)> = effects
        .iter()
        .map(|(ends, effect)| (ends, *effect))
        .collect();
    order::descending(&mut sorted, |one| one.1.abs());
    sorted.truncate(MOST_EDGES);
    let largest = sorted.first().map_or(1.0, |(_, effect)| effect.abs());
    let one = |(ends, effect): &(&Ends, f64)| {
        let share = (effect.abs() / largest).sqrt();
        let share = if share.is_finite() { share } else { 0.0 };
        let class = format!("edge {} port{}", sign_class(*effect), ends.2 as u8);
        let drawn = path(path_data(layout.curve(**ends)?), &class)
            .set("stroke-width", round(0.7 + (WIDEST - 0.7) * share))
            .set("stroke-opacity", round(0.5 + 0.5 * share))
            .add(tip(&words(layout, ends, *effect)));
        Some(drawn.into())
    };
    sorted.iter().rev().filter_map(one).collect()
}

fn words(layout: &Layout, (from, to, port): &Ends, effect: f64) -> String {
    let name = |component| layout.parts.get(component).map_or("", |p| p.name.as_str());
    let port = match port {
        Port::Only => "",
        Port::Query => " ⟨q⟩",
        Port::Key => " ⟨k⟩",
        Port::Value => " ⟨v⟩",
    };
    format!(
        "{} → {}{port}: effect {}",
        name(from),
        name(to),
        number(effect)
    )
}

/// Discs with names to their right, where there is room.
fn parts(layout: &Layout, busy: &BTreeSet<Component>, is_large: bool) -> Vec<Element> {
    let mut drawn = Vec::new();
    let has_room = layout.radius > if is_large { 9.0 } else { 11.0 };
    for (component, part) in &layout.parts {
        let is_busy = busy.contains(component);
        let (class, radius) = match is_busy {
            true => ("node free", layout.radius * 0.8),
            false => ("node alone", layout.radius * 0.45),
        };
        drawn.push(disc(part.point, radius, class).add(tip(&part.name)).into());
        if has_room || is_busy {
            let (x, y) = part.point;
            let class = if is_large { "halo" } else { "small halo" };
            drawn.push(text(x + layout.radius + 3.0, y + 4.0, class, &part.name));
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::Print;
    use crate::report::sample::{self, well_formed};

    #[test]
    fn every_edge_is_drawn_once() {
        let audit = sample::transformer();
        let figure = overview(&audit).expect("its circuits name components");
        assert_eq!(well_formed(&figure.file(&Print::default())), Ok(()));
        let edges = audit.circuits[0].edges.len();
        assert_eq!(figure.file(&Print::default()).matches("→").count(), edges);
        assert_eq!(
            figure.file(&Print::default()).matches("neg port").count(),
            2
        );
        let small = circuit(&audit, &audit.circuits[0], "c").expect("a circuit");
        assert_eq!(small.file(&Print::default()).matches("→").count(), edges);
    }
}
