//! A layered network for the view: sites where the figures have them, weights as values.

use std::collections::BTreeMap;

use crate::choice::MetricKind;
use crate::order;
use crate::report::format::{count, optional};
use crate::report::network::figure::bridged_split;
use crate::report::network::figure::drawn_threshold;
use crate::report::network::scene::LARGE;
use crate::report::network::scene::Scene;
use crate::report::packed::{floats, wholes};
use crate::report::page::opening::stretch;
use crate::report::sites::{Place, Sites, Wire, clean, plain};
use crate::report::view::{Ablation, Edges, Mark, Node, Path, Row, Stop, View};
use crate::result::{Audit, Circuit, CurvePoint, NodeAblation, Prune, Split};

/// Most edges of all circuits together that a page carries.
const CIRCUIT_EDGES: usize = 40_000;

/// Thresholds to choose from where none were measured.
const STOPS: usize = 100;

/// Most splits that are marked.
const MARKED: usize = 3;

/// Marks are at least this share of all stops apart: 1 / 12.
const CLOSEST: usize = 12;

/// Margin around the drawing: names of outputs above, of inputs below.
const MARGIN: f64 = 90.0;

/// The view of a layered network.
#[must_use]
pub fn layered(audit: &Audit) -> View {
    let sites = Sites::new(&audit.network);
    let scene = Scene::new(&audit.network, LARGE);
    let index = Index::new(&sites);
    let mut wires: Vec<Wire> = sites.wires().filter(|w| w.weight != 0.0).collect();
    order::descending(&mut wires, |one| one.weight.abs());
    let stops = stops(audit, &wires);
    let drawn = drawn_threshold(audit);
    let start = stops.iter().position(|s| s.threshold >= drawn);
    View {
        value: "weight",
        width: scene.size.width,
        height: scene.height + 2.0 * MARGIN,
        solid: scene.is_oblique(),
        bent: false,
        rows: rows(&sites, &scene),
        nodes: nodes(audit, &sites, &scene),
        edges: Edges {
            count: wires.len(),
            from: wholes(wires.iter().map(|w| index.of(w.from))),
            to: wholes(wires.iter().map(|w| index.of(w.to))),
            value: floats(wires.iter().map(|w| w.weight)),
            port: String::new(),
        },
        edges_total: audit.network.weight_count(),
        bridges: bridges(audit, &sites, &wires),
        start: start.unwrap_or(0),
        marks: marks(audit, &stops),
        stops,
        circuits: circuits(audit, &sites, &wires),
        ablation: audit.nodes.first().map(|a| ablation(a, &sites, &index)),
        samples: None,
    }
}

/// The place of every site among all nodes.
struct Index {
    first: Vec<usize>,
    count: usize,
}

impl Index {
    fn new(sites: &Sites<'_>) -> Self {
        let mut count = 0;
        let mut first = Vec::new();
        for layer in sites.layers() {
            first.push(count);
            count += layer.sites.len();
        }
        Self { first, count }
    }

    fn of(&self, place: Place) -> usize {
        self.first.get(place.layer).map_or(0, |f| f + place.index)
    }
}

fn rows(sites: &Sites<'_>, scene: &Scene) -> Vec<Row> {
    let named = scene.named_layers();
    let row = |(k, layer): (usize, &crate::result::Layer)| {
        let plane = scene.planes.get(k);
        Row {
            name: match named.get(k) {
                Some(true) => clean(&layer.name),
                _ => String::new(),
            },
            y: scene.name_height(k).unwrap_or(0.0) + MARGIN,
            corners: plane.map(|plane| plane.map(|(x, y)| [round(x), round(y + MARGIN)])),
        }
    };
    sites.layers().iter().enumerate().map(row).collect()
}

