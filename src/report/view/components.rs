//! The components of a transformer for the view: heads and MLPs by layer, effects as values.

use std::collections::BTreeMap;

use crate::report::network::component_graph::LARGE;
use crate::report::network::component_graph::strongest;
use crate::report::network::components::Component;
use crate::report::network::components::Ends;
use crate::report::network::components::Layout;
use crate::report::network::components::Part;
use crate::report::network::components::ends;
use crate::report::packed::{base64, floats, wholes};
use crate::report::sites::clean;
use crate::report::view::layered::{path, steps};
use crate::report::view::{Ablation, Edges, Node, Path, Row, Stop, View};
use crate::result::{Audit, Circuit, NodeAblation};

/// The view of the components that the circuits name; `None` where they name none.
#[must_use]
pub fn components(audit: &Audit) -> Option<View> {
    let layout = Layout::new(audit, LARGE)?;
    let mut edges: Vec<(Ends, f64)> = strongest(&audit.circuits).into_iter().collect();
    edges.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    let index: BTreeMap<Component, usize> = layout.parts.keys().copied().zip(0..).collect();
    let at = |component: &Component| index.get(component).copied().unwrap_or(0);
    let ports: Vec<u8> = edges.iter().map(|((_, _, port), _)| *port as u8).collect();
    Some(View {
        value: "effect",
        width: layout.width,
        height: layout.height,
        solid: false,
        bent: true,
        rows: rows(&layout),
        nodes: layout.parts.values().map(|p| node(p, &layout)).collect(),
        edges: Edges {
            count: edges.len(),
            from: wholes(edges.iter().map(|((from, _, _), _)| at(from))),
            to: wholes(edges.iter().map(|((_, to, _), _)| at(to))),
            value: floats(edges.iter().map(|(_, effect)| *effect)),
            port: base64(&ports),
        },
        edges_total: audit
            .circuits
            .iter()
            .map(|c| c.edges_total)
            .max()
            .unwrap_or(0),
        bridges: Vec::new(),
        stops: stops(&edges),
        start: 0,
        marks: Vec::new(),
        circuits: circuits(audit, &edges),
        ablation: audit.nodes.first().map(|a| ablation(a, audit, &index)),
        samples: None,
    })
}

fn rows(layout: &Layout) -> Vec<Row> {
    let row = |(name, y): &(String, f64)| Row {
        name: name.clone(),
        y: *y,
        corners: None,
    };
    layout.rows.iter().map(row).collect()
}

fn node(part: &Part, layout: &Layout) -> Node {
    Node {
        site: part.name.clone(),
        name: part.name.clone(),
        row: part.row,
        x: part.point.0,
        y: part.point.1,
        r: layout.radius,
        ..Node::default()
    }
}

/// Zero, and steps of equal ratio from the weakest to the strongest effect.
fn stops(edges: &[(Ends, f64)]) -> Vec<Stop> {
    let high = edges.first().map_or(1.0, |(_, effect)| effect.abs());
    let low = edges.last().map_or(high, |(_, effect)| effect.abs());
    let mut stops = steps(low.max(high * 1e-6), high);
    stops.dedup_by(|a, b| a.threshold == b.threshold);
    for stop in &mut stops {
        stop.shown = edges.partition_point(|(_, effect)| effect.abs() >= stop.threshold);
    }
    stops
}

fn circuits(audit: &Audit, edges: &[(Ends, f64)]) -> Vec<Path> {
    let index: BTreeMap<Ends, usize> = edges.iter().map(|(ends, _)| *ends).zip(0..).collect();
    let circuit = |c: &Circuit| {
        let found = c
            .edges
            .iter()
            .filter_map(|e| Some((*index.get(&ends(e)?)?, e.effect)));
        path(c, own_name(c), found)
    };
    audit.circuits.iter().map(circuit).collect()
}

fn own_name(circuit: &Circuit) -> String {
    match clean(&circuit.output_name) {
        name if name.is_empty() => clean(&circuit.output),
        name => name,
    }
}

/// The effects of ablating components, by the outputs' own names where circuits give them.
fn ablation(
    ablation: &NodeAblation,
    audit: &Audit,
    index: &BTreeMap<Component, usize>,
) -> Ablation {
    let widest = ablation.effects.iter().max_by_key(|e| e.outputs.len());
    let outputs: Vec<&String> = widest
        .iter()
        .flat_map(|e| &e.outputs)
        .map(|o| &o.output)
        .collect();
    let mut table = vec![f64::NAN; index.len() * outputs.len()];
    for effect in &ablation.effects {
        let place = Component::parse(&effect.site).and_then(|c| index.get(&c));
        let Some(node) = place else { continue };
        for (k, output) in effect.outputs.iter().enumerate().take(outputs.len()) {
            if let Some(cell) = table.get_mut(node * outputs.len() + k) {
                *cell = output.effect;
            }
        }
    }
    let name = |site: &&String| {
        let circuit = audit.circuits.iter().find(|c| c.output == **site);
        circuit.map_or_else(|| clean(site), own_name)
    };
    Ablation {
        words: crate::report::view::layered::ablation_words(ablation),
        outputs: outputs.iter().map(name).collect(),
        effects: floats(table),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::sample;

    #[test]
    fn edges_of_one_pair_differ_by_what_they_feed() {
        let view = components(&sample::transformer()).expect("components");
        let ports: BTreeSet<char> = view.edges.port.chars().collect();
        assert!(ports.len() > 1, "{}", view.edges.port);
        assert_eq!(view.circuits.len(), 1);
        assert_eq!(view.stops[0].shown, view.edges.count);
        assert_eq!(view.nodes.len(), 8);
    }
}