fn nodes(audit: &Audit, sites: &Sites<'_>, scene: &Scene) -> Vec<Node> {
    let assignments = audit.modules.iter().flat_map(|m| &m.partition);
    let module: BTreeMap<&str, usize> = assignments.map(|a| (a.site.as_str(), a.module)).collect();
    let mut nodes = Vec::new();
    for (row, layer) in sites.layers().iter().enumerate() {
        for (index, site) in layer.sites.iter().enumerate() {
            let point = scene.point(Place { layer: row, index });
            let (x, y) = point.unwrap_or((0.0, 0.0));
            let activation = site.mean.zip(site.sd).map(|(mean, sd)| [mean, sd]);
            nodes.push(Node {
                site: clean(&site.site),
                name: sites.name(&site.site),
                row,
                x: round(x),
                y: round(y + MARGIN),
                r: round(scene.radius(row)),
                plane: scene.is_oblique().then(|| Scene::on_plane(site, layer)),
                module: module.get(site.site.as_str()).copied(),
                bias: site.bias,
                activation,
            });
        }
    }
    nodes
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The measured thresholds, or even steps where there are none.
fn stops(audit: &Audit, wires: &[Wire]) -> Vec<Stop> {
    let mut stops: Vec<Stop> = match &audit.prune {
        Some(prune) => measured(prune),
        None => Vec::new(),
    };
    if stops.len() < 2 {
        stops.extend(even(wires));
    }
    stops.extend(splits(audit).map(split_stop));
    order::ascending(&mut stops, |one| one.threshold);
    stops.dedup_by(|a, b| a.threshold == b.threshold);
    for stop in &mut stops {
        stop.shown = wires.partition_point(|w| w.weight.abs() >= stop.threshold);
    }
    stops
}

/// The first splits, each with a stop of its own.
fn splits(audit: &Audit) -> impl Iterator<Item = &Split> {
    let all = audit.modules.iter().flat_map(|m| &m.independence.splits);
    all.filter(|split| split.threshold.is_finite()).take(MARKED)
}

fn split_stop(split: &Split) -> Stop {
    Stop {
        threshold: split.threshold,
        change: finite(split.max_abs_change),
        over: finite(split.change_over_tolerance),
        loss: split.loss,
        ..Stop::default()
    }
}

/// The verified threshold, the splits, and the widest stretch with few weights.
fn marks(audit: &Audit, stops: &[Stop]) -> Vec<Mark> {
    let mark = |threshold: f64, text: String| {
        let stop = stops.iter().position(|s| s.threshold >= threshold)?;
        Some(Mark { stop, text })
    };
    let prune = audit.prune.as_ref();
    let verified = prune.filter(|prune| prune.verified);
    let verified = verified.and_then(|prune| mark(prune.threshold, "verified".to_owned()));
    let few = prune.and_then(stretch);
    let few = few.and_then(|flat| mark(flat.from, format!("{} weights", flat.edges_kept)));
    let parts = splits(audit)
        .filter_map(|split| mark(split.threshold, format!("{} parts", split.components.len())));
    let mut marks: Vec<Mark> = verified.into_iter().chain(parts).chain(few).collect();
    marks.sort_by_key(|mark| mark.stop);
    // Of marks that would cover each other the first stays.
    let apart = stops.len() / CLOSEST;
    marks.dedup_by(|later, earlier| later.stop < earlier.stop + apart);
    marks
}

fn measured(prune: &Prune) -> Vec<Stop> {
    let point = |p: &CurvePoint| Stop {
        threshold: p.threshold,
        shown: 0,
        change: finite(p.max_abs_change),
        over: finite(p.change_over_tolerance),
        loss: p.loss,
        bound: p.bound,
    };
    let over = prune.outputs.iter().map(|o| o.max_abs_change / o.tolerance);
    let chosen = Stop {
        threshold: prune.threshold,
        shown: 0,
        change: finite(prune.max_abs_change),
        over: finite(over.fold(0.0, f64::max)),
        loss: prune.loss_after,
        bound: prune.certificate.as_ref().map(|c| c.bound),
    };
    let is_finite = |s: &Stop| s.threshold.is_finite();
    // The chosen one comes first, so that of two alike it is the one that stays.
    std::iter::once(chosen)
        .chain(prune.curve.iter().map(point))
        .filter(is_finite)
        .collect()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Zero, and steps of equal ratio from the smallest to the largest magnitude.
fn even(wires: &[Wire]) -> Vec<Stop> {
    let high = wires.first().map_or(1.0, |w| w.weight.abs());
    let low = wires.last().map_or(high, |w| w.weight.abs());
    steps(low.max(high * 1e-6), high)
}

/// Zero, and steps of equal ratio from `low` to `high`.
pub(super) fn steps(low: f64, high: f64) -> Vec<Stop> {
    let at = |threshold| Stop {
        threshold,
        ..Stop::default()
    };
    #[allow(clippy::cast_precision_loss, reason = "a hundred steps")]
    let share = |k: usize| k as f64 / STOPS as f64;
    let step = |k| at(low * (high / low).powf(share(k)));
    std::iter::once(at(0.0))
        .chain((0..=STOPS).map(step).filter(|s| s.threshold.is_finite()))
        .collect()
}

/// The bridges that the still figure dashes.
fn bridges(audit: &Audit, sites: &Sites<'_>, wires: &[Wire]) -> Vec<usize> {
    let split = audit.modules.as_ref().and_then(bridged_split);
    let listed = split.into_iter().flat_map(|split| &split.bridges);
    let ends = listed.filter_map(|b| Some((sites.place(&b.from)?, sites.place(&b.to)?)));
    let index = |ends| wires.iter().position(|w| (w.from, w.to) == ends);
    ends.filter_map(index).collect()
}

fn circuits(audit: &Audit, sites: &Sites<'_>, wires: &[Wire]) -> Vec<Path> {
    let ends = |w: &Wire| (w.from, w.to);
    let index: BTreeMap<(Place, Place), usize> = wires
        .iter()
        .enumerate()
        .map(|(k, w)| (ends(w), k))
        .collect();
    let most = CIRCUIT_EDGES / audit.circuits.len().max(1);
    let path = |circuit: &Circuit| {
        let found = circuit.edges.iter().filter_map(|edge| {
            let ends = (sites.place(&edge.from)?, sites.place(&edge.to)?);
            Some((*index.get(&ends)?, edge.effect))
        });
        path(circuit, sites.name(&circuit.output), found.take(most))
    };
    audit.circuits.iter().map(path).collect()
}

/// A circuit from the indices and effects of its edges.
pub(super) fn path(
    circuit: &Circuit,
    output: String,
    edges: impl Iterator<Item = (usize, f64)>,
) -> Path {
    let (indices, effects): (Vec<usize>, Vec<f64>) = edges.unzip();
    Path {
        output,
        method: circuit.method.to_string(),
        words: format!(
            "{} of {} edges, faithfulness {}; effects on {}",
            count(circuit.edges_kept),
            count(circuit.edges_total),
            optional(circuit.faithfulness),
            circuit.metric
        ),
        left_out: circuit.edges.len().saturating_sub(indices.len()),
        edges: wholes(indices),
        effects: floats(effects),
    }
}

fn ablation(ablation: &NodeAblation, sites: &Sites<'_>, index: &Index) -> Ablation {
    let mut outputs: Vec<&String> = Vec::new();
    let widest = ablation.effects.iter().max_by_key(|e| e.outputs.len());
    outputs.extend(widest.iter().flat_map(|e| &e.outputs).map(|o| &o.output));
    let mut table = vec![f64::NAN; index.count * outputs.len()];
    for effect in &ablation.effects {
        let Some(place) = sites.place(&effect.site) else {
            continue;
        };
        let row = index.of(place) * outputs.len();
        for (k, output) in effect.outputs.iter().enumerate() {
            if let Some(cell) = table.get_mut(row + k).filter(|_| k < outputs.len()) {
                *cell = output.effect;
            }
        }
    }
    Ablation {
        words: ablation_words(ablation),
        outputs: outputs.iter().map(|o| sites.name(o)).collect(),
        effects: floats(table),
    }
}

/// Metric and fill of an ablation.
pub(super) fn ablation_words(ablation: &NodeAblation) -> String {
    let reference = ablation.fill_reference.as_ref();
    let reference = reference.map_or_else(String::new, |set| format!(" over {}", plain(set)));
    let (metric, fill) = (
        ablation.metric.map_or("no output", MetricKind::name),
        ablation.fill.name(),
    );
    format!("{metric} ({fill} fill{reference})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_stop_shows_what_its_threshold_leaves() {
        let audit = sample::audit();
        let view = layered(&audit);
        let prune = audit.prune.as_ref().expect("the sample is pruned");
        assert!(view.stops.is_sorted_by(|a, b| a.threshold < b.threshold));
        assert_eq!(view.stops[view.start].threshold, prune.threshold);
        let sites = Sites::new(&audit.network);
        for stop in view.stops.iter().filter(|s| s.threshold > 0.0) {
            assert_eq!(stop.shown, sites.surviving(stop.threshold).len());
        }
        assert_eq!(view.stops.len(), prune.curve.len());
    }

    #[test]
    fn without_measurements_the_stops_are_even() {
        let mut audit = sample::audit();
        (audit.prune, audit.modules) = (None, None);
        let view = layered(&audit);
        assert_eq!(view.stops.len(), STOPS + 2);
        assert_eq!(view.stops[0].shown, view.edges.count);
        assert!(view.stops.iter().all(|s| s.change.is_none()));
    }

    #[test]
    fn what_a_result_lacks_the_view_lacks() {
        let mut audit = sample::audit();
        audit.circuits[0].edges[0].from = "nowhere".to_owned();
        let edges = audit.circuits[0].edges.len();
        let view = layered(&audit);
        assert_eq!(view.circuits[0].left_out, 1);
        assert_eq!(
            view.circuits[0].effects,
            floats(audit.circuits[0].edges[1..edges].iter().map(|e| e.effect))
        );
        audit.network.weights.clear();
        assert_eq!(layered(&audit).edges.count, 0);
    }
}
